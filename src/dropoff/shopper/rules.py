"""What a shopper is told, in words: pure functions from plain facts to the view of a page."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from dropoff.shopper.pass_views import Moment, MoneyView, NearView, Notice, PassView, Step, UnitLine
from dropoff.web import words
from dropoff.web.languages import N_, _, ngettext


class UnitFact(msgspec.Struct, frozen=True):
    title: str
    variant: str | None
    custody: str
    resolution: str
    wanted: str = "refund"
    refused: str | None = None
    """Why a clerk sent it back last, while it waits to be handed in."""


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
    sent_back: tuple[tuple[str, str], ...] = ()
    """Title and reason of each thing that a clerk did not take."""


class PassFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the page knows; nothing in it is personal."""

    short_code: str
    retailer: str
    zone: str
    live: bool
    status: str
    last_day_at: datetime
    expires_at: datetime
    more_until: datetime | None
    """The last day that a renewal would give; None when it would give no more time."""
    units: tuple[UnitFact, ...]
    money: MoneyFact
    holder: str | None
    next_kind: str | None
    next_at: datetime | None
    happenings: tuple[Happening, ...]
    lockers: bool = False
    """Whether a locker anywhere takes returns in."""
    compartment: str | None = None
    """Of a locker that the shopper is at just now."""


UNITS_SHOWN: Final = 6
REFUSED: Final = "counter.refused"
"""Told beside the log's events: a clerk sent something back, which no event of its own says."""

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
    REFUSED: N_("Not taken in by the shop"),
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
        REFUSED,
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
WISHES: Final = {
    "exchange": N_("an exchange, or the money if it is sold out"),
    "store_credit": N_("a credit at the shop"),
}
REASONS: Final = {
    "not_presented": N_("Not there"),
    "prohibited": N_("Not allowed"),
    "too_large": N_("Too large"),
    "wrong_item": N_("Not the right thing"),
    "wet_or_leaking": N_("Wet or leaking"),
    "other": N_("Not taken"),
}
"""Why a clerk sent a thing back, as its shopper reads it."""
REFUND_WORDS: Final = {
    "hand_in": N_("within %d days after you hand it in"),
    "receipt": N_("within %d days after it arrives"),
    "inspection": N_("within %d days after the retailer has checked it"),
}


def state(facts: PassFacts, now: datetime) -> str:
    """The status as it is now: a code may have run out before the nightly job said so."""
    over = _is_over(facts, now) and any(unit.custody == "expected" for unit in facts.units)
    if over and facts.status == "issued":
        return "expired"
    return "handed_in" if over and facts.status == "partly_handed_in" else facts.status


def _is_over(facts: PassFacts, now: datetime) -> bool:
    return now >= facts.expires_at


def _in_grace(facts: PassFacts, now: datetime) -> bool:
    """The last day is over, but the counter still takes the code, for a day."""
    return facts.last_day_at < now < facts.expires_at


def headline(facts: PassFacts, now: datetime) -> tuple[str, str]:
    """The page's first two sentences: where it stands, what to do."""
    last = words.date(facts.last_day_at, facts.zone, now)
    until = _("by %(date)s", date=last)
    if _in_grace(facts, now):
        until = _("until %(when)s at the latest", when=words.at(facts.expires_at, facts.zone, now))
    gone = sum(unit.custody not in ("expected", "cancelled", "expired") for unit in facts.units)
    kept = sum(unit.custody not in ("cancelled", "expired") for unit in facts.units)
    moving = any(unit.custody == "in_transit" for unit in facts.units)
    late = any(
        unit.custody == "expired" or (unit.custody == "expected" and _is_over(facts, now)) for unit in facts.units
    )
    said = {
        "issued": (
            _("Ready to hand in"),
            _("Show this code at a place near you, %(until)s. No box, no label.", until=until),
        ),
        "partly_handed_in": (
            _("%(part)d of %(all)d handed in", part=gone, all=kept),
            _("The rest is still with you. The same code takes it, %(until)s.", until=until),
        ),
        "handed_in": (
            _("%(part)d of %(all)d handed in", part=gone, all=len(facts.units))
            if late
            else _("On its way")
            if moving
            else _("Handed in"),
            _("The time for the rest is over. Here you see where the things are.")
            if late
            else _("Nothing more to do for you."),
        ),
        "received": (_("Arrived at %(retailer)s", retailer=facts.retailer), _("Nothing more to do for you.")),
        "resolved": _settled(facts),
        "cancelled": (_("This return is cancelled"), _("The code works no more. You keep the things.")),
        "expired": (_("The code has run out"), _("Its last day was %(date)s. Nothing was handed in.", date=last)),
    }
    return said[state(facts, now)]


