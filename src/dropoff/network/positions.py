"""A GeoJSON geometry as a file has it → one WGS 84 position, or why there is none.

Repairs, each told: numbers written as text are read, a polygon becomes its centre, axes are swapped when only that
puts the point into its declared country.
"""

import math
import re
from typing import Any

import msgspec

from dropoff.network import countries

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
MAX_RING = 10_000


class Position(msgspec.Struct, frozen=True):
    lat: float
    lon: float
    repaired: bool


class NoPosition(msgspec.Struct, frozen=True):
    reason: str
    detail: str


def number(value: Any) -> tuple[float, bool] | None:
    """The finite number and whether it was written as text."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        text = value.strip()
        return (float(text), True) if len(text) <= 40 and _NUMBER.fullmatch(text) else None
    if isinstance(value, int | float):
        try:
            found = float(value)
        except OverflowError:
            return None
        return (found, False) if math.isfinite(found) else None
    return None


def position_of(geometry: Any, country: str) -> Position | NoPosition:
    if geometry is None:
        return NoPosition("position_missing", "The row has no geometry.")
    if not isinstance(geometry, dict):
        return NoPosition("position_malformed", "The geometry is not an object.")
    kind, coordinates = geometry.get("type"), geometry.get("coordinates")
    if kind == "Point":
        pair = _pair(coordinates)
    elif kind == "Polygon":
        pair = _centre([coordinates])
    elif kind == "MultiPolygon":
        pair = _centre(coordinates)
    else:
        return NoPosition("geometry_unsupported", "The geometry is neither a Point nor a Polygon.")
    if pair is None:
        return NoPosition("position_malformed", "The coordinates are not two finite numbers, longitude and latitude.")
    lon, lat, repaired = pair
    return _placed(lon, lat, repaired, country)


def _placed(lon: float, lat: float, repaired: bool, country: str) -> Position | NoPosition:
    if lat == 0 and lon == 0:
        return NoPosition("position_null_island", "0,0 is where places without a position end up.")
    in_range = _in_range(lon, lat)
    # The mirror image is looked at only when the point as written is surely not in the country.
    if not (in_range and countries.lies_near(country, lat, lon)):
        if _in_range(lat, lon) and countries.lies_in(country, lon, lat):
            return Position(lon, lat, True)
        if not in_range:
            return NoPosition("position_out_of_range", "Latitude is -90 to 90 and longitude -180 to 180.")
    return Position(lat, lon, repaired)


def _in_range(lon: float, lat: float) -> bool:
    return -180 <= lon <= 180 and -90 <= lat <= 90


def _pair(coordinates: Any) -> tuple[float, float, bool] | None:
    if not isinstance(coordinates, list) or len(coordinates) < 2:
        return None
    lon, lat = number(coordinates[0]), number(coordinates[1])
    if lon is None or lat is None:
        return None
    return lon[0], lat[0], lon[1] or lat[1]


def _centre(polygons: Any) -> tuple[float, float, bool] | None:
    """The centroid of the largest outer ring."""
    if not isinstance(polygons, list):
        return None
    best: tuple[float, float, float] | None = None
    for polygon in polygons:
        if not isinstance(polygon, list) or not polygon:
            return None
        ring = _ring(polygon[0])
        if ring is None:
            return None
        found = _ring_centroid(ring)
        if best is None or found[0] > best[0]:
            best = found
    return None if best is None else (best[1], best[2], True)


def _ring(coordinates: Any) -> list[tuple[float, float]] | None:
    if not isinstance(coordinates, list) or not 3 <= len(coordinates) <= MAX_RING:
        return None
    pairs = [_pair(item) for item in coordinates]
    if any(pair is None for pair in pairs):
        return None
    ring = [(pair[0], pair[1]) for pair in pairs if pair is not None]
    first_lon = ring[0][0]
    # A ring across the antimeridian is unrolled, so that its middle is not on the other side of the globe.
    return [(lon - 360 * round((lon - first_lon) / 360), lat) for lon, lat in ring]


def _ring_centroid(ring: list[tuple[float, float]]) -> tuple[float, float, float]:
    """(area in square degrees, lon, lat); a ring without area has the mean of its corners as its centre."""
    base_lon, base_lat = ring[0]
    local = [(lon - base_lon, lat - base_lat) for lon, lat in ring]
    twice_area = sum_lon = sum_lat = 0.0
    for (x1, y1), (x2, y2) in zip(local, [*local[1:], local[0]], strict=True):
        cross = x1 * y2 - x2 * y1
        twice_area += cross
        sum_lon += (x1 + x2) * cross
        sum_lat += (y1 + y2) * cross
    if abs(twice_area) < 1e-15:
        lon = base_lon + sum(x for x, _ in local) / len(local)
        lat = base_lat + sum(y for _, y in local) / len(local)
    else:
        lon = base_lon + sum_lon / (3 * twice_area)
        lat = base_lat + sum_lat / (3 * twice_area)
    wrapped = (lon + 180) % 360 - 180 if not -180 <= lon <= 180 else lon
    return abs(twice_area) / 2, wrapped, lat
