"""What the room does by itself: passes that nobody used expire."""

from collections.abc import Callable
from typing import Any

from dropoff.db import Database
from dropoff.kernel.clock import now
from dropoff.returns import issuing

SWEEP = 100
CHUNK = 10
PERIODIC: dict[str, int] = {}


def handlers(context: Any) -> dict[str, Callable[..., None]]:
    def expire_returns(*_: Any) -> None:
        sweep(context.db)

    return {issuing.EXPIRE: expire_returns}


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
