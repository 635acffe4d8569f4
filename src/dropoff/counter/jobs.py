"""What the room does by itself: old questions of tills go. Hand-ins, parcels and containers are kept."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from dropoff.counter import store_attempts
from dropoff.db import Tx
from dropoff.kernel.clock import now
from dropoff.kernel.ids import first_id

KEPT_FOR = timedelta(days=400)
"""A year and a season, to compare a place with itself."""
PERIODIC = {"counter.forget_questions": 3600}


def forget_questions(tx: Tx, at: datetime) -> int:
    """A part of the old ones; again until it answers 0."""
    return store_attempts.delete_attempts_before(tx, first_id("att", at - KEPT_FOR), 500)


def handlers(context: Any) -> dict[str, Callable[[Any], None]]:
    def forget(_: Any) -> None:
        while context.db.write_sync(forget_questions, now()):
            pass

    return {"counter.forget_questions": forget}


def consumers(_: Any) -> list[Any]:
    return []
