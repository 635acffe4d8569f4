"""What the till's script says and draws: every answer as the pages say it, with gaps in braces that the script fills.
One catalogue: the words travel with the page, and none stands in the script. Pure."""

from functools import lru_cache
from typing import Any, Final, get_args

import msgspec

from dropoff.counter import elsewhere
from dropoff.counter.pictograms import Kind
from dropoff.counter.rules import REFUSED_UNIT_REASONS
from dropoff.kernel.foreign import Foreign
from dropoff.receiving import till_bags, till_words
from dropoff.receiving.till_words import Result
from dropoff.web.languages import LANGUAGES, N_, NN_, _, language, plural, said

ICONS: Final = (
    *("yes", "no", "wait", "again", "info", "box", "bag", "cover", "go", "undo", "tick", "camera", "torch"),
    *(f"kind_{kind}" for kind in get_args(Kind)),
    *("retailer_bag", "hub_bag", "customs_bag"),
    *REFUSED_UNIT_REASONS,
)
"""Those that the script draws; they lie in the page as templates."""

RESULTS: Final[dict[str, Result]] = {
    **till_words.REFUSALS,
    "accepted": Result("good", "yes", N_("Taken in"), N_("{things} in tag {tag}. {back}")),
    "nothing_taken": Result(
        "wait", "again", N_("Nothing taken in"), "{back}", N_("The code stays valid for the customer.")
    ),
    "some_came": till_words.SOME_CAME,
    "undone": till_words.UNDONE,
    "fresh_tag": Result("info", "info", N_("A fresh tag"), "", N_("First scan the customer's code, then this tag.")),
    "short_code_slip": Result(
        "wait",
        "again",
        N_("One sign of the code is wrong"),
        N_("A short code has no 0, 1, 5, O, I, L or S."),
        N_("Ask for the code once more, sign by sign."),
    ),
    "other_pass": Result(
        "wait",
        "again",
        N_("Another customer's code"),
        N_("Each code is taken in alone."),
        N_("First scan the tag for these things, or stop."),
    ),
    "bag_chosen": Result("info", "bag", N_("It goes into bag {bag}"), "", N_("Now scan the tag.")),
    "noted": Result(
        "wait",
        "wait",
        N_("Noted, will be sent"),
        N_("{things} in tag {tag}. There is no network: nothing is accepted yet."),
        N_("Keep it behind the counter, in no bag."),
    ),
    "noted_before": Result(
        "wait", "again", N_("Noted before"), N_("This code was noted on this device."), N_("Nothing to do.")
    ),
    "not_in_list": Result(
        "wait",
        "again",
        N_("We cannot look this code up"),
        N_("There is no network, and it is not in the list of {when}. It may be new, or no code of ours."),
        N_("If it looks right, note it and keep the parcel apart."),
    ),
    "no_list": Result(
        "bad",
        "no",
        N_("No network"),
        N_("This device holds no list of codes."),
        N_("If the code looks right, note it and keep the parcel apart."),
    ),
    "needs_network": Result("wait", "wait", N_("No network"), N_("Now only passes and tags can be scanned."), ""),
    "not_paired": Result(
        "bad",
        "no",
        N_("This device is no till any more"),
        N_("Nothing was stored. Keep the customer's things apart."),
        N_("Ask the operator for a pairing link and open it on this device."),
    ),
    "till_too_old": Result(
        "bad",
        "again",
        N_("This till is too old"),
        N_("The service has changed. Nothing was stored; what was noted stays noted."),
        N_("Load the page again."),
    ),
    "too_many": Result("bad", "wait", N_("Too many tries"), "", N_("Wait ten minutes, or scan the pass.")),
    "refused_call": Result("bad", "no", N_("We could not read that"), "", N_("Load the page again.")),
    "broken": Result(
        "bad", "no", N_("Something broke on this device"), N_("Nothing was stored."), N_("Load the page again.")
    ),
}
SAYS: Final[dict[str, str]] = {
    "for": N_("for {retailer}"),
    "working": N_("Looking it up…"),
    "look": N_("Is it all there? One tap says so. Untick what is not."),
    "tag": N_("Now scan the tag that you stick on."),
    "rest": N_("The tag is scanned. Take in what is ticked?"),
    "nothing": N_("Nothing is left to take in."),
    "all_here": N_("All here"),
    "all_here_hint": N_("You saw each thing"),
    "sealed": N_("Sealed parcel"),
    "sealed_hint": N_("It stays closed"),
    "take_in": N_("Take it in"),
    "refuse_all": N_("Give all of it back"),
    "more": N_("Several parcels, another bag"),
    "stop": N_("Stop"),
    "why": N_("Why not?"),
    "undo": N_("Undo"),
    "all_of_it": N_("All of it"),
    **{f"bag_{kind}": title for kind, title in till_bags.TITLES.items()},
    "bag_name": N_("Bag {bag}"),
    "bag_none": till_bags.NO_BAG,
    "bag_open": till_bags.OPEN_ONE,
    "bag_full": till_bags.FULL,
    "bag_seal_before": till_bags.SEAL_BEFORE,
    "bag_count": N_("{n} of {max} parcels"),
    "bag_weight": N_("{now} of {max}"),
    "bag_kg": N_("{n} kg"),
    "put": N_("Put it into bag {bag}."),
    "put_new": N_("Put it into a new bag. Write {bag} on it, large."),
    "put_loose": N_("Keep it behind the counter. It is in no bag yet."),
    "extra": till_words.EXTRA,
    "extra_portal": till_words.EXTRA_PORTAL,
    "extra_ask": till_words.EXTRA_ASK,
    "extra_alt": N_("QR code of the page where another return begins"),
    "camera": N_("Scan with the camera"),
    "camera_close": N_("Camera off"),
    "camera_refused": N_("The browser lets this page use no camera. Allow it in its settings, or type the code."),
    "camera_failed": N_("The camera does not work here. Type the code."),
    "torch": N_("Light"),
    "note_all_the_same": N_("Note it all the same"),
    "send_now": N_("Send now"),
    "sign_in": N_("This device has to be paired again. What it noted stays here and is sent then."),
    "offline_look": N_("No network: all of it is noted at once. One tap says that all is there."),
    "queue_title": N_("Noted here, not sent yet: {unsent}"),
    "parked_title": N_("These need somebody"),
    "told_accepted": N_("{tag} is taken in now. Put it into bag {bag}."),
    "told_already": N_("{tag}: it was handed in before. Keep the parcel apart; if that was elsewhere, a case is open."),
    "told_already_here": N_(
        "{tag}: another place was recorded first, but here it was first in hand. Keep the parcel apart; a case is open."
    ),
    "told_already_elsewhere": N_(
        "{tag}: it was handed in at another place before. Keep the parcel apart; a case is open."
    ),
    "told_refused": N_("{tag} is not taken in: {why}"),
    "told_elsewhere": N_("{tag} was noted at another place than this device is at now. Call the operator."),
    "told_unread": N_("{tag}: the service cannot read it. Call the operator."),
    "seen": N_("Seen"),
    "fast": N_("Fast mode"),
    "fast_hint": N_("Parcels stay sealed: code, tag, done."),
}
COUNTS: Final[dict[str, tuple[str, str]]] = {
    "unsent": NN_("{n} hand-in", "{n} hand-ins"),
    "things": NN_("{n} thing", "{n} things"),
    "parcels": NN_("{n} parcel", "{n} parcels"),
    "others": NN_("{n} thing of this code came before.", "{n} things of this code came before."),
    "back": NN_("{n} thing goes back with the customer.", "{n} things go back with the customer."),
}


def script_words() -> str:
    """As JSON, for an attribute of the page."""
    return _written(language())


@lru_cache(maxsize=len(LANGUAGES))
def _written(_spoken: str) -> str:
    words: dict[str, Any] = {
        "results": said({**RESULTS, **_made()}),
        "reasons": [(value, _(why), value) for value, why in till_words.UNIT_REASONS],
        "says": said(SAYS),
        "counts": {name: (plural(one, many, 1), plural(one, many, 2)) for name, (one, many) in COUNTS.items()},
    }
    return msgspec.json.encode(words).decode()


def _made() -> dict[str, Result]:
    """Answers that are made of more than one text."""
    return {
        "already": till_words.already("{retailer}"),
        "unknown": till_words.unknown("{text}"),
        **{f"foreign_{name}": till_words.foreign(Foreign(name)) for name in elsewhere.NAMES},
        **{f"foreign_{name}_maybe": till_words.foreign(Foreign(name, "likely")) for name in elsewhere.NAMES},
    }
