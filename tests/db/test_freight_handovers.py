"""The driver's visit: each container goes or stays for its own reason, both sides count, every attempt is kept."""

from concurrent.futures import ThreadPoolExecutor

from tests import freight_world as freight
from tests import world
from tests.freight_world import CUTOFF, booked, events, hand_over, rows, shipment

from dropoff.cases.tables import case
from dropoff.counter import people, shifts
from dropoff.counter import service as counter
from dropoff.counter.people import Fresh, NewClerk
from dropoff.counter.till import Till
from dropoff.counter.views import ContainerView
from dropoff.db import Database, Tx
from dropoff.freight import service, store
from dropoff.freight.tables import handover
from dropoff.kernel.gs1 import EXAMPLE_PREFIX, nth_sscc
from dropoff.network.store import Location
from dropoff.receiving import store as receiving_store
from dropoff.retailers.service import NewRetailerView
from dropoff.returns.service import ReturnView


class Scene:
    """A till with a lane to one retailer."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.place: Location = world.make_location(db)
        self.retailer: NewRetailerView = world.make_retailer(db)
        self.till: Till = world.make_device(db, self.place)
        self.returns: list[ReturnView] = []
        world.make_lane(db, origin=self.place, retailer=self.retailer)

    def bag(self) -> ContainerView:
        made = world.make_return(self.db, self.retailer)
        bag = world.open_bag(self.db, self.till)
        world.taken_in(self.db, self.till, made, bag)
        world.seal_bag(self.db, self.till, bag)
        self.returns.append(made)
        return bag


def left(answer: freight.HandoverAnswer) -> dict[str, str]:
    return {one.sscc: one.reason for one in answer.left_behind}


def test_the_driver_takes_what_is_booked_and_everything_moves(db: Database) -> None:
    scene = Scene(db)
    bag = scene.bag()
    (made,) = booked(db)
    answer = hand_over(db, scene.till, bag.sscc, shipment=made.id, driver="M. K.", driver_count=1)
    assert (answer.verdict, answer.reason) == ("accepted", None)
    assert answer.handed_over == [bag.sscc]
    assert answer.left_behind == []
    now = shipment(db, made.id)
    assert now.status == "handed_over"
    assert now.handed_over_at == CUTOFF
    assert [held.status for held in now.containers] == ["handed_over"]
    assert {unit.custody for unit in world.units_of(db, scene.returns[0])} == {"in_transit"}
    (told,) = events(db, "shipment.handed_over")
    assert told["retailer_id"] == scene.retailer.id
    (step,) = events(db, "parcel.departed")
    assert step["return_id"] == scene.returns[0].id


def test_the_rest_goes_when_some_stay(db: Database) -> None:
    scene = Scene(db)
    goes, broken, forgotten = scene.bag(), scene.bag(), scene.bag()
    (made,) = booked(db)
    unbooked = scene.bag()
    stranger = nth_sscc(EXAMPLE_PREFIX, 999_999)
    answer = hand_over(db, scene.till, goes.sscc, unbooked.sscc, stranger, broken=(broken.sscc,), shipment=made.id)
    assert answer.verdict == "accepted"
    assert answer.handed_over == [goes.sscc]
    assert left(answer) == {
        broken.sscc: "seal_broken",
        forgotten.sscc: "not_presented",
        unbooked.sscc: "not_booked",
        stranger: "not_booked",
    }
    (opened,) = rows(db, case, kind="seal_broken")
    assert answer.cases == [opened["id"]]
    assert shipment(db, made.id).status == "handed_over"


def test_a_second_visit_takes_what_the_first_left(db: Database) -> None:
    scene = Scene(db)
    first, second = scene.bag(), scene.bag()
    (made,) = booked(db)
    hand_over(db, scene.till, first.sscc, shipment=made.id)
    answer = hand_over(db, scene.till, first.sscc, second.sscc, shipment=made.id)
    assert (answer.verdict, answer.handed_over) == ("accepted", [second.sscc])
    again = hand_over(db, scene.till, first.sscc, second.sscc, shipment=made.id)
    assert again.verdict == "already"
    assert len(events(db, "shipment.handed_over")) == 2


def test_what_the_first_visit_left_can_go_also_when_the_rest_has_arrived(db: Database) -> None:
    scene = Scene(db)
    first, second = scene.bag(), scene.bag()
    (made,) = booked(db)
    hand_over(db, scene.till, first.sscc, shipment=made.id)
    db.write_sync(store.move_shipment, made.id, "receive")
    answer = hand_over(db, scene.till, second.sscc)
    assert (answer.verdict, answer.handed_over) == ("accepted", [second.sscc])
    assert shipment(db, made.id).status == "received"


def test_a_test_bag_at_a_live_till_is_told_from_one_that_is_elsewhere(db: Database) -> None:
    scene = Scene(db)
    bag = scene.bag()
    booked(db)
    tester = world.make_device(db, scene.place, live=False)
    answer = hand_over(db, tester, bag.sscc)
    assert (answer.verdict, answer.reason, left(answer)) == ("refused", "test_mode", {bag.sscc: "not_booked"})


def test_a_till_that_repeats_itself_is_not_told_of_another_count(db: Database) -> None:
    scene = Scene(db)
    one, two = scene.bag(), scene.bag()
    (made,) = booked(db)
    hand_over(db, scene.till, one.sscc, two.sscc, shipment=made.id, driver_count=2)
    again = hand_over(db, scene.till, one.sscc, two.sscc, shipment=made.id, driver_count=2)
    assert (again.verdict, again.reason) == ("already", None)
    assert sorted(again.handed_over) == sorted([one.sscc, two.sscc])


def test_what_stayed_takes_the_next_departure(db: Database) -> None:
    scene = Scene(db)
    first, second = scene.bag(), scene.bag()
    (made,) = booked(db)
    hand_over(db, scene.till, first.sscc, shipment=made.id)
    tomorrow = CUTOFF + (CUTOFF - world.NOW)
    run = freight.consolidate(db, as_of=CUTOFF.replace(day=24), now=tomorrow)
    assert [held.sscc for one in run.shipments for held in one.containers] == [second.sscc]
    assert [held.sscc for held in shipment(db, made.id).containers] == [first.sscc]


def test_another_count_lets_nothing_go(db: Database) -> None:
    scene = Scene(db)
    one, two = scene.bag(), scene.bag()
    (made,) = booked(db)
    answer = hand_over(db, scene.till, one.sscc, two.sscc, shipment=made.id, driver_count=3)
    assert (answer.verdict, answer.reason, answer.count) == ("refused", "count_differs", 2)
    assert answer.handed_over == []
    assert shipment(db, made.id).status == "booked"
    assert not events(db, "shipment.handed_over")
    kept = rows(db, handover)
    assert [(row["verdict"], row["reason"], row["driver_count"]) for row in kept] == [("refused", "count_differs", 3)]


def test_what_is_not_booked_stays(db: Database) -> None:
    scene = Scene(db)
    bag = scene.bag()
    unplanned = hand_over(db, scene.till, bag.sscc)
    assert (unplanned.verdict, unplanned.reason) == ("refused", "not_booked")
    freight.consolidate(db)
    planned = hand_over(db, scene.till, bag.sscc)
    assert (planned.verdict, planned.reason) == ("refused", "not_booked")
    assert left(planned) == {bag.sscc: "not_booked"}


def test_a_till_of_another_location_hands_nothing_over(db: Database) -> None:
    scene = Scene(db)
    bag = scene.bag()
    (made,) = booked(db)
    elsewhere = world.make_device(db, world.make_location(db))
    assert hand_over(db, elsewhere, bag.sscc, shipment=made.id).reason == "wrong_location"
    assert left(hand_over(db, elsewhere, bag.sscc)) == {bag.sscc: "wrong_location"}
    assert hand_over(db, scene.till, bag.sscc, shipment="shp_00000000000000000000000000").reason == "not_booked"
    assert shipment(db, made.id).status == "booked"
    assert len(rows(db, handover)) == 3


def test_a_loose_parcel_is_named_by_its_tag(db: Database) -> None:
    scene = Scene(db)
    tag = world.taken_in(db, scene.till, world.make_return(db, scene.retailer))
    (made,) = booked(db)
    answer = hand_over(db, scene.till, tag.lower(), shipment=made.id)
    assert answer.handed_over == [made.containers[0].sscc]


def test_a_container_named_twice_goes_once_and_a_broken_seal_counts(db: Database) -> None:
    scene = Scene(db)
    bag = scene.bag()
    (made,) = booked(db)
    doubt = hand_over(db, scene.till, bag.sscc, broken=(bag.id,), shipment=made.id)
    assert left(doubt) == {bag.sscc: "seal_broken"}
    assert doubt.handed_over == []
    once = hand_over(db, scene.till, bag.sscc, bag.id, f"]C100{bag.sscc}", shipment=made.id, driver_count=1)
    assert once.handed_over == [bag.sscc]
    assert len(rows(db, case, kind="seal_broken")) == 1


def test_a_driver_who_takes_nothing_is_noted(db: Database) -> None:
    scene = Scene(db)
    bag = scene.bag()
    (made,) = booked(db)
    answer = hand_over(db, scene.till, shipment=made.id, driver_count=0)
    assert (answer.verdict, answer.handed_over) == ("accepted", [])
    assert left(answer) == {bag.sscc: "not_presented"}
    assert shipment(db, made.id).status == "booked"


def test_two_scans_of_one_moment_move_it_once(db: Database) -> None:
    scene = Scene(db)
    bags = [scene.bag() for _ in range(2)]
    (made,) = booked(db)
    second = world.make_device(db, scene.place)
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(
                lambda till: hand_over(db, till, *(bag.sscc for bag in bags), shipment=made.id),
                [scene.till, second] * 4,
            )
        )
    assert sorted(one.verdict for one in answers) == ["accepted"] + ["already"] * 7
    assert all(sorted(one.handed_over) == sorted(bag.sscc for bag in bags) for one in answers)
    assert len(events(db, "shipment.handed_over")) == 1
    assert len(rows(db, handover)) == 8


def arrive(db: Database, container: ContainerView) -> None:
    def run(tx: Tx) -> None:
        assert counter.receive_container(tx, container.id, CUTOFF)
        service.container_received(tx, container.id, CUTOFF)

    db.write_sync(run)


def test_a_shipment_is_received_with_the_last_container_that_travelled(db: Database) -> None:
    scene = Scene(db)
    first, second, left_here = scene.bag(), scene.bag(), scene.bag()
    (made,) = booked(db)
    hand_over(db, scene.till, first.sscc, second.sscc, shipment=made.id)
    arrive(db, first)
    assert shipment(db, made.id).status == "handed_over"
    arrive(db, second)
    assert shipment(db, made.id).status == "received"
    run = freight.consolidate(db, as_of=CUTOFF.replace(day=24), now=CUTOFF + (CUTOFF - world.NOW))
    assert [held.sscc for one in run.shipments for held in one.containers] == [left_here.sscc]


def test_a_shipment_that_nobody_scanned_is_received_too(db: Database) -> None:
    scene = Scene(db)
    first, second = scene.bag(), scene.bag()
    (made,) = booked(db)
    arrive(db, first)
    assert shipment(db, made.id).status == "booked"
    arrive(db, second)
    assert shipment(db, made.id).status == "received"


def test_who_stood_at_the_till_is_kept_with_the_handover_and_told_to_no_retailer(db: Database) -> None:
    scene = Scene(db)
    bag = scene.bag()
    booked(db)
    new = NewClerk(name="Anna", initials="AN", pin="4711")
    fresh = Fresh("00:00", None)
    anna = world.good(db.write_sync(people.add_clerk, scene.place.id, new, fresh, CUTOFF, world.OPERATOR))
    world.good(db.write_sync(lambda tx: shifts.begin(tx, scene.till, anna.id, CUTOFF, by_pin=False)))
    hand_over(db, scene.till, bag.sscc)
    (kept,) = rows(db, handover)
    assert kept["clerk_id"] == anna.id
    (step,) = events(db, "parcel.departed")
    assert step["clerk_id"] == anna.id
    assert anna.id not in str((step["objects"], step["data"]))
    (done,) = db.read_sync(receiving_store.handed_over, scene.place.id, CUTOFF)
    assert (done.kind, done.initials) == ("handover", "AN")
