"""What happens at places, beside the index and changed in place: a hand-in never rearranges a million of them.

A book gives every place of which anything is known a number, and keeps its marks in columns. A layer holds one number
for each of its rows, 0 for nothing known, and is told of new ones. Written by one thread at a time; read by all.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from dropoff.network.evidence import DAY_MIN, FULL, NOTHING, PROVEN_MIN, Evidence, Marks, evidence_of
from dropoff.network.nearby_columns import Lookup, key_of

_FIRST_SIZE: Final = 1_024
_RECENT_MAX: Final = 1_024
_KEPT_MAX: Final = 65_536
_CHANGES_MAX: Final = 0xFFFF_FFFF
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


class _Kept(NamedTuple):
    """What is told of a place, ready, as long as it had so many changes and on that day."""

    json: bytes
    change: int
    day: int


class Book:
    def __init__(self) -> None:
        self.count = 1
        """Numbers given so far, the 0 of nothing known among them."""
        self._keys = np.zeros(_FIRST_SIZE, np.int64)
        self._columns = _Columns(*(np.zeros(_FIRST_SIZE, kind) for kind in _WIDE))
        self._views = _Columns(*(memoryview(column.data) for column in self._columns))
        self._changes = memoryview(np.zeros(_FIRST_SIZE, np.uint32).data)
        self._kept: dict[int, _Kept] = {}
        self._sorted = np.empty(0, np.int64)
        self._sorted_slots = np.empty(0, np.int64)
        self._recent: dict[int, int] = {}

    def write(self, marks: Iterable[tuple[str, Marks]]) -> None:
        """By the ids of the places."""
        for location_id, its in marks:
            slot = self._slot(key_of(location_id))
            if self.marks(slot) == its:
                continue
            for view, value in zip(self._views, its, strict=True):
                view[slot] = value
            # Last: whoever reads meanwhile keeps what it made under the number of before.
            self._changes[slot] = (self._changes[slot] + 1) & _CHANGES_MAX

    def bring(self, slots: Slots) -> None:
        """Tells a layer of the places that came to be known since it was told last."""
        first, count = slots.known, self.count
        if first < count:
            slots.take_in(self._keys[first:count], first)

    def marks(self, slot: int) -> Marks:
        return Marks(*(view[slot] for view in self._views))

    def json(self, slots: list[int], minute: int) -> list[bytes]:
        kept, changes, day, told = self._kept, self._changes, minute // DAY_MIN, []
        for slot in slots:
            if not slot:
                told.append(_NOTHING)
                continue
            one = kept.get(slot)
            if one is None or one.change != changes[slot] or one.day != day:
                one = self._keep(slot, day)
            told.append(one.json)
        return told

    def _keep(self, slot: int, day: int) -> "_Kept":
        change = self._changes[slot]
        if len(self._kept) >= _KEPT_MAX:
            self._kept = {}
        one = self._kept[slot] = _Kept(_encode(evidence_of(self.marks(slot), day)), change, day)
        return one

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

    def count_silent(self, minute: int) -> int:
        """Places that took a parcel or saw a driver once, and are not proven any more."""
        columns, count = self._columns, self.count
        last = np.maximum(columns.hand_in[:count], columns.driver[:count]).astype(np.int64)
        return int(np.count_nonzero((last > 0) & (last < minute - PROVEN_MIN)))

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
        self._changes = memoryview(doubled(np.asarray(self._changes)).data)
        self._columns = _Columns(*map(doubled, self._columns))
        self._views = _Columns(*(memoryview(column.data) for column in self._columns))


_encode: Final[Callable[[Evidence], bytes]] = msgspec.json.Encoder().encode
_NOTHING: Final = _encode(NOTHING)
