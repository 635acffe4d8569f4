"""What a plan is made from: the goods that wait, the zones of their places, and what is planned already."""

from collections.abc import Collection
from datetime import datetime
from typing import Literal

import msgspec
import sqlalchemy as sa

from dropoff.counter.tables import container, parcel
from dropoff.db import Tx
from dropoff.freight.rules import Departure
from dropoff.freight.store import chunks
from dropoff.freight.store_missed import missed_before
from dropoff.freight.tables import shipment
from dropoff.network.tables import location


class Waiting(msgspec.Struct, frozen=True):
    """A container with something in it, or a loose parcel (then `next_id` is None and `retailer_id` its retailer)."""

    id: str
    location_id: str
    live: bool
    next_kind: str | None
    next_id: str | None
    retailer_id: str | None
    ready_at: datetime
    weight_g: int
    state: Literal["open", "ready", "rejected"]


def waiting_containers(tx: Tx) -> list[Waiting]:
    """Open ones, sealed and unclaimed ones, and those that a rejected shipment still claims."""
    rejected = shipment.c.status == "rejected"
    query = (
        sa.select(
            container,
            shipment.c.status.label("shipment_status"),
            missed_before(container.c.id).label("missed_at"),
        )
        .outerjoin(shipment, shipment.c.id == container.c.shipment_id)
        .where(
            container.c.status.in_(("open", "sealed")),
            container.c.location_id.is_not(None),
            container.c.next_id.is_not(None),
            container.c.parcel_count > 0,
            sa.or_(container.c.shipment_id.is_(None), rejected),
        )
    )
    return [
        Waiting(
            row.id,
            row.location_id,
            row.live,
            row.next_kind,
            row.next_id,
            row.retailer_id,
            max(row.opened_at if row.status == "open" else row.sealed_at, row.missed_at or row.opened_at),
            row.weight_g,
            "open" if row.status == "open" else "rejected" if row.shipment_status == "rejected" else "ready",
        )
        for row in tx.read(query)
    ]


def waiting_parcels(tx: Tx) -> list[Waiting]:
    query = sa.select(
        parcel.c.id, parcel.c.location_id, parcel.c.live, parcel.c.retailer_id, parcel.c.arrived_at, parcel.c.weight_g
    ).where(
        parcel.c.status.in_(("tagged", "at_hub")), parcel.c.container_id.is_(None), parcel.c.location_id.is_not(None)
    )
    return [
        Waiting(
            row.id, row.location_id, row.live, None, None, row.retailer_id, row.arrived_at, row.weight_g or 0, "ready"
        )
        for row in tx.read(query)
    ]


def zones(tx: Tx, location_ids: Collection[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for ids in chunks(sorted(location_ids)):
        query = sa.select(location.c.id, location.c.zone).where(location.c.id.in_(ids))
        found |= {row.id: row.zone for row in tx.read(query)}
    return found


def loads(tx: Tx, since: datetime) -> dict[Departure, int]:
    """Grams that earlier runs planned for departures after `since`."""
    keys = (shipment.c.departs_at, shipment.c.lane_id, shipment.c.origin_location_id, shipment.c.live)
    query = sa.select(*keys, shipment.c.weight_g).where(shipment.c.departs_at > since, shipment.c.status != "cancelled")
    grams: dict[Departure, int] = {}
    # Summed here: to group them, SQLite would walk along the unique key through all shipments that ever were.
    for row in tx.read(query):
        departure = Departure(row.departs_at, row.lane_id, row.origin_location_id, row.live)
        grams[departure] = grams.get(departure, 0) + row.weight_g
    return grams


def leftovers(tx: Tx, before: datetime) -> list[str]:
    """Shipments that left before then without all of their containers."""
    query = (
        sa.select(shipment.c.id)
        .join(container, container.c.shipment_id == shipment.c.id)
        .where(
            container.c.status == "sealed",
            shipment.c.departs_at < before,
            shipment.c.status.in_(("handed_over", "in_transit", "delivered", "received")),
        )
        .distinct()
    )
    return sorted(row.id for row in tx.read(query))


def parcels_of_containers(tx: Tx, container_ids: Collection[str]) -> dict[str, list[str]]:
    """Ids of the parcels now inside, by container."""
    found: dict[str, list[str]] = {}
    for ids in chunks(sorted(container_ids)):
        query = sa.select(parcel.c.id, parcel.c.container_id).where(parcel.c.container_id.in_(ids))
        for row in tx.read(query.order_by(parcel.c.id)):
            found.setdefault(row.container_id, []).append(row.id)
    return found


def all_zones(tx: Tx) -> list[str]:
    """Of every place that holds something."""
    held = sa.select(container.c.location_id).where(container.c.status.in_(("open", "sealed")))
    loose = sa.select(parcel.c.location_id).where(parcel.c.container_id.is_(None), parcel.c.location_id.is_not(None))
    zones_of = (sa.select(location.c.zone).distinct().where(location.c.id.in_(some)) for some in (held, loose))
    return sorted({row.zone for query in zones_of for row in tx.read(query)})
