"""The order equals the geodesic's, in 10,000 searches among 10,000 places and 1,000 among 100,000.

The oracle is the geodesic of every place, by `pyproj`. That of most need not be computed: on a sphere, where distances
cost little, they are so much farther that no ellipsoid of this shape could bring them back.
"""

import random
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pytest
from geopy.distance import geodesic
from numpy.typing import NDArray
from pyproj import Geod

from dropoff.network.nearby import Search, Snapshot
from dropoff.network.nearby_geometry import (
    CHORD_ERROR,
    NEAR_M,
    SAME_M,
    ecef,
    geodesics,
    longest_chord,
    longest_distance,
    origin,
)
from dropoff.network.nearby_geometry import geodesic as one_geodesic
from dropoff.network.nearby_place import Place

Floats = NDArray[np.float64]

GEOD = Geod(ellps="WGS84")
LIMIT = 10
SPHERE_M = 6_371_008.8
LEAST, MOST = 0.9944, 1.0046
"""By so much every short way on WGS 84 differs from the way between the same latitudes and longitudes on the sphere:
the radii of curvature run from 6,335,439 m to 6,399,594 m. What holds for each step holds for the shortest way."""
ANYWHERE = [(90.0, 0.0), (-90.0, 12.0), (89.9999, -180.0), (0.0, 180.0), (0.0, -180.0), (-16.8, 179.9999), (52.0, -180)]


class World(NamedTuple):
    lat: Floats
    lon: Floats
    snapshot: Snapshot


def _world(count: int, seed: int) -> World:
    """Dense around cities of all continents, some at one and the same position, some at the ends of the map."""
    chance = np.random.default_rng(seed)
    cities = np.column_stack([chance.uniform(-55, 72, 300), chance.uniform(-180, 180, 300)])
    at = chance.integers(0, len(cities), count)
    spread = chance.choice([0.0, 0.001, 0.03, 0.5, 3.0], count, p=[0.05, 0.15, 0.5, 0.2, 0.1])
    lat = np.clip(cities[at, 0] + chance.normal(0, 1, count) * spread, -90, 90)
    lon = (cities[at, 1] + chance.normal(0, 1, count) * spread + 180) % 360 - 180
    ends = np.array(ANYWHERE * 3)
    lat[: len(ends)], lon[: len(ends)] = ends[:, 0], ends[:, 1]
    lat[50:70], lon[50:70] = chance.uniform(89.5, 90, 20), chance.uniform(-180, 180, 20)
    return World(lat, lon, Snapshot.of(1, _places(lat.tolist(), lon.tolist())))


def _places(lats: list[float], lons: list[float]) -> Iterator[Place]:
    for number, (lat, lon) in enumerate(zip(lats, lons, strict=True)):
        ident = f"loc_{number:06}"
        kind = "store" if number % 37 else "locker"
        yield Place(ident, ident, "", kind, "", "", "", "", "DE", lat, lon, "UTC", "", False, ())


def _from_where(world: World, count: int) -> list[tuple[float, float]]:
    """Beside places, on them, anywhere on earth, and at the ends of the map."""
    chance = random.Random(17)
    found = []
    for _ in range(count):
        number, how = chance.randrange(len(world.lat)), chance.random()
        near = 0.0 if how < 0.05 else 0.02 if how < 0.7 else 0.5
        lat, lon = world.lat[number] + chance.gauss(0, near), world.lon[number] + chance.gauss(0, near)
        if how > 0.98:
            lat, lon = chance.choice(ANYWHERE)
        elif how > 0.9:
            lat, lon = chance.uniform(-90, 90), chance.uniform(-180, 180)
        found.append((min(90.0, max(-90.0, float(lat))), (float(lon) + 180) % 360 - 180))
    return found


def _unit(lat: Floats, lon: Floats) -> Floats:
    phi, lam = np.radians(lat), np.radians(lon)
    return np.column_stack((np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)))


def _oracle(world: World, asked: list[tuple[float, float]]) -> Iterator[list[tuple[float, int]]]:
    """For each search the distances and numbers of the nearest, by the geodesic, then by number."""
    places = _unit(world.lat, world.lon)
    for start in range(0, len(asked), 100):
        some = np.array(asked[start : start + 100])
        cosines = _unit(some[:, 0], some[:, 1]) @ places.T
        # The cosine of a short way is coarse: a metre covers it.
        kth = -np.partition(-cosines, LIMIT - 1, axis=1)[:, LIMIT - 1]
        furthest = np.arccos(np.clip(kth, -1, 1)) * SPHERE_M * MOST + 1
        bar = np.cos(np.minimum((furthest + 1) / (SPHERE_M * LEAST), np.pi)) - 1e-15
        which, number = np.nonzero(cosines >= bar[:, None])
        _, _, metres = GEOD.inv(some[which, 1], some[which, 0], world.lon[number], world.lat[number])
        order = np.lexsort((number, np.round(metres, 6), which))
        begins = np.searchsorted(which[order], np.arange(len(some)))
        for begin in begins:
            best = order[begin : begin + LIMIT]
            yield list(zip(metres[best].tolist(), number[best].tolist(), strict=True))


