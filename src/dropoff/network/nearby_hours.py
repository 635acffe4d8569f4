"""The opening patterns of a network, each held once, and what they say minute by minute.

A million places share some thousand patterns. A minute's table is filled as answers need it and kept for a while: OSM
hours change on full minutes, so what was found holds for all of it.
"""

import threading
from collections import OrderedDict
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from opening_hours import State

from dropoff.network import hours
from dropoff.network.nearby_place import Place

UNTOLD, UNKNOWN, CLOSED, OPEN = range(4)
SAYS: Final[tuple[bool | None, ...]] = (None, None, False, True)
"""What a state means, by its number."""
MINUTES_KEPT: Final = 64
_follows_sun: Final = lru_cache(maxsize=16_384)(hours.follows_sun)


class Pattern(NamedTuple):
    expression: str
    zone: str
    country: str
    position: tuple[float, float] | None
    """Only for hours that follow the sun."""


def pattern_of(place: Place) -> Pattern | None:
    """None stands for unknown hours."""
    if not place.hours_known:
        return None
    position = (place.lat, place.lon) if _follows_sun(place.opening_hours) else None
    return Pattern(place.opening_hours, place.zone, place.country, position)


class States:
    """One byte a pattern, for one minute."""

    def __init__(self, patterns: "Patterns", minute: int) -> None:
        self.minute = minute
        self._patterns = patterns
        self._at = datetime.fromtimestamp(minute * 60, UTC)
        self._walls: dict[str, datetime] = {}
        self._told = bytearray(len(patterns.listed))

    def state(self, number: int) -> int:
        return self._told[number] or self._tell(number)

    def of(self, numbers: list[int]) -> list[int]:
        told, tell = self._told, self._tell
        return [told[number] or tell(number) for number in numbers]

    def are_open(self) -> NDArray[np.bool_]:
        """For every pattern: this asks them all, which takes a while."""
        for number in range(len(self._told)):
            self.state(number)
        open_ones: NDArray[np.bool_] = np.frombuffer(bytes(self._told), np.uint8) == OPEN
        return open_ones

    def _tell(self, number: int) -> int:
        pattern, asked = self._patterns.listed[number], self._patterns.asked(number)
        state = UNKNOWN
        if pattern is not None and asked is not None:
            said = asked.state(self._wall_clock(pattern.zone))[0]
            state = UNKNOWN if said == State.UNKNOWN else OPEN if said == State.OPEN else CLOSED
        self._told[number] = state
        return state

    def _wall_clock(self, zone: str) -> datetime:
        """As `hours` reads them: by the clock on the wall, asked once a zone."""
        wall = self._walls.get(zone)
        if wall is None:
            wall = self._walls[zone] = self._at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        return wall


class Patterns:
    def __init__(self, listed: list[Pattern | None]) -> None:
        self.listed = listed
        self._asked: dict[int, Any] = {}
        self._by_minute: OrderedDict[int, States] = OrderedDict()
        self._lock = threading.Lock()
        self._last = States(self, 0)

    def at(self, minute: int) -> States:
        last = self._last
        if last.minute == minute:
            return last
        with self._lock:
            states = self._by_minute.get(minute)
            if states is None:
                states = self._by_minute[minute] = States(self, minute)
                if len(self._by_minute) > MINUTES_KEPT:
                    self._by_minute.popitem(last=False)
            self._last = states
        return states

    def asked(self, number: int) -> Any:
        """What `hours` made of the pattern; None when its hours are unknown. Parsed when first needed."""
        if number not in self._asked:
            pattern = self.listed[number]
            self._asked[number] = None if pattern is None else hours.pattern_at(*pattern)
        return self._asked[number]


def minute_of(at: datetime) -> int:
    """Since 1970, in UTC."""
    return int(at.timestamp() // 60)
