"""What may happen to a compartment that is meant for one parcel, and what the bank's words mean for it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from dropoff.ports.locker import Reservation, Size

DEPOSIT_STATES: Final = (
    "reserving",
    "reserved",
    "opening",
    "open",
    "deposited",
    "collected",
    "refused",
    "expired",
    "released",
    "blocked",
    "cleared",
)

TRANSITIONS: Final[Mapping[tuple[str, str], str]] = {
    ("reserving", "hold"): "reserved",
    ("reserving", "refuse"): "refused",
    ("reserving", "block"): "blocked",
    ("reserved", "tell_open"): "opening",
    ("reserved", "expire"): "expired",
    ("reserved", "give_up"): "released",
    ("opening", "opened"): "open",
    ("opening", "stay_shut"): "reserved",
    ("opening", "expire"): "expired",
    ("opening", "block"): "blocked",
    ("open", "shut_empty"): "reserved",
    ("open", "deposit"): "deposited",
    ("open", "block"): "blocked",
    ("deposited", "strand"): "blocked",
    ("deposited", "collect"): "collected",
    ("blocked", "clear"): "cleared",
}

LIVE: Final = ("reserving", "reserved", "opening", "open")
"""The shopper is at it: one of these for each return."""
HOLDING: Final = ("reserved", "opening", "open", "deposited")
"""The compartment is this parcel's: one of these for each compartment."""
OURS: Final = (*LIVE, "deposited", "blocked")
"""Something of ours lies in it, or may soon."""
ENDED: Final = ("collected", "refused", "expired", "released", "cleared")
"""The bank may have the compartment back."""

KEPT: Final = timedelta(minutes=15)
"""How long a compartment waits for the shopper to open it."""
KEPT_BY_BANK: Final = KEPT + timedelta(minutes=2)
"""The bank lets go after us, so that what we say is held is held."""
DOOR_OPEN_TOO_LONG: Final = timedelta(minutes=5)
ASKED_AT_MOST: Final = timedelta(minutes=2)
"""A reservation that the bank neither confirms nor refuses is given up: nothing lies in it."""
OPENING_TAKES: Final = timedelta(seconds=20)
"""How long an order to open may still be on its way. Only then does a shut door mean that it was not carried out."""
TRIES_A_DAY: Final = 12
REPORTS_A_DAY: Final = 3
"""How many compartments one return may have held back by the shopper's word alone."""
LOOK_EVERY: Final = timedelta(seconds=1)

Seen = Literal["opened", "wait", "stay_shut", "expire", "deposit", "ask", "shut_empty", "block"]


def sources(event: str) -> tuple[str, ...]:
    """The states from which an event is possible: what a guard's WHERE names."""
    return tuple(state for state, known in TRANSITIONS if known == event)


def target(event: str) -> str:
    (found,) = {state for (_, known), state in TRANSITIONS.items() if known == event}
    return found


class Facts(msgspec.Struct, frozen=True):
    """A deposit as far as a look at the bank is judged by."""

    state: str
    told_at: datetime
    """When the door was told to open."""
    confirmed: bool = False
    """The shopper says that it is in and the door is shut: asked for where the bank cannot tell."""


def judge(facts: Facts, found: Reservation | None, at: datetime) -> Seen:
    """What a look at the bank means for a deposit that is `opening` or `open`.

    Nothing is accepted while the door is open or nobody can say whether it is.
    """
    if found is None:
        return "expire" if facts.state == "opening" else "block"
    door, inside = found.compartment.door, found.compartment.inside
    if facts.state == "opening" and not found.opened:
        return "stay_shut" if at - facts.told_at >= OPENING_TAKES else "wait"
    if facts.state == "opening":
        return "opened"
    if door == "unknown" and inside is None and facts.confirmed:
        return "deposit"  # a bank that senses neither
    if door != "shut":
        return "wait"
    if inside is None:
        return "deposit" if facts.confirmed else "ask"
    return "deposit" if inside else "shut_empty"


def door_number(told: str) -> str:
    """What stands on a door, whatever a bank says: fit for its column, and something to be seen."""
    return words_of(told)[:20] or "?"


def words_of(told: str) -> str:
    """Without signs that nobody sees. PostgreSQL keeps no NUL."""
    return "".join(sign for sign in told if sign.isprintable()).strip()


def has_left(status: str, here: bool, container_kind: str | None) -> bool:
    """Whether a parcel lies in its compartment no more. One that became a logistic unit of its own still lies there
    until the driver takes it; one in a bag was taken out."""
    if status in ("received", "void", "lost", "in_transit") or not here:
        return True
    return container_kind is not None and container_kind != "parcel"


SIZE_MM: Final[dict[Size, tuple[int, int, int]]] = {
    "small": (380, 80, 640),
    "medium": (380, 190, 640),
    "large": (380, 410, 640),
}
"""Width, height, depth to show while a bank has told none of its own."""