@pytest.mark.parametrize(("places", "searches"), [(10_000, 10_000), (100_000, 1_000)])
def test_the_order_is_the_geodesics(places: int, searches: int) -> None:
    world = _world(places, seed=places)
    asked = _from_where(world, searches)
    snapshot = world.snapshot
    for (lat, lon), wanted in zip(asked, _oracle(world, asked), strict=True):
        hits = snapshot.nearest(Search(lat, lon, LIMIT))
        assert [int(hit.place.id[4:]) for hit in hits] == [number for _, number in wanted], (lat, lon)
        off = max(abs(hit.distance_m - metres) for hit, (metres, _) in zip(hits, wanted, strict=True))
        assert off < 0.001, (lat, lon)


def test_the_order_holds_over_changes_and_where_few_pass() -> None:
    """One place in fifty was moved since the base was made, as many are gone; one in 37 is a locker."""
    world = _world(10_000, seed=4)
    lat, lon, alive = world.lat.copy(), world.lon.copy(), np.ones(len(world.lat), np.bool_)
    alive[9::50] = False
    lat[7::50] = np.clip(lat[7::50] + 0.02, -90, 90)
    lon[7::50] = (lon[7::50] - 0.03 + 180) % 360 - 180
    now = list(_places(lat.tolist(), lon.tolist()))
    snapshot = world.snapshot.changed(2, [(now[n], n % 50 == 7) for n in range(len(now)) if n % 50 in (7, 9)])
    merged = snapshot.merged()
    asked = _from_where(World(lat, lon, snapshot), 400)
    for kinds, step in ((frozenset[str](), 1), (frozenset(("locker",)), 37)):
        numbers = np.flatnonzero(alive & (np.arange(len(lat)) % step == 0))
        oracle = _oracle(World(lat[numbers], lon[numbers], snapshot), asked)
        for (here, there), wanted in zip(asked, oracle, strict=True):
            for answering in (snapshot, merged):
                hits = answering.nearest(Search(here, there, LIMIT, kinds=kinds))
                assert [int(hit.place.id[4:]) for hit in hits] == [int(numbers[n]) for _, n in wanted], (here, there)


def test_the_oracle_is_the_geodesic_of_geopy() -> None:
    world = _world(2_000, seed=3)
    asked = _from_where(world, 6)
    for (lat, lon), wanted in zip(asked, _oracle(world, asked), strict=True):
        every = [geodesic((lat, lon), place).m for place in zip(world.lat, world.lon, strict=True)]
        nearest = sorted((round(metres, 6), number) for number, metres in enumerate(every))[:LIMIT]
        assert [number for _, number in wanted] == [number for _, number in nearest]
        assert [metres for metres, _ in wanted] == pytest.approx([metres for metres, _ in nearest], abs=1e-6)


def test_straight_lines_and_distances_keep_within_each_others_bounds() -> None:
    chance = np.random.default_rng(5)
    count = 20_000
    lat1, lon1 = chance.uniform(-90, 90, count), chance.uniform(-180, 180, count)
    spread = chance.choice([0.01, 1.0, 30.0, 180.0], count)
    lat2 = np.clip(lat1 + chance.uniform(-1, 1, count) * spread / 2, -90, 90)
    lon2 = lon1 + chance.uniform(-1, 1, count) * spread
    _, _, metres = GEOD.inv(lon1, lat1, lon2, lat2)
    chords = np.linalg.norm(ecef(lat1, lon1) - ecef(lat2, lon2), axis=1)
    for chord, far in zip(chords.tolist(), metres.tolist(), strict=True):
        assert chord <= longest_chord(far) + 1e-6
        assert far <= longest_distance(chord) + 1e-6


def test_one_geodesic_is_as_good_as_many() -> None:
    chance = np.random.default_rng(8)
    lats, lons = chance.uniform(-90, 90, 500), chance.uniform(-180, 180, 500)
    one_by_one = [one_geodesic(55.7, 12.6, lat, lon) for lat, lon in zip(lats.tolist(), lons.tolist(), strict=True)]
    assert one_by_one == pytest.approx(geodesics(55.7, 12.6, lats, lons).tolist(), abs=1e-6)


def test_a_short_chord_tells_the_geodesic_as_well_as_promised() -> None:
    chance = np.random.default_rng(6)
    count = 100_000
    lat, lon = np.degrees(np.arcsin(chance.uniform(-1, 1, count))), chance.uniform(-180, 180, count)
    lat[:9_000] = np.repeat([0.0, 90.0, -90.0, 89.999, 45.0, -0.001, 0.1, 60.0, 55.7], 1_000)
    away = 10 ** chance.uniform(0, np.log10(NEAR_M), count)
    there_lon, there_lat, _ = GEOD.fwd(lon, lat, chance.uniform(0, 360, count), away)
    chords = np.linalg.norm(ecef(lat, lon) - ecef(np.array(there_lat), np.array(there_lon)), axis=1)
    bends = np.array([origin(one, other).bend for one, other in zip(lat.tolist(), lon.tolist(), strict=True)])
    off = np.abs(chords + bends * chords**3 - away)
    assert (off <= CHORD_ERROR * chords**3 + SAME_M / 2).all()
    assert off.max() < 0.0005
