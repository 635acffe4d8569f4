"""SQL of shipments that nobody came for."""

from datetime import datetime

import sqlalchemy as sa

from dropoff.db import Tx
from dropoff.freight.store import ShipmentRow
from dropoff.freight.tables import shipment, shipment_container

_WAITS = (shipment.c.status == "booked", shipment.c.missed_at.is_(None))


def mark_missed(tx: Tx, shipment_id: str, at: datetime) -> ShipmentRow | None:
    """None when it was told before, or is not booked any more: of a driver and an alarm at once, one is first."""
    statement = sa.update(shipment).where(shipment.c.id == shipment_id, *_WAITS).values(missed_at=at)
    return _one(tx.change(statement.returning(shipment)))


def give_up(tx: Tx, shipment_id: str) -> ShipmentRow | None:
    """Cancelled; None when the driver came meanwhile."""
    held = (shipment.c.id == shipment_id, shipment.c.status == "booked", shipment.c.missed_at.is_not(None))
    return _one(tx.change(sa.update(shipment).where(*held).values(status="cancelled").returning(shipment)))


def booked_between(tx: Tx, after: datetime, until: datetime) -> list[str]:
    late = (shipment.c.departs_at > after, shipment.c.departs_at <= until)
    query = sa.select(shipment.c.id).where(*late, *_WAITS).order_by(shipment.c.departs_at, shipment.c.id)
    return [row.id for row in tx.read(query)]


def missed(tx: Tx) -> list[ShipmentRow]:
    query = sa.select(shipment).where(shipment.c.missed_at.is_not(None), shipment.c.status == "booked")
    return [ShipmentRow(**row._mapping) for row in tx.read(query.order_by(shipment.c.missed_at, shipment.c.id))]


def missed_before(container_id: sa.ColumnElement[str]) -> sa.ScalarSelect[datetime]:
    """When a container was last left standing: it waits anew from then on, for a departure that is still to come."""
    return (
        sa.select(sa.func.max(shipment.c.missed_at, type_=shipment.c.missed_at.type))
        .join(shipment_container, shipment_container.c.shipment_id == shipment.c.id)
        .where(shipment_container.c.container_id == container_id)
        .scalar_subquery()
    )


def _one(rows: list[sa.Row[tuple[object, ...]]]) -> ShipmentRow | None:
    return ShipmentRow(**rows[0]._mapping) if rows else None
