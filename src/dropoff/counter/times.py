"""How long customers stand at the counter, from what tills measured: a distribution, and each place beside it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

import msgspec

from dropoff.counter import store_hand_ins
from dropoff.db import Tx
from dropoff.kernel import ids
from dropoff.network import service as network

SINCE: Final = timedelta(days=30)
READ_MAX: Final = 20_000
PLACES_MAX: Final = 50
EDGES_S: Final = (0, 5, 10, 15, 30, 60, 120, 300, 3600)


class Band(msgspec.Struct, frozen=True):
    from_s: int
    to_s: int
    count: int
    share: float
    """Of all, 0 to 1."""


class PlaceTimes(msgspec.Struct, frozen=True):
    name: str
    count: int
    half_s: float
    most_s: float


class Times(msgspec.Struct, frozen=True):
    count: int
    half_s: float
    """Half of them are done within this."""
    most_s: float
    """Nine of ten."""
    bands: tuple[Band, ...]
    places: tuple[PlaceTimes, ...]


def quantile(sorted_ms: Sequence[int], part: float) -> float:
    """In seconds: the smallest time within which this part of all is done."""
    if not sorted_ms:
        return 0.0
    place = max(0, -(-int(part * 100) * len(sorted_ms) // 100) - 1)
    return round(sorted_ms[place] / 1000, 1)


def bands(times_ms: Sequence[int]) -> tuple[Band, ...]:
    """The last one takes what is longer, too."""
    found = []
    for low, high in pairwise(EDGES_S):
        count = sum(low * 1000 <= ms < high * 1000 or (high == EDGES_S[-1] and ms >= high * 1000) for ms in times_ms)
        found.append(Band(low, high, count, count / len(times_ms) if times_ms else 0.0))
    return tuple(found)


def counter_times(tx: Tx, at: datetime) -> Times:
    """Of the last thirty days, at most the latest 20,000; the places with most hand-ins first."""
    rows = store_hand_ins.took_times(tx, ids.first_id("hin", at - SINCE), READ_MAX)
    by_place: dict[str, list[int]] = {}
    for location_id, took_ms in rows:
        by_place.setdefault(location_id, []).append(took_ms)
    busiest = sorted(by_place.items(), key=lambda item: -len(item[1]))[:PLACES_MAX]
    all_ms = sorted(took_ms for _, took_ms in rows)
    places = [(network.location(tx, location_id), sorted(times)) for location_id, times in busiest]
    return Times(
        count=len(all_ms),
        half_s=quantile(all_ms, 0.5),
        most_s=quantile(all_ms, 0.9),
        bands=bands(all_ms),
        places=tuple(
            PlaceTimes(place.name if place else "", len(times), quantile(times, 0.5), quantile(times, 0.9))
            for place, times in places
        ),
    )
