"""What many count in one row is written once, at the end, and right, on both databases."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from dropoff.db import Database, Prepared, Tx
from dropoff.db.schema import at, insert

metadata = sa.MetaData()
counter = sa.Table(
    "counter",
    metadata,
    sa.Column("name", sa.String(10), primary_key=True),
    sa.Column("n", sa.Integer, sa.CheckConstraint("n <> 13"), nullable=False),
    at("last", nullable=True),
)
_N, _LAST = sa.bindparam("n", type_=sa.Integer), sa.bindparam("last", type_=counter.c.last.type)
COUNT = Prepared(
    insert(counter)
    .values(name=sa.bindparam("key", type_=sa.String(10)), n=_N, last=_LAST)
    .on_conflict_do_update(index_elements=[counter.c.name], set_={"n": counter.c.n + _N, "last": _LAST})
)
LOOK = Prepared(sa.select(counter.c.n).where(counter.c.name == sa.bindparam("name")))
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _table(db: Database) -> None:
    db.write_sync(lambda tx: tx.change(sa.schema.CreateTable(counter)))


@pytest.fixture
def sent(db: Database) -> Iterator[list[str]]:
    """What the write lane sends to that table, in its order, once a row of values."""
    found: list[str] = []

    def note(_c: Any, _cur: Any, statement: str, parameters: Any, _ctx: Any, many: bool) -> None:
        if "INTO counter" in statement:
            found.extend(str(row) for row in (parameters if many else [parameters]))

    sa.event.listen(db._write_engine, "before_cursor_execute", note)
    yield found
    sa.event.remove(db._write_engine, "before_cursor_execute", note)


def counts(db: Database) -> dict[str, tuple[int, datetime | None]]:
    rows = db.read_sync(lambda tx: tx.read(sa.select(counter)))
    return {row.name: (row.n, row.last) for row in rows}


def count(tx: Tx, name: str, n: int, last: datetime | None = None) -> None:
    tx.tally(COUNT, name, n=n, last=last)


def as_one_group(db: Database, calls: list[tuple[Callable[..., Any], Any]]) -> list[Future[Any]]:
    entered, release = threading.Event(), threading.Event()

    def hold(_tx: Tx) -> None:
        entered.set()
        assert release.wait(10)

    db.submit(hold)
    assert entered.wait(10)
    futures = [db.submit(fn, *args) for fn, *args in calls]
    release.set()
    return futures


def test_a_group_counts_once_a_key_in_order(db: Database, sent: list[str]) -> None:
    calls: list[Any] = [(count, "zab"[n % 3], n, NOON + timedelta(minutes=n) if n % 2 else None) for n in range(30)]
    for future in as_one_group(db, calls):
        future.result(10)
    assert len(sent) == 3
    assert [next(key for key in "abz" if f"'{key}'" in row) for row in sent] == ["a", "b", "z"]
    assert counts(db) == {
        key: (sum(range(start, 30, 3)), NOON + timedelta(minutes=last))
        for key, start, last in (("z", 0, 27), ("a", 1, 25), ("b", 2, 29))
    }


def test_whoever_reads_sees_what_was_counted(db: Database) -> None:
    def look(tx: Tx, how: str) -> list[Any]:
        count(tx, "a", 2)
        if how == "prepared":
            return [row.n for row in tx.read(LOOK, name="a")]
        query = sa.select(counter.c.n) if how == "core" else sa.text("SELECT n FROM counter")
        found = tx.read(query)
        count(tx, "a", 1)
        return [row.n for row in found]

    assert [db.write_sync(look, how) for how in ("prepared", "core", "text")] == [[2], [4], [7]]
    assert counts(db)["a"] == (8, None)


def test_what_is_rolled_back_was_not_counted(db: Database) -> None:
    def work(tx: Tx) -> None:
        count(tx, "a", 1)
        for inner in (10, 100):
            with tx.savepoint() as savepoint:
                count(tx, "a", inner)
                if inner == 100:
                    assert tx.read(LOOK, name="a")[0].n == 111
                savepoint.rollback()
            count(tx, "a", 0)
            if inner == 10:
                count(tx, "a", 10)
        with tx.savepoint():
            count(tx, "a", 1000)

    db.write_sync(work)
    assert counts(db)["a"] == (1011, None)


def test_who_cannot_be_counted_fails_alone(db: Database) -> None:
    futures = as_one_group(db, [(count, "bad" if n == 5 else "good", 13 if n == 5 else 2) for n in range(20)])
    assert [n for n, future in enumerate(futures) if future.exception(10) is not None] == [5]
    assert counts(db) == {"good": (38, None)}


def test_two_processes_count_in_the_same_rows(db: Database, database_url: str) -> None:
    with closing(Database(database_url)) as second:
        futures = [(db, second)[n % 2].submit(count, f"k{n * 7 % 5}", 1) for n in range(400)]
        for future in futures:
            future.result(60)
    assert {n for n, _ in counts(db).values()} == {80}
