"""Distances on WGS 84: earth-centred coordinates, straight chords, and how surely a chord tells the geodesic.

Trees compare chords, answers are ordered by the geodesic. The two bounds here say when the first settles the second.
"""

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pyproj import Geod

Floats = NDArray[np.float64]

_GEOD: Final = Geod(ellps="WGS84")
_A: Final = 6_378_137.0
_E2: Final = 0.00669437999014
_FLATTEST_RADIUS_M: Final = 6_400_000.0
"""No geodesic of WGS 84 bends less than a circle of this radius (a²/b is 6,399,594 m): it bounds chord by distance."""
_SHARPEST_RADIUS_M: Final = 6_335_000.0
"""Nor more than one of this (b²/a is 6,335,439 m): it bounds distance by chord."""

NEAR_M: Final = 40_000.0
"""Up to here the geodesic follows from the chord, within a millimetre, by `Origin.bend`."""
CHORD_ERROR: Final = 1e-17
"""Times the chord cubed, it bounds how far off that is, in metres: the radii of curvature differ by at most 0.7 %
between directions, which is 7e-18 of the cubic term, and the ground changes a little on the way."""
SAME_M: Final = 2e-6
"""Distances this alike count as equal: it is what geodesics themselves are good for, with the tree's rounding."""
EVERYWHERE_M: Final = 13_000_000.0
"""No chord is longer."""


class Origin(NamedTuple):
    """From where is searched: its earth-centred position, and how the ground bends there: the geodesic of a chord c up
    to `NEAR_M` is c + bend · c³."""

    lat: float
    lon: float
    point: Floats
    bend: float


def origin(lat: float, lon: float) -> Origin:
    phi, lam = math.radians(lat), math.radians(lon)
    sine, cosine = math.sin(phi), math.cos(phi)
    w = 1.0 - _E2 * sine * sine
    normal = _A / math.sqrt(w)
    flat = normal * cosine
    point = np.array([[flat * math.cos(lam), flat * math.sin(lam), normal * (1.0 - _E2) * sine]])
    # A circle of radius R turns a chord c into c + c³/24R²; R² is the product of the two radii of curvature here.
    return Origin(lat, lon, point, w * w / (24.0 * _A * _A * (1.0 - _E2)))


def ecef(lat: Floats, lon: Floats) -> Floats:
    """Degrees → metres from the earth's centre, one row of x, y, z a point, on the ellipsoid's surface."""
    phi, lam = np.radians(lat), np.radians(lon)
    sine, cosine = np.sin(phi), np.cos(phi)
    normal = _A / np.sqrt(1.0 - _E2 * sine * sine)
    points = np.empty((len(lat), 3))
    points[:, 2] = normal * (1.0 - _E2) * sine
    normal *= cosine
    points[:, 0] = normal * np.cos(lam)
    points[:, 1] = normal * np.sin(lam)
    return points


def position(point: Floats) -> tuple[float, float]:
    """The latitude and longitude under a point near the surface; heights do not matter here."""
    x, y, z = (float(value) for value in point)
    lat = math.degrees(math.atan2(z, (1.0 - _E2) * math.hypot(x, y)))
    return lat, math.degrees(math.atan2(y, x))


def geodesics(lat: float, lon: float, lats: Floats, lons: Floats) -> Floats:
    """Metres to each, rounded to the micrometre, so that equally far places compare equal."""
    count = len(lats)
    _, _, metres = _GEOD.inv(np.full(count, lon), np.full(count, lat), lons, lats)
    rounded: Floats = np.asarray(metres, dtype=np.float64).round(6)
    return rounded


def geodesic(lat: float, lon: float, its_lat: float, its_lon: float) -> float:
    """Metres to one place. Up to a dozen of these are quicker than `geodesics`."""
    _, _, metres = _GEOD.inv(lon, lat, its_lon, its_lat)
    return round(float(metres), 6)


def longest_distance(chord_m: float) -> float:
    """Two places this far apart in a straight line are never further apart than this by the geodesic."""
    half = chord_m / (2.0 * _SHARPEST_RADIUS_M)
    return EVERYWHERE_M * 2.0 if half >= 1.0 else 2.0 * _SHARPEST_RADIUS_M * math.asin(half)


def longest_chord(distance_m: float) -> float:
    """Two places this far apart by the geodesic are never further apart than this in a straight line."""
    half = min(distance_m / (2.0 * _FLATTEST_RADIUS_M), math.pi / 2.0)
    return 2.0 * _FLATTEST_RADIUS_M * math.sin(half)


def along_a_curve(lat: Floats, lon: Floats) -> NDArray[np.uint64]:
    """Numbers by which neighbours on the ground mostly sort next to each other (Morton order), to share memory pages
    and cache lines."""
    scale = float(2**32 - 1)
    rows = ((lat + 90.0) * (scale / 180.0)).astype(np.uint64)
    columns = ((lon + 180.0) * (scale / 360.0)).astype(np.uint64)
    return _every_second_bit(rows) << np.uint64(1) | _every_second_bit(columns)


def _every_second_bit(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    spread = values
    for shift, mask in (
        (16, 0x0000FFFF0000FFFF),
        (8, 0x00FF00FF00FF00FF),
        (4, 0x0F0F0F0F0F0F0F0F),
        (2, 0x3333333333333333),
        (1, 0x5555555555555555),
    ):
        spread = (spread | (spread << np.uint64(shift))) & np.uint64(mask)
    return spread
