"""Housekeeping: sessions that have ended go."""

from collections.abc import Callable
from typing import Any

from dropoff.access.store import end_sessions_before
from dropoff.kernel.clock import now

PERIODIC = {"access.end_sessions": 3600}


def handlers(context: Any) -> dict[str, Callable[[Any], None]]:
    return {"access.end_sessions": lambda _: context.db.write_sync(end_sessions_before, now())}


def consumers(_: Any) -> list[Any]:
    return []
