"""Housekeeping: sessions that have ended go, and guesses that count no more."""

from collections.abc import Callable
from typing import Any

from dropoff.access.service import forget_guesses
from dropoff.access.store import end_sessions_before
from dropoff.kernel.clock import now

PERIODIC = {"access.end_sessions": 3600}


def handlers(context: Any) -> dict[str, Callable[[Any], None]]:
    def tidy(_: Any) -> None:
        context.db.write_sync(end_sessions_before, now())
        context.db.write_sync(forget_guesses, now())

    return {"access.end_sessions": tidy}


def consumers(_: Any) -> list[Any]:
    return []
