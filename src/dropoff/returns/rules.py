"""What a unit and a return may become: two state tables, the derived status, the window, the trigger. Pure."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

CUSTODY = ("expected", "handed_in", "in_transit", "received", "inspected", "lost", "cancelled", "expired")

CUSTODY_TRANSITIONS: dict[tuple[str, str], str] = {
    ("expected", "hand_in"): "handed_in",
    ("expected", "cancel"): "cancelled",
    ("expected", "expire"): "expired",
    ("handed_in", "undo"): "expected",
    ("handed_in", "depart"): "in_transit",
    ("handed_in", "receive"): "received",  # a handover nobody scanned: accepted, with a case
    ("handed_in", "lose"): "lost",
    ("in_transit", "receive"): "received",
    ("in_transit", "lose"): "lost",
    ("lost", "receive"): "received",
    ("received", "inspect"): "inspected",
}

RESOLUTION = ("open", "due", "refunded", "exchanged", "credited", "rejected")

RESOLUTION_TRANSITIONS: dict[tuple[str, str], str] = {
    ("open", "fall_due"): "due",
    ("due", "refund"): "refunded",
    ("due", "exchange"): "exchanged",
    ("due", "credit"): "credited",
    ("open", "reject"): "rejected",
    ("due", "reject"): "rejected",
    ("due", "withdraw"): "open",
}

SETTLED = frozenset({"refunded", "exchanged", "credited", "rejected"})
GONE = frozenset({"cancelled", "expired"})
RETURN_STATUS = ("issued", "partly_handed_in", "handed_in", "received", "resolved", "cancelled", "expired")

Reason = Literal[
    "too_small",
    "too_large",
    "not_as_described",
    "damaged",
    "wrong_item",
    "late",
    "quality",
    "changed_mind",
    "not_stated",
]
Condition = Literal["as_new", "opened", "worn", "damaged", "wrong_item"]
Disposition = Literal["restock", "refurbish", "resell", "recycle", "destroy", "reject"]

MONEY_STEPS = ("inspection", "refund")
"""What a return may wait for that only leads to its money: once all is settled, it does not wait any more."""

UNITS_MAX = 500
"""The most things one return holds."""
OPEN_DAYS = 14
GRACE = timedelta(hours=24)

_TRIGGERS: dict[str, frozenset[str]] = {
    # The event that the policy names, and whatever can only follow it: money never waits for an event that was missed.
    "hand_in": frozenset({"hand_in", "depart", "receive", "inspect", "lose"}),
    "receipt": frozenset({"receive", "inspect", "lose"}),
    # A lost thing is never inspected. Its shopper has the hand-in receipt, so the loss is not the shopper's.
    "inspection": frozenset({"inspect", "lose"}),
}


class IllegalMove(Exception):
    """A fault of ours: the service asked for an edge that the state table does not have."""


def move(table: dict[tuple[str, str], str], state: str, event: str) -> str:
    try:
        return table[(state, event)]
    except KeyError:
        raise IllegalMove(f"no edge {event!r} from {state!r}") from None


def edge(table: dict[tuple[str, str], str], event: str) -> tuple[tuple[str, ...], str]:
    """The states an event leads from, and the one it leads to: a guarded UPDATE needs both."""
    sources = tuple(state for state, name in table if name == event)
    targets = {target for (_, name), target in table.items() if name == event}
    if len(targets) != 1:
        raise IllegalMove(f"no single edge {event!r}")
    return sources, targets.pop()


def falls_due(refund_at: str, event: str) -> bool:
    """Whether a custody event makes the money of an open unit fall due under the policy."""
    return event in _TRIGGERS[refund_at]


def unit_status(custody: str, resolution: str) -> str:
    return resolution if resolution in SETTLED else custody


def return_status(units: Sequence[tuple[str, str]]) -> str:
    """From (custody, resolution) of each unit; at least one."""
    kept = [(c, r) for c, r in units if c not in GONE]
    if not kept:
        return "cancelled" if all(c == "cancelled" for c, _ in units) else "expired"
    if all(r in SETTLED for _, r in kept):
        return "resolved"
    if all(c in ("received", "inspected", "lost") for c, _ in kept):
        return "received"
    expected = sum(c == "expected" for c, _ in kept)
    if expected == 0:
        return "handed_in"
    return "partly_handed_in" if expected < len(kept) else "issued"


def _local_date(moment: datetime, zone: str) -> date:
    return moment.astimezone(ZoneInfo(zone)).date()


def end_of_day(day: date, zone: str) -> datetime:
    """23:59:59 there, as UTC. In a night when clocks go back over midnight the later of the two counts."""
    return datetime.combine(day, time(23, 59, 59), ZoneInfo(zone)).replace(fold=1).astimezone(UTC)


def window_end(placed_at: datetime, delivered_at: datetime | None, window_days: int, zone: str) -> datetime:
    """The last second in which a return of the order may be announced."""
    return end_of_day(_local_date(delivered_at or placed_at, zone) + timedelta(days=window_days), zone)


def last_day(window_end_at: datetime, issued_at: datetime, zone: str) -> datetime:
    """The last second of a pass: its day is the later of the window's end and 14 days after issue."""
    return max(window_end_at, end_of_day(_local_date(issued_at, zone) + timedelta(days=OPEN_DAYS), zone))


def renewed_last_day(current: datetime, first: datetime, renewed_at: datetime, zone: str) -> datetime:
    """14 days from the renewal, but never more than 14 days beyond the pass's first last day, or a window would be
    endless; and never earlier than it was."""
    wanted = _local_date(renewed_at, zone)
    limit = _local_date(first, zone)
    return max(current, end_of_day(min(wanted, limit) + timedelta(days=OPEN_DAYS), zone))


def expires_at(last_day_at: datetime) -> datetime:
    """A code shown before midnight of its last day and scanned after counts: the counter has a day's grace."""
    return last_day_at + GRACE
