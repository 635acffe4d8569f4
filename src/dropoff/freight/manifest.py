"""The list of what a shipment carries, for drivers and warehouses: CSV (RFC 4180) and JSON. Pure, and without
shoppers."""

import csv
import io

import msgspec

from dropoff.kernel.csv_cells import safe_cell


class ManifestParcel(msgspec.Struct, frozen=True):
    tag: str
    return_id: str
    units: int
    skus: tuple[str, ...]
    weight_g: int | None


class ManifestContainer(msgspec.Struct, frozen=True):
    sscc: str
    kind: str
    seal: str | None
    weight_g: int
    parcels: tuple[ManifestParcel, ...]


class Manifest(msgspec.Struct, frozen=True):
    shipment: str
    tracking_number: str | None
    carrier: str
    service: str
    departs_at: str
    origin: str
    destination: str
    live: bool
    containers: tuple[ManifestContainer, ...]


COLUMNS = (
    "shipment",
    "tracking_number",
    "carrier",
    "service",
    "departs_at",
    "origin",
    "destination",
    "sscc",
    "container_kind",
    "seal",
    "parcel_tag",
    "return",
    "units",
    "skus",
    "weight_g",
)


def to_json(manifest: Manifest) -> bytes:
    return msgspec.json.encode(manifest)


def to_csv(manifest: Manifest) -> bytes:
    """One row per parcel, UTF-8, lines end in CRLF; an empty container has no row."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    head = (
        manifest.shipment,
        manifest.tracking_number or "",
        manifest.carrier,
        manifest.service,
        manifest.departs_at,
        manifest.origin,
        manifest.destination,
    )
    for container in manifest.containers:
        for parcel in container.parcels:
            row = (
                *head,
                container.sscc,
                container.kind,
                container.seal or "",
                parcel.tag,
                parcel.return_id,
                str(parcel.units),
                " ".join(parcel.skus),
                "" if parcel.weight_g is None else str(parcel.weight_g),
            )
            writer.writerow([safe_cell(cell) for cell in row])
    return out.getvalue().encode()