def _settled(facts: PassFacts) -> tuple[str, str]:
    rejected = [unit for unit in facts.units if unit.resolution == "rejected"]
    if not rejected:
        return _("All done"), _("Everything of this return is settled.")
    ask = _("Ask %(retailer)s for the reason, and for what happens with it now.", retailer=facts.retailer)
    if len(rejected) == sum(unit.resolution != "open" for unit in facts.units):
        told = _("%(retailer)s has checked it and pays nothing back.", retailer=facts.retailer)
        return _("Not accepted"), f"{told} {ask}"
    told = _("%(retailer)s did not accept everything.", retailer=facts.retailer)
    return _("Done, in part"), f"{told} {ask}"


def next_step(facts: PassFacts, now: datetime) -> Step | None:
    """For those whose code works no more, or not for long: what they can do."""
    current = state(facts, now)
    if current == "cancelled":
        return Step(
            _("Changed your mind again?"),
            _("Start a new return at %(retailer)s. You get a new code.", retailer=facts.retailer),
        )
    if current == "expired":
        return Step(
            _("Still want to return it?"),
            _("Ask %(retailer)s for a new return. This code stays closed.", retailer=facts.retailer),
        )
    if _in_grace(facts, now) and facts.more_until and current in ("issued", "partly_handed_in"):
        more = words.date(facts.more_until, facts.zone, now)
        said = _("The last day is over. You can have time until %(date)s; the code stays the same.", date=more)
        return Step(_("No time today?"), said)
    return None


def unit_lines(units: Sequence[UnitFact], *, over: bool = False) -> tuple[UnitLine, ...]:
    """Equal things in equal states share a line. `over`: what was not handed in can be no more."""
    fresh = all(unit.custody == "expected" for unit in units) and not over
    counted = Counter((unit.title, unit.variant or "", *_said(unit, fresh, over)) for unit in units)
    return tuple(UnitLine(title, variant, n, said, tone) for (title, variant, said, tone), n in counted.items())


def _said(unit: UnitFact, fresh: bool, over: bool) -> tuple[str, str]:
    if unit.resolution in RESOLUTION_WORDS:
        return RESOLUTION_WORDS[unit.resolution]
    if over and unit.custody == "expected":
        return CUSTODY_WORDS["expired"]
    if unit.custody == "expected" and unit.refused in REASONS:
        why = _(REASONS[unit.refused])
        return (why if unit.refused == "other" else _("Not taken: %(why)s", why=words.inside(why))), "wait"
    return ("", "") if fresh else CUSTODY_WORDS[unit.custody]


def money_view(facts: PassFacts, now: datetime) -> MoneyView | None:
    """Amount, date, who holds the parcel, what comes next; nothing when no money is to come."""
    m = facts.money
    if not (m.amount or m.paid or m.expected) or state(facts, now) in ("cancelled", "expired"):
        return None
    rows: list[tuple[str, str]] = []
    if m.amount:
        title, sum_ = _("You get"), m.amount
        rows.append((_("When"), _by(m.due_by, facts.zone, now) if m.due_by else _("soon")))
    elif m.paid >= m.expected:
        title, sum_ = _("Paid to you"), m.paid
    else:
        title, sum_ = _("You can expect"), m.expected - m.paid
        rows.append((_("When"), _(REFUND_WORDS[m.refund_at]) % m.refund_days))
    if m.paid and sum_ != m.paid:
        rows.append((_("Paid"), _("%(amount)s so far", amount=words.money(m.paid, m.currency))))
    instead = _instead(facts.units)
    if instead:
        title = title if m.paid >= m.expected else _("It is worth")
        rows.append((_("You get"), instead))
    # Before anything left the shopper's hands, its holder and its next step are the page's first sentence.
    if state(facts, now) not in ("issued", "resolved"):
        rows.append((_("Held by"), words.first_capital(facts.holder) if facts.holder else _("You")))
        upcoming = _next(facts, now)
        if upcoming is not None:
            rows.append((_("Next"), ", ".join(filter(None, [upcoming.what, upcoming.when]))))
    return MoneyView(title, words.money(sum_, m.currency), tuple(rows))


