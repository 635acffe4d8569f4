"""A run: what travels together, what stays and why; every thing claimed once, whoever plans or unseals meanwhile."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from tests import freight_world as freight
from tests import world
from tests.freight_world import CUTOFF, booking_jobs, consolidate, events, planner, rows
from tests.world import BASE_URL, NOW, OPERATOR

from dropoff.counter import service as counter
from dropoff.counter.till import Till
from dropoff.counter.views import ContainerView
from dropoff.db import Database
from dropoff.freight import runs
from dropoff.freight.shipments import cancel_shipment
from dropoff.freight.tables import consolidation_run, shipment
from dropoff.kernel.errors import Problem
from dropoff.kernel.gs1 import is_sscc
from dropoff.kernel.ids import new_id
from dropoff.returns.service import ReturnView


def bag_with(db: Database, till: Till, *returns: ReturnView) -> tuple[ContainerView, list[str]]:
    bag = world.open_bag(db, till)
    tags = [world.taken_in(db, till, one, bag) for one in returns]
    world.seal_bag(db, till, bag)
    return bag, tags


def test_sealed_bags_and_loose_parcels_of_one_lane_become_one_shipment(db: Database) -> None:
    place, retailer = world.make_location(db), world.make_retailer(db)
    till = world.make_device(db, place)
    world.make_lane(db, origin=place, retailer=retailer)
    bag, tags = bag_with(db, till, world.make_return(db, retailer), world.make_return(db, retailer))
    loose = world.taken_in(db, till, world.make_return(db, retailer))

    run = consolidate(db)

    (shipment_,) = run.shipments
    assert run.left == []
    assert run.state == "done"
    assert shipment_.status == "planned"
    assert shipment_.departs_at == CUTOFF
    assert shipment_.number == 1
    assert shipment_.destination.retailer == retailer.id
    assert shipment_.origin.location == place.id
    by_kind = {held.kind: held for held in shipment_.containers}
    assert by_kind["bag"].sscc == bag.sscc
    assert {parcel.tag for parcel in by_kind["bag"].parcels} == set(tags)
    assert is_sscc(by_kind["parcel"].sscc)
    assert [parcel.tag for parcel in by_kind["parcel"].parcels] == [loose]
    assert all(len(parcel.units) == 2 for held in shipment_.containers for parcel in held.parcels)
    assert shipment_.weight_g == sum(held.weight_g for held in shipment_.containers)
    assert [job["key"] for job in booking_jobs(db)] == [shipment_.id]
    assert [event["retailer_id"] for event in events(db, "shipment.planned")] == [None]


def test_a_claimed_container_stays_sealed_until_the_shipment_is_cancelled(db: Database) -> None:
    place, retailer = world.make_location(db), world.make_retailer(db)
    till = world.make_device(db, place)
    world.make_lane(db, origin=place, retailer=retailer)
    bag, _ = bag_with(db, till, world.make_return(db, retailer))
    (planned,) = consolidate(db).shipments

    refused = db.write_sync(counter.unseal, till, bag.id, counter.UnsealIn("a parcel was forgotten"), NOW)
    assert (refused.verdict, refused.reason) == ("refused", "already_planned")

    cancelled = db.write_sync(cancel_shipment, BASE_URL, planned.id, NOW, OPERATOR)
    assert not isinstance(cancelled, Problem)
    assert cancelled.status == "cancelled"
    assert db.write_sync(counter.unseal, till, bag.id, counter.UnsealIn("now it may"), NOW).verdict == "accepted"
    assert events(db, "shipment.cancelled")


def test_a_cancelled_departure_is_planned_again_under_the_next_number(db: Database) -> None:
    place, retailer = world.make_location(db), world.make_retailer(db)
    till = world.make_device(db, place)
    world.make_lane(db, origin=place, retailer=retailer)
    bag, _ = bag_with(db, till, world.make_return(db, retailer))
    (first,) = consolidate(db).shipments
    db.write_sync(cancel_shipment, BASE_URL, first.id, NOW, OPERATOR)

    (second,) = consolidate(db).shipments
    assert (second.number, second.departs_at) == (2, CUTOFF)
    assert [held.sscc for held in second.containers] == [bag.sscc]
    again = db.write_sync(cancel_shipment, BASE_URL, first.id, NOW, OPERATOR)
    assert not isinstance(again, Problem)
    assert len(events(db, "shipment.cancelled")) == 1


def test_goods_after_an_early_plan_get_a_further_number(db: Database) -> None:
    place, retailer = world.make_location(db), world.make_retailer(db)
    till = world.make_device(db, place)
    world.make_lane(db, origin=place, retailer=retailer)
    bag_with(db, till, world.make_return(db, retailer))
    assert [one.number for one in consolidate(db).shipments] == [1]
    late, _ = bag_with(db, till, world.make_return(db, retailer))
    (second,) = consolidate(db).shipments
    assert (second.number, second.departs_at) == (2, CUTOFF)
    assert [held.sscc for held in second.containers] == [late.sscc]


def test_a_departure_without_goods_leaves_no_mark(db: Database) -> None:
    place, retailer = world.make_location(db), world.make_retailer(db)
    world.make_lane(db, origin=place, retailer=retailer)
    assert consolidate(db).shipments == []
    assert rows(db, shipment) == []
    assert runs.run_at_cutoffs(planner(db), CUTOFF) is None
    assert len(rows(db, consolidation_run)) == 1


def test_what_stays_is_told_by_parcel(db: Database) -> None:
    place, retailer, other = world.make_location(db), world.make_retailer(db), world.make_retailer(db)
    till = world.make_device(db, place)
    world.make_lane(db, origin=place, retailer=retailer)
    open_bag = world.open_bag(db, till)
    world.taken_in(db, till, world.make_return(db, retailer), open_bag)
    world.taken_in(db, till, world.make_return(db, other))
    reasons = sorted(one.reason for one in consolidate(db).left)
    assert reasons == ["container_open", "no_lane"]


def test_a_carrier_that_is_not_installed_leaves_the_parcels(db: Database) -> None:
    place, retailer = world.make_location(db), world.make_retailer(db)
    till = world.make_device(db, place)
    world.make_lane(db, origin=place, retailer=retailer)
    bag_with(db, till, world.make_return(db, retailer))
    run = consolidate(db, plugins=freight.registry(ups=freight.OwnVans()))
    assert run.shipments == []
    assert [one.reason for one in run.left] == ["carrier_rejected"]


def test_test_parcels_travel_in_shipments_of_their_own(db: Database) -> None:
    place, live, test = world.make_location(db), world.make_retailer(db), world.make_retailer(db, live=False)
    till, test_till = world.make_device(db, place), world.make_device(db, place, live=False)
    world.make_lane(db, origin=place, retailer=live)
    world.make_lane(db, origin=place, retailer=test)
    bag_with(db, till, world.make_return(db, live))
    bag_with(db, test_till, world.make_return(db, test))
    assert {(one.live, one.destination.retailer) for one in consolidate(db).shipments} == {
        (True, live.id),
        (False, test.id),
    }


def test_goods_for_a_hub_go_there_and_belong_to_the_operator(db: Database) -> None:
    place, hub, retailer = world.make_location(db), world.make_location(db, "hub"), world.make_retailer(db)
    till = world.make_device(db, place)
    world.make_lane(db, origin=place, hub=hub)
    world.make_lane(db, origin=hub, retailer=retailer)
    bag_with(db, till, world.make_return(db, retailer))
    (planned,) = consolidate(db).shipments
    assert planned.destination.hub == hub.id
    assert planned.destination.retailer is None


def test_many_runs_at_once_claim_everything_exactly_once(db: Database) -> None:
    place, retailer = world.make_location(db), world.make_retailer(db)
    till = world.make_device(db, place)
    world.make_lane(db, origin=place, retailer=retailer)
    bags = {bag_with(db, till, world.make_return(db, retailer))[0].sscc for _ in range(4)}
    loose = {world.taken_in(db, till, world.make_return(db, retailer)) for _ in range(4)}
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: consolidate(db), range(6)))
    held = [one for run in found for each in run.shipments for one in each.containers]
    assert sorted(one.sscc for one in held if one.kind == "bag") == sorted(bags)
    assert sorted(p.tag for one in held if one.kind == "parcel" for p in one.parcels) == sorted(loose)


def test_a_run_that_died_halfway_is_taken_up_and_books_only_then(db: Database) -> None:
    place, retailer = world.make_location(db), world.make_retailer(db)
    till = world.make_device(db, place)
    world.make_lane(db, origin=place, retailer=retailer)
    first, _ = bag_with(db, till, world.make_return(db, retailer))
    run_id = new_id("run")
    db.write_sync(runs.begin_run, run_id, CUTOFF, NOW, OPERATOR)
    half = runs.make_plan(planner(db), NOW, CUTOFF)
    runs._claim_all(planner(db), run_id, half.shipments[0], NOW, OPERATOR)
    assert booking_jobs(db) == []
    second, _ = bag_with(db, till, world.make_return(db, retailer))

    runs.carry_out(planner(db), run_id, NOW)

    run = world.good(db.read_sync(runs.show_run, BASE_URL, run_id))
    (whole,) = run.shipments
    assert {held.sscc for held in whole.containers} == {first.sscc, second.sscc}
    assert len(booking_jobs(db)) == 1
    runs.carry_out(planner(db), run_id, NOW)
    assert len(booking_jobs(db)) == 1


def test_cut_offs_are_planned_by_themselves(db: Database) -> None:
    place, retailer = world.make_location(db), world.make_retailer(db)
    till = world.make_device(db, place)
    world.make_lane(db, origin=place, retailer=retailer)
    bag, _ = bag_with(db, till, world.make_return(db, retailer))
    assert runs.run_at_cutoffs(planner(db), CUTOFF - timedelta(seconds=1)) is None
    run_id = runs.run_at_cutoffs(planner(db), CUTOFF + timedelta(seconds=20))
    assert run_id is not None
    run = world.good(db.read_sync(runs.show_run, BASE_URL, run_id))
    assert [held.sscc for one in run.shipments for held in one.containers] == [bag.sscc]
    assert runs.run_at_cutoffs(planner(db), CUTOFF + timedelta(seconds=50)) is None
