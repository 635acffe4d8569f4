"""Shipments as their readers see them: views, labels, manifests; and cancelling one."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from dropoff.cases import service as cases
from dropoff.counter import service as counter
from dropoff.db import Tx
from dropoff.freight import store
from dropoff.freight.labels import LabelContent
from dropoff.freight.manifest import Manifest, ManifestContainer, ManifestParcel
from dropoff.freight.news import tell_operator
from dropoff.freight.store import Held, HeldParcel, ShipmentRow, Viewer
from dropoff.kernel.clock import rfc3339
from dropoff.kernel.errors import Problem, not_found
from dropoff.network import service as network
from dropoff.retailers import service as retailers

ON_ITS_WAY = ("booked", "handed_over", "in_transit", "delivered", "received")
"""The states in which labels and manifests exist."""


class Links(msgspec.Struct, frozen=True):
    pdf: str
    zpl: str
    png: str


class CarrierLabel(msgspec.Struct, frozen=True):
    """A label that the carrier made, to be put beside ours."""

    sscc: str | None
    format: str
    url: str


class ManifestLinks(msgspec.Struct, frozen=True):
    csv: str
    json: str


class HeldParcelView(msgspec.Struct, frozen=True):
    id: str
    tag: str
    units: list[str]


class HeldView(msgspec.Struct, frozen=True, kw_only=True):
    sscc: str
    kind: str
    status: str
    seal: str | None
    weight_g: int
    labels: Links | None
    parcels: list[HeldParcelView]


class Origin(msgspec.Struct, frozen=True):
    location: str
    name: str


class Destination(msgspec.Struct, frozen=True, omit_defaults=True):
    """One of `retailer` and `hub`."""

    name: str
    retailer: str | None = None
    hub: str | None = None


class ShipmentView(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    status: str
    carrier: str
    service: str
    live: bool
    origin: Origin
    destination: Destination
    departs_at: datetime
    number: int
    tracking_number: str | None
    warnings: list[str]
    error: str | None
    """Why the carrier refused, or why nobody knows whether it booked."""
    weight_g: int
    created_at: datetime
    booked_at: datetime | None
    handed_over_at: datetime | None
    missed_at: datetime | None
    """When somebody said that no driver came; it stays booked until its goods are planned for another departure."""
    containers: list[HeldView]
    labels: Links | None
    """PDF and ZPL of all containers, PNG of the first; null until it is booked."""
    carrier_labels: list[CarrierLabel]
    manifest: ManifestLinks | None


class ShipmentPage(msgspec.Struct, frozen=True):
    items: list[ShipmentView]
    next: str | None


def list_shipments(tx: Tx, base_url: str, viewer: Viewer, status: str | None, after: str, limit: int) -> ShipmentPage:
    rows = store.list_shipments(tx, viewer, status, after, limit)
    page = rows[:limit]
    return ShipmentPage(views(tx, base_url, page), page[-1].id if len(rows) > limit else None)


def show(tx: Tx, base_url: str, viewer: Viewer, shipment_id: str) -> ShipmentView | Problem:
    row = store.find_shipment(tx, shipment_id, viewer)
    return views(tx, base_url, [row])[0] if row else not_found("shipment")


def views(tx: Tx, base_url: str, rows: Sequence[ShipmentRow]) -> list[ShipmentView]:
    containers = store.containers_of(tx, [row.id for row in rows])
    parcels = store.parcels_held(tx, [held.container_id for group in containers.values() for held in group])
    carriers = store.carrier_labels(tx, [row.id for row in rows])
    names = _Names(tx)
    return [_view(base_url, row, containers[row.id], parcels, carriers.get(row.id, []), names) for row in rows]


def _view(
    base_url: str,
    row: ShipmentRow,
    containers: list[Held],
    parcels: dict[str, list[HeldParcel]],
    carrier_labels: list[tuple[str, str]],
    names: "_Names",
) -> ShipmentView:
    url = f"{base_url}/v1/shipments/{row.id}"
    ready = row.status in ON_ITS_WAY
    return ShipmentView(
        id=row.id,
        status=row.status,
        carrier=row.carrier,
        service=row.service,
        live=row.live,
        origin=Origin(row.origin_location_id, names.place(row.origin_location_id)),
        destination=names.destination(row),
        departs_at=row.departs_at,
        number=row.number,
        tracking_number=row.tracking_number,
        warnings=row.warnings,
        error=row.error,
        weight_g=row.weight_g,
        created_at=row.created_at,
        booked_at=row.booked_at,
        handed_over_at=row.handed_over_at,
        missed_at=row.missed_at,
        containers=[
            HeldView(
                sscc=held.sscc,
                kind=held.kind,
                status=held.status,
                seal=held.seal,
                weight_g=held.weight_g,
                labels=_label_links(f"{url}/containers/{held.sscc}/label") if ready else None,
                parcels=[HeldParcelView(p.id, p.tag, p.units) for p in parcels[held.container_id]],
            )
            for held in containers
        ],
        labels=_label_links(f"{url}/labels") if ready else None,
        carrier_labels=[
            CarrierLabel(sscc or None, format_, f"{url}/carrier-labels/{sscc or 'shipment'}/label.{format_}")
            for sscc, format_ in carrier_labels
        ],
        manifest=ManifestLinks(f"{url}/manifest.csv", f"{url}/manifest.json") if ready else None,
    )


def _label_links(stem: str) -> Links:
    return Links(pdf=f"{stem}.pdf", zpl=f"{stem}.zpl", png=f"{stem}.png")


class _Names:
    """Each place and retailer is looked up once."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._known: dict[str, str] = {}

    def place(self, location_id: str) -> str:
        if location_id not in self._known:
            found = network.location(self._tx, location_id)
            self._known[location_id] = found.name if found else ""
        return self._known[location_id]

    def retailer(self, retailer_id: str) -> str:
        if retailer_id not in self._known:
            found = retailers.find(self._tx, retailer_id)
            self._known[retailer_id] = found.name if found else ""
        return self._known[retailer_id]

    def destination(self, row: ShipmentRow) -> Destination:
        if row.destination_retailer_id is not None:
            return Destination(self.retailer(row.destination_retailer_id), retailer=row.destination_retailer_id)
        assert row.destination_hub_id is not None
        return Destination(self.place(row.destination_hub_id), hub=row.destination_hub_id)


