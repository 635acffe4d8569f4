"""Which cases there are, who has to act, and by when."""

from datetime import datetime, timedelta

KINDS = (
    "missing",
    "unexpected",
    "double_hand_in",
    "booking_unknown",
    "handover_unscanned",
    "seal_broken",
    "lost",
)
OUTCOMES = ("found", "lost", "explained", "written_off")

DUE_IN = {
    "missing": timedelta(days=3),
    "unexpected": timedelta(days=3),
    "double_hand_in": timedelta(days=2),
    "booking_unknown": timedelta(hours=4),
    "handover_unscanned": timedelta(days=2),
    "seal_broken": timedelta(days=1),
    "lost": timedelta(days=7),
}


def owner_of(kind: str) -> str:
    """The operator looks for goods and bookings; what turned up unexpected lies on the retailer's own table."""
    return "retailer" if kind == "unexpected" else "operator"


def due_at(kind: str, opened_at: datetime) -> datetime:
    return opened_at + DUE_IN[kind]
