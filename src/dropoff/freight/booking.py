"""Booking with a carrier: the intent is committed before the call, so that a crash leaves a trace and never a second
charge.

The call itself happens between two transactions. What it left in doubt is settled in this order: the carrier promises
that repeats are safe, so ask again; the carrier can look our reference up, so ask that; else a human finds out, by a
case.
"""

import logging
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from dropoff.cases import service as cases
from dropoff.db import Database, Tx
from dropoff.events.jobs import Job, Retry
from dropoff.freight import store
from dropoff.freight.labels import LabelAddress, LabelContent
from dropoff.freight.news import tell_operator, tell_retailers
from dropoff.freight.store import Held, ShipmentRow
from dropoff.network import service as network
from dropoff.plugins import PluginRegistry
from dropoff.ports.carrier import (
    Address,
    Booking,
    BookingRequest,
    Carrier,
    CarrierError,
    ContainerToBook,
    FindsByReference,
    Misconfigured,
    Rejected,
    Unavailable,
    repeats_are_safe,
)
from dropoff.retailers import service as retailers

PATIENCE = timedelta(minutes=10)
"""How long a call may still be on its way at the carrier. Only when it is over does "no such reference" mean that
nothing was booked."""
LOOK_AGAIN_S = 20.0

log = logging.getLogger("dropoff.freight")


class Task(msgspec.Struct, frozen=True):
    """A shipment whose intent stands in the database. `fresh`: nobody has called the carrier for this intent yet."""

    request: BookingRequest
    carrier: str
    fresh: bool
    intended_at: datetime


class Outcome(msgspec.Struct, frozen=True):
    kind: Literal["booked", "refused", "postponed", "waiting", "doubtful"]
    booking: Booking | None = None
    detail: str = ""
    retry_after_s: float | None = None


def book_shipment(db: Database, plugins: PluginRegistry, job: Job, now: datetime) -> None:
    """One attempt; raises `Retry` when another may follow."""
    shipment_id = job.payload["shipment"]
    task = db.write_sync(intend, shipment_id, now)
    if task is None:
        return
    carrier = plugins.carrier(task.carrier)
    outcome = _missing(task) if carrier is None else ask(carrier, task, now)
    if job.is_last_attempt:
        outcome = _last(outcome)
    if outcome.kind == "booked" and outcome.booking is not None:
        db.write_sync(confirm, shipment_id, outcome.booking, now)
    elif outcome.kind == "refused":
        db.write_sync(refuse, shipment_id, outcome.detail, now)
    elif outcome.kind == "doubtful":
        db.write_sync(doubt, shipment_id, outcome.detail, now)
    else:
        if outcome.kind == "postponed":
            db.write_sync(postpone, shipment_id, outcome.detail)
        raise Retry(outcome.retry_after_s, outcome.detail)


def ask(carrier: Carrier, task: Task, now: datetime) -> Outcome:
    """The only place that calls a carrier. At most one charged call for an intent."""
    safe = repeats_are_safe(carrier)
    if not task.fresh and not safe:
        return _look_up(carrier, task, now, "the worker stopped before the carrier's answer was kept")
    try:
        return Outcome("booked", carrier.book(task.request))
    except Unavailable as error:
        return Outcome("postponed", detail=f"unavailable: {error}", retry_after_s=error.retry_after_s)
    except (Rejected, Misconfigured) as error:
        return Outcome("refused", detail=str(error))
    except Exception as error:
        if not isinstance(error, CarrierError):
            log.exception("the adapter of %s broke", task.carrier)
        detail = f"{type(error).__name__}: {error}"
        if safe:
            return Outcome("waiting", detail=detail, retry_after_s=LOOK_AGAIN_S)
        return _look_up(carrier, task, now, detail)


def _look_up(carrier: Carrier, task: Task, now: datetime, detail: str) -> Outcome:
    if not isinstance(carrier, FindsByReference):
        return Outcome("doubtful", detail=detail)
    try:
        found = carrier.find_by_reference(task.request.reference, live=task.request.live)
    except Exception as error:
        after_s = error.retry_after_s if isinstance(error, Unavailable) else None
        return Outcome("waiting", detail=f"{detail}; look-up: {error}", retry_after_s=after_s or LOOK_AGAIN_S)
    if found is not None:
        return Outcome("booked", found)
    remaining = task.intended_at + PATIENCE - now
    if remaining > timedelta():
        # Ever sooner towards the end: a handful of look-ups, far fewer than a job has attempts.
        after_s = max(LOOK_AGAIN_S, remaining.total_seconds() / 3)
        return Outcome("waiting", detail=f"{detail}; not found so far", retry_after_s=after_s)
    return Outcome("postponed", detail=f"{detail}; the carrier has no such reference", retry_after_s=0.0)


def _last(outcome: Outcome) -> Outcome:
    """No other attempt follows, so a human takes over: by a case where it is in doubt, else by a rejected shipment,
    whose goods every run names until somebody cancels it. Left as planned, nobody would see them."""
    if outcome.kind == "waiting":
        return Outcome("doubtful", detail=outcome.detail)
    if outcome.kind == "postponed":
        return Outcome("refused", detail=f"given up: {outcome.detail}")
    return outcome


