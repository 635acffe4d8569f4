"""What the room does by itself: old questions of tills and old photos go, and the count of parcels that lie at a place
is set right. Hand-ins, parcels and containers are kept."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from dropoff.counter import photos, store_attempts, waiting
from dropoff.db import Tx
from dropoff.kernel.clock import now
from dropoff.kernel.ids import first_id

KEPT_FOR = timedelta(days=400)
"""A year and a season, to compare a place with itself."""
RECOUNT = "counter.recount"
FORGET_PHOTOS = "counter.forget_photos"
PERIODIC = {"counter.forget_questions": 3600, FORGET_PHOTOS: 3600, RECOUNT: 3600}


def forget_questions(tx: Tx, at: datetime) -> int:
    """A part of the old ones; again until it answers 0."""
    return store_attempts.delete_attempts_before(tx, first_id("att", at - KEPT_FOR), 500)


def handlers(context: Any) -> dict[str, Callable[[Any], None]]:
    def forget(_: Any) -> None:
        while context.db.write_sync(forget_questions, now()):
            pass

    def forget_photos(_: Any) -> None:
        while context.db.write_sync(photos.forget_photos, now()):
            pass

    def recount(_: Any) -> None:
        waiting.recount(context.db, now())

    return {"counter.forget_questions": forget, FORGET_PHOTOS: forget_photos, RECOUNT: recount}


def consumers(_: Any) -> list[Any]:
    return []
