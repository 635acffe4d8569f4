"""Times and distances as people say them, in the zone of whoever reads them. Pure: `now` comes from the caller."""

from datetime import datetime
from zoneinfo import ZoneInfo


def day(moment: datetime, zone: str, now: datetime) -> str:
    """`today`, `tomorrow`, `yesterday`, `Thu 4 December`, and the year only when it is not this one."""
    local, today = moment.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone))
    distance = (local.date() - today.date()).days
    if -1 <= distance <= 1:
        return ("yesterday", "today", "tomorrow")[distance + 1]
    return date(moment, zone, now)


def date(moment: datetime, zone: str, now: datetime) -> str:
    """`Thu 4 December`, also for today: for a day that stays on paper."""
    local = moment.astimezone(ZoneInfo(zone))
    year = "" if local.year == now.astimezone(ZoneInfo(zone)).year else f" {local.year}"
    return f"{local:%a} {local.day} {local:%B}{year}"


def full(moment: datetime, zone: str) -> str:
    """`Thu 4 December 2026`: for what is kept."""
    local = moment.astimezone(ZoneInfo(zone))
    return f"{local:%a} {local.day} {local:%B} {local.year}"


def at(moment: datetime, zone: str, now: datetime) -> str:
    """`today 17:04`, `Thu 4 December, 17:04`."""
    words = day(moment, zone, now)
    comma = "," if words[0].isupper() else ""
    return f"{words}{comma} {clock(moment, zone)}"


def clock(moment: datetime, zone: str) -> str:
    return f"{moment.astimezone(ZoneInfo(zone)):%H:%M}"


def distance(metres: float) -> str:
    """`80 m`, `1.2 km`, `14 km`: as exact as a walk needs."""
    if metres < 995:
        return f"{max(10, round(metres / 10) * 10)} m"
    return f"{metres / 1000:.1f} km" if metres < 9_950 else f"{round(metres / 1000)} km"


def count(number: int, one: str, many: str) -> str:
    """`1 thing`, `3 things`."""
    return f"{number} {one if number == 1 else many}"


def first_capital(words: str) -> str:
    return words[:1].upper() + words[1:]
