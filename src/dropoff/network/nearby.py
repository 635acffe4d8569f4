"""The nearby index: an immutable snapshot of the public network, in this process.

Positions are WGS 84 earth-centred coordinates in a float64 k-d tree. The straight chord ranks almost as the geodesic
does, so the tree shortlists, the geodesic orders, and a bound proves that nothing outside the shortlist could belong in
the answer. It knows nothing of the database: `store` reads the places, `refresh` swaps the snapshot.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec
import numpy as np
from numpy.typing import NDArray
from pykdtree.kdtree import KDTree
from pyproj import Geod

from dropoff.network import hours
from dropoff.network.folding import fold, fold_postcode

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]
Mask = NDArray[np.bool_]

_GEOD = Geod(ellps="WGS84")
_A = 6_378_137.0
_E2 = 0.00669437999014
_FLATTEST_RADIUS_M = 6_400_000.0
"""No geodesic of WGS 84 bends less than a circle of this radius (a²/b is 6,399,594 m): it bounds chord by distance."""
SCAN_MAX = 4_096
"""So few passing places are compared one by one: a tree walk that skips nearly everything costs more."""
CLUSTER_M = 25_000.0
MINUTES_KEPT = 16
MASKS_KEPT = 64


class Place(msgspec.Struct, frozen=True):
    """A public point as the search shows it."""

    id: str
    external_id: str
    name: str
    kind: str
    operator: str
    street: str
    postcode: str
    city: str
    country: str
    lat: float
    lon: float
    zone: str
    opening_hours: str
    hours_known: bool
    accepts: tuple[str, ...]


class Search(msgspec.Struct, frozen=True):
    """`kinds` is any of, `accepts` all of; `open_at` keeps only places that are surely open then."""

    lat: float
    lon: float
    limit: int
    kinds: frozenset[str] = frozenset()
    accepts: frozenset[str] = frozenset()
    country: str | None = None
    radius_m: float | None = None
    open_at: datetime | None = None


class Hit(msgspec.Struct, frozen=True):
    place: Place
    distance_m: float


def ecef(lat: Floats, lon: Floats) -> Floats:
    """Degrees → metres from the earth's centre, one row of x, y, z a point, on the ellipsoid's surface."""
    phi, lam = np.radians(lat), np.radians(lon)
    normal = _A / np.sqrt(1.0 - _E2 * np.sin(phi) ** 2)
    x = normal * np.cos(phi) * np.cos(lam)
    y = normal * np.cos(phi) * np.sin(lam)
    z = normal * (1.0 - _E2) * np.sin(phi)
    return np.column_stack((x, y, z))


def longest_chord(distance_m: float) -> float:
    """Two places this far apart by the geodesic are never further apart than this in a straight line."""
    half = min(distance_m / (2.0 * _FLATTEST_RADIUS_M), np.pi / 2.0)
    return float(2.0 * _FLATTEST_RADIUS_M * np.sin(half))


class Snapshot:
    """Never changes once built; `revision` is the network's when the places were read."""

    def __init__(self, revision: int, places: Iterable[Place]) -> None:
        self.revision = revision
        # In order of id, so that a place's number decides between equal distances.
        self.places = sorted(places, key=lambda place: place.id)
        count = len(self.places)
        self._lat = np.fromiter((place.lat for place in self.places), np.float64, count)
        self._lon = np.fromiter((place.lon for place in self.places), np.float64, count)
        self._points = ecef(self._lat, self._lon)
        self._tree = KDTree(self._points) if count else None
        self._by_name: dict[tuple[str, str], list[int]] = {}
        self._masks: OrderedDict[tuple[frozenset[str], frozenset[str], str | None], Mask] = OrderedDict()
        self._patterns = _Patterns()
        self._pattern_of = np.fromiter((self._patterns.number(place) for place in self.places), np.int64, count)
        self._name_places()

    def __len__(self) -> int:
        return len(self.places)

    def nearest(self, search: Search) -> list[Hit]:
        """Nearest first by the geodesic, exactly; equal distances in order of id."""
        if not self.places:
            return []
        passing = self._passing(search)
        available = len(self.places) if passing is None else int(np.count_nonzero(passing))
        shortlist = min(available, search.limit + 16)
        while shortlist > 0:
            chosen, chords = self._shortlist(search, passing, available, shortlist)
            hits, settled = self._ordered(search, chosen, chords)
            if settled or len(chosen) < shortlist or shortlist == available:
                return hits
            shortlist = min(available, shortlist * 4)
        return []

    def open_state(self, place_number: int, at: datetime) -> bool | None:
        return self._patterns.state(int(self._pattern_of[place_number]), at)

    def open_now(self, place: Place, at: datetime) -> bool | None:
        return self._patterns.state(self._patterns.number(place), at)

    def find(self, text: str, country: str | None) -> tuple[float, float] | None:
        """The centre of the places whose postcode, else whose city, is exactly this, letters folded.

        Where several countries know the name, the one with the most places is meant; where places of that name lie
        apart, the densest group is.
        """
        for kind, key in (("postcode", fold_postcode(text)), ("city", fold(text))):
            numbers = self._by_name.get((kind, key)) if key else None
            if numbers is not None and country is not None:
                numbers = [number for number in numbers if self.places[number].country == country]
            if numbers:
                return self._centre(numbers)
        return None

    def _name_places(self) -> None:
        for number, place in enumerate(self.places):
            if place.postcode:
                self._by_name.setdefault(("postcode", fold_postcode(place.postcode)), []).append(number)
            if place.city:
                self._by_name.setdefault(("city", fold(place.city)), []).append(number)

    def _centre(self, numbers: list[int]) -> tuple[float, float]:
        groups: dict[str, list[int]] = {}
        for number in numbers:
            groups.setdefault(self.places[number].country, []).append(number)
        largest = min(groups.items(), key=lambda group: (-len(group[1]), group[0]))[1]
        step = max(1, len(largest) // 500)
        points = self._points[np.array(largest[::step])]
        near = np.linalg.norm(points[:, None, :] - points[None, :, :], axis=2) <= CLUSTER_M
        x, y, z = points[near[int(np.argmax(near.sum(axis=1)))]].mean(axis=0)
        lat = np.degrees(np.arctan2(z, (1.0 - _E2) * np.hypot(x, y)))
        return float(lat), float(np.degrees(np.arctan2(y, x)))

    def _passing(self, search: Search) -> Mask | None:
        """None when nothing is filtered."""
        passing: Mask | None = None
        if search.kinds or search.accepts or search.country:
            passing = self._attribute_mask(search)
        if search.open_at is not None:
            is_open = self._patterns.open_mask(search.open_at)[self._pattern_of]
            passing = is_open if passing is None else passing & is_open
        return passing

    def _attribute_mask(self, search: Search) -> Mask:
        key = (search.kinds, search.accepts, search.country)
        mask = self._masks.get(key)
        if mask is None:
            mask = np.fromiter((_passes(place, search) for place in self.places), np.bool_, len(self.places))
            self._masks[key] = mask
            if len(self._masks) > MASKS_KEPT:
                self._masks.popitem(last=False)
        return mask

    def _shortlist(self, search: Search, passing: Mask | None, available: int, size: int) -> tuple[Numbers, Floats]:
        """The `size` passing places with the shortest chords, and these chords, shortest first."""
        point = ecef(np.array([search.lat]), np.array([search.lon]))
        if self._tree is None or (passing is not None and available <= SCAN_MAX):
            chosen = np.arange(len(self.places)) if passing is None else np.flatnonzero(passing)
            chords = np.linalg.norm(self._points[chosen] - point, axis=1)
            order = np.argsort(chords, kind="stable")[:size]
            return chosen[order], chords[order]
        skipped = None if passing is None else (~passing).view(np.uint8)
        # A place within the radius has a chord within it; beyond, the tree need not look.
        reach = None if search.radius_m is None else search.radius_m + 1.0
        found = self._tree.query(point, k=size, mask=skipped, distance_upper_bound=reach)
        chords, chosen = np.atleast_1d(found[0].ravel()), np.atleast_1d(found[1].ravel())
        real = np.isfinite(chords)
        return chosen[real].astype(np.int64), chords[real]

    def _ordered(self, search: Search, chosen: Numbers, chords: Floats) -> tuple[list[Hit], bool]:
        """The hits among the shortlist, and whether no place outside it could be one."""
        count = len(chosen)
        here_lon, here_lat = np.full(count, search.lon), np.full(count, search.lat)
        _, _, metres = _GEOD.inv(here_lon, here_lat, self._lon[chosen], self._lat[chosen])
        # To the micrometre, which is beyond what the geodesic itself is good for: equal places compare equal.
        metres = np.round(np.asarray(metres, dtype=np.float64), 6)
        order = np.lexsort((chosen, metres))
        if search.radius_m is not None:
            order = order[metres[order] <= search.radius_m]
        hits = [Hit(self.places[int(chosen[i])], float(metres[i])) for i in order[: search.limit]]
        if count == 0:
            return hits, True
        furthest = search.radius_m if len(hits) < search.limit else hits[-1].distance_m
        settled = furthest is not None and float(chords[-1]) > longest_chord(furthest) + 0.001
        return hits, settled


def _passes(place: Place, search: Search) -> bool:
    return (
        (not search.kinds or place.kind in search.kinds)
        and (search.country is None or place.country == search.country)
        and search.accepts.issubset(place.accepts)
    )


_Pattern = tuple[str, str, str, tuple[float, float] | None]


class _Patterns:
    """The opening patterns of a network, each once, and their state minute by minute."""

    def __init__(self) -> None:
        self._numbers: dict[_Pattern, int] = {}
        self._listed: list[_Pattern] = []
        self._by_minute: OrderedDict[datetime, dict[int, bool | None]] = OrderedDict()

    def number(self, place: Place) -> int:
        """-1 stands for unknown hours."""
        if not place.hours_known:
            return -1
        position = (place.lat, place.lon) if hours.follows_sun(place.opening_hours) else None
        key = (place.opening_hours, place.zone, place.country, position)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._listed)
            self._listed.append(key)
        return number

    def state(self, number: int, at: datetime) -> bool | None:
        if number < 0:
            return None
        states = self._states(at)
        if number not in states:
            states[number] = self._evaluate(number, at)
        return states[number]

    def open_mask(self, at: datetime) -> Mask:
        """One entry a pattern and a last one, which number -1 finds, for unknown hours."""
        return np.array([self.state(number, at) is True for number in range(len(self._listed))] + [False])

    def _states(self, at: datetime) -> dict[int, bool | None]:
        # OSM hours change on full minutes, so a minute's answers hold for all of it.
        minute = at.astimezone(UTC).replace(second=0, microsecond=0)
        states = self._by_minute.get(minute)
        if states is None:
            states = self._by_minute[minute] = {}
            if len(self._by_minute) > MINUTES_KEPT:
                self._by_minute.popitem(last=False)
        return states

    def _evaluate(self, number: int, at: datetime) -> bool | None:
        expression, zone, country, position = self._listed[number]
        return hours.open_now(expression, zone, country, position, at)


class Nearby:
    """Holds the snapshot in force; swapping it is one assignment. Revision -1 says that nothing was loaded yet."""

    def __init__(self) -> None:
        self.snapshot = Snapshot(-1, ())
        self.building = threading.Lock()
