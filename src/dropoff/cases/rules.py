"""Which cases there are, who has to act, and by when."""

from datetime import datetime, timedelta
from typing import Final, Literal, get_args

Kind = Literal[
    "missing",
    "unexpected",
    "double_hand_in",
    "booking_unknown",
    "handover_unscanned",
    "seal_broken",
    "lost",
    "driver_missed",
    "help",
    "locker_problem",
]
Outcome = Literal["found", "lost", "explained", "written_off"]
State = Literal["open", "resolved"]
Owner = Literal["operator", "retailer"]

KINDS: Final[tuple[str, ...]] = get_args(Kind)
OUTCOMES: Final[tuple[str, ...]] = get_args(Outcome)

DUE_IN = {
    "missing": timedelta(days=3),
    "unexpected": timedelta(days=3),
    "double_hand_in": timedelta(days=2),
    "booking_unknown": timedelta(hours=4),
    "handover_unscanned": timedelta(days=2),
    "seal_broken": timedelta(days=1),
    "lost": timedelta(days=7),
    "driver_missed": timedelta(days=1),
    "help": timedelta(days=1),
    "locker_problem": timedelta(hours=4),
}


def owner_of(kind: str, retailer_id: str | None, location_id: str | None) -> Owner:
    """The operator looks for goods and bookings, and for all that lies at a place of the network; what turned up
    unexpected on the retailer's own table is the retailer's to explain."""
    on_their_table = retailer_id is not None and location_id is None
    return "retailer" if kind == "unexpected" and on_their_table else "operator"


def unfit(kind: Kind | str, outcome: str, tracking_number: str | None) -> tuple[str, str] | None:
    """What is wrong with ending a case of this kind so: the field and why. A booking in doubt was either made, and
    then the carrier has a number for it, or it was not: without one of the two the goods would stay claimed."""
    if kind != "booking_unknown":
        return ("/tracking_number", "Only a booking has a tracking number.") if tracking_number is not None else None
    if outcome == "found":
        return ("/tracking_number", "Give the carrier's number of the booking.") if tracking_number is None else None
    if outcome != "explained":
        return "/outcome", "A booking was made (`found`, with its tracking number) or was not (`explained`)."
    return ("/tracking_number", "What was not booked has no number.") if tracking_number is not None else None


def due_at(kind: str, opened_at: datetime) -> datetime:
    return opened_at + DUE_IN[kind]
