"""What the index keeps of each place: columns of numbers, and its text ready as JSON, in a mapped file.

The file has no name from the start, so nothing of it outlives the process; its pages belong to the system's cache, not
to the process's own memory. Values that many places share are kept once, in code tables.
"""

import mmap
import tempfile
from array import array
from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import lru_cache
from itertools import accumulate, islice, pairwise
from pathlib import Path
from typing import Any, Final, Generic, NamedTuple, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from dropoff.network.facts import Facts
from dropoff.network.folding import fold, fold_postcode
from dropoff.network.nearby_geometry import along_a_curve
from dropoff.network.nearby_hours import Pattern, pattern_of
from dropoff.network.nearby_place import Place, fragment

V = TypeVar("V", bound=Hashable)
Column = NDArray[Any]

_WRITE_AT_ONCE: Final = 1 << 20
_ROWS_AT_ONCE: Final = 1 << 16
_PLACES_AT_ONCE: Final = 500
_folded: Final = lru_cache(maxsize=16_384)(fold)
_folded_postcode: Final = lru_cache(maxsize=16_384)(fold_postcode)


class Codes(Generic[V]):
    """Values by number, each once."""

    def __init__(self, values: Iterable[V] = ()) -> None:
        self.values: list[V] = list(values)
        self._numbers = {value: number for number, value in enumerate(self.values)}

    def code(self, value: V) -> int:
        number = self._numbers.get(value)
        if number is None:
            number = self._numbers[value] = len(self.values)
            self.values.append(value)
        return number

    def which(self, passes: Callable[[V], bool]) -> NDArray[np.bool_]:
        return np.fromiter(map(passes, self.values), np.bool_, len(self.values))

    def taking_in(self, other: "Codes[V]") -> tuple["Codes[V]", Column]:
        """Both together, and what the other's numbers have become."""
        both = Codes(self.values)
        return both, np.fromiter(map(both.code, other.values), np.uint32, len(other.values))


class Tables(NamedTuple):
    kind: Codes[str]
    operator: Codes[str]
    country: Codes[str]
    accepts: Codes[tuple[str, ...]]
    zone: Codes[str]
    pattern: Codes[Pattern | None]
    facts: Codes[Facts]


def _empty_tables() -> Tables:
    return Tables(Codes(), Codes(), Codes(), Codes(), Codes(), Codes([None]), Codes())


class Columns(msgspec.Struct, frozen=True):
    """One entry a place. The first seven names are those of `Tables`; `start` and `end` say where its text stands."""

    kind: Column
    operator: Column
    country: Column
    accepts: Column
    zone: Column
    pattern: Column
    facts: Column
    lat: Column
    lon: Column
    start: Column
    end: Column

    def __len__(self) -> int:
        return len(self.lat)


class Lookup(NamedTuple):
    """Places by the hash of a text."""

    keys: Column
    rows: Column

    def of(self, key: int) -> Column:
        begin, end = np.searchsorted(self.keys, [key, key + 1])
        return self.rows[begin:end] if key else self.rows[:0]

    def column(self) -> Column:
        keys = np.zeros(len(self.rows), np.int64)
        keys[self.rows] = self.keys
        return keys


class Lookups(NamedTuple):
    id: Lookup
    postcode: Lookup
    city: Lookup


_TYPES: Final = dict(zip((*Columns.__struct_fields__, *Lookups._fields), "BIHIHIIddQQqqq", strict=True))
"""Of the columns and of what the look-ups are made from."""


class Contents(NamedTuple):
    """All of a network. Neighbours on the ground stand next to each other, in the columns as in the text."""

    columns: Columns
    lookups: Lookups
    tables: Tables
    text: mmap.mmap | bytes
    text_size: int


def key_of(text: str) -> int:
    """0 stands for "none". Differs from process to process, like all of the index."""
    return hash(text) if text else 0


def city_key(text: str) -> int:
    return key_of(_folded(text))


def postcode_key(text: str) -> int:
    return key_of(_folded_postcode(text))


def operator_key(text: str) -> str:
    return _folded(text)


def gather(places: Iterable[Place], folder: Path | None) -> Contents:
    tables = _empty_tables()
    columns: dict[str, array[Any]] = {name: array(kind) for name, kind in _TYPES.items()}
    every, start = iter(places), 0
    with tempfile.TemporaryFile(dir=folder) as file:
        while some := list(islice(every, _PLACES_AT_ONCE)):
            pieces = [fragment(place) for place in some]
            file.write(b"".join(pieces))
            ends = list(accumulate(map(len, pieces), initial=start))
            rows = [
                (
                    tables.kind.code(place.kind),
                    tables.operator.code(operator_key(place.operator)),
                    tables.country.code(place.country),
                    tables.accepts.code(place.accepts),
                    tables.zone.code(place.zone),
                    tables.pattern.code(pattern_of(place)),
                    tables.facts.code(place.facts),
                    place.lat,
                    place.lon,
                    begin,
                    end,
                    key_of(place.id),
                    postcode_key(place.postcode),
                    city_key(place.city),
                )
                for place, (begin, end) in zip(some, pairwise(ends), strict=True)
            ]
            for values, more in zip(columns.values(), zip(*rows, strict=True), strict=True):
                values.extend(more)
            start = ends[-1]
        file.flush()
        text = mmap.mmap(file.fileno(), start, access=mmap.ACCESS_READ) if start else b""

    def column(name: str) -> Column:
        values = columns.pop(name)
        return np.frombuffer(values, dtype=values.typecode)

    return _arranged(column, tables, [(text, start)], folder)


