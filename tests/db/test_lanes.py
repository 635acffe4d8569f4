"""The promises of the write lane, each on both databases."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from dropoff.db import Contended, Database, NotWritten, Overloaded, Tx, lanes
from dropoff.db.engines import driver_url
from dropoff.db.faults import SwallowedError
from dropoff.db.schema import insert

notes = sa.Table(
    "notes",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("text", sa.String(50)),
)


@pytest.fixture(autouse=True)
def _notes(db: Database) -> None:
    db.write_sync(lambda tx: tx.change(sa.schema.CreateTable(notes)))


def add(tx: Tx, number: int) -> int:
    tx.append(notes, {"id": number, "text": "x"})
    return number


def fail_after_writing(tx: Tx, number: int) -> None:
    add(tx, number)
    raise ValueError(number)


def ids(db: Database) -> list[int]:
    return [row.id for row in db.read_sync(lambda tx: tx.read(sa.select(notes.c.id).order_by(notes.c.id)))]


def as_one_group(db: Database, calls: list[tuple[Callable[..., Any], Any]]) -> list[Future[Any]]:
    """Queues the calls while the lane is held, so that it takes them all at once."""
    entered, release = threading.Event(), threading.Event()

    def hold(_tx: Tx) -> None:
        entered.set()
        assert release.wait(60)

    db.submit(hold)
    assert entered.wait(60)
    futures = [db.submit(fn, *args) for fn, *args in calls]
    release.set()
    return futures


def test_a_group_shares_one_commit(db: Database) -> None:
    commits: list[sa.Connection] = []
    sa.event.listen(db._write_engine, "commit", commits.append)
    assert [future.result(60) for future in as_one_group(db, [(add, n) for n in range(40)])] == list(range(40))
    assert len(commits) <= 2  # the one that held the lane, and theirs


def test_failing_callers_never_harm_their_neighbours(db: Database) -> None:
    bad = {3, 7, 8, 20, 39}
    futures = as_one_group(db, [(fail_after_writing if n in bad else add, n) for n in range(40)])
    for number, future in enumerate(futures):
        if number in bad:
            assert isinstance(future.exception(10), ValueError)
        else:
            assert future.result(60) == number
    assert ids(db) == sorted(set(range(40)) - bad)


def test_a_broken_constraint_harms_only_its_caller(db: Database) -> None:
    """On PostgreSQL such an error spoils the whole transaction, the group's."""
    db.write_sync(add, 5)
    futures = as_one_group(db, [(add, n) for n in range(10)])
    outcomes = [type(future.exception(10)) for future in futures]
    assert outcomes == [type(None)] * 5 + [sa.exc.IntegrityError] + [type(None)] * 4
    assert ids(db) == list(range(10))


def test_two_callers_of_a_group_that_exclude_each_other_leave_one(db: Database) -> None:
    outcomes = [future.exception(10) for future in as_one_group(db, [(add, 1)] * 8)]
    assert outcomes.count(None) == 1
    assert ids(db) == [1]


def test_a_swallowed_database_error_is_never_answered_as_written(db: Database) -> None:
    """PostgreSQL turns the COMMIT of a spoiled transaction into a silent ROLLBACK."""
    db.write_sync(add, 5)

    def swallow(tx: Tx) -> str:
        try:
            tx.change(notes.insert().values(id=5, text="x"))
        except sa.exc.IntegrityError:
            return "went on"
        raise AssertionError

    futures = as_one_group(db, [(add, 1), (add, 2), (swallow,), (add, 3)])
    assert [futures[n].result(60) for n in (0, 1, 3)] == [1, 2, 3]
    assert ids(db) == [1, 2, 3, 5]
    if not db.is_sqlite:  # there, only the statement is undone
        assert isinstance(futures[2].exception(10), SwallowedError)


