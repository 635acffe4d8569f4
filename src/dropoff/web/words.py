"""Times, distances and money as people say them, in their language and in the zone of the place it is about. Pure but
for the language: `now` comes from the caller."""

import datetime as calendar
from datetime import datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from babel import numbers
from babel.dates import format_date, format_time

from dropoff.kernel import money as amounts
from dropoff.web.languages import SOURCE, _, formats, language

DAY_AND_MONTH: Final = {"en": "d MMMM", "da": "d. MMMM", "nb": "d. MMMM", "sv": "d MMMM", "de": "d. MMMM"}
WEEKDAY: Final = {"en": "EEE ", "da": "EEE ", "nb": "EEE ", "sv": "EEE ", "de": "EEE, "}
"""In patterns of CLDR, before the day."""


def day(moment: datetime, zone: str, now: datetime) -> str:
    """`today`, `tomorrow`, `yesterday`, `Thu 4 December`, and the year only when it is not this one."""
    distance = _distance(moment, zone, now)
    if -1 <= distance <= 1:
        return (_("yesterday"), _("today"), _("tomorrow"))[distance + 1]
    return date(moment, zone, now)


def _distance(moment: datetime, zone: str, now: datetime) -> int:
    return (moment.astimezone(ZoneInfo(zone)).date() - now.astimezone(ZoneInfo(zone)).date()).days


def date(moment: datetime, zone: str, now: datetime) -> str:
    """`Thu 4 December`, also for today: for a day that stays on paper."""
    local = moment.astimezone(ZoneInfo(zone)).date()
    return calendar_day(local, with_year=local.year != now.astimezone(ZoneInfo(zone)).year)


def full(moment: datetime, zone: str) -> str:
    """`Thu 4 December 2026`: for what is kept."""
    return calendar_day(moment.astimezone(ZoneInfo(zone)).date(), with_year=True)


def calendar_day(local: calendar.date, *, with_year: bool = False, weekday: bool = True) -> str:
    """Of a day on the place's own calendar."""
    spoken = language()
    pattern = (WEEKDAY[spoken] if weekday else "") + DAY_AND_MONTH[spoken] + (" y" if with_year else "")
    return format_date(local, pattern, locale=formats())


def month(first: calendar.date) -> str:
    """`November 2026`."""
    return first_capital(format_date(first, "LLLL y", locale=formats()))


def weekday(local: calendar.date) -> str:
    """`Thursday`."""
    return format_date(local, "EEEE", locale=formats())


def at(moment: datetime, zone: str, now: datetime) -> str:
    """`today 17:04`, `Thu 4 December, 17:04`."""
    distance, time = _distance(moment, zone, now), clock(moment, zone)
    if not -1 <= distance <= 1:
        return _("%(date)s, %(time)s", date=date(moment, zone, now), time=time)
    if distance == 0:
        return _("today %(time)s", time=time)
    return _("tomorrow %(time)s", time=time) if distance > 0 else _("yesterday %(time)s", time=time)


def clock(moment: datetime, zone: str) -> str:
    return wall_clock(moment.astimezone(ZoneInfo(zone)))


def wall_clock(local: datetime) -> str:
    """Of a time as the place's own clock shows it."""
    return f"{local:%H:%M}" if language() == SOURCE else format_time(local.time(), "short", locale=formats())


def distance(metres: float) -> str:
    """`80 m`, `1.2 km`, `14 km`: as exact as a walk needs."""
    if metres < 995:
        return f"{max(10, round(metres / 10) * 10)} m"
    return f"{decimal(metres / 1000)} km" if metres < 9_950 else f"{number(round(metres / 1000))} km"


def decimal(value: float, digits: int = 1) -> str:
    """`1.2`, `1,2`."""
    return numbers.format_decimal(Decimal(f"{value:.{digits}f}"), f"0.{'0' * digits}", locale=formats())


def number(value: int) -> str:
    """`1 234`, as it is grouped in that language."""
    return str(value) if language() == SOURCE else numbers.format_decimal(value, locale=formats())


def money(amount: int, currency: str) -> str:
    """Of minor units: `1 290.00 DKK` in English, where no country's own sign would be understood by all; `1.290,00 kr.`
    in Danish."""
    if language() == SOURCE:
        return amounts.display(amount, currency)
    digits = amounts.CURRENCIES.get(currency, 2)
    pattern = numbers.parse_pattern(formats().currency_formats["standard"])
    pattern.frac_prec = (digits, digits)
    said: str = pattern.apply(Decimal(amount).scaleb(-digits), formats(), currency=currency, currency_digits=False)
    return said


def country(code: str) -> str:
    """Its name, of an ISO 3166-1 alpha-2 code."""
    return str(formats().territories.get(code, code))


def inside(words: str) -> str:
    """As it stands within a sentence: German nouns keep their capital."""
    return words if language() == "de" else words[:1].lower() + words[1:]


def short(value: float) -> str:
    """`1.8`, `2`: no digit that says nothing."""
    return number(round(value)) if value == round(value) else decimal(value)


def first_capital(words: str) -> str:
    return words[:1].upper() + words[1:]
