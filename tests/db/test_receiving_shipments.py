"""A shipment is received with its last container, and a till sees it until it leaves."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from tests import freight_world as freight
from tests import world
from tests.db.test_receiving import kinds, receive, report
from tests.world import NOW, good

from dropoff.counter.till import Till
from dropoff.db import Database, Tx
from dropoff.freight.shipments import ShipmentView
from dropoff.network.store import Location
from dropoff.receiving import service
from dropoff.receiving.intake import Counted
from dropoff.receiving.state import counter_state
from dropoff.retailers.service import NewRetailerView


class Departure:
    """Two bags of one retailer in one booked shipment."""

    def __init__(self, db: Database) -> None:
        self.shop: Location = world.make_location(db)
        self.till: Till = world.make_device(db, self.shop)
        self.retailer: NewRetailerView = world.make_retailer(db)
        world.make_lane(db, origin=self.shop, retailer=self.retailer)
        self.bags = [world.open_bag(db, self.till) for _ in range(2)]
        self.tags = []
        for bag in self.bags:
            self.tags.append(world.taken_in(db, self.till, world.make_return(db, self.retailer), bag))
            world.seal_bag(db, self.till, bag)
        (self.shipment,) = freight.booked(db)

    def hand_over(self, db: Database) -> None:
        answer = freight.hand_over(db, self.till, *(bag.sscc for bag in self.bags))
        assert len(answer.handed_over) == 2, answer

    def now(self, db: Database) -> ShipmentView:
        return freight.shipment(db, self.shipment.id)


def test_it_is_received_with_its_last_container(db: Database) -> None:
    trip = Departure(db)
    trip.hand_over(db)
    receive(db, trip.retailer, trip.bags[0].sscc, trip.tags[0])
    assert trip.now(db).status == "handed_over"
    receive(db, trip.retailer, trip.bags[1].sscc, trip.tags[1])
    assert trip.now(db).status == "received"


def test_also_when_nobody_scanned_the_handover(db: Database) -> None:
    trip = Departure(db)
    for bag, tag in zip(trip.bags, trip.tags, strict=True):
        assert kinds(db, receive(db, trip.retailer, bag.sscc, tag).cases) == ["handover_unscanned"]
    assert trip.now(db).status == "received"


def test_a_parcel_of_its_own_that_came_inside_a_bag_is_planned_no_more(db: Database) -> None:
    shop, retailer = world.make_location(db), world.make_retailer(db)
    till = world.make_device(db, shop)
    world.make_lane(db, origin=shop, retailer=retailer)
    bag = world.open_bag(db, till)
    packed = world.taken_in(db, till, world.make_return(db, retailer), bag)
    loose = world.taken_in(db, till, world.make_return(db, retailer))
    world.seal_bag(db, till, bag)
    (made,) = freight.booked(db)
    freight.hand_over(db, till, bag.sscc)
    counted = receive(db, retailer, bag.sscc, packed, loose)
    assert (counted.received, counted.unexpected) == ((packed,), (loose,))
    assert [held.status for held in freight.shipment(db, made.id).containers] == ["unpacked"] * 2
    later = freight.CUTOFF + timedelta(hours=12)
    assert freight.booked(db, as_of=freight.CUTOFF + timedelta(days=1), now=later) == []
    assert good(db.read_sync(counter_state, shop.id, True, later)).sealed == []


def test_two_last_containers_at_once(postgres_database_url: str) -> None:
    """Each receipt runs before the other's commit: without a lock, each would see the other still travelling."""
    lanes = [Database(postgres_database_url, listen=False) for _ in range(2)]
    first_ran, second_ran = threading.Event(), threading.Event()
    try:
        trip = Departure(lanes[0])
        trip.hand_over(lanes[0])
        sent = [report(bag.sscc, tag) for bag, tag in zip(trip.bags, trip.tags, strict=True)]

        def first(tx: Tx) -> object:
            answer = service.receive(tx, sent[0], trip.retailer.id)
            first_ran.set()
            assert second_ran.wait(20)
            return answer

        def second(tx: Tx) -> object:
            try:
                return service.receive(tx, sent[1], trip.retailer.id)
            finally:
                second_ran.set()

        with ThreadPoolExecutor(1) as pool:
            one = pool.submit(lanes[0].write_sync, first)
            assert first_ran.wait(20)
            other = lanes[1].write_sync(second)
            assert isinstance(one.result(), Counted)
        assert isinstance(other, Counted)
        assert trip.now(lanes[0]).status == "received"
    finally:
        for lane in lanes:
            lane.close()


def test_a_till_sees_the_shipment_until_it_leaves(db: Database) -> None:
    trip = Departure(db)
    state = good(db.read_sync(counter_state, trip.shop.id, True, NOW))
    (pickup,) = state.pickups
    assert (pickup.shipment, pickup.status, pickup.carrier) == (trip.shipment.id, "booked", "courier")
    assert pickup.tracking_number == trip.now(db).tracking_number
    assert sorted(pickup.containers) == sorted(bag.sscc for bag in trip.bags)
    assert pickup.destination is not None
    assert pickup.destination.name == trip.retailer.name
    assert [bag.shipment for bag in state.sealed] == [trip.shipment.id] * 2
    trip.hand_over(db)
    after = good(db.read_sync(counter_state, trip.shop.id, True, NOW))
    assert (after.pickups, after.sealed) == ([], [])
