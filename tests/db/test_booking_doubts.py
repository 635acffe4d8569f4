"""A booking of which nobody knows whether it was made ends by a human's word, and its goods are never stuck."""

from typing import Any

import pytest
from tests import freight_world as freight
from tests import world
from tests.db.test_receiving import receive
from tests.world import BASE_URL, NOW, OPERATOR, good

from dropoff.cases import service as cases
from dropoff.cases.service import Case
from dropoff.cases.tables import case
from dropoff.db import Database
from dropoff.events.worker import Worker
from dropoff.freight import doubts
from dropoff.freight.booking import doubt, intend
from dropoff.freight.shipments import cancel_shipment
from dropoff.kernel.errors import Problem


class Doubt:
    """A bag in a shipment whose booking is unknown, and the case about it."""

    def __init__(self, db: Database) -> None:
        self.db = db
        place, self.retailer = world.make_location(db), world.make_retailer(db)
        till = world.make_device(db, place)
        world.make_lane(db, origin=place, retailer=self.retailer)
        self.bag = world.open_bag(db, till)
        self.tag = world.taken_in(db, till, world.make_return(db, self.retailer), self.bag)
        world.seal_bag(db, till, self.bag)
        (self.shipment,) = freight.consolidate(db).shipments
        db.write_sync(intend, self.shipment.id, NOW)
        db.write_sync(doubt, self.shipment.id, "the line broke", NOW)
        (opened,) = freight.rows(db, case, kind="booking_unknown")
        self.case_id: str = opened["id"]

    def resolve(self, outcome: Any, number: str | None = None) -> Case | Problem:
        command = cases.Resolve(
            case_id=self.case_id, outcome=outcome, note=None, tracking_number=number, at=NOW, actor=OPERATOR
        )
        answer = self.db.write_sync(cases.resolve, command)
        Worker(self.db, {}, [doubts.CONSUMER]).run_due()
        return answer

    def state(self) -> tuple[str, str | None]:
        """Of the shipment, and how the case ended."""
        (row,) = freight.rows(self.db, case, id=self.case_id)
        return freight.shipment(self.db, self.shipment.id).status, row["outcome"]


def test_found_at_the_carrier_it_is_booked_under_its_number(db: Database) -> None:
    trip = Doubt(db)
    settled = good(trip.resolve("found", "ACME-1"))
    assert (settled.state, settled.objects["tracking_number"]) == ("resolved", "ACME-1")
    now = freight.shipment(db, trip.shipment.id)
    assert (now.status, now.tracking_number, now.error) == ("booked", "ACME-1", None)
    assert now.labels is not None
    (told,) = freight.events(db, "shipment.booked")
    assert (told["actor"], told["data"]["containers"][0]["sscc"]) == (OPERATOR, trip.bag.sscc)
    assert good(trip.resolve("found", "ACME-1")) == settled
    assert len(freight.events(db, "shipment.booked")) == 1, "said twice, done once"
    other = trip.resolve("found", "ACME-2")
    assert isinstance(other, Problem)
    assert other.code == "case-already-resolved"


def test_not_booked_its_goods_take_the_next_departure(db: Database) -> None:
    trip = Doubt(db)
    assert freight.consolidate(db).shipments == [], "while in doubt, nothing is planned twice"
    good(trip.resolve("explained"))
    assert trip.state() == ("cancelled", "explained")
    assert len(freight.events(db, "shipment.cancelled")) == 1
    (again,) = freight.consolidate(db).shipments
    assert [held.sscc for held in again.containers] == [trip.bag.sscc]


def test_there_is_no_third_way(db: Database) -> None:
    trip = Doubt(db)
    for outcome, number, pointer in (
        ("found", None, "/tracking_number"),
        ("explained", "ACME-1", "/tracking_number"),
        ("lost", None, "/outcome"),
        ("written_off", None, "/outcome"),
    ):
        refused = trip.resolve(outcome, number)
        assert isinstance(refused, Problem)
        assert [error.pointer for error in refused.errors] == [pointer]
    assert trip.state() == ("unknown", None)


def test_cancelled_it_is_in_doubt_no_more(db: Database) -> None:
    trip = Doubt(db)
    good(db.write_sync(cancel_shipment, BASE_URL, trip.shipment.id, NOW, OPERATOR))
    assert trip.state() == ("cancelled", "explained")
    assert isinstance(trip.resolve("found", "ACME-1"), Problem)
    assert trip.state() == ("cancelled", "explained")


def test_what_arrived_was_booked(db: Database) -> None:
    trip = Doubt(db)
    receive(db, trip.retailer, trip.bag.sscc, trip.tag)
    assert trip.state() == ("received", "found")
    assert isinstance(trip.resolve("explained"), Problem)
    assert trip.state() == ("received", "found")


@pytest.mark.parametrize("word", ["found", "explained"])
def test_a_word_that_comes_after_the_goods_moves_nothing_back(db: Database, word: str) -> None:
    """The case is closed, the goods arrive, and only then the log is read."""
    trip = Doubt(db)
    command = cases.Resolve(
        case_id=trip.case_id,
        outcome=word,  # type: ignore[arg-type]
        note=None,
        tracking_number="ACME-1" if word == "found" else None,
        at=NOW,
        actor=OPERATOR,
    )
    good(db.write_sync(cases.resolve, command))
    receive(db, trip.retailer, trip.bag.sscc, trip.tag)
    Worker(db, {}, [doubts.CONSUMER]).run_due()
    assert trip.state() == ("received", word)
    assert freight.events(db, "shipment.booked") == []
