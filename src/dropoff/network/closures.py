"""Days on which a place keeps other hours than it usually does: what may be entered, and what it comes to. Pure.

A closure is one more rule of OSM hours behind the usual ones, and like there the later rule holds for its days: from
midnight to midnight. A night belongs to the day on which it begins. So what would run from a closure's last day into
the next morning does not, and what runs from the day before into its first day ends at midnight: in doubt a place is
closed, for nobody should stand before its door.
"""

import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Annotated, Final, Protocol, TypeVar

import msgspec
from msgspec import Meta

from dropoff.kernel.errors import FieldError, Problem, invalid
from dropoff.network import hours
from dropoff.network.hours_told import Hours, days

OFF: Final = "off"
UNKNOWN: Final = "24/7 unknown"
"""Usual hours that nobody knows: with closures behind it, the place is surely closed on those days."""
DAYS_MAX: Final = 366
AHEAD_MAX: Final = timedelta(days=2 * 366)
NIGHT_MAX: Final = timedelta(hours=12)
CLOSURES_MAX: Final = 20
"""Of one place, that are not over yet."""
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SPAN: Final = r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-4]):[0-5]\d"
_SPANS: Final = re.compile(rf"{_SPAN}(,{_SPAN}){{0,3}}", re.ASCII)


class NewClosure(msgspec.Struct, frozen=True, kw_only=True):
    """`last_day` is the last one of it. `hours`: `off`, or up to four OSM time spans between commas."""

    first_day: date
    last_day: date
    hours: Annotated[str, Meta(max_length=60)] = OFF
    reason: Annotated[str, Meta(max_length=200)] = ""


class Closed(msgspec.Struct, frozen=True, gc=False):
    """What everybody is told of a closure. Both days are of it, by the clock of the place; `hours` is `off`, or the
    spans that hold instead of the usual ones."""

    first_day: date
    last_day: date
    hours: str
    reason: str


class Days(Protocol):
    """What is asked of a closure here."""

    @property
    def first_day(self) -> date: ...
    @property
    def last_day(self) -> date: ...
    @property
    def hours(self) -> str: ...


AnyDays = TypeVar("AnyDays", bound=Days)


def problem_of(new: NewClosure, today: date) -> Problem | None:
    """`today`: by the clock of the place."""
    if new.last_day < new.first_day:
        return invalid("/last_day", "The last day is before the first one.")
    if new.last_day < today:
        return invalid("/last_day", "These days are over.")
    if (new.last_day - new.first_day).days >= DAYS_MAX:
        return invalid("/last_day", f"A closure has at most {DAYS_MAX} days; close the place instead.")
    if new.first_day > today + AHEAD_MAX:
        return invalid("/first_day", "That is more than two years ahead.")
    if new.hours != OFF and not (_SPANS.fullmatch(new.hours) and hours.is_hours(new.hours)):
        told = "Hours are `off`, or up to four time spans such as `10:00-14:00,16:00-18:00`."
        return Problem("invalid-request", told, (FieldError("/hours", told),))
    return None


def expression_with(usual: Hours, closures: Sequence[Days], *, is_known: bool) -> str:
    """OSM hours that say both, the usual expression itself when there is no closure. `closures` in the order in which
    they were entered; `is_known`: the usual hours can be evaluated."""
    if not closures:
        return usual.expression
    parts = _parts(closures)
    rules = "; ".join(f"{_days(part)} {part.hours}" for part in parts)
    nights = "".join(_night(usual, closures, part) for part in parts)
    return f"{usual.expression if is_known else UNKNOWN}; {rules}{nights}"


def _parts(closures: Sequence[Days]) -> list[Closed]:
    """Of each closure the days in a row for which it holds: no two share a day, for what another overrules would still
    let its nights run on."""
    edges = {day for one in closures for day in (one.first_day, one.last_day + timedelta(days=1))}
    parts: list[Closed] = []
    before: Days | None = None
    for first, after in pairwise(sorted(edges)):
        held, last = of_day(closures, first), after - timedelta(days=1)
        if held is not None and held is before:
            parts[-1] = msgspec.structs.replace(parts[-1], last_day=last)
        elif held is not None:
            parts.append(Closed(first, last, held.hours, ""))
        before = held
    return parts


def _night(usual: Hours, closures: Sequence[Days], part: Closed) -> str:
    """The rules for the morning after closed days. OSM hours look at each day by itself: they would let the usual night
    run into it that never began, and forget the closure's own."""
    last, morning = part.last_day, part.last_day + timedelta(days=1)
    if of_day(closures, morning) is not None:
        return ""
    ends, own = _night_ends(usual, last), _own_night_ends(part)
    rules = f"; {_day(morning)} 00:00-{ends} off" if ends else ""
    return rules + (f", {_day(morning)} 00:00-{own}" if own else "")


def _own_night_ends(closure: Days) -> str:
    return next((until for since, until in map(_both_ends, closure.hours.split(",")) if "00:00" < until < since), "")


def _both_ends(span: str) -> tuple[str, str]:
    since, _, until = span.partition("-")
    return since, until


def _night_ends(usual: Hours, day: date) -> str:
    """When the usual night of that day ends next morning; empty when none does. What runs on till noon is no night, but
    a place that opens at midnight."""
    (told,) = days(usual, day, 1) or (None,)
    midnight = datetime.combine(day + timedelta(days=1), time())
    spans = () if told is None or told.spans is None else told.spans
    return next((f"{end:%H:%M}" for _, end in spans if midnight < end <= midnight + NIGHT_MAX), "")


def of_day(closures: Sequence[AnyDays], day: date) -> AnyDays | None:
    """The one that counts on that day: of several the last entered."""
    return next((one for one in reversed(closures) if one.first_day <= day <= one.last_day), None)


def closed_until(closures: Sequence[Closed], day: date) -> tuple[date, str] | None:
    """When a place is closed by closures on that day: the last day of that, and the reason. Closures without a day
    between them are one."""
    last, reason = None, ""
    while (found := of_day(closures, day)) is not None and found.hours == OFF:
        last, reason = day, reason or found.reason
        day += timedelta(days=1)
    return None if last is None else (last, reason)


def _days(closure: Days) -> str:
    first, last = _day(closure.first_day), _day(closure.last_day)
    return first if first == last else f"{first}-{last}"


def _day(day: date) -> str:
    return f"{day.year} {_MONTHS[day.month - 1]} {day.day:02}"


def today_at(at: datetime, zone: str) -> date:
    return at.astimezone(hours.zone_named(zone)).date()
