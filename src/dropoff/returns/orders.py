"""Orders: what was bought, as the retailer tells it. The same reference with the same content is the same order."""

import hashlib
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from dropoff.db import Tx
from dropoff.kernel.errors import FieldError, Problem, invalid, not_found
from dropoff.kernel.ids import new_id
from dropoff.retailers import service as retailers
from dropoff.returns import store
from dropoff.returns.store import LineRow, OrderRow
from dropoff.web.schema import Country, Currency, Minor, Name, Reference, Time, Url, WeightG

Sku = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"\S")]
YEARS = range(2000, 2101)
"""Outside, a date is a slip of the clock or of a unit."""


class Shopper(msgspec.Struct, frozen=True, kw_only=True):
    name: Name
    email: Annotated[str, Meta(max_length=320, pattern=r"^[^\s@]+@[^\s@]+$(?!\n)")]
    locale: Annotated[str, Meta(max_length=35)] | None = None
    phone: Annotated[str, Meta(max_length=60)] | None = None
    postcode: Annotated[str, Meta(max_length=20)] | None = None
    country: Country | None = None


class NewLine(msgspec.Struct, frozen=True, kw_only=True):
    sku: Sku
    title: Name
    variant: Annotated[str, Meta(max_length=200)] | None = None
    quantity: Annotated[int, Meta(ge=1, le=1000)]
    unit_price: Minor
    weight_g: WeightG | None = None
    category: Annotated[str, Meta(max_length=100)] | None = None
    image_url: Url | None = None


class NewOrder(msgspec.Struct, frozen=True, kw_only=True):
    reference: Reference
    placed_at: Time
    delivered_at: Time | None = None
    currency: Currency
    shopper: Shopper
    lines: Annotated[tuple[NewLine, ...], Meta(min_length=1, max_length=500)]


class Line(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    sku: str
    title: str
    variant: str | None
    quantity: int
    unit_price: int
    weight_g: int | None
    category: str | None
    image_url: str | None


class OrderView(msgspec.Struct, frozen=True, kw_only=True):
    """Without the shopper: who asks has sent it, and personal data is not handed round."""

    id: str
    reference: str
    placed_at: datetime
    delivered_at: datetime | None
    currency: str
    live: bool
    lines: list[Line]


def add_order(tx: Tx, retailer_id: str, new: NewOrder, at: datetime) -> OrderView | Problem:
    retailer = retailers.find(tx, retailer_id)
    assert retailer is not None, "a key belongs to a retailer"
    for name in ("placed_at", "delivered_at"):
        moment = getattr(new, name)
        if moment is not None and moment.year not in YEARS:
            return invalid(f"/{name}", f"The year must be {YEARS[0]} to {YEARS[-1]}.")
    if new.currency not in retailer.currencies:
        detail = f"This retailer's currencies are {', '.join(retailer.currencies)}."
        return Problem("currency-mismatch", detail, (FieldError("/currency", detail),))
    row = _order_row(retailer_id, new, at, live=retailer.live)
    if not store.add_order(tx, row):
        known = store.find_order(tx, retailer_id, new.reference)
        assert known is not None, "orders are never deleted"
        if known.content_hash != row["content_hash"]:
            return Problem("order-exists", data={"id": known.id, "reference": known.reference})
        return _view(known, store.lines_of(tx, known.id))
    lines = [
        LineRow(id=new_id("orl"), **{name: getattr(line, name) for name in NewLine.__struct_fields__})
        for line in new.lines
    ]
    known_to_all = {"order_id": row["id"], "retailer_id": retailer_id}
    store.add_lines(
        tx,
        [{**msgspec.structs.asdict(line), **known_to_all, "position": place} for place, line in enumerate(lines)],
    )
    return _view(OrderRow(**{name: row[name] for name in OrderRow.__struct_fields__}), lines)


def show_order(tx: Tx, retailer_id: str, reference: str) -> OrderView | Problem:
    """By its reference, or by our id."""
    found = store.find_order(tx, retailer_id, reference)
    if found is None:
        by_id = store.order_by_id(tx, reference)
        found = by_id if by_id is not None and by_id.retailer_id == retailer_id else None
    return _view(found, store.lines_of(tx, found.id)) if found else not_found("order")


def _order_row(retailer_id: str, new: NewOrder, at: datetime, *, live: bool) -> dict[str, Any]:
    placed_at, delivered_at = _stored(new.placed_at), new.delivered_at and _stored(new.delivered_at)
    # The same moment written with another offset is the same content.
    content = msgspec.structs.replace(new, placed_at=placed_at, delivered_at=delivered_at)
    return {
        "id": new_id("ord"),
        "retailer_id": retailer_id,
        "reference": new.reference,
        "placed_at": placed_at,
        "delivered_at": delivered_at,
        "currency": new.currency,
        "live": live,
        "content_hash": hashlib.sha256(msgspec.json.encode(content)).hexdigest(),
        **{f"shopper_{name}": getattr(new.shopper, name) for name in Shopper.__struct_fields__},
        "created_at": at,
    }


def _stored(moment: datetime) -> datetime:
    """UTC, cut to the milliseconds that both databases keep."""
    return moment.astimezone(UTC).replace(microsecond=moment.microsecond // 1000 * 1000)


def _view(order: OrderRow, lines: list[LineRow]) -> OrderView:
    return OrderView(
        **{name: getattr(order, name) for name in OrderView.__struct_fields__ if name != "lines"},
        lines=[Line(**msgspec.structs.asdict(line)) for line in lines],
    )
