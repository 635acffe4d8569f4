"""What the room does by itself: passes that nobody used expire, and visits are forgotten when their passes have."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from dropoff.db import Database
from dropoff.kernel.clock import now
from dropoff.returns import issuing, visits

SWEEP = 100
CHUNK = 10
KEPT_FOR = timedelta(days=7)
"""A till may report late what it took in without a network."""
PERIODIC = {"returns.forget_visits": 3600}


def handlers(context: Any) -> dict[str, Callable[..., None]]:
    def expire_returns(*_: Any) -> None:
        sweep(context.db)

    def forget(_: Any) -> None:
        while context.db.write_sync(visits.forget_visits, now() - KEPT_FOR, SWEEP):
            pass

    return {issuing.EXPIRE: expire_returns, "returns.forget_visits": forget}


def consumers(_: Any) -> list[Any]:
    return []


def sweep(db: Database) -> None:
    """The job is set for one return's end, but takes all that ended meanwhile: the jobs after it find nothing to do.

    Small transactions, so that the counter never waits for it.
    """
    moment = now()
    while ids := db.read_sync(issuing.expired_returns, moment, SWEEP):
        for start in range(0, len(ids), CHUNK):
            db.write_sync(issuing.expire, ids[start : start + CHUNK], moment)
