"""What is done where containers are opened: receipts at the retailer, intakes at a hub, inspection, and giving a parcel
up as lost."""

from datetime import datetime

import msgspec

from dropoff.counter import service as counter
from dropoff.counter.service import ContainerRow, ParcelRow
from dropoff.db import Tx
from dropoff.events.log import Event, append
from dropoff.kernel.errors import Problem, invalid, not_found
from dropoff.kernel.ids import new_id
from dropoff.network import service as network
from dropoff.receiving import intake, rules, store
from dropoff.receiving.intake import Counted, Place, Report
from dropoff.retailers import service as retailers
from dropoff.returns import service as returns
from dropoff.returns.service import Move, Next


class IntakeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    verdict: str
    reason: str | None = None
    received: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()


class Inspect(msgspec.Struct, frozen=True, kw_only=True):
    retailer_id: str
    unit_id: str
    condition: rules.Condition
    disposition: rules.Disposition
    reduction: int
    """Minor units taken off this unit's refund."""
    note: str | None
    at: datetime
    actor: str


def receive(tx: Tx, report: Report, retailer_id: str) -> Counted | Problem:
    """A retailer's receipt. Repeated, it moves nothing twice and answers the same."""
    retailer = retailers.find(tx, retailer_id)
    found = intake.find(tx, report.sscc)
    if retailer is None or found is None or found.retailer_id != retailer_id:
        return not_found("container")
    if isinstance(found, ContainerRow) and found.status == "open":
        return Problem("container-open", f"Container {found.sscc} was never sealed; its point may still fill it.")
    counted = intake.take_in(tx, report, found, Place(name=retailer.name, retailer_id=retailer_id))
    return counted or not_found("container")


def take_in_at_hub(tx: Tx, report: Report, device_id: str, location_id: str) -> IntakeAnswer:
    """A hub's intake: answered with a verdict and kept as an attempt, like every question of the counter."""
    hub = network.location(tx, location_id)
    found = intake.find(tx, report.sscc)
    reason = _why_refused(found, report, location_id, is_hub=hub is not None and hub.kind == "hub")
    counted = None
    if reason is None and hub is not None and found is not None:
        counted = intake.take_in(tx, report, found, Place(name=hub.name, location_id=location_id))
        reason = None if counted else "container_unknown"
    attempt = counter.Attempt(
        id=new_id("att"),
        kind="intake",
        location_id=location_id,
        device_id=device_id,
        actor=report.actor,
        object=found.id if found is not None else None,
        verdict="accepted" if counted else "refused",
        reason=reason,
        request={"parcels": report.tags, "complete": report.complete},
        at=report.at,
    )
    counter.insert_attempt(tx, attempt)
    if counted is None:
        return IntakeAnswer(verdict="refused", reason=reason)
    return IntakeAnswer(verdict="accepted", **msgspec.structs.asdict(counted))


def _why_refused(
    found: ContainerRow | ParcelRow | None, report: Report, location_id: str, *, is_hub: bool
) -> str | None:
    if not is_hub:
        return "wrong_location"
    if found is None:
        return "container_unknown"
    if found.live != report.live:
        return "test_mode"
    if isinstance(found, ParcelRow):
        return None
    if found.next != ("hub", location_id):
        return "wrong_location"
    return "container_not_open" if found.status == "open" else None


def inspect(tx: Tx, command: Inspect) -> returns.UnitView | Problem:
    """Once for each unit: the same result again answers the unit, another one is refused."""
    unit = returns.find_unit(tx, command.unit_id, command.retailer_id)
    if unit is None:
        return not_found("unit")
    owner = returns.lock_return(tx, unit.return_id)
    unit = returns.find_unit(tx, command.unit_id, command.retailer_id)
    if unit is None or owner is None:
        return not_found("unit")
    earlier = store.inspection_of(tx, command.unit_id, command.retailer_id)
    if earlier is not None:
        if _is_same(earlier, command):
            return returns.unit_view(unit)
        return Problem("unit-already-inspected", f"It was found {earlier.condition} and goes to {earlier.disposition}.")
    if unit.custody != "received":
        return Problem("unit-not-received", f"The unit is {unit.custody}.")
    if command.reduction > unit.price:
        return invalid("/reduction", "A reduction cannot exceed the price of the unit.")
