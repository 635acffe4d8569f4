"""What a shopper is told, in words: pure functions from plain facts to the view of a page.

English for now. `N_` marks the texts that a catalogue will translate.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from dropoff.kernel import money
from dropoff.web import words


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for "translate this later"
    return text


class UnitFact(msgspec.Struct, frozen=True):
    title: str
    variant: str | None
    custody: str
    resolution: str


class MoneyFact(msgspec.Struct, frozen=True):
    amount: int
    currency: str
    expected: int
    paid: int
    due_by: datetime | None
    refund_at: str
    refund_days: int


class Happening(msgspec.Struct, frozen=True):
    type: str
    at: datetime
    place: str = ""
    hand_in: str = ""
    """Of a hand-in that stands: the id of its receipt."""


class PassFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the page knows; nothing in it is personal."""

    short_code: str
    retailer: str
    zone: str
    live: bool
    status: str
    last_day_at: datetime
    expires_at: datetime
    renewable: bool
    units: tuple[UnitFact, ...]
    money: MoneyFact
    holder: str | None
    next_kind: str | None
    next_at: datetime | None
    happenings: tuple[Happening, ...]


class UnitLine(msgspec.Struct, frozen=True):
    title: str
    variant: str
    count: int
    words: str
    tone: str


class MoneyView(msgspec.Struct, frozen=True):
    title: str
    amount: str
    facts: tuple[tuple[str, str], ...]


class Moment(msgspec.Struct, frozen=True):
    what: str
    when: str
    detail: str = ""
    upcoming: bool = False
    url: str = ""
    link: str = ""


class Step(msgspec.Struct, frozen=True):
    title: str
    text: str


class Notice(msgspec.Struct, frozen=True):
    tone: str
    text: str


class PlaceView(msgspec.Struct, frozen=True):
    name: str
    distance: str
    address: str
    hours: str
    tone: str
    times: str
    directions: str


class NearView(msgspec.Struct, frozen=True):
    q: str
    message: str = ""
    places: tuple[PlaceView, ...] = ()


class PassView(msgspec.Struct, frozen=True, kw_only=True):
    path: str
    qr: str
    headline: str
    lead: str
    notice: Notice | None
    test: bool
    retailer: str
    count: str
    showable: bool
    short_code: str
    units: tuple[UnitLine, ...]
    next_step: Step | None
    renew_url: str
    cancel_url: str
    how: bool
    money: MoneyView | None
    near: NearView | None
    timeline: tuple[Moment, ...]


# With the shopper, the only state worth no word is the plain one: everything still to be handed in.
CUSTODY_WORDS: Final = {
    "expected": (N_("With you"), "wait"),
    "handed_in": (N_("Handed in"), "good"),
    "in_transit": (N_("On its way"), "good"),
    "received": (N_("Arrived"), "good"),
    "inspected": (N_("Checked"), "good"),
    "lost": (N_("Being searched for"), "bad"),
    "cancelled": (N_("Cancelled"), ""),
    "expired": (N_("Run out"), ""),
}
RESOLUTION_WORDS: Final = {
    "refunded": (N_("Paid back"), "good"),
    "exchanged": (N_("Exchanged"), "good"),
    "credited": (N_("Credit given"), "good"),
    "rejected": (N_("Not accepted"), "bad"),
}
HAPPENING_WORDS: Final = {
    "return.issued": N_("Return announced"),
    "return.renewed": N_("More time given"),
    "return.cancelled": N_("Return cancelled"),
    "return.expired": N_("The code ran out"),
    "parcel.handed_in": N_("Handed in"),
    "parcel.hand_in_undone": N_("Hand-in taken back by the shop"),
    "parcel.departed": N_("The driver took it"),
    "shipment.handed_over": N_("The driver took it"),
    "parcel.received": N_("Arrived at the retailer"),
    "unit.inspected": N_("Checked by the retailer"),
    "refund.due": N_("Your money is due"),
    "refund.due_withdrawn": N_("Your money waits for the hand-in again"),
    "refund.issued": N_("Money sent to you"),
    "exchange.requested": N_("Exchange asked for"),
    "exchange.shipped": N_("Exchange sent to you"),
    "credit.issued": N_("Credit given"),
    "parcel.lost": N_("A parcel is being searched for"),
}
CUSTODY_HAPPENINGS: Final = frozenset(
    {
        "return.issued",
        "parcel.handed_in",
        "parcel.hand_in_undone",
        "shipment.handed_over",
        "parcel.received",
        "unit.inspected",
        "parcel.lost",
    }
)
"""What happened to the things themselves, at a place; the others happened to the money."""
NEXT_WORDS: Final = {
    "hand_in": N_("You hand it in"),
    "seal": N_("The shop puts it into a bag"),
    "pickup": N_("The driver fetches it"),
    "departure": N_("The driver fetches it"),
    "handover": N_("The driver fetches it"),
    "driver": N_("The driver fetches it"),
    "arrival": N_("It arrives at the retailer"),
    "receipt": N_("It arrives at the retailer"),
    "inspection": N_("The retailer checks it"),
    "refund": N_("The retailer sends your money"),
}
REFUND_WORDS: Final = {
    "hand_in": N_("within %d days after you hand it in"),
    "receipt": N_("within %d days after it arrives"),
    "inspection": N_("within %d days after the retailer has checked it"),
}


