"""Housekeeping: stored answers go once no client can still repeat the call."""

from collections.abc import Callable
from typing import Any

from dropoff.kernel.clock import now
from dropoff.web.idempotency import forget_old

PERIODIC = {"web.forget_keys": 3600}


def handlers(context: Any) -> dict[str, Callable[[Any], None]]:
    return {"web.forget_keys": lambda _: context.db.write_sync(forget_old, now())}


def consumers(_: Any) -> list[Any]:
    return []
