"""The nearby index: a snapshot of the public network, in this process.

A snapshot is an immutable base and a small layer over it of what has changed since, so that a change never rearranges
a million places. It knows nothing of the database: `store` reads the places, `refreshing` swaps the snapshot.
"""

import threading
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from dropoff.network import hours
from dropoff.network.evidence import NOTHING, Evidence
from dropoff.network.facts import NO_NEEDS, Facts, Needs
from dropoff.network.nearby_columns import city_key, postcode_key
from dropoff.network.nearby_evidence import Book
from dropoff.network.nearby_filters import Attributes, Mask
from dropoff.network.nearby_geometry import Floats, origin, position
from dropoff.network.nearby_hours import minute_of
from dropoff.network.nearby_layer import Layer
from dropoff.network.nearby_place import Place
from dropoff.network.nearby_ranking import Found, Question, Ranking, Refs, layer_and_row

CLUSTER_M: Final = 25_000.0
CLUSTER_SAMPLE: Final = 128


class Search(msgspec.Struct, frozen=True):
    """`kinds` and `operators` are any of, `accepts` all of; `open_at` keeps only places that are surely open then.
    Operators are named as `operator_key` writes them."""

    lat: float
    lon: float
    limit: int
    kinds: frozenset[str] = frozenset()
    accepts: frozenset[str] = frozenset()
    operators: frozenset[str] = frozenset()
    country: str | None = None
    radius_m: float | None = None
    open_at: datetime | None = None
    now: datetime | None = None
    """When it is asked; needed for what follows, and to tell of old news."""
    on_arrival: bool = False
    """Only what is surely open when somebody gets there on foot, within an hour."""
    has_room: bool = False
    """Not what is known to be full."""
    prefer_proven: bool = False
    needs: Needs = NO_NEEDS


class Hit(msgspec.Struct, frozen=True):
    place: Place
    distance_m: float
    evidence: Evidence = NOTHING


