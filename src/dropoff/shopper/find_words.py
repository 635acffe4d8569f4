"""What the finder says of places, in words: opening state, distance and walk, a week of hours.

Pure: every moment comes from the caller.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import msgspec

from dropoff.network import walking
from dropoff.network.closures import Closed, closed_until, of_day
from dropoff.network.hours_told import Day, Standing
from dropoff.web import words
from dropoff.web.languages import N_, _

KIND_WORDS: Final = {
    "store": (N_("Shop"), N_("Shops")),
    "locker": (N_("Parcel locker"), N_("Parcel lockers")),
    "post_office": (N_("Post office"), N_("Post offices")),
}
ACCEPT_WORDS: Final = {
    "box_free": (N_("Things without a box"), N_("Without a box")),
    "sealed": (N_("Sealed parcels"), N_("Sealed parcels")),
}
"""Words of `accepts` that people are told: on the place's own page, and as a filter."""

HOME_OF: Final = {
    "da": "DK",
    "de": "DE",
    "fi": "FI",
    "nb": "NO",
    "nn": "NO",
    "no": "NO",
    "pl": "PL",
    "sv": "SE",
}
COMING_DAYS: Final = 15
LIKE_TODAY: Final = timedelta(hours=20)


class Said(msgspec.Struct, frozen=True):
    """A short text and its tone: `good`, `wait`, `bad` or none."""

    text: str
    tone: str = ""


def walk_minutes(metres: float) -> int | None:
    """About how long, on foot; None when it is too far."""
    minutes = walking.minutes(metres)
    return minutes if minutes <= walking.WALK_MAX_MIN else None


def walk(metres: float) -> str:
    minutes = walk_minutes(metres)
    return "" if minutes is None else _("about %d min walk") % minutes


def opening(standing: Standing, zone: str, now: datetime, walk_min: int | None = None) -> Said:
    """`Open until 22:00`, `Opens Monday 09:00`, `Hours unknown`; a place that will have closed before one gets there
    says so."""
    if standing.open_now is None:
        return Said(_("Hours unknown"))
    changes = standing.changes_at
    if standing.open_now:
        if changes is None:
            return Said(_("Open day and night") if standing.stays else _("Open now"), "good")
        if walk_min is not None and changes <= now + timedelta(minutes=walk_min):
            return Said(_("Closes %s, before you are there") % words.clock(changes, zone), "bad")
        return Said(_("Open until %s") % _when_it_closes(changes, zone, now), "good")
    if changes is None:
        return Said(_("Closed for now"), "wait")
    return Said(_("Opens %s") % _when_it_opens(changes, zone, now), "wait")


def closure(closures: Sequence[Closed], zone: str, now: datetime) -> Said | None:
    """`Closed until 21 July (summer break)`, that day included; None when no closure keeps it closed today."""
    today = now.astimezone(ZoneInfo(zone)).date()
    found = closed_until(closures, today)
    if found is None:
        return None
    last, reason = found
    until = _("Closed today") if last == today else _("Closed until %s") % _short_day(last, today)
    return Said(f"{until} ({reason})" if reason else until, "bad")


def coming_closure(closures: Sequence[Closed], zone: str, now: datetime) -> str:
    """`Closed 1 July to 21 July (summer break)`, for one that begins within two weeks."""
    today = now.astimezone(ZoneInfo(zone)).date()
    if of_day(closures, today) is not None:
        return ""
    for ahead in range(1, COMING_DAYS):
        first = today + timedelta(days=ahead)
        found = closed_until(closures, first)
        if found is not None:
            last, reason = found
            days = _short_day(first, today) + ("" if last == first else _(" to %s") % _short_day(last, today))
            return (_("Closed %s") % days) + (f" ({reason})" if reason else "")
    return ""


def _short_day(day: date, today: date) -> str:
    return words.calendar_day(day, with_year=day.year != today.year, weekday=False)


def _when_it_closes(moment: datetime, zone: str, now: datetime) -> str:
    if moment - now < LIKE_TODAY:
        local = moment.astimezone(ZoneInfo(zone))
        return _("midnight") if (local.hour, local.minute) == (0, 0) else words.wall_clock(local)
    return _day_and_clock(moment, zone, now)


