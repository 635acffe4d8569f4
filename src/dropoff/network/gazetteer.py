"""The gazetteer: where a postcode or a town is, however it is typed, found in this process.

It is made once and never changes; `gazetteer_building` makes it. Texts are met in many spellings, by their beginning
and with one slip of the keyboard. What fits exactly goes before what begins so, and that before what was mistyped;
among equals the bigger place goes first.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from typing import Any, Final, Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from dropoff.network.gazetteer_building import SIGNS, UNIT, Builder, Contents, Row, packed, unpacked
from dropoff.network.gazetteer_query import CodeRead, Reading, readings
from dropoff.network.gazetteer_shortened import shortened
from dropoff.network.gazetteer_spelling import POSTCODE_MAX, name_keys, plain, spellings

Ints = NDArray[Any]
Match = Literal["exact", "prefix", "typo"]
TYPO_MIN: Final = 4
"""Shorter names have too many neighbours to guess which was meant."""
CODE_FIXED: Final = 2
"""The first signs of a postcode name the part of the country; a slip there is not guessed."""
BESIDE_DEG: Final = 0.5
"""A postcode this near to a town that is named beside it may be one of that town's."""
EXACT, PREFIX, SHORTENED, TYPO, TYPO_PREFIX, HEAD = range(6)
_MATCHES: Final[tuple[Match, ...]] = ("exact", "prefix", "prefix", "typo", "typo", "prefix")


class FoundPlace(msgspec.Struct, frozen=True):
    """A postcode with its town, or a town. `postcode` of a town is its only one, else null; `size` counts the codes."""

    label: str
    name: str
    postcode: str | None
    region: str | None
    country: str
    lat: float
    lon: float
    size: int
    match: Match


class _Hit(NamedTuple):
    """Smaller is better. `row` is of the codes or of the places; `astray` a code in another town than the one named."""

    tier: int
    turn: int
    astray: bool
    is_place: bool
    doubt: int
    length: int
    place: int
    row: int


