"""The events of the counter. Parcels' go to their retailer; containers may hold several retailers' and are the
operator's alone."""

from datetime import datetime
from typing import Any

import msgspec

from dropoff.counter.store import ContainerRow, ParcelRow
from dropoff.counter.till import Till
from dropoff.db import Tx
from dropoff.events.log import Event, append
from dropoff.network.store import Location
from dropoff.returns import service as returns
from dropoff.returns.service import ReturnRow


class HandedIn(msgspec.Struct, frozen=True):
    hand_in_id: str
    row: ReturnRow
    place: Location
    till: Till
    scanned_at: datetime
    at: datetime


def tell_handed_in(
    tx: Tx,
    told: HandedIn,
    parcels: list[tuple[str, str, list[str], int | None]],
    bag: ContainerRow | None,
    refused: list[dict[str, str]],
) -> None:
    """One event for each parcel: (id, tag, units, weight)."""
    reference = returns.order_reference(tx, told.row.order_id) if parcels else None
    sscc = bag.sscc if bag else None
    events = [
        Event(
            type="parcel.handed_in",
            actor=told.till.actor,
            clerk_id=told.till.clerk_id,
            at=told.at,
            device_at=told.scanned_at,
            live=told.row.live,
            retailer_id=told.row.retailer_id,
            location_id=told.till.location_id,
            return_id=told.row.id,
            objects={
                "return": told.row.id,
                "parcel": parcel_id,
                "units": units,
                "hand_in": told.hand_in_id,
                **({"container": sscc} if sscc else {}),
            },
            data={
                "return": told.row.id,
                "order": reference,
                "parcel": parcel_id,
                "tag": tag,
                "units": units,
                "weight_g": weight_g,
                "container": sscc,
                "location": {"id": told.till.location_id, "name": told.place.name},
                "handed_in_at": told.at,
                "scanned_at": told.scanned_at,
                "refused": refused,
            },
        )
        for parcel_id, tag, units, weight_g in parcels
    ]
    append(tx, *events)


def tell_undone(tx: Tx, till: Till, row: ReturnRow, parcels: dict[str, tuple[str, list[str]]], at: datetime) -> None:
    """`parcels`: id to (tag, units)."""
    reference = returns.order_reference(tx, row.order_id)
    events = [
        Event(
            type="parcel.hand_in_undone",
            actor=till.actor,
            clerk_id=till.clerk_id,
            at=at,
            live=row.live,
            retailer_id=row.retailer_id,
            location_id=till.location_id,
            return_id=row.id,
            objects={"return": row.id, "parcel": parcel_id, "units": units},
            data={
                "return": row.id,
                "order": reference,
                "parcel": parcel_id,
                "tag": tag,
                "units": units,
                "location": {"id": till.location_id},
                "undone_at": at,
            },
        )
        for parcel_id, (tag, units) in parcels.items()
    ]
    append(tx, *events)


def tell_container(tx: Tx, type_: str, till: Till, row: ContainerRow, at: datetime, **more: Any) -> None:
    append(
        tx,
        Event(
            type=type_,
            actor=till.actor,
            clerk_id=till.clerk_id,
            at=at,
            live=row.live,
            location_id=till.location_id,
            objects={"container": row.sscc},
            data={"container": row.sscc, "kind": row.kind, **more},
        ),
    )


def tell_packed(tx: Tx, till: Till, row: ContainerRow, parcel: ParcelRow, at: datetime) -> None:
    """Beside no custody change, so the retailer is not told; its return's timeline keeps it."""
    append(
        tx,
        Event(
            type="parcel.packed",
            actor=till.actor,
            clerk_id=till.clerk_id,
            at=at,
            live=row.live,
            location_id=till.location_id,
            return_id=parcel.return_id,
            objects={"return": parcel.return_id, "parcel": parcel.id, "container": row.sscc},
            data={"parcel": parcel.id, "tag": parcel.tag, "container": row.sscc},
        ),
    )
