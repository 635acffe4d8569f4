"""What the network does by itself: the index of each server kept fresh, stages of dead imports emptied."""

from collections.abc import Callable
from typing import Any, Final

from dropoff.kernel.clock import now
from dropoff.network import gazetteer_importing, location_states, sources_jobs
from dropoff.network.gazetteer_refreshing import GazetteerRefresher
from dropoff.network.importing import clear_uploads, sweep
from dropoff.network.refreshing import Refresher

SWEEP: Final = "network.sweep_imports"
PAUSES_AT_ONCE: Final = 100
END_PAUSES: Final = "network.end_pauses"
PERIODIC: Final[dict[str, int]] = {SWEEP: 3600, END_PAUSES: 60, **sources_jobs.PERIODIC}
"""Job kind → seconds between runs."""


def handlers(context: Any) -> dict[str, Callable[..., None]]:
    def sweep_imports(*_: Any) -> None:
        sweep(context.db, now())
        clear_uploads(context.settings.data)
        context.db.write_sync(gazetteer_importing.sweep, now())
        gazetteer_importing.clear_away(context.db)

    def end_pauses(*_: Any) -> None:
        while context.db.write_sync(location_states.end_pauses, now(), PAUSES_AT_ONCE) == PAUSES_AT_ONCE:
            pass

    return {SWEEP: sweep_imports, END_PAUSES: end_pauses, **sources_jobs.handlers(context)}


def consumers(_: Any) -> list[Any]:
    return []


class Refreshers:
    """Of all that this process keeps in memory; `stop()` ends their threads."""

    def __init__(self, context: Any) -> None:
        self._all = (Refresher(context.db, context.nearby), GazetteerRefresher(context.db, context.places))

    def stop(self) -> None:
        for refresher in self._all:
            refresher.stop()


def start_refresher(context: Any) -> Refreshers:
    """Needs `context.db`, `context.nearby` and `context.places`."""
    return Refreshers(context)
