"""What happens at places, beside the index and changed in place: a hand-in never rearranges a million of them.

A book gives every place of which anything is known a number, and keeps its marks in columns. A layer holds one number
for each of its rows, 0 for nothing known, and is told of new ones. Written by one thread at a time; read by all.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from dropoff.network.evidence import DAY_MIN, FULL, NOTHING, PROVEN_MIN, Evidence, Marks, evidence_of
from dropoff.network.nearby_columns import Lookup, key_of

_FIRST_SIZE: Final = 1_024
_RECENT_MAX: Final = 1_024
_WIDE: Final = "IIBBIBII"


class Slots:
    """Of one layer: the book's number of each row."""

    def __init__(self, ids: Lookup) -> None:
        self._ids = ids
        self.known = 1
        """Numbers below this one were looked for among the rows."""
        self.of_row: NDArray[np.uint32] = np.zeros(len(ids.rows), np.uint32)
        self.view = memoryview(self.of_row.data)

    def take_in(self, keys: NDArray[np.int64], first: int) -> None:
        """Keys of the places with the numbers from `first` on."""
        if len(self._ids.keys) and len(keys):
            at = np.minimum(np.searchsorted(self._ids.keys, keys), len(self._ids.keys) - 1)
            hit = np.flatnonzero(self._ids.keys[at] == keys)
            self.of_row[self._ids.rows[at[hit]]] = (hit + first).astype(np.uint32)
        self.known = first + len(keys)


class _Columns(NamedTuple):
    hand_in: Any
    driver: Any
    free: Any
    tags: Any
    tags_told: Any
    printer: Any
    printer_told: Any
    heard: Any


class Book:
    def __init__(self) -> None:
        self.count = 1
        """Numbers given so far, the 0 of nothing known among them."""
        self._keys = np.zeros(_FIRST_SIZE, np.int64)
        self._columns = _Columns(*(np.zeros(_FIRST_SIZE, kind) for kind in _WIDE))
        self._views = _Columns(*(memoryview(column.data) for column in self._columns))
        self._sorted = np.empty(0, np.int64)
        self._sorted_slots = np.empty(0, np.int64)
        self._recent: dict[int, int] = {}

    def write(self, marks: Iterable[tuple[str, Marks]]) -> None:
        """By the ids of the places."""
        for location_id, its in marks:
            slot = self._slot(key_of(location_id))
            for view, value in zip(self._views, its, strict=True):
                view[slot] = value

    def bring(self, slots: Slots) -> None:
        """Tells a layer of the places that came to be known since it was told last."""
        first, count = slots.known, self.count
        if first < count:
            slots.take_in(self._keys[first:count], first)

    def marks(self, slot: int) -> Marks:
        return Marks(*(view[slot] for view in self._views))

    def json(self, slots: list[int], minute: int) -> list[bytes]:
        marks, day = self.marks, minute // DAY_MIN
        return [_json(marks(slot), day) if slot else _NOTHING for slot in slots]

    def evidence(self, slot: int, minute: int) -> Evidence:
        return evidence_of(self.marks(slot), minute // DAY_MIN) if slot else NOTHING

    def are_full(self, slots: NDArray[np.uint32]) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = np.take(self._columns.free, slots) == FULL
        return found

    def are_proven(self, slots: NDArray[np.uint32], minute: int) -> NDArray[np.bool_]:
        last = np.maximum(np.take(self._columns.hand_in, slots), np.take(self._columns.driver, slots))
        found: NDArray[np.bool_] = last.astype(np.int64) >= minute - PROVEN_MIN
        return found

    def count_full(self) -> int:
        return int(np.count_nonzero(self._columns.free[: self.count] == FULL))

    def _slot(self, key: int) -> int:
        slot = self._recent.get(key)
        if slot is not None:
            return slot
        at = int(np.searchsorted(self._sorted, key))
        if at < len(self._sorted) and self._sorted[at] == key:
            return int(self._sorted_slots[at])
        slot = self.count
        if slot == len(self._keys):
            self._grow()
        self._keys[slot] = key
        self._recent[key] = slot
        self.count = slot + 1
        if len(self._recent) > max(_RECENT_MAX, len(self._sorted) // 8):
            order = np.argsort(self._keys[1 : self.count])
            self._sorted, self._sorted_slots = self._keys[1 : self.count][order], order + 1
            self._recent = {}
        return slot

    def _grow(self) -> None:
        def doubled(column: Any) -> Any:
            return np.concatenate([column, np.zeros_like(column)])

        self._keys = doubled(self._keys)
        self._columns = _Columns(*map(doubled, self._columns))
        self._views = _Columns(*(memoryview(column.data) for column in self._columns))


_encode: Final[Callable[[Evidence], bytes]] = msgspec.json.Encoder().encode
_NOTHING: Final = _encode(NOTHING)


@lru_cache(maxsize=65_536)
def _json(marks: Marks, day: int) -> bytes:
    return _encode(evidence_of(marks, day))