class Gazetteer:
    """`revision` says which import it is of; `attribution` is to be shown with what is found."""

    def __init__(self, contents: Contents, revision: int, attribution: str) -> None:
        self.revision, self.attribution = revision, attribution
        self._countries = {country: number for number, country in enumerate(contents.countries)}
        self._names = contents.countries
        self._codes, self._places, self._keys = contents.codes, contents.places, contents.keys

    @classmethod
    def of(cls, rows: Iterable[Row], revision: int = 0, attribution: str = "") -> "Gazetteer":
        builder = Builder()
        for row in rows:
            builder.add(row)
        return cls(builder.contents(), revision, attribution)

    def __len__(self) -> int:
        """How many postal codes there are."""
        return len(self._codes.key)

    def search(self, text: str, country: str | None = None, limit: int = 10) -> list[FoundPlace]:
        """Best first. `country` is an ISO code: only places there."""
        hits: list[_Hit] = []
        for turn, reading in enumerate(readings(text)):
            if country is None or reading.country in (None, country):
                wanted = reading._replace(country=country or reading.country)
                codes = self._codes_read(wanted, turn, limit, text.upper())
                places = self._places_read(wanted, turn, limit, text)
                if codes and places and codes[0].tier == places[0].tier == EXACT:
                    codes = self._beside(codes, places)
                hits += codes + places
                if any(hit.tier == EXACT for hit in hits):
                    break
                if not any(hit.tier == PREFIX for hit in hits):
                    hits += self._shortened(wanted, turn)
        return self._told(sorted(hits), limit)

    def _told(self, hits: list[_Hit], limit: int) -> list[FoundPlace]:
        found: list[FoundPlace] = []
        seen: set[tuple[bool, int]] = set()
        for hit in hits:
            only_code = int(self._places.only_code[hit.row]) if hit.is_place else -1
            if (hit.is_place, hit.row) in seen or (False, only_code) in seen:
                continue
            seen.add((hit.is_place, hit.row))
            found.append(self._place(hit) if hit.is_place else self._code(hit))
            if len(found) == limit:
                break
        return found

    def _place(self, hit: _Hit) -> FoundPlace:
        only = int(self._places.only_code[hit.row])
        postcode = self._written(only) if only >= 0 else None
        position = (int(self._places.lat[hit.row]), int(self._places.lon[hit.row]))
        return self._found(hit, None, postcode, position)

    def _code(self, hit: _Hit) -> FoundPlace:
        postcode = self._written(hit.row)
        return self._found(hit, postcode, postcode, (int(self._codes.lat[hit.row]), int(self._codes.lon[hit.row])))

    def _found(self, hit: _Hit, shown: str | None, postcode: str | None, position: tuple[int, int]) -> FoundPlace:
        places, place = self._places, hit.place
        country, name, region = self._names[places.country[place]], places.name[place], places.region[place]
        town = name if shown is None or shown == name else f"{shown} {name}"
        parts = (town, region if places.namesakes[place] and shown is None else "", country)
        return FoundPlace(
            label=", ".join(part for part in parts if part),
            name=name,
            postcode=postcode,
            region=region or None,
            country=country,
            lat=position[0] / UNIT,
            lon=position[1] / UNIT,
            size=int(places.size[place]),
            match=_MATCHES[hit.tier],
        )

    def _written(self, row: int) -> str:
        return unpacked(int(self._codes.key[row]), self._codes.patterns[self._codes.pattern[row]])

    # Postcodes

    def _codes_read(self, reading: Reading, turn: int, limit: int, text: str) -> list[_Hit]:
        exact = [hit for read in reading.codes() for hit in self._exact_codes(read, turn, text)]
        whole = reading.whole_code
        if exact or not whole:
            return exact
        hits = self._longer_codes(whole, reading.country, turn, limit)
        return hits if len(hits) >= limit else hits + self._mistyped_codes(whole, reading.country, turn)

    def _exact_codes(self, read: CodeRead, turn: int, text: str) -> Iterator[_Hit]:
        """The one whose town is named beside it goes first, then the one that is written so: `111 22` is Swedish."""
        value = packed(read.key)
        first, last = np.searchsorted(self._codes.key, np.array([value, value + 1], np.uint64)).tolist()
        for row in range(first, last):
            place = int(self._codes.place[row])
            if self._lies_in(place, read.country):
                doubt = (0 if read.beside and self._is_named(place, read) else 2) + (self._written(row) not in text)
                yield _Hit(EXACT, turn, False, False, doubt, -len(read.key), place, row)

    def _is_named(self, place: int, read: CodeRead) -> bool:
        """Whether a word beside the code is the town's first, or, the last one, the beginning of it."""
        country = self._names[self._places.country[place]]
        towns = {key.partition(" ")[0] for key in name_keys(self._places.name[place], country)}
        words = {spelt for word in read.beside for spelt in word}
        return not towns.isdisjoint(words) or any(town.startswith(read.beside[-1]) for town in towns)

    def _longer_codes(self, key: str, country: str | None, turn: int, limit: int) -> list[_Hit]:
        """Codes that begin so, those first that lack the fewest signs."""
        step = len(SIGNS) + 1
        first = packed(key)
        span = np.array([first, first + step ** (POSTCODE_MAX - len(key))], np.uint64)
        begin, end = np.searchsorted(self._codes.key, span).tolist()
        rows = np.arange(begin, end)
        if country is not None:
            rows = rows[self._places.country[self._codes.place[rows]] == self._countries.get(country, -1)]
        lengths = self._codes.length[rows]
        found: list[int] = []
        for length in range(len(key) + 1, POSTCODE_MAX + 1):
            found += rows[lengths == length][: limit - len(found)].tolist()
        place = self._codes.place
        return [_Hit(PREFIX, turn, False, False, number, 0, int(place[row]), row) for number, row in enumerate(found)]

    def _mistyped_codes(self, key: str, country: str | None, turn: int) -> list[_Hit]:
        if len(key) < TYPO_MIN:
            return []
        tried = list(_one_slip(key))
        values = np.array([packed(other) for other in tried], np.uint64)
        first = np.searchsorted(self._codes.key, values).tolist()
        last = np.searchsorted(self._codes.key, values, side="right").tolist()
        hits = []
        for other, begin, end in zip(tried, first, last, strict=True):
            for row in range(begin, end):
                place = int(self._codes.place[row])
                if self._lies_in(place, country):
                    hits.append(_Hit(TYPO, turn, False, False, -_in_common(key, other), len(other), place, row))
        return hits

    def _beside(self, codes: list[_Hit], towns: list[_Hit]) -> list[_Hit]:
        """`00-001 Warszawa` is in Warsaw, though another country alone has such a code."""
        places = self._places
        at = [hit.row for hit in towns if hit.tier == EXACT]
        lat, lon, country = places.lat[at] / UNIT, places.lon[at] / UNIT, places.country[at]
        found = []
        for hit in codes:
            north = np.abs(lat - self._codes.lat[hit.row] / UNIT)
            east = np.abs((lon - self._codes.lon[hit.row] / UNIT + 180.0) % 360.0 - 180.0) * np.cos(np.radians(lat))
            near = (north < BESIDE_DEG) & (east < BESIDE_DEG) & (country == places.country[hit.place])
            found.append(hit if near.any() else hit._replace(astray=True))
        return found

    def _lies_in(self, place: int, country: str | None) -> bool:
        return country is None or self._names[self._places.country[place]] == country

    # Names

    def _places_read(self, reading: Reading, turn: int, limit: int, text: str) -> list[_Hit]:
        names = reading.names
        if not names:
            return []
        hits: list[_Hit] = []
        for tier, ranges in self._ranges(names):
            found = self._numbers(ranges, reading.country, tier, limit)
            known = {hit.row for hit in hits}
            hits += [
                self._named(tier, turn, place, self._doubt(place, reading, text) if tier == EXACT else 0)
                for place in found
                if place not in known
            ]
            if len(hits) >= limit or (tier == PREFIX and hits and hits[0].tier == EXACT):
                break
        return hits

    def _shortened(self, reading: Reading, turn: int) -> list[_Hit]:
        """The longest first words that lead anywhere; the biggest place of those that fit alike."""
        found: dict[int, int] = {}
        for name in reading.names:
            for first, end, surely in shortened(self._keys.text, name):
                for place in self._keys.place[first:end].tolist():
                    if self._lies_in(place, reading.country):
                        tier = SHORTENED if surely else HEAD
                        found[place] = min(tier, found.get(place, tier))
        return [self._named(tier, turn, place, 0) for place, tier in found.items()]

    @staticmethod
    def _named(tier: int, turn: int, place: int, doubt: int) -> _Hit:
        return _Hit(tier, turn, False, True, doubt, 0, place, place)

    def _ranges(self, names: tuple[str, ...]) -> Iterator[tuple[int, list[tuple[int, int]]]]:
        """Stretches of the keys that fit, tier by tier. Slips cost the most and are looked for only when asked for."""
        text = self._keys.text
        exact = [(bisect_left(text, name), bisect_right(text, name)) for name in names]
        yield EXACT, exact
        yield PREFIX, [(first, _end(text, name, first)) for name, (first, _) in zip(names, exact, strict=True)]
        near = [slip for name in names if len(name.replace(" ", "")) >= TYPO_MIN for slip in _slips(text, name)]
        yield TYPO, [(first, whole) for first, whole, _ in near]
        yield TYPO_PREFIX, [(whole, last) for _, whole, last in near]

    def _numbers(self, ranges: list[tuple[int, int]], country: str | None, tier: int, limit: int) -> list[int]:
        """The places there, the biggest first: their numbers are in that order. A part of a name never fits exactly."""
        parts = [np.arange(first, last) for first, last in ranges if last > first]
        if not parts:
            return []
        rows = parts[0] if len(parts) == 1 else np.concatenate(parts)
        if tier == EXACT:
            rows = rows[self._keys.full[rows]]
        places = self._keys.place[rows]
        if country is not None:
            places = places[self._places.country[places] == self._countries.get(country, -1)]
        most = 8 * limit if tier != EXACT else len(places)
        if len(places) > most:
            # One place has several keys, of which the eighth is always enough to leave the limit of different ones.
            places = np.partition(places, most)[:most]
        found: list[int] = np.unique(places).tolist()
        return found if tier == EXACT else found[:limit]

    def _doubt(self, place: int, reading: Reading, text: str) -> int:
        """A place in the region that was named goes first, then one whose own name was typed, to the letter if the
        text has letters that not every keyboard has."""
        name, region = self._places.name[place], self._places.region[place]
        if text.isascii():
            is_named = not set(spellings(name)).isdisjoint(reading.names)
        else:
            is_named = name.casefold() in text.casefold()
        elsewhere = bool(reading.tail) and reading.tail not in plain(region)
        return 2 * elsewhere + (not is_named)


