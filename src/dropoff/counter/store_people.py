"""SQL of clerks and their shifts."""

from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from dropoff.counter.tables import clerk, counter_attempt, counter_rule, hand_in, shift
from dropoff.db import Tx
from dropoff.db.schema import insert


class ClerkRow(msgspec.Struct, frozen=True):
    id: str
    location_id: str
    name: str
    initials: str
    pin_hash: str | None
    badge_hash: str | None
    created_at: datetime
    removed_at: datetime | None


class ShiftRow(msgspec.Struct, frozen=True):
    id: str
    location_id: str
    device_id: str
    clerk_id: str
    began_at: datetime
    seen_at: datetime
    ended_at: datetime | None
    note: str | None


_CLERK = [clerk.c[name] for name in ClerkRow.__struct_fields__]
_SHIFT = [shift.c[name] for name in ShiftRow.__struct_fields__]


def add_clerk(tx: Tx, row: dict[str, Any]) -> bool:
    """False when somebody there has these initials."""
    return bool(tx.change(insert(clerk).values(row).on_conflict_do_nothing().returning(clerk.c.id)))


def clerks(tx: Tx, location_id: str) -> list[ClerkRow]:
    query = sa.select(*_CLERK).where(clerk.c.location_id == location_id, clerk.c.removed_at.is_(None))
    return [ClerkRow(**row._mapping) for row in tx.read(query.order_by(clerk.c.name, clerk.c.id))]


def find_clerk(tx: Tx, clerk_id: str, location_id: str) -> ClerkRow | None:
    """Also one who was removed."""
    row = tx.first(sa.select(*_CLERK).where(clerk.c.id == clerk_id, clerk.c.location_id == location_id))
    return ClerkRow(**row._mapping) if row else None


def clerk_of_badge(tx: Tx, badge_hash: str, location_id: str) -> ClerkRow | None:
    mine = (clerk.c.badge_hash == badge_hash, clerk.c.location_id == location_id, clerk.c.removed_at.is_(None))
    row = tx.first(sa.select(*_CLERK).where(*mine))
    return ClerkRow(**row._mapping) if row else None


def change_clerk(tx: Tx, clerk_id: str, location_id: str, values: dict[str, Any]) -> ClerkRow | None:
    """None when there is no such clerk, or not any more."""
    mine = (clerk.c.id == clerk_id, clerk.c.location_id == location_id, clerk.c.removed_at.is_(None))
    rows = tx.change(sa.update(clerk).where(*mine).values(values).returning(*_CLERK))
    return ClerkRow(**rows[0]._mapping) if rows else None


def open_shift(tx: Tx, device_id: str) -> ShiftRow | None:
    row = tx.first(sa.select(*_SHIFT).where(shift.c.device_id == device_id, shift.c.ended_at.is_(None)))
    return ShiftRow(**row._mapping) if row else None


def latest_note(tx: Tx, location_id: str, since: datetime) -> str | None:
    """What the last shift that ended there left for the next."""
    query = (
        sa.select(shift.c.note)
        .where(shift.c.location_id == location_id, shift.c.ended_at >= since)
        .order_by(shift.c.ended_at.desc(), shift.c.id.desc())
        .limit(1)
    )
    row = tx.first(query)
    return row.note if row else None


def begin_shift(tx: Tx, row: dict[str, Any]) -> bool:
    """False when one is open at this till."""
    return bool(tx.change(insert(shift).values(row).on_conflict_do_nothing().returning(shift.c.id)))


def end_shifts(tx: Tx, at: datetime, note: str | None, *where: sa.ColumnElement[bool]) -> int:
    ended = tx.change(
        sa.update(shift).where(*where, shift.c.ended_at.is_(None)).values(ended_at=at, note=note).returning(shift.c.id)
    )
    return len(ended)


def of_device(device_id: str) -> sa.ColumnElement[bool]:
    return shift.c.device_id == device_id


def of_clerk(clerk_id: str) -> sa.ColumnElement[bool]:
    return shift.c.clerk_id == clerk_id


def touch_shift(tx: Tx, shift_id: str, at: datetime) -> None:
    tx.change(sa.update(shift).where(shift.c.id == shift_id, shift.c.seen_at < at).values(seen_at=at))


def lock_after_min(tx: Tx, location_id: str) -> int | None:
    row = tx.first(sa.select(counter_rule.c.lock_after_min).where(counter_rule.c.location_id == location_id))
    return row.lock_after_min if row else None


def set_lock_after(tx: Tx, location_id: str, minutes: int | None) -> None:
    statement = insert(counter_rule).values(location_id=location_id, lock_after_min=minutes)
    key = [counter_rule.c.location_id]
    tx.change(statement.on_conflict_do_update(index_elements=key, set_={"lock_after_min": minutes}))


class DoneRow(msgspec.Struct, frozen=True):
    at: datetime
    kind: str
    initials: str | None
    object: str | None


def done(tx: Tx, location_id: str, after: datetime, kinds: tuple[str, ...], limit: int) -> list[DoneRow]:
    """What was done there since, the newest first: hand-ins, and accepted questions of these kinds."""
    taken = (
        sa.select(
            hand_in.c.received_at.label("at"),
            sa.literal("hand_in").label("kind"),
            clerk.c.initials,
            sa.literal(None, sa.String).label("object"),
        )
        .outerjoin(clerk, clerk.c.id == hand_in.c.clerk_id)
        .where(hand_in.c.location_id == location_id, hand_in.c.received_at >= after, hand_in.c.verdict == "accepted")
    )
    asked = (
        sa.select(counter_attempt.c.at, counter_attempt.c.kind, clerk.c.initials, counter_attempt.c.object)
        .outerjoin(clerk, clerk.c.id == counter_attempt.c.clerk_id)
        .where(
            counter_attempt.c.location_id == location_id,
            counter_attempt.c.at >= after,
            counter_attempt.c.verdict == "accepted",
            counter_attempt.c.kind.in_(kinds),
        )
    )
    both = sa.union_all(taken, asked).subquery()
    return [DoneRow(**row._mapping) for row in tx.read(sa.select(both).order_by(both.c.at.desc()).limit(limit))]
