"""Consolidation runs: read what waits, plan outside the write lane, claim in small transactions, then have it booked.

A run may die at any moment: its row stands from the first transaction on, a job takes it up again, and what it had
begun is filled further, because every claim is a guard and every shipment belongs to its run.
"""

import logging
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from dropoff.counter import service as counter
from dropoff.db import Database, Tx
from dropoff.events.jobs import enqueue
from dropoff.freight import missed, store, store_plan
from dropoff.freight.news import tell_operator
from dropoff.freight.rules import Departure, Goods, Network, Plan, PlannedShipment, plan
from dropoff.freight.shipments import ShipmentView, views
from dropoff.freight.store_plan import Waiting
from dropoff.kernel.errors import Problem, not_found
from dropoff.kernel.ids import new_id
from dropoff.network import rules as network_rules
from dropoff.network import service as network
from dropoff.network.rules import Lane, NextStop
from dropoff.plugins import PluginRegistry

CLAIM_CHUNK = 50
"""Goods claimed in one transaction: the lane serves tills in between."""
RESUME_AFTER_S = 120.0
AUTOMATIC_LOOK_BACK = timedelta(hours=12)
"""How late a cut-off may still be planned by itself, for example after a night without a worker."""

log = logging.getLogger("dropoff.freight")


class Left(msgspec.Struct, frozen=True):
    parcel: str
    reason: str


