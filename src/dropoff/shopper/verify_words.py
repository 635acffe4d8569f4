"""What is true of a signed receipt, in words: the same on the page and on the command line. Pure."""

from datetime import datetime
from typing import Final

import msgspec

from dropoff.counter.signed import Checked, Receipt, SignedPlace, SignedUnit, Status, UndoNote
from dropoff.shopper.rules import REASONS
from dropoff.web import words
from dropoff.web.languages import N_, _

EXIT: Final[dict[Status, int]] = {
    "good": 0,
    "test": 3,
    "undone": 4,
    "no_receipt": 5,
    "tampered": 6,
    "unknown_key": 7,
    "other_network": 8,
    "expired_key": 9,
    "revoked_key": 10,
}
"""Exit status of `dropoff verify-receipt`. 1 is a fault and 2 a wrong call, as everywhere."""

LOOKS: Final[dict[Status, tuple[str, str]]] = {
    "good": ("good", "yes"),
    "test": ("wait", "again"),
    "undone": ("wait", "undo"),
    "no_receipt": ("wait", "again"),
    "tampered": ("bad", "no"),
    "unknown_key": ("bad", "no"),
    "other_network": ("wait", "again"),
    "expired_key": ("bad", "no"),
    "revoked_key": ("bad", "no"),
}
"""Colour and icon."""

TITLES: Final[dict[Status, str]] = {
    "good": N_("This receipt is genuine"),
    "test": N_("A genuine receipt of a test"),
    "undone": N_("A genuine note: taken back"),
    "no_receipt": N_("This is no receipt"),
    "tampered": N_("Do not trust this receipt"),
    "unknown_key": N_("Nobody vouches for this receipt"),
    "other_network": N_("A receipt of another network"),
    "expired_key": N_("Do not trust this receipt"),
    "revoked_key": N_("The key of this receipt was called back"),
}


class Books(msgspec.Struct, frozen=True):
    """What the network itself knows beside the signature."""

    undone_at: datetime | None
    same: bool
    """Its own books hold this very text."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    tone: str
    icon: str
    title: str
    text: tuple[str, ...]
    facts: tuple[tuple[str, str], ...] = ()
    parcels: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Tag, and what was in it."""
    stays: tuple[tuple[str, str], ...] = ()
    """What was not taken, and why."""


def told(checked: Checked, issuer: str, books: Books | None = None) -> Told:
    """`issuer`: whose keys these are. `books`: only where the network itself answers."""
    taken_back = books is not None and books.undone_at is not None and checked.status in ("good", "test")
    tone, icon = LOOKS["undone" if taken_back else checked.status]
    plain = Told(tone=tone, icon=icon, title=TITLES[checked.status], text=_text(checked, issuer, books))
    if checked.receipt is not None:
        return _with_receipt(plain, checked.receipt, checked.kid)
    if checked.note is not None:
        facts = _facts(checked.note, checked.note.place, checked.note.undone_at, checked.kid)
        return msgspec.structs.replace(plain, facts=facts)
    return plain


def _text(checked: Checked, issuer: str, books: Books | None) -> tuple[str, ...]:
    if checked.status in ("good", "test", "undone"):
        first = _("%(issuer)s signed it, and not a letter of it was changed since.", issuer=checked.issuer)
        trial = _("It is of a trial: no real parcel, no real money.")
        return (first, *([trial] if checked.status == "test" else []), _later(checked, books))
    if checked.status == "no_receipt":
        return (_("A receipt is one long line of letters and digits with two dots in it. Its file ends in .jwt."),)
    if checked.status == "tampered":
        return (_("Its signature does not fit: it was changed after it was signed, or somebody else made it."),)
    named = checked.issuer or _("nobody")
    if checked.status == "unknown_key":
        return (
            _("It says that %(named)s issued it, but its key %(key)s is none that %(issuer)s has published.")
            % {"named": named, "key": checked.kid, "issuer": issuer},
            _("With keys that were kept for a while, fetch them anew and check again.")
            + " "
            + _("If it stays so, do not trust it."),
        )
    if checked.status == "other_network":
        whose = _(
            "It says that %(named)s issued it. The keys here are those of %(issuer)s.", named=named, issuer=issuer
        )
        asking = _("Ask for the other network's keys and check it there.")
        return (f"{whose} {asking}",)
    if checked.status == "expired_key":
        return (_("The signature fits, but its key did not sign at the time that the receipt names."),)
    held = books is not None and books.same
    return (
        _("The signature fits, but somebody beside the network may have had its key, so the signature proves nothing."),
        _("The network's own books hold this very receipt: what it says is true all the same.")
        if held
        else _("Ask the network whether its books hold it."),
    )


def _later(checked: Checked, books: Books | None) -> str:
    if checked.note is not None:
        return _("The shop gave the things back. The receipt of this hand-in counts no more.")
    if books is None:
        page = f"{checked.issuer}/verify"
        return _("Whether the things were given back later is told by %(page)s only.", page=page)
    if books.undone_at is None:
        return _("By the network's books it stands: nothing was given back.")
    zone = checked.receipt.place.zone if checked.receipt else "UTC"
    when = _moment(books.undone_at, zone)
    return _("But on %(when)s the shop gave the things back: the receipt counts no more.", when=when)


def _with_receipt(plain: Told, receipt: Receipt, kid: str) -> Told:
    facts = list(_facts(receipt, receipt.place, receipt.received_at, kid))
    facts.insert(1, (_("By the till's clock"), _moment(receipt.scanned_at, receipt.place.zone)))
    facts.insert(0, (_("For"), receipt.retailer.name))
    return msgspec.structs.replace(
        plain,
        facts=tuple(facts),
        parcels=tuple((one.tag, tuple(_named(unit) for unit in one.units)) for one in receipt.parcels),
        stays=tuple((_named(one.unit), _(REASONS.get(one.reason, one.reason))) for one in receipt.refused),
    )


def _facts(content: Receipt | UndoNote, place: SignedPlace, at: datetime, kid: str) -> tuple[tuple[str, str], ...]:
    town = f"{place.postcode} {place.city}".strip()
    where = ", ".join(part for part in (place.name, place.street, town, place.country) if part)
    tags = ((_("Tags"), ", ".join(content.tags)),) if isinstance(content, UndoNote) else ()
    return (
        (_("When"), _moment(at, place.zone)),
        (_("Where"), where),
        *tags,
        (_("Number"), content.hand_in),
        (_("Key"), kid),
    )


def _moment(at: datetime, zone: str) -> str:
    try:
        return f"{words.full(at, zone)}, {words.clock(at, zone)} ({zone})"
    except (KeyError, ValueError, OSError):  # another network's word for a zone
        return f"{words.full(at, 'UTC')}, {words.clock(at, 'UTC')} (UTC)"


def _named(unit: SignedUnit) -> str:
    return f"{unit.title} {unit.variant}" if unit.variant else unit.title


def lines(said: Told) -> list[str]:
    """For a terminal. Whatever a receipt says, it steers no terminal."""
    rows = [f"{said.title}.", *said.text]
    rows += [f"{label + ':':22}{text}" for label, text in said.facts]
    rows += [f"{'Tag ' + tag + ':':22}{', '.join(units)}" for tag, units in said.parcels]
    rows += [f"{'Not taken:':22}{what} ({why})" for what, why in said.stays]
    return ["".join(sign for sign in row if sign.isprintable()) for row in rows]
