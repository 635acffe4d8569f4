"""SQL that counts what a place took in."""

from datetime import datetime

import msgspec
import sqlalchemy as sa

from dropoff.counter.tables import hand_in, parcel
from dropoff.db import Tx


class Counted(msgspec.Struct, frozen=True):
    """Of the hand-ins of some time: `customers` whose things were taken in, their `parcels`, and those `refused`."""

    customers: int = 0
    parcels: int = 0
    undone: int = 0
    refused: int = 0


def count(tx: Tx, location_id: str, live: bool, after: datetime, until: datetime) -> Counted:
    within = _within(location_id, live, after, until)
    accepted, stands = hand_in.c.verdict == "accepted", hand_in.c.undone_at.is_(None)
    row = tx.first(
        sa.select(
            _sum(sa.and_(accepted, stands)),
            _sum(sa.and_(accepted, sa.not_(stands))),
            _sum(hand_in.c.verdict == "refused"),
        ).where(*within)
    )
    held = tx.first(
        sa.select(sa.func.count())
        .select_from(hand_in.join(parcel, parcel.c.hand_in_id == hand_in.c.id))
        .where(*within, accepted, stands)
    )
    assert row is not None, "a sum is a row"
    customers, undone, refused = tuple(row)
    return Counted(int(customers), int(held[0]) if held else 0, int(undone), int(refused))


def _within(
    location_id: str, live: bool, after: datetime, until: datetime
) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool], sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return (
        hand_in.c.location_id == location_id,
        hand_in.c.received_at >= after,
        hand_in.c.received_at < until,
        hand_in.c.live == live,
    )


def _sum(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)
