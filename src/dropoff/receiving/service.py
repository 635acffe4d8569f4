"""What is done where containers are opened: receipts at the retailer, intakes at a hub, inspection, and giving a parcel
up as lost."""

from datetime import datetime

import msgspec

from dropoff.counter import service as counter
from dropoff.counter.movement import lose_parcel
from dropoff.counter.rules import Verdict
from dropoff.counter.service import ContainerRow, ParcelRow
from dropoff.counter.till import Note, Till, keep, say
from dropoff.db import Tx
from dropoff.events.cursors import LoggedEvent
from dropoff.events.log import Event, append
from dropoff.kernel.errors import Problem, invalid, not_found
from dropoff.kernel.ids import new_id
from dropoff.network import service as network
from dropoff.receiving import intake, rules, store
from dropoff.receiving.intake import Counted, Place, Report, VoidTag
from dropoff.retailers import service as retailers
from dropoff.returns import service as returns
from dropoff.returns.service import Move, Next, UnitRow, UnitView, unit_view


class IntakeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    verdict: Verdict
    reason: str | None = None
    say: str
    """The sentence for whoever stands at the table."""
    received: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()
    void: tuple[VoidTag, ...] = ()
    """Tags that no parcel carries any more, with the one that does: scan that one."""


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
    if retailer is None or found is None or not _is_theirs(tx, found, retailer_id):
        return not_found("container")
    if isinstance(found, ContainerRow) and found.status == "open":
        return Problem("container-open", f"Container {found.sscc} was never sealed; its point may still fill it.")
    counted = intake.take_in(tx, report, found, Place(name=retailer.name, retailer_id=retailer_id))
    return counted or not_found("container")


def _is_theirs(tx: Tx, found: ContainerRow | ParcelRow, retailer_id: str) -> bool:
    """A parcel that travels by itself is its retailer's, also when its way was to be by a hub."""
    if isinstance(found, ContainerRow) and found.kind == "parcel":
        return [parcel.retailer_id for parcel in counter.parcels_in(tx, found.id)] == [retailer_id]
    return found.retailer_id == retailer_id


def take_in_at_hub(tx: Tx, report: Report, till: Till) -> IntakeAnswer:
    """A hub's intake: answered with a verdict and kept as an attempt, like every question of the counter."""
    hub = network.location(tx, till.location_id)
    found = intake.find(tx, report.sscc)
    reason = _why_refused(found, report, till.location_id, is_hub=hub is not None and hub.kind == "hub")
    counted = None
    if reason is None and hub is not None and found is not None:
        counted = intake.take_in(tx, report, found, Place(name=hub.name, location_id=till.location_id))
        reason = None if counted else "container_unknown"
    note = Note(
        kind="intake",
        verdict="accepted" if counted else "refused",
        reason=reason,
        object=found.id if found is not None else None,
        # Only how many: what was scanned may have been a pass.
        request={"parcels": len(report.tags), "complete": report.complete},
    )
    keep(tx, till, report.at, note)
    if counted is None:
        return IntakeAnswer(verdict="refused", reason=reason, say=say("refused", reason))
    return IntakeAnswer(verdict="accepted", say=_counted_words(counted), **msgspec.structs.asdict(counted))


def _counted_words(counted: Counted) -> str:
    old = " ".join(f"{one.tag} is void: scan {one.now} instead." for one in counted.void)
    return f"{say('accepted', None)} {old}".strip()


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


