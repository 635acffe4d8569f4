"""What may happen at a counter: states of parcels and containers as tables, the closed lists, and who wins when several
refusals are true."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

PARCEL_STATES = ("tagged", "in_container", "in_transit", "at_hub", "received", "lost", "void")

WAITING_STATES = ("tagged", "in_container", "at_hub")
"""A parcel that lies at a place and takes room there."""

PARCEL_TRANSITIONS: dict[tuple[str, str], str] = {
    ("tagged", "pack"): "in_container",
    ("at_hub", "pack"): "in_container",
    ("in_container", "depart"): "in_transit",
    ("in_transit", "reach_hub"): "at_hub",
    ("in_container", "reach_hub"): "at_hub",
    ("tagged", "reach_hub"): "at_hub",
    ("in_transit", "receive"): "received",
    ("in_container", "receive"): "received",
    ("at_hub", "receive"): "received",
    ("tagged", "receive"): "received",
    ("lost", "receive"): "received",
    ("lost", "reach_hub"): "at_hub",
    ("tagged", "lose"): "lost",
    ("in_container", "lose"): "lost",
    ("in_transit", "lose"): "lost",
    ("at_hub", "lose"): "lost",
    ("tagged", "void"): "void",
    ("in_container", "void"): "void",
}

CONTAINER_KINDS = ("bag", "tote", "cage", "pallet")
"""What a till can open. A `parcel` is a loose parcel that travels as a logistic unit of its own."""

LIFTED = ("bag", "tote")
"""What one person lifts: a lane may say how heavy and how full."""

CONTAINER_STATES = ("open", "sealed", "handed_over", "received", "unpacked")

CONTAINER_TRANSITIONS: dict[tuple[str, str], str] = {
    ("open", "seal"): "sealed",
    ("sealed", "unseal"): "open",
    ("sealed", "hand_over"): "handed_over",
    ("handed_over", "receive"): "received",
    ("sealed", "receive"): "received",
    ("received", "unpack"): "unpacked",
}

RefusedUnitReason = Literal["not_presented", "prohibited", "too_large", "wrong_item", "wet_or_leaking", "other"]
REFUSED_UNIT_REASONS: Final = ("not_presented", "prohibited", "too_large", "wrong_item", "wet_or_leaking", "other")

Verdict = Literal["accepted", "already", "refused"]

REFUSALS: Final[Mapping[str, str]] = {
    "pass_expired": "This pass has ended. Only the shop that sold the things can make a new one.",
    "pass_cancelled": "This return was cancelled. Give the things back.",
    "pass_unknown": "No return has this code. Scan it again, or type the short code below the picture.",
    "unit_unknown": "This is not part of the return or parcel that was scanned.",
    "unit_expired": "The time to hand this in has ended.",
    "tag_used": "This tag was on another parcel. Take a fresh one.",
    "tag_malformed": "This is not a tag. Scan the tag that goes on the parcel.",
    "tag_foreign_roll": "This tag belongs to another place. Take one from your own roll.",
    "container_unknown": "We do not know this bag. Scan its label again, or open a new one.",
    "wrong_location": "This is not at your place.",
    "wrong_container": "This goes another way. Use another bag.",
    "container_not_open": "This bag is not open. Use another bag.",
    "over_weight": "The bag is full, or would be too heavy. Seal it and open another.",
    "location_paused": "This place does not take parcels in at the moment.",
    "test_mode": "Test passes and test tills work with each other only.",
    "already_planned": "The driver is booked for this already.",
    "undo_too_late": "This can no longer be undone.",
    "not_booked": "No departure is booked for this.",
    "count_differs": "The driver counted another number.",
    "not_due": "It is not time for this driver yet.",
}
"""The closed list of reasons, each with the sentence that a clerk reads."""

REFUND_STANDS: Final = frozenset({"refunded", "exchanged", "credited"})

UNDO_WITHIN: Final = timedelta(minutes=10)
CLOCK_SKEW: Final = timedelta(minutes=5)
OFFLINE_AT_MOST: Final = timedelta(hours=72)
"""How long a till may keep a hand-in to itself and still be believed when it says when it was: a long weekend."""

SHORT_CODE_MISSES: Final = 10
SHORT_CODE_WINDOW: Final = timedelta(minutes=10)
"""Ten wrong short codes with a right check character in ten minutes: nobody mistypes like that (28 of 29 slips are
caught by the check and count for nothing), and at this rate a million open passes stay unguessed for an age."""


class IllegalMove(Exception):
    """A fault of ours: the service asked for an edge that the state table does not have."""


def move(table: Mapping[tuple[str, str], str], state: str, event: str) -> str:
    try:
        return table[(state, event)]
    except KeyError:
        raise IllegalMove(f"no edge {event!r} from {state!r}") from None


def sources(table: Mapping[tuple[str, str], str], event: str) -> tuple[str, ...]:
    """The states from which an event is possible: what a guard's WHERE names."""
    return tuple(state for state, known in table if known == event)


def target(table: Mapping[tuple[str, str], str], event: str) -> str:
    """Where an event leads; a fault when it depends on the state."""
    (found,) = {state for (_, known), state in table.items() if known == event}
    return found


class PassFacts(msgspec.Struct, frozen=True):
    """What a till's question about a pass is decided by."""

    live: bool
    last_day_at: datetime
    expires_at: datetime
    custody: dict[str, str]
    """Of each unit of the return."""


def is_plausible(scanned_at: datetime, received_at: datetime) -> bool:
    """Whether the till's clock is believed: not in the future, and not longer ago than a till is ever offline."""
    return received_at - OFFLINE_AT_MOST <= scanned_at <= received_at + CLOCK_SKEW


