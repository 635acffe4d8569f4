"""All SQL of the returns room. Every question that a retailer asks names its tenant."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
import sqlalchemy as sa

from dropoff.db import Prepared, Tx, into, struct, structs
from dropoff.db.schema import insert
from dropoff.events.tables import event
from dropoff.returns.rules import CUSTODY_TRANSITIONS, RESOLUTION_TRANSITIONS, edge
from dropoff.returns.tables import TAKEN, WAITING, order, order_line, returns, unit


class OrderRow(msgspec.Struct, frozen=True):
    id: str
    retailer_id: str
    reference: str
    placed_at: datetime
    delivered_at: datetime | None
    currency: str
    live: bool
    content_hash: str
    shopper_email: str | None
    shopper_postcode: str | None
    shopper_country: str | None
    shopper_locale: str | None


class LineRow(msgspec.Struct, frozen=True):
    id: str
    sku: str
    title: str
    variant: str | None
    quantity: int
    unit_price: int
    weight_g: int | None
    category: str | None
    image_url: str | None


class ReturnRow(msgspec.Struct, frozen=True):
    id: str
    retailer_id: str
    order_id: str
    live: bool
    currency: str
    status: str
    created_at: datetime
    last_day_at: datetime
    expires_at: datetime
    generation: int
    holder: str | None
    next_kind: str | None
    next_at: datetime | None


class ThingRow(msgspec.Struct, frozen=True):
    weight_g: int | None
    category: str | None


class UnitRow(msgspec.Struct, frozen=True):
    id: str
    return_id: str
    retailer_id: str
    order_line_id: str
    ordinal: int
    sku: str
    title: str
    variant: str | None
    image_url: str | None
    price: int
    weight_g: int | None
    reason: str
    comment: str | None
    wanted: str
    exchange_for: str | None
    custody: str
    resolution: str
    parcel_id: str | None
    condition: str | None
    disposition: str | None
    handed_in_at: datetime | None
    received_at: datetime | None


class PassRow(msgspec.Struct, frozen=True):
    """The return that a code belongs to, with what tells which code it was."""

    id: str
    retailer_id: str
    order_id: str
    live: bool
    status: str
    last_day_at: datetime
    expires_at: datetime
    code_hash: str
    short_hash: str


class HappeningRow(msgspec.Struct, frozen=True):
    type: str
    at: datetime
    location_id: str | None
    data: dict[str, Any]


_ORDER = [order.c[name] for name in OrderRow.__struct_fields__]
_LINE = [order_line.c[name] for name in LineRow.__struct_fields__]
_RETURN = [returns.c[name] for name in ReturnRow.__struct_fields__]
_UNIT = [unit.c[name] for name in UnitRow.__struct_fields__]
_PASS = [returns.c[name] for name in PassRow.__struct_fields__]
_ID: sa.BindParameter[str] = sa.bindparam("id")
_IDS: sa.BindParameter[str] = sa.bindparam("ids", expanding=True)

_ORDER_BY_REFERENCE = sa.select(*_ORDER).where(
    order.c.retailer_id == sa.bindparam("retailer_id"), order.c.reference == sa.bindparam("reference")
)
_FIND_ORDER = Prepared(_ORDER_BY_REFERENCE)
_LOCK_ORDER = Prepared(_ORDER_BY_REFERENCE.with_for_update())
_ORDER_BY_ID = Prepared(sa.select(*_ORDER).where(order.c.id == _ID))
_REFERENCES = Prepared(sa.select(order.c.id, order.c.reference).where(order.c.id.in_(_IDS)))
_LINES = Prepared(sa.select(*_LINE).where(order_line.c.order_id == _ID).order_by(order_line.c.position))
_TAKEN = Prepared(sa.select(unit.c.order_line_id, unit.c.ordinal).where(unit.c.order_line_id.in_(_IDS), TAKEN))

_LOCK_RETURNS_OF = Prepared(
    sa.select(*_RETURN)
    .where(returns.c.id.in_(sa.select(unit.c.return_id).where(unit.c.id.in_(_IDS))))
    .order_by(returns.c.id)
    .with_for_update()
)
_FIND_PASSES = Prepared(
    sa.select(*_PASS).where(
        sa.or_(
            returns.c.code_hash.in_(sa.bindparam("codes", expanding=True)),
            returns.c.short_hash.in_(sa.bindparam("shorts", expanding=True)),
        )
    )
)
_UNITS_OF = Prepared(sa.select(*_UNIT).where(unit.c.return_id.in_(_IDS)).order_by(unit.c.return_id, unit.c.id))
_STATES = Prepared(sa.select(unit.c.return_id, unit.c.custody, unit.c.resolution).where(unit.c.return_id.in_(_IDS)))


@lru_cache
def _find_return(*, tenant: bool, lock: bool) -> Prepared:
    query = sa.select(*_RETURN).where(returns.c.id == _ID)
    if tenant:
        query = query.where(returns.c.retailer_id == sa.bindparam("retailer_id"))
    return Prepared(query.with_for_update() if lock else query)


@lru_cache
def _move_custody(event_name: str, names: tuple[str, ...], *, only_open: bool) -> Prepared:
    sources, target = edge(CUSTODY_TRANSITIONS, event_name)
    statement = sa.update(unit).where(unit.c.id.in_(_IDS), unit.c.custody.in_(sources))
    if only_open:
        statement = statement.where(unit.c.resolution == "open")
    return Prepared(statement.values(custody=target, **into(unit, *names)).returning(*_UNIT))


@lru_cache
def _move_resolution(event_name: str) -> Prepared:
    sources, target = edge(RESOLUTION_TRANSITIONS, event_name)
    statement = sa.update(unit).where(unit.c.id.in_(_IDS), unit.c.resolution.in_(sources))
    return Prepared(statement.values(resolution=target).returning(unit.c.id))


@lru_cache
def _save(names: tuple[str, ...]) -> Prepared:
    return Prepared(sa.update(returns).where(returns.c.id.in_(_IDS)).values(**into(returns, *names)))


# Orders


def add_order(tx: Tx, row: dict[str, Any]) -> bool:
    """False when the retailer has an order of that reference."""
    statement = insert(order).values(row).on_conflict_do_nothing().returning(order.c.id)
    return bool(tx.change(statement))


def add_lines(tx: Tx, rows: list[dict[str, Any]]) -> None:
    tx.append_many(order_line, rows)


def find_order(tx: Tx, retailer_id: str, reference: str, *, lock: bool = False) -> OrderRow | None:
    """Locked, everyone else who makes a return of the same order waits."""
    statement = _LOCK_ORDER if lock else _FIND_ORDER
    return struct(OrderRow, tx.first(statement, retailer_id=retailer_id, reference=reference))


def order_by_id(tx: Tx, order_id: str) -> OrderRow | None:
    rows = structs(OrderRow, tx.once(_ORDER_BY_ID, id=order_id))
    return rows[0] if rows else None


def references_of(tx: Tx, order_ids: Sequence[str]) -> dict[str, str]:
    return {row.id: row.reference for row in tx.read(_REFERENCES, ids=order_ids)}


def lines_of(tx: Tx, order_id: str) -> list[LineRow]:
    return structs(LineRow, tx.read(_LINES, id=order_id))


def taken_ordinals(tx: Tx, line_ids: Sequence[str]) -> dict[str, set[int]]:
    """Which of each line's things are in an open return."""
    taken: dict[str, set[int]] = {line_id: set() for line_id in line_ids}
    for row in tx.read(_TAKEN, ids=line_ids):
        taken[row.order_line_id].add(row.ordinal)
    return taken


