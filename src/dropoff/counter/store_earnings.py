"""SQL of what places earn: rates, parcels that count, statements that stand."""

from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from dropoff.counter.paying import Rate
from dropoff.counter.tables import earning_statement, hand_in, parcel, parcel_rate
from dropoff.db import Tx
from dropoff.db.schema import insert


class RateRow(msgspec.Struct, frozen=True):
    id: str
    location_id: str | None
    operator: str | None
    amount: int
    currency: str
    valid_from: date
    set_at: datetime
    set_by: str


class Taken(msgspec.Struct, frozen=True):
    at: datetime
    parcels: int


def add_rate(tx: Tx, row: RateRow) -> None:
    tx.append(parcel_rate, msgspec.structs.asdict(row))


def rates_of(tx: Tx, location_id: str, operator: str) -> list[Rate]:
    """The place's own and, where it has a partner, the partner's."""
    mine = parcel_rate.c.location_id == location_id
    theirs = sa.and_(parcel_rate.c.operator == operator, sa.literal(operator != ""))
    return [
        Rate(
            id=row.id,
            own=row.location_id is not None,
            amount=row.amount,
            currency=row.currency,
            valid_from=row.valid_from,
            set_at=row.set_at,
        )
        for row in tx.read(sa.select(parcel_rate).where(sa.or_(mine, theirs)))
    ]


def rates(tx: Tx, location_id: str | None, operator: str | None, after: str, limit: int) -> list[RateRow]:
    """The newest first."""
    query = sa.select(parcel_rate).order_by(parcel_rate.c.id.desc()).limit(limit)
    for column, wanted in ((parcel_rate.c.location_id, location_id), (parcel_rate.c.operator, operator)):
        if wanted is not None:
            query = query.where(column == wanted)
    if after:
        query = query.where(parcel_rate.c.id < after)
    return [RateRow(**row._mapping) for row in tx.read(query)]


def taken_in(tx: Tx, location_id: str, live: bool, after: datetime, until: datetime) -> list[Taken]:
    """Hand-ins of that time which stood at its end: what was undone later is the next statement's."""
    stood = sa.or_(hand_in.c.undone_at.is_(None), hand_in.c.undone_at >= until)
    return _taken(tx, location_id, live, hand_in.c.received_at >= after, hand_in.c.received_at < until, stood)


def taken_back(tx: Tx, location_id: str, live: bool, after: datetime, until: datetime) -> list[Taken]:
    """Hand-ins of before that were undone within that time, by when they were handed in. Undo ends after minutes."""
    undone = sa.and_(hand_in.c.undone_at >= after, hand_in.c.undone_at < until)
    begun = hand_in.c.received_at >= after - timedelta(days=1)
    return _taken(tx, location_id, live, begun, hand_in.c.received_at < after, undone)


def _taken(tx: Tx, location_id: str, live: bool, *within: sa.ColumnElement[bool]) -> list[Taken]:
    query = (
        sa.select(hand_in.c.received_at, sa.func.count(parcel.c.id).label("parcels"))
        .join(parcel, parcel.c.hand_in_id == hand_in.c.id)
        .where(
            hand_in.c.location_id == location_id,
            hand_in.c.live == live,
            hand_in.c.verdict == "accepted",
            *within,
        )
        .group_by(hand_in.c.id, hand_in.c.received_at)
    )
    return [Taken(row.received_at, int(row.parcels)) for row in tx.read(query)]


def kept(tx: Tx, location_id: str, month: date) -> dict[str, Any] | None:
    wanted = (earning_statement.c.location_id == location_id, earning_statement.c.month == month)
    row = tx.first(sa.select(earning_statement.c.content).where(*wanted))
    return None if row is None else dict(row.content)


def keep(tx: Tx, location_id: str, month: date, content: dict[str, Any], at: datetime) -> None:
    """The first that was made stands."""
    row = {"location_id": location_id, "month": month, "content": content, "made_at": at}
    tx.change(insert(earning_statement).values(row).on_conflict_do_nothing())
