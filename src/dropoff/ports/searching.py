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
RADIUS_MAX_M: Final = 1_000_000.0
LAT_MAX: Final = 82.0
"""Nearer to the poles circles would not get smaller by being quartered, and nobody hands parcels in."""
_SLACK: Final = 1.01
"""The earth is no ball, by a third of a per cent."""


class Area(msgspec.Struct, frozen=True, array_like=True):
    """A circle; degrees and metres."""

    lat: float
    lon: float
    radius_m: float

    def quarters(self) -> tuple["Area", ...]:
        """Four circles that cover this one: around the quarters of its bounding box."""
        north = self.radius_m / DEGREE_M
        share = math.sin(math.radians(north)) / math.cos(math.radians(self.lat))
        east = math.degrees(math.asin(min(1.0, share)))
        found = []
        for sign_lat in (1, -1):
            lat = self.lat + sign_lat * north / 2
            # The corners towards the equator are the farthest.
            radius_m = max(_distance_m(lat, edge, east / 2) for edge in (self.lat, self.lat + sign_lat * north))
            for sign_lon in (1, -1):
                lon = (self.lon + sign_lon * east / 2 + 180.0) % 360.0 - 180.0
                found.append(Area(round(lat, 6), round(lon, 6), round(radius_m * _SLACK, 1)))
        return tuple(found)


def _distance_m(lat: float, other_lat: float, lon_apart: float) -> float:
    a, b, c = math.radians(lat), math.radians(other_lat), math.radians(lon_apart)
    half = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(c / 2) ** 2
    return 2 * DEGREE_M * math.degrees(math.asin(math.sqrt(half)))


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
        in_bounds = smallest_m <= area.radius_m <= RADIUS_MAX_M and abs(area.lon) <= 180
        if not (in_bounds and abs(area.lat) + area.radius_m / DEGREE_M <= LAT_MAX):
            raise Misconfigured(f"{setting}: {part!r} is out of bounds; a radius is {smallest_m:g} to 1000000 m")
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
