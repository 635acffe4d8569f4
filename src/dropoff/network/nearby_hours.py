"""The opening patterns of a network, each held once, and what they say minute by minute.

A million places share some thousand patterns. A minute's table is filled as answers need it and kept for a while: OSM
hours change on full minutes, so what was found holds for all of it. What an answer says of a pattern is kept as ready
JSON until it changes.
"""

import threading
from collections import OrderedDict
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from numpy.typing import NDArray
from opening_hours import State

from dropoff.network import hours, hours_told
from dropoff.network.hours_told import Hours, Standing
from dropoff.network.nearby_place import Place

UNTOLD, UNKNOWN, CLOSED, OPEN = range(4)
MINUTES_KEPT: Final = 64
_FOREVER: Final = 1 << 40
_follows_sun: Final = lru_cache(maxsize=16_384)(hours.follows_sun)


class Pattern(NamedTuple):
    expression: str
    zone: str
    country: str
    position: tuple[float, float] | None
    """Only for hours that follow the sun."""


class Opening(msgspec.Struct, frozen=True):
    """What an answer says of a place's hours; None is unknown. `opens_at` only of a closed place, `closes_at` only of
    an open one: which of the two comes next."""

    open_now: bool | None = None
    opens_at: datetime | None = None
    closes_at: datetime | None = None


def opening(standing: Standing) -> Opening:
    if standing.open_now:
        return Opening(True, None, standing.changes_at)
    return Opening(standing.open_now, standing.changes_at, None)


class Said(NamedTuple):
    """Of one pattern: ready JSON without braces, and for which minutes it holds."""

    json: bytes
    first: int
    end: int


def pattern_of(place: Place) -> Pattern | None:
    """None stands for unknown hours."""
    expression = place.expression
    if not expression:
        return None
    position = (place.lat, place.lon) if _follows_sun(expression) else None
    return Pattern(expression, place.zone, place.country, position)


class States:
    """One byte a pattern, for one minute."""

    def __init__(self, patterns: "Patterns", minute: int) -> None:
        self.minute = minute
        self._patterns = patterns
        self._at = datetime.fromtimestamp(minute * 60, UTC)
        self._walls: dict[str, datetime] = {}
        self._told = bytearray(len(patterns.listed))

    def of(self, numbers: list[int]) -> list[int]:
        told, tell = self._told, self._tell
        return [told[number] or tell(number) for number in numbers]

    def open_among(self, numbers: list[int], enough: int) -> list[int]:
        """Where in the list the open ones stand; looked for until there are enough."""
        told, tell, found = self._told, self._tell, []
        for at, number in enumerate(numbers):
            if (told[number] or tell(number)) == OPEN:
                found.append(at)
                if len(found) == enough:
                    break
        return found

    def are_open(self) -> NDArray[np.bool_]:
        """For every pattern: this asks them all, which takes a while."""
        self.of(list(range(len(self._told))))
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
        self._said: list[Said | None] = [None] * len(listed)
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

    def said(self, numbers: list[int], minute: int) -> list[bytes]:
        """What is told of these patterns at that minute."""
        found = []
        for number in numbers:
            said = self._said[number]
            if said is None or not said.first <= minute < said.end:
                said = self._said[number] = self._say(number, minute)
            found.append(said.json)
        return found

    def _say(self, number: int, minute: int) -> Said:
        at, pattern = datetime.fromtimestamp(minute * 60, UTC), self.listed[number]
        if pattern is None:
            return Said(_json(Opening()), 0, minute + _FOREVER)
        standing, until = hours_told.standing_until(Hours(*pattern), at)
        return Said(_json(opening(standing)), minute, minute_of(until))

    def asked(self, number: int) -> Any:
        """What `hours` made of the pattern; None when its hours are unknown. Parsed when first needed."""
        if number not in self._asked:
            pattern = self.listed[number]
            self._asked[number] = None if pattern is None else hours.pattern_at(*pattern)
        return self._asked[number]


def minute_of(at: datetime) -> int:
    """Since 1970, in UTC."""
    return int(at.timestamp() // 60)


def _json(opening: Opening) -> bytes:
    return msgspec.json.encode(opening)[1:-1]
