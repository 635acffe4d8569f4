"""SQL of the questions of tills, kept one row each; hand-ins have a table of their own."""

from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from dropoff.counter.tables import counter_attempt
from dropoff.db import Tx


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One question of a till and its answer. `request` must never hold what was scanned."""

    id: str
    kind: str
    location_id: str
    device_id: str
    actor: str
    clerk_id: str | None
    verdict: str
    at: datetime
    reason: str | None = None
    object: str | None = None
    request: dict[str, Any] = {}


def insert_attempt(tx: Tx, attempt: Attempt) -> None:
    tx.append(counter_attempt, msgspec.structs.asdict(attempt))


def delete_attempts_before(tx: Tx, first_kept: str, limit: int) -> int:
    """Ids sort by time."""
    old = sa.select(counter_attempt.c.id).where(counter_attempt.c.id < first_kept)
    old = old.order_by(counter_attempt.c.id).limit(limit)
    return tx.count(sa.delete(counter_attempt).where(counter_attempt.c.id.in_(old)))


def count_attempts(tx: Tx, device_id: str, kind: str, since: datetime) -> int:
    query = sa.select(sa.func.count()).where(
        counter_attempt.c.device_id == device_id, counter_attempt.c.kind == kind, counter_attempt.c.at >= since
    )
    row = tx.first(query)
    return int(row[0]) if row else 0
