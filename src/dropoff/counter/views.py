"""What the counter's answers show of parcels and containers."""

from collections.abc import Collection
from datetime import datetime

import msgspec

from dropoff.counter import store
from dropoff.counter.rules import Verdict
from dropoff.counter.store import ContainerRow, Content, ParcelRow
from dropoff.db import Tx


class Stop(msgspec.Struct, frozen=True):
    kind: str
    """`retailer` or `hub`."""
    id: str


class ParcelView(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    tag: str
    status: str
    return_id: str = msgspec.field(name="return")
    weight_g: int | None
    """As weighed, else the sum of what the order says of its units."""
    location: str | None
    container: str | None
    tagged_at: datetime
    units: list[Content]


class ContainerView(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    sscc: str
    kind: str
    status: str
    live: bool
    location: str | None
    next: Stop | None
    """Fixed by the first parcel."""
    customs: str | None
    """The country (ISO 3166-1 alpha-2) behind the customs border that its goods cross; fixed by the first parcel."""
    weight_g: int
    parcel_count: int
    grai: str | None
    seal: str | None
    opened_at: datetime
    sealed_at: datetime | None
    shipment: str | None
    parcels: list[ParcelView]


class ContainerAnswer(msgspec.Struct, frozen=True, kw_only=True):
    verdict: Verdict
    reason: str | None
    say: str
    container: ContainerView | None


class Receipt(msgspec.Struct, frozen=True):
    url: str
    token: str
    qr: str
    """A picture of the address, for the shopper to scan from the till's screen."""


def parcel_views(tx: Tx, parcels: Collection[ParcelRow]) -> list[ParcelView]:
    held = store.contents(tx, [parcel.id for parcel in parcels])
    return [
        ParcelView(
            id=parcel.id,
            tag=parcel.tag,
            status=parcel.status,
            return_id=parcel.return_id,
            weight_g=parcel.weight_g,
            location=parcel.location_id,
            container=parcel.container_id,
            tagged_at=parcel.tagged_at,
            units=held[parcel.id],
        )
        for parcel in parcels
    ]


def container_view(tx: Tx, row: ContainerRow) -> ContainerView:
    return ContainerView(
        id=row.id,
        sscc=row.sscc,
        kind=row.kind,
        status=row.status,
        live=row.live,
        location=row.location_id,
        next=Stop(*row.next) if row.next else None,
        customs=row.customs or None,
        weight_g=row.weight_g,
        parcel_count=row.parcel_count,
        grai=row.grai,
        seal=row.seal,
        opened_at=row.opened_at,
        sealed_at=row.sealed_at,
        shipment=row.shipment_id,
        parcels=parcel_views(tx, store.parcels_in(tx, row.id)),
    )
