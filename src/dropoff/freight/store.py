"""SQL of runs, shipments and handovers. Containers and parcels change through the counter's services; here they are
only read, for the plan and for what a shipment holds."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from dropoff.counter.tables import container, container_parcel, parcel
from dropoff.db import Tx
from dropoff.db.schema import insert
from dropoff.freight import rules
from dropoff.freight.rules import Departure
from dropoff.freight.tables import consolidation_run, handover, shipment, shipment_container, shipment_label
from dropoff.returns.tables import unit


class RunRow(msgspec.Struct, frozen=True):
    id: str
    as_of: datetime
    state: str
    actor: str
    left: list[dict[str, str]] | None
    created_at: datetime
    ended_at: datetime | None


class ShipmentRow(msgspec.Struct, frozen=True):
    id: str
    run_id: str
    lane_id: str
    origin_location_id: str
    destination_retailer_id: str | None
    destination_hub_id: str | None
    live: bool
    departs_at: datetime
    number: int
    carrier: str
    service: str
    status: str
    reference: str
    tracking_number: str | None
    weight_g: int
    warnings: list[str]
    error: str | None
    created_at: datetime
    intended_at: datetime | None
    booked_at: datetime | None
    handed_over_at: datetime | None
    missed_at: datetime | None


class Viewer(msgspec.Struct, frozen=True):
    """Who looks, as a condition of every query: an operator sees all, a retailer what goes to it, a till what leaves
    its location in its own mode."""

    role: str
    retailer_id: str | None = None
    location_id: str | None = None
    live: bool = True

    def condition(self) -> sa.ColumnElement[bool]:
        if self.role == "operator":
            return sa.true()
        if self.role == "retailer":
            return shipment.c.destination_retailer_id == self.retailer_id
        return sa.and_(shipment.c.origin_location_id == self.location_id, shipment.c.live == self.live)


OPERATOR = Viewer("operator")


# --- runs


def insert_run(tx: Tx, row: dict[str, Any]) -> None:
    tx.append(consolidation_run, row)


def find_run(tx: Tx, run_id: str) -> RunRow | None:
    row = tx.first(sa.select(consolidation_run).where(consolidation_run.c.id == run_id))
    return RunRow(**row._mapping) if row else None


def finish_run(tx: Tx, run_id: str, left: list[dict[str, str]], at: datetime) -> bool:
    """False when it was finished before."""
    statement = (
        sa.update(consolidation_run)
        .where(consolidation_run.c.id == run_id, consolidation_run.c.state == "running")
        .values(state="done", left=left, ended_at=at)
        .returning(consolidation_run.c.id)
    )
    return bool(tx.change(statement))


# --- shipments


def planned_by_run(tx: Tx, run_id: str, departure: Departure) -> ShipmentRow | None:
    """The shipment that this run began for the departure, to be filled further."""
    query = sa.select(shipment).where(
        shipment.c.run_id == run_id, *_of_departure(departure), shipment.c.status == "planned"
    )
    row = tx.first(query)
    return _shipment(row) if row else None


def insert_shipment(tx: Tx, row: dict[str, Any], departure: Departure) -> ShipmentRow:
    """With the next free number of its departure, whoever plans at the same time."""
    while True:
        last = tx.first(sa.select(sa.func.max(shipment.c.number)).where(*_of_departure(departure)))
        number = (last[0] or 0) + 1 if last else 1
        rows = tx.change(insert(shipment).values(**row, number=number).on_conflict_do_nothing().returning(shipment))
        if rows:
            return _shipment(rows[0])


def _of_departure(departure: Departure) -> list[sa.ColumnElement[bool]]:
    return [
        shipment.c.lane_id == departure.lane_id,
        shipment.c.origin_location_id == departure.location_id,
        shipment.c.live == departure.live,
        shipment.c.departs_at == departure.departs_at,
    ]


def add_containers(tx: Tx, shipment_id: str, container_ids: Collection[str]) -> bool:
    """Behind those it has already, with their weight. False when the shipment is no longer being filled."""
    rows = tx.read(
        sa.select(container.c.id, container.c.sscc, container.c.weight_g)
        .where(container.c.id.in_(sorted(container_ids)))
        .order_by(container.c.id)
    )
    last = tx.first(
        sa.select(sa.func.max(shipment_container.c.position)).where(shipment_container.c.shipment_id == shipment_id)
    )
    first = (last[0] or 0) + 1 if last else 1
    tx.append_many(
        shipment_container,
        [
            {"shipment_id": shipment_id, "container_id": row.id, "sscc": row.sscc, "position": place}
            for place, row in enumerate(rows, first)
        ],
    )
    statement = (
        sa.update(shipment)
        .where(shipment.c.id == shipment_id, shipment.c.status == "planned")
        .values(weight_g=shipment.c.weight_g + sum(row.weight_g for row in rows))
        .returning(shipment.c.id)
    )
    return bool(tx.change(statement))


def drop_containers(tx: Tx, shipment_id: str, container_ids: Collection[str]) -> None:
    """Those that did not travel with it after all."""
    tx.change(
        sa.delete(shipment_container).where(
            shipment_container.c.shipment_id == shipment_id,
            shipment_container.c.container_id.in_(sorted(container_ids)),
        )
    )


def move_shipment(tx: Tx, shipment_id: str, event: str, **values: Any) -> ShipmentRow | None:
    """Applies an edge of `SHIPMENT_TRANSITIONS`; None when the shipment is in no state that has it."""
    sources = rules.sources(event)
    target = rules.SHIPMENT_TRANSITIONS[(sources[0], event)]
    statement = (
        sa.update(shipment)
        .where(shipment.c.id == shipment_id, shipment.c.status.in_(sources))
        .values(status=target, **values)
        .returning(shipment)
    )
    rows = tx.change(statement)
    return _shipment(rows[0]) if rows else None


def lock_shipment(tx: Tx, shipment_id: str) -> None:
    """Of two of its containers that arrive at once, the second sees the first; and of a driver and a new plan, one."""
    tx.first(sa.select(shipment.c.id).where(shipment.c.id == shipment_id).with_for_update())


def find_shipment(tx: Tx, shipment_id: str, viewer: Viewer = OPERATOR) -> ShipmentRow | None:
    row = tx.first(sa.select(shipment).where(shipment.c.id == shipment_id, viewer.condition()))
    return _shipment(row) if row else None


def shipments_of_run(tx: Tx, run_id: str) -> list[ShipmentRow]:
    query = sa.select(shipment).where(shipment.c.run_id == run_id).order_by(shipment.c.id)
    return [_shipment(row) for row in tx.read(query)]


def list_shipments(tx: Tx, viewer: Viewer, status: str | None, after: str, limit: int) -> list[ShipmentRow]:
    """Newest first, one more than the limit when there are more."""
    query = sa.select(shipment).where(viewer.condition())
    if status is not None:
        query = query.where(shipment.c.status == status)
    if after:
        query = query.where(shipment.c.id < after)
    return [_shipment(row) for row in tx.read(query.order_by(shipment.c.id.desc()).limit(limit + 1))]


def _shipment(row: sa.Row[Any]) -> ShipmentRow:
    return ShipmentRow(**row._mapping)


# --- what a shipment holds


class Held(msgspec.Struct, frozen=True):
    """A container of a shipment. `label` is what its label said when it was booked."""

    container_id: str
    sscc: str
    position: int
    kind: str
    status: str
    seal: str | None
    weight_g: int
    parcel_count: int
    location_id: str | None
    retailer_id: str | None
    label: dict[str, Any] | None


class HeldParcel(msgspec.Struct, frozen=True):
    id: str
    container_id: str
    tag: str
    return_id: str
    retailer_id: str
    weight_g: int | None
    units: list[str]
    skus: list[str]


def containers_of(tx: Tx, shipment_ids: Collection[str]) -> dict[str, list[Held]]:
    """In the order of their labels."""
    found: dict[str, list[Held]] = {one: [] for one in shipment_ids}
    for ids in chunks(sorted(shipment_ids)):
        query = (
            sa.select(
                shipment_container.c.shipment_id,
                container.c.id,
                shipment_container.c.sscc,
                shipment_container.c.position,
                container.c.kind,
                container.c.status,
                container.c.seal,
                container.c.weight_g,
                container.c.parcel_count,
                container.c.location_id,
                container.c.retailer_id,
                shipment_container.c.label,
            )
            .join(container, container.c.id == shipment_container.c.container_id)
            .where(shipment_container.c.shipment_id.in_(ids))
            .order_by(shipment_container.c.position)
        )
        for row in tx.read(query):
            found[row[0]].append(Held(*tuple(row)[1:]))
    return found


def parcels_held(tx: Tx, container_ids: Collection[str]) -> dict[str, list[HeldParcel]]:
    """What each filling holds or held, with its units."""
    parcels: dict[str, list[HeldParcel]] = {one: [] for one in container_ids}
    for ids in chunks(sorted(container_ids)):
        inside = sa.select(container_parcel.c.parcel_id).where(container_parcel.c.container_id.in_(ids))
        units: dict[str, list[sa.Row[Any]]] = {}
        query = sa.select(unit.c.id, unit.c.parcel_id, unit.c.sku).where(unit.c.parcel_id.in_(inside))
        for row in tx.read(query.order_by(unit.c.id)):
            units.setdefault(row.parcel_id, []).append(row)
        rows = tx.read(
            sa.select(container_parcel.c.container_id.label("inside"), parcel)
            .join(parcel, parcel.c.id == container_parcel.c.parcel_id)
            .where(container_parcel.c.container_id.in_(ids))
            .order_by(parcel.c.id)
        )
        for row in rows:
            held = units.get(row.id, [])
            parcels[row.inside].append(
                HeldParcel(
                    id=row.id,
                    container_id=row.inside,
                    tag=row.tag,
                    return_id=row.return_id,
                    retailer_id=row.retailer_id,
                    weight_g=row.weight_g,
                    units=[one.id for one in held],
                    skus=[one.sku for one in held],
                )
            )
    return parcels


def shipment_of_container(tx: Tx, container_id: str) -> str | None:
    """The latest shipment that carried it."""
    query = (
        sa.select(shipment_container.c.shipment_id)
        .where(shipment_container.c.container_id == container_id)
        .order_by(shipment_container.c.shipment_id.desc())
        .limit(1)
    )
    row = tx.first(query)
    return row.shipment_id if row else None


def keep_label(tx: Tx, shipment_id: str, container_id: str, label: dict[str, Any]) -> None:
    tx.change(
        sa.update(shipment_container)
        .where(shipment_container.c.shipment_id == shipment_id, shipment_container.c.container_id == container_id)
        .values(label=label)
    )


def keep_carrier_label(tx: Tx, shipment_id: str, sscc: str, format_: str, content: bytes) -> None:
    statement = insert(shipment_label).values(shipment_id=shipment_id, sscc=sscc, format=format_, content=content)
    tx.change(statement.on_conflict_do_nothing())


def carrier_labels(tx: Tx, shipment_ids: Collection[str]) -> dict[str, list[tuple[str, str]]]:
    """(SSCC or empty, format) of the labels that carriers made, by shipment."""
    found: dict[str, list[tuple[str, str]]] = {}
    for ids in chunks(sorted(shipment_ids)):
        columns = (shipment_label.c.shipment_id, shipment_label.c.sscc, shipment_label.c.format)
        for row in tx.read(sa.select(*columns).where(shipment_label.c.shipment_id.in_(ids)).order_by(*columns)):
            found.setdefault(row.shipment_id, []).append((row.sscc, row.format))
    return found


def carrier_label(tx: Tx, shipment_id: str, sscc: str, format_: str) -> bytes | None:
    row = tx.first(
        sa.select(shipment_label.c.content).where(
            shipment_label.c.shipment_id == shipment_id,
            shipment_label.c.sscc == sscc,
            shipment_label.c.format == format_,
        )
    )
    return bytes(row.content) if row else None


# --- handovers


def insert_handover(tx: Tx, row: dict[str, Any]) -> None:
    tx.append(handover, row)


def chunks(ids: list[str], size: int = 500) -> Iterable[list[str]]:
    """SQLite takes a bounded number of parameters in a statement."""
    return (ids[start : start + size] for start in range(0, len(ids), size))
