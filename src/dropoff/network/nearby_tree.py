"""A k-d tree over earth-centred points, asked for one place's neighbours at a time.

The library spreads even a single question over all cores unless it is told otherwise before it is loaded; that costs
more than the answer.
"""

import os
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dropoff.network.nearby_geometry import Floats

os.putenv("OMP_NUM_THREADS", "1")

from pykdtree.kdtree import KDTree

LEAF: Final = 16
_NOTHING_M: Final = 1e12
"""The library says "none" with absurdly large distances."""


class Tree:
    """Never changes; may be asked from many threads. Building and asking leave the interpreter to others."""

    def __init__(self, points: Floats) -> None:
        self._tree = KDTree(points, leafsize=LEAF) if len(points) else None
        self.size = len(points)

    def near(
        self, point: Floats, count: int, reach: float | None, skipped: NDArray[np.uint8] | None = None
    ) -> tuple[list[float], NDArray[np.uint32]]:
        """The distances of the nearest `count` within reach, shortest first, and which points they are."""
        if self._tree is None:
            return [], np.empty(0, np.uint32)
        distances, found = self._tree.query(
            point, k=min(count, self.size), distance_upper_bound=reach, mask=skipped, sqr_dists=False
        )
        found = found.ravel()
        metres: list[float] = distances.ravel().tolist()
        if metres[-1] > _NOTHING_M:
            metres = [far for far in metres if far <= _NOTHING_M]
            found = found[: len(metres)]
        return metres, found
