"""Days, weeks and months of a place, by its own clock: where they begin and end, as moments. Pure."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

MONTH: Final = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])", re.ASCII)


def begin(day: date, zone: str) -> datetime:
    """Its first moment. Where the clocks skip midnight, the moment they skip to; where it comes twice, the first."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def day_of(moment: datetime, zone: str) -> date:
    return moment.astimezone(ZoneInfo(zone)).date()


def days(first: date, count: int, zone: str) -> tuple[datetime, datetime]:
    """From the first moment of the first day to the first after the last."""
    return begin(first, zone), begin(first + timedelta(days=count), zone)


def week_of(moment: datetime, zone: str) -> date:
    """Its Monday."""
    day = day_of(moment, zone)
    return day - timedelta(days=day.weekday())


def parse_month(text: str) -> date | None:
    """`2026-11` as its first day."""
    found = MONTH.fullmatch(text)
    return date(int(found[1]), int(found[2]), 1) if found else None


def month_of(moment: datetime, zone: str) -> date:
    return day_of(moment, zone).replace(day=1)


def month_after(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1)


def month_before(first: date) -> date:
    return (first - timedelta(days=1)).replace(day=1)
