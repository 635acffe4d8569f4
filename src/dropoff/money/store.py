"""All SQL of the ledger. Callers hold the lock of the return, so its balances stand still while they decide."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from dropoff.db import Prepared, Tx, into, structs
from dropoff.db.schema import insert
from dropoff.money.rules import Balance
from dropoff.money.tables import balance, entry, refund


class BalanceRow(msgspec.Struct, frozen=True):
    unit_id: str
    return_id: str
    retailer_id: str
    currency: str
    price: int
    expected: int
    due: int
    paid: int
    due_by: datetime | None

    @property
    def accounts(self) -> Balance:
        return Balance(self.price, self.expected, self.due, self.paid)


class RefundRow(msgspec.Struct, frozen=True):
    id: str
    retailer_id: str
    return_id: str
    kind: str
    reference: str
    amount: int
    currency: str
    content_hash: str
    created_at: datetime


_BALANCE = [balance.c[name] for name in BalanceRow.__struct_fields__]
_REFUND = [refund.c[name] for name in RefundRow.__struct_fields__]
_LISTED: sa.BindParameter[str] = sa.bindparam("ids", expanding=True)
_BY_UNIT = Prepared(sa.select(*_BALANCE).where(balance.c.unit_id.in_(_LISTED)).order_by(balance.c.unit_id))
_BY_RETURN = Prepared(sa.select(*_BALANCE).where(balance.c.return_id.in_(_LISTED)).order_by(balance.c.unit_id))
_SAVE = Prepared(
    sa.update(balance)
    .where(balance.c.unit_id == sa.bindparam("unit"))
    .values(**into(balance, "expected", "due", "paid", "due_by"))
)


def add_balances(tx: Tx, rows: list[dict[str, Any]]) -> None:
    tx.append_many(balance, rows)


def add_entries(tx: Tx, rows: list[dict[str, Any]]) -> None:
    tx.append_many(entry, rows)


def balances(tx: Tx, unit_ids: Sequence[str]) -> list[BalanceRow]:
    return structs(BalanceRow, tx.read(_BY_UNIT, ids=unit_ids))


def balances_of_returns(tx: Tx, return_ids: Sequence[str]) -> list[BalanceRow]:
    return structs(BalanceRow, tx.read(_BY_RETURN, ids=return_ids))


def save_balances(tx: Tx, rows: Sequence[tuple[str, Balance, datetime | None]]) -> None:
    """Unit, accounts and the date by which what is owed has to be paid."""
    tx.count_many(
        _SAVE,
        [
            {"unit": unit_id, "expected": after.expected, "due": after.due, "paid": after.paid, "due_by": due_by}
            for unit_id, after, due_by in rows
        ],
    )


def claim_reference(tx: Tx, row: dict[str, Any]) -> bool:
    """False when the retailer used the reference before, or made this very call."""
    return bool(tx.change(insert(refund).values(row).on_conflict_do_nothing().returning(refund.c.id)))


def find_payment(tx: Tx, retailer_id: str, kind: str, reference: str, content_hash: str) -> RefundRow | None:
    """The same call's, else the one that has the reference."""
    same = refund.c.content_hash == content_hash
    taken = sa.and_(refund.c.kind == kind, refund.c.reference == reference)
    query = (
        sa.select(*_REFUND)
        .where(refund.c.retailer_id == retailer_id, sa.or_(same, taken))
        .order_by(sa.case((same, 0), else_=1))
        .limit(1)
    )
    row = tx.first(query)
    return RefundRow(**row._mapping) if row else None


def paid_by(tx: Tx, return_id: str, refund_id: str) -> dict[str, int]:
    """What a payment brought each unit."""
    query = (
        sa.select(entry.c.unit_id, entry.c.amount)
        .where(entry.c.return_id == return_id, entry.c.refund_id == refund_id, entry.c.account == "paid")
        .order_by(entry.c.seq)
    )
    return {row.unit_id: row.amount for row in tx.read(query)}