def join(one: Contents, rows: Column, other: Contents, folder: Path | None) -> Contents:
    """These rows of the one, and all of the other."""
    together = {name: getattr(one.tables, name).taking_in(getattr(other.tables, name)) for name in Tables._fields}

    def column(name: str) -> Column:
        if name in Lookups._fields:
            mine, theirs = getattr(one.lookups, name).column(), getattr(other.lookups, name).column()
        else:
            mine, theirs = getattr(one.columns, name), getattr(other.columns, name)
        if name in together:
            theirs = np.take(together[name][1], theirs)
        elif name in ("start", "end"):
            theirs = theirs + np.uint64(one.text_size + 1)
        return np.concatenate([np.take(mine, rows), theirs.astype(mine.dtype, copy=False)])

    tables = Tables(**{name: table for name, (table, _) in together.items()})
    return _arranged(column, tables, [(one.text, one.text_size), (other.text, other.text_size)], folder)


def _arranged(
    column: Callable[[str], Column], tables: Tables, texts: list[tuple[mmap.mmap | bytes, int]], folder: Path | None
) -> Contents:
    """Everything in a new order, so that an answer cuts its pieces out of one or two pages instead of ten.

    `column` gives each column, once: one after the other is put in order and goes into the file, so that little is
    held in memory. `start` and `end` count through all texts, with a gap of one between two of them.
    """
    lat, lon = column("lat"), column("lon")
    order = np.argsort(along_a_curve(lat, lon))
    starts, ends = np.take(column("start"), order), np.take(column("end"), order)
    with _File(folder) as file:
        for begin, end in _stretches(starts, ends):
            (text, size), base = texts[0], 0
            if begin >= size and len(texts) > 1:
                text, base = texts[1][0], size + 1
            for at in range(begin - base, end - base, _WRITE_AT_ONCE):
                file.write(text[at : min(end - base, at + _WRITE_AT_ONCE)])
        text_size = file.size
        np.cumsum(ends - starts, out=ends)
        file.add("end", ends)
        file.add("start", np.concatenate([np.zeros(1, np.uint64), ends[:-1]])[: len(ends)])
        file.add("lat", np.take(lat, order))
        file.add("lon", np.take(lon, order))
        del lat, lon, starts, ends
        for name in Tables._fields:
            file.add(name, np.take(column(name), order))
        for name in Lookups._fields:
            keys = np.take(column(name), order)
            rows = np.argsort(keys).astype(np.uint32)
            file.add(f"{name}_keys", np.take(keys, rows))
            file.add(f"{name}_rows", rows)
        text, found = file.mapped()
    columns = Columns(*(found[name] for name in Columns.__struct_fields__))
    lookups = Lookups(*(Lookup(found[f"{name}_keys"], found[f"{name}_rows"]) for name in Lookups._fields))
    return Contents(columns, lookups, tables, text, text_size)


def _stretches(starts: Column, ends: Column) -> Iterator[tuple[int, int]]:
    """What stands one behind the other is copied in one go."""
    for at in range(0, len(starts), _ROWS_AT_ONCE):
        some = slice(at, at + _ROWS_AT_ONCE)
        begins, stops = starts[some], ends[some]
        breaks = np.flatnonzero(begins[1:] != stops[:-1])
        firsts = np.concatenate([begins[:1], begins[1:][breaks]]).tolist()
        yield from zip(firsts, np.concatenate([stops[:-1][breaks], stops[-1:]]).tolist(), strict=True)


class _File:
    """Text, then columns, in a file that has no name. What is mapped of it outlives the open file."""

    def __init__(self, folder: Path | None) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by its own context manager
        self._columns: dict[str, tuple[int, int, Any]] = {}
        self.size = 0

    def __enter__(self) -> "_File":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, content: bytes) -> None:
        self._file.write(content)
        self.size += len(content)

    def add(self, name: str, values: Column) -> None:
        self.write(b"\0" * (-self.size % 8))
        self._columns[name] = (self.size, len(values), values.dtype)
        self._file.write(values.data)
        self.size += values.nbytes

    def mapped(self) -> tuple[mmap.mmap | bytes, dict[str, Column]]:
        self._file.flush()
        content: mmap.mmap | bytes = b""
        if self.size:
            content = mmap.mmap(self._file.fileno(), self.size, access=mmap.ACCESS_READ)
            # Answers cut a few hundred bytes here and there: reading ahead would only push other pages out.
            content.madvise(mmap.MADV_RANDOM)
            for at in range(0, self.size, _WRITE_AT_ONCE):
                content[at : at + _WRITE_AT_ONCE : mmap.PAGESIZE]  # so that no answer is the first to touch a page
        return content, {
            name: np.frombuffer(content, dtype, count, at) for name, (at, count, dtype) in self._columns.items()
        }