class Snapshot:
    """Never changes once made; `revision` is the network's when the places were read."""

    def __init__(
        self,
        revision: int,
        base: Layer,
        *,
        base_revision: int,
        over: Layer | None = None,
        alive: Mask | None = None,
        book: Book | None = None,
    ) -> None:
        """`alive`: which places of the base still stand; None when all do."""
        self.revision = revision
        self.base_revision = base_revision
        self.base = base
        self.layers = (base,) if over is None else (base, over)
        self.alive = alive
        self.hidden = 0 if alive is None else len(alive) - int(np.count_nonzero(alive))
        self.book = Book() if book is None else book
        self.hear()
        self._ranking = Ranking(self.layers, alive, self.book)

    @classmethod
    def of(
        cls, revision: int, places: Iterable[Place], folder: Path | None = None, book: Book | None = None
    ) -> "Snapshot":
        return cls(revision, Layer.of(places, folder), base_revision=revision, book=book)

    def hear(self) -> None:
        """Of places that came to be known to the book. One thread at a time."""
        for layer in self.layers:
            self.book.bring(layer.slots)

    def changed(self, revision: int, changes: Iterable[tuple[Place, bool]], folder: Path | None = None) -> "Snapshot":
        """The same base under all that has changed since it was made; False says that a place is not shown any more."""
        rows: list[int] = []

        def shown() -> Iterator[Place]:
            for place, is_shown in changes:
                row = self.base.row_of(place.id)
                if row is not None:
                    rows.append(row)
                if is_shown:
                    yield place

        over = Layer.of(shown(), folder)
        alive = None
        if rows:
            alive = np.ones(len(self.base), np.bool_)
            alive[rows] = False
        upper = over if len(over) else None
        return Snapshot(revision, self.base, base_revision=self.base_revision, over=upper, alive=alive, book=self.book)

    def merged(self, folder: Path | None = None) -> "Snapshot":
        """The same places as one base. Takes a second or two for a million: for a thread."""
        alive = np.ones(len(self.base), np.bool_) if self.alive is None else self.alive
        over = self.layers[1] if len(self.layers) > 1 else Layer.of((), folder)
        merged = self.base.merged(alive, over, folder)
        return Snapshot(self.revision, merged, base_revision=self.revision, book=self.book)

    @property
    def to_merge(self) -> int:
        """How many places a merge would take in or leave out."""
        return self.hidden + sum(map(len, self.layers[1:]))

    def __len__(self) -> int:
        return sum(map(len, self.layers)) - self.hidden

    @property
    def places(self) -> Iterator[Place]:
        """All of them, one by one; in no order."""
        for number, layer in enumerate(self.layers):
            for row in range(len(layer)):
                if number or self.alive is None or self.alive[row]:
                    yield layer.place(row)

    def nearest(self, search: Search) -> list[Hit]:
        """Nearest first by the geodesic, exactly; equal distances in order of id."""
        found = self.found(search)
        slots, minute = self.slots(found.refs), _minute(search.now)
        return [
            Hit(self._place(ref), far, self.book.evidence(slot, minute))
            for far, ref, slot in zip(found.metres, found.refs, slots, strict=True)
        ]

    def found(self, search: Search) -> Found:
        wanted = Attributes(search.kinds, search.accepts, search.operators, search.country, search.needs)
        minute = None if search.open_at is None else minute_of(search.open_at)
        here = origin(search.lat, search.lon)
        question = Question(
            here,
            search.limit,
            search.radius_m,
            wanted,
            minute,
            patient=True,
            now=_minute(search.now),
            on_arrival=search.on_arrival,
            has_room=search.has_room,
            prefer_proven=search.prefer_proven,
        )
        return self.ask(question)

    def ask(self, question: Question) -> Found:
        """Raises `Slow` when it would take more than a millisecond or so and the question is not patient: then it
        belongs into a thread."""
        return self._ranking.nearest(question)

    def open_now(self, place: Place, at: datetime) -> bool | None:
        return hours.open_now(place.expression, place.zone, place.country, (place.lat, place.lon), at)

    def pieces(self, refs: Refs) -> list[bytes]:
        """The ready JSON of each, without its closing brace."""
        if len(self.layers) == 1:
            return self.base.pieces(refs)
        return [self.layers[number].piece(row) for number, row in map(layer_and_row, refs)]

    def facts(self, refs: Refs) -> list[Facts]:
        return [self.layers[number].facts(row) for number, row in map(layer_and_row, refs)]

    def openings(self, refs: Refs, minute: int) -> list[bytes]:
        """The fields of `Opening` of each, as ready JSON without braces."""
        if len(self.layers) == 1:
            return self.base.said(refs, minute)
        return [self.layers[number].said([row], minute)[0] for number, row in map(layer_and_row, refs)]

    def slots(self, refs: Refs) -> list[int]:
        """Of each, its number in the book."""
        if len(self.layers) == 1:
            view = self.base.slots.view
            return [view[row] for row in refs]
        return [self.layers[number].slots.view[row] for number, row in map(layer_and_row, refs)]

    def evidence(self, refs: Refs, minute: int) -> list[bytes]:
        """Of each, what is known of it now, as ready JSON."""
        return self.book.json(self.slots(refs), minute)

    def _place(self, ref: int) -> Place:
        number, row = layer_and_row(ref)
        return self.layers[number].place(row)

    def find(self, text: str, country: str | None) -> tuple[float, float] | None:
        """The centre of the places whose postcode, else whose city, is exactly this, letters folded.

        Where several countries know the name, the one with the most places is meant; where places of that name lie
        apart, the densest group is.
        """
        for postcode, city in ((postcode_key(text), 0), (0, city_key(text))):
            points, countries = [], []
            for number, layer in enumerate(self.layers):
                rows = layer.named(postcode, city, country)
                if number == 0 and self.alive is not None:
                    rows = rows[self.alive[rows]]
                points.append(np.take(layer.points, rows, axis=0))
                countries.append(layer.countries(rows))
            if any(map(len, points)):
                return _centre(np.concatenate(points), np.concatenate(countries))
        return None


def _minute(at: datetime | None) -> int:
    return 0 if at is None else minute_of(at)


def _centre(points: Floats, countries: NDArray[Any]) -> tuple[float, float]:
    names, counts = np.unique(countries, return_counts=True)
    points = points[countries == names[int(np.argmax(counts))]]
    sample = points[:: max(1, len(points) // CLUSTER_SAMPLE)]
    near = np.linalg.norm(sample[:, None, :] - sample[None, :, :], axis=2) <= CLUSTER_M
    return position(sample[near[int(np.argmax(near.sum(axis=1)))]].mean(axis=0))


class Nearby:
    """Holds the snapshot in force; swapping it is one assignment. Revision -1 says that nothing was loaded yet."""

    def __init__(self, folder: Path | None = None) -> None:
        """In `folder` the texts of the places lie, in files without a name; else in the system's temporary folder."""
        self.folder = folder if folder is not None and folder.is_dir() else None
        self.snapshot = Snapshot.of(-1, ())
        self.heard_until: datetime | None = None
        """Up to when, by the database's clock, the book knows what happens at places; None before it knows any."""
        self.building = threading.Lock()