def inspect(tx: Tx, command: Inspect) -> UnitView | Problem:
    """Once for each unit: the same result again answers the unit, another one is refused."""
    unit = _locked_unit(tx, command)
    if unit is None:
        return not_found("unit")
    earlier = store.inspection_of(tx, command.unit_id, command.retailer_id)
    if earlier is not None:
        if _content(earlier) == _content(command):
            return unit_view(unit)
        return Problem("unit-already-inspected", f"It was found {earlier.condition} and goes to {earlier.disposition}.")
    if unit.custody != "received":
        return Problem("unit-not-received", f"The unit is {unit.custody}.")
    if command.reduction > unit.price:
        return invalid("/reduction", "A reduction cannot exceed the price of the unit.")
    row = msgspec.structs.asdict(command)
    assert store.add_inspection(tx, {"id": new_id("ins"), **row}), "the return is locked"
    if command.disposition == "reject":
        # Before the unit moves, or its money would fall due only to be withdrawn.
        returns.reject_units(tx, [unit.id], command.at, command.actor)
    owner = retailers.find(tx, command.retailer_id)
    move = Move(
        event="inspect",
        unit_ids=[unit.id],
        at=command.at,
        actor=command.actor,
        holder=owner.name if owner else None,
        next=_after_inspection(tx, unit.return_id, command),
        reduction={unit.id: command.reduction} if command.reduction else {},
        condition=command.condition,
        disposition=command.disposition,
    )
    returns.move_units(tx, move)
    _tell_inspected(tx, unit, command)
    (after,) = returns.units_by_id(tx, [unit.id], command.retailer_id)
    return unit_view(after)


def _after_inspection(tx: Tx, return_id: str, command: Inspect) -> Next | None:
    """A rejected unit leaves its return waiting for whatever the others wait for."""
    if command.disposition != "reject":
        return Next("refund")
    head = returns.find_return(tx, return_id)
    return Next(head.next_kind, head.next_at) if head is not None and head.next_kind else None


def _locked_unit(tx: Tx, command: Inspect) -> UnitRow | None:
    """As it stands once its return is ours."""
    for unit in returns.units_by_id(tx, [command.unit_id], command.retailer_id):
        returns.lock_return(tx, unit.return_id)
        return next(iter(returns.units_by_id(tx, [command.unit_id], command.retailer_id)), None)
    return None


def _content(inspection: Inspect | store.InspectionRow) -> tuple[str, str, int, str | None]:
    return inspection.condition, inspection.disposition, inspection.reduction, inspection.note


def _tell_inspected(tx: Tx, unit: UnitRow, command: Inspect) -> None:
    append(
        tx,
        Event(
            type="unit.inspected",
            actor=command.actor,
            at=command.at,
            live=_is_live(tx, unit.return_id),
            retailer_id=command.retailer_id,
            return_id=unit.return_id,
            objects={"return": unit.return_id, "units": [unit.id], "parcel": unit.parcel_id},
            # Without the note: it is free text, and nobody knows what stands in it.
            data={
                "return": unit.return_id,
                "unit": unit.id,
                "sku": unit.sku,
                "condition": command.condition,
                "disposition": command.disposition,
                "reduction": command.reduction,
            },
        ),
    )


def _is_live(tx: Tx, return_id: str) -> bool:
    head = returns.find_return(tx, return_id)
    return head is not None and head.live


def give_up(tx: Tx, parcel_id: str, at: datetime, actor: str) -> bool:
    """The parcel and its units are lost. False when there is nothing to lose: it came meanwhile."""
    parcel = lose_parcel(tx, parcel_id, at)
    if parcel is None:
        return False
    unit_ids = counter.units_in(tx, [parcel.id]).get(parcel.id, [])
    move = Move(event="lose", unit_ids=unit_ids, at=at, actor=actor, holder=None, next=Next("refund"))
    lost = returns.move_units(tx, move)
    about = {"return": parcel.return_id, "parcel": parcel.id, "tag": parcel.tag, "units": lost}
    append(
        tx,
        Event(
            type="parcel.lost",
            actor=actor,
            at=at,
            live=parcel.live,
            retailer_id=parcel.retailer_id,
            return_id=parcel.return_id,
            objects=about,
            data=about,
        ),
    )
    return True


def follow_cases(tx: Tx, events: list[LoggedEvent]) -> None:
    """A case that ended with "lost" makes it so. "Found" changes nothing: the next receipt does."""
    for event in events:
        is_loss = event.type == "case.resolved" and event.data.get("outcome") == "lost"
        parcel_id = event.objects.get("parcel")
        if is_loss and event.data.get("kind") in ("missing", "lost") and parcel_id:
            give_up(tx, parcel_id, event.at, event.actor)