def state(facts: PassFacts, now: datetime) -> str:
    """The status as it is now: a code may have run out before the nightly job said so."""
    over = now > facts.expires_at and any(unit.custody == "expected" for unit in facts.units)
    if over and facts.status == "issued":
        return "expired"
    return "handed_in" if over and facts.status == "partly_handed_in" else facts.status


def headline(facts: PassFacts, now: datetime) -> tuple[str, str]:
    """The page's first two sentences: where it stands, what to do."""
    last = words.date(facts.last_day_at, facts.zone, now)
    gone = sum(unit.custody not in ("expected", "cancelled", "expired") for unit in facts.units)
    kept = sum(unit.custody not in ("cancelled", "expired") for unit in facts.units)
    moving = any(unit.custody == "in_transit" for unit in facts.units)
    said = {
        "issued": (N_("Ready to hand in"), f"Show this code at a place near you, by {last}. No box, no label."),
        "partly_handed_in": (
            f"{gone} of {kept} handed in",
            f"The rest is still with you. The same code takes it, by {last}.",
        ),
        "handed_in": (
            N_("On its way") if moving else N_("Handed in"),
            N_("Nothing more to do for you. Here you see where it is."),
        ),
        "received": (f"Arrived at {facts.retailer}", N_("Nothing more to do for you.")),
        "resolved": (N_("All done"), N_("Everything of this return is settled.")),
        "cancelled": (N_("This return is cancelled"), N_("The code works no more. You keep the things.")),
        "expired": (N_("The code has run out"), f"Its last day was {last}. Nothing was handed in."),
    }
    return said[state(facts, now)]


def next_step(facts: PassFacts, now: datetime) -> Step | None:
    """For those whose code works no more: what they can do."""
    current = state(facts, now)
    if current == "cancelled":
        return Step(N_("Changed your mind again?"), f"Start a new return at {facts.retailer}. You get a new code.")
    if current != "expired":
        return None
    if facts.renewable:
        return Step(N_("Still want to return it?"), f"{facts.retailer} gives you more time. The code stays the same.")
    return Step(
        N_("Still want to return it?"), f"By the rules of {facts.retailer} the time is over. Ask them for help."
    )


def unit_lines(units: Sequence[UnitFact]) -> tuple[UnitLine, ...]:
    """Equal things in equal states share a line."""
    fresh = all(unit.custody == "expected" for unit in units)
    counted = Counter((unit.title, unit.variant or "", *_said(unit, fresh)) for unit in units)
    return tuple(UnitLine(title, variant, n, said, tone) for (title, variant, said, tone), n in counted.items())


def _said(unit: UnitFact, fresh: bool) -> tuple[str, str]:
    if unit.resolution in RESOLUTION_WORDS:
        return RESOLUTION_WORDS[unit.resolution]
    return ("", "") if fresh else CUSTODY_WORDS[unit.custody]


