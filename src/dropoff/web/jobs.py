"""Housekeeping: stored answers go once no client can still repeat the call."""

from collections.abc import Callable
from typing import Any

from dropoff.kernel.clock import now
from dropoff.web.idempotency import forget_old

PERIODIC = {"web.forget_keys": 3600}


def handlers(context: Any) -> dict[str, Callable[[Any], None]]:
    def forget_keys(_: Any) -> None:
        while context.db.write_sync(forget_old, now()):
            pass

    return {"web.forget_keys": forget_keys}


def consumers(_: Any) -> list[Any]:
    return []
