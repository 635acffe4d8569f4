"""What the bearer of a pass sees and may do, put together from the rooms below."""

from datetime import datetime

import msgspec

from dropoff.counter import service as counter
from dropoff.counter.service import ReceiptView
from dropoff.db import Tx
from dropoff.lockers import service as lockers
from dropoff.network.facts import Needs
from dropoff.network.nearby import Hit, Search, Snapshot
from dropoff.network.places import NoPlace, Place
from dropoff.retailers import service as retailers
from dropoff.returns import service as returns
from dropoff.returns.passes import PassKeys
from dropoff.shopper import evidence_words, find, find_facts, find_filters, find_words
from dropoff.shopper.pass_views import NearView, PlaceView
from dropoff.shopper.rules import REFUSED, Happening, MoneyFact, PassFacts, UnitFact
from dropoff.web import words
from dropoff.web.languages import _

PLACES_SHOWN = 3
PLACES_MORE = 5
COUNTERS = frozenset({"store", "post_office"})
"""Where somebody stands who scans and tags. Lockers that take returns have a page of their own."""
HANDED_IN = "parcel.handed_in"
NOT_PRESENTED = "not_presented"


class Seen(msgspec.Struct, frozen=True):
    facts: PassFacts
    postcode: str
    """The order's, to look for places near; empty when it has none."""
    country: str
    needs: Needs
    """What a place must take for what still waits to be handed in."""
    locales: tuple[str, ...] = ()
    """The order's and the retailer's, for whom the browser says nothing."""


def see_pass(tx: Tx, passes: PassKeys, code: str, at: datetime) -> Seen | None:
    """None when no return has this code."""
    found = returns.find_by_code(tx, passes, code)
    view = returns.pass_view(tx, found.return_id) if found else None
    head = returns.find_return(tx, found.return_id) if found else None
    retailer = retailers.find(tx, found.retailer_id) if found else None
    if view is None or head is None or retailer is None:
        return None
    held = lockers.deposit_of(tx, head.id)
    standing = counter.receipts_of(tx, head.id)
    refused = counter.refused_units(tx, head.id)
    sent_back = {unit: reason for unit, reason in refused.items() if reason != NOT_PRESENTED}
    receipts = {one.handed_in_at: one.hand_in for one in standing}
    facts = PassFacts(
        short_code=passes.short_code(head.id, head.generation),
        retailer=view.retailer,
        zone=view.zone,
        live=view.live,
        status=view.status,
        last_day_at=view.last_day_at,
        expires_at=view.expires_at,
        more_until=returns.last_day_if_renewed(tx, head.id, at),
        units=tuple(
            UnitFact(unit.title, unit.variant, unit.custody, unit.resolution, unit.wanted, sent_back.get(unit.id))
            for unit in view.units
        ),
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
        )
        + tuple(told for one in standing if (told := _sent_back(one)) is not None),
    )
    standing_at = held.compartment if held is not None and held.state in lockers.LIVE else None
    facts = msgspec.structs.replace(facts, lockers=lockers.any_banks(tx, head.live), compartment=standing_at)
    postcode, country = returns.shopper_postcode(tx, head.id) or ("", "")
    waiting = returns.things_to_hand_in(tx, head.id)
    needs = find_facts.needs_of((thing.weight_g, thing.category) for thing in waiting)
    locales = (returns.shopper_locale(tx, head.id) or "", view.locale)
    return Seen(facts, postcode, country or retailer.country, needs, locales)


def _sent_back(receipt: ReceiptView) -> Happening | None:
    """What a clerk did not take and why, so that nobody has to argue about it later. What the shopper kept at home is
    no news."""
    sent_back = tuple((one.unit.title, one.reason) for one in receipt.refused if one.reason != NOT_PRESENTED)
    if not sent_back:
        return None
    # What was taken in has its receipt beside it already.
    hand_in = "" if receipt.parcels else receipt.hand_in
    place = receipt.place.name if receipt.place else ""
    return Happening(REFUSED, receipt.handed_in_at, place, hand_in, sent_back)


def see_receipt(tx: Tx, passes: PassKeys, code: str, hand_in: str) -> ReceiptView | None:
    """For the bearer of the pass, who need not keep the receipt's own address."""
    found = returns.find_by_code(tx, passes, code)
    standing = counter.receipts_of(tx, found.return_id) if found else []
    return next((one for one in standing if one.hand_in == hand_in), None)


def places_near(snapshot: Snapshot, text: str, where: Place | NoPlace, needs: Needs, at: datetime) -> NearView:
    """The counters around what was typed, without those that are known not to take what is in the return."""
    if not text:
        return NearView("")
    if isinstance(where, NoPlace):
        if where.why == "unavailable":
            said = _("We cannot look %(place)s up just now. Try a postcode, or try again in a minute.", place=text)
            return NearView(text, said)
        said = _("We know no place in %(place)s. Try another postcode, or the next larger town.", place=text)
        return NearView(text, said)
    wanted = Search(lat=where.lat, lon=where.lon, limit=PLACES_SHOWN + PLACES_MORE, kinds=COUNTERS, now=at)
    suitable = msgspec.structs.replace(wanted, needs=needs)
    places = tuple(place_view(hit, at) for hit in snapshot.nearest(suitable))
    # It is said when it made a difference; that socks are taken everywhere is no news.
    left_out = snapshot.found(wanted).refs != snapshot.found(suitable).refs
    needed = find_facts.needed(needs) if left_out else ""
    if not places and needed:
        said = _("No counter we know takes %(needed)s. Ask the retailer how to send it back.", needed=needed)
        return NearView(text, said)
    if not places:
        said = _("We know no counter near %(place)s. Try another postcode, or the next larger town.", place=text)
        return NearView(text, said)
    meant = "" if where.match == "exact" else where.label
    finder = find_filters.address({"q": where.label}, find_filters.Filters(kinds=COUNTERS, needs=needs))
    return NearView(text, "", places[:PLACES_SHOWN], places[PLACES_SHOWN:], meant, where.attribution, finder, needed)


def place_view(hit: Hit, at: datetime) -> PlaceView:
    place = hit.place
    said = find_words.closure(place.closures, place.zone, at)
    said = said or find_words.opening(find.standing_of(place, at), place.zone, at)
    room = evidence_words.room(hit.evidence, place.zone, at)
    return PlaceView(
        name=place.name,
        distance=words.distance(hit.distance_m),
        address=find_words.where_it_is(place.street, place.postcode, place.city),
        hours=said.text,
        tone=said.tone,
        directions=find_words.directions(place.lat, place.lon),
        room=room.text if room else "",
        room_tone=room.tone if room else "",
        lately=next(iter(evidence_words.lately(hit.evidence, place.zone, at)), ""),
    )
