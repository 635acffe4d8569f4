"""Cursors skip nothing and double nothing, however transactions interleave."""

import random
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from dropoff.db import Database, Tx
from dropoff.db.engines import normal_url
from dropoff.events import cursors, log, store
from dropoff.events.cursors import Consumer
from dropoff.events.tables import event
from dropoff.events.worker import Worker
from dropoff.kernel.clock import now


def happened(name: str, retailer: str | None = None, live: bool = True) -> log.Event:
    return log.Event(type=name, actor="system", at=now(), live=live, retailer_id=retailer)


def append(db: Database, *names: str) -> None:
    db.write_sync(lambda tx: log.append(tx, *(happened(name) for name in names)))


def collector(seen: list[str]) -> Consumer:
    """Keeps what it saw in the database too, so that a rolled-back batch leaves nothing."""

    def apply(tx: Tx, events: list[cursors.LoggedEvent]) -> None:
        tx.append_many(seen_table, [{"name": item.type} for item in events])
        seen.extend(item.type for item in events)

    return Consumer("collector", apply)


seen_table = sa.Table("seen", sa.MetaData(), sa.Column("name", sa.String(40)))


@pytest.fixture(autouse=True)
def _seen(request: pytest.FixtureRequest) -> None:
    for name in ("db", "postgres"):
        if name in request.fixturenames:
            request.getfixturevalue(name).write_sync(lambda tx: tx.change(sa.schema.CreateTable(seen_table)))


@pytest.fixture
def postgres(postgres_database_url: str) -> Iterator[Database]:
    with closing(Database(postgres_database_url)) as db:
        yield db


def drain(db: Database, consumer: Consumer) -> int:
    total = 0
    while moved := db.write_sync(cursors.consume, consumer):
        total += moved
    return total


def stored(db: Database) -> list[str]:
    return [row.name for row in db.read_sync(lambda tx: tx.read(sa.select(seen_table)))]


def test_a_consumer_sees_every_event_once_and_in_order(db: Database) -> None:
    seen: list[str] = []
    consumer = collector(seen)
    db.write_sync(cursors.install, [consumer])
    append(db, "a", "b")
    append(db, "c")
    assert drain(db, consumer) == 3
    append(db, "d")
    assert drain(db, consumer) == 1
    assert drain(db, consumer) == 0
    assert seen == ["a", "b", "c", "d"]


def test_batches_are_bounded(db: Database) -> None:
    consumer = collector([])
    db.write_sync(cursors.install, [consumer])
    append(db, *(f"e{n}" for n in range(25)))
    assert [db.write_sync(cursors.consume, consumer, 10) for _ in range(4)] == [10, 10, 5, 0]
    assert stored(db) == [f"e{n}" for n in range(25)]


def test_the_cursor_moves_with_the_batch_or_not_at_all(db: Database) -> None:
    broken = [True]

    def apply(tx: Tx, events: list[cursors.LoggedEvent]) -> None:
        tx.append_many(seen_table, [{"name": item.type} for item in events])
        if broken[0]:
            raise KeyError("not yet")

    consumer = Consumer("collector", apply)
    db.write_sync(cursors.install, [consumer])
    append(db, "a", "b")
    with pytest.raises(KeyError):
        db.write_sync(cursors.consume, consumer)
    assert stored(db) == []
    assert db.read_sync(store.cursor, "collector") == cursors.START
    broken[0] = False
    drain(db, consumer)
    assert stored(db) == ["a", "b"]


class Writer:
    """A transaction of another process that stays open as long as the test wants."""

    def __init__(self, engine: sa.Engine) -> None:
        self._connection = engine.connect()
        self._transaction = self._connection.begin()

    def append(self, name: str) -> None:
        log.append(Tx(self._connection), happened(name))

    def commit(self) -> None:
        self._transaction.commit()
        self._connection.close()

    def abort(self) -> None:
        self._transaction.rollback()
        self._connection.close()


@pytest.fixture
def rivals(postgres_database_url: str) -> Iterator[sa.Engine]:
    engine = sa.create_engine(normal_url(postgres_database_url), pool_size=20)
    yield engine
    engine.dispose()


def test_what_commits_late_is_not_skipped(postgres: Database, rivals: sa.Engine) -> None:
    """The first writer has the lower number and commits last: a cursor by number would have passed it."""
    seen: list[str] = []
    consumer = collector(seen)
    postgres.write_sync(cursors.install, [consumer])
    slow, quick = Writer(rivals), Writer(rivals)
    slow.append("slow 1")
    quick.append("quick")
    slow.append("slow 2")
    quick.commit()
    assert drain(postgres, consumer) == 0  # not settled while the slow one runs
    assert postgres.read_sync(cursors.has_more, "collector")
    slow.commit()
    drain(postgres, consumer)
    assert sorted(seen) == ["quick", "slow 1", "slow 2"]
    numbers = postgres.read_sync(lambda tx: tx.read(sa.select(event.c.seq, event.c.type)))
    by_name = {row.type: row.seq for row in numbers}
    assert by_name["slow 1"] < by_name["quick"] < by_name["slow 2"]


def test_what_was_rolled_back_leaves_no_hole(postgres: Database, rivals: sa.Engine) -> None:
    seen: list[str] = []
    consumer = collector(seen)
    postgres.write_sync(cursors.install, [consumer])
    first, second, third = Writer(rivals), Writer(rivals), Writer(rivals)
    for name, writer in (("first", first), ("second", second), ("third", third)):
        writer.append(name)
    third.commit()
    second.abort()
    assert drain(postgres, consumer) == 0
    first.commit()
    drain(postgres, consumer)
    assert sorted(seen) == ["first", "third"]


