"""Retailers: made by the operator, found by everyone who acts for one."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from dropoff.access.service import NewCredential, issue_key
from dropoff.db import Tx
from dropoff.events.log import Event, append
from dropoff.kernel.errors import Problem, invalid, not_found
from dropoff.kernel.ids import new_id
from dropoff.kernel.money import CURRENCIES
from dropoff.retailers import countries, store
from dropoff.retailers.rules import Policy
from dropoff.web.schema import Country, Currency, Name


class Position(msgspec.Struct, frozen=True):
    lat: Annotated[float, Meta(ge=-90, le=90)]
    lon: Annotated[float, Meta(ge=-180, le=180)]


class ReturnAddress(msgspec.Struct, frozen=True, kw_only=True):
    """Where the goods go: a warehouse, no person."""

    name: Name
    street: Name
    postcode: Annotated[str, Meta(min_length=1, max_length=20)]
    city: Name
    country: Country
    position: Position | None = None


PortalUrl = Annotated[str, Meta(pattern=r"^https://[^\s<>\"\\]+$(?!\n)", max_length=300)]


class NewRetailer(msgspec.Struct, frozen=True, kw_only=True):
    name: Name
    slug: Annotated[str, Meta(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?$(?!\n)")]
    country: Country
    currency: Currency
    currencies: Annotated[tuple[Currency, ...], Meta(max_length=50)] = ()
    """What its orders may be in; `currency`, its own, always counts."""
    locale: Annotated[str, Meta(pattern=r"^[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,3}$(?!\n)")]
    zone: Annotated[str, Meta(max_length=60)] | None = None
    """IANA zone of its deadlines; unset, its country's first."""
    return_address: ReturnAddress
    policy: Policy
    live: bool = True
    portal_url: PortalUrl | None = None
    """Where its customers begin a return, for those who stand at a counter with one thing more."""


class RetailerChange(msgspec.Struct, frozen=True, kw_only=True):
    portal_url: PortalUrl | None


class Retailer(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    slug: str
    country: str
    currency: str
    currencies: list[str]
    locale: str
    zone: str
    return_address: ReturnAddress
    policy: Policy
    live: bool
    created_at: datetime
    portal_url: str | None = None


class NewRetailerView(Retailer, frozen=True, kw_only=True):
    api_key: str
    """Shown once."""


class RetailerPage(msgspec.Struct, frozen=True):
    items: list[Retailer]
    next: str | None


def add_retailer(tx: Tx, new: NewRetailer, at: datetime, api_key: str | None = None) -> NewRetailerView | Problem:
    """`api_key` is given only where it must be known beforehand (demo keys); otherwise it is random."""
    zone = new.zone or countries.first_zone(new.country)
    refusal = _refusal(new, zone)
    if refusal is not None:
        return refusal
    row = msgspec.to_builtins(new)
    row |= {
        "id": new_id("rtl"),
        "zone": zone,
        "currencies": sorted({new.currency, *new.currencies}),
        "created_at": at,
    }
    if not store.add(tx, row):
        return Problem("slug-taken", data={"slug": new.slug})
    issued = issue_key(
        tx,
        NewCredential(role="retailer", name=new.name, live=new.live, at=at, retailer_id=row["id"]),
        api_key,
    )
    return msgspec.convert({**row, "api_key": issued.token}, NewRetailerView)


def _refusal(new: NewRetailer, zone: str | None) -> Problem | None:
    if countries.first_zone(new.country) is None:
        return invalid("/country", "There is no country of that code (ISO 3166-1 alpha-2).")
    if countries.first_zone(new.return_address.country) is None:
        return invalid("/return_address/country", "There is no country of that code (ISO 3166-1 alpha-2).")
    if zone is None or not countries.is_zone(zone):
        return invalid("/zone", "There is no such IANA time zone.")
    if new.currency not in CURRENCIES:
        return invalid("/currency", "This currency is not taken.")
    for place, currency in enumerate(new.currencies):
        if currency not in CURRENCIES:
            return invalid(f"/currencies/{place}", "This currency is not taken.")
    return None


def find(tx: Tx, retailer_id: str) -> Retailer | None:
    row = store.find(tx, retailer_id)
    return _retailer(row) if row else None


def show(tx: Tx, retailer_id: str) -> Retailer | Problem:
    return find(tx, retailer_id) or not_found("retailer")


def change_retailer(tx: Tx, retailer_id: str, wish: RetailerChange, at: datetime, actor: str) -> Retailer | Problem:
    """Only that it changed is told, not to what."""
    row = store.set_portal(tx, retailer_id, wish.portal_url)
    if row is None:
        return not_found("retailer")
    told = {"retailer": row.id}
    append(
        tx,
        Event(type="retailer.changed", actor=actor, at=at, live=row.live, retailer_id=row.id, objects=told, data=told),
    )
    return _retailer(row)


def list_retailers(tx: Tx, after: str, limit: int) -> RetailerPage:
    rows = store.page(tx, after, limit + 1)
    items = [_retailer(row) for row in rows[:limit]]
    return RetailerPage(items, items[-1].id if len(rows) > limit else None)


def _retailer(row: store.RetailerRow) -> Retailer:
    return msgspec.convert(msgspec.structs.asdict(row), Retailer)
