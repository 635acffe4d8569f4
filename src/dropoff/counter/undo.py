"""Taking a hand-in back while the parcel still lies on the counter."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from dropoff.counter import rules, shifts, store, store_hand_ins, store_tags, tellings, waiting, ways
from dropoff.counter.movement import units_in
from dropoff.counter.rules import Verdict
from dropoff.counter.store import ContainerRow, ParcelRow
from dropoff.counter.store_hand_ins import HandInRow
from dropoff.counter.till import Note, Till, keep, say
from dropoff.db import Tx
from dropoff.kernel.errors import Problem, not_found
from dropoff.network import service as network
from dropoff.returns import service as returns
from dropoff.returns.issuing import SHOPPER
from dropoff.returns.service import Move, Next, ReturnRow


class UndoAnswer(msgspec.Struct, frozen=True, kw_only=True):
    verdict: Verdict
    reason: str | None
    say: str
    hand_in: str
    units: list[str]
    """Expected again."""


class Undoing(msgspec.Struct, frozen=True):
    row: HandInRow
    head: ReturnRow
    parcels: list[ParcelRow]
    units: Mapping[str, list[str]]
    """By parcel."""


def undo_hand_in(tx: Tx, till: Till, hand_in_id: str, at: datetime) -> UndoAnswer | Problem:
    """Within ten minutes, while the container is open and no shipment claims it. The tags stay used for good."""
    row = store_hand_ins.find(tx, hand_in_id)
    head = returns.lock_return(tx, row.return_id) if row is not None and row.return_id is not None else None
    row = store_hand_ins.find(tx, hand_in_id)
    if row is None or head is None or row.verdict != "accepted":
        return not_found("hand-in that was accepted")
    till = shifts.attributed(tx, till, at)
    parcels = store.parcels_of_hand_in(tx, row.id)
    undoing = Undoing(row, head, parcels, units_in(tx, [parcel.id for parcel in parcels]))
    reason = _why_not(tx, till, undoing, at)
    if reason is None:
        with tx.savepoint() as savepoint:
            reason = _undo(tx, till, undoing, at)
            if reason is not None:
                savepoint.rollback()
    verdict: Verdict = "accepted" if reason is None else "already" if reason == "already" else "refused"
    reason = None if verdict == "already" else reason
    keep(tx, till, at, Note("undo", verdict, reason, row.id))
    freed = [unit for held in undoing.units.values() for unit in held] if verdict == "accepted" else []
    return UndoAnswer(verdict=verdict, reason=reason, say=say(verdict, reason), hand_in=row.id, units=freed)


def _why_not(tx: Tx, till: Till, undoing: Undoing, at: datetime) -> str | None:
    if undoing.row.live != till.live:
        return "test_mode"
    if undoing.row.location_id != till.location_id:
        return "wrong_location"
    if undoing.row.undone_at is not None:
        return "already"
    containers = [(c.status, c.shipment_id is not None) for c in _containers(tx, undoing)]
    return rules.why_not_undone(undoing.row.received_at, at, containers, [p.status for p in undoing.parcels])


def _containers(tx: Tx, undoing: Undoing) -> list[ContainerRow]:
    wanted = sorted({parcel.container_id for parcel in undoing.parcels if parcel.container_id is not None})
    return [row for one in wanted if (row := store.container_by_id(tx, one)) is not None]


def _undo(tx: Tx, till: Till, undoing: Undoing, at: datetime) -> str | None:
    """The reason when a guard finds that something has changed since it was looked at."""
    for container in _containers(tx, undoing):
        inside = [parcel for parcel in undoing.parcels if parcel.container_id == container.id]
        weight_g = sum(parcel.weight_g or 0 for parcel in inside)
        if not store.unload_container(tx, container.id, weight_g, len(inside)):
            return "undo_too_late"
        store.forget_packed(tx, container.id, [parcel.id for parcel in inside])
    for parcel in undoing.parcels:
        if store.move_parcel(tx, parcel.id, "void", container_id=None) is None:
            return "undo_too_late"
    store_tags.void_tags(tx, [parcel.id for parcel in undoing.parcels], at)
    freed = [unit for held in undoing.units.values() for unit in held]
    if freed and not _free_units(tx, till, undoing, freed, at):
        return "undo_too_late"
    if not store_hand_ins.mark_undone(tx, undoing.row.id, at):
        return "already"
    told = {parcel.id: (parcel.tag, undoing.units[parcel.id]) for parcel in undoing.parcels}
    tellings.tell_undone(tx, till, undoing.head, told, at)
    waiting.follow(tx, undoing.parcels, (), at)
    waiting.take_back_evidence(tx, till.location_id, till.live, at)
    return None


def _free_units(tx: Tx, till: Till, undoing: Undoing, freed: list[str], at: datetime) -> bool:
    """What was handed in before stays here and still leaves with the next pickup; else the shopper holds all again."""
    others = [unit for unit in returns.units_of(tx, undoing.head.id) if unit.id not in freed]
    here = any(unit.custody == "handed_in" for unit in others)
    place = network.location(tx, till.location_id) if here else None
    move = Move(
        event="undo",
        unit_ids=freed,
        at=at,
        actor=till.actor,
        holder=place.name if place else SHOPPER,
        next=ways.next_pickup(tx, till.location_id, undoing.head.retailer_id, at)
        if place
        else Next("hand_in", undoing.head.last_day_at),
        location_id=till.location_id,
    )
    return len(returns.move_units(tx, move)) == len(freed)


def undoable(tx: Tx, till: Till, at: datetime) -> HandInRow | None:
    """The till's latest hand-in that can still be undone, for its front page."""
    row = store_hand_ins.latest_accepted(tx, till.device_id, at - rules.UNDO_WITHIN)
    if row is None or row.location_id != till.location_id:
        return None
    parcels = store.parcels_of_hand_in(tx, row.id)
    containers = [store.container_by_id(tx, parcel.container_id) for parcel in parcels if parcel.container_id]
    states = [(one.status, one.shipment_id is not None) for one in containers if one is not None]
    refused = rules.why_not_undone(row.received_at, at, states, [parcel.status for parcel in parcels])
    return row if refused is None else None