def test_a_savepoint_of_a_late_transaction_is_not_skipped_either(postgres: Database, rivals: sa.Engine) -> None:
    seen: list[str] = []
    consumer = collector(seen)
    postgres.write_sync(cursors.install, [consumer])
    slow = Writer(rivals)
    with Tx(slow._connection).savepoint():
        slow.append("inside")
    append(postgres, "own")
    assert drain(postgres, consumer) == 0
    slow.commit()
    drain(postgres, consumer)
    assert sorted(seen) == ["inside", "own"]


def test_a_long_transaction_in_another_database_holds_nothing_up(
    postgres: Database, rivals: sa.Engine, postgres_url: str
) -> None:
    seen: list[str] = []
    consumer = collector(seen)
    postgres.write_sync(cursors.install, [consumer])
    with psycopg.connect(postgres_url) as neighbour:
        neighbour.execute("SELECT pg_current_xact_id()")
        append(postgres, "a")
        drain(postgres, consumer)
        assert seen == ["a"]
        slow = Writer(rivals)
        slow.append("slow")
        append(postgres, "b")
        drain(postgres, consumer)
        assert seen == ["a"]  # one of this database does
        slow.commit()
        drain(postgres, consumer)
        assert sorted(seen) == ["a", "b", "slow"]


@pytest.mark.parametrize("seed", range(8))
def test_nothing_is_skipped_or_doubled_in_any_interleaving(postgres: Database, rivals: sa.Engine, seed: int) -> None:
    """Random transactions open, write, commit or abort in random order, with a read after every step."""
    dice = random.Random(seed)
    seen: list[str] = []
    consumer = collector(seen)
    postgres.write_sync(cursors.install, [consumer])
    open_writers: list[tuple[Writer, list[str]]] = []
    committed: list[str] = []
    for step in range(120):
        move = dice.random()
        if move < 0.3 and len(open_writers) < 8:
            open_writers.append((Writer(rivals), []))
        elif move < 0.7 and open_writers:
            writer, names = dice.choice(open_writers)
            names.append(f"e{step}")
            writer.append(names[-1])
        elif open_writers:
            writer, names = open_writers.pop(dice.randrange(len(open_writers)))
            if move < 0.95:
                writer.commit()
                committed += names
            else:
                writer.abort()
        drain(postgres, consumer)
        assert set(seen) <= set(committed)
    for writer, names in open_writers:
        writer.commit()
        committed += names
    drain(postgres, consumer)
    assert sorted(seen) == sorted(committed)
    assert sorted(stored(postgres)) == sorted(committed)


def test_one_process_at_a_time_moves_a_cursor(postgres: Database, rivals: sa.Engine) -> None:
    consumer = collector([])
    postgres.write_sync(cursors.install, [consumer])
    append(postgres, "a")
    with rivals.connect() as other, other.begin():
        assert cursors.consume(Tx(other), consumer) == 1
        assert postgres.write_sync(cursors.consume, consumer) == 0  # neither waits nor doubles
    assert postgres.write_sync(cursors.consume, consumer) == 0
    assert stored(postgres) == ["a"]


def test_two_workers_share_a_log_without_doubling(database_url: str, db: Database) -> None:
    wanted = {f"e{n}" for n in range(300)}
    done = threading.Event()
    with ExitStack() as stack:
        databases = [db, stack.enter_context(closing(Database(database_url)))]
        workers = [Worker(each, {}, [collector([])]) for each in databases]
        for worker in workers:
            worker.start()
            stack.callback(worker.stop)
        for n in range(0, 300, 3):
            append(databases[n % 2], *(f"e{n + k}" for k in range(3)))
        for _ in range(600):
            if len(stored(db)) >= 300:
                break
            done.wait(0.05)
    assert sorted(stored(db)) == sorted(wanted)


def test_a_reader_pages_through_its_own_tenants_log(db: Database) -> None:
    def fill(tx: Tx) -> None:
        for n in range(10):
            log.append(tx, happened(f"own {n}", "rtl_a"), happened(f"other {n}", "rtl_b"), happened("nobody's"))

    db.write_sync(fill)
    names: list[str] = []
    after = cursors.START
    while page := db.read_sync(cursors.read_settled, after, 3, "rtl_a"):
        names += [item.type for item in page]
        after = _round_trip(page[-1].position)
    assert names == [f"own {n}" for n in range(10)]


def _round_trip(position: cursors.Position) -> cursors.Position:
    decoded = cursors.decode(cursors.encode(position))
    assert decoded == position
    return decoded


@pytest.mark.parametrize("text", ["", "x", "0.0", "AA", "ÆØÅ", "MS4", "LTEuMg", "MS4yLjM", "a" * 59, "\x00"])
def test_a_cursor_that_is_none_is_told_apart(text: str) -> None:
    assert cursors.decode(text) is None


def test_what_an_event_says_comes_back_as_it_was_said(db: Database) -> None:
    said: dict[str, Any] = {
        "type": "parcel.handed_in",
        "actor": "device:dev_1",
        "at": now(),
        "live": False,
        "retailer_id": "rtl_a",
        "location_id": "loc_a",
        "return_id": "ret_a",
        "device_at": now(),
        "objects": {"units": ["unt_1", "unt_2"], "parcel": "pcl_1"},
        "data": {"text": "æøå ✓", "deep": [{"a": None}]},
    }
    (event_id,) = db.write_sync(lambda tx: log.append(tx, log.Event(**said)))
    (read,) = db.read_sync(cursors.read_settled, cursors.START, 10)
    assert read.id == event_id
    assert {name: getattr(read, name) for name in said} == said
