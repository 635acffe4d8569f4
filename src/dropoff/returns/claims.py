"""Where units and their money meet: falling due, being withdrawn, ending. Callers hold the return's lock."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from dropoff.cases.service import open_case
from dropoff.db import Tx
from dropoff.events.log import Event, append
from dropoff.kernel.clock import rfc3339
from dropoff.money import rules as money_rules
from dropoff.money import service as money
from dropoff.money.rules import Balance
from dropoff.money.service import Fallen
from dropoff.retailers.rules import withdrawal_law
from dropoff.retailers.service import Retailer
from dropoff.returns import store
from dropoff.returns.store import OrderRow, ReturnRow, UnitRow

WITHDRAWN = "refund.due_withdrawn"
"""Money that is not due any more. `reason`: `undone` (the hand-in), `reduced` or `rejected` (by the inspection)."""


def fall_due(
    tx: Tx,
    head: ReturnRow,
    retailer: Retailer,
    units: Sequence[UnitRow],
    at: datetime,
    reductions: Mapping[str, int],
) -> Fallen:
    """Open units' money falls due. What costs nothing is settled at once. Tells nobody: that is `tell_due`."""
    order = order_of(tx, head)
    law = withdrawal_law(order.shopper_country, retailer.country)
    due_by = {
        unit.id: money_rules.due_by(
            at,
            retailer.policy.refund_days,
            stated_at=head.created_at,
            sent_at=unit.handed_in_at,
            withdrawal_law=law,
        )
        for unit in units
    }
    fallen = money.fall_due(tx, head.id, due_by, at, reductions)
    store.move_resolution(tx, "fall_due", list(fallen.after))
    settle(tx, fallen.after)
    return fallen


def settle(tx: Tx, after: Mapping[str, Balance]) -> None:
    """Due units of which nothing is owed any more are refunded."""
    store.move_resolution(tx, "refund", [unit_id for unit_id, balance in after.items() if balance.settled])


def tell_due(tx: Tx, head: ReturnRow, owed: Mapping[str, int], due_by: datetime | None, event: dict[str, Any]) -> None:
    """`refund.due`, if anything is owed. `event` holds what the caller knows of it: actor, at, location_id."""
    _tell(tx, head, "refund.due", owed, event, due_by=rfc3339(due_by) if due_by else None)


def take_back(tx: Tx, head: ReturnRow, units: Sequence[UnitRow], event: dict[str, Any]) -> None:
    """The hand-in was undone. What fell due by it is not due any more; what was paid for stays, and a case asks why."""
    balances = money.balances(tx, [unit.id for unit in units])
    due = [unit.id for unit in units if unit.resolution == "due" and not balances[unit.id].paid]
    gone = [
        unit.id
        for unit in units
        if unit.id not in due and unit.resolution not in ("open", "rejected") and balances[unit.id].price
    ]
    if due:
        money.withdraw(tx, due, event["at"])
        store.move_resolution(tx, "withdraw", due)
        _tell(tx, head, WITHDRAWN, {unit_id: balances[unit_id].owed for unit_id in due}, event, reason="undone")
    if gone:
        open_case(
            tx,
            kind="missing",
            subject=f"{head.id} undone after payment",
            objects={"return": head.id, "units": gone},
            detail="A hand-in was undone after its money was paid: the goods are with the shopper again.",
            retailer_id=head.retailer_id,
            location_id=event["location_id"],
            live=head.live,
            at=event["at"],
            actor=event["actor"],
        )


def reduce(tx: Tx, head: ReturnRow, reductions: Mapping[str, int], event: dict[str, Any]) -> None:
    """An inspection takes something off money that was due before it."""
    before = money.balances(tx, list(reductions))
    after = money.reduce(tx, reductions, event["at"])
    settle(tx, after)
    less = {unit_id: before[unit_id].owed - after[unit_id].owed for unit_id in after}
    _tell(tx, head, WITHDRAWN, less, event, reason="reduced")


def reject(tx: Tx, head: ReturnRow, unit_ids: Sequence[str], event: dict[str, Any]) -> None:
    """These units were rejected: nothing more is paid for them."""
    before = money.balances(tx, unit_ids)
    money.close(tx, unit_ids, event["at"])
    _tell(tx, head, WITHDRAWN, {unit_id: before[unit_id].owed for unit_id in unit_ids}, event, reason="rejected")


def order_of(tx: Tx, head: ReturnRow) -> OrderRow:
    order = store.order_by_id(tx, head.order_id)
    assert order is not None, "a return points to its order"
    return order


def _tell(tx: Tx, head: ReturnRow, type_: str, amounts: Mapping[str, int], event: dict[str, Any], **more: Any) -> None:
    parts = {unit_id: amount for unit_id, amount in amounts.items() if amount}
    if not parts:
        return
    data = {
        "return": head.id,
        "order": order_of(tx, head).reference,
        "amount": sum(parts.values()),
        "currency": head.currency,
        "units": [{"id": unit_id, "amount": amount} for unit_id, amount in parts.items()],
        **more,
    }
    append(
        tx,
        Event(
            type=type_,
            live=head.live,
            retailer_id=head.retailer_id,
            return_id=head.id,
            objects={"return": head.id, "units": list(parts)},
            data=data,
            **event,
        ),
    )
