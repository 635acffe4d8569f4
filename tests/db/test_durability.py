"""What was answered stays, whatever is killed; and a database that comes back is used again."""

import itertools
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from dropoff.db import CommitUncertain, Database, Tx, Unavailable, lanes
from dropoff.db.engines import driver_url

PROCESS = Path(__file__).with_name("lane_process.py")

tallies = sa.Table(
    "tallies",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("n", sa.Integer, nullable=False),
)


def run(*args: object) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, str(PROCESS), *map(str, args)], stdout=subprocess.PIPE, text=True)


def prepare(db: Database, rows: int) -> None:
    db.write_sync(lambda tx: tx.change(sa.schema.CreateTable(tallies)))
    db.write_sync(lambda tx: tx.append_many(tallies, [{"id": n, "n": 0} for n in range(1, rows + 1)]))


def total(db: Database) -> int:
    return int(db.read_sync(lambda tx: tx.read(sa.select(sa.func.sum(tallies.c.n))))[0][0])


@pytest.mark.parametrize("round_", range(3))
def test_an_answered_write_survives_kill_9(database_url: str, round_: int) -> None:
    with closing(Database(database_url)) as db:
        prepare(db, 1)
    process = run("write", database_url)
    assert process.stdout is not None
    answered = [int(line) for line in itertools.islice(process.stdout, 40 + 37 * round_)]
    process.send_signal(signal.SIGKILL)
    answered += [int(line) for line in process.stdout if line.endswith("\n")]  # what it said before it died
    assert process.wait(30) == -signal.SIGKILL
    process.stdout.close()
    with closing(Database(database_url)) as db:
        kept = {row.id for row in db.read_sync(lambda tx: tx.read(sa.select(tallies.c.id)))}
        assert len(answered) >= 40
        assert set(answered) <= kept
        db.write_sync(lambda tx: tx.append(tallies, {"id": 1_000_000, "n": 0}))  # nothing is left locked


def test_900_concurrent_read_modify_writes_from_six_processes_lose_none(database_url: str, db: Database) -> None:
    prepare(db, 1)
    processes = [run("count", database_url, 150) for _ in range(6)]
    outputs = [process.communicate(timeout=100)[0] for process in processes]
    assert [int(output) for output in outputs] == [150] * 6
    assert total(db) == 900


def test_hot_rows_that_two_processes_fight_for_end_in_answers(database_url: str, db: Database) -> None:
    prepare(db, 60)
    processes = [run("hot", database_url, 400, seed) for seed in (1, 2)]
    answered = sum(int(process.communicate(timeout=100)[0]) for process in processes)
    assert answered == 800
    assert total(db) == 1600


def kill_connections(url: str) -> int:
    """As a restart of the database looks from our side."""
    with psycopg.connect(driver_url(url), autocommit=True) as connection:
        killed = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchall()
    return len(killed)


@pytest.fixture
def postgres(postgres_database_url: str) -> Iterator[Database]:
    with closing(Database(postgres_database_url)) as db:
        prepare(db, 1)
        yield db


def set_one(tx: Tx, n: int) -> int:
    return tx.count(sa.update(tallies).where(tallies.c.id == 1).values(n=n))


def test_lanes_come_back_after_a_restart_of_the_database(postgres: Database) -> None:
    for n in range(1, 6):
        assert postgres.write_sync(set_one, n) == 1
        assert total(postgres) == n
        assert kill_connections(postgres.url) >= 2
        assert total(postgres) == n  # a read is simply made again
    assert postgres.write_sync(set_one, 9) == 1


def test_callers_in_the_middle_of_a_restart_are_answered(postgres: Database) -> None:
    entered, release = threading.Event(), threading.Event()
    runs = []

    def slow(tx: Tx) -> str:
        tx.append(tallies, {"id": 2, "n": 1})
        runs.append(1)
        entered.set()
        assert release.wait(60)
        tx.append(tallies, {"id": 3, "n": 1})
        return "written"

    first = postgres.submit(slow)
    assert entered.wait(60)
    others = [postgres.submit(set_one, n) for n in range(10)]
    kill_connections(postgres.url)
    release.set()
    assert first.result(60) == "written"
    assert [other.result(60) for other in others] == [1] * 10
    assert len(runs) == 2  # the first try was lost whole, the second stands
    assert len(postgres.read_sync(lambda tx: tx.read(sa.select(tallies)))) == 3


BREAK_AT_COMMIT = [
    "CREATE FUNCTION break_off() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$",
    "CREATE CONSTRAINT TRIGGER break_off AFTER INSERT ON tallies DEFERRABLE INITIALLY DEFERRED"
    " FOR EACH ROW WHEN (NEW.id = 66) EXECUTE FUNCTION break_off()",
]


def test_a_commit_that_breaks_off_is_told_as_uncertain_and_never_repeated(postgres: Database) -> None:
    for statement in BREAK_AT_COMMIT:
        postgres.write_sync(lambda tx, text: tx.change(sa.text(text)), statement)
    runs = []

    def break_off(tx: Tx) -> None:
        runs.append(1)
        tx.append(tallies, {"id": 66, "n": 0})

    with pytest.raises(CommitUncertain):
        postgres.write_sync(break_off)
    assert len(runs) == 1
    assert postgres.write_sync(set_one, 5) == 1  # the lane goes on


def test_a_database_that_stays_away_is_told_as_unavailable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(lanes, "PATIENCE_S", 0.3)
    with closing(Database(f"postgresql://nobody@/nowhere?host={tmp_path}", listen=False)) as db:
        futures = [db.submit(set_one, n) for n in range(5)]
        assert {type(future.exception(30)) for future in futures} == {Unavailable}
        with pytest.raises(Unavailable):
            db.check()