def money_view(facts: PassFacts, now: datetime) -> MoneyView | None:
    """Amount, date, who holds the parcel, what comes next; nothing when no money is to come."""
    m = facts.money
    if not (m.amount or m.paid or m.expected) or state(facts, now) in ("cancelled", "expired"):
        return None
    rows: list[tuple[str, str]] = []
    if m.amount:
        title, sum_ = N_("You get"), m.amount
        rows.append((N_("When"), f"by {words.date(m.due_by, facts.zone, now)}" if m.due_by else N_("soon")))
    elif m.paid >= m.expected:
        title, sum_ = N_("Paid to you"), m.paid
    else:
        title, sum_ = N_("You can expect"), m.expected - m.paid
        rows.append((N_("When"), REFUND_WORDS[m.refund_at] % m.refund_days))
    if m.paid and sum_ != m.paid:
        rows.append((N_("Paid"), f"{money.display(m.paid, m.currency)} so far"))
    if state(facts, now) != "resolved":
        rows.append((N_("Held by"), facts.holder or N_("You")))
        upcoming = _next(facts, now)
        if upcoming is not None:
            rows.append((N_("Next"), f"{upcoming.what}{', ' if upcoming.when else ''}{upcoming.when}"))
    return MoneyView(title, money.display(sum_, m.currency), tuple(rows))


def _next(facts: PassFacts, now: datetime) -> Moment | None:
    kind = facts.next_kind
    if kind is None and state(facts, now) in ("issued", "partly_handed_in"):
        kind = "hand_in"
    if kind is None or kind not in NEXT_WORDS:
        return None
    if kind == "hand_in":
        return Moment(NEXT_WORDS[kind], f"by {words.date(facts.last_day_at, facts.zone, now)}", upcoming=True)
    when = words.at(facts.next_at, facts.zone, now) if facts.next_at else ""
    return Moment(NEXT_WORDS[kind], when, upcoming=True)


def timeline(facts: PassFacts, now: datetime, path: str) -> tuple[Moment, ...]:
    """Newest first, what comes next on top. Equal things at one moment (three units, one scan) are said once.

    The log writes the money that a scan sets free before the scan itself; people read cause before effect.
    """
    told = [one for one in facts.happenings if one.type in HAPPENING_WORDS]
    moments: list[Moment] = []
    for happening in sorted(told, key=lambda one: (one.at, one.type not in CUSTODY_HAPPENINGS)):
        moment = Moment(
            HAPPENING_WORDS[happening.type],
            words.first_capital(words.at(happening.at, facts.zone, now)),
            happening.place if happening.type in CUSTODY_HAPPENINGS else "",
            url=f"{path}/receipts/{happening.hand_in}" if happening.hand_in else "",
            link=N_("Your receipt") if happening.hand_in else "",
        )
        if not moments or moments[-1] != moment:
            moments.append(moment)
    upcoming = _next(facts, now) if state(facts, now) not in ("cancelled", "expired", "resolved") else None
    return tuple(([upcoming] if upcoming else []) + moments[::-1])


def pass_view(
    facts: PassFacts, now: datetime, *, path: str, near: NearView | None, notice: Notice | None = None
) -> PassView:
    current = state(facts, now)
    title, lead = headline(facts, now)
    showable = current in ("issued", "partly_handed_in")
    return PassView(
        path=path,
        qr=f"{path}/qr.svg",
        headline=title,
        lead=lead,
        notice=notice,
        test=not facts.live,
        retailer=facts.retailer,
        count=words.count(len(facts.units), N_("thing"), N_("things")),
        showable=showable,
        short_code=facts.short_code,
        units=unit_lines(facts.units),
        next_step=next_step(facts, now),
        renew_url=f"{path}/renew" if facts.renewable and (showable or current == "expired") else "",
        cancel_url=f"{path}/cancel" if current == "issued" else "",
        how=showable,
        money=money_view(facts, now),
        near=near if showable else None,
        timeline=timeline(facts, now, path),
    )
