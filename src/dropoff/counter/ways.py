"""Which way a parcel goes from here, and whether a container goes there too."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

import msgspec

from dropoff.counter.rules import Load, Packing
from dropoff.counter.store import ContainerRow
from dropoff.counter.till import Till
from dropoff.db import Tx
from dropoff.network import service as network
from dropoff.network.rules import NextStop
from dropoff.returns.service import Next


class Weighed(Protocol):
    @property
    def weight_g(self) -> int | None: ...


class Way(msgspec.Struct, frozen=True):
    stop: NextStop
    max_weight_g: int | None
    """What one container may weigh on the lane there."""

    def load(self, till: Till, parcels: Iterable[Weighed]) -> Load:
        weight_g = sum(parcel.weight_g or 0 for parcel in parcels)
        return Load(till.location_id, till.live, (self.stop.kind, self.stop.id), weight_g, self.max_weight_g)

    @staticmethod
    def packing(row: ContainerRow | None) -> Packing | None:
        return Packing(row.status, row.live, row.location_id, row.next, row.weight_g) if row is not None else None


def find_way(tx: Tx, location_id: str, retailer_id: str) -> Way:
    stop = network.next_stop(tx, location_id, retailer_id)
    lane = network.lane_to(tx, location_id, stop)
    return Way(stop, lane.max_weight_g if lane is not None else None)


def next_pickup(tx: Tx, location_id: str, retailer_id: str, after: datetime) -> Next:
    """What a shopper reads as the next step; without a lane, a pickup at no told time."""
    return Next("pickup", network.next_departure(tx, location_id, retailer_id, after))
