"""A geocoding service of the operator's choice, asked for what nobody here knows.

It is asked as its owner wishes: by a name of ours, not faster than its rate over all processes together, and not twice
for the same. When it is slow, refuses or talks nonsense, it is left alone for a while, and the answer is "not now".
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from dropoff import __version__
from dropoff.kernel.clock import now
from dropoff.network import gazetteer_store
from dropoff.network.gazetteer_spelling import plain
from dropoff.settings import Settings

PATIENCE: Final = timedelta(seconds=2)
"""How long a question waits for its turn before it is answered "not now"."""
PUBLIC: Final = {"nominatim": "nominatim.openstreetmap.org", "photon": "photon.komoot.io"}
PUBLIC_INTERVAL: Final = timedelta(seconds=1)
"""What the public servers bear, as their owners say."""
OWN_INTERVAL: Final = timedelta(milliseconds=100)
PAUSE_MAX_S: Final = 3600.0
KEPT: Final = 2_000
KEPT_S: Final = 24 * 3600.0
UNKNOWN_KEPT_S: Final = 3600.0

log = logging.getLogger("dropoff.network")
Key = tuple[str, str | None]


class Unavailable(Exception):
    """The service cannot be asked now. Says nothing of the place."""


class Failed(Exception):
    """It was asked and gave no answer of use; `pause_s` is how long it should be left alone."""

    def __init__(self, why: str, pause_s: float) -> None:
        super().__init__(why)
        self.pause_s = pause_s


class Spot(msgspec.Struct, frozen=True):
    lat: float
    lon: float
    label: str


class Geocoder:
    """For one event loop."""

    def __init__(
        self,
        name: str,
        ask: Callable[[str, str | None], Awaitable[Spot | None]],
        *,
        attribution: str,
        queue: str,
        interval: timedelta,
    ) -> None:
        """`ask` raises `Failed`. Whoever names the same `queue`, in whatever process, shares the rate."""
        self.attribution = attribution
        self._name, self._ask_service, self._queue, self._interval = name, ask, queue, interval
        self._kept: OrderedDict[Key, tuple[float, Spot | None]] = OrderedDict()
        self._asking: dict[Key, asyncio.Task[Spot | None]] = {}
        self._closed_until = 0.0

    async def find(self, db: Any, text: str, country: str | None) -> Spot | None:
        """None when the service knows no such place; raises `Unavailable`."""
        key = (plain(text), country)
        kept = self._kept.get(key)
        if kept is not None and time.monotonic() < kept[0]:
            self._kept.move_to_end(key)
            return kept[1]
        if key not in self._asking:
            if time.monotonic() < self._closed_until:
                raise Unavailable
            self._asking[key] = asyncio.create_task(self._ask(db, key, " ".join(text.split())))
            self._asking[key].add_done_callback(lambda task: self._asked(key, task))
        # Whoever asked first may hang up; the others still want to know.
        return await asyncio.shield(self._asking[key])

    async def _ask(self, db: Any, key: Key, text: str) -> Spot | None:
        asked = now()
        turn: datetime | None = await db.write(gazetteer_store.take_turn, self._queue, asked, self._interval, PATIENCE)
        if turn is None:
            raise Unavailable
        await asyncio.sleep((turn - asked).total_seconds())
        try:
            spot = await self._ask_service(text, key[1])
        except Failed as error:
            self._closed_until = time.monotonic() + min(error.pause_s, PAUSE_MAX_S)
            log.warning("the geocoder %s gives no answer: %s", self._name, error)
            raise Unavailable from error
        self._keep(key, spot)
        return spot

    def _asked(self, key: Key, task: "asyncio.Task[Spot | None]") -> None:
        del self._asking[key]
        if not task.cancelled():
            task.exception()  # looked at, even if everybody who asked has gone

    def _keep(self, key: Key, spot: Spot | None) -> None:
        """In memory only: what people look for is nobody's business later."""
        self._kept[key] = (time.monotonic() + (KEPT_S if spot else UNKNOWN_KEPT_S), spot)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)


def geocoder_of(settings: Settings) -> Geocoder | None:
    """None when the operator named none."""
    if not settings.geocoder:
        return None
    from dropoff.network.geocoders import Service  # a slow import, for those only who want it

    name = settings.geocoder
    url = urlsplit(settings.geocoder_url or f"https://{PUBLIC[name]}")
    agent = settings.geocoder_user_agent or f"dropoff/{__version__} ({settings.base_url})"
    service = Service(name, url, agent)
    interval = PUBLIC_INTERVAL if url.hostname in PUBLIC.values() else OWN_INTERVAL
    queue = f"{name} {url.netloc}"[:60]
    return Geocoder(name, service.ask, attribution=service.attribution, queue=queue, interval=interval)
