"""What the worker does for this room: it follows the log, because cases lie below and cannot call up."""

from collections.abc import Callable
from typing import Any

from dropoff.events.cursors import Consumer
from dropoff.receiving.service import follow_cases

PERIODIC: dict[str, int] = {}


def handlers(_context: Any) -> dict[str, Callable[..., None]]:
    return {}


def consumers(_context: Any) -> list[Consumer]:
    return [Consumer("receiving.cases", follow_cases)]
