"""SQL of handovers, as they are looked at afterwards."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from dropoff.counter.tables import container
from dropoff.db import Tx
from dropoff.freight.store import chunks
from dropoff.freight.tables import handover, shipment, shipment_container
from dropoff.network.tables import device


class Left(msgspec.Struct, frozen=True):
    sscc: str
    reason: str
    why: str | None = None
    """What the clerk said of it."""


class HandoverRow(msgspec.Struct, frozen=True):
    id: str
    location_id: str
    device_id: str
    verdict: str
    reason: str | None
    driver: str | None
    driver_count: int | None
    handed_over: list[str]
    left_behind: list[Left]
    at: datetime
    live: bool


_COLUMNS = [handover.c[name] for name in HandoverRow.__struct_fields__ if name != "live"]
_ROWS = sa.select(*_COLUMNS, device.c.live).join(device, device.c.id == handover.c.device_id)


def _row(row: sa.Row[Any]) -> HandoverRow:
    facts = dict(row._mapping)
    return HandoverRow(**facts | {"left_behind": msgspec.convert(facts["left_behind"], list[Left])})


def find(tx: Tx, handover_id: str) -> HandoverRow | None:
    row = tx.first(_ROWS.where(handover.c.id == handover_id))
    return _row(row) if row else None


def page(tx: Tx, location_id: str | None, live: bool | None, after: str, limit: int) -> list[HandoverRow]:
    """Those that something went with, newest first; of one place, or of all."""
    query = _ROWS.where(handover.c.verdict == "accepted")
    if location_id is not None:
        query = query.where(handover.c.location_id == location_id)
    if live is not None:
        query = query.where(device.c.live == live)
    if after:
        query = query.where(handover.c.id < after)
    return [_row(row) for row in tx.read(query.order_by(handover.c.id.desc()).limit(limit))]


def since(tx: Tx, location_id: str, live: bool, since: datetime) -> list[HandoverRow]:
    """The oldest first."""
    query = _ROWS.where(
        handover.c.location_id == location_id,
        handover.c.verdict == "accepted",
        handover.c.at >= since,
        device.c.live == live,
    )
    return [_row(row) for row in tx.read(query.order_by(handover.c.id))]


class Carried(msgspec.Struct, frozen=True):
    """A container as it left, and the shipment that it left with."""

    sscc: str
    kind: str
    seal: str | None
    parcel_count: int
    weight_g: int
    customs: str
    next_kind: str | None
    next_id: str | None
    shipment_id: str | None
    carrier: str | None
    tracking_number: str | None


def containers(tx: Tx, ssccs: Collection[str]) -> dict[str, Carried]:
    """By SSCC. `shipment_id` of a container stays when it has left."""
    found = {}
    facts = ("sscc", "kind", "seal", "parcel_count", "weight_g", "customs", "next_kind", "next_id")
    for some in chunks(sorted(ssccs)):
        query = (
            sa.select(
                *(container.c[name] for name in facts), shipment.c.id, shipment.c.carrier, shipment.c.tracking_number
            )
            .outerjoin(
                shipment_container,
                sa.and_(
                    shipment_container.c.container_id == container.c.id,
                    shipment_container.c.shipment_id == container.c.shipment_id,
                ),
            )
            .outerjoin(shipment, shipment.c.id == shipment_container.c.shipment_id)
            .where(container.c.sscc.in_(some))
        )
        for row in tx.read(query):
            found[row.sscc] = Carried(*tuple(row))
    return found