def test_a_savepoint_takes_back_what_was_half_taken(db: Database) -> None:
    def refuse(tx: Tx) -> str:
        with tx.savepoint() as guards:
            add(tx, 1)
            add(tx, 2)
            guards.rollback()
        add(tx, 3)  # the attempt's row
        return "refused"

    def fall(tx: Tx) -> str:
        add(tx, 4)
        with pytest.raises(sa.exc.IntegrityError), tx.savepoint():
            add(tx, 3)
        add(tx, 5)
        return "went on"

    assert [future.result(60) for future in as_one_group(db, [(refuse,), (fall,)])] == ["refused", "went on"]
    assert ids(db) == [3, 4, 5]


def test_guards_answer_whether_they_took(db: Database) -> None:
    def guarded(tx: Tx) -> tuple[list[Any], list[Any], int]:
        once = insert(notes).values(id=1, text="a").on_conflict_do_nothing().returning(notes.c.id)
        return tx.change(once), tx.change(once), tx.count(notes.update().where(notes.c.id == 1).values(text="b"))

    assert db.write_sync(guarded) == ([(1,)], [], 1)

    def counted(tx: Tx) -> list[int]:
        return [tx.count(insert(notes).values(id=2, text="c").on_conflict_do_nothing()) for _ in range(2)]

    assert db.write_sync(counted) == [1, 0]

    def upsert(tx: Tx) -> str:
        statement = insert(notes).values(id=1, text="c")
        tx.change(statement.on_conflict_do_update(index_elements=["id"], set_={"text": statement.excluded.text}))
        return tx.read(sa.select(notes.c.text))[0].text

    assert db.write_sync(upsert) == "c"


def test_the_queue_is_bounded(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "QUEUE_MAX", 3)
    calls: list[tuple[Callable[..., Any], Any]] = [(add, n) for n in range(4)]
    release = threading.Event()
    entered = threading.Event()

    def hold(_tx: Tx) -> None:
        entered.set()
        assert release.wait(60)

    db.submit(hold)
    assert entered.wait(60)
    waiting = [db.submit(fn, n) for fn, n in calls[:3]]
    with pytest.raises(Overloaded):
        db.submit(add, 99)
    release.set()
    assert [future.result(60) for future in waiting] == [0, 1, 2]
    assert ids(db) == [0, 1, 2]


def test_a_caller_who_hangs_up_does_not_undo_its_write(db: Database) -> None:
    entered, release = threading.Event(), threading.Event()

    def slow(tx: Tx) -> None:
        add(tx, 1)
        entered.set()
        assert release.wait(60)

    async def hang_up() -> None:
        task = asyncio.ensure_future(db.write(slow))
        await asyncio.to_thread(entered.wait, 10)
        queued = asyncio.ensure_future(db.write(add, 2))
        await asyncio.sleep(0)  # lets it queue
        task.cancel()
        queued.cancel()
        release.set()
        await asyncio.gather(task, queued, return_exceptions=True)
        await db.write(add, 3)

    asyncio.run(hang_up())
    assert ids(db) == [1, 2, 3]


def test_closing_answers_what_was_taken(database_url: str, db: Database) -> None:
    other = Database(database_url)
    futures = [other.submit(add, n) for n in range(50)]
    other.close()
    assert [future.result(0) for future in futures] == list(range(50))
    with pytest.raises(RuntimeError):
        other.submit(add, 99)


def test_a_transaction_cannot_wait_for_its_own_lane(db: Database) -> None:
    with pytest.raises(RuntimeError, match="own lane"):
        db.write_sync(lambda _tx: db.write_sync(add, 1))


def test_reads_cannot_write(db: Database) -> None:
    with pytest.raises(sa.exc.DBAPIError):
        db.read_sync(add, 1)


def test_a_read_sees_one_moment(db: Database) -> None:
    def look_twice(tx: Tx) -> tuple[int, int]:
        query = sa.select(sa.func.count()).select_from(notes)
        before = tx.read(query)[0][0]
        db.write_sync(add, 1)
        return before, tx.read(query)[0][0]

    assert db.read_sync(look_twice) == (0, 0)
    assert ids(db) == [1]


