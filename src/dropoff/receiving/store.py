"""SQL of intakes and inspections, and the till's view over the rooms below."""

from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from dropoff.counter.store_people import DoneRow
from dropoff.counter.tables import clerk, container
from dropoff.db import Tx
from dropoff.db.schema import insert
from dropoff.freight.tables import handover, shipment, shipment_container
from dropoff.receiving.tables import inspection, intake

NOT_GONE = ("planned", "booking", "booked", "rejected", "unknown")


class InspectionRow(msgspec.Struct, frozen=True):
    id: str
    unit_id: str
    retailer_id: str
    condition: str
    disposition: str
    reduction: int
    note: str | None
    actor: str
    at: datetime


def lock_container(tx: Tx, container_id: str) -> None:
    """Of two reports on one container, the second waits until the first is written."""
    tx.first(sa.select(container.c.id).where(container.c.id == container_id).with_for_update())


def add_intake(tx: Tx, row: dict[str, Any]) -> None:
    tx.append(intake, row)


def add_inspection(tx: Tx, row: dict[str, Any]) -> bool:
    """False when the unit was inspected before."""
    statement = insert(inspection).values(row).on_conflict_do_nothing(index_elements=[inspection.c.unit_id])
    return bool(tx.change(statement.returning(inspection.c.id)))


def inspection_of(tx: Tx, unit_id: str, retailer_id: str) -> InspectionRow | None:
    row = tx.first(
        sa.select(inspection).where(inspection.c.unit_id == unit_id, inspection.c.retailer_id == retailer_id)
    )
    return InspectionRow(**row._mapping) if row else None


class LeavingRow(msgspec.Struct, frozen=True):
    """A shipment that has not left this location yet."""

    id: str
    status: str
    carrier: str
    service: str
    tracking_number: str | None
    departs_at: datetime
    destination_retailer_id: str | None
    destination_hub_id: str | None
    missed_at: datetime | None
    containers: list[str]


def leaving(tx: Tx, location_id: str, live: bool) -> list[LeavingRow]:
    """Planned and not gone, soonest first, with the SSCCs of what it takes along."""
    wanted = [shipment.c[name] for name in LeavingRow.__struct_fields__ if name != "containers"]
    query = (
        sa.select(*wanted, shipment_container.c.sscc)
        .join(shipment_container, shipment_container.c.shipment_id == shipment.c.id)
        .where(
            shipment.c.origin_location_id == location_id,
            shipment.c.live == live,
            shipment.c.status.in_(NOT_GONE),
        )
        .order_by(shipment.c.departs_at, shipment.c.id, shipment_container.c.position)
    )
    rows: dict[str, LeavingRow] = {}
    for row in tx.read(query):
        facts = dict(row._mapping)
        sscc = facts.pop("sscc")
        rows.setdefault(row.id, LeavingRow(**facts, containers=[])).containers.append(sscc)
    return list(rows.values())


def handed_over(tx: Tx, location_id: str, after: datetime) -> list[DoneRow]:
    """Visits of drivers who took something, with who stood at the till."""
    query = (
        sa.select(handover.c.at, clerk.c.initials)
        .outerjoin(clerk, clerk.c.id == handover.c.clerk_id)
        .where(handover.c.location_id == location_id, handover.c.at >= after, handover.c.verdict == "accepted")
    )
    return [DoneRow(row.at, "handover", row.initials, None) for row in tx.read(query)]
