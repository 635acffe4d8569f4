"""SQL of hand-ins: accepted ones and refused ones are rows of one table."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from dropoff.counter.tables import hand_in, parcel
from dropoff.db import Tx


class HandInRow(msgspec.Struct, frozen=True):
    id: str
    location_id: str
    device_id: str
    live: bool
    return_id: str | None
    retailer_id: str | None
    verdict: str
    reason: str | None
    request: dict[str, Any]
    scanned_at: datetime
    received_at: datetime
    undone_at: datetime | None


_COLUMNS = [hand_in.c[name] for name in HandInRow.__struct_fields__]


def _row(row: sa.Row[Any]) -> HandInRow:
    return HandInRow(**row._mapping)


def insert_hand_in(tx: Tx, row: dict[str, Any]) -> None:
    tx.append(hand_in, row)


def find(tx: Tx, hand_in_id: str) -> HandInRow | None:
    row = tx.first(sa.select(*_COLUMNS).where(hand_in.c.id == hand_in_id))
    return _row(row) if row else None


def find_by_receipt(tx: Tx, receipt_hash: str) -> HandInRow | None:
    row = tx.first(sa.select(*_COLUMNS).where(hand_in.c.receipt_hash == receipt_hash))
    return _row(row) if row else None


def latest_accepted(tx: Tx, device_id: str, since: datetime) -> HandInRow | None:
    """What the till could still take back, if nothing else stands against it."""
    query = (
        sa.select(*_COLUMNS)
        .where(
            hand_in.c.device_id == device_id,
            hand_in.c.verdict == "accepted",
            hand_in.c.undone_at.is_(None),
            hand_in.c.received_at >= since,
        )
        .order_by(hand_in.c.id.desc())
        .limit(1)
    )
    row = tx.first(query)
    return _row(row) if row else None


def mark_undone(tx: Tx, hand_in_id: str, at: datetime) -> bool:
    statement = (
        sa.update(hand_in)
        .where(hand_in.c.id == hand_in_id, hand_in.c.verdict == "accepted", hand_in.c.undone_at.is_(None))
        .values(undone_at=at)
        .returning(hand_in.c.id)
    )
    return bool(tx.change(statement))


def accepted_of(tx: Tx, return_id: str) -> list[HandInRow]:
    """Those that stand, oldest first."""
    query = (
        sa.select(*_COLUMNS)
        .where(hand_in.c.return_id == return_id, hand_in.c.verdict == "accepted", hand_in.c.undone_at.is_(None))
        .order_by(hand_in.c.id)
    )
    return [_row(row) for row in tx.read(query)]


def places_of(tx: Tx, parcel_ids: Collection[str]) -> dict[str, str]:
    """Where each parcel was handed in: its id to the location's."""
    query = (
        sa.select(parcel.c.id, hand_in.c.location_id)
        .join(hand_in, hand_in.c.id == parcel.c.hand_in_id)
        .where(parcel.c.id.in_(parcel_ids))
    )
    return {row.id: row.location_id for row in tx.read(query)}


class Custody(msgspec.Struct, frozen=True):
    """Where a parcel was handed in, and when by which clock."""

    location_id: str
    scanned_at: datetime
    received_at: datetime
    custody_at: datetime | None


def custodies_of(tx: Tx, parcel_ids: Collection[str]) -> dict[str, Custody]:
    query = (
        sa.select(parcel.c.id, *(hand_in.c[name] for name in Custody.__struct_fields__))
        .join(hand_in, hand_in.c.id == parcel.c.hand_in_id)
        .where(parcel.c.id.in_(parcel_ids))
    )
    return {row[0]: Custody(*tuple(row)[1:]) for row in tx.read(query)}


def took_times(tx: Tx, first_kept: str, limit: int) -> list[tuple[str, int]]:
    """(location, milliseconds) of the latest accepted hand-ins whose till measured its counter time. Ids sort by
    time."""
    query = (
        sa.select(hand_in.c.location_id, hand_in.c.took_ms)
        .where(hand_in.c.id >= first_kept, hand_in.c.verdict == "accepted", hand_in.c.took_ms.is_not(None))
        .order_by(hand_in.c.id.desc())
        .limit(limit)
    )
    return [(row.location_id, row.took_ms) for row in tx.read(query)]
