"""Shipments' states and the plan of what travels together."""

SHIPMENT_STATES = (
    "planned",
    "booking",
    "booked",
    "rejected",
    "unknown",
    "handed_over",
    "in_transit",
    "delivered",
    "received",
    "cancelled",
)
LABEL_FORMATS = ("pdf", "png", "zpl")
