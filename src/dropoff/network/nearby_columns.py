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
from dropoff.network.nearby_geometry import along_a_curve
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
    """One entry a place. The first six names are those of `Tables`, `start` and `end` say where its text stands,
    `…_key` hash what it is looked up by."""

    kind: Column
    operator: Column
    country: Column
    accepts: Column
    zone: Column
    pattern: Column
    lat: Column
    lon: Column
    start: Column
    end: Column
    id_key: Column
    postcode_key: Column
    city_key: Column

    def __len__(self) -> int:
        return len(self.lat)

    def take(self, rows: Column) -> "Columns":
        return Columns(*(np.take(getattr(self, name), rows) for name in self.__struct_fields__))


_TYPES: Final = ("B", "I", "H", "I", "H", "I", "d", "d", "Q", "Q", "q", "q", "q")
"""Of the columns, in their order."""


Text = mmap.mmap | bytes


class Contents(NamedTuple):
    """All of a network. Neighbours on the ground stand next to each other, in the columns as in the text."""

    columns: Columns
    tables: Tables
    text: Text


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
                start + len(piece),
                key_of(place.id),
                postcode_key(place.postcode),
                city_key(place.city),
            )
            for values, value in zip(columns, row, strict=True):
                values.append(value)
            start += len(piece)
        text = _mapped(file)
    numbers = [np.frombuffer(values, dtype=values.typecode) for values in columns]
    return _arranged(Columns(*numbers), tables, [text], folder)


def join(one: Contents, other: Contents, folder: Path | None) -> Contents:
    """The places of both."""
    tables: list[Codes[Any]] = []
    columns: dict[str, Column] = {}
    for name in Tables._fields:
        mine: Codes[Any] = getattr(one.tables, name)
        table, numbers = mine.taking_in(getattr(other.tables, name))
        tables.append(table)
        columns[name] = np.take(numbers, getattr(other.columns, name))
    for name in ("start", "end"):
        columns[name] = getattr(other.columns, name) + np.uint64(len(one.text) + 1)
    for name in Columns.__struct_fields__:
        mine_first = getattr(one.columns, name)
        theirs = columns.get(name, getattr(other.columns, name))
        columns[name] = np.concatenate([mine_first, theirs.astype(mine_first.dtype, copy=False)])
    return _arranged(Columns(**columns), Tables(*tables), [one.text, other.text], folder)


def _arranged(columns: Columns, tables: Tables, texts: list[Text], folder: Path | None) -> Contents:
    """Columns and text in a new order: answers then cut their pieces out of one or two pages instead of ten.

    `start` and `end` count through all texts, with a gap of one between them.
    """
    columns = columns.take(np.argsort(along_a_curve(columns.lat, columns.lon)))
    with tempfile.TemporaryFile(dir=folder) as file:
        for begin, end in _stretches(columns.start, columns.end):
            text, base = texts[0], 0
            if begin >= len(text) and len(texts) > 1:
                text, base = texts[1], len(text) + 1
            for at in range(begin - base, end - base, _WRITE_AT_ONCE):
                file.write(text[at : min(end - base, at + _WRITE_AT_ONCE)])
        columns.end = np.cumsum(columns.end - columns.start)
        columns.start = np.concatenate([np.zeros(1, np.uint64), columns.end[:-1]])[: len(columns)]
        return Contents(columns, tables, _mapped(file))


def _stretches(starts: Column, ends: Column) -> Iterator[tuple[int, int]]:
    """What stands one behind the other is copied in one go."""
    breaks = np.flatnonzero(starts[1:] != ends[:-1])
    begins = np.concatenate([starts[:1], starts[1:][breaks]]).tolist()
    return zip(begins, np.concatenate([ends[:-1][breaks], ends[-1:]]).tolist(), strict=True)


def _mapped(file: IO[bytes]) -> Text:
    """The file's content as it stands now. The mapping outlives the open file."""
    file.flush()
    size = file.tell()
    if not size:
        return b""
    content = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ)
    # Answers cut a few hundred bytes here and there: reading ahead would only push other pages out.
    content.madvise(mmap.MADV_RANDOM)
    for at in range(0, size, _WRITE_AT_ONCE):
        content[at : at + _WRITE_AT_ONCE : mmap.PAGESIZE]  # so that no answer is the first to touch a page
    return content
