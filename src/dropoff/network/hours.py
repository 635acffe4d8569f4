"""Opening hours in OSM syntax, told in a place's own zone with its country's holidays.

Unknown beats wrong: whatever cannot be parsed, or needs a calendar that is not at hand (school holidays, the holidays
of an unlisted country), is `None` and never a guess.
"""

import re
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from opening_hours import (  # type: ignore[attr-defined]  # its stub leaves the errors out
    OpeningHours,
    ParserError,
    State,
    UnknownCountryError,
)

MAX_EXPRESSION = 1_000
"""Longer texts are never parsed: expressions come from strangers' files."""

MAX_WITH_CLOSURES = 6_000
"""The same with the rules of an operator's closures behind it."""

AROUND_THE_CLOCK = "24/7"

MIDNIGHT_SUN_DEG = 65.5
"""Further from the equator the sun may not rise or set for weeks, which the library does not know."""

_COMMENT = re.compile(r'"[^"]*"')
_SCHOOL_HOLIDAY = re.compile(r"\bSH\b", re.IGNORECASE)
_PUBLIC_HOLIDAY = re.compile(r"\bPH\b", re.IGNORECASE)
_SUN = re.compile(r"\b(sunrise|sunset|dawn|dusk)\b", re.IGNORECASE)
_EVERY_DAY = r"(?:(?:i-vii|1-7|mo-su|mon-sun|ph)[:,]?)*"
_ALL_DAY = (
    r"(?:24[/x-]+7|24h(?:rs?|ours?)?(?:[/x-]+7(?:d|days)?)?|24hours?|0{1,2}(?::00)?-24(?::00)?(?:h|hrs?)?|00:24h?)"
)
_AROUND_THE_CLOCK = re.compile(_EVERY_DAY + _ALL_DAY)


def is_hours(expression: str) -> bool:
    """Whether the text is OSM opening hours that we are willing to evaluate."""
    return len(expression) <= MAX_EXPRESSION and _pattern(expression, None) is not None


def is_around_the_clock(text: str) -> bool:
    """Recognises the spellings of 24/7 that real files hold (`24h`, `00-24H`, `I-VII: 00-24 h`, `24//7`)."""
    return len(text) <= 40 and _AROUND_THE_CLOCK.fullmatch("".join(text.casefold().split())) is not None


def open_now(
    expression: str | None, zone: str, country: str, position: tuple[float, float] | None, at: datetime
) -> bool | None:
    """`at` is aware; `position` is (lat, lon), needed for hours that follow the sun."""
    pattern = pattern_at(expression, zone, country, position)
    if pattern is None:
        return None
    # The library is asked in wall-clock time: hours are written as the clock on the wall shows them, also in the two
    # nights a year when an hour is missing or comes twice.
    wall_clock = at.astimezone(zone_named(zone)).replace(tzinfo=None)
    state = pattern.state(wall_clock)[0]
    return None if state == State.UNKNOWN else bool(state == State.OPEN)


def pattern_at(
    expression: str | None, zone: str, country: str, position: tuple[float, float] | None
) -> OpeningHours | None:
    """What answers, in wall-clock time, for a place there; None when its hours are unknown."""
    if not expression or zone_named(zone) is None:
        return None
    if not follows_sun(expression):
        return _pattern(expression, country)
    if position is None or abs(position[0]) > MIDNIGHT_SUN_DEG:
        return None
    return _sun_pattern(expression, country, zone, round(position[0], 1), round(position[1], 1))


def follows_sun(expression: str) -> bool:
    return _SUN.search(_COMMENT.sub("", expression)) is not None


@lru_cache(maxsize=512)
def zone_named(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return None


def _parsed(
    expression: str,
    country: str | None,
    zone: ZoneInfo | None = None,
    coords: tuple[float, float] | None = None,
) -> OpeningHours | None:
    """`country` None only asks whether the text parses."""
    if len(expression) > MAX_WITH_CLOSURES:
        return None
    rules = _COMMENT.sub("", expression)
    if country is not None and _SCHOOL_HOLIDAY.search(rules):
        return None
    try:
        # The library follows the sun only while `auto_timezone` is on; the zone given goes before the found one.
        return OpeningHours(
            expression,
            timezone=zone,
            country=country,
            coords=coords,
            auto_country=False,
            auto_timezone=coords is not None,
        )
    except UnknownCountryError:
        if _PUBLIC_HOLIDAY.search(rules):
            return None
        return _parsed(expression, None, zone, coords)
    except (ParserError, ValueError):
        return None


@lru_cache(maxsize=32_768)
def _pattern(expression: str, country: str | None) -> OpeningHours | None:
    """Most places of a network share a few hundred patterns, so each is parsed once per process."""
    return _parsed(expression, country)


@lru_cache(maxsize=4_096)
def _sun_pattern(expression: str, country: str, zone: str, lat: float, lon: float) -> OpeningHours | None:
    return _parsed(expression, country, zone_named(zone), (lat, lon))
