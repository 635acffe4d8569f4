"""What the network decides by itself: a lane's days and departures, and where a parcel goes next. Pure."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import msgspec

WEEKDAYS: Final = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
LOCATION_MOVES: Final[dict[tuple[str, str], str]] = {
    ("active", "pause"): "paused",
    ("paused", "pause"): "paused",  # for another reason, or until another time
    ("active", "resume"): "active",
    ("paused", "resume"): "active",
    ("active", "close"): "closed",
    ("paused", "close"): "closed",
    ("closed", "close"): "closed",
    ("active", "reopen"): "active",
    ("paused", "reopen"): "paused",
    ("closed", "reopen"): "active",
}
"""State of a place and what somebody does with it → its next state. Of a `removed` place its source decides alone."""
_CUTOFF = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)


class Lane(msgspec.Struct, frozen=True):
    """`origin_location_id` None means from any location; exactly one destination is set."""

    id: str
    origin_location_id: str | None
    destination_retailer_id: str | None
    destination_hub_id: str | None
    carrier: str
    service: str
    days: str
    cutoff: str
    max_weight_g: int | None
    price: dict[str, Any] | None
    transit_days: int | None
    created_at: datetime
    max_bag_weight_g: int | None = None
    max_bag_parcels: int | None = None


class NextStop(msgspec.Struct, frozen=True):
    kind: Literal["retailer", "hub"]
    id: str


def parse_days(text: str) -> frozenset[int] | None:
    """OSM weekdays (`Mo-Fr,Su`; a range may pass Sunday) as 0 for Monday to 6; None when it is something else."""
    found: set[int] = set()
    for part in text.split(","):
        ends = part.strip().split("-")
        if len(ends) > 2 or any(end not in WEEKDAYS for end in ends):
            return None
        first, last = WEEKDAYS.index(ends[0]), WEEKDAYS.index(ends[-1])
        found.update((first + step) % 7 for step in range((last - first) % 7 + 1))
    return frozenset(found)


def is_cutoff(text: str) -> bool:
    return _CUTOFF.fullmatch(text) is not None


def departures(lane: Lane, zone: str, after: datetime, until: datetime) -> Iterator[datetime]:
    """The lane's cut-offs as UTC times, later than `after` and not later than `until`.

    One a local date, in the night when clocks change too: a cut-off that comes twice counts the first time, one that is
    skipped counts as if the clock had not been changed yet.
    """
    days, local_zone = parse_days(lane.days) or frozenset(), ZoneInfo(zone)
    cutoff = time.fromisoformat(lane.cutoff)
    day = after.astimezone(local_zone).date() - timedelta(days=1)
    last_day = until.astimezone(local_zone).date()
    while day <= last_day:
        if day.weekday() in days:
            moment = _instant(day, cutoff, local_zone)
            if after < moment <= until:
                yield moment
        day += timedelta(days=1)


def next_departure(lane: Lane, zone: str, after: datetime) -> datetime | None:
    return next(departures(lane, zone, after, after + timedelta(days=9)), None)


def _instant(day: date, cutoff: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, cutoff, zone).astimezone(UTC)


def next_stop(lanes: Iterable[Lane], location_id: str, retailer_id: str) -> NextStop:
    """A lane from here to the retailer, else from any; else a hub lane from here, else from any, whose hub has a lane
    on to the retailer; else the retailer, for no lane is needed to take parcels in."""
    known = list(lanes)
    if lane_to(known, location_id, NextStop("retailer", retailer_id)) is not None:
        return NextStop("retailer", retailer_id)
    onward = {lane.origin_location_id for lane in known if lane.destination_retailer_id == retailer_id}
    for origin in (location_id, None):
        hubs = [
            lane
            for lane in known
            if lane.origin_location_id == origin
            and lane.destination_hub_id is not None
            and lane.destination_hub_id != location_id
            and lane.destination_hub_id in onward
        ]
        if hubs:
            first = min(hubs, key=_age)
            return NextStop("hub", str(first.destination_hub_id))
    return NextStop("retailer", retailer_id)


def lane_to(lanes: Iterable[Lane], location_id: str, stop: NextStop) -> Lane | None:
    """The lane a container with this next stop leaves by: from here, else from any; the oldest of several."""
    fitting = [
        lane
        for lane in lanes
        if lane.origin_location_id in (location_id, None)
        and stop.id == (lane.destination_retailer_id if stop.kind == "retailer" else lane.destination_hub_id)
    ]
    return min(fitting, key=lambda lane: (lane.origin_location_id is None, *_age(lane)), default=None)


def _age(lane: Lane) -> tuple[datetime, str]:
    return lane.created_at, lane.id