def _instead(units: Sequence[UnitFact]) -> str:
    """What the shopper wished for in place of money, as long as it is open; money stays what it falls back to."""
    open_ones = [
        unit for unit in units if unit.resolution in ("open", "due") and unit.custody not in ("cancelled", "expired")
    ]
    wishes = [unit.wanted for unit in open_ones if unit.wanted in WISHES]
    if not wishes:
        return ""
    said = _(" and ").join(_(WISHES[wish]) for wish in WISHES if wish in wishes)
    whole = len(wishes) == len(open_ones)
    return words.first_capital(said) if whole else _("%(wishes)s, the rest in money", wishes=said)


def _next(facts: PassFacts, now: datetime) -> Moment | None:
    kind = facts.next_kind
    if kind is None and state(facts, now) in ("issued", "partly_handed_in"):
        kind = "hand_in"
    if kind is None or kind not in NEXT_WORDS:
        return None
    if kind == "hand_in":
        return Moment(_(NEXT_WORDS[kind]), _by(facts.last_day_at, facts.zone, now), upcoming=True)
    if kind == "refund" and facts.next_at is None and facts.money.due_by is not None:
        return Moment(_(NEXT_WORDS[kind]), _by(facts.money.due_by, facts.zone, now), upcoming=True)
    when = words.at(facts.next_at, facts.zone, now) if facts.next_at else ""
    return Moment(_(NEXT_WORDS[kind]), when, upcoming=True)


def _by(moment: datetime, zone: str, now: datetime) -> str:
    return _("by %(date)s", date=words.date(moment, zone, now))


def timeline(facts: PassFacts, now: datetime, path: str) -> tuple[Moment, ...]:
    """Newest first, what comes next on top. Equal things at one moment (three units, one scan) are said once.

    The log writes the money that a scan sets free before the scan itself; people read cause before effect.
    """
    told = [one for one in facts.happenings if one.type in HAPPENING_WORDS]
    moments: list[Moment] = []
    for happening in sorted(told, key=lambda one: (one.at, one.type not in CUSTODY_HAPPENINGS)):
        moment = Moment(
            _(HAPPENING_WORDS[happening.type]),
            words.first_capital(words.at(happening.at, facts.zone, now)),
            _where_and_what(happening),
            url=f"{path}/receipts/{happening.hand_in}" if happening.hand_in else "",
            link=_("Your receipt") if happening.hand_in else "",
        )
        if not moments or moments[-1] != moment:
            moments.append(moment)
    upcoming = _next(facts, now) if state(facts, now) not in ("cancelled", "expired", "resolved") else None
    return tuple(([upcoming] if upcoming else []) + moments[::-1])


def _where_and_what(happening: Happening) -> str:
    place = happening.place if happening.type in CUSTODY_HAPPENINGS else ""
    sent_back = dict.fromkeys(f"{title} ({words.inside(_(REASONS[reason]))})" for title, reason in happening.sent_back)
    return ": ".join(part for part in (place, ", ".join(sent_back)) if part)


def pass_view(
    facts: PassFacts, now: datetime, *, path: str, near: NearView | None, notice: Notice | None = None
) -> PassView:
    current = state(facts, now)
    title, lead = headline(facts, now)
    showable = current in ("issued", "partly_handed_in")
    lines = unit_lines(facts.units, over=_is_over(facts, now))
    shown = len(lines) if len(lines) <= UNITS_SHOWN + 1 else UNITS_SHOWN
    return PassView(
        path=path,
        qr=f"{path}/qr.svg",
        headline=title,
        lead=lead,
        notice=notice,
        test=not facts.live,
        retailer=facts.retailer,
        count=ngettext("%(num)d thing", "%(num)d things", len(facts.units)),
        showable=showable,
        short_code=facts.short_code,
        units=lines[:shown],
        others=lines[shown:],
        next_step=next_step(facts, now),
        renew_url=f"{path}/renew" if facts.more_until and showable else "",
        cancel_url=f"{path}/cancel" if current == "issued" else "",
        locker_url=f"{path}/locker" if facts.compartment or (showable and facts.lockers) else "",
        compartment=facts.compartment or "",
        visit_pass=path.rpartition("/")[2] if showable else "",
        how=showable,
        money=money_view(facts, now),
        near=near if showable else None,
        timeline=timeline(facts, now, path),
    )
