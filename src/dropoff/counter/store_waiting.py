"""SQL that counts parcels where they lie, to set right what was counted by and by."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from dropoff.counter.rules import WAITING_STATES
from dropoff.counter.tables import container, hand_in, parcel
from dropoff.db import Tx


class Whereabouts(msgspec.Struct, frozen=True):
    status: str
    location_id: str | None
    kind: str | None
    """Of the container it is in; None when it lies loose."""


def _here(location_ids: Collection[str] | None) -> list[sa.Select[Any]]:
    """Loose ones, then those in containers: both by indices that hold only what has not come home yet."""
    counted = sa.func.count().label("parcels")
    loose = sa.select(parcel.c.location_id, parcel.c.live, counted).where(
        parcel.c.container_id.is_(None), parcel.c.location_id.is_not(None), parcel.c.status.in_(WAITING_STATES)
    )
    inside = (
        sa.select(parcel.c.location_id, parcel.c.live, counted)
        .select_from(container)
        .join(parcel, parcel.c.container_id == container.c.id)
        .where(container.c.location_id.is_not(None), container.c.status.in_(("open", "sealed", "received")))
        .where(parcel.c.location_id == container.c.location_id, parcel.c.status.in_(WAITING_STATES))
    )
    if location_ids is not None:
        loose = loose.where(parcel.c.location_id.in_(location_ids))
        inside = inside.where(container.c.location_id.in_(location_ids))
    return [query.group_by(parcel.c.location_id, parcel.c.live) for query in (loose, inside)]


def waiting(tx: Tx, location_ids: Collection[str] | None = None) -> dict[tuple[str, bool], int]:
    """How many parcels lie where, by place and mode; places without any are left out."""
    found: dict[tuple[str, bool], int] = {}
    for query in _here(location_ids):
        for row in tx.read(query):
            key = str(row.location_id), bool(row.live)
            found[key] = found.get(key, 0) + int(row.parcels)
    return found


def whereabouts(tx: Tx, parcel_ids: Collection[str]) -> dict[str, Whereabouts]:
    query = (
        sa.select(parcel.c.id, parcel.c.status, parcel.c.location_id, container.c.kind)
        .join(container, container.c.id == parcel.c.container_id, isouter=True)
        .where(parcel.c.id.in_(list(parcel_ids)))
    )
    return {row.id: Whereabouts(row.status, row.location_id, row.kind) for row in tx.read(query)}


def last_hand_in(tx: Tx, location_id: str, live: bool, since: datetime) -> datetime | None:
    """Of those that stand."""
    handed_in_at = sa.case(
        (hand_in.c.scanned_at < hand_in.c.received_at, hand_in.c.scanned_at), else_=hand_in.c.received_at
    )
    row = tx.first(
        sa.select(sa.func.max(handed_in_at)).where(
            hand_in.c.location_id == location_id,
            hand_in.c.live == live,
            hand_in.c.verdict == "accepted",
            hand_in.c.undone_at.is_(None),
            hand_in.c.received_at >= since,
        )
    )
    return row[0] if row else None
