"""A start that cannot succeed says in one line what is wrong, and ends with a status."""

import logging
import socket
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from dropoff.cli import main
from dropoff.db.engines import migration_engine

Refused = Callable[..., str]


@pytest.fixture(autouse=True)
def _settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # a command puts its own there
    monkeypatch.setenv("DROPOFF_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("DROPOFF_SECRET", "a-secret-for-tests-only-0123456789")
    monkeypatch.delenv("DROPOFF_DATABASE_URL", raising=False)


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Refused:
    """Runs the command and answers the one line that it ends with."""

    def run(*arguments: str) -> str:
        assert main(arguments) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("dropoff: ")
        return line

    return run


def test_a_taken_port(refused: Refused) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        line = refused("serve", "--port", str(taken.getsockname()[1]))
    assert "is taken; choose another with --port" in line


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_an_address_that_is_not_ours(refused: Refused, host: str) -> None:
    assert f"cannot listen on {host}" in refused("serve", "--host", host)


def test_a_number_that_is_no_port(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["serve", "--port", "99999"])
    assert ended.value.code == 2
    assert "a port is a number from 1 to 65535" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://u:hidden@127.0.0.1:1/x", "cannot be opened or upgraded"),
        ("postgresql://u:hidden@127.0.0.1:port/x", "cannot be opened or upgraded"),
        ("sqlite:////no/such/folder/x.sqlite3", "cannot be opened or upgraded"),
        ("sqlite:///:memory:", "must name a file"),
        ("mysql://x", "must begin with sqlite:/// or postgresql://"),
    ],
)
def test_a_database_that_is_not_there(refused: Refused, monkeypatch: pytest.MonkeyPatch, url: str, told: str) -> None:
    monkeypatch.setenv("DROPOFF_DATABASE_URL", url)
    line = refused("worker")
    assert told in line
    assert "hidden" not in line


def test_a_file_that_is_no_database(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "dropoff.sqlite3").write_text("no database at all\n" * 100)
    assert "file is not a database" in refused("keys", "list")


def test_a_folder_that_is_a_file(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    assert "cannot be made" in refused("keys", "list")


def test_another_secret(refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["keys", "list"]) == 0
    monkeypatch.setenv("DROPOFF_SECRET", "another-secret-for-this-database")
    assert "DROPOFF_SECRET is not the one" in refused("keys", "list")


def test_a_newer_database(refused: Refused, tmp_path: Path) -> None:
    assert main(["migrate"]) == 0
    engine = migration_engine(f"sqlite:///{tmp_path}/data/dropoff.sqlite3")
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = 'fffff'"))
    engine.dispose()
    assert "a newer version made it" in refused("keys", "list")


@pytest.mark.parametrize("command", ["serve", "worker", "plugins"])
def test_a_broken_plugin_is_named(
    refused: Refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    found = tmp_path / "dropoff_carrier_broken-1.0.dist-info"
    found.mkdir()
    (found / "METADATA").write_text("Metadata-Version: 2.1\nName: dropoff-carrier-broken\nVersion: 1.0\n")
    (found / "entry_points.txt").write_text("[dropoff.carriers]\nbroken = no_such_module:connect\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = ["--port", str(probe.getsockname()[1])] if command == "serve" else []
    assert "'broken' of dropoff-carrier-broken 1.0" in refused(command, *port)


def test_a_command_beside_the_service_leaves_the_operator_key_alone(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DROPOFF_OPERATOR_KEY", "the-operator-key-of-the-service")
    assert main(["keys", "operator", "Night shift"]) == 0
    assert main(["keys", "list"]) == 0
    told = capsys.readouterr().out
    assert "Night shift" in told
    assert "BOOTSTRAP" not in told


def test_the_data_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    assert main(["migrate"]) == 0
    assert (tmp_path / "data").stat().st_mode & 0o077 == 0


def test_a_start_waits_for_whoever_writes(tmp_path: Path) -> None:
    assert main(["migrate"]) == 0
    with closing(sqlite3.connect(tmp_path / "data" / "dropoff.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with ThreadPoolExecutor(1) as pool:
            started = pool.submit(main, ["keys", "list"])
            with pytest.raises(TimeoutError):
                started.result(2.5)
            other.execute("COMMIT")
            assert started.result(30) == 0
