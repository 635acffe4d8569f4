"""A hand-in receipt as a page: proof that the things left the shopper's hands. Pure."""

import msgspec

from dropoff.counter.service import ReceiptView
from dropoff.shopper.rules import REASONS
from dropoff.web import words
from dropoff.web.languages import _, ngettext


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
    taken_back = _("The shop gave the things back to you. This receipt counts no more; the code of the return does.")
    nothing = _("The things stay with you. The code and its last day stay as they are.")
    # A receipt is kept, so it names its day in full: "today" would be wrong tomorrow.
    moment = view.handed_in_at
    facts = [(_("When"), f"{words.full(moment, zone)}, {words.clock(moment, zone)}")]
    if view.place is not None:
        town = f"{view.place.postcode} {view.place.city}".strip()
        facts.append((_("Where"), ", ".join(part for part in (view.place.name, view.place.street, town) if part)))
    facts.append((_("Number"), view.hand_in))
    return ReceiptPage(
        tone="wait" if undone or not count else "good",
        icon="undo" if undone else "yes" if count else "again",
        headline=_("Taken back") if undone else _("Handed in") if count else _("Nothing handed in"),
        lead=taken_back if undone else _for(count, view.retailer or "") if count else nothing,
        facts=tuple(facts),
        parcels=parcels,
        stays=tuple((_named(one.unit.title, one.unit.variant), REASONS[one.reason]) for one in view.refused),
        undone=undone,
        test=not view.live,
        back=back,
        seal=seal,
    )


def _for(count: int, retailer: str) -> str:
    return ngettext("%(num)d thing for %(retailer)s", "%(num)d things for %(retailer)s", count, retailer=retailer)


def _named(title: str, variant: str | None) -> str:
    return f"{title} {variant}" if variant else title
