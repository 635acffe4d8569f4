"""Lockers that take returns, the nearest first, and where to go when one of them does not."""

from datetime import datetime
from typing import Final

import msgspec
import numpy as np

from dropoff.db import Tx
from dropoff.lockers import service as lockers
from dropoff.lockers.service import BankPlace
from dropoff.network import service as network
from dropoff.network.facts import Needs
from dropoff.network.nearby import Search, Snapshot
from dropoff.network.nearby_geometry import geodesics
from dropoff.network.store import Location
from dropoff.ports.locker import SIZES
from dropoff.shopper.pass_views import PlaceView
from dropoff.shopper.service import COUNTERS, place_view

SHOWN: Final = 5
OTHERS: Final = 2
LOCKERS_LOOKED_AT: Final = 100
LOCKER: Final = frozenset({"locker"})


class NearLocker(msgspec.Struct, frozen=True):
    place: Location
    distance_m: float | None
    free: bool | None
    """None: the bank does not answer."""


def nearest(tx: Tx, live: bool, here: tuple[float, float] | None) -> list[NearLocker]:
    """Without a place to start from, the first few."""
    banks = lockers.bank_places(tx, live)
    far = _distances(here, banks)
    order = sorted(range(len(banks)), key=lambda n: (far[n], banks[n].location_id))[:SHOWN]
    found = [(network.location(tx, banks[n].location_id), banks[n], far[n]) for n in order]
    return [
        NearLocker(place, metres if here is not None else None, has_free(bank, SIZES[0]))
        for place, bank, metres in found
        if place is not None
    ]


def _distances(here: tuple[float, float] | None, banks: list[BankPlace]) -> list[float]:
    if here is None or not banks:
        return [0.0] * len(banks)
    lats, lons = np.array([bank.lat for bank in banks]), np.array([bank.lon for bank in banks])
    metres: list[float] = geodesics(*here, lats, lons).tolist()
    return metres


def has_free(bank: BankPlace, size: str) -> bool | None:
    if bank.problem is not None:
        return None
    wide = SIZES[SIZES.index(size) :]
    return any(one.state == "free" and one.size in wide for one in lockers.compartments_of(bank))


def elsewhere(
    snapshot: Snapshot, banks: list[BankPlace], place: Location, size: str, needs: Needs, at: datetime
) -> tuple[PlaceView, ...]:
    """The two nearest places that would take it now: counters that are open, lockers with room. Counters of unknown
    hours only when there are not two."""
    wanted = Search(lat=place.lat, lon=place.lon, limit=OTHERS, kinds=COUNTERS, now=at, needs=needs, has_room=True)
    roomy = {bank.location_id for bank in banks if has_free(bank, size) and bank.location_id != place.id}
    banked = msgspec.structs.replace(wanted, kinds=LOCKER, limit=LOCKERS_LOOKED_AT, has_room=False)
    hits = snapshot.nearest(msgspec.structs.replace(wanted, open_at=at))
    hits += [hit for hit in snapshot.nearest(banked) if hit.place.id in roomy][:OTHERS]
    if len(hits) < OTHERS:
        known = {hit.place.id for hit in hits}
        hits += [hit for hit in snapshot.nearest(wanted) if hit.place.id not in known]
    hits.sort(key=lambda hit: hit.distance_m)
    return tuple(place_view(hit, at) for hit in hits[:OTHERS])
