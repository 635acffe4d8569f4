"""SQL of places kept by hand: their states, their closures, and how a change of one place reaches every search."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from dropoff.db import Tx
from dropoff.network import applying_store, load_store
from dropoff.network.tables import location, location_closure, location_load

WAKE = "network"


class Standing(msgspec.Struct, frozen=True):
    """How a place stands. The pause's columns may be set without one: see `tables`."""

    id: str
    state: str
    live: bool
    zone: str
    pause_reason: str | None
    paused_until: datetime | None
    paused_by: str | None


class Closure(msgspec.Struct, frozen=True, rename={"location_id": "location"}):
    """Both days are of the closure. `hours` is `off`, or the spans that hold instead of the usual ones."""

    id: str
    location_id: str
    first_day: date
    last_day: date
    hours: str
    reason: str
    created_at: datetime
    created_by: str
    removed_at: datetime | None


_standing = [location.c[name] for name in Standing.__struct_fields__]
_closure = [location_closure.c[name] for name in Closure.__struct_fields__]


def _standing_of(row: Any) -> Standing:
    return Standing(*row)


def _closure_of(row: Any) -> Closure:
    return Closure(*row)


def standing(tx: Tx, location_id: str) -> Standing | None:
    row = tx.first(sa.select(*_standing).where(location.c.id == location_id))
    return _standing_of(row) if row else None


def next_revision(tx: Tx) -> int:
    """Of the network, in force with this transaction: what carries it is searched by everybody within two seconds.
    Changes of the network follow one another from here on."""
    revision = applying_store.lock_network(tx) + 1
    applying_store.set_revision(tx, revision)
    tx.wake(WAKE)
    return revision


def move(tx: Tx, location_id: str, states: Sequence[str], values: dict[str, Any], at: datetime) -> Standing | None:
    """None when the place is not there, or in none of these states."""
    changed = values | {"revision": next_revision(tx), "updated_at": at}
    held = sa.and_(location.c.id == location_id, location.c.state.in_(states))
    rows = tx.change(sa.update(location).where(held).values(changed).returning(*_standing))
    return _standing_of(rows[0]) if rows else None


def touch(tx: Tx, location_id: str, at: datetime) -> None:
    """Something that searches show of the place has changed beside its own row."""
    values = {"revision": next_revision(tx), "updated_at": at}
    tx.change(sa.update(location).where(location.c.id == location_id).values(values))


def pauses_over(tx: Tx, at: datetime, limit: int) -> list[str]:
    """Paused places whose time has come."""
    over = sa.and_(location.c.paused_until.is_not(None), location.c.paused_until <= at, location.c.state == "paused")
    query = sa.select(location.c.id).where(over).order_by(location.c.paused_until, location.c.id)
    return [row.id for row in tx.read(query.limit(limit))]


def add_closure(tx: Tx, closure: Closure) -> None:
    tx.append(location_closure, msgspec.structs.asdict(closure))


def find_closure(tx: Tx, closure_id: str) -> Closure | None:
    """Also one that was taken back."""
    row = tx.first(sa.select(*_closure).where(location_closure.c.id == closure_id))
    return _closure_of(row) if row else None


def remove_closure(tx: Tx, closure_id: str, at: datetime) -> Closure | None:
    """None when it is not there or was taken back before."""
    held = sa.and_(location_closure.c.id == closure_id, location_closure.c.removed_at.is_(None))
    rows = tx.change(sa.update(location_closure).where(held).values(removed_at=at).returning(*_closure))
    return _closure_of(rows[0]) if rows else None


def closures(tx: Tx, location_ids: Sequence[str], since: date) -> list[Closure]:
    """In force on that day or later, in the order in which they were entered: for a day that several hold for, the
    last of them counts."""
    query = sa.select(*_closure).where(
        location_closure.c.location_id.in_(location_ids),
        location_closure.c.removed_at.is_(None),
        location_closure.c.last_day >= since,
    )
    return [_closure_of(row) for row in tx.read(query.order_by(location_closure.c.id))]


class Watched(msgspec.Struct, frozen=True):
    """A place that is full or silent, and what is known of it."""

    id: str
    name: str
    kind: str
    street: str
    postcode: str
    city: str
    country: str
    lat: float
    lon: float
    zone: str
    created_at: datetime
    waiting: int
    capacity: int | None
    hand_in_at: datetime | None
    driver_at: datetime | None
    is_full: bool


_load = location_load.c
_WATCHED: list[sa.ColumnElement[Any]] = [
    *(location.c[name] for name in Watched.__struct_fields__[:11]),
    sa.func.coalesce(_load.waiting, 0),
    _load.capacity,
    _load.hand_in_at,
    _load.driver_at,
    sa.case((load_store.FULL, True), else_=False),
]
_USED = sa.or_(_load.hand_in_at.is_not(None), _load.driver_at.is_not(None))
WATCHES = ("", "full", "silent", "stopped", "unused")


def watched(tx: Tx, silent_since: datetime, only: str, after: str, limit: int) -> list[Watched]:
    """Full places, and silent ones: in the network before that moment, and nothing was handed in or fetched since.
    `only`, one of `WATCHES`: `stopped` are silent places that were used once, `unused` those that never were, and empty
    is all of it. In the order of their ids."""
    silent = load_store.is_silent(silent_since)
    wanted = {
        "full": load_store.FULL,
        "silent": silent,
        "stopped": sa.and_(silent, _USED),
        "unused": sa.and_(silent, sa.not_(sa.func.coalesce(_USED, sa.false()))),
    }.get(only, sa.or_(load_store.FULL, silent))
    counted = only not in ("full", "stopped")  # among these are places where nothing was ever counted
    query = (
        sa.select(*_WATCHED)
        .join(location_load, _load.location_id == location.c.id, isouter=counted)
        .where(location.c.state.in_(("active", "paused")), location.c.kind != "hub", wanted, location.c.id > after)
    )
    return [_watched(row) for row in tx.read(query.order_by(location.c.id).limit(limit))]


def _watched(row: Any) -> Watched:
    values: list[Any] = [*row[:-1], bool(row[-1])]
    return Watched(*values)
