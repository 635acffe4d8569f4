"""What the till says: every verdict and reason as a colour, an icon, a few words, and the next step. Pure."""

from collections.abc import Iterable
from typing import Final

import msgspec

from dropoff.counter import elsewhere
from dropoff.counter.reading import read
from dropoff.kernel import codes
from dropoff.kernel.foreign import Foreign, identify
from dropoff.receiving.till_bags import BagWords, bag_name
from dropoff.web.languages import N_, _, said


class Result(msgspec.Struct, frozen=True):
    """The big answer: `tone` is good, wait, bad or info, always beside an icon and words."""

    tone: str
    icon: str
    title: str
    text: str = ""
    next: str = ""
    bag: BagWords | None = None


REFUSALS: Final[dict[str, Result]] = {
    reason: Result("bad", icon, title, text, step)
    for reason, icon, title, text, step in (
        (
            "pass_expired",
            "wait",
            N_("The code has run out"),
            N_("Its last day is over."),
            N_("Give the things back. The customer asks the retailer for a new return."),
        ),
        (
            "pass_cancelled",
            "no",
            N_("This return is cancelled"),
            N_("The customer or the retailer cancelled it."),
            N_("Give the things back. The retailer can make a new return."),
        ),
        (
            "pass_unknown",
            "no",
            N_("We do not know this code"),
            N_("It is not in our network."),
            N_("Scan again, or type the short code below the square, four and four and four."),
        ),
        (
            "unit_unknown",
            "no",
            N_("Not in this return"),
            N_("One of the things does not belong to this code."),
            N_("Scan the pass again."),
        ),
        (
            "unit_expired",
            "wait",
            N_("Too late for this thing"),
            N_("It was cancelled or has run out."),
            N_("Give it back. The rest can be handed in."),
        ),
        (
            "tag_used",
            "no",
            N_("Tag used before"),
            N_("This tag is, or was, on another parcel."),
            N_("Take a new tag from the roll and scan that one."),
        ),
        (
            "tag_malformed",
            "no",
            N_("This is no tag"),
            N_("A tag has 6 to 20 letters and digits."),
            N_("Scan the tag that you stick on the parcel."),
        ),
        (
            "tag_foreign_roll",
            "no",
            N_("Tag of another shop"),
            N_("Its roll is registered at another place."),
            N_("Take a tag from your own roll. If you have none, say below why this one is taken."),
        ),
        (
            "container_unknown",
            "no",
            N_("We do not know this bag"),
            "",
            N_("Choose another bag, or open a new one."),
        ),
        (
            "wrong_location",
            "no",
            N_("It is not here"),
            N_("By our books it is at another place."),
            N_("Put it aside and call the operator."),
        ),
        (
            "wrong_container",
            "no",
            N_("Wrong bag"),
            N_("This bag goes somewhere else."),
            N_("Choose another bag, or open a new one."),
        ),
        (
            "container_not_open",
            "no",
            N_("This bag is closed"),
            N_("It was sealed already, or is still empty."),
            N_("Use the next bag."),
        ),
        (
            "over_weight",
            "no",
            N_("Bag too heavy"),
            N_("With this parcel it would pass its weight limit."),
            N_("Seal this bag and open a new one."),
        ),
        (
            "location_paused",
            "no",
            N_("This place takes nothing now"),
            N_("Intake is paused here."),
            N_("Send the customer to the next place; the code stays valid."),
        ),
        (
            "test_mode",
            "no",
            N_("Test and real do not mix"),
            N_("A test code works at a test till only, and a real code at a real one."),
            N_("Give the things back, or use the other till."),
        ),
        (
            "already_planned",
            "wait",
            N_("It leaves already"),
            N_("This bag is booked on a shipment."),
            N_("Leave it closed. The operator can cancel the shipment."),
        ),
        (
            "undo_too_late",
            "wait",
            N_("Too late to undo"),
            N_("Ten minutes are over, or the bag is sealed."),
            N_("Call the operator."),
        ),
        (
            "not_booked",
            "wait",
            N_("Not booked yet"),
            N_("No carrier is booked for this bag."),
            N_("Keep it here until the next driver."),
        ),
        (
            "count_differs",
            "no",
            N_("The counts differ"),
            N_("You and the driver do not count the same. Nothing was handed over."),
            N_("Count again together."),
        ),
        (
            "not_due",
            "wait",
            N_("The driver is not late yet"),
            N_("It is not time for this pickup."),
            N_("Wait until its time is over."),
        ),
    )
}

