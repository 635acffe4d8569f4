"""A hand-in receipt as a page: proof that the things left the shopper's hands. Pure."""

from typing import Final

import msgspec

from dropoff.counter.service import ReceiptView
from dropoff.shopper.rules import N_
from dropoff.web import words

REASONS: Final = {
    "not_presented": N_("Not there"),
    "prohibited": N_("Not allowed"),
    "too_large": N_("Too large"),
    "wrong_item": N_("Not the right thing"),
    "wet_or_leaking": N_("Wet or leaking"),
    "other": N_("Not taken"),
}
"""Why a clerk sent a thing back, as its shopper reads it."""


class ParcelLine(msgspec.Struct, frozen=True):
    tag: str
    units: tuple[str, ...]


class Seal(msgspec.Struct, frozen=True, kw_only=True):
    """The receipt's signed form, and where it can be had."""

    compact: str
    file: str
    undo_file: str
    qr: str
    """Empty when it is too long for a picture."""


class ReceiptPage(msgspec.Struct, frozen=True, kw_only=True):
    tone: str
    icon: str
    headline: str
    lead: str
    facts: tuple[tuple[str, str], ...]
    parcels: tuple[ParcelLine, ...]
    stays: tuple[tuple[str, str], ...]
    undone: bool
    test: bool
    back: str
    """To the page of the return, for those who came from there."""
    seal: Seal | None


def receipt_page(view: ReceiptView, *, back: str = "", seal: Seal | None = None) -> ReceiptPage:
    zone = view.place.zone if view.place else "UTC"
    parcels = tuple(
        ParcelLine(parcel.tag, tuple(_named(unit.title, unit.variant) for unit in parcel.units))
        for parcel in view.parcels
    )
    count = sum(len(parcel.units) for parcel in parcels)
    undone = view.undone_at is not None
    things = words.count(count, N_("thing"), N_("things"))
    taken_back = N_("The shop gave the things back to you. This receipt counts no more; the code of the return does.")
    nothing = N_("The things stay with you. The code and its last day stay as they are.")
    # A receipt is kept, so it names its day in full: "today" would be wrong tomorrow.
    moment = view.handed_in_at
    facts = [(N_("When"), f"{words.full(moment, zone)}, {words.clock(moment, zone)}")]
    if view.place is not None:
        town = f"{view.place.postcode} {view.place.city}".strip()
        facts.append((N_("Where"), ", ".join(part for part in (view.place.name, view.place.street, town) if part)))
    facts.append((N_("Number"), view.hand_in))
    return ReceiptPage(
        tone="wait" if undone or not count else "good",
        icon="undo" if undone else "yes" if count else "again",
        headline=N_("Taken back") if undone else N_("Handed in") if count else N_("Nothing handed in"),
        lead=taken_back if undone else f"{things} for {view.retailer}" if count else nothing,
        facts=tuple(facts),
        parcels=parcels,
        stays=tuple((_named(one.unit.title, one.unit.variant), REASONS[one.reason]) for one in view.refused),
        undone=undone,
        test=not view.live,
        back=back,
        seal=seal,
    )


def _named(title: str, variant: str | None) -> str:
    return f"{title} {variant}" if variant else title
