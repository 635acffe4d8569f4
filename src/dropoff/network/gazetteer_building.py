"""From rows of postal codes to the arrays of a `Gazetteer`.

Rows that carry one name and lie together are one place; the same name elsewhere is another. A place is as big as it
has codes, and places are numbered with the biggest first, so that a smaller number is the better answer. Nothing here
holds the interpreter for long: servers go on answering while it runs.
"""

from array import array
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from dropoff.network.gazetteer_spelling import POSTCODE_MAX, local_key, name_keys, names_within, part_of_town, town_of
from dropoff.network.gazetteer_words import other_names, town_of_district

Ints = NDArray[Any]
SAME_PLACE_DEG: Final = 0.3
"""About 33 km: rows of one name within that of each other's middle are one place."""
MUCH_BIGGER: Final = 10
"""Who names a town means the one that is so many times as big as the next of that name."""
UNIT: Final = 10_000_000
"""Positions are kept as whole numbers of 1e-7 degrees, about a centimetre."""
SIGNS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_BASE: Final = len(SIGNS) + 1
_SIGN_VALUES: Final = {sign: value for value, sign in enumerate(SIGNS, 1)}


class Row(msgspec.Struct, frozen=True, gc=False):
    """One postal code of one place. `weight` tells how much a row counts for the size of its place."""

    country: str
    postcode: str
    name: str
    region: str
    lat: float
    lon: float
    weight: int = 1


class Codes(msgspec.Struct, frozen=True):
    """One entry a postal code and place, ordered by key."""

    key: Ints
    length: Ints
    pattern: Ints
    place: Ints
    lat: Ints
    lon: Ints
    patterns: list[str]


class Places(msgspec.Struct, frozen=True):
    """One entry a place, the biggest first. `only_code` is a row of `Codes`, or -1; `namesakes` tells that its country
    has another place of this name."""

    name: list[str]
    region: list[str]
    country: Ints
    size: Ints
    lat: Ints
    lon: Ints
    only_code: Ints
    namesakes: NDArray[np.bool_]


class Keys(msgspec.Struct, frozen=True):
    """What places are found by, in order. `full`: the key is the whole name, not a part of it."""

    text: list[str]
    place: Ints
    full: NDArray[np.bool_]


class Contents(msgspec.Struct, frozen=True):
    countries: list[str]
    codes: Codes
    places: Places
    keys: Keys


def packed(key: str) -> int:
    """A postcode key as a number that sorts as the text does; texts with one beginning are one range of numbers."""
    value = 0
    for sign in key:
        value = value * _BASE + _SIGN_VALUES[sign]
    return value * int(_BASE ** (POSTCODE_MAX - len(key)))


def unpacked(value: int, pattern: str) -> str:
    """The postcode as it was written: `pattern` has # for each sign of the key."""
    signs = ""
    while value:
        value, sign = divmod(value, _BASE)
        signs = ((" " + SIGNS)[sign] + signs).strip()
    left = iter(signs.upper())
    return "".join(next(left, "") if c == "#" else c for c in pattern)


class Builder:
    """Takes rows one by one and keeps them as numbers."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str], int] = {}
        self._names: list[tuple[str, str]] = []
        self._nameless: set[int] = set()
        self._regions: dict[str, int] = {}
        self._patterns: dict[str, int] = {}
        self._columns = [array(kind) for kind in "IIHQBiiI"]

    def add(self, row: Row) -> None:
        name = self._name(row.country, row.name or row.postcode)
        if not row.name:
            self._nameless.add(name)
        key = local_key(row.postcode, row.country)
        values = (
            name,
            self._regions.setdefault(row.region, len(self._regions)),
            self._patterns.setdefault(_pattern(row.postcode, key), len(self._patterns)),
            packed(key),
            len(key),
            round(row.lat * UNIT),
            round(row.lon * UNIT),
            row.weight,
        )
        for column, value in zip(self._columns, values, strict=True):
            column.append(value)

    def _name(self, country: str, name: str) -> int:
        """One number however the name's case is; shown as it first came, but rather not in capitals."""
        number = self._numbers.setdefault((country, name.casefold()), len(self._names))
        if number == len(self._names):
            self._names.append((country, name))
        elif self._names[number][1].isupper():
            self._names[number] = (country, name)
        return number

    def contents(self) -> Contents:
        columns = [np.frombuffer(column, dtype=column.typecode) for column in self._columns]
        rows = _without_repeats(_Rows(*columns))
        found = _Found(self._names, rows)
        found.places_of_names()
        found.towns()
        order, rank = _biggest_first(found.sizes)
        drafts = [found.drafts[number] for number in order.tolist()]
        countries = sorted({draft.country for draft in drafts})
        codes, only_code = _codes(rows, rank[found.of_row], list(self._patterns), len(drafts))
        places = _places(drafts, countries, list(self._regions), only_code)
        return Contents(countries, codes, places, _keys(drafts, self._nameless))


