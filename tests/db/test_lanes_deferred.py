"""Appended rows wait, prepared statements go past Core, and nobody can tell, on both databases."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from dropoff.db import Database, Prepared, Tx
from dropoff.db.engines import driver_url
from dropoff.db.prepared import LIST_MAX, into
from dropoff.db.schema import Json, at, insert

metadata = sa.MetaData()
child = sa.Table(
    "a_child",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("parent_id", sa.Integer, sa.ForeignKey("parent.id"), nullable=False),
)
parent = sa.Table(
    "parent",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("data", Json),
    sa.Column("yes", sa.Boolean),
    at("at", nullable=True),
    sa.Column("share", sa.Float(53)),
)
MOMENT = datetime(2026, 3, 1, 12, 30, 15, 123_000, tzinfo=UTC)
FIND = Prepared(sa.select(parent).where(parent.c.id == sa.bindparam("id")))
AMONG = Prepared(sa.select(parent.c.id).where(parent.c.id.in_(sa.bindparam("ids", expanding=True))))
PUT = Prepared(insert(parent).values(**into(parent, "id")).on_conflict_do_nothing().returning(parent.c.id))
HANG_ON = Prepared(insert(child).values(**into(child, "id", "parent_id")).returning(child.c.id))
TURN = Prepared(sa.update(parent).where(parent.c.id == sa.bindparam("key")).values(**into(parent, "yes", "at")))


@pytest.fixture(autouse=True)
def _tables(db: Database) -> None:
    for table in (parent, child):
        db.write_sync(lambda tx, one: tx.change(sa.schema.CreateTable(one)), table)


def ids(db: Database, table: sa.Table = parent) -> list[int]:
    return [row.id for row in db.read_sync(lambda tx: tx.read(sa.select(table.c.id).order_by(table.c.id)))]


def add(tx: Tx, *numbers: int) -> None:
    for number in numbers:
        tx.append(parent, {"id": number})


@pytest.fixture
def sent(db: Database) -> Iterator[list[str]]:
    """Whatever the write lane sends, in its order."""
    found: list[str] = []

    def note(_c: Any, _cur: Any, statement: str, _p: Any, _ctx: Any, _many: bool) -> None:
        found.append(statement)

    sa.event.listen(db._write_engine, "before_cursor_execute", note)
    yield found
    sa.event.remove(db._write_engine, "before_cursor_execute", note)


def test_appended_rows_of_a_table_are_written_at_once(db: Database, sent: list[str]) -> None:
    def work(tx: Tx) -> None:
        add(tx, 1, 2)
        tx.append(child, {"id": 1, "parent_id": 2})
        add(tx, 3)

    db.write_sync(work)
    assert len([statement for statement in sent if statement.startswith("INSERT")]) == 2
    assert ids(db) == [1, 2, 3]


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


def test_rows_of_all_callers_of_a_group_are_written_together(db: Database, sent: list[str]) -> None:
    for future in as_one_group(db, [(add, n) for n in range(40)]):
        future.result(60)
    assert len([statement for statement in sent if statement.startswith("INSERT")]) == 1
    assert ids(db) == list(range(40))


def test_a_row_that_cannot_be_written_fails_its_caller_alone(db: Database) -> None:
    def look(tx: Tx, number: int) -> int:
        add(tx, number)
        return len(tx.read(AMONG, ids=[number]))  # writes the rows of those before it as well

    db.write_sync(add, 5)
    futures = as_one_group(db, [(look if n % 7 == 0 else add, n) for n in range(30)] + [(add, 5), (look, 6)])
    wrong = [n for n, future in enumerate(futures) if future.exception(10) is not None]
    assert [type(futures[n].exception(10)) for n in wrong] == [sa.exc.IntegrityError] * 3
    assert wrong == [5, 30, 31]
    assert ids(db) == list(range(30))


def test_a_caller_sees_what_its_neighbour_appended(db: Database) -> None:
    def hang_on(tx: Tx) -> int:
        return tx.claim(child, [{"id": 1, "parent_id": 3}, {"id": 2, "parent_id": 3}])

    first, second, third = as_one_group(db, [(add, 3), (hang_on,), (hang_on,)])
    assert (first.result(60), second.result(60), third.result(60)) == (None, 2, 0)


def test_claimed_rows_are_those_that_were_free(db: Database) -> None:
    def work(tx: Tx) -> tuple[int, ...]:
        add(tx, 4)
        counts = [tx.claim(parent, [{"id": n, "yes": True} for n in numbers]) for numbers in ([4], [1, 2], range(90))]
        return (*counts, tx.claim(parent, []))

    assert db.write_sync(work) == (0, 2, 87, 0)
    assert ids(db) == list(range(90))


@pytest.mark.parametrize("how", ["core", "prepared"])
def test_what_was_appended_is_seen_by_whoever_asks(db: Database, how: str) -> None:
    def work(tx: Tx) -> int:
        add(tx, 1)
        found = tx.read(FIND, id=1) if how == "prepared" else tx.read(sa.select(parent))
        assert [row.id for row in found] == [1]
        add(tx, 2)
        if how == "prepared":
            return tx.count(TURN, key=2, yes=True, at=None)
        return tx.count(parent.update().where(parent.c.id == 2).values(yes=True))

    assert db.write_sync(work) == 1


def test_children_are_written_after_their_parents(db: Database) -> None:
    def upside_down(tx: Tx) -> None:
        tx.append(child, {"id": 1, "parent_id": 7})
        add(tx, 7)

    def at_once(tx: Tx) -> None:
        add(tx, 8)
        assert tx.change(HANG_ON, id=2, parent_id=8)

    db.write_sync(upside_down)
    db.write_sync(at_once)
    assert ids(db, child) == [1, 2]


def test_rows_with_different_columns_are_all_written(db: Database) -> None:
    def work(tx: Tx) -> None:
        tx.append_many(parent, [{"id": 1}, {"id": 2, "yes": True}, {"yes": False, "id": 3}])

    db.write_sync(work)
    assert ids(db) == [1, 2, 3]


def test_a_savepoint_keeps_what_was_appended_before_it_and_drops_its_own(db: Database) -> None:
    def fail(tx: Tx, number: int) -> None:
        add(tx, number)
        tx.read(AMONG, ids=[1])
        raise KeyError(number)

    def work(tx: Tx) -> None:
        add(tx, 1)
        with tx.savepoint() as first:
            add(tx, 2)
            first.rollback()
        add(tx, 3)
        with tx.savepoint() as second:
            add(tx, 4)
            assert len(tx.read(sa.select(parent.c.id))) == 3  # 1 and 3 are written in here, by this question
            second.rollback()
        with pytest.raises(KeyError), tx.savepoint():
            fail(tx, 5)
        with tx.savepoint():
            add(tx, 6)
            with tx.savepoint() as inner:
                add(tx, 7)
                tx.read(AMONG, ids=[1])
                inner.rollback()

    db.write_sync(work)
    assert ids(db) == [1, 3, 6]


def test_an_append_that_cannot_be_written_fails_its_savepoint(db: Database) -> None:
    def work(tx: Tx) -> str:
        add(tx, 1)
        with pytest.raises(sa.exc.IntegrityError), tx.savepoint():
            add(tx, 2, 2)
        add(tx, 3)
        return "went on"

    assert db.write_sync(work) == "went on"
    assert ids(db) == [1, 3]


@pytest.mark.parametrize("count", [0, 1, 2, 3, LIST_MAX, LIST_MAX + 1, 100])
def test_lists_of_any_length(db: Database, count: int) -> None:
    db.write_sync(add, *range(120))
    found = db.read_sync(lambda tx: tx.read(AMONG, ids=list(range(count))))
    assert sorted(row.id for row in found) == list(range(count))


def test_a_prepared_answer_is_what_core_answers(db: Database) -> None:
    rows = [
        {"id": 1, "data": {"a": [1, None, "ø"]}, "yes": True, "at": MOMENT, "share": 0.5},
        {"id": 2, "data": None, "yes": None, "at": None, "share": None},
        {"id": 3, "data": "text", "yes": False, "at": MOMENT, "share": 2.0},
    ]
    db.write_sync(lambda tx: tx.append_many(parent, rows))

    def both(tx: Tx, number: int) -> tuple[Any, Any]:
        return tx.first(FIND, id=number), tx.first(sa.select(parent).where(parent.c.id == number))

    for row in rows:
        prepared, core = db.read_sync(both, row["id"])
        assert prepared == core
        assert dict(prepared._mapping) == dict(core._mapping) == row
        assert prepared.yes is row["yes"]
    assert db.read_sync(lambda tx: tx.first(FIND, id=9)) is None


def test_guards_answer_whether_they_took(db: Database) -> None:
    def guarded(tx: Tx) -> tuple[Any, ...]:
        first, again = tx.change(PUT, id=1), tx.change(PUT, id=1)
        return first, again, tx.count(TURN, key=1, yes=True, at=MOMENT), tx.count(TURN, key=9, yes=True, at=None)

    assert db.write_sync(guarded) == ([(1,)], [], 1, 0)
    assert db.read_sync(lambda tx: tx.first(FIND, id=1)) == (1, None, True, MOMENT, None)


@pytest.mark.parametrize("listened", [False, True])
def test_rows_are_counted_whoever_sends_the_statement(
    db: Database, listened: bool, request: pytest.FixtureRequest
) -> None:
    if listened:
        request.getfixturevalue("sent")
    take = Prepared(insert(parent).values(**into(parent, "id")).on_conflict_do_nothing())

    def work(tx: Tx) -> tuple[int, ...]:
        turned = [{"key": number, "yes": True, "at": None} for number in (1, 2, 9)]
        return (
            tx.count(take, id=1),
            tx.count(take, id=1),
            tx.count_many(take, [{"id": 1}]),
            tx.count_many(take, [{"id": 1}, {"id": 2}, {"id": 3}]),
            tx.count_many(TURN, turned),
            tx.count_many(take, []),
        )

    assert db.write_sync(work) == (1, 0, 0, 2, 2, 0)


def test_values_must_be_those_of_the_statement(db: Database) -> None:
    find = Prepared(FIND.statement)
    for _ in ("when it is compiled", "when it is used again"):
        for wrong in ({}, {"id": 1, "other": 2}, {"other": 2}):
            with pytest.raises((KeyError, TypeError)):
                db.read_sync(lambda tx, values: tx.read(find, **values), wrong)
        assert db.read_sync(lambda tx: tx.read(find, id=1)) == []


def test_an_error_of_the_driver_is_raised_as_core_would(db: Database) -> None:
    def clash(tx: Tx) -> None:
        tx.change(Prepared(sa.insert(parent).values(**into(parent, "id"))), id=1)

    db.write_sync(add, 1)
    with pytest.raises(sa.exc.IntegrityError) as raised:
        db.write_sync(clash)
    assert "hidden" in str(raised.value)  # parameters may be personal data
    with pytest.raises(sa.exc.DBAPIError):
        db.read_sync(lambda tx: tx.change(PUT, id=5))
    assert ids(db) == [1]


def test_who_listens_hears_the_prepared_too(db: Database, sent: list[str]) -> None:
    def work(tx: Tx) -> None:
        with tx.savepoint():
            tx.change(PUT, id=1)
        tx.count_many(TURN, [{"key": 1, "yes": True, "at": None}, {"key": 2, "yes": True, "at": None}])

    db.write_sync(work)
    assert [statement.split()[0] for statement in sent[1 if db.is_sqlite else 0 :]] == [
        "SAVEPOINT",
        "INSERT",
        "RELEASE",
        "UPDATE",
    ]


def test_what_is_asked_once_is_never_older_than_the_transaction_s_own_changes(db: Database) -> None:
    def yes(tx: Tx) -> Any:
        return tx.once(FIND, id=1)[0].yes

    def work(tx: Tx) -> list[Any]:
        seen = [yes(tx)]
        tx.count(TURN, key=1, yes=True, at=None)
        seen.append(yes(tx))
        tx.change(parent.update().values(yes=False))
        seen.append(yes(tx))
        with tx.savepoint() as taken_back:
            tx.count(TURN, key=1, yes=True, at=None)
            seen.append(yes(tx))
            taken_back.rollback()
        seen.append(yes(tx))
        assert tx.once(FIND, id=2) == []
        add(tx, 2)
        assert len(tx.once(FIND, id=2)) == 1
        return seen

    db.write_sync(add, 1)
    assert db.write_sync(work) == [None, True, False, True, False]


def test_what_is_asked_once_is_asked_again_in_the_next_transaction(db: Database) -> None:
    db.write_sync(add, 1)
    assert db.write_sync(lambda tx: tx.once(FIND, id=1)[0].yes) is None
    db.write_sync(lambda tx: tx.count(TURN, key=1, yes=True, at=None))
    assert db.write_sync(lambda tx: tx.once(FIND, id=1)[0].yes) is True


def test_lanes_come_back_after_a_restart_of_the_database(postgres_database_url: str) -> None:
    url = postgres_database_url
    with closing(Database(url)) as db:
        db.write_sync(lambda tx: tx.change(sa.schema.CreateTable(parent)))
        for n in range(1, 4):
            assert db.write_sync(lambda tx, number: tx.change(PUT, id=number), n)
            assert db.read_sync(lambda tx: tx.read(AMONG, ids=[1, 2, 3]))
            with psycopg.connect(driver_url(url), autocommit=True) as admin:
                admin.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            assert len(db.read_sync(lambda tx: tx.read(AMONG, ids=[1, 2, 3]))) == n
        db.write_sync(add, 9)
        assert ids(db) == [1, 2, 3, 9]


def test_a_held_row_is_waited_for_and_then_written(postgres_database_url: str) -> None:
    with closing(Database(postgres_database_url)) as db:
        db.write_sync(lambda tx: tx.change(sa.schema.CreateTable(parent)))
        db.write_sync(add, 1)
        with psycopg.connect(driver_url(db.url)) as rival:
            rival.execute("UPDATE parent SET yes = true WHERE id = 1")
            blocked = db.submit(lambda tx: tx.count(TURN, key=1, yes=False, at=None))
            db.write_sync(add, 2)  # the lane meets the lock first, and still serves
            assert not blocked.done()
        assert blocked.result(60) == 1
        found = db.read_sync(lambda tx: tx.first(FIND, id=1))
        assert found is not None
        assert found.yes is False
