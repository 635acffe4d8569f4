"""Booking never charges twice and never forgets: whatever the carrier, the network or the worker does in between."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from tests import freight_world as freight
from tests import world
from tests.freight_world import events, first_attempt, rows, shipment
from tests.world import BASE_URL, NOW, OPERATOR

from dropoff.cases.tables import case
from dropoff.counter.views import ContainerView
from dropoff.db import Database
from dropoff.events import log
from dropoff.events.jobs import MAX_ATTEMPTS, Retry
from dropoff.events.worker import Worker
from dropoff.freight.booking import PATIENCE, book_shipment, intend
from dropoff.freight.shipments import ShipmentView, cancel_shipment, carrier_label
from dropoff.freight.store import OPERATOR as SEES_ALL
from dropoff.kernel.errors import Problem
from dropoff.plugins import PluginRegistry
from dropoff.ports.carrier import Booking, BookingRequest
from dropoff.testing import CarrierServer, FakeCarrier, FakeCarrierSettings, Fault, fake_carrier_answers

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def server() -> Iterator[CarrierServer]:
    with CarrierServer(fake_carrier_answers()) as started:
        yield started


@pytest.fixture
def plugins(server: CarrierServer) -> Iterator[PluginRegistry]:
    """The fake carrier under the name of the lanes' carrier; it can look up by reference."""
    carrier = FakeCarrier(FakeCarrierSettings(url=server.url, timeout_s=2.0))
    yield PluginRegistry(carriers={"courier": carrier})
    carrier.close()


class Forgetful:
    """Like the fake carrier, but it cannot look anything up."""

    services = ("standard",)

    def __init__(self, carrier: FakeCarrier) -> None:
        self._carrier = carrier

    def book(self, request: BookingRequest) -> Booking:
        return self._carrier.book(request)


def planned(db: Database, plugins: PluginRegistry) -> tuple[ShipmentView, ContainerView]:
    place, retailer = world.make_location(db), world.make_retailer(db)
    till = world.make_device(db, place)
    world.make_lane(db, origin=place, retailer=retailer)
    bag = world.open_bag(db, till)
    world.taken_in(db, till, world.make_return(db, retailer), bag)
    world.seal_bag(db, till, bag)
    (made,) = freight.consolidate(db, plugins=plugins).shipments
    return made, bag


def attempt(db: Database, plugins: PluginRegistry, made: ShipmentView, after: timedelta = timedelta()) -> Retry | None:
    try:
        book_shipment(db, plugins, first_attempt(made.id), NOW + after)
    except Retry as retry:
        return retry
    return None


def charged(server: CarrierServer) -> int:
    return sum(request.method == "POST" for request in server.received)


def test_a_booking_keeps_number_warnings_and_labels(
    db: Database, plugins: PluginRegistry, server: CarrierServer
) -> None:
    made, bag = planned(db, plugins)
    assert attempt(db, plugins, made) is None
    now = shipment(db, made.id)
    assert (now.status, now.tracking_number) == ("booked", "FAKE00000001")
    assert now.labels is not None
    assert [(one.format, one.sscc) for one in now.carrier_labels] == [("zpl", None)]
    assert db.read_sync(carrier_label, SEES_ALL, made.id, "", "zpl") == b"^XA^FDfake^FS^XZ"
    (told,) = events(db, "shipment.booked")
    assert told["retailer_id"] == now.destination.retailer
    assert told["data"]["containers"][0]["sscc"] == bag.sscc
    assert attempt(db, plugins, made) is None
    assert charged(server) == 1
    assert len(events(db, "shipment.booked")) == 1


@pytest.mark.parametrize("fault", [Fault("silence"), Fault("reset"), Fault("malformed"), Fault("cut"), Fault("status")])
def test_a_lost_answer_is_looked_up_and_not_booked_again(
    db: Database, plugins: PluginRegistry, server: CarrierServer, fault: Fault
) -> None:
    made, _ = planned(db, plugins)
    server.faults.append(fault)
    assert attempt(db, plugins, made) is None
    assert shipment(db, made.id).status == "booked"
    assert charged(server) == 1


def test_what_the_carrier_never_got_is_booked_only_when_its_call_must_be_over(
    db: Database, plugins: PluginRegistry, server: CarrierServer
) -> None:
    made, _ = planned(db, plugins)
    server.faults.append(Fault("reset", after_effect=False))
    assert attempt(db, plugins, made) is not None
    assert shipment(db, made.id).status == "booking"
    assert attempt(db, plugins, made, PATIENCE / 2) is not None
    assert charged(server) == 1
    assert attempt(db, plugins, made, PATIENCE) is not None
    assert shipment(db, made.id).status == "planned"
    assert attempt(db, plugins, made, PATIENCE) is None
    assert shipment(db, made.id).status == "booked"
    assert charged(server) == 2


def test_a_look_up_that_fails_is_asked_again_and_books_nothing(
    db: Database, plugins: PluginRegistry, server: CarrierServer
) -> None:
    made, _ = planned(db, plugins)
    server.faults.extend([Fault("reset"), Fault("status", 503)])
    assert attempt(db, plugins, made) is not None
    assert attempt(db, plugins, made) is None
    assert shipment(db, made.id).status == "booked"
    assert charged(server) == 1


