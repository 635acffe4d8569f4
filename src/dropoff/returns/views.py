"""What is shown of a return: to its retailer whole, to a pass's bearer without name, address or e-mail."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from dropoff.db import Tx
from dropoff.money import service as money
from dropoff.network import service as network
from dropoff.returns import claims, store
from dropoff.returns.moves import Next, retailer_of
from dropoff.returns.passes import PassKeys
from dropoff.returns.qr import pass_text
from dropoff.returns.rules import unit_status
from dropoff.returns.store import HappeningRow, ReturnRow, UnitRow

TOLD = (
    "return.issued",
    "return.renewed",
    "return.cancelled",
    "return.expired",
    "parcel.handed_in",
    "parcel.hand_in_undone",
    "parcel.departed",
    "shipment.handed_over",
    "parcel.received",
    "parcel.lost",
    "unit.inspected",
    "refund.due",
    "refund.due_withdrawn",
    "refund.issued",
    "exchange.shipped",
    "credit.issued",
)
"""The events of a return that its shopper is told."""


class Links(msgspec.Struct, frozen=True):
    """What the addresses of passes are made of."""

    passes: PassKeys
    base_url: str


class QrLinks(msgspec.Struct, frozen=True):
    png: str
    svg: str


class PassLinks(msgspec.Struct, frozen=True):
    url: str
    """As it stands in the QR: all capitals, which QR holds densely. The host and the code are case-blind."""
    code: str
    short_code: str
    expires_at: datetime
    qr: QrLinks


class Money(msgspec.Struct, frozen=True):
    """Minor units. `amount` is due and not yet paid, to be paid until `due_by`; 0 before and after."""

    amount: int
    currency: str
    expected: int
    paid: int
    due_by: datetime | None
    held_by: str | None
    next: Next | None


class UnitView(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    sku: str
    title: str
    variant: str | None
    image_url: str | None
    price: int
    status: str
    custody: str
    resolution: str
    wanted: str
    reason: str
    comment: str | None
    exchange_for: str | None
    parcel: str | None
    condition: str | None
    disposition: str | None
    handed_in_at: datetime | None
    received_at: datetime | None


class ReturnView(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    order: str
    status: str
    live: bool
    created_at: datetime
    last_day_at: datetime
    units: list[UnitView]
    pass_: PassLinks = msgspec.field(name="pass")
    money: Money


class ReturnPage(msgspec.Struct, frozen=True):
    items: list[ReturnView]
    next: str | None


class PassUnit(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    title: str
    variant: str | None
    image_url: str | None
    status: str
    custody: str
    resolution: str
    wanted: str


class Happening(msgspec.Struct, frozen=True):
    type: str
    at: datetime
    place: str | None


class PassView(msgspec.Struct, frozen=True, kw_only=True):
    status: str
    live: bool
    retailer: str
    locale: str
    zone: str
    created_at: datetime
    last_day_at: datetime
    expires_at: datetime
    units: list[PassUnit]
    timeline: list[Happening]
    money: Money
    holder: str | None
    next: Next | None


def return_view(tx: Tx, links: Links, return_id: str, retailer_id: str | None = None) -> ReturnView | None:
    """None when there is no such return, or not of this retailer."""
    head = store.find_return(tx, return_id, retailer_id)
    return return_views(tx, links, [head])[0] if head else None


def return_views(tx: Tx, links: Links, heads: Sequence[ReturnRow]) -> list[ReturnView]:
    ids = [head.id for head in heads]
    references = store.references_of(tx, sorted({head.order_id for head in heads}))
    amounts = money.money_of(tx, ids)
    units: dict[str, list[UnitView]] = {key: [] for key in ids}
    for unit in store.units_of(tx, ids):
        units[unit.return_id].append(unit_view(unit))
    return [view_of(links, head, references[head.order_id], units[head.id], amounts[head.id]) for head in heads]


def view_of(links: Links, head: ReturnRow, reference: str, units: list[UnitView], amounts: money.MoneyOf) -> ReturnView:
    return ReturnView(
        id=head.id,
        order=reference,
        status=head.status,
        live=head.live,
        created_at=head.created_at,
        last_day_at=head.last_day_at,
        units=units,
        pass_=pass_links(links, head),
        money=_money(amounts, head),
    )


def unit_view(unit: UnitRow) -> UnitView:
    own = {name: getattr(unit, name) for name in UnitView.__struct_fields__ if name not in ("status", "parcel")}
    return UnitView(**own, status=unit_status(unit.custody, unit.resolution), parcel=unit.parcel_id)


def pass_links(links: Links, head: ReturnRow) -> PassLinks:
    code = links.passes.code(head.id, head.generation)
    page = f"{links.base_url}/p/{code}"
    return PassLinks(
        url=pass_text(links.base_url, code),
        code=code,
        short_code=links.passes.short_code(head.id, head.generation),
        expires_at=head.expires_at,
        qr=QrLinks(png=f"{page}/qr.png", svg=f"{page}/qr.svg"),
    )


def money_view(tx: Tx, head: ReturnRow) -> Money:
    return _money(money.money_of(tx, [head.id])[head.id], head)


def pass_view(tx: Tx, return_id: str) -> PassView | None:
    """The public status."""
    head = store.find_return(tx, return_id)
    if head is None:
        return None
    retailer = retailer_of(tx, head)
    return PassView(
        status=head.status,
        live=head.live,
        retailer=retailer.name,
        locale=retailer.locale,
        zone=retailer.zone,
        created_at=head.created_at,
        last_day_at=head.last_day_at,
        expires_at=head.expires_at,
        units=[_pass_unit(unit) for unit in store.units_of(tx, [head.id])],
        timeline=_timeline(tx, head.id),
        money=money_view(tx, head),
        holder=head.holder,
        next=_next(head),
    )


def shopper_postcode(tx: Tx, return_id: str) -> tuple[str, str] | None:
    """The order's postcode and country, to look for points near the shopper; shown to the bearer of the pass alone."""
    head = store.find_return(tx, return_id)
    order = store.order_by_id(tx, head.order_id) if head else None
    if order is None or not order.shopper_postcode:
        return None
    return order.shopper_postcode, order.shopper_country or ""


