"""Shipments' states as a table, and the plan of what travels together. Pure."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from dropoff.network.rules import Lane, NextStop, departures, lane_to

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
SHIPMENT_TRANSITIONS: dict[tuple[str, str], str] = {
    ("planned", "intend"): "booking",
    ("booking", "confirm"): "booked",
    ("booking", "refuse"): "rejected",
    ("booking", "postpone"): "planned",  # surely not done: another try may follow
    ("booking", "doubt"): "unknown",
    ("unknown", "confirm"): "booked",
    ("unknown", "disprove"): "cancelled",  # a human asked the carrier: it was not booked, the goods are free again
    ("booked", "hand_over"): "handed_over",
    ("booked", "receive"): "received",  # a handover nobody scanned
    ("unknown", "receive"): "received",  # it was booked after all
    ("handed_over", "receive"): "received",
    ("handed_over", "move"): "in_transit",
    ("in_transit", "deliver"): "delivered",
    ("in_transit", "receive"): "received",
    ("delivered", "receive"): "received",
    ("planned", "cancel"): "cancelled",
    ("booked", "cancel"): "cancelled",
    ("rejected", "cancel"): "cancelled",
    ("unknown", "cancel"): "cancelled",
}
GONE_AHEAD = ("handed_over", "in_transit", "delivered", "received")
"""A part of the shipment may be this far: a second visit takes what the first left, however long after it."""
LABEL_FORMATS = ("pdf", "png", "zpl")
LEFT_REASONS = ("container_open", "no_lane", "over_weight", "carrier_rejected")
LEFT_BEHIND_REASONS = ("not_presented", "seal_broken", "not_booked", "wrong_location")

LOOK_BACK = timedelta(days=8)
"""Goods that waited longer than every weekday once are planned as if they were sealed this long ago."""


def sources(event: str) -> tuple[str, ...]:
    """The states from which the event is allowed, as a guard for one UPDATE."""
    return tuple(state for state, name in SHIPMENT_TRANSITIONS if name == event)


class Goods(msgspec.Struct, frozen=True):
    """A container, or a loose parcel, that stands at a location."""

    id: str
    kind: Literal["container", "parcel"]
    location_id: str
    live: bool
    stop: NextStop
    ready_at: datetime
    """When it was sealed, or tagged; of an open container, when it was opened."""
    weight_g: int
    state: Literal["ready", "open", "rejected"]
    """`rejected`: claimed by a shipment that its carrier refused and nobody has cancelled yet."""
    claimed_by: str | None = None
    """A shipment that left without it; None for unclaimed goods."""


class Departure(msgspec.Struct, frozen=True, order=True):
    """What a shipment is planned for. Test goods travel in shipments of their own."""

    departs_at: datetime
    lane_id: str
    location_id: str
    live: bool


class PlannedShipment(msgspec.Struct, frozen=True):
    departure: Departure
    lane: Lane
    goods: tuple[Goods, ...]


class Plan(msgspec.Struct, frozen=True):
    shipments: tuple[PlannedShipment, ...]
    left: tuple[tuple[Goods, str], ...]


class Network(msgspec.Struct, frozen=True):
    """What the planner knows of the world besides the goods."""

    lanes: Sequence[Lane]
    zones: Mapping[str, str]
    """Location id → IANA zone."""
    services: Collection[tuple[str, str]]
    """(carrier, service) that are installed."""
    loads: Mapping[Departure, int]
    """Grams already planned for a departure by earlier runs."""


def plan(network: Network, goods: Sequence[Goods], now: datetime, as_of: datetime) -> Plan:
    """Every departure up to `as_of` with what leaves by it, and every thing that a departure leaves behind, with why.

    Things go by the first cut-off after they were ready, oldest first. A cut-off that lies in the past is taken only
    when no later one is due: then it is the one whose driver is expected now. Things whose first cut-off is not due
    are in neither list.
    """
    planned: dict[Departure, list[Goods]] = defaultdict(list)
    lanes: dict[Departure, Lane] = {}
    left: list[tuple[Goods, str]] = []
    loads = dict(network.loads)
    choose = _Departures(network, now, as_of)
    for item in sorted(goods, key=lambda item: (item.ready_at, item.id)):
        lane = choose.lane(item)
        if lane is None:
            left.append((item, "no_lane"))
            continue
        due = choose.due(item, lane)
        if not due:
            continue
        if item.state == "open":
            left.append((item, "container_open"))
        elif item.state == "rejected" or (lane.carrier, lane.service) not in network.services:
            left.append((item, "carrier_rejected"))
        elif (chosen := _with_room(due, lane, item.weight_g, loads)) is None:
            left.append((item, "over_weight"))
        else:
            planned[chosen].append(item)
            lanes[chosen] = lane
            loads[chosen] = loads.get(chosen, 0) + item.weight_g
    shipments = tuple(PlannedShipment(key, lanes[key], tuple(planned[key])) for key in sorted(planned))
    return Plan(shipments, tuple(left))


def _with_room(due: Sequence[Departure], lane: Lane, weight_g: int, loads: Mapping[Departure, int]) -> Departure | None:
    """The first departure that can still carry the weight: the lane's limit is for one departure, all numbers of it."""
    for departure in due:
        if lane.max_weight_g is None or loads.get(departure, 0) + weight_g <= lane.max_weight_g:
            return departure
    return None


class _Departures:
    """Looks lanes and cut-offs up once per place and destination, not once per parcel."""

    def __init__(self, network: Network, now: datetime, as_of: datetime) -> None:
        self._network, self._now, self._as_of = network, now, as_of
        self._lanes: dict[tuple[str, NextStop], Lane | None] = {}
        self._cutoffs: dict[tuple[str, str], list[datetime]] = {}
        self._by_stop: dict[str, list[Lane]] = defaultdict(list)
        for lane in network.lanes:
            self._by_stop[lane.destination_retailer_id or lane.destination_hub_id or ""].append(lane)

    def lane(self, item: Goods) -> Lane | None:
        key = (item.location_id, item.stop)
        if key not in self._lanes:
            self._lanes[key] = lane_to(self._by_stop[item.stop.id], item.location_id, item.stop)
        return self._lanes[key]

    def due(self, item: Goods, lane: Lane) -> list[Departure]:
        """The departures this thing may take, in order of preference."""
        key = (lane.id, item.location_id)
        if key not in self._cutoffs:
            start = max(lane.created_at, min(self._now, self._as_of) - LOOK_BACK)
            zone = self._network.zones[item.location_id]
            self._cutoffs[key] = list(departures(lane, zone, start, self._as_of))
        open_to_it = [moment for moment in self._cutoffs[key] if moment > item.ready_at]
        ahead = [moment for moment in open_to_it if moment >= self._now]
        return [Departure(moment, lane.id, item.location_id, item.live) for moment in ahead or open_to_it[-1:]]


class Present(msgspec.Struct, frozen=True):
    """A container as the driver's scan found it. `shipment_status` is None when no shipment claims it."""

    sscc: str
    here: bool
    shipment_id: str | None
    shipment_status: str | None
    gone: bool = False
    """Handed over before: a repeated scan."""


def left_behind_reason(item: Present, wanted_shipment: str | None, *, seal_intact: bool) -> str | None:
    """Why a named container does not go with the driver; None: it goes."""
    if not item.here:
        return "wrong_location"
    booked = item.shipment_status in ("booked", *GONE_AHEAD)
    if not booked or (wanted_shipment is not None and item.shipment_id != wanted_shipment):
        return "not_booked"
    return None if seal_intact else "seal_broken"