def test_a_busy_carrier_is_asked_again_when_it_said(
    db: Database, plugins: PluginRegistry, server: CarrierServer
) -> None:
    made, _ = planned(db, plugins)
    server.faults.append(Fault("status", 429, {"Retry-After": "17"}, after_effect=False))
    retry = attempt(db, plugins, made)
    assert retry is not None
    assert retry.after_s == 17
    assert shipment(db, made.id).status == "planned"
    assert attempt(db, plugins, made) is None
    assert shipment(db, made.id).status == "booked"


def test_a_carrier_that_stays_away_is_given_up_where_a_human_sees_it(
    db: Database, plugins: PluginRegistry, server: CarrierServer
) -> None:
    made, _ = planned(db, plugins)
    server.faults.append(Fault("status", 429, after_effect=False))
    book_shipment(db, plugins, first_attempt(made.id, attempt=MAX_ATTEMPTS), NOW)
    now = shipment(db, made.id)
    assert now.status == "rejected"
    assert now.error is not None
    assert now.error.startswith("given up: unavailable")
    assert [one.reason for one in freight.consolidate(db, plugins=plugins).left] == ["carrier_rejected"]
    assert not isinstance(db.write_sync(cancel_shipment, BASE_URL, made.id, NOW, OPERATOR), Problem)


def test_a_refusal_keeps_the_goods_claimed_until_somebody_cancels(
    db: Database, plugins: PluginRegistry, server: CarrierServer
) -> None:
    made, bag = planned(db, plugins)
    server.faults.append(Fault("status", 422, body=b'{"message": "Too big for us."}', after_effect=False))
    assert attempt(db, plugins, made) is None
    now = shipment(db, made.id)
    assert (now.status, now.error) == ("rejected", "Too big for us.")
    assert now.labels is None
    again = freight.consolidate(db, plugins=plugins)
    assert again.shipments == []
    assert [one.reason for one in again.left] == ["carrier_rejected"]
    db.write_sync(cancel_shipment, BASE_URL, made.id, NOW, OPERATOR)
    (second,) = freight.consolidate(db, plugins=plugins).shipments
    assert [held.sscc for held in second.containers] == [bag.sscc]
    assert attempt(db, plugins, second) is None
    assert shipment(db, second.id).status == "booked"


def test_without_a_look_up_a_human_finds_out(db: Database, plugins: PluginRegistry, server: CarrierServer) -> None:
    carrier = plugins.carriers["courier"]
    assert isinstance(carrier, FakeCarrier)
    forgetful = PluginRegistry(carriers={"courier": Forgetful(carrier)})
    made, _ = planned(db, forgetful)
    server.faults.append(Fault("reset"))
    assert attempt(db, forgetful, made) is None
    assert shipment(db, made.id).status == "unknown"
    (opened,) = rows(db, case, kind="booking_unknown")
    assert opened["objects"]["shipment"] == made.id
    assert attempt(db, forgetful, made) is None
    assert charged(server) == 1
    cancelled = db.write_sync(cancel_shipment, BASE_URL, made.id, NOW, OPERATOR)
    assert not isinstance(cancelled, Problem)


def test_an_adapter_that_breaks_may_have_booked(db: Database) -> None:
    class Broken:
        services = ("standard",)

        def book(self, request: BookingRequest) -> Booking:
            raise ZeroDivisionError("in the adapter")

    plugins = PluginRegistry(carriers={"courier": Broken()})
    made, _ = planned(db, plugins)
    assert attempt(db, plugins, made) is None
    assert shipment(db, made.id).status == "unknown"


def test_a_carrier_with_safe_repeats_is_simply_asked_again(db: Database) -> None:
    vans = freight.OwnVans()
    plugins = PluginRegistry(carriers={"courier": vans})
    made, _ = planned(db, plugins)
    task = db.write_sync(intend, made.id, NOW)
    assert task is not None
    lost = vans.book(task.request)  # and here the worker dies, before the answer is kept
    assert attempt(db, plugins, made) is None
    now = shipment(db, made.id)
    assert (now.status, now.tracking_number) == ("booked", lost.tracking_number)
    assert len(vans.asked) == 2


@contextmanager
def worker_process(database_url: str, carrier_url: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "tests.faults.booking_worker", database_url, carrier_url]
    child = subprocess.Popen(command, cwd=ROOT)
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def test_a_worker_killed_between_intent_and_answer_leaves_one_booking(
    db: Database, database_url: str, plugins: PluginRegistry, server: CarrierServer
) -> None:
    made, _ = planned(db, plugins)
    server.faults.append(Fault("hold"))
    with worker_process(database_url, server.url) as child:
        server.wait_for_requests(1, 60)
        assert shipment(db, made.id).status == "booking"
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert shipment(db, made.id).status == "booking"

    told = threading.Event()
    db.on_wake(log.WAKE, told.set)
    second = Worker(db, {"freight.book": lambda job: book_shipment(db, plugins, job, NOW)}, lease_s=30)
    second.start()
    try:
        assert told.wait(60), "no other worker took the booking up"
    finally:
        second.stop()

    now = shipment(db, made.id)
    assert (now.status, now.tracking_number) == ("booked", "FAKE00000001")
    assert [request.method for request in server.received] == ["POST", "GET"]
