"""What a unit and a return may become: two state tables, the derived status, the window."""

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


class IllegalMove(Exception):
    """A fault of ours: the service asked for an edge that the state table does not have."""


def move(table: dict[tuple[str, str], str], state: str, event: str) -> str:
    try:
        return table[(state, event)]
    except KeyError:
        raise IllegalMove(f"no edge {event!r} from {state!r}") from None


def unit_status(custody: str, resolution: str) -> str:
    return resolution if resolution in SETTLED else custody


def return_status(units: list[tuple[str, str]]) -> str:
    """From (custody, resolution) of each unit; at least one."""
    kept = [(c, r) for c, r in units if c not in ("cancelled", "expired")]
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
