"""The ledger's doings. It knows units and returns by id only; the returns room decides when each is right."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from dropoff.db import Tx
from dropoff.money import rules, store
from dropoff.money.rules import Balance
from dropoff.money.store import BalanceRow, RefundRow


class Announced(msgspec.Struct, frozen=True):
    unit_id: str
    price: int


class MoneyOf(msgspec.Struct, frozen=True):
    """Minor units. `amount` is due and not yet paid, to be paid until `due_by`."""

    amount: int
    currency: str
    expected: int
    paid: int
    due_by: datetime | None


class Turn(msgspec.Struct, frozen=True):
    """One unit's balance, as it was and as it becomes."""

    row: BalanceRow
    after: Balance
    due_by: datetime | None


class NewPayment(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    retailer_id: str
    return_id: str
    kind: str
    """`refund`, `credit` or `exchange`."""
    reference: str
    amount: int
    currency: str
    content_hash: str
    live: bool
    created_at: datetime


class Fallen(msgspec.Struct, frozen=True):
    after: dict[str, Balance]
    """By unit."""
    due_by: datetime | None
    """The earliest date by which money of the return has to be paid."""


def expect(
    tx: Tx, return_id: str, retailer_id: str, currency: str, units: Sequence[Announced], at: datetime
) -> MoneyOf:
    """A return was made: the shopper may hope for these prices."""
    known = {"return_id": return_id, "retailer_id": retailer_id, "currency": currency}
    opened = [(unit.unit_id, rules.announce(unit.price)) for unit in units]
    rows: list[dict[str, Any]] = [{**known, "unit_id": unit_id, **_columns(b), "due_by": None} for unit_id, b in opened]
    store.add_balances(tx, rows)
    entries = [
        {**known, "unit_id": unit_id, "account": "expected", "amount": b.expected, "refund_id": None, "at": at}
        for unit_id, b in opened
        if b.expected
    ]
    store.add_entries(tx, entries)
    return _sum([BalanceRow(**row) for row in rows])


def fall_due(
    tx: Tx, return_id: str, due_by: Mapping[str, datetime], at: datetime, reductions: Mapping[str, int] | None = None
) -> Fallen:
    """Each unit's expected money, less its reduction, falls due until its date."""
    reductions = reductions or {}
    turns, others = [], []
    for row in store.balances_of_returns(tx, [return_id]):
        if row.unit_id in due_by:
            after = rules.fall_due(row.accounts, reductions.get(row.unit_id, 0))
            turns.append(Turn(row, after, due_by[row.unit_id]))
        else:
            others.append(row)
    _turn(tx, turns, at)
    dates = [turn.due_by for turn in turns if turn.after.owed] + [row.due_by for row in others if row.accounts.owed]
    return Fallen(
        after={turn.row.unit_id: turn.after for turn in turns},
        due_by=min((date for date in dates if date), default=None),
    )


def reduce(tx: Tx, reductions: Mapping[str, int], at: datetime) -> dict[str, Balance]:
    """An inspection takes something off money that fell due before. Answers the balances after."""
    rows = store.balances(tx, list(reductions))
    turns = [Turn(row, rules.reduce(row.accounts, reductions[row.unit_id]), row.due_by) for row in rows]
    _turn(tx, turns, at)
    return {turn.row.unit_id: turn.after for turn in turns}


def withdraw(tx: Tx, unit_ids: Sequence[str], at: datetime) -> int:
    """The hand-in was undone: nothing is due any more. Answers how much was owed."""
    return _end(tx, unit_ids, rules.withdraw, at)


def close(tx: Tx, unit_ids: Sequence[str], at: datetime, refund_id: str | None = None) -> int:
    """Nothing more will be paid for these units. Answers how much was owed."""
    return _end(tx, unit_ids, rules.close, at, refund_id)


def balances(tx: Tx, unit_ids: Sequence[str]) -> dict[str, Balance]:
    return {row.unit_id: row.accounts for row in store.balances(tx, unit_ids)}


def claim_reference(tx: Tx, new: NewPayment) -> RefundRow | None:
    """Takes the reference for this payment; a row is the earlier payment that has it already."""
    if store.claim_reference(tx, msgspec.structs.asdict(new)):
        return None
    earlier = store.find_payment(tx, new.retailer_id, new.kind, new.reference, new.content_hash)
    assert earlier is not None, "payments are never deleted"
    return earlier


def record_refund(tx: Tx, refund_id: str, parts: Mapping[str, int], at: datetime) -> dict[str, Balance]:
    """Books what a payment brings each unit; the caller spread it within the prices. Answers the balances after."""
    rows = store.balances(tx, list(parts))
    turns = [Turn(row, rules.pay(row.accounts, parts[row.unit_id]), row.due_by) for row in rows]
    _turn(tx, turns, at, refund_id)
    return {turn.row.unit_id: turn.after for turn in turns}


def paid_by(tx: Tx, return_id: str, refund_id: str) -> dict[str, int]:
    """What a payment brought each unit."""
    return store.paid_by(tx, return_id, refund_id)


def money_of(tx: Tx, return_ids: Sequence[str]) -> dict[str, MoneyOf]:
    """By return; every return has at least one unit and so a balance."""
    rows: dict[str, list[BalanceRow]] = {}
    for row in store.balances_of_returns(tx, return_ids):
        rows.setdefault(row.return_id, []).append(row)
    return {return_id: _sum(found) for return_id, found in rows.items()}


def _sum(rows: list[BalanceRow]) -> MoneyOf:
    dates = [row.due_by for row in rows if row.accounts.owed and row.due_by]
    return MoneyOf(
        amount=sum(row.accounts.owed for row in rows),
        currency=rows[0].currency,
        expected=sum(row.expected for row in rows),
        paid=sum(row.paid for row in rows),
        due_by=min(dates, default=None),
    )


def _end(
    tx: Tx, unit_ids: Sequence[str], rule: Callable[[Balance], Balance], at: datetime, refund_id: str | None = None
) -> int:
    rows = store.balances(tx, unit_ids)
    _turn(tx, [Turn(row, rule(row.accounts), None) for row in rows], at, refund_id)
    return sum(row.accounts.owed for row in rows)


def _turn(tx: Tx, turns: Sequence[Turn], at: datetime, refund_id: str | None = None) -> None:
    """From each balance to the next, with the entries that explain it: their sums are the balance, always."""
    store.save_balances(tx, [(turn.row.unit_id, turn.after, turn.due_by) for turn in turns])
    store.add_entries(
        tx,
        [
            {
                "unit_id": turn.row.unit_id,
                "return_id": turn.row.return_id,
                "retailer_id": turn.row.retailer_id,
                "currency": turn.row.currency,
                "account": account,
                "amount": amount,
                "refund_id": refund_id,
                "at": at,
            }
            for turn in turns
            for account, amount in rules.changes(turn.row.accounts, turn.after)
        ],
    )


def _columns(balance: Balance) -> dict[str, int]:
    return msgspec.structs.asdict(balance)