def _when_it_opens(moment: datetime, zone: str, now: datetime) -> str:
    local = ZoneInfo(zone)
    if moment.astimezone(local).date() == now.astimezone(local).date():
        return words.clock(moment, zone)
    return _day_and_clock(moment, zone, now)


def _day_and_clock(moment: datetime, zone: str, now: datetime) -> str:
    local = ZoneInfo(zone)
    there, here = moment.astimezone(local), now.astimezone(local)
    ahead = (there.date() - here.date()).days
    if ahead == 1:
        day = _("tomorrow")
    elif ahead < 7:
        day = words.weekday(there.date())
    else:
        return words.date(moment, zone, now)
    return f"{day} {words.wall_clock(there)}"


def countries_of(languages: str) -> tuple[str, ...]:
    """The countries that an `Accept-Language` speaks of, the preferred first; a language of one country tells too."""
    found = []
    for part in languages[:200].split(","):
        language, _, region = part.split(";")[0].strip().partition("-")
        code = region.upper() if len(region) == 2 else HOME_OF.get(language.lower(), "")
        if code and code not in found:
            found.append(code)
    return tuple(found)


def where_it_is(street: str, postcode: str, city: str) -> str:
    town = " ".join(part for part in (postcode, city) if part)
    return ", ".join(part for part in (street, town) if part)


def directions(lat: float, lon: float, start: tuple[float, float] | None = None) -> str:
    """Of OpenStreetMap, on foot when it is known from where."""
    begin = f"{start[0]:.5f},{start[1]:.5f}" if start else ""
    route = urlencode({"engine": "fossgis_osrm_foot", "route": f"{begin};{lat:.5f},{lon:.5f}"})
    return f"https://www.openstreetmap.org/directions?{route}"


class DayLine(msgspec.Struct, frozen=True):
    name: str
    hours: tuple[str, ...]
    today: bool = False
    note: str = ""


def spans(day: Day) -> tuple[str, ...]:
    """`08:00-12:00`, one text a stretch."""
    if day.spans is None:
        return (_("unknown"),)
    if not day.spans:
        return (_("Closed"),)
    return tuple(_span(begin, end, day.date) for begin, end in day.spans)


def _span(begin: datetime, end: datetime, day: date) -> str:
    whole = end - begin >= timedelta(days=1) and begin.date() == day and f"{begin:%H:%M}" == "00:00"
    if whole:
        return _("Day and night")
    until = words.wall_clock(end)
    return f"{words.wall_clock(begin)}–{until.replace('00', '24', 1) if (end.hour, end.minute) == (0, 0) else until}"


def week(days: Sequence[Day], *, speaks_of_holidays: bool) -> tuple[DayLine, ...]:
    """From Monday to Sunday, each the coming one, today's included. `days` begin with today."""
    lines = sorted(days[:7], key=lambda day: day.date.weekday())
    return tuple(
        DayLine(
            words.first_capital(words.weekday(day.date)),
            spans(day),
            today=day is days[0],
            note=_holiday(day, speaks_of_holidays=speaks_of_holidays),
        )
        for day in lines
    )


def _holiday(day: Day, *, speaks_of_holidays: bool) -> str:
    if not day.holiday:
        return ""
    return _("Public holiday") if speaks_of_holidays else _("Public holiday, may differ")


def exceptions(days: Sequence[Day], ahead: int, *, speaks_of_holidays: bool) -> tuple[DayLine, ...]:
    """The holidays among the first `ahead` days, and what differs then from the weeks that `days` hold."""
    usual = regular(days)
    found = []
    for number, day in enumerate(days[:ahead]):
        told = spans(day)
        if day.holiday or told != usual.get(day.date.weekday(), told):
            note = _holiday(day, speaks_of_holidays=speaks_of_holidays) or _("Other hours than usual")
            name = words.first_capital(words.calendar_day(day.date))
            found.append(DayLine(name, told, today=number == 0, note=note))
    return tuple(found)


def regular(days: Iterable[Day]) -> dict[int, tuple[str, ...]]:
    """What most weeks say, by weekday; holidays do not count."""
    told: dict[int, Counter[tuple[str, ...]]] = {}
    for day in days:
        if not day.holiday:
            told.setdefault(day.date.weekday(), Counter())[spans(day)] += 1
    return {weekday: seen.most_common(1)[0][0] for weekday, seen in told.items()}