def label_contents(tx: Tx, viewer: Viewer, shipment_id: str, sscc: str | None) -> list[LabelContent] | Problem:
    """What the labels of a booked shipment say, as it was at its booking; of one container with its SSCC."""
    row = store.find_shipment(tx, shipment_id, viewer)
    if row is None:
        return not_found("shipment")
    kept = [
        held.label
        for held in store.containers_of(tx, [row.id])[row.id]
        if held.label is not None and (sscc is None or held.sscc == sscc)
    ]
    if row.status not in ON_ITS_WAY or not kept:
        return Problem("not-found", "There is no label: the shipment is not booked, or has no such container.")
    return [msgspec.convert(label, LabelContent) for label in kept]


def carrier_label(tx: Tx, viewer: Viewer, shipment_id: str, sscc: str, format_: str) -> bytes | Problem:
    row = store.find_shipment(tx, shipment_id, viewer)
    content = store.carrier_label(tx, shipment_id, sscc, format_) if row else None
    return content if content is not None else not_found("label")


def manifest(tx: Tx, viewer: Viewer, shipment_id: str) -> Manifest | Problem:
    row = store.find_shipment(tx, shipment_id, viewer)
    if row is None:
        return not_found("shipment")
    if row.status not in ON_ITS_WAY:
        return Problem("not-found", "There is no manifest: the shipment is not booked.")
    containers = store.containers_of(tx, [row.id])[row.id]
    parcels = store.parcels_held(tx, [held.container_id for held in containers])
    names = _Names(tx)
    return Manifest(
        shipment=row.id,
        tracking_number=row.tracking_number,
        carrier=row.carrier,
        service=row.service,
        departs_at=rfc3339(row.departs_at),
        origin=names.place(row.origin_location_id),
        destination=names.destination(row).name,
        live=row.live,
        containers=tuple(
            ManifestContainer(
                sscc=held.sscc,
                kind=held.kind,
                seal=held.seal,
                weight_g=held.weight_g,
                parcels=tuple(
                    ManifestParcel(p.tag, p.return_id, len(p.units), tuple(p.skus), p.weight_g)
                    for p in parcels[held.container_id]
                ),
            )
            for held in containers
        ),
    )


def cancel_shipment(tx: Tx, base_url: str, shipment_id: str, at: datetime, actor: str) -> ShipmentView | Problem:
    """Frees its containers for the next run. Cancelling twice answers the same; while the carrier is being asked
    nobody can say what there is to cancel, so it is refused."""
    moved = store.move_shipment(tx, shipment_id, "cancel")
    row = moved or store.find_shipment(tx, shipment_id)
    if row is None:
        return not_found("shipment")
    if moved is None and row.status != "cancelled":
        return Problem("shipment-not-cancellable", f"The shipment is {row.status}.", data={"status": row.status})
    if moved is not None:
        free_goods(tx, row, at, actor)
        cases.settle(tx, "booking_unknown", shipment_id, "explained", "The shipment was cancelled.", at, actor)
    return views(tx, base_url, [row])[0]


def free_goods(tx: Tx, row: ShipmentRow, at: datetime, actor: str) -> None:
    """What had not left takes the next departure."""
    counter.release_containers(tx, row.id)
    tell_operator(tx, row, "shipment.cancelled", at, actor)


def container_received(tx: Tx, container_id: str, at: datetime) -> None:
    """Called when a container arrived: the shipment is received with the last one that travelled."""
    shipment_id = store.shipment_of_container(tx, container_id)
    if shipment_id is None:
        return
    store.lock_shipment(tx, shipment_id)
    row = store.find_shipment(tx, shipment_id)
    if row is None:
        return
    # Once a handover was scanned, what is still sealed was left behind; before, it is on its way unscanned.
    travelling = ("sealed", "handed_over") if row.handed_over_at is None else ("handed_over",)
    if not any(held.status in travelling for held in store.containers_of(tx, [row.id])[row.id]):
        store.move_shipment(tx, row.id, "receive")
        note = "The goods arrived, so it was booked."
        cases.settle(tx, "booking_unknown", row.id, "found", note, at, "system")
