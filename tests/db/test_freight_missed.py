"""The driver who did not come: a case, the next departure, and never two bookings for one bag."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import timedelta

import sqlalchemy as sa
from tests import freight_world as freight
from tests import world
from tests.freight_world import CUTOFF, booked, events, hand_over, rows, shipment

from dropoff.cases.tables import case
from dropoff.counter.tables import container
from dropoff.counter.till import Till
from dropoff.counter.views import ContainerView
from dropoff.db import Database, Tx
from dropoff.db.engines import normal_url
from dropoff.events.worker import Worker
from dropoff.freight import missed
from dropoff.freight.missed import MissedAnswer
from dropoff.kernel.errors import Problem
from dropoff.returns import service as returns
from dropoff.returns.service import ReturnView

LATE = CUTOFF + timedelta(hours=1)
TOMORROW = CUTOFF + timedelta(days=1)


class Scene:
    """A sealed bag that a driver is booked for, at a till with a lane to its retailer."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.place = world.make_location(db)
        self.till: Till = world.make_device(db, self.place)
        self.retailer = world.make_retailer(db)
        world.make_lane(db, origin=self.place, retailer=self.retailer)
        self.made: ReturnView = world.make_return(db, self.retailer)
        self.bag: ContainerView = world.open_bag(db, self.till)
        world.taken_in(db, self.till, self.made, self.bag)
        world.seal_bag(db, self.till, self.bag)
        (self.shipment,) = booked(db)

    def tell(self, at: object = LATE, till: Till | None = None) -> MissedAnswer:
        return world.good(self.db.write_sync(missed.tell_missed, till or self.till, self.shipment.id, at))

    def follow(self) -> None:
        Worker(self.db, {}, [missed.CONSUMER]).run_due()


def test_the_alarm_opens_one_case_and_the_bag_takes_the_next_departure(db: Database) -> None:
    scene = Scene(db)
    answer = scene.tell()
    assert (answer.verdict, answer.reason, answer.goes_at) == ("accepted", None, TOMORROW)
    again = scene.tell(LATE + timedelta(minutes=5))
    assert (again.verdict, again.case) == ("already", answer.case)
    (opened,) = rows(db, case, kind="driver_missed")
    assert (opened["id"], opened["owner"], opened["location_id"]) == (answer.case, "operator", scene.place.id)
    (told,) = events(db, "driver.missed")
    assert (told["retailer_id"], told["objects"]["containers"]) == (None, [scene.bag.sscc])

    assert freight.consolidate(db, as_of=LATE, now=LATE).shipments == [], "what is over is not planned again"
    assert shipment(db, scene.shipment.id).status == "booked", "a driver who is only late still finds it"
    run = freight.consolidate(db, as_of=TOMORROW, now=LATE + timedelta(hours=1))
    assert [(one.departs_at, [held.sscc for held in one.containers]) for one in run.shipments] == [
        (TOMORROW, [scene.bag.sscc])
    ]
    assert shipment(db, scene.shipment.id).status == "cancelled"
    (held,) = rows(db, container, id=scene.bag.id)
    assert held["shipment_id"] == run.shipments[0].id, "one booking claims it"


def test_a_driver_who_comes_after_all_takes_it_and_ends_the_case(db: Database) -> None:
    scene = Scene(db)
    scene.tell()
    answer = hand_over(db, scene.till, scene.bag.sscc, at=LATE + timedelta(minutes=20))
    assert (answer.verdict, answer.handed_over) == ("accepted", [scene.bag.sscc])
    scene.follow()
    (closed,) = rows(db, case, kind="driver_missed")
    assert closed["outcome"] == "explained"
    assert freight.consolidate(db, as_of=TOMORROW, now=TOMORROW).shipments == []
    assert shipment(db, scene.shipment.id).status == "handed_over"
    refused = scene.tell(LATE + timedelta(minutes=30))
    assert (refused.verdict, refused.reason) == ("refused", "not_booked")


def test_before_its_time_and_from_another_place_nothing_is_raised(db: Database) -> None:
    scene = Scene(db)
    early = scene.tell(CUTOFF - timedelta(minutes=1))
    assert (early.verdict, early.reason, early.case) == ("refused", "not_due", None)
    elsewhere = world.make_device(db, world.make_location(db))
    told = db.write_sync(missed.tell_missed, elsewhere, scene.shipment.id, LATE)
    assert isinstance(told, Problem)
    assert rows(db, case, kind="driver_missed") == []


def test_hours_later_the_alarm_is_raised_by_itself_once(db: Database) -> None:
    scene = Scene(db)
    assert db.read_sync(missed.overdue, CUTOFF + missed.LATE_AFTER - timedelta(minutes=1)) == []
    late = CUTOFF + missed.LATE_AFTER
    assert db.read_sync(missed.overdue, late) == [scene.shipment.id]
    assert db.write_sync(missed.raise_alarm, scene.shipment.id, late, "system") is not None
    assert db.read_sync(missed.overdue, late) == []
    assert db.write_sync(missed.raise_alarm, scene.shipment.id, late, "system") is None


def test_the_shopper_reads_the_next_pickup_instead_of_one_that_is_over(db: Database) -> None:
    scene = Scene(db)
    scene.tell()
    scene.follow()
    head = db.read_sync(returns.find_return, scene.made.id)
    assert head is not None
    assert (head.next_kind, head.next_at, head.holder) == ("pickup", TOMORROW, scene.place.name)


def test_a_driver_who_comes_while_the_next_departure_is_planned_takes_no_bag_of_a_cancelled_booking(
    postgres_database_url: str,
) -> None:
    """The plan has cancelled the booking but not committed yet; then the till hands the bag over."""
    with closing(Database(postgres_database_url)) as db, closing_engine(postgres_database_url) as engine:
        scene = Scene(db)
        scene.tell()
        with engine.connect() as planner, ThreadPoolExecutor(1) as till:
            missed.plan_again(plan := Tx(planner), scene.shipment.id, LATE, "system")
            plan.finish()
            answered = till.submit(hand_over, db, scene.till, scene.bag.sscc, at=LATE)
            with engine.connect() as watcher:
                wait_for_a_waiting_lock(watcher)
            planner.commit()
            answer = answered.result()
        assert (answer.handed_over, [one.reason for one in answer.left_behind]) == ([], ["not_booked"])
        (held,) = rows(db, container, id=scene.bag.id)
        assert (held["status"], held["shipment_id"]) == ("sealed", None)
        assert shipment(db, scene.shipment.id).status == "cancelled"


@contextmanager
def closing_engine(url: str) -> Iterator[sa.Engine]:
    """Without the lanes' time-outs, so that a transaction may stand still."""
    engine = sa.create_engine(normal_url(url))
    try:
        yield engine
    finally:
        engine.dispose()


def wait_for_a_waiting_lock(watcher: sa.Connection) -> None:
    deadline = time.monotonic() + 20
    while not watcher.scalar(sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
        assert time.monotonic() < deadline, "nobody waits for the plan"
