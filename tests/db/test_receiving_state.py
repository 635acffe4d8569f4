"""The till's view of its place: "3 waiting, 1 bag open, 1 problem"."""

from datetime import timedelta

import msgspec
from tests import world
from tests.world import NOW, good

from dropoff.cases import service as cases
from dropoff.db import Database
from dropoff.network.store import Location
from dropoff.receiving.state import CounterState, counter_state


def state_of(db: Database, place: Location, live: bool = True) -> CounterState:
    return good(db.read_sync(counter_state, place.id, live, NOW))


def problem_at(db: Database, place: Location, live: bool = True) -> str:
    return db.write_sync(
        lambda tx: cases.open_case(
            tx,
            kind="seal_broken",
            subject=f"{place.id} {live}",
            objects={},
            detail="The seal is broken.",
            retailer_id=None,
            location_id=place.id,
            live=live,
            at=NOW,
            actor="system",
        )
    )


def test_a_new_place_is_empty(db: Database) -> None:
    place = world.make_location(db)
    state = state_of(db, place)
    assert (state.location.id, state.location.name, state.location.state) == (place.id, place.name, "active")
    assert (state.open, state.sealed, state.waiting, state.pickups, state.problems) == ([], [], [], [], [])
    assert set(msgspec.structs.asdict(state.counts).values()) == {0}


def test_a_shift_change_in_numbers(db: Database) -> None:
    place = world.make_location(db)
    till = world.make_device(db, place)
    retailer = world.make_retailer(db)
    world.make_lane(db, origin=place, retailer=retailer)
    loose = [world.taken_in(db, till, world.make_return(db, retailer)) for _ in range(3)]
    open_bag, sealed_bag = world.open_bag(db, till), world.open_bag(db, till)
    world.taken_in(db, till, world.make_return(db, retailer), open_bag)
    for _ in range(2):
        world.taken_in(db, till, world.make_return(db, retailer), sealed_bag)
    world.seal_bag(db, till, sealed_bag)
    problem = problem_at(db, place)

    state = state_of(db, place)
    counts = state.counts
    assert (counts.waiting, counts.open, counts.sealed, counts.pickups, counts.problems) == (3, 1, 1, 1, 1)
    assert [parcel.tag for parcel in state.waiting] == loose
    assert {parcel.retailer for parcel in state.waiting} == {retailer.name}
    (bag,) = state.open
    assert (bag.sscc, bag.parcels, bag.shipment) == (open_bag.sscc, 1, None)
    (bag,) = state.sealed
    assert (bag.sscc, bag.parcels, bag.seal, bag.sealed_at) == (sealed_bag.sscc, 2, "SEAL-1", NOW)
    assert bag.next is not None
    assert (bag.next.kind, bag.next.id, bag.next.name) == ("retailer", retailer.id, retailer.name)
    (pickup,) = state.pickups
    assert (pickup.shipment, pickup.status, pickup.parcels) == (None, "expected", 3)
    assert pickup.containers == [open_bag.sscc, sealed_bag.sscc]
    assert pickup.departs_at == NOW.replace(hour=16, minute=0), "17:00 in Berlin"
    assert [(one.case, one.kind, one.due_at) for one in state.problems] == [
        (problem, "seal_broken", NOW + timedelta(days=1))
    ]


def test_without_a_lane_nobody_is_known_to_come(db: Database) -> None:
    place = world.make_location(db)
    world.taken_in(db, world.make_device(db, place), world.make_return(db, world.make_retailer(db)))
    (pickup,) = state_of(db, place).pickups
    assert pickup.departs_at is None


def test_what_left_and_what_is_another_places_or_modes_is_not_shown(db: Database) -> None:
    place, other = world.make_location(db), world.make_location(db)
    retailer, tester = world.make_retailer(db), world.make_retailer(db, live=False)
    world.bag_on_its_way(db, world.make_device(db, place), [world.make_return(db, retailer)])
    world.taken_in(db, world.make_device(db, other), world.make_return(db, retailer))
    test_till = world.make_device(db, place, live=False)
    test_tag = world.taken_in(db, test_till, world.make_return(db, tester))
    problem_at(db, other)
    problem_at(db, place, live=False)
    counts = state_of(db, place).counts
    assert (counts.waiting, counts.open, counts.sealed, counts.pickups, counts.problems) == (0, 0, 0, 0, 0)
    tests = state_of(db, place, live=False)
    assert [parcel.tag for parcel in tests.waiting] == [test_tag]
    assert tests.counts.problems == 1