GONE_STALE: Final = Result(
    "wait",
    "again",
    N_("Scan it once more"),
    N_("The page of this code was open too long."),
    N_("Scan the customer's code again."),
)
NO_PHOTO: Final = Result(
    "wait", "again", N_("No photo of this"), N_("This hand-in is not one of this place."), N_("Scan the next code.")
)
PHOTO_KEPT: Final = Result(
    "good", "yes", N_("Photo kept"), N_("The retailer of the return sees it."), N_("The next customer, please.")
)
SOME_CAME: Final = Result(
    "wait",
    "again",
    N_("Part of it came before"),
    N_("Another till has taken in a part of this code meanwhile."),
    N_("Below is the rest. Look what is on the table, then take it in."),
)
GONE: Final = Result(
    "wait",
    "again",
    N_("This parcel has arrived"),
    N_("It is not at this place any more."),
    N_("A used tag is no new one."),
)
UNDONE: Final = Result(
    "info",
    "undo",
    N_("Taken back"),
    N_("The things are the customer's again."),
    N_("Throw the tag away; it counts as used."),
)
UNIT_REASONS: Final = (
    ("not_presented", N_("Not here today")),
    ("prohibited", N_("Not allowed")),
    ("too_large", N_("Too large")),
    ("wrong_item", N_("Not the right thing")),
    ("wet_or_leaking", N_("Wet or leaking")),
    ("other", N_("Another reason")),
)
EXTRA: Final = N_("Something else on the table?")
EXTRA_PORTAL: Final = N_(
    "Take in only what belongs to this code. For the rest the customer scans this and begins another return at"
    " {retailer}."
)
EXTRA_ASK: Final = N_(
    "Take in only what belongs to this code. For the rest the customer asks {retailer} for another return; then scan"
    " its code."
)
UNNAMED: Final = ("post", "SSCC")
LEFT_BEHIND: Final = {
    "not_presented": N_("not taken along"),
    "seal_broken": N_("its seal is broken, a case is open"),
    "not_booked": N_("not booked yet"),
    "wrong_location": N_("not at this place by our books"),
}


def refused(reason: str | None) -> Result:
    return said(REFUSALS[reason or "pass_unknown"])


def foreign(found: Foreign) -> Result:
    name, unnamed = elsewhere.NAMES[found.network], found.network in UNNAMED
    if found.strength == "certain":
        title = _("This is a label of %(name)s", name=name) if unnamed else _("This is a %(name)s label", name=name)
        text = _("It is not ours.")
    else:
        title = _("Maybe a label of %(name)s", name=name) if unnamed else _("Maybe a %(name)s label", name=name)
        also = _(" or ").join(_(elsewhere.NAMES[one]) for one in found.others)
        text = _("It is no tag of ours.")
        text += " " + _("It may be one of %(names)s too.", names=also) if also else ""
    step = _("Used box: cover the old label, then scan the customer's code.")
    where = _("A parcel that shall go with it belongs to %(where)s.", where=elsewhere.WHERE[found.network])
    return Result("bad", "cover", title, text, f"{step} {where}")


def no_tag(texts: Iterable[str]) -> Result:
    """Named, when something else was scanned into a tag field."""
    plain = refused("tag_malformed")
    for text in texts:
        reading = read(text)
        if not text or (reading.tag is not None and (reading.maybe is None or reading.maybe.strength != "likely")):
            continue
        what = plain.text
        if reading.network is not None:
            what = f"{foreign(identify(text) or Foreign(reading.network)).title}."
        elif reading.maybe is not None:
            what = f"{foreign(reading.maybe).title}. {_('If it is a tag, the operator registers its roll.')}"
        elif reading.sscc is not None:
            what = _("This is the label of a bag or of a shipment.")
        elif reading.short_code is not None or reading.may_be_pass:
            what = _("This is a customer's code. Each customer is taken in alone.")
        return msgspec.structs.replace(plain, text=what)
    return plain


def fresh_tag(text: str) -> Result:
    """Twelve signs that no parcel carries are a tag, or a short code with a slip in it: only the clerk can know."""
    signs = codes.code_signs(text)
    if len(signs) == codes.SHORT_LENGTH and not signs.isdecimal() and not signs.isalpha():
        return Result(
            "wait",
            "again",
            _("We do not know this"),
            _("If it is a short code, one sign is wrong. It has no 0, 1, 5, O, I, L or S."),
            _("Ask for the code once more, sign by sign. If it is a fresh tag, first scan the customer's code."),
        )
    return Result("info", "info", _("A fresh tag"), "", _("First scan the customer's code, then this tag."))


def unknown(text: str) -> Result:
    return Result(
        "wait",
        "again",
        _("We do not know this"),
        _("It says: %(text)s", text=text[:60]) if text else "",
        _("Scan once more. If it stays, type the short code below the square, four and four and four."),
    )


def new_label(sscc: str) -> Result:
    text = _("No bag carries %(number)s yet.", number=sscc[-4:])
    return Result("info", "bag", _("A new bag label"), text, _("Stick it on an empty bag."))


def opened(kind: str, sscc: str, *, pre_printed: bool) -> Result:
    """A number that the server made stands nowhere yet but here."""
    name = bag_name(kind, sscc)
    by_hand = _("Write %(number)s on the bag, large.", number=sscc[-4:])
    step = _("Scan the tags that go in.") if pre_printed else by_hand
    return Result("good", "bag", _("%(bag)s is open", bag=name), "", step)


def already(retailer: str) -> Result:
    return Result(
        "wait",
        "again",
        _("Already taken in"),
        _("Everything of this code is on its way to %(retailer)s.", retailer=retailer)
        if retailer
        else _("It was handed in before."),
        _("Nothing to do. The customer's phone shows the receipt."),
    )


def nothing_left(reasons: Iterable[str]) -> Result:
    """Of a visit: why there is nothing to take in, in the words of each of its returns."""
    told = ". ".join(dict.fromkeys(reasons))
    text = f"{told}." if told else _("No return is under this code.")
    return Result("wait", "again", _("Nothing to take in"), text, _("The customer's phone shows each return."))
