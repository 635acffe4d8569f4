"""The driver who did not come: told at the counter, or seen by the clock. A case is opened for the operator, and what
lies there takes the next departure.

The shipment stays booked until that departure is planned: a driver who is only late can still take it. Then it is
cancelled in the same transaction that frees its containers, so that no container is ever in two bookings.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from dropoff.cases import service as cases
from dropoff.counter import service as counter
from dropoff.counter.rules import Verdict
from dropoff.counter.till import Note, Till, keep, say
from dropoff.counter.ways import next_pickup
from dropoff.db import Tx
from dropoff.events.cursors import Consumer, LoggedEvent
from dropoff.events.log import Event, append
from dropoff.freight import store, store_missed
from dropoff.freight.shipments import free_goods
from dropoff.freight.store import ShipmentRow, Viewer
from dropoff.kernel.clock import rfc3339
from dropoff.kernel.errors import Problem, not_found
from dropoff.network import rules as network_rules
from dropoff.network import service as network
from dropoff.network.rules import Lane, NextStop
from dropoff.returns import service as returns

KIND: Final = "driver_missed"
LATE_AFTER: Final = timedelta(hours=4)
"""Without a word from the shop the alarm is raised this long after the cut-off."""
LOOK_BACK: Final = timedelta(days=14)


class MissedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`goes_at`: when the next driver is expected; null when no lane leads there any more."""

    verdict: Verdict
    reason: str | None
    say: str
    shipment: str
    case: str | None
    goes_at: datetime | None


def tell_missed(tx: Tx, till: Till, shipment_id: str, at: datetime) -> MissedAnswer | Problem:
    """The shop says that nobody came for a shipment that was due. Telling it twice answers `already`."""
    row = store.find_shipment(tx, shipment_id, Viewer("device", location_id=till.location_id, live=till.live))
    if row is None:
        return not_found("shipment")
    case_id, verdict, reason = None, "accepted", None
    if row.status != "booked":
        verdict, reason = "refused", "not_booked"
    elif row.departs_at > at:
        verdict, reason = "refused", "not_due"
    else:
        case_id = raise_alarm(tx, row.id, at, till.actor)
        if case_id is None:
            verdict, case_id = "already", cases.known_case(tx, KIND, row.id)
    keep(tx, till, at, Note(KIND, verdict, reason, row.id))  # type: ignore[arg-type]
    return MissedAnswer(
        verdict=verdict,  # type: ignore[arg-type]
        reason=reason,
        say=say(verdict, reason),
        shipment=row.id,
        case=case_id,
        goes_at=None if verdict == "refused" else _goes_at(tx, row, at),
    )


def raise_alarm(tx: Tx, shipment_id: str, at: datetime, actor: str) -> str | None:
    """The case; None when it was raised before, or the driver came meanwhile."""
    row = store_missed.mark_missed(tx, shipment_id, at)
    if row is None:
        return None
    ssccs = [held.sscc for held in store.containers_of(tx, [row.id])[row.id] if held.status == "sealed"]
    due = rfc3339(row.departs_at)
    case_id = cases.open_case(
        tx,
        KIND,
        subject=row.id,
        objects={"shipment": row.id, "carrier": row.carrier, "tracking_number": row.tracking_number},
        detail=f"The driver of {row.carrier} due at {due} did not come for {len(ssccs)} containers.",
        retailer_id=None,
        location_id=row.origin_location_id,
        live=row.live,
        at=at,
        actor=actor,
    )
    told = {"shipment": row.id, "case": case_id, "containers": ssccs}
    event = Event(
        type="driver.missed",
        actor=actor,
        at=at,
        live=row.live,
        location_id=row.origin_location_id,
        objects=told,
        data={**told, "carrier": row.carrier, "departs_at": due},
    )
    append(tx, event)
    return case_id


def overdue(tx: Tx, at: datetime) -> list[str]:
    """Booked shipments whose time is long over, and nobody has said a word."""
    return store_missed.booked_between(tx, at - LOOK_BACK, at - LATE_AFTER)


def to_plan_again(tx: Tx, as_of: datetime) -> list[str]:
    """Missed shipments for whose goods another departure has come."""
    rows, lanes = store_missed.missed(tx), network.lanes(tx)
    return [row.id for row in rows if _has_come(tx, row, lanes, as_of)]


def _has_come(tx: Tx, row: ShipmentRow, lanes: Sequence[Lane], as_of: datetime) -> bool:
    """Also when no lane is left: then nothing would ever free the goods."""
    assert row.missed_at is not None, "the query asks for it"
    lane = network_rules.lane_to(lanes, row.origin_location_id, _stop(row))
    place = network.location(tx, row.origin_location_id)
    if lane is None or place is None:
        return True
    after = max(row.missed_at, lane.created_at)
    return next(network_rules.departures(lane, place.zone, after, as_of), None) is not None


def plan_again(tx: Tx, shipment_id: str, at: datetime, actor: str) -> None:
    row = store_missed.give_up(tx, shipment_id)
    if row is not None:
        free_goods(tx, row, at, actor)


def _goes_at(tx: Tx, row: ShipmentRow, at: datetime) -> datetime | None:
    lane = network.lane_to(tx, row.origin_location_id, _stop(row))
    place = network.location(tx, row.origin_location_id)
    return network_rules.next_departure(lane, place.zone, at) if lane is not None and place is not None else None


def _stop(row: ShipmentRow) -> NextStop:
    if row.destination_hub_id is not None:
        return NextStop("hub", row.destination_hub_id)
    return NextStop("retailer", str(row.destination_retailer_id))


def follow(tx: Tx, told: list[LoggedEvent]) -> None:
    """Shoppers and retailers read the next pickup instead of one that is over; a driver who comes after all ends the
    case."""
    for item in told:
        if item.type == "driver.missed":
            _put_off(tx, item)
        elif item.type == "shipment.handed_over":
            note = "The driver came after all."
            cases.settle(tx, KIND, item.objects["shipment"], "explained", note, item.at, item.actor)


def _put_off(tx: Tx, item: LoggedEvent) -> None:
    held = store.containers_of(tx, [item.objects["shipment"]])[item.objects["shipment"]]
    here = [one.container_id for one in held if one.status == "sealed" and one.location_id == item.location_id]
    owners = {parcel.return_id for group in store.parcels_held(tx, here).values() for parcel in group}
    counter.lock_returns(tx, owners)
    for return_id in sorted(owners):
        head = returns.find_return(tx, return_id)
        if head is not None and head.next_kind == "pickup":
            then = next_pickup(tx, str(item.location_id), head.retailer_id, item.at)
            returns.set_next(tx, [return_id], head.holder, then)


CONSUMER = Consumer("freight.missed", follow)
