"""Units on their way: whoever moves one says so here, and the return's status, holder and money follow."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from dropoff.db import Tx
from dropoff.retailers import service as retailers
from dropoff.retailers.service import Retailer
from dropoff.returns import claims, store
from dropoff.returns.rules import MONEY_STEPS, falls_due, return_status
from dropoff.returns.store import ReturnRow, UnitRow


class Next(msgspec.Struct, frozen=True):
    """What happens next and when, for example `handover`, today at 17:00."""

    kind: str
    at: datetime | None = None


class Move(msgspec.Struct, frozen=True, kw_only=True):
    event: str
    """An event of `rules.CUSTODY_TRANSITIONS`."""
    unit_ids: list[str]
    at: datetime
    actor: str
    holder: str | None
    """Who holds the goods from now on, as the shopper reads it."""
    next: Next | None
    location_id: str | None = None
    parcel_id: str | None = None
    """With `hand_in`: the parcel that holds them now."""
    device_at: datetime | None = None
    reduction: dict[str, int] = {}
    """With `inspect`: what is taken off each unit's money, in minor units."""
    condition: str | None = None
    disposition: str | None = None


def move_units(tx: Tx, move: Move, locked: ReturnRow | None = None) -> list[str]:
    """Ids of the units that really moved: the others stood elsewhere in the state table, and stay there.

    `locked`: the return of all the units, when the caller holds its lock already.
    """
    found = [locked] if locked is not None else store.lock_returns_of(tx, move.unit_ids)
    heads = {head.id: head for head in found}
    moved = store.move_custody(tx, move.event, move.unit_ids, _columns(move)) if heads else []
    by_return: dict[str, list[UnitRow]] = {}
    for unit in moved:
        by_return.setdefault(unit.return_id, []).append(unit)
    known: dict[str, Retailer] = {}
    for return_id, units in by_return.items():
        _follow_money(tx, heads[return_id], units, move, known)
    save_progress(tx, list(by_return), {"holder": move.holder, **_next_columns(move.next)})
    return [unit.id for unit in moved]


def reject_units(tx: Tx, unit_ids: Sequence[str], at: datetime, actor: str) -> list[str]:
    """After an inspection: no money for these. Ids of those that were still open or due."""
    heads = {head.id: head for head in store.lock_returns_of(tx, unit_ids)}
    rejected = set(store.move_resolution(tx, "reject", unit_ids)) if heads else set()
    by_return: dict[str, list[str]] = {}
    for unit in store.units_by_id(tx, sorted(rejected)):
        by_return.setdefault(unit.return_id, []).append(unit.id)
    for return_id, ids in by_return.items():
        claims.reject(tx, heads[return_id], ids, {"actor": actor, "at": at, "location_id": None})
    save_progress(tx, list(by_return), {})
    return sorted(rejected)


def set_next(tx: Tx, return_ids: Sequence[str], holder: str | None, next_: Next | None) -> None:
    store.save_returns(tx, return_ids, {"holder": holder, **_next_columns(next_)})


def save_progress(tx: Tx, return_ids: Sequence[str], values: dict[str, Any]) -> dict[str, str]:
    """Derives each return's status from its units and stores it with the values; answers the statuses."""
    statuses = {key: return_status(states) for key, states in store.states_of(tx, return_ids).items()}
    by_status: dict[str, list[str]] = {}
    for return_id, status in statuses.items():
        by_status.setdefault(status, []).append(return_id)
    for status, ids in by_status.items():
        store.save_returns(tx, ids, {"status": status, **values})
    store.end_wait(tx, by_status.get("resolved", []), MONEY_STEPS)
    return statuses


def retailer_of(tx: Tx, head: ReturnRow, known: dict[str, Retailer] | None = None) -> Retailer:
    known = {} if known is None else known
    if head.retailer_id not in known:
        found = retailers.find(tx, head.retailer_id)
        assert found is not None, "a return belongs to a retailer"
        known[head.retailer_id] = found
    return known[head.retailer_id]


def _follow_money(tx: Tx, head: ReturnRow, units: list[UnitRow], move: Move, known: dict[str, Retailer]) -> None:
    event = {"actor": move.actor, "at": move.at, "location_id": move.location_id, "device_at": move.device_at}
    if move.event == "undo":
        claims.take_back(tx, head, units, event)
        return
    open_units = [unit for unit in units if unit.resolution == "open"]
    if open_units:
        retailer = retailer_of(tx, head, known)
        if falls_due(retailer.policy.refund_at, move.event):
            fallen = claims.fall_due(tx, head, retailer, open_units, move.at, move.reduction)
            owed = {unit_id: balance.owed for unit_id, balance in fallen.after.items()}
            claims.tell_due(tx, head, owed, fallen.due_by, event)
    late = {u.id: move.reduction[u.id] for u in units if u.resolution == "due" and move.reduction.get(u.id)}
    if late:
        claims.reduce(tx, head, late, event)


def _columns(move: Move) -> dict[str, Any]:
    match move.event:
        case "hand_in":
            return {"parcel_id": move.parcel_id, "handed_in_at": move.at}
        case "undo":
            return {"parcel_id": None, "handed_in_at": None}
        case "receive":
            return {"received_at": move.at}
        case "inspect":
            return {"condition": move.condition, "disposition": move.disposition}
    return {}


def _next_columns(next_: Next | None) -> dict[str, Any]:
    return {"next_kind": next_.kind if next_ else None, "next_at": next_.at if next_ else None}
