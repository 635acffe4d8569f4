"""Freight in the small world: planning, booking and the driver's visit, as the API and the worker call them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from dropoff.counter.till import Till
from dropoff.db import Database
from dropoff.events import jobs
from dropoff.events.tables import event, job
from dropoff.events.worker import Worker
from dropoff.freight import runs, service
from dropoff.freight.booking import book_shipment
from dropoff.freight.handovers import HandOver, HandoverAnswer, Named
from dropoff.freight.runs import Planner, RunView
from dropoff.freight.shipments import ShipmentView, show
from dropoff.freight.store import OPERATOR as SEES_ALL
from dropoff.kernel.ids import new_id
from dropoff.plugins import PluginRegistry
from dropoff.ports.carrier import Booking, BookingRequest, Carrier
from tests.world import BASE_URL, NOW, OPERATOR, PREFIX, good

CUTOFF = datetime(2026, 11, 23, 16, tzinfo=UTC)
"""17:00 in Berlin on the day of NOW."""


class OwnVans:
    """The simplest carrier; counts what it was asked."""

    services = ("standard",)
    repeats_are_safe = True

    def __init__(self) -> None:
        self.asked: list[BookingRequest] = []

    def book(self, request: BookingRequest) -> Booking:
        self.asked.append(request)
        return Booking(tracking_number=f"VAN-{request.reference[-8:]}")


def registry(**carriers: Carrier) -> PluginRegistry:
    return PluginRegistry(carriers=dict(carriers) or {"courier": OwnVans()})


def planner(db: Database, plugins: PluginRegistry | None = None) -> Planner:
    return Planner(db, plugins or registry(), PREFIX)


def consolidate(
    db: Database, as_of: datetime = CUTOFF, now: datetime = NOW, plugins: PluginRegistry | None = None
) -> RunView:
    run_id = new_id("run")
    db.write_sync(runs.begin_run, run_id, as_of, now, OPERATOR)
    runs.carry_out(planner(db, plugins), run_id, now)
    return good(db.read_sync(runs.show_run, BASE_URL, run_id))


def book_all(db: Database, plugins: PluginRegistry | None = None, now: datetime = NOW) -> None:
    """Every booking job that is due, with everything it causes."""
    known = plugins or registry()
    handlers: Mapping[str, Any] = {"freight.book": lambda one: book_shipment(db, known, one, now)}
    Worker(db, handlers).run_due()


def shipment(db: Database, shipment_id: str) -> ShipmentView:
    return good(db.read_sync(show, BASE_URL, SEES_ALL, shipment_id))


def booked(db: Database, as_of: datetime = CUTOFF, now: datetime = NOW) -> list[ShipmentView]:
    run = consolidate(db, as_of, now)
    book_all(db, now=now)
    return [shipment(db, one.id) for one in run.shipments]


def hand_over(
    db: Database, till: Till, *ssccs: str, broken: tuple[str, ...] = (), at: datetime = CUTOFF, **more: Any
) -> HandoverAnswer:
    command = HandOver(
        id=new_id("hov"),
        location_id=till.location_id,
        device_id=till.device_id,
        live=till.live,
        actor=till.actor,
        at=at,
        containers=tuple(Named(one, one not in broken) for one in (*ssccs, *broken)),
        shipment_id=more.get("shipment"),
        driver=more.get("driver"),
        driver_count=more.get("driver_count"),
        left=more.get("left", ()),
    )
    return db.write_sync(service.hand_over, command)


def rows(db: Database, table: Any, **where: Any) -> list[dict[str, Any]]:
    query = table.select()
    for name, value in where.items():
        query = query.where(table.c[name] == value)
    return [dict(row._mapping) for row in db.read_sync(lambda tx: tx.read(query))]


def events(db: Database, type_: str) -> list[dict[str, Any]]:
    return rows(db, event, type=type_)


def booking_jobs(db: Database) -> list[dict[str, Any]]:
    return rows(db, job, kind="freight.book")


def first_attempt(shipment_id: str, attempt: int = 1) -> jobs.Job:
    return jobs.Job("job_test", "freight.book", {"shipment": shipment_id}, attempt, 12, 1)
