"""Which places of a layer pass, as something a k-d tree can be asked with.

Where many pass, the layer's own tree is asked with a mask. Where few do, such a walk would skip for long, so these get
a small tree of their own. Both are kept, the least used given up first.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dropoff.network.facts import NO_NEEDS, Needs
from dropoff.network.nearby_geometry import Floats
from dropoff.network.nearby_tree import Tree

Mask = NDArray[np.bool_]

FEW: Final = 0.1
"""Up to this share of the places a tree of their own is faster than a mask, and smaller."""
FEW_ROWS: Final = 1_000
"""So few are asked for their hours at once rather than again and again."""
KEPT_BYTES: Final = 24_000_000
_BYTES_A_POINT: Final = 48


class Attributes(NamedTuple):
    """What must hold of a place: `kinds` and `operators` are any of, `accepts` all of; empty asks nothing."""

    kinds: frozenset[str] = frozenset()
    accepts: frozenset[str] = frozenset()
    operators: frozenset[str] = frozenset()
    country: str | None = None
    needs: Needs = NO_NEEDS


ANYTHING: Final = Attributes()


class Selection(NamedTuple):
    size: int
    tree: Tree
    rows: NDArray[np.uint32] | None = None
    """The places of a tree of their own; None where the tree holds all and `skipped` says who is left out."""
    skipped: NDArray[np.uint8] | None = None

    @property
    def are_few(self) -> bool:
        return self.rows is not None and self.size <= FEW_ROWS

    def near(self, point: Floats, count: int, reach: float | None) -> tuple[list[float], list[int]]:
        """The chords of the nearest `count` within reach, shortest first, and which places they lead to."""
        chords, found = self.tree.near(point, min(count, self.size), reach, self.skipped)
        rows: list[int] = (found if self.rows is None else self.rows.take(found)).tolist()
        return chords, rows

    def chosen(self, total: int) -> NDArray[Any]:
        if self.rows is not None:
            return self.rows
        return np.arange(total, dtype=np.uint32) if self.skipped is None else np.flatnonzero(self.skipped == 0)


def select(points: Floats, tree: Tree, passing: Mask) -> Selection:
    size = int(np.count_nonzero(passing))
    if size > FEW * len(points):
        return Selection(size, tree, skipped=(~passing).view(np.uint8))
    return of_few(points, np.flatnonzero(passing).astype(np.uint32))


def of_few(points: Floats, rows: NDArray[np.uint32]) -> Selection:
    return Selection(len(rows), Tree(np.take(points, rows, axis=0)), rows=rows)


class Selections:
    """Those made so far, up to `KEPT_BYTES`."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, Selection] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()
        self._making = threading.Lock()

    def get(self, key: Hashable) -> Selection | None:
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
        return found

    def made(self, key: Hashable, make: Callable[[], Selection]) -> Selection:
        """One is made at a time: the others who wait most likely wait for the same one."""
        with self._making:
            found = self.get(key)
            if found is None:
                found = make()
                self._keep(key, found)
        return found

    def _keep(self, key: Hashable, selection: Selection) -> None:
        with self._lock:
            self._kept[key] = selection
            self._bytes += _weight(selection)
            while self._bytes > KEPT_BYTES and len(self._kept) > 1:
                self._bytes -= _weight(self._kept.popitem(last=False)[1])


def _weight(selection: Selection) -> int:
    return len(selection.skipped) if selection.skipped is not None else selection.size * _BYTES_A_POINT