# Returns


def add_return(tx: Tx, row: dict[str, Any]) -> None:
    tx.append(returns, row)


def take_units(tx: Tx, rows: list[dict[str, Any]]) -> int:
    """How many of the units could be taken; `uq_unit_open` keeps back what another return took meanwhile."""
    return tx.claim(unit, rows)


def things_to_hand_in(tx: Tx, return_id: str) -> list[ThingRow]:
    query = sa.select(unit.c.weight_g, order_line.c.category).join(order_line, unit.c.order_line_id == order_line.c.id)
    waiting = query.where(unit.c.return_id == return_id, unit.c.custody == "expected")
    return [ThingRow(row.weight_g, row.category) for row in tx.read(waiting)]


def categories_of(tx: Tx, return_id: str) -> dict[str, str | None]:
    """Of each unit, as its order says."""
    query = sa.select(unit.c.id, order_line.c.category).join(order_line, unit.c.order_line_id == order_line.c.id)
    return {row.id: row.category for row in tx.read(query.where(unit.c.return_id == return_id))}


def find_return(tx: Tx, return_id: str, retailer_id: str | None = None, *, lock: bool = False) -> ReturnRow | None:
    tenant = {} if retailer_id is None else {"retailer_id": retailer_id}
    return struct(ReturnRow, tx.first(_find_return(tenant=bool(tenant), lock=lock), id=return_id, **tenant))


def lock_returns_of(tx: Tx, unit_ids: Sequence[str]) -> list[ReturnRow]:
    """In the order of their ids, so that two who move many returns do not wait for each other in a circle."""
    return structs(ReturnRow, tx.read(_LOCK_RETURNS_OF, ids=unit_ids))


