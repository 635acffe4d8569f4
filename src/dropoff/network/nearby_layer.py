"""A set of places arranged for searching. Never changes once made, but for what happens at the places, which a book
beside it keeps; a snapshot lays a small one over a large one."""

from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dropoff.network.closures import UNKNOWN
from dropoff.network.facts import NO_NEEDS, Facts
from dropoff.network.nearby_columns import Column, Contents, gather, join, key_of
from dropoff.network.nearby_evidence import Slots
from dropoff.network.nearby_facts import ToldFacts
from dropoff.network.nearby_filters import ANYTHING, Attributes, Mask, Selection, Selections, of_few, select
from dropoff.network.nearby_geometry import Floats, ecef
from dropoff.network.nearby_hours import OPEN, Patterns, States
from dropoff.network.nearby_place import Place, id_piece, place_of
from dropoff.network.nearby_tree import Tree

_SCAN_AT_ONCE: Final = 65_536
_ALL: Final = (ANYTHING, None)


def country_number(country: str) -> int:
    return int.from_bytes(country.encode()[:7])


class Layer:
    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._columns, self._lookups, self.tables, self._text, _ = contents
        # Ten places are looked up faster one by one than by a column operation.
        self._starts, self._ends = memoryview(self._columns.start.data), memoryview(self._columns.end.data)
        self._lat, self._lon = memoryview(self._columns.lat.data), memoryview(self._columns.lon.data)
        self._pattern = memoryview(self._columns.pattern.data)
        self._fact = memoryview(self._columns.facts.data)
        self._facts = ToldFacts(self.tables.facts.values)
        self.points = ecef(self._columns.lat, self._columns.lon)
        self._everything = Selection(len(self), Tree(self.points))
        self._selections = Selections()
        self._patterns = Patterns(self.tables.pattern.values)
        self.slots = Slots(self._lookups.id)

    @classmethod
    def of(cls, places: Iterable[Place], folder: Path | None = None) -> "Layer":
        return cls(gather(places, folder))

    def merged(self, alive: Mask, over: "Layer", folder: Path | None = None) -> "Layer":
        """This layer's living places and those of the layer over it, as one."""
        return Layer(join(self._contents, np.flatnonzero(alive), over._contents, folder))

    def __len__(self) -> int:
        return len(self._columns)

    def piece(self, row: int) -> bytes:
        return self._text[self._starts[row] : self._ends[row]] + self._facts.pieces[self._fact[row]]

    def pieces(self, rows: list[int]) -> list[bytes]:
        text, starts, ends = self._text, self._starts, self._ends
        told, fact = self._facts.pieces, self._fact
        return [text[starts[row] : ends[row]] + told[fact[row]] for row in rows]

    def facts(self, row: int) -> Facts:
        return self._facts.listed[self._fact[row]]

    def place(self, row: int) -> Place:
        zone = self.tables.zone.values[self._columns.zone[row]]
        pattern = self.tables.pattern.values[self._pattern[row]]
        is_known = pattern is not None and not pattern.expression.startswith(UNKNOWN)
        return place_of(self.piece(row), zone, is_known, self.facts(row))

    def id(self, row: int) -> str:
        return self.place(row).id

    def row_of(self, place_id: str) -> int | None:
        begins = id_piece(place_id)
        for row in self._lookups.id.of(key_of(place_id)).tolist():
            start = self._starts[row]
            if self._text[start : start + len(begins)] == begins:
                return int(row)
        return None

    def named(self, postcode: int, city: int, country: str | None) -> NDArray[np.uint32]:
        """The places with this postcode, else in this city, given as their keys."""
        for lookup, key in ((self._lookups.postcode, postcode), (self._lookups.city, city)):
            rows = lookup.of(key)
            if country is not None and len(rows):
                rows = rows[self.countries(rows) == country_number(country)]
            if len(rows):
                return rows
        return self._lookups.id.rows[:0]

    def countries(self, rows: Column) -> Column:
        """As numbers that mean the same in every layer."""
        numbers = np.array([country_number(name) for name in self.tables.country.values], np.int64)
        return np.take(numbers, np.take(self._columns.country, rows))

    def positions(self, rows: Column) -> tuple[Floats, Floats]:
        return np.take(self._columns.lat, rows), np.take(self._columns.lon, rows)

    def position(self, row: int) -> tuple[float, float]:
        return self._lat[row], self._lon[row]

    def patterns(self, rows: list[int]) -> list[int]:
        numbers = self._pattern
        return [numbers[row] for row in rows]

    def said(self, rows: list[int], minute: int) -> list[bytes]:
        """Of each, what its hours say then, as ready JSON."""
        return self._patterns.said(self.patterns(rows), minute)

    def states(self, minute: int) -> States:
        return self._patterns.at(minute)

    def selection(self, wanted: Attributes, minute: int | None) -> Selection | None:
        """None when it was not made yet. A minute stands for those that are surely open then."""
        if minute is None and (wanted is ANYTHING or wanted == ANYTHING):
            return self._everything
        key = self._key(wanted, minute, patient=False)
        return self._everything if key == _ALL else self._selections.get(key)

    def select(self, wanted: Attributes, minute: int | None) -> Selection:
        """Makes it when need be: milliseconds for a million places, more when each pattern must be asked first."""

        def make() -> Selection:
            some = None if minute is None else self.selection(wanted, None)
            if some is not None and minute is not None and some.are_few:
                return self._open_among(some, minute)
            return select(self.points, self._everything.tree, self._passing(wanted, minute))

        return self.selection(wanted, minute) or self._selections.made(self._key(wanted, minute, patient=True), make)

    def _open_among(self, some: Selection, minute: int) -> Selection:
        rows = some.chosen(len(self))
        open_ones = np.array(self.states(minute).of(self.patterns(rows.tolist())), np.uint8) == OPEN
        return of_few(self.points, rows[open_ones])

    def _key(self, wanted: Attributes, minute: int | None, *, patient: bool) -> Hashable:
        """Needs that the same facts meet make the same selection; those that all meet ask nothing."""
        if wanted.needs is NO_NEEDS or wanted.needs == NO_NEEDS:
            return wanted, minute
        meeting = self._facts.meeting(wanted.needs, patient=patient)
        others = wanted._replace(needs=NO_NEEDS)
        return (others, minute) if meeting is not None and 0 not in meeting else (others, minute, meeting)

    def _passing(self, wanted: Attributes, minute: int | None) -> Mask:
        passing: Mask | None = None
        tables, columns = self.tables, self._columns
        kinds, accepts, operators, country, needs = wanted
        tests: list[tuple[NDArray[np.bool_], Column]] = []
        if kinds:
            tests.append((tables.kind.which(kinds.__contains__), columns.kind))
        if operators:
            tests.append((tables.operator.which(operators.__contains__), columns.operator))
        if country is not None:
            tests.append((tables.country.which(country.__eq__), columns.country))
        if accepts:
            tests.append((tables.accepts.which(accepts.issubset), columns.accepts))
        if needs != NO_NEEDS:
            meeting = self._facts.meeting(needs, patient=True)
            tests.append((np.frombuffer(meeting or b"", np.bool_), columns.facts))
        if minute is not None:
            tests.append((self.states(minute).are_open(), columns.pattern))
        for passes, column in tests:
            found = np.take(passes, column)
            passing = found if passing is None else np.logical_and(passing, found, out=passing)
        return np.ones(len(self), np.bool_) if passing is None else passing

    def chords(self, point: Floats, selection: Selection) -> tuple[Floats, Column]:
        """To each of the selection, by looking at each."""
        rows = selection.chosen(len(self))
        chords = np.empty(len(rows))
        for start in range(0, len(rows), _SCAN_AT_ONCE):
            some = slice(start, start + _SCAN_AT_ONCE)
            apart = np.take(self.points, rows[some], axis=0) - point
            chords[some] = np.sqrt(np.einsum("ij,ij->i", apart, apart))
        return chords, rows
