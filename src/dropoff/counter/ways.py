"""Which way a parcel goes from here, and whether a container goes there too."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

import msgspec

from dropoff.counter.rules import Load, Packing
from dropoff.counter.store import ContainerRow
from dropoff.counter.till import Till
from dropoff.db import Tx
from dropoff.network import service as network
from dropoff.network.customs import crosses_border
from dropoff.network.rules import NextStop
from dropoff.retailers import service as retailers
from dropoff.returns.service import Next


class Weighed(Protocol):
    @property
    def weight_g(self) -> int | None: ...


class Way(msgspec.Struct, frozen=True):
    stop: NextStop
    max_weight_g: int | None
    """What one container may weigh on the lane there."""
    customs: str = ""
    """The country behind the customs border that lies on it; empty for none."""
    max_bag_weight_g: int | None = None
    max_bag_parcels: int | None = None

    def load(self, till: Till, parcels: Collection[Weighed]) -> Load:
        return Load(
            location_id=till.location_id,
            live=till.live,
            next=(self.stop.kind, self.stop.id),
            weight_g=sum(parcel.weight_g or 0 for parcel in parcels),
            max_weight_g=self.max_weight_g,
            parcels=len(parcels),
            customs=self.customs,
            max_bag_weight_g=self.max_bag_weight_g,
            max_bag_parcels=self.max_bag_parcels,
        )

    @staticmethod
    def packing(row: ContainerRow | None) -> Packing | None:
        if row is None:
            return None
        return Packing(
            row.status, row.live, row.location_id, row.next, row.weight_g, row.kind, row.parcel_count, row.customs
        )


def find_way(tx: Tx, location_id: str, retailer_id: str) -> Way:
    stop = network.next_stop(tx, location_id, retailer_id)
    lane = network.lane_to(tx, location_id, stop)
    customs = customs_between(tx, location_id, retailer_id)
    if lane is None:
        return Way(stop, None, customs)
    return Way(stop, lane.max_weight_g, customs, lane.max_bag_weight_g, lane.max_bag_parcels)


def customs_between(tx: Tx, location_id: str, retailer_id: str) -> str:
    """The retailer's country when a customs border lies before it, also behind a hub; else nothing."""
    place, owner = network.location(tx, location_id), retailers.find(tx, retailer_id)
    if place is None or owner is None or not place.country:
        return ""
    there = owner.return_address.country
    return there if crosses_border(place.country, there) else ""


def next_pickup(tx: Tx, location_id: str, retailer_id: str, after: datetime) -> Next:
    """What a shopper reads as the next step; without a lane, a pickup at no told time."""
    return Next("pickup", network.next_departure(tx, location_id, retailer_id, after))
