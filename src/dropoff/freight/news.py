"""The events of shipments: the operator's, and one for each retailer whose parcels travel."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from dropoff.db import Tx
from dropoff.events.log import Event, append
from dropoff.freight import store
from dropoff.freight.store import HeldParcel, ShipmentRow
from dropoff.kernel.clock import rfc3339


def tell_operator(tx: Tx, row: ShipmentRow, type_: str, at: datetime, actor: str, **more: Any) -> None:
    containers = [held.sscc for held in store.containers_of(tx, [row.id])[row.id]]
    _tell(tx, row, type_, at, actor, None, {**_facts(row), **more}, {"containers": containers})


def tell_retailers(
    tx: Tx, row: ShipmentRow, type_: str, at: datetime, actor: str, container_ids: Collection[str]
) -> None:
    """One event for each retailer with parcels in these containers, which names its own parcels and no other's.

    A shipment to a hub is the operator's: the retailers are told that their parcels travel in it.
    """
    containers = [held for held in store.containers_of(tx, [row.id])[row.id] if held.container_id in container_ids]
    parcels = store.parcels_held(tx, [held.container_id for held in containers])
    for owner in sorted({parcel.retailer_id for group in parcels.values() for parcel in group}):
        own = {
            held.sscc: [parcel for parcel in parcels[held.container_id] if parcel.retailer_id == owner]
            for held in containers
        }
        listed = [{"sscc": sscc, "parcels": _parcels(group)} for sscc, group in own.items() if group]
        objects = {
            "containers": [sscc for sscc, group in own.items() if group],
            "parcels": [parcel.id for group in own.values() for parcel in group],
        }
        _tell(tx, row, type_, at, actor, owner, {**_facts(row), "containers": listed}, objects)


def _parcels(parcels: list[HeldParcel]) -> list[dict[str, Any]]:
    return [{"id": p.id, "tag": p.tag, "return": p.return_id, "units": p.units} for p in parcels]


def _facts(row: ShipmentRow) -> dict[str, Any]:
    return {
        "shipment": row.id,
        "status": row.status,
        "carrier": row.carrier,
        "service": row.service,
        "tracking_number": row.tracking_number,
        "departs_at": rfc3339(row.departs_at),
        "destination": "retailer" if row.destination_hub_id is None else "hub",
    }


def _tell(
    tx: Tx,
    row: ShipmentRow,
    type_: str,
    at: datetime,
    actor: str,
    retailer_id: str | None,
    data: dict[str, Any],
    objects: dict[str, Any],
) -> None:
    append(
        tx,
        Event(
            type=type_,
            actor=actor,
            at=at,
            live=row.live,
            retailer_id=retailer_id,
            location_id=row.origin_location_id,
            objects={"shipment": row.id, **objects},
            data=data,
        ),
    )