def list_returns(
    tx: Tx, retailer_id: str, status: str | None, reference: str | None, after: str | None, limit: int
) -> list[ReturnRow]:
    """Newest first."""
    query = sa.select(*_RETURN).where(returns.c.retailer_id == retailer_id)
    if status is not None:
        query = query.where(returns.c.status == status)
    if reference is not None:
        query = query.where(
            returns.c.order_id.in_(
                sa.select(order.c.id).where(order.c.retailer_id == retailer_id, order.c.reference == reference)
            )
        )
    if after is not None:
        query = query.where(returns.c.id < after)
    return [ReturnRow(**row._mapping) for row in tx.read(query.order_by(returns.c.id.desc()).limit(limit))]


def find_passes(tx: Tx, code_hashes: Sequence[str], short_hashes: Sequence[str]) -> list[PassRow]:
    return structs(PassRow, tx.read(_FIND_PASSES, codes=code_hashes, shorts=short_hashes))


def lengthen(tx: Tx, return_id: str, last_day_at: datetime, expires_at: datetime) -> None:
    tx.change(
        sa.update(returns).where(returns.c.id == return_id).values(last_day_at=last_day_at, expires_at=expires_at)
    )


def expired_returns(tx: Tx, now: datetime, limit: int) -> list[str]:
    """Ids of returns past their grace of which something is still expected and nothing was paid for it."""
    waiting = sa.exists().where(
        unit.c.return_id == returns.c.id, unit.c.custody == "expected", unit.c.resolution == "open"
    )
    query = sa.select(returns.c.id).where(WAITING, returns.c.expires_at < now, waiting).order_by(returns.c.expires_at)
    return [row.id for row in tx.read(query.limit(limit))]


def open_passes(tx: Tx, live: bool, now: datetime, limit: int) -> list[tuple[str, int, int]]:
    """Id, generation and number of things still expected, of the newest returns whose pass is good."""
    query = (
        sa.select(returns.c.id, returns.c.generation, sa.func.count().label("things"))
        .join(unit, unit.c.return_id == returns.c.id)
        .where(WAITING, returns.c.live == live, returns.c.expires_at >= now, unit.c.custody == "expected")
        .group_by(returns.c.id, returns.c.generation)
        .order_by(returns.c.id.desc())
        .limit(limit)
    )
    return [(row.id, row.generation, row.things) for row in tx.read(query)]


# Units


def units_of(tx: Tx, return_ids: Sequence[str]) -> list[UnitRow]:
    return structs(UnitRow, tx.read(_UNITS_OF, ids=return_ids))


def units_by_id(tx: Tx, unit_ids: Sequence[str], retailer_id: str | None = None) -> list[UnitRow]:
    query = sa.select(*_UNIT).where(unit.c.id.in_(unit_ids)).order_by(unit.c.id)
    if retailer_id is not None:
        query = query.where(unit.c.retailer_id == retailer_id)
    return [UnitRow(**row._mapping) for row in tx.read(query)]


def move_custody(
    tx: Tx, event_name: str, unit_ids: Sequence[str], values: dict[str, Any], *, only_open: bool = False
) -> list[UnitRow]:
    """Moves those units that stand at the beginning of the edge and answers them; the others stay as they are.

    `only_open`: none whose money has moved already.
    """
    statement = _move_custody(event_name, tuple(values), only_open=only_open)
    return sorted(structs(UnitRow, tx.change(statement, ids=unit_ids, **values)), key=lambda row: row.id)


def move_resolution(tx: Tx, event_name: str, unit_ids: Sequence[str]) -> list[str]:
    """Ids of the units that stood at the beginning of the edge, and now at its end."""
    return [row.id for row in tx.change(_move_resolution(event_name), ids=unit_ids)] if unit_ids else []


def states_of(tx: Tx, return_ids: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
    """(custody, resolution) of each unit, by return."""
    states: dict[str, list[tuple[str, str]]] = {}
    for row in tx.read(_STATES, ids=return_ids):
        states.setdefault(row.return_id, []).append((row.custody, row.resolution))
    return states


def save_returns(tx: Tx, return_ids: Sequence[str], values: dict[str, Any]) -> None:
    """Status, holder and next of several returns at once."""
    if return_ids and values:
        tx.change(_save(tuple(values)), ids=return_ids, **values)


def end_wait(tx: Tx, return_ids: Sequence[str], kinds: Sequence[str]) -> None:
    """Those of the returns that wait for one of these have no next step."""
    if return_ids:
        waiting = returns.c.id.in_(return_ids), returns.c.next_kind.in_(kinds)
        tx.change(sa.update(returns).where(*waiting).values(next_kind=None, next_at=None))


# The timeline


def happenings(tx: Tx, return_id: str, types: Sequence[str]) -> list[HappeningRow]:
    """What the log says of a return, oldest first."""
    query = (
        sa.select(event.c.type, event.c.at, event.c.location_id, event.c.data)
        .where(event.c.return_id == return_id, event.c.type.in_(types))
        .order_by(event.c.at, event.c.seq)
    )
    return [HappeningRow(**row._mapping) for row in tx.read(query)]