def custody_at(scanned_at: datetime, received_at: datetime, device_now: datetime | None) -> datetime:
    """When the clerk had the thing in hand, by our clock. `device_now`: what the device's clock said when it sent this,
    however wrong: what counts is how long ago the scan was by it. Without that, the scan's own time, if plausible."""
    if device_now is not None:
        ago = device_now - scanned_at
        return received_at - ago if timedelta() <= ago <= OFFLINE_AT_MOST else received_at
    return min(scanned_at, received_at) if is_plausible(scanned_at, received_at) else received_at


def is_before(one: datetime, other: datetime) -> bool:
    """Surely before: two clocks that were set right may still be some minutes apart."""
    return one < other - CLOCK_SKEW


def is_in_time(facts: PassFacts, scanned_at: datetime, received_at: datetime) -> bool:
    """Till the end of the grace by our clock; till the end of the last day by a plausible clock of the till, however
    late its report comes."""
    if received_at <= facts.expires_at:
        return True
    return is_plausible(scanned_at, received_at) and scanned_at <= facts.last_day_at


def judge_pass(facts: PassFacts, till_is_live: bool, scanned_at: datetime, received_at: datetime) -> str | None:
    """Why the pass as a whole is refused, or None. Handed-in units do not matter here."""
    if facts.live != till_is_live:
        return "test_mode"
    custody = set(facts.custody.values())
    if custody == {"cancelled"}:
        return "pass_cancelled"
    if "expected" in custody and not is_in_time(facts, scanned_at, received_at):
        return "pass_expired"
    if custody <= {"cancelled", "expired"}:
        return "pass_expired"
    return None


def judge_units(
    facts: PassFacts, named: Collection[str], till_is_live: bool, scanned_at: datetime, received_at: datetime
) -> tuple[Verdict, str | None]:
    """The verdict on pass and units, before tags and containers are looked at.

    A till of the other mode learns nothing at all. A unit that was handed in answers `already` even when its pass has
    ended since: a till that repeats itself after a night without a network must not read "expired".
    """
    if facts.live != till_is_live:
        return "refused", "test_mode"
    states = {facts.custody.get(unit) for unit in named}
    if None in states:
        return "refused", judge_pass(facts, till_is_live, scanned_at, received_at) or "unit_unknown"
    if states - {"expected", "cancelled", "expired"}:
        return "already", None
    whole = judge_pass(facts, till_is_live, scanned_at, received_at)
    if whole is not None:
        return "refused", whole
    if "expired" in states:
        return "refused", "unit_expired"
    return ("refused", "unit_unknown") if "cancelled" in states else ("accepted", None)


class Packing(msgspec.Struct, frozen=True):
    """A container as far as it matters to what shall go in."""

    status: str
    live: bool
    location_id: str | None
    next: tuple[str, str] | None
    weight_g: int
    kind: str = "bag"
    parcels: int = 0
    customs: str = ""


LIMITS: Final = ("max_weight_g", "max_bag_weight_g", "max_bag_parcels")


class Load(msgspec.Struct, frozen=True):
    """What shall go in: from which place, to which next stop, behind which customs border, how heavy; and what the lane
    there allows."""

    location_id: str
    live: bool
    next: tuple[str, str]
    weight_g: int
    max_weight_g: int | None
    parcels: int = 1
    customs: str = ""
    max_bag_weight_g: int | None = None
    max_bag_parcels: int | None = None


def limits_of(kind: str, load: Load) -> tuple[int | None, int | None]:
    """What a container of this kind may weigh on this way, and how many parcels it may hold."""
    if kind not in LIFTED:
        return load.max_weight_g, None
    weights = [limit for limit in (load.max_weight_g, load.max_bag_weight_g) if limit is not None]
    return min(weights, default=None), load.max_bag_parcels


FULL_FROM: Final = 0.95
"""A bag this close to its weight is full: hardly anything fits in, and it has to be lifted."""


def is_full(weight_g: int, parcels: int, max_weight_g: int | None, max_parcels: int | None) -> bool:
    heavy = max_weight_g is not None and parcels > 0 and weight_g >= max_weight_g * FULL_FROM
    return heavy or (max_parcels is not None and parcels >= max_parcels)


def why_not_packed(container: Packing | None, load: Load) -> str | None:
    """Why this load may not go into this container, or None."""
    if container is None:
        return "container_unknown"
    if container.live != load.live:
        return "test_mode"
    if container.location_id not in (load.location_id, None):
        return "wrong_location"
    if container.next is not None and (container.next, container.customs) != (load.next, load.customs):
        return "wrong_container"
    if container.status != "open":
        return "container_not_open"
    max_weight_g, max_parcels = limits_of(container.kind, load)
    if max_weight_g is not None and container.weight_g + load.weight_g > max_weight_g:
        return "over_weight"
    if max_parcels is not None and container.parcels + load.parcels > max_parcels:
        return "over_weight"
    return None


def why_not_undone(
    handed_in_at: datetime, at: datetime, containers: Collection[tuple[str, bool]], parcels: Collection[str]
) -> str | None:
    """Why a hand-in can no longer be undone. `containers` are (status, claimed by a shipment) of those its parcels lie
    in, `parcels` their states."""
    if any(claimed for _, claimed in containers):
        return "already_planned"
    if at - handed_in_at > UNDO_WITHIN or any(status != "open" for status, _ in containers):
        return "undo_too_late"
    if any((state, "void") not in PARCEL_TRANSITIONS for state in parcels):
        return "undo_too_late"
    return None