@pytest.fixture
def rival(db: Database, database_url: str) -> Iterator[sa.Connection]:
    """Another process's transaction, as the database sees it."""
    url = database_url if db.is_sqlite else database_url.replace("postgresql://", "postgresql+psycopg://")
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_a_held_row_delays_only_those_who_need_it(db: Database, rival: sa.Connection) -> None:
    if db.is_sqlite:
        pytest.skip("SQLite locks the database, not rows")
    db.write_sync(add, 1)
    db.write_sync(add, 2)
    rival.execute(notes.update().where(notes.c.id == 1).values(text="held"))

    def change(tx: Tx, number: int) -> int:
        return tx.count(notes.update().where(notes.c.id == number).values(text="changed"))

    blocked = db.submit(change, 1)
    free = [db.submit(change, 2) for _ in range(20)]
    assert [future.result(60) for future in free] == [1] * 20
    assert not blocked.done()
    rival.commit()
    assert blocked.result(60) == 1
    assert db.read_sync(lambda tx: tx.first(sa.select(notes.c.text).where(notes.c.id == 1))) == ("changed",)


def test_rows_held_for_too_long_end_in_an_answer(
    database_url: str, db: Database, rival: sa.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "PATIENCE_S", 0.3)
    monkeypatch.setattr(lanes, "SQLITE_PATIENCE_S", 0.3)
    db.write_sync(add, 1)
    change = notes.update().where(notes.c.id == 1).values(text="changed")
    with closing(Database(database_url)) as impatient:
        rival.execute(notes.update().where(notes.c.id == 1).values(text="held"))
        started = time.monotonic()
        futures = [impatient.submit(lambda tx: tx.count(change)) for _ in range(64)]
        assert {type(future.exception(60)) for future in futures} == {Contended}
        assert time.monotonic() - started < 60
        assert issubclass(Contended, NotWritten)
        rival.rollback()
        assert impatient.write_sync(lambda tx: tx.count(change)) == 1


def test_a_deadlock_is_tried_again(db: Database, rival: sa.Connection) -> None:
    """The lane holds row 1 and wants 2, the rival holds 2 and wants 1. One of them must give way; never the answer."""
    if db.is_sqlite:
        pytest.skip("one writer at a time knows no deadlock")
    db.write_sync(add, 1)
    db.write_sync(add, 2)
    has_one, rival_has_two = threading.Event(), threading.Event()

    def one_then_two(tx: Tx) -> str:
        tx.change(notes.update().where(notes.c.id == 1).values(text="lane"))
        has_one.set()
        assert rival_has_two.wait(60)
        tx.change(notes.update().where(notes.c.id == 2).values(text="lane"))
        return "done"

    future = db.submit(one_then_two)
    assert has_one.wait(60)
    rival.execute(notes.update().where(notes.c.id == 2).values(text="rival"))
    rival_has_two.set()
    rival.execute(notes.update().where(notes.c.id == 1).values(text="rival"))
    rival.commit()
    assert future.result(60) == "done"
    assert {row.text for row in db.read_sync(lambda tx: tx.read(sa.select(notes.c.text)))} == {"lane"}


def test_wakes_reach_this_process_and_the_others(db: Database, database_url: str) -> None:
    here, there = threading.Event(), threading.Event()
    with closing(Database(database_url)) as other:
        db.on_wake("notes", here.set)
        other.on_wake("notes", there.set)
        db.write_sync(lambda tx: tx.wake("notes"))
        assert here.wait(60)
        if db.is_sqlite:
            return  # no channel between processes there: they poll
        _until_listening(database_url, 2)
        there.clear()
        here.clear()
        db.write_sync(lambda tx: tx.wake("notes"))
        assert there.wait(60)
        assert here.wait(60)


def _until_listening(url: str, count: int) -> None:
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND (query LIKE 'LISTEN%' OR query LIKE '%pg_notify%')"
    )
    deadline = time.monotonic() + 60
    with psycopg.connect(driver_url(url), autocommit=True) as connection:
        while connection.execute(query).fetchone() != (count,):
            assert time.monotonic() < deadline


def test_a_failing_caller_wakes_nobody(db: Database) -> None:
    woken = []
    db.on_wake("notes", lambda: woken.append(1))

    def fail(tx: Tx) -> None:
        tx.wake("notes")
        raise KeyError("fails")

    with pytest.raises(KeyError, match="fails"):
        db.write_sync(fail)
    assert woken == []