def _end(text: list[str], beginning: str, first: int, last: int | None = None) -> int:
    """Where the keys that begin so end."""
    return bisect_left(text, _next(beginning), first, len(text) if last is None else last)


def _next(beginning: str) -> str:
    return beginning[:-1] + chr(ord(beginning[-1]) + 1)


def _slips(text: list[str], name: str) -> Iterator[tuple[int, int, int]]:
    """Stretches of keys that begin with `name` after one slip: a letter too many, too few, another, or two swapped.

    Each as (first, end of those that are that in full, end of all). The sorted keys serve as a tree: the slip is tried
    at each letter as long as some key begins with the letters before it.
    """
    low, high = 0, len(text)
    for place in range(len(name)):
        before, after = name[:place], name[place:]
        if place:
            low = bisect_left(text, before, low, high)
            high = _end(text, before, low, high)
        if low == high:
            return
        tries = [after[1:]]
        if len(after) > 1 and after[0] != after[1]:
            tries.append(after[1] + after[0] + after[2:])
        for changed in tries:
            yield from _stretch(text, before + changed, low, high)
        for letter, first, last in _letters(text, before, low, high):
            if letter != after[0]:
                yield from _stretch(text, before + letter + after[1:], first, last)
            yield from _stretch(text, before + letter + after, first, last)


