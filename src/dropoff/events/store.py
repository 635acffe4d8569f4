"""SQL of the log and of the cursors over it."""

from typing import Any

import sqlalchemy as sa

from dropoff.db import Tx
from dropoff.db.schema import insert, settled_below
from dropoff.events.tables import consumer, event


def settled_events(
    tx: Tx, after: tuple[int, int], limit: int, retailer_id: str | None, live: bool | None
) -> list[sa.Row[Any]]:
    """In the order (xid, seq), which no event that becomes visible later can precede."""
    query = (
        sa.select(event)
        .where(sa.tuple_(event.c.xid, event.c.seq) > sa.tuple_(*after), event.c.xid < settled_below())
        .order_by(event.c.xid, event.c.seq)
        .limit(limit)
    )
    if retailer_id is not None:
        query = query.where(event.c.retailer_id == retailer_id)
    if live is not None:
        query = query.where(event.c.live == live)
    return tx.read(query)


def any_after(tx: Tx, after: tuple[int, int]) -> bool:
    """Settled or not."""
    found = sa.select(sa.literal(1)).where(sa.tuple_(event.c.xid, event.c.seq) > sa.tuple_(*after)).limit(1)
    return tx.first(found) is not None


def event_by_id(tx: Tx, event_id: str) -> sa.Row[Any] | None:
    return tx.first(sa.select(event).where(event.c.id == event_id))


def ensure_consumer(tx: Tx, name: str) -> None:
    tx.change(insert(consumer).values(name=name, xid=0, seq=0).on_conflict_do_nothing())


def cursor(tx: Tx, name: str) -> tuple[int, int] | None:
    row = tx.first(sa.select(consumer.c.xid, consumer.c.seq).where(consumer.c.name == name))
    return None if row is None else (row.xid, row.seq)


def take_cursor(tx: Tx, name: str) -> tuple[int, int] | None:
    """None while another process holds it (or before it was made)."""
    row = tx.first(
        sa.select(consumer.c.xid, consumer.c.seq).where(consumer.c.name == name).with_for_update(skip_locked=True)
    )
    return None if row is None else (row.xid, row.seq)


def move_cursor(tx: Tx, name: str, position: tuple[int, int]) -> None:
    tx.change(sa.update(consumer).where(consumer.c.name == name).values(xid=position[0], seq=position[1]))


def events_of_place(tx: Tx, location_id: str, limit: int) -> list[sa.Row[Any]]:
    """Of the operator's log alone, the newest first."""
    mine = sa.and_(event.c.location_id == location_id, event.c.retailer_id.is_(None))
    return tx.read(sa.select(event).where(mine).order_by(event.c.seq.desc()).limit(limit))
