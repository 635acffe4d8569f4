"""What a shopper keeps of a hand-in: what, where, when, under which tags. No person, no address but the shop's."""

from datetime import datetime

import msgspec

from dropoff.counter import store, store_hand_ins
from dropoff.counter.store import Content
from dropoff.counter.store_hand_ins import HandInRow
from dropoff.db import Tx
from dropoff.db.vault import token_hash
from dropoff.network import service as network
from dropoff.retailers import service as retailers
from dropoff.returns import service as returns


class ReceiptParcel(msgspec.Struct, frozen=True):
    id: str
    tag: str
    units: list[Content]


class RefusedUnit(msgspec.Struct, frozen=True):
    unit: Content
    reason: str


class ReceiptPlace(msgspec.Struct, frozen=True):
    id: str
    name: str
    street: str
    postcode: str
    city: str
    country: str
    zone: str


class ReceiptView(msgspec.Struct, frozen=True, kw_only=True):
    hand_in: str
    retailer: str | None
    retailer_id: str | None
    live: bool
    place: ReceiptPlace | None
    handed_in_at: datetime
    scanned_at: datetime
    """By the till's clock."""
    undone_at: datetime | None
    parcels: list[ReceiptParcel]
    """As they were handed in, also after an undo."""
    refused: list[RefusedUnit]


def receipt_view(tx: Tx, token: str) -> ReceiptView | None:
    row = store_hand_ins.find_by_receipt(tx, token_hash(token))
    return _view(tx, row, row.return_id) if row is not None and row.return_id is not None else None


def receipts_of(tx: Tx, return_id: str) -> list[ReceiptView]:
    """Of the hand-ins that stand, oldest first: for the bearer of the pass, who needs no token."""
    return [_view(tx, row, return_id) for row in store_hand_ins.accepted_of(tx, return_id)]


def _view(tx: Tx, row: HandInRow, return_id: str) -> ReceiptView:
    # The request is what was taken: the units themselves may be in another parcel after an undo.
    units = {
        unit.id: Content(unit.id, unit.sku, unit.title, unit.variant, unit.image_url)
        for unit in returns.units_of(tx, return_id)
    }
    # Their ids were made in the order of the request; a torn tag may have been replaced since.
    made = sorted(parcel.id for parcel in store.parcels_of_hand_in(tx, row.id))
    parcels = [
        ReceiptParcel(parcel_id, asked["tag"], [units[unit] for unit in asked["units"]])
        for parcel_id, asked in zip(made, row.request["parcels"], strict=True)
    ]
    owner = retailers.find(tx, row.retailer_id) if row.retailer_id else None
    return ReceiptView(
        hand_in=row.id,
        retailer=owner.name if owner else None,
        retailer_id=row.retailer_id,
        live=row.live,
        place=_place(tx, row.location_id),
        handed_in_at=row.received_at,
        scanned_at=row.scanned_at,
        undone_at=row.undone_at,
        parcels=parcels,
        refused=[RefusedUnit(units[one["unit"]], one["reason"]) for one in row.request["refused"]],
    )


def _place(tx: Tx, location_id: str) -> ReceiptPlace | None:
    place = network.location(tx, location_id)
    if place is None:
        return None
    return ReceiptPlace(place.id, place.name, place.street, place.postcode, place.city, place.country, place.zone)
