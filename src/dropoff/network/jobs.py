"""What the network does by itself: the index of each server kept fresh, stages of dead imports emptied."""

from collections.abc import Callable
from typing import Any, Final

from dropoff.kernel.clock import now
from dropoff.network.importing import sweep
from dropoff.network.refreshing import Refresher

SWEEP: Final = "network.sweep_imports"
PERIODIC: Final[dict[str, int]] = {SWEEP: 3600}
"""Job kind → seconds between runs."""


def handlers(context: Any) -> dict[str, Callable[..., None]]:
    def sweep_imports(*_: Any) -> None:
        context.db.write_sync(sweep, now())

    return {SWEEP: sweep_imports}


def consumers(_: Any) -> list[Any]:
    return []


def start_refresher(context: Any) -> Refresher:
    """Needs `context.db` and `context.nearby`; `stop()` ends the thread."""
    return Refresher(context.db, context.nearby)
