"""SQL of `location_load`: what is known of a place from what happens there."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from dropoff.db import Prepared, Tx
from dropoff.db.schema import Timestamp, db_now, insert
from dropoff.network.tables import location, location_load


class Load(msgspec.Struct, frozen=True):
    location_id: str
    waiting: int
    waiting_at: datetime
    capacity: int | None
    capacity_at: datetime | None
    hand_in_at: datetime | None
    driver_at: datetime | None
    tags: int | None
    tags_at: datetime | None
    printer: str | None
    printer_at: datetime | None
    touched_at: datetime


_IDS_AT_ONCE: Final = 500
FULL: Final = sa.and_(location_load.c.capacity.is_not(None), location_load.c.waiting >= location_load.c.capacity)
_COLUMNS = [location_load.c[name] for name in Load.__struct_fields__]
_FIND = Prepared(sa.select(*_COLUMNS).where(location_load.c.location_id == sa.bindparam("id")))


def _load(row: Any) -> Load:
    return Load(*row)


def _later(column: sa.Column[datetime], given: Any) -> Any:
    newer = sa.and_(given.is_not(None), sa.or_(column.is_(None), column < given))
    return sa.case((newer, given), else_=column)


def _counting() -> Prepared:
    load, more = location_load.c, sa.bindparam("waiting", type_=sa.Integer)
    moments = {name: sa.bindparam(name, type_=Timestamp) for name in ("waiting_at", "hand_in_at", "driver_at")}
    # A count that is off never stops a driver: it stays at 0 until the next recount.
    first = {"waiting": sa.case((more > 0, more), else_=0), **moments, "touched_at": db_now()}
    then = {
        "waiting": sa.case((load.waiting + more > 0, load.waiting + more), else_=0),
        **{name: _later(load[name], moment) for name, moment in moments.items()},
        "touched_at": db_now(),
    }
    statement = insert(location_load).values(location_id=sa.bindparam("key", type_=sa.String(30)), **first)
    return Prepared(statement.on_conflict_do_update(index_elements=[load.location_id], set_=then))


_COUNT = _counting()


def count(
    tx: Tx,
    location_id: str,
    waiting: int,
    at: datetime,
    *,
    hand_in_at: datetime | None = None,
    driver_at: datetime | None = None,
) -> None:
    tx.tally(_COUNT, location_id, waiting=waiting, waiting_at=at, hand_in_at=hand_in_at, driver_at=driver_at)


# Only where somebody told of tags, or rolls are registered. Nobody may take part in a ring of locks for it.
_USE_TAGS = Prepared(
    sa.update(location_load)
    .where(location_load.c.location_id == sa.bindparam("key"), location_load.c.tags.is_not(None))
    .values(
        tags=sa.case(
            (
                location_load.c.tags > sa.bindparam("used", type_=sa.Integer),
                location_load.c.tags - sa.bindparam("used"),
            ),
            else_=0,
        ),
        tags_at=sa.bindparam("tags_at", type_=Timestamp),
        touched_at=db_now(),
    )
)


def use_tags(tx: Tx, location_id: str, used: int, at: datetime) -> None:
    tx.tally(_USE_TAGS, location_id, used=used, tags_at=at)


def find(tx: Tx, location_id: str) -> Load | None:
    row = tx.first(_FIND, id=location_id)
    return _load(row) if row else None


def tell(tx: Tx, location_id: str, at: datetime, facts: dict[str, Any]) -> Load:
    """`facts`: columns that somebody told, each with its own moment. Makes the row when there is none."""
    values = {**facts, "touched_at": db_now()}
    fresh = {"location_id": location_id, "waiting": 0, "waiting_at": at}
    statement = insert(location_load).values(**fresh, **values)
    rows = tx.change(
        statement.on_conflict_do_update(index_elements=[location_load.c.location_id], set_=values).returning(*_COLUMNS)
    )
    return _load(rows[0])


def hold(tx: Tx, location_id: str, at: datetime) -> Load:
    """Nobody else counts there until the end of the transaction. What is counted from must be read afterwards, by a
    statement of its own: one that waits for a lock goes on reading from before."""
    fresh = {"location_id": location_id, "waiting": 0, "waiting_at": at, "touched_at": db_now()}
    tx.change(insert(location_load).values(fresh).on_conflict_do_nothing())
    row = tx.first(sa.select(*_COLUMNS).where(location_load.c.location_id == location_id).with_for_update())
    assert row is not None, "the row was just made sure of"
    return _load(row)


def set_counted(tx: Tx, location_id: str, values: dict[str, Any]) -> None:
    mine = location_load.c.location_id == location_id
    tx.change(sa.update(location_load).where(mine).values(**values, touched_at=db_now()))


def is_full() -> sa.ColumnElement[bool]:
    """Of a `location`, also by statements of others. Of all that are full there are few, so that they lead."""
    return location.c.id.in_(sa.select(location_load.c.location_id).where(FULL))


def is_silent(since: datetime) -> sa.ColumnElement[bool]:
    """Of a `location` that was there before: nothing was handed in or fetched since, if ever."""
    hand_in, driver = location_load.c.hand_in_at, location_load.c.driver_at
    lately = sa.exists().where(location_load.c.location_id == location.c.id, sa.or_(hand_in >= since, driver >= since))
    return sa.and_(location.c.created_at < since, ~lately.correlate(location))


def page(tx: Tx, after: str, limit: int) -> list[Load]:
    """In order of location."""
    query = sa.select(*_COLUMNS).where(location_load.c.location_id > after)
    return [_load(row) for row in tx.read(query.order_by(location_load.c.location_id).limit(limit))]


def touched_since(tx: Tx, since: datetime, after: str, limit: int) -> list[Load]:
    """In the order in which they were touched, places touched at one moment by their ids: the first so many of those
    behind that moment and place."""
    at, place = location_load.c.touched_at, location_load.c.location_id
    query = sa.select(*_COLUMNS).where(at >= since, sa.or_(at > since, place > after))
    return [_load(row) for row in tx.read(query.order_by(at, place).limit(limit))]


def of(tx: Tx, location_ids: Sequence[str]) -> dict[str, Load]:
    found: dict[str, Load] = {}
    for start in range(0, len(location_ids), _IDS_AT_ONCE):
        some = location_ids[start : start + _IDS_AT_ONCE]
        rows = tx.read(sa.select(*_COLUMNS).where(location_load.c.location_id.in_(some)))
        found |= {row.location_id: _load(row) for row in rows}
    return found


def database_time(tx: Tx) -> datetime:
    row = tx.first(sa.select(db_now()))
    assert row is not None
    at: datetime = row[0]
    return at


def waiting(tx: Tx) -> dict[str, int]:
    """Of places where something lies."""
    rows = tx.read(sa.select(location_load.c.location_id, location_load.c.waiting).where(location_load.c.waiting > 0))
    return {row.location_id: int(row.waiting) for row in rows}


def modes(tx: Tx, location_ids: Sequence[str]) -> dict[str, bool]:
    found: dict[str, bool] = {}
    for start in range(0, len(location_ids), _IDS_AT_ONCE):
        some = location_ids[start : start + _IDS_AT_ONCE]
        rows = tx.read(sa.select(location.c.id, location.c.live).where(location.c.id.in_(some)))
        found |= {row.id: bool(row.live) for row in rows}
    return found
