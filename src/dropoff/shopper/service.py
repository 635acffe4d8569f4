"""What the bearer of a pass sees and may do, put together from the rooms below."""

from datetime import datetime

import msgspec

from dropoff.counter import service as counter
from dropoff.counter.service import ReceiptView
from dropoff.db import Tx
from dropoff.network.nearby import Hit, Search, Snapshot
from dropoff.retailers import service as retailers
from dropoff.returns import service as returns
from dropoff.returns.passes import PassKeys
from dropoff.shopper.rules import Happening, MoneyFact, NearView, PassFacts, PlaceView, UnitFact
from dropoff.web import words

PLACES_SHOWN = 6
AROUND_THE_CLOCK = "24/7"
HANDED_IN = "parcel.handed_in"


class Seen(msgspec.Struct, frozen=True):
    facts: PassFacts
    postcode: str
    """The order's, to look for places near; empty when it has none."""
    country: str


def see_pass(tx: Tx, passes: PassKeys, code: str, at: datetime) -> Seen | None:
    """None when no return has this code."""
    found = returns.find_by_code(tx, passes, code)
    view = returns.pass_view(tx, found.return_id) if found else None
    head = returns.find_return(tx, found.return_id) if found else None
    retailer = retailers.find(tx, found.retailer_id) if found else None
    if view is None or head is None or retailer is None:
        return None
    expected = any(unit.custody == "expected" for unit in view.units)
    receipts = {one.handed_in_at: one.hand_in for one in counter.receipts_of(tx, head.id)}
    facts = PassFacts(
        short_code=passes.short_code(head.id, head.generation),
        retailer=view.retailer,
        zone=view.zone,
        live=view.live,
        status=view.status,
        last_day_at=view.last_day_at,
        expires_at=view.expires_at,
        renewable=expected and at < view.expires_at,
        units=tuple(UnitFact(unit.title, unit.variant, unit.custody, unit.resolution) for unit in view.units),
        money=MoneyFact(
            amount=view.money.amount,
            currency=view.money.currency,
            expected=view.money.expected,
            paid=view.money.paid,
            due_by=view.money.due_by,
            refund_at=retailer.policy.refund_at,
            refund_days=retailer.policy.refund_days,
        ),
        holder=None if view.holder == "shopper" else view.holder,
        next_kind=view.next.kind if view.next else None,
        next_at=view.next.at if view.next else None,
        happenings=tuple(
            Happening(one.type, one.at, one.place or "", receipts.get(one.at, "") if one.type == HANDED_IN else "")
            for one in view.timeline
        ),
    )
    postcode, country = returns.shopper_postcode(tx, head.id) or ("", "")
    return Seen(facts, postcode, country or retailer.country)


def see_receipt(tx: Tx, passes: PassKeys, code: str, hand_in: str) -> ReceiptView | None:
    """For the bearer of the pass, who need not keep the receipt's own address."""
    found = returns.find_by_code(tx, passes, code)
    standing = counter.receipts_of(tx, found.return_id) if found else []
    return next((one for one in standing if one.hand_in == hand_in), None)


def places_near(snapshot: Snapshot, text: str, country: str, at: datetime) -> NearView:
    """The public points around a postcode or city of the network itself, in the shopper's country first."""
    if not text:
        return NearView("")
    where = snapshot.find(text, country) or snapshot.find(text, None)
    if where is None:
        return NearView(text, f"We know no place in {text}. Try another postcode, or the next larger town.")
    hits = snapshot.nearest(Search(lat=where[0], lon=where[1], limit=PLACES_SHOWN))
    return NearView(text, "", tuple(_place(snapshot, hit, at) for hit in hits))


def _place(snapshot: Snapshot, hit: Hit, at: datetime) -> PlaceView:
    place = hit.place
    said, tone = {True: ("Open now", "good"), False: ("Closed now", "wait"), None: ("Hours unknown", "")}[
        snapshot.open_now(place, at)
    ]
    always = place.opening_hours == AROUND_THE_CLOCK
    town = " ".join(part for part in (place.postcode, place.city) if part)
    return PlaceView(
        name=place.name,
        distance=words.distance(hit.distance_m),
        address=", ".join(part for part in (place.street, town) if part),
        hours="Open day and night" if always else said,
        tone=tone,
        times=place.opening_hours if place.hours_known and not always else "",
        directions=f"https://www.openstreetmap.org/directions?route=%3B{place.lat:.5f}%2C{place.lon:.5f}",
    )
