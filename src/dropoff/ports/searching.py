"""For sources that cannot be listed, only searched around a position with so many answers at most.

A search whose answer is full is made again in four smaller circles that cover it, down to a smallest size. The cursor
is what is left to search, so a pull that broke off goes on there.
"""

import math
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from dropoff.ports.locations import LeftOut, Malformed, Misconfigured, Page, Point

DEGREE_M: Final = 111_195.0
AREAS_MAX: Final = 100_000
_ROOT_HALF: Final = math.sqrt(0.5)


class Area(msgspec.Struct, frozen=True, array_like=True):
    """A circle; degrees and metres."""

    lat: float
    lon: float
    radius_m: float

    def quarters(self) -> tuple["Area", ...]:
        """Four circles that cover this one: around the quarters of the square around it."""
        north = self.radius_m / 2 / DEGREE_M
        radius_m = self.radius_m * _ROOT_HALF * 1.001
        found = []
        for sign_lat in (1, -1):
            lat = max(-90.0, min(90.0, self.lat + sign_lat * north))
            # By the quarter's edge that is nearer to the pole, where a degree of longitude is shortest.
            width = math.cos(math.radians(min(89.9, abs(self.lat) + 2 * north)))
            for sign_lon in (1, -1):
                lon = (self.lon + sign_lon * north / width + 180.0) % 360.0 - 180.0
                found.append(Area(round(lat, 6), round(lon, 6), round(radius_m, 1)))
        return tuple(found)


class Answers(msgspec.Struct, frozen=True):
    rows: tuple[Point | LeftOut, ...]
    full: bool
    """As many as the source gives at most: there may be more."""


def parse_areas(setting: str, text: str, smallest_m: float, largest_m: float) -> tuple[Area, ...]:
    """`52.52,13.40,20000; 48.14,11.58,15000`: latitude, longitude, radius in metres. Larger circles are cut up."""
    areas = []
    for part in filter(None, (part.strip() for part in text.split(";"))):
        try:
            area = Area(*(float(number) for number in part.split(",")))
        except (TypeError, ValueError):
            raise Misconfigured(f"{setting}: {part!r} is not LATITUDE,LONGITUDE,RADIUS_M") from None
        if not (abs(area.lat) <= 90 and abs(area.lon) <= 180 and smallest_m <= area.radius_m <= 2_000_000):
            raise Misconfigured(f"{setting}: {part!r} is out of bounds; the radius is {smallest_m:g} to 2000000 m")
        areas.append(area)
    if not areas:
        raise Misconfigured(f"{setting} must name at least one area: LATITUDE,LONGITUDE,RADIUS_M; …")
    while any(area.radius_m > largest_m for area in areas):
        areas = [small for area in areas for small in (area.quarters() if area.radius_m > largest_m else (area,))]
    return tuple(areas)


def search_pages(
    areas: tuple[Area, ...], smallest_m: float, search: Callable[[Area], Answers], cursor: str | None
) -> Iterator[Page]:
    """A page for each search that was narrow enough. A place that several circles hold is given once."""
    waiting = list(reversed(areas)) if cursor is None else _read(cursor)
    seen: set[object] = set()
    searched = 0
    while waiting:
        area = waiting.pop()
        searched += 1
        if searched > AREAS_MAX:
            raise Malformed(f"the source's answers are full in {AREAS_MAX} areas and more")
        answers = search(area)
        narrower = area.quarters()
        if answers.full and narrower[0].radius_m >= smallest_m:
            waiting += reversed(narrower)
            continue
        left = msgspec.json.encode(waiting).decode() if waiting else None
        yield Page(rows=tuple(_new(answers.rows, seen)), cursor=left, complete=not answers.full)


def _new(rows: tuple[Point | LeftOut, ...], seen: set[object]) -> Iterator[Point | LeftOut]:
    for row in rows:
        if row.id is None or row.id not in seen:
            seen.add(row.id)
            yield row


def _read(cursor: str) -> list[Area]:
    try:
        return msgspec.json.decode(cursor, type=list[Area])
    except msgspec.DecodeError as error:
        raise Malformed(f"the cursor is none of this plug-in's: {error}") from error