def _pattern(postcode: str, key: str) -> str:
    """How the postcode is written, with # for each sign of its key."""
    before = sum(map(str.isalnum, postcode)) - len(key)
    written = ""
    for c in postcode.upper():
        written += "#" if c.isalnum() and before <= 0 else c
        before -= c.isalnum()
    return written if written.count("#") == len(key) else "#" * len(key)


class _Rows(msgspec.Struct, frozen=True):
    name: Ints
    region: Ints
    pattern: Ints
    key: Ints
    length: Ints
    lat: Ints
    lon: Ints
    weight: Ints

    def take(self, rows: Ints) -> "_Rows":
        return _Rows(*(np.take(getattr(self, field), rows) for field in self.__struct_fields__))


def _without_repeats(rows: _Rows) -> _Rows:
    """GeoNames tells of some codes twice, with two regions."""
    order = np.lexsort((rows.key, rows.name))
    name, key = rows.name[order], rows.key[order]
    again = np.zeros(len(order), np.bool_)
    again[1:] = (name[1:] == name[:-1]) & (key[1:] == key[:-1]) & (key[1:] != 0)
    return rows.take(np.sort(order[~again]))


class _Draft(msgspec.Struct, gc=False):
    """A place, before its number is known."""

    country: str
    name: str
    name_id: int
    region: int
    size: int
    lat: float
    lon: float
    namesakes: bool
    also: list[str] = []
    """Other names it is found by in full."""


class _Found:
    """The places that the rows tell of, and for each row the number of the place that its code names."""

    def __init__(self, names: list[tuple[str, str]], rows: _Rows) -> None:
        self._names, self._rows = names, rows
        self._lat, self._lon = rows.lat / UNIT, rows.lon / UNIT
        self._by_name = np.argsort(rows.name, kind="stable")
        self._ends = np.searchsorted(rows.name[self._by_name], np.arange(len(names) + 1))
        self._districts: dict[tuple[str, str], list[int]] = defaultdict(list)
        self._told_apart: set[tuple[str, str]] = set()
        """Towns whose districts do not carry their name: a namesake of one of those is not that town."""
        for number, (country, name) in enumerate(names):
            town = town_of_district(country, name)
            if town is not None:
                self._told_apart.add((country, town))
            town = town or town_of(name, country)
            if town is not None:
                self._districts[country, town].append(number)
        self.drafts: list[_Draft] = []
        self.of_row = np.zeros(len(rows.name), np.int32)

    @property
    def sizes(self) -> Ints:
        return np.fromiter((draft.size for draft in self.drafts), np.int64, len(self.drafts))

    def places_of_names(self) -> None:
        for number, name in enumerate(self._names):
            if name not in self._districts:
                for cluster, namesakes in self._clusters(self._rows_of(number)):
                    self._add(name, number, cluster, namesakes=namesakes, named=cluster)

    def towns(self) -> None:
        """A town of several districts is a place of its own beside them; one with a single district is that."""
        known = {name: number for number, name in enumerate(self._names)}
        for town, districts in self._districts.items():
            itself = known.get(town, -1)
            parts = districts if itself < 0 else [itself, *districts]
            for cluster, namesakes in self._clusters(np.concatenate([self._rows_of(part) for part in parts])):
                names = self._rows.name[cluster]
                if town in self._told_apart and (names == names[0]).all():
                    continue
                if names[0] != itself and (names == names[0]).all():
                    self.drafts[self.of_row[cluster[0]]].also.append(town[1])
                else:
                    self._add(town, itself, cluster, namesakes=namesakes, named=cluster[names == itself])

    def _rows_of(self, name: int) -> Ints:
        """In the order of the file."""
        return self._by_name[self._ends[name] : self._ends[name + 1]]

    def _add(self, name: tuple[str, str], number: int, rows: Ints, *, namesakes: bool, named: Ints) -> None:
        lon, east = self._lon[rows], self._lon[rows[0]]
        self.of_row[named] = len(self.drafts)
        self.drafts.append(
            _Draft(
                country=name[0],
                name=name[1],
                name_id=number,
                region=int(self._rows.region[rows[0]]),
                size=int(self._rows.weight[rows].sum()),
                lat=float(self._lat[rows].mean()),
                lon=float(_wrapped(east + _wrapped(lon - east).mean())),
                namesakes=namesakes,
                also=[],
            )
        )

    def _clusters(self, rows: Ints) -> list[tuple[Ints, bool]]:
        """Rows that lie together, and whether it takes more than the name to tell them from the others."""
        clusters = list(self._split(rows))
        sizes = sorted((len(cluster) for cluster in clusters), reverse=True)
        known = sizes[0] if len(clusters) > 1 and sizes[0] >= MUCH_BIGGER * sizes[1] else 0
        return [(cluster, len(clusters) > 1 and len(cluster) != known) for cluster in clusters]

    def _split(self, rows: Ints) -> Iterator[Ints]:
        """Each around the row that is nearest to the middle of those that are left."""
        while len(rows) > 1:
            lat, lon = self._lat[rows], _wrapped(self._lon[rows] - self._lon[rows[0]])
            seed = int(np.argmin(_apart(lat, lon, float(np.median(lat)), float(np.median(lon)))))
            near = _apart(lat, lon, float(lat[seed]), float(lon[seed])) <= SAME_PLACE_DEG**2
            yield rows[near]
            rows = rows[~near]
        if len(rows):
            yield rows


