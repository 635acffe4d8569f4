"""Which bag a parcel goes into, as the clerk is told: whose it is, where its fill stands, and which one is full."""

from typing import Literal

import msgspec

from dropoff.counter import rules, store
from dropoff.counter.store import ContainerRow
from dropoff.counter.till import Till
from dropoff.counter.ways import Way, find_way
from dropoff.db import Tx
from dropoff.network import service as network
from dropoff.network.countries import country_name
from dropoff.network.rules import NextStop
from dropoff.retailers import service as retailers

Kind = Literal["retailer", "hub", "customs"]


class Full(msgspec.Struct, frozen=True):
    id: str
    sscc: str


class BagTold(msgspec.Struct, frozen=True, kw_only=True):
    """Of one bag; without `id` none is chosen yet, and the rest says which one is wanted."""

    kind: Kind
    """A retailer's own bag, a hub bag, or one that needs customs papers, whichever its next stop is."""
    to: str
    """Name of the next stop."""
    customs: str | None = None
    """The country behind the border (ISO 3166-1 alpha-2), and its name."""
    country: str | None = None
    id: str | None = None
    sscc: str | None = None
    parcels: int = 0
    weight_g: int = 0
    max_parcels: int | None = None
    max_weight_g: int | None = None
    full: bool = False
    """Seal it: the next parcel needs another bag."""
    before: Full | None = None
    """An open bag that goes the same way and had no room: seal it."""


def kind_of(stop_kind: str, customs: str) -> Kind:
    if customs:
        return "customs"
    return "hub" if stop_kind == "hub" else "retailer"


def limits(tx: Tx, location_id: str, row: ContainerRow) -> tuple[int | None, int | None]:
    """What this container may weigh and hold on the lane that it leaves by."""
    if row.next is None or row.kind not in rules.LIFTED:
        return None, None
    kind, stop_id = row.next
    lane = network.lane_to(tx, location_id, NextStop("hub" if kind == "hub" else "retailer", stop_id))
    if lane is None:
        return None, None
    weights = [one for one in (lane.max_weight_g, lane.max_bag_weight_g) if one is not None]
    return min(weights, default=None), lane.max_bag_parcels


def tell_bag(tx: Tx, till: Till, retailer_id: str, container_id: str | None, *, is_new: bool) -> BagTold:
    """After a hand-in for this retailer, whose parcels lie in the container, or loose."""
    way = find_way(tx, till.location_id, retailer_id)
    row = store.container_by_id(tx, container_id) if container_id is not None else None
    told = _of(tx, way)
    if row is None:
        return told
    load = way.load(till, ())
    max_weight_g, max_parcels = rules.limits_of(row.kind, load)
    return msgspec.structs.replace(
        told,
        id=row.id,
        sscc=row.sscc,
        parcels=row.parcel_count,
        weight_g=row.weight_g,
        max_parcels=max_parcels,
        max_weight_g=max_weight_g,
        full=rules.is_full(row.weight_g, row.parcel_count, max_weight_g, max_parcels),
        before=_before(tx, till, way, row) if is_new else None,
    )


def _of(tx: Tx, way: Way) -> BagTold:
    stop = way.stop
    found = retailers.find(tx, stop.id) if stop.kind == "retailer" else network.location(tx, stop.id)
    return BagTold(
        kind=kind_of(stop.kind, way.customs),
        to=found.name if found else "",
        customs=way.customs or None,
        country=country_name(way.customs) if way.customs else None,
    )


def _before(tx: Tx, till: Till, way: Way, row: ContainerRow) -> Full | None:
    """Which bag had no room for what the new one holds."""
    load = msgspec.structs.replace(way.load(till, ()), weight_g=row.weight_g, parcels=row.parcel_count)
    same = [
        one
        for one in store.containers_at(tx, till.location_id, till.live, "open")
        if one.id != row.id and one.next is not None and rules.why_not_packed(way.packing(one), load) == "over_weight"
    ]
    return Full(same[-1].id, same[-1].sscc) if same else None