def _letters(text: list[str], before: str, low: int, high: int) -> Iterator[tuple[str, int, int]]:
    """With which letters the keys of this stretch go on, and where."""
    depth = len(before)
    first = bisect_right(text, before, low, high)
    while first < high:
        letter = text[first][depth]
        last = _end(text, before + letter, first, high)
        yield letter, first, last
        first = last


def _stretch(text: list[str], name: str, low: int, high: int) -> Iterator[tuple[int, int, int]]:
    first = bisect_left(text, name, low, high)
    if first < high and text[first].startswith(name):
        yield first, bisect_right(text, name, first, high), _end(text, name, first, high)


def _one_slip(key: str) -> Iterator[str]:
    """Postcode keys at one slip behind the first signs."""
    for place in range(CODE_FIXED, len(key) + 1):
        before, after = key[:place], key[place:]
        if after:
            yield before + after[1:]
        if len(after) > 1 and after[0] != after[1]:
            yield before + after[1] + after[0] + after[2:]
        for sign in SIGNS:
            if after and sign != after[0]:
                yield before + sign + after[1:]
            if len(key) < POSTCODE_MAX and sign != after[:1]:
                yield before + sign + after


def _in_common(one: str, other: str) -> int:
    """How many first signs are the same."""
    count = 0
    while count < min(len(one), len(other)) and one[count] == other[count]:
        count += 1
    return count