class RunView(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    as_of: datetime
    state: str
    """`running` or `done`."""
    shipments: list[ShipmentView]
    left: list[Left]


class Begun(msgspec.Struct, frozen=True):
    """What the first transaction answers; an Idempotency-Key stores it, so that a repeat finds the run."""

    id: str


class Planner(msgspec.Struct, frozen=True):
    """What a run needs of its process."""

    db: Database
    plugins: PluginRegistry
    gs1_prefix: str


def begin_run(tx: Tx, run_id: str, as_of: datetime, at: datetime, actor: str) -> Begun:
    row = {"id": run_id, "as_of": as_of, "state": "running", "actor": actor, "left": None, "created_at": at}
    store.insert_run(tx, {**row, "ended_at": None})
    enqueue(tx, "freight.run", {"run": run_id}, key=run_id, run_in_s=RESUME_AFTER_S)
    return Begun(run_id)


def carry_out(planner: Planner, run_id: str, now: datetime) -> None:
    """Everything between the first transaction and the answer; called again it goes on where it stopped."""
    run = planner.db.read_sync(store.find_run, run_id)
    if run is None or run.state == "done":
        return
    found = make_plan(planner, now, run.as_of)
    for shipment in found.shipments:
        _claim_all(planner, run_id, shipment, now, run.actor)
    left = planner.db.read_sync(_left, found.left)
    planner.db.write_sync(_finish, run_id, left, now, run.actor)


def run_at_cutoffs(planner: Planner, now: datetime) -> str | None:
    """The run's id when a departure was due and had goods; otherwise nothing is left behind, not even a run."""
    if not planner.db.read_sync(_anything_due, now):
        return None
    if not make_plan(planner, now, now).shipments:
        return None
    run_id = new_id("run")
    planner.db.write_sync(begin_run, run_id, now, now, "system")
    carry_out(planner, run_id, now)
    return run_id


def is_done(tx: Tx, run_id: str) -> bool:
    run = store.find_run(tx, run_id)
    return run is not None and run.state == "done"


def show_run(tx: Tx, base_url: str, run_id: str) -> RunView | Problem:
    run = store.find_run(tx, run_id)
    if run is None:
        return not_found("run")
    shipments = views(tx, base_url, store.shipments_of_run(tx, run_id))
    left = msgspec.convert(run.left or [], list[Left])
    return RunView(id=run.id, as_of=run.as_of, state=run.state, shipments=shipments, left=left)


def make_plan(planner: Planner, now: datetime, as_of: datetime) -> Plan:
    """Reads on a snapshot and thinks without holding any lane."""
    for shipment_id in planner.db.read_sync(store_plan.leftovers, now):
        planner.db.write_sync(_free_leftovers, shipment_id)
    for shipment_id in planner.db.read_sync(missed.to_plan_again, as_of):
        planner.db.write_sync(missed.plan_again, shipment_id, now, "system")
    lanes, goods, zones, loads = planner.db.read_sync(_what_waits, min(now, as_of))
    services = {(name, one) for name, carrier in planner.plugins.carriers.items() for one in carrier.services}
    return plan(Network(lanes=lanes, zones=zones, services=services, loads=loads), goods, now, as_of)


def _free_leftovers(tx: Tx, shipment_id: str) -> None:
    """What the driver left behind takes the next departure."""
    freed = counter.release_containers(tx, shipment_id)
    store.drop_containers(tx, shipment_id, freed)


def _what_waits(tx: Tx, since: datetime) -> tuple[list[Lane], list[Goods], dict[str, str], dict[Departure, int]]:
    lanes = network.lanes(tx)
    goods = _goods(lanes, [*store_plan.waiting_containers(tx), *store_plan.waiting_parcels(tx)])
    zones = store_plan.zones(tx, {item.location_id for item in goods})
    return lanes, goods, zones, store_plan.loads(tx, since - timedelta(days=8))


def _goods(lanes: Sequence[Lane], waiting: Sequence[Waiting]) -> list[Goods]:
    """A loose parcel's next stop is decided now, once for each place and retailer."""
    stops: dict[tuple[str, str], NextStop] = {}
    goods = []
    for item in waiting:
        if item.next_kind is not None and item.next_id is not None:
            stop = NextStop("hub" if item.next_kind == "hub" else "retailer", item.next_id)
        else:
            assert item.retailer_id is not None, "a parcel belongs to a retailer"
            key = (item.location_id, item.retailer_id)
            stop = stops.get(key) or stops.setdefault(key, network_rules.next_stop(lanes, *key))
        loose = item.next_id is None
        goods.append(
            Goods(
                id=item.id,
                kind="parcel" if loose else "container",
                location_id=item.location_id,
                live=item.live,
                stop=stop,
                ready_at=item.ready_at,
                weight_g=item.weight_g,
                state=item.state,
            )
        )
    return goods


def _anything_due(tx: Tx, now: datetime) -> bool:
    """Whether some lane had a cut-off lately; cheap enough to ask all day."""
    lanes = network.lanes(tx)
    since = now - AUTOMATIC_LOOK_BACK
    all_zones: Collection[str] = (
        store_plan.all_zones(tx) if any(one.origin_location_id is None for one in lanes) else ()
    )
    own = store_plan.zones(tx, {one.origin_location_id for one in lanes if one.origin_location_id is not None})
    for lane in lanes:
        zones = all_zones if lane.origin_location_id is None else (own[lane.origin_location_id],)
        start = max(since, lane.created_at)
        if any(next(network_rules.departures(lane, zone, start, now), None) is not None for zone in zones):
            return True
    return False


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    run_id: str
    shipment_id: str
    departure: Departure
    lane: Lane
    containers: tuple[str, ...]
    parcels: tuple[str, ...]
    gs1_prefix: str
    at: datetime


def _claim_all(planner: Planner, run_id: str, shipment: PlannedShipment, now: datetime, actor: str) -> None:
    for start in range(0, len(shipment.goods), CLAIM_CHUNK):
        chunk = shipment.goods[start : start + CLAIM_CHUNK]
        claim = Claim(
            run_id=run_id,
            shipment_id=new_id("shp"),
            departure=shipment.departure,
            lane=shipment.lane,
            containers=tuple(item.id for item in chunk if item.kind == "container"),
            parcels=tuple(item.id for item in chunk if item.kind == "parcel"),
            gs1_prefix=planner.gs1_prefix,
            at=now,
        )
        planner.db.write_sync(_claim, claim)


def _claim(tx: Tx, claim: Claim) -> None:
    """Whoever else unseals, undoes or plans at the same moment: what is not free any more is simply not in it."""
    with tx.savepoint() as mark:
        shipment = store.planned_by_run(tx, claim.run_id, claim.departure)
        if shipment is None:
            shipment = store.insert_shipment(tx, _new_shipment(claim), claim.departure)
        units = [counter.make_logistic_unit(tx, parcel, claim.gs1_prefix, claim.at) for parcel in claim.parcels]
        made = [unit.id for unit in units if unit is not None]
        claimed = counter.claim_containers(tx, [*claim.containers, *made], shipment.id)
        if not claimed or not store.add_containers(tx, shipment.id, claimed):
            mark.rollback()


def _new_shipment(claim: Claim) -> dict[str, Any]:
    return {
        "id": claim.shipment_id,
        "run_id": claim.run_id,
        "lane_id": claim.lane.id,
        "origin_location_id": claim.departure.location_id,
        "destination_retailer_id": claim.lane.destination_retailer_id,
        "destination_hub_id": claim.lane.destination_hub_id,
        "live": claim.departure.live,
        "departs_at": claim.departure.departs_at,
        "carrier": claim.lane.carrier,
        "service": claim.lane.service,
        "status": "planned",
        "reference": claim.shipment_id.removeprefix("shp_"),
        "tracking_number": None,
        "weight_g": 0,
        "warnings": [],
        "error": None,
        "created_at": claim.at,
    }


def _left(tx: Tx, left: Sequence[tuple[Goods, str]]) -> list[dict[str, str]]:
    """By parcel, since that is what people look for."""
    inside = store_plan.parcels_of_containers(tx, [item.id for item, _ in left if item.kind == "container"])
    return [
        {"parcel": parcel, "reason": reason}
        for item, reason in left
        for parcel in (inside.get(item.id, []) if item.kind == "container" else [item.id])
    ]


def _finish(tx: Tx, run_id: str, left: list[dict[str, str]], at: datetime, actor: str) -> None:
    """Only now are the shipments whole, so only now do they go to their carriers."""
    if not store.finish_run(tx, run_id, left, at):
        return
    for shipment in store.shipments_of_run(tx, run_id):
        if shipment.status == "planned" and enqueue(tx, "freight.book", {"shipment": shipment.id}, key=shipment.id):
            tell_operator(tx, shipment, "shipment.planned", at, actor)