def _missing(task: Task) -> Outcome:
    detail = f"the carrier {task.carrier} is not installed in this process"
    return Outcome("refused", detail=detail) if task.fresh else Outcome("waiting", detail=detail)


# --- the transactions


def intend(tx: Tx, shipment_id: str, at: datetime) -> Task | None:
    """Takes the shipment for a call, or finds it taken. None: there is nothing to book."""
    taken = store.move_shipment(tx, shipment_id, "intend", intended_at=at)
    row = taken or store.find_shipment(tx, shipment_id)
    if row is None or row.status != "booking":
        return None
    assert row.intended_at is not None, "a shipment in booking has its intent's time"
    return Task(_request(tx, row), row.carrier, taken is not None, row.intended_at)


def _request(tx: Tx, row: ShipmentRow) -> BookingRequest:
    return BookingRequest(
        reference=row.reference,
        service=row.service,
        origin=_place(tx, row.origin_location_id),
        destination=_destination(tx, row),
        containers=tuple(
            ContainerToBook(
                sscc=held.sscc,
                kind=held.kind,  # type: ignore[arg-type]  # the table's check keeps the closed list
                parcel_count=held.parcel_count,
                weight_g=held.weight_g or None,
            )
            for held in store.containers_of(tx, [row.id])[row.id]
        ),
        pickup_at=row.departs_at,
        live=row.live,
    )


def _place(tx: Tx, location_id: str) -> Address:
    place = network.location(tx, location_id)
    assert place is not None, "a location that ships is never deleted"
    return Address(
        name=place.name, street=place.street, postcode=place.postcode, city=place.city, country=place.country
    )


def _destination(tx: Tx, row: ShipmentRow) -> Address:
    if row.destination_hub_id is not None:
        return _place(tx, row.destination_hub_id)
    assert row.destination_retailer_id is not None
    retailer = retailers.find(tx, row.destination_retailer_id)
    assert retailer is not None, "a retailer is never deleted"
    to = retailer.return_address
    return Address(name=to.name, street=to.street, postcode=to.postcode, city=to.city, country=to.country)


def confirm(tx: Tx, shipment_id: str, booking: Booking, at: datetime, actor: str | None = None) -> ShipmentRow | None:
    """Booked: number, warnings, the carrier's labels and what ours say are kept. None when it was settled before."""
    values = {
        "tracking_number": booking.tracking_number,
        "warnings": list(booking.warnings),
        "booked_at": at,
        "error": None,
    }
    row = store.move_shipment(tx, shipment_id, "confirm", **values)
    if row is None:
        return None
    for label in booking.labels:
        store.keep_carrier_label(tx, shipment_id, label.sscc or "", label.format, label.data)
    containers = store.containers_of(tx, [shipment_id])[shipment_id]
    for held in containers:
        content = _label(tx, row, held, len(containers))
        store.keep_label(tx, shipment_id, held.container_id, msgspec.to_builtins(content))
    tell_retailers(
        tx, row, "shipment.booked", at, actor or f"carrier:{row.carrier}", {h.container_id for h in containers}
    )
    return row


def _label(tx: Tx, row: ShipmentRow, held: Held, total: int) -> LabelContent:
    origin = network.location(tx, row.origin_location_id)
    assert origin is not None
    local = row.departs_at.astimezone(ZoneInfo(origin.zone))
    return LabelContent(
        sscc=held.sscc,
        position=held.position,
        total=total,
        carrier=row.carrier,
        service=row.service,
        origin=_on_label(_place(tx, row.origin_location_id)),
        ship_to=_on_label(_destination(tx, row)),
        departs=f"{local:%Y-%m-%d %H:%M}",
        kind=held.kind,
        parcel_count=held.parcel_count,
        weight_g=held.weight_g,
        seal=held.seal,
        tracking_number=row.tracking_number,
        live=row.live,
    )


def _on_label(address: Address) -> LabelAddress:
    return LabelAddress(address.name, address.street, address.postcode, address.city, address.country)


def refuse(tx: Tx, shipment_id: str, detail: str, at: datetime) -> None:
    row = store.move_shipment(tx, shipment_id, "refuse", error=detail[:1000])
    if row is not None:
        tell_operator(tx, row, "shipment.rejected", at, f"carrier:{row.carrier}", error=detail[:1000])


def postpone(tx: Tx, shipment_id: str, detail: str) -> None:
    store.move_shipment(tx, shipment_id, "postpone", error=detail[:1000])


def doubt(tx: Tx, shipment_id: str, detail: str, at: datetime) -> None:
    """A human asks the carrier; until then nothing moves and nothing is called again. `doubts` has the way back."""
    row = store.move_shipment(tx, shipment_id, "doubt", error=detail[:1000])
    if row is None:
        return
    cases.open_case(
        tx,
        "booking_unknown",
        subject=shipment_id,
        objects={"shipment": shipment_id, "reference": row.reference, "carrier": row.carrier},
        detail=f"Nobody knows whether {row.carrier} booked reference {row.reference}: {detail}",
        retailer_id=None,
        location_id=row.origin_location_id,
        live=row.live,
        at=at,
        actor="system",
    )
