"""How a till's place stands: its bags, what waits, who comes to fetch it, and what is wrong. Reads the rooms below and
changes nothing."""

from datetime import datetime
from typing import Literal

import msgspec

from dropoff.cases import service as cases
from dropoff.cases.store import Filter
from dropoff.counter import service as counter
from dropoff.counter.rules import is_full
from dropoff.counter.service import ContainerRow, ParcelRow
from dropoff.db import Tx
from dropoff.kernel.errors import Problem, not_found
from dropoff.network import loads, location_states, location_store
from dropoff.network import service as network
from dropoff.network.countries import country_name
from dropoff.network.rules import NextStop, next_departure
from dropoff.network.store import Location
from dropoff.receiving import store
from dropoff.retailers import service as retailers

PROBLEMS_SHOWN = 50


class Stop(msgspec.Struct, frozen=True):
    kind: Literal["retailer", "hub"]
    id: str
    name: str


class ContainerView(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    sscc: str
    kind: str
    status: str
    parcels: int
    weight_g: int
    seal: str | None
    next: Stop | None
    """Fixed by the first parcel."""
    bag: Literal["retailer", "hub", "customs"] | None = None
    """Which one it is, once it holds something."""
    customs: str | None = None
    country: str | None = None
    """Behind the customs border that its goods cross: its code, and its name."""
    max_weight_g: int | None = None
    max_parcels: int | None = None
    full: bool = False
    opened_at: datetime
    sealed_at: datetime | None
    shipment: str | None
    """The shipment that it is planned for; until then it can be opened again."""


class WaitingView(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    tag: str
    status: str
    retailer: str
    next: Stop | None
    since: datetime


class PickupView(msgspec.Struct, frozen=True, kw_only=True):
    """A departure with goods: a shipment that has not left, or what the next run will plan (`shipment` is null)."""

    shipment: str | None
    status: str
    departs_at: datetime | None
    """None when no lane leads there: nobody is known to come."""
    destination: Stop | None
    carrier: str | None
    service: str | None
    tracking_number: str | None
    containers: list[str]
    """SSCCs of those that are here for it; an open one stays unless it is sealed in time."""
    parcels: int
    """Loose ones."""
    missed: bool = False
    """The driver did not come: it goes with the next departure, unless somebody still comes for it."""


class ProblemView(msgspec.Struct, frozen=True):
    case: str
    kind: str
    detail: str
    opened_at: datetime
    due_at: datetime


class Counts(msgspec.Struct, frozen=True):
    open: int
    sealed: int
    waiting: int
    pickups: int
    problems: int


class PlaceView(msgspec.Struct, frozen=True):
    """`capacity` in parcels, `left` what it can still hold, `tags` left: null when nobody told. Of live parcels, for a
    live place."""

    id: str
    name: str
    kind: str
    state: str
    lying: int = 0
    """Parcels that take room there, in containers too."""
    capacity: int | None = None
    left: int | None = None
    tags: int | None = None
    printer: str | None = None
    own_pause: bool = False
    """A till of this place paused it, so a till may resume."""
    paused_until: datetime | None = None


class CounterState(msgspec.Struct, frozen=True):
    location: PlaceView
    open: list[ContainerView]
    sealed: list[ContainerView]
    waiting: list[WaitingView]
    """In no container."""
    pickups: list[PickupView]
    problems: list[ProblemView]
    counts: Counts
    tags: counter.TagStock = counter.TagStock(0, None, low=False)


def counter_state(tx: Tx, location_id: str, live: bool, at: datetime) -> CounterState | Problem:
    place = network.location(tx, location_id)
    if place is None:
        return not_found("location")
    names = _Names(tx)
    opened = counter.open_containers(tx, location_id, live)
    sealed = counter.sealed_containers(tx, location_id, live)
    waiting = counter.waiting_parcels(tx, location_id, live)
    pickups = _planned(tx, location_id, live, names)
    pickups += _unplanned(tx, place, [c for c in [*opened, *sealed] if c.shipment_id is None], waiting, at, names)
    wrong = cases.list_cases(tx, Filter(location_id=location_id, live=live, state="open", limit=PROBLEMS_SHOWN)).items
    problems = [ProblemView(c.id, c.kind, c.detail, c.opened_at, c.due_at) for c in wrong]
    return CounterState(
        location=_place(tx, place),
        open=[_container(tx, row, names) for row in opened],
        sealed=[_container(tx, row, names) for row in sealed],
        waiting=[_waiting(tx, row, location_id, names) for row in waiting],
        pickups=sorted(pickups, key=lambda one: (one.departs_at is None, one.departs_at or at, one.shipment or "")),
        problems=problems,
        counts=Counts(len(opened), len(sealed), len(waiting), len(pickups), len(problems)),
        tags=counter.stock_at(tx, location_id),
    )


def _place(tx: Tx, place: Location) -> PlaceView:
    stands = location_store.standing(tx, place.id) if place.state == "paused" else None
    own = stands is not None and location_states.paused_by_till(stands)
    load = loads.find(tx, place.id)
    return PlaceView(
        place.id,
        place.name,
        place.kind,
        place.state,
        lying=load.waiting if load else 0,
        capacity=load.capacity if load else None,
        left=loads.left(load),
        tags=load.tags if load else None,
        printer=load.printer if load else None,
        own_pause=own,
        paused_until=stands.paused_until if stands else None,
    )


class _Names:
    """What a clerk calls a destination; each is looked up once."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._known: dict[tuple[str, str], Stop | None] = {}

    def stop(self, kind: str | None, id_: str | None) -> Stop | None:
        if kind is None or id_ is None:
            return None
        if (kind, id_) not in self._known:
            found = retailers.find(self._tx, id_) if kind == "retailer" else network.location(self._tx, id_)
            name = found.name if found else ""
            self._known[kind, id_] = Stop("retailer" if kind == "retailer" else "hub", id_, name)
        return self._known[kind, id_]


def _container(tx: Tx, row: ContainerRow, names: _Names) -> ContainerView:
    max_weight_g, max_parcels = (
        counter.limits(tx, row.location_id, row) if row.location_id and row.status == "open" else (None, None)
    )
    return ContainerView(
        id=row.id,
        sscc=row.sscc,
        kind=row.kind,
        status=row.status,
        parcels=row.parcel_count,
        weight_g=row.weight_g,
        seal=row.seal,
        next=names.stop(row.next_kind, row.next_id),
        bag=counter.kind_of(row.next_kind, row.customs) if row.next_kind else None,
        customs=row.customs or None,
        country=country_name(row.customs) if row.customs else None,
        max_weight_g=max_weight_g,
        max_parcels=max_parcels,
        full=row.status == "open" and is_full(row.weight_g, row.parcel_count, max_weight_g, max_parcels),
        opened_at=row.opened_at,
        sealed_at=row.sealed_at,
        shipment=row.shipment_id,
    )


def _waiting(tx: Tx, row: ParcelRow, location_id: str, names: _Names) -> WaitingView:
    owner = names.stop("retailer", row.retailer_id)
    stop = network.next_stop(tx, location_id, row.retailer_id)
    return WaitingView(
        id=row.id,
        tag=row.tag,
        status=row.status,
        retailer=owner.name if owner else "",
        next=names.stop(stop.kind, stop.id),
        since=row.arrived_at,
    )


def _planned(tx: Tx, location_id: str, live: bool, names: _Names) -> list[PickupView]:
    found = []
    for row in store.leaving(tx, location_id, live):
        to_retailer = row.destination_retailer_id is not None
        destination = names.stop(
            "retailer" if to_retailer else "hub", row.destination_retailer_id or row.destination_hub_id
        )
        found.append(
            PickupView(
                shipment=row.id,
                status=row.status,
                departs_at=row.departs_at,
                destination=destination,
                carrier=row.carrier,
                service=row.service,
                tracking_number=row.tracking_number,
                containers=row.containers,
                parcels=0,
                missed=row.missed_at is not None,
            )
        )
    return found


def _unplanned(
    tx: Tx, place: Location, containers: list[ContainerRow], waiting: list[ParcelRow], at: datetime, names: _Names
) -> list[PickupView]:
    """What lies here and is in no shipment, by the departure it will go with."""
    groups: dict[NextStop, tuple[list[str], list[str]]] = {}

    def group(stop: NextStop) -> tuple[list[str], list[str]]:
        if stop not in groups:
            groups[stop] = ([], [])
        return groups[stop]

    for row in containers:
        if row.parcel_count and row.next:
            kind, stop_id = row.next
            group(NextStop("hub" if kind == "hub" else "retailer", stop_id))[0].append(row.sscc)
    for parcel in waiting:
        group(network.next_stop(tx, place.id, parcel.retailer_id))[1].append(parcel.id)
    return [
        PickupView(
            shipment=None,
            status="expected",
            departs_at=_leaves_at(tx, place, stop, at),
            destination=names.stop(stop.kind, stop.id),
            carrier=None,
            service=None,
            tracking_number=None,
            containers=ssccs,
            parcels=len(loose),
        )
        for stop, (ssccs, loose) in groups.items()
    ]


def _leaves_at(tx: Tx, place: Location, stop: NextStop, at: datetime) -> datetime | None:
    lane = network.lane_to(tx, place.id, stop)
    return next_departure(lane, place.zone, at) if lane else None
