"""What a place's hours come to, day by day: before they are saved as well as after, with holidays and closures.

By the clock on the place's wall, as hours are written. In a night in which clocks change that is told beside.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Final, Literal

import msgspec

from dropoff.db import Tx
from dropoff.kernel.errors import Problem, invalid, not_found
from dropoff.network import closures, hours, location_store, store
from dropoff.network.cleaning import HOURS_MAX
from dropoff.network.cleaning_text import clean_text
from dropoff.network.hours_told import Day, Hours, days
from dropoff.network.location_store import Closure
from dropoff.network.rules import WEEKDAYS

DAYS_MAX: Final = 62
LOOK_AHEAD: Final = timedelta(days=3 * 366)
MIDNIGHT: Final = "24:00"


class Span(msgspec.Struct, frozen=True):
    """By the wall clock, `HH:MM`; a span over midnight ends at an earlier time than it begins, `24:00` is midnight."""

    opens: str
    closes: str


class HoursDay(msgspec.Struct, frozen=True, kw_only=True):
    """`spans` null: unknown; empty: closed. `clocks` says that clocks are put forward or back that night."""

    date: date
    weekday: str
    spans: list[Span] | None
    holiday: bool
    clocks: Literal["forward", "back"] | None
    closure: str | None
    """The id of the closure that holds for it."""


class HoursPreview(msgspec.Struct, frozen=True):
    """`known`: whether the usual hours can be read; closures count all the same."""

    zone: str
    opening_hours: str
    known: bool
    days: list[HoursDay]


def preview(
    tx: Tx, location_id: str, first: date | None, count: int, at: datetime, expression: str | None = None
) -> HoursPreview | Problem:
    """`first` None is today there; `expression` takes the place of the usual hours, saved or not."""
    place = store.find_location(tx, location_id)
    if place is None:
        return not_found("location")
    today = closures.today_at(at, place.zone)
    first = first or today
    if abs(first - today) > LOOK_AHEAD:
        return invalid("?from", "That is too far away.")
    usual = place.opening_hours if expression is None else normalised(expression)
    entered = location_store.closures(tx, [location_id], first - timedelta(days=1))
    return told(Hours(usual, place.zone, place.country, (place.lat, place.lon)), entered, first, count)


def normalised(text: str) -> str:
    """As an import would store it."""
    text = clean_text(text[: 2 * HOURS_MAX])
    if len(text) > HOURS_MAX:
        return text[: HOURS_MAX - 1] + "…"
    return hours.AROUND_THE_CLOCK if not hours.is_hours(text) and hours.is_around_the_clock(text) else text


def told(usual: Hours, entered: Sequence[Closure], first: date, count: int) -> HoursPreview:
    known = hours.pattern_at(usual.expression, usual.zone, usual.country, usual.position) is not None
    both = closures.expression_with(usual, entered, is_known=known)
    found = days(msgspec.structs.replace(usual, expression=both), first, count)
    if found is None:
        found = tuple(Day(first + timedelta(days=number), None) for number in range(count))
    return HoursPreview(usual.zone, usual.expression, known, [_day(day, usual.zone, entered) for day in found])


def _day(day: Day, zone: str, entered: Sequence[Closure]) -> HoursDay:
    holding = [one.id for one in entered if one.first_day <= day.date <= one.last_day]
    return HoursDay(
        date=day.date,
        weekday=WEEKDAYS[day.date.weekday()],
        spans=None if day.spans is None else [Span(_clock(a, day.date), _clock(b, day.date)) for a, b in day.spans],
        holiday=day.holiday,
        clocks=_clocks(day.date, zone),
        closure=holding[-1] if holding else None,
    )


def _clock(moment: datetime, day: date) -> str:
    return MIDNIGHT if moment == datetime.combine(day + timedelta(days=1), time()) else f"{moment:%H:%M}"


def _clocks(day: date, zone: str) -> Literal["forward", "back"] | None:
    local = hours.zone_named(zone)
    begin, end = datetime.combine(day, time(), local), datetime.combine(day + timedelta(days=1), time(), local)
    moved = (end.utcoffset() or timedelta()) - (begin.utcoffset() or timedelta())
    if not moved:
        return None
    return "forward" if moved > timedelta() else "back"
