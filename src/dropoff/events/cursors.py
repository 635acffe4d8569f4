"""Reading the log: consumers that keep a cursor, and clients that bring theirs.

Sequence numbers become visible out of order when several processes write, so a cursor that went by them would skip
what commits late. Events are therefore ordered by (writing transaction, number), and only those are read whose
transaction, and every one before it, has ended: nothing can come to lie behind the cursor.
"""

import base64
import binascii
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from dropoff.db import Tx
from dropoff.events import store

BATCH = 100
Position = tuple[int, int]
START: Position = (0, 0)


class LoggedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """As `log.Event`, with what the log has added."""

    position: Position
    id: str
    type: str
    actor: str
    at: datetime
    live: bool
    retailer_id: str | None
    location_id: str | None
    return_id: str | None
    device_at: datetime | None
    objects: dict[str, Any]
    data: dict[str, Any]


class Consumer(msgspec.Struct, frozen=True):
    name: str
    apply: Callable[[Tx, list[LoggedEvent]], None]
    """Runs in the transaction that moves the cursor, so each event has its effect once. It has no other effect (calls
    out of the database are jobs that it enqueues) and may run several times before one of them stands."""


def read_settled(
    tx: Tx, after: Position, limit: int, retailer_id: str | None = None, live: bool | None = None
) -> list[LoggedEvent]:
    return [_event(row) for row in store.settled_events(tx, after, limit, retailer_id, live)]


def consume(tx: Tx, consumer: Consumer, limit: int = BATCH) -> int:
    """One batch; how many events it had. None are left, or another process is at it, when it answers 0."""
    position = store.take_cursor(tx, consumer.name)
    if position is None:
        return 0
    events = read_settled(tx, position, limit)
    if events:
        consumer.apply(tx, events)
        store.move_cursor(tx, consumer.name, events[-1].position)
    return len(events)


def install(tx: Tx, consumers: list[Consumer]) -> None:
    """A new consumer begins with the first event there is."""
    for consumer in consumers:
        store.ensure_consumer(tx, consumer.name)


def has_more(tx: Tx, name: str) -> bool:
    """Also true for events that are not settled yet: look again soon."""
    position = store.cursor(tx, name)
    return position is not None and store.any_after(tx, position)


def encode(position: Position) -> str:
    """A cursor for clients. What it means is ours to change, so it does not look like a number."""
    return base64.urlsafe_b64encode(f"{position[0]}.{position[1]}".encode()).decode().rstrip("=")


def decode(text: str) -> Position | None:
    """None when it is no cursor of ours."""
    try:
        xid, _, seq = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii").partition(".")
    except (binascii.Error, UnicodeError, ValueError):
        return None
    if not (xid.isdigit() and seq.isdigit() and len(xid) < 19 and len(seq) < 19):
        return None
    return int(xid), int(seq)


def _event(row: Any) -> LoggedEvent:
    return LoggedEvent(
        position=(row.xid, row.seq),
        id=row.id,
        type=row.type,
        actor=row.actor,
        at=row.at,
        live=row.live,
        retailer_id=row.retailer_id,
        location_id=row.location_id,
        return_id=row.return_id,
        device_at=row.device_at,
        objects=row.objects,
        data=row.data,
    )