def _wrapped(degrees: Any) -> Any:
    return (degrees + 180.0) % 360.0 - 180.0


def _apart(lat: Ints, lon: Ints, lat0: float, lon0: float) -> Ints:
    """Squares of degrees; good enough to tell one town from the next."""
    squares: Ints = (lat - lat0) ** 2 + (_wrapped(lon - lon0) * np.cos(np.radians(lat0))) ** 2
    return squares


def _biggest_first(sizes: Ints) -> tuple[Ints, Ints]:
    """The order of the places, and each one's number in it."""
    order = np.lexsort((np.arange(len(sizes)), -sizes))
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    return order, rank


def _codes(rows: _Rows, place: Ints, patterns: list[str], places: int) -> tuple[Codes, Ints]:
    """And for each place the row of its only code, or -1."""
    order = np.lexsort((place, rows.key))
    order = order[rows.key[order] != 0]
    place = place[order]
    of_place = np.bincount(place, minlength=places)
    only = np.full(places, -1, np.int32)
    single = of_place[place] == 1
    only[place[single]] = np.flatnonzero(single)
    kept = rows.take(order)
    codes = Codes(
        key=kept.key,
        length=kept.length,
        pattern=kept.pattern,
        place=place,
        lat=kept.lat,
        lon=kept.lon,
        patterns=patterns,
    )
    return codes, only


def _places(drafts: list[_Draft], countries: list[str], regions: list[str], only_code: Ints) -> Places:
    numbers = {country: number for number, country in enumerate(countries)}
    count = len(drafts)
    return Places(
        name=[draft.name for draft in drafts],
        region=[regions[draft.region] for draft in drafts],
        country=np.fromiter((numbers[draft.country] for draft in drafts), np.uint16, count),
        size=np.fromiter((draft.size for draft in drafts), np.uint32, count),
        lat=np.fromiter((round(draft.lat * UNIT) for draft in drafts), np.int32, count),
        lon=np.fromiter((round(draft.lon * UNIT) for draft in drafts), np.int32, count),
        only_code=only_code,
        namesakes=np.fromiter((draft.namesakes for draft in drafts), np.bool_, count),
    )


def _keys(drafts: list[_Draft], nameless: set[int]) -> Keys:
    """Sorted in small heaps: one sort of a million texts would hold up every answer of the server."""
    heaps: dict[str, list[tuple[str, bool, int]]] = defaultdict(list)
    for number, draft in enumerate(drafts):
        if draft.name_id in nameless:
            continue
        names = [draft.name, *draft.also, *names_within(draft.name), *other_names(draft.country, draft.name)]
        found = {(key, True) for name in names for key in name_keys(name, draft.country)}
        part = part_of_town(draft.name)
        if part is not None:
            found |= {(key, False) for key in name_keys(part, draft.country) if (key, True) not in found}
        for key, full in found:
            heaps[key[:2]].append((key, not full, number))
    ordered = [entry for start in sorted(heaps) for entry in sorted(heaps[start])]
    return Keys(
        text=[key for key, _, _ in ordered],
        place=np.fromiter((number for _, _, number in ordered), np.int32, len(ordered)),
        full=np.fromiter((not part for _, part, _ in ordered), np.bool_, len(ordered)),
    )
