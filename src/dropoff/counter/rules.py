"""States of parcels and containers as tables, and the closed lists of the counter."""

PARCEL_STATES = ("tagged", "in_container", "in_transit", "at_hub", "received", "lost", "void")

PARCEL_TRANSITIONS: dict[tuple[str, str], str] = {
    ("tagged", "pack"): "in_container",
    ("at_hub", "pack"): "in_container",
    ("in_container", "unpack"): "tagged",
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

CONTAINER_STATES = ("open", "sealed", "handed_over", "received", "unpacked")

CONTAINER_TRANSITIONS: dict[tuple[str, str], str] = {
    ("open", "seal"): "sealed",
    ("sealed", "unseal"): "open",
    ("sealed", "hand_over"): "handed_over",
    ("handed_over", "receive"): "received",
    ("sealed", "receive"): "received",
    ("received", "unpack"): "unpacked",
}

REFUSED_UNIT_REASONS = ("not_presented", "prohibited", "too_large", "wrong_item", "wet_or_leaking", "other")

REFUSALS = (
    "pass_expired",
    "pass_cancelled",
    "pass_unknown",
    "unit_unknown",
    "unit_expired",
    "tag_used",
    "tag_malformed",
    "tag_foreign_roll",
    "container_unknown",
    "wrong_location",
    "wrong_container",
    "container_not_open",
    "over_weight",
    "location_paused",
    "test_mode",
    "already_planned",
    "undo_too_late",
    "not_booked",
    "count_differs",
)