def shopper_locale(tx: Tx, return_id: str) -> str | None:
    """The language that the order was placed in, as far as its retailer told it."""
    head = store.find_return(tx, return_id)
    order = store.order_by_id(tx, head.order_id) if head else None
    return order.shopper_locale if order else None


def _pass_unit(unit: UnitRow) -> PassUnit:
    own = {name: getattr(unit, name) for name in PassUnit.__struct_fields__ if name != "status"}
    return PassUnit(**own, status=unit_status(unit.custody, unit.resolution))


def _timeline(tx: Tx, return_id: str) -> list[Happening]:
    rows = [row for row in store.happenings(tx, return_id, TOLD) if not _told_by_the_inspection(row)]
    # Of one moment, the cause before its effect: money falls due while the goods move, and is logged before them.
    rows.sort(key=lambda row: (row.at, row.type.startswith("refund.due")))
    places = {key: network.location(tx, key) for key in {row.location_id for row in rows if row.location_id}}
    names = {key: place.name for key, place in places.items() if place}
    return [Happening(row.type, row.at, names.get(row.location_id or "")) for row in rows]


def _told_by_the_inspection(row: HappeningRow) -> bool:
    """Only an undone hand-in is a step back for the shopper."""
    return row.type == claims.WITHDRAWN and row.data.get("reason") != "undone"


def _money(amounts: money.MoneyOf, head: ReturnRow) -> Money:
    return Money(**msgspec.structs.asdict(amounts), held_by=head.holder, next=_next(head))


def _next(head: ReturnRow) -> Next | None:
    return Next(head.next_kind, head.next_at) if head.next_kind else None
