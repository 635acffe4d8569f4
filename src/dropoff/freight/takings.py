"""What a driver took along, as both sides keep it: the till shows and prints it, the driver's phone opens it by a code
from the till's screen, the operator reads it later.

It names places, bags and seals; of people only the driver, as the driver said it, and that only to the till and the
operator.
"""

import csv
import hmac
import io
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from dropoff.db import Tx
from dropoff.db.vault import Vault
from dropoff.freight import store_handovers
from dropoff.freight.store_handovers import Carried, HandoverRow
from dropoff.kernel import codes
from dropoff.kernel.clock import rfc3339
from dropoff.kernel.csv_cells import safe_cell
from dropoff.kernel.errors import Problem, not_found
from dropoff.network import service as network
from dropoff.retailers import service as retailers

SHOWN_FOR: Final = timedelta(days=14)
"""How long the driver's own address shows it: until the goods have long arrived."""


class TakenBag(msgspec.Struct, frozen=True, kw_only=True):
    sscc: str
    kind: str
    seal: str | None
    parcels: int
    weight_g: int
    customs: str | None
    """The country behind the border for which papers travel with it."""
    to: str
    """Name of the next stop."""
    shipment: str | None
    carrier: str | None
    tracking_number: str | None


class LeftBag(msgspec.Struct, frozen=True, kw_only=True):
    sscc: str
    kind: str
    reason: str
    why: str | None
    """What the clerk said of it."""
    to: str


class Place(msgspec.Struct, frozen=True):
    id: str
    name: str
    street: str
    postcode: str
    city: str
    country: str
    zone: str


class Taking(msgspec.Struct, frozen=True, kw_only=True):
    """One visit of a driver. Both sides counted the same, or the driver gave no number (`driver_count` null)."""

    id: str
    at: datetime
    place: Place
    driver: str | None
    driver_count: int | None
    count: int
    parcels: int
    weight_g: int
    bags: list[TakenBag]
    left_behind: list[LeftBag]
    shown_until: datetime
    """When the driver's own address ends."""


class TakingPage(msgspec.Struct, frozen=True):
    items: list[Taking]
    next: str | None


def driver_code(vault: Vault, handover_id: str) -> str:
    """What the driver's address ends with: the handover, and 80 bits that nobody can guess. Capitals and digits, so
    that its QR code stays small."""
    return f"{handover_id.removeprefix('hov_')}-{_proof(vault, handover_id)}"


def _proof(vault: Vault, handover_id: str) -> str:
    return codes.encode_code(vault.derive("handover manifest", handover_id)[:10])


def by_driver_code(tx: Tx, vault: Vault, text: str, at: datetime) -> Taking | Problem:
    """For whoever has the address; without the driver's name, and for a while only."""
    body, _, proof = text.upper().partition("-")
    handover_id = f"hov_{body}"
    if not hmac.compare_digest(proof.encode(), _proof(vault, handover_id).encode()):
        return not_found("manifest")
    row = store_handovers.find(tx, handover_id)
    if row is None or at > row.at + SHOWN_FOR:
        return not_found("manifest")
    return msgspec.structs.replace(_takings(tx, [row])[0], driver=None)


def show(tx: Tx, handover_id: str, location_id: str | None, live: bool | None) -> Taking | Problem:
    """`location_id` and `live`: of the till that asks; None for the operator."""
    row = store_handovers.find(tx, handover_id)
    if row is None or row.verdict == "refused" or (location_id not in (None, row.location_id)):
        return not_found("handover")
    if live not in (None, row.live):
        return not_found("handover")
    return _takings(tx, [row])[0]


def list_takings(tx: Tx, location_id: str | None, live: bool | None, after: str, limit: int) -> TakingPage:
    rows = store_handovers.page(tx, location_id, live, after, limit + 1)
    page = rows[:limit]
    return TakingPage(_takings(tx, page), page[-1].id if len(rows) > limit else None)


def takings_since(tx: Tx, location_id: str, live: bool, since: datetime) -> list[Taking]:
    """The drivers that were here since then, the first one first."""
    return _takings(tx, store_handovers.since(tx, location_id, live, since))


def _takings(tx: Tx, rows: list[HandoverRow]) -> list[Taking]:
    named = {sscc for row in rows for sscc in (*row.handed_over, *(one.sscc for one in row.left_behind))}
    carried = store_handovers.containers(tx, named)
    names = _Names(tx)
    return [_taking(row, carried, names) for row in rows]


def _taking(row: HandoverRow, carried: dict[str, Carried], names: "_Names") -> Taking:
    bags = [_bag(carried[sscc], names) for sscc in row.handed_over if sscc in carried]
    return Taking(
        id=row.id,
        at=row.at,
        place=names.place(row.location_id),
        driver=row.driver,
        driver_count=row.driver_count,
        count=len(bags),
        parcels=sum(bag.parcels for bag in bags),
        weight_g=sum(bag.weight_g for bag in bags),
        bags=bags,
        left_behind=[
            LeftBag(
                sscc=one.sscc,
                kind=carried[one.sscc].kind if one.sscc in carried else "bag",
                reason=one.reason,
                why=one.why,
                to=names.stop(carried.get(one.sscc)),
            )
            for one in row.left_behind
        ],
        shown_until=row.at + SHOWN_FOR,
    )


def _bag(one: Carried, names: "_Names") -> TakenBag:
    return TakenBag(
        sscc=one.sscc,
        kind=one.kind,
        seal=one.seal,
        parcels=one.parcel_count,
        weight_g=one.weight_g,
        customs=one.customs or None,
        to=names.stop(one),
        shipment=one.shipment_id,
        carrier=one.carrier,
        tracking_number=one.tracking_number,
    )


class _Names:
    """Each place and retailer is looked up once."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._places: dict[str, Place] = {}
        self._stops: dict[str, str] = {}

    def place(self, location_id: str) -> Place:
        if location_id not in self._places:
            found = network.location(self._tx, location_id)
            assert found is not None, "places are never deleted"
            self._places[location_id] = Place(
                found.id, found.name, found.street, found.postcode, found.city, found.country, found.zone
            )
        return self._places[location_id]

    def stop(self, one: Carried | None) -> str:
        if one is None or one.next_id is None:
            return ""
        if one.next_id not in self._stops:
            to_hub = one.next_kind == "hub"
            found = network.location(self._tx, one.next_id) if to_hub else retailers.find(self._tx, one.next_id)
            self._stops[one.next_id] = found.name if found else ""
        return self._stops[one.next_id]


COLUMNS: Final = (
    *("handed_over_at", "place", "sscc", "kind", "seal", "parcels", "weight_g", "customs", "to"),
    *("carrier", "tracking_number", "left_behind"),
)


def to_csv(taking: Taking) -> bytes:
    """One row per bag, what stayed too, with why; UTF-8, lines end in CRLF."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    head = (rfc3339(taking.at), taking.place.name)
    rows: list[tuple[Any, ...]] = [
        (
            *(bag.sscc, bag.kind, bag.seal or "", bag.parcels, bag.weight_g, bag.customs or "", bag.to),
            *(bag.carrier or "", bag.tracking_number or "", ""),
        )
        for bag in taking.bags
    ]
    rows += [(one.sscc, one.kind, "", "", "", "", one.to, "", "", one.reason) for one in taking.left_behind]
    for row in rows:
        writer.writerow([safe_cell(str(cell)) for cell in (*head, *row)])
    return out.getvalue().encode()
