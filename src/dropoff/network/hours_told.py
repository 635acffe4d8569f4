"""What opening hours come to, told ahead: until when a place is open, when it opens, and its days one by one.

Hours are written as the clock on the place's wall shows them, so at any moment a place is open if its hours say so of
what the clock shows then, also in the two nights a year when an hour is missing or comes twice. Unknown stays unknown:
None, never a guess.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
from opening_hours import State

from dropoff.network import hours

Stretch = tuple[datetime, datetime, bool | None]

AHEAD: Final = timedelta(days=60)
"""What changes later is not told: it says nothing to somebody with a parcel under the arm."""
_LOOKED_AGAIN: Final = timedelta(hours=1)
"""A place of which nothing changes in `AHEAD` is looked at again, since time moves on."""
_NEVER: Final = datetime.max.replace(tzinfo=UTC)
_PUBLIC_HOLIDAY = re.compile(r"\bPH\b", re.IGNORECASE)
_COMMENT = re.compile(r'"[^"]*"')


class Hours(msgspec.Struct, frozen=True):
    """Of one place. `position` is (lat, lon), for hours that follow the sun."""

    expression: str
    zone: str
    country: str
    position: tuple[float, float] | None = None


class Standing(msgspec.Struct, frozen=True):
    """`open_now` None is unknown; `changes_at` (UTC) is when it closes or opens. Without it nobody knows when, unless
    it `stays` so for all of `AHEAD`."""

    open_now: bool | None
    changes_at: datetime | None = None
    stays: bool = False


UNKNOWN: Final = Standing(None)


class Day(msgspec.Struct, frozen=True):
    """`spans` are open stretches by the wall clock, each listed on the day it begins; none: closed. `spans` None:
    unknown that day. `holiday`: a public one in that country."""

    date: date
    spans: tuple[tuple[datetime, datetime], ...] | None
    holiday: bool = False


def standing(of: Hours, at: datetime) -> Standing:
    """`at` is aware."""
    return standing_until(of, at)[0]


def standing_until(of: Hours, at: datetime) -> tuple[Standing, datetime]:
    """The same, and until when (UTC) it may be repeated: nothing of it changes before."""
    zone = hours.zone_named(of.zone)
    pattern = hours.pattern_at(of.expression, of.zone, of.country, of.position)
    if zone is None or pattern is None:
        return UNKNOWN, _NEVER
    told = _moments(of, at.astimezone(UTC))
    end, open_now = next(told)
    if open_now is None:
        return UNKNOWN, end
    # What follows may be unknown: then nobody can say when it closes or opens.
    follows = next(told, None)
    if follows is None:
        return Standing(open_now, stays=True), at.astimezone(UTC) + _LOOKED_AGAIN
    return Standing(open_now, None if follows[1] is None else end), end


def _moments(of: Hours, at: datetime) -> Iterator[tuple[datetime, bool | None]]:
    """From `at` (UTC) on, for `AHEAD`: until when (UTC) it is open, closed, or None for unknown. Neighbours differ."""
    held: tuple[datetime, bool | None] | None = None
    for begin, end, offset in _clock_runs(of.zone, at.date()):
        start = max(begin, at)
        if start >= end:
            continue
        for _, finish, said in _stretches(
            of, (start + offset).replace(tzinfo=None), (end + offset).replace(tzinfo=None)
        ):
            if held is not None and held[1] != said:
                yield held
            held = (finish - offset).replace(tzinfo=UTC), said
    if held is not None:
        yield held


@lru_cache(maxsize=4_096)
def _clock_runs(zone_name: str, day: date) -> tuple[tuple[datetime, datetime, timedelta], ...]:
    """The time in which clocks there are not changed, one stretch after the other (UTC), and how far they are ahead of
    UTC meanwhile. From that day on, for a little more than `AHEAD`."""
    zone = ZoneInfo(zone_name)

    def ahead(moment: datetime) -> timedelta:
        return moment.astimezone(zone).utcoffset() or timedelta()

    begin = at = datetime.combine(day, datetime.min.time(), UTC)
    end = begin + AHEAD + timedelta(days=1)
    runs = []
    while at < end:
        before, at = at, at + timedelta(days=1)
        if ahead(at) == ahead(before):
            continue
        while at - before > timedelta(seconds=1):
            middle = before + (at - before) // 2
            before, at = (middle, at) if ahead(middle) == ahead(before) else (before, middle)
        changed = at.replace(microsecond=0)
        runs.append((begin, changed, ahead(before)))
        begin = at = changed
    return (*runs, (begin, end, ahead(begin)))


def days(of: Hours, first: date, count: int) -> tuple[Day, ...] | None:
    """None when the hours are unknown altogether."""
    start = datetime.combine(first, datetime.min.time())
    # A day more at both ends, so that a stretch over midnight is told whole and on the day it begins.
    told = list(_stretches(of, start - timedelta(days=1), start + timedelta(days=count + 1)))
    if not told:
        return None
    found = []
    for number in range(count):
        day = start + timedelta(days=number)
        after = day + timedelta(days=1)
        known = not any(state is None and begin < after and end > day for begin, end, state in told)
        found.append(Day(day.date(), _open_on(day, told) if known else None, is_holiday(of.country, day.date())))
    return tuple(found)


def _open_on(day: datetime, told: list[Stretch]) -> tuple[tuple[datetime, datetime], ...]:
    after = day + timedelta(days=1)
    spans = []
    for begin, end, state in told:
        if not state or begin >= after or end <= day:
            continue
        if end - begin >= timedelta(days=1):
            # Open through a whole day or more: each day is told by itself.
            spans.append((max(begin, day), min(end, after)))
        elif begin >= day:
            spans.append((begin, end))
    return tuple(spans)


def speaks_of_holidays(expression: str) -> bool:
    """Whether the hours themselves say what holds on public holidays. Most do not, and then nobody knows."""
    return _PUBLIC_HOLIDAY.search(_COMMENT.sub("", expression)) is not None


def is_holiday(country: str, day: date) -> bool:
    """National ones only; a country without a calendar has none that we know."""
    return day in _holidays(country, day.year)


@lru_cache(maxsize=256)
def _holidays(country: str, year: int) -> frozenset[date]:
    start, end = datetime(year, 1, 1), datetime(year + 1, 1, 1)  # noqa: DTZ001 - wall-clock time has no zone
    told = _stretches(Hours("PH", "UTC", country), start, end)
    found: set[date] = set()
    for begin, finish, state in told:
        if state:
            found.update(begin.date() + timedelta(days=step) for step in range((finish - begin).days))
    return frozenset(found)


def _stretches(of: Hours, start: datetime, end: datetime) -> Iterator[Stretch]:
    """Successive stretches between two wall-clock times: open, closed, or None for unknown. Neighbours differ, though a
    rule may change its comment without opening or closing anything. Nothing when the hours are unknown."""
    pattern = hours.pattern_at(of.expression, of.zone, of.country, of.position)
    held: Stretch | None = None
    for begin, finish, state, *_ in () if pattern is None else pattern.intervals(start, end):
        said = None if state == State.UNKNOWN else bool(state == State.OPEN)
        until = (finish or end).replace(tzinfo=None)
        if held is not None and held[2] == said:
            held = (held[0], until, said)
            continue
        if held is not None:
            yield held
        held = (begin.replace(tzinfo=None), until, said)
    if held is not None:
        yield held
