"""What the index keeps of each place: columns of numbers in memory, texts ready as JSON in a mapped file.

The file has no name from the start, so nothing of it outlives the process; its pages belong to the system's cache, not
to the process's own memory. Values that many places share are kept once, in code tables.
"""

import mmap
import tempfile
from array import array
from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, Final, Generic, NamedTuple, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from dropoff.network.folding import fold, fold_postcode
from dropoff.network.nearby_hours import Pattern, pattern_of
from dropoff.network.nearby_place import Place, fragment

V = TypeVar("V", bound=Hashable)
Column = NDArray[Any]

_WRITE_AT_ONCE: Final = 1 << 20
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


def _empty_tables() -> Tables:
    return Tables(Codes(), Codes(), Codes(), Codes(), Codes(), Codes([None]))


class Columns(msgspec.Struct):
    """One entry a place. The first six names are those of `Tables`; `…_key` are hashes of what is looked up by."""

    kind: Column
    operator: Column
    country: Column
    accepts: Column
    zone: Column
    pattern: Column
    lat: Column
    lon: Column
    start: Column
    length: Column
    id_key: Column
    postcode_key: Column
    city_key: Column

    def __len__(self) -> int:
        return len(self.lat)

    def take(self, rows: Column) -> "Columns":
        return Columns(*(np.take(getattr(self, name), rows) for name in self.__struct_fields__))


_TYPES: Final = ("B", "I", "H", "I", "H", "I", "d", "d", "Q", "I", "q", "q", "q")
"""Of the columns, in their order."""


class Contents(NamedTuple):
    """All of a network, before it is arranged for searching."""

    columns: Columns
    tables: Tables
    texts: mmap.mmap | bytes


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
    columns: list[array[Any]] = [array(kind) for kind in _TYPES]
    with tempfile.TemporaryFile(dir=folder) as file:
        start = 0
        for place in places:
            piece = fragment(place)
            file.write(piece)
            row = (
                tables.kind.code(place.kind),
                tables.operator.code(operator_key(place.operator)),
                tables.country.code(place.country),
                tables.accepts.code(place.accepts),
                tables.zone.code(place.zone),
                tables.pattern.code(pattern_of(place)),
                place.lat,
                place.lon,
                start,
                len(piece),
                key_of(place.id),
                postcode_key(place.postcode),
                city_key(place.city),
            )
            for values, value in zip(columns, row, strict=True):
                values.append(value)
            start += len(piece)
        numbers = [np.frombuffer(values, dtype=values.typecode) for values in columns]
        return Contents(Columns(*numbers), tables, mapped(file))


def join(one: Contents, other: Contents, folder: Path | None) -> Contents:
    """The places of both, each place's text copied, in a file of its own."""
    tables: list[Codes[Any]] = []
    columns: dict[str, Column] = {}
    for name in Tables._fields:
        mine: Codes[Any] = getattr(one.tables, name)
        table, numbers = mine.taking_in(getattr(other.tables, name))
        tables.append(table)
        columns[name] = _after(getattr(one.columns, name), np.take(numbers, getattr(other.columns, name)))
    for name in Columns.__struct_fields__[len(tables) :]:
        columns[name] = _after(getattr(one.columns, name), getattr(other.columns, name))
    with tempfile.TemporaryFile(dir=folder) as file:
        columns["start"] = np.concatenate([_copy(one, file), _copy(other, file)])
        return Contents(Columns(**columns), Tables(*tables), mapped(file))


def _after(one: Column, other: Column) -> Column:
    return np.concatenate([one, other.astype(one.dtype, copy=False)])


def _copy(contents: Contents, file: IO[bytes]) -> Column:
    """Where the texts of these places begin in the new file. They go over in as long stretches as they stand in."""
    columns, base = contents.columns, file.tell()
    order = np.argsort(columns.start)
    begins, lengths = np.take(columns.start, order), np.take(columns.length, order).astype(np.uint64)
    starts = np.empty(len(columns), np.uint64)
    starts[order] = base + np.cumsum(lengths) - lengths
    for begin, end in _stretches(begins, begins + lengths):
        for at in range(begin, end, _WRITE_AT_ONCE):
            file.write(contents.texts[at : min(end, at + _WRITE_AT_ONCE)])
    return starts


def _stretches(begins: Column, ends: Column) -> Iterator[tuple[int, int]]:
    breaks = np.flatnonzero(begins[1:] != ends[:-1]) + 1
    first = np.concatenate([[0], breaks]).astype(np.int64)
    last = np.concatenate([breaks, [len(begins)]]).astype(np.int64) - 1
    for one, other in zip(first.tolist(), last.tolist(), strict=True):
        if other >= 0:
            yield int(begins[one]), int(ends[other])


def mapped(file: IO[bytes]) -> mmap.mmap | bytes:
    """The file's content as it stands now. The mapping outlives the open file."""
    file.flush()
    size = file.tell()
    if not size:
        return b""
    content = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ)
    # Answers cut a few hundred bytes here and there: reading ahead would only push other pages out.
    content.madvise(mmap.MADV_RANDOM)
    return content
