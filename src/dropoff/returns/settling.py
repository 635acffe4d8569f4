"""How units end: refunded, exchanged, credited. A payment is known by its reference, never by its content."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from dropoff.db import Tx
from dropoff.events.log import Event, append
from dropoff.kernel.errors import FieldError, Problem, invalid, not_found
from dropoff.kernel.ids import new_id
from dropoff.kernel.money import AMOUNT_MAX
from dropoff.money import rules as money_rules
from dropoff.money import service as money
from dropoff.money.store import RefundRow
from dropoff.returns import claims, rules, store
from dropoff.returns.moves import retailer_of, save_progress
from dropoff.returns.store import ReturnRow, UnitRow
from dropoff.returns.views import Money, money_view
from dropoff.web.schema import Currency, Id, Reference

Units = Annotated[tuple[Id, ...], Meta(min_length=1, max_length=rules.UNITS_MAX)]
Paid = Annotated[int, Meta(ge=1, le=AMOUNT_MAX, description="minor units of the currency")]


class NewRefund(msgspec.Struct, frozen=True, kw_only=True):
    units: Units
    amount: Paid
    currency: Currency
    reference: Reference
    final: bool = False
    """Nothing more will be paid for these units, though the amount is less than what is due."""


class NewExchange(msgspec.Struct, frozen=True, kw_only=True):
    units: Units
    order_reference: Reference
    """The order that sends the other thing."""


class NewCredit(msgspec.Struct, frozen=True, kw_only=True):
    units: Units
    amount: Paid
    code: Reference
    """The voucher; it settles its units, and may be worth more than they cost."""


class PaidUnit(msgspec.Struct, frozen=True):
    id: str
    amount: int
    status: str


class PaymentView(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    return_: str = msgspec.field(name="return")
    kind: str
    reference: str
    amount: int
    currency: str
    created_at: datetime
    units: list[PaidUnit]
    money: Money


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """The three kinds as one; `takes` are the resolutions that a unit may have."""

    kind: str
    event: str
    units: Units
    amount: int
    reference: str
    final: bool
    takes: frozenset[str]


def record_refund(
    tx: Tx, return_id: str, retailer_id: str, new: NewRefund, at: datetime, actor: str
) -> PaymentView | Problem:
    """Before anything fell due it is an early payment: the units fall due at that moment.

    A refunded unit takes further money up to its price, since an inspection's reduction may turn out wrong.
    """
    head = store.find_return(tx, return_id, retailer_id, lock=True)
    if head is None:
        return not_found("return")
    if new.currency != head.currency:
        detail = f"The order is in {head.currency}."
        return Problem("currency-mismatch", detail, (FieldError("/currency", detail),))
    settlement = Settlement(
        kind="refund",
        event="refund.issued",
        units=new.units,
        amount=new.amount,
        reference=new.reference,
        final=new.final,
        takes=frozenset({"open", "due", "refunded"}),
    )
    return _record(tx, head, settlement, at, actor)


def record_exchange(
    tx: Tx, return_id: str, retailer_id: str, new: NewExchange, at: datetime, actor: str
) -> PaymentView | Problem:
    """Another thing was sent for these; no money is owed any more."""
    head = store.find_return(tx, return_id, retailer_id, lock=True)
    if head is None:
        return not_found("return")
    settlement = Settlement(
        kind="exchange",
        event="exchange.shipped",
        units=new.units,
        amount=0,
        reference=new.order_reference,
        final=True,
        takes=frozenset({"open", "due"}),
    )
    return _record(tx, head, settlement, at, actor)


def record_credit(
    tx: Tx, return_id: str, retailer_id: str, new: NewCredit, at: datetime, actor: str
) -> PaymentView | Problem:
    """A voucher was given. What it is worth beyond the units' prices is a gift and no part of the ledger."""
    head = store.find_return(tx, return_id, retailer_id, lock=True)
    if head is None:
        return not_found("return")
    settlement = Settlement(
        kind="credit",
        event="credit.issued",
        units=new.units,
        amount=new.amount,
        reference=new.code,
        final=True,
        takes=frozenset({"open", "due"}),
    )
    return _record(tx, head, settlement, at, actor)


def _record(tx: Tx, head: ReturnRow, settlement: Settlement, at: datetime, actor: str) -> PaymentView | Problem:
    units = _named_units(tx, head, settlement.units)
    if isinstance(units, Problem):
        return units
    payment = money.NewPayment(
        id=new_id("pay"),
        retailer_id=head.retailer_id,
        return_id=head.id,
        kind=settlement.kind,
        reference=settlement.reference,
        amount=settlement.amount,
        currency=head.currency,
        content_hash=_content_hash(head, settlement),
        live=head.live,
        created_at=at,
    )
    with tx.savepoint() as attempt:
        earlier = money.claim_reference(tx, payment)
        refusal = _book(tx, head, units, settlement, payment, actor) if earlier is None else None
        if refusal is not None:
            attempt.rollback()
    if refusal is not None:
        return refusal
    if earlier is not None and earlier.content_hash != payment.content_hash:
        return Problem("refund-reference-reused", data={"reference": settlement.reference, "return": earlier.return_id})
    return _view(tx, head, settlement, earlier or payment)


def _named_units(tx: Tx, head: ReturnRow, unit_ids: Sequence[str]) -> list[UnitRow] | Problem:
    """In the order in which they were named, which is the order in which money fills them."""
    known = {unit.id: unit for unit in store.units_of(tx, [head.id])}
    named: dict[str, UnitRow] = {}
    for place, unit_id in enumerate(unit_ids):
        if unit_id not in known:
            return invalid(f"/units/{place}", "The return has no such unit.")
        if unit_id in named:
            return invalid(f"/units/{place}", "The unit is named twice.")
        named[unit_id] = known[unit_id]
    return list(named.values())


def _book(
    tx: Tx,
    head: ReturnRow,
    units: Sequence[UnitRow],
    settlement: Settlement,
    payment: money.NewPayment,
    actor: str,
) -> Problem | None:
    """Ledger, resolutions, events. A refusal may come after changes: the caller rolls back to its savepoint."""
    barred = [u for u in units if u.resolution not in settlement.takes or u.custody in rules.GONE]
    if barred:
        states = {unit.id: rules.unit_status(unit.custody, unit.resolution) for unit in barred}
        return Problem("refund-not-due", data={"units": states})
    at = payment.created_at
    ids = [unit.id for unit in units]
    early = [unit for unit in units if unit.resolution == "open"]
    if early:
        # The retailer does not wait for the policy's trigger: paying is what makes it due.
        claims.fall_due(tx, head, retailer_of(tx, head), early, at, {})
    balances = money.balances(tx, ids)
    payable = sum(balance.payable for balance in balances.values())
    if settlement.kind == "refund" and settlement.amount > payable:
        return Problem("refund-exceeds-price", data={"refundable": payable, "currency": head.currency})
    shares = money_rules.spread(min(settlement.amount, payable), [balances[unit_id] for unit_id in ids])
    assert shares is not None, "no more is spread than the prices hold"
    after = money.record_refund(tx, payment.id, dict(zip(ids, shares, strict=True)), at)
    if settlement.final:
        money.close(tx, ids, at, payment.id)
    done = [unit_id for unit_id, balance in after.items() if settlement.final or balance.settled]
    store.move_resolution(tx, settlement.kind, done)
    save_progress(tx, [head.id], {})
    event = {"actor": actor, "at": at, "location_id": None}
    if not settlement.final:
        # Only what is left: whoever pays on `refund.due` must not pay twice.
        due_by = money.money_of(tx, [head.id])[head.id].due_by
        claims.tell_due(tx, head, {unit.id: after[unit.id].owed for unit in early}, due_by, event)
    _tell(tx, head, settlement, payment, dict(zip(ids, shares, strict=True)), event)
    return None


def _tell(
    tx: Tx,
    head: ReturnRow,
    settlement: Settlement,
    payment: money.NewPayment,
    shares: Mapping[str, int],
    event: dict[str, Any],
) -> None:
    names = {"refund": "reference", "exchange": "order_reference", "credit": "code"}
    data: dict[str, Any] = {
        "return": head.id,
        "order": claims.order_of(tx, head).reference,
        settlement.kind: payment.id,
        names[settlement.kind]: settlement.reference,
    }
    if settlement.kind == "exchange":
        data["units"] = [{"id": unit_id} for unit_id in shares]
    else:
        data["units"] = [{"id": unit_id, "amount": amount} for unit_id, amount in shares.items()]
        data |= {"amount": settlement.amount, "currency": head.currency, "final": settlement.final}
    append(
        tx,
        Event(
            type=settlement.event,
            live=head.live,
            retailer_id=head.retailer_id,
            return_id=head.id,
            objects={"return": head.id, "units": list(shares), "payment": payment.id},
            data=data,
            **event,
        ),
    )


def _content_hash(head: ReturnRow, settlement: Settlement) -> str:
    content = (head.id, settlement.kind, settlement.reference, settlement.units, settlement.amount, settlement.final)
    return hashlib.sha256(msgspec.json.encode(content)).hexdigest()


def _view(tx: Tx, head: ReturnRow, settlement: Settlement, payment: money.NewPayment | RefundRow) -> PaymentView:
    paid = money.paid_by(tx, payment.return_id, payment.id)
    units = {unit.id: unit for unit in store.units_by_id(tx, settlement.units)}
    now = store.find_return(tx, head.id) or head  # its next step may have ended with the money
    return PaymentView(
        id=payment.id,
        return_=head.id,
        kind=payment.kind,
        reference=payment.reference,
        amount=payment.amount,
        currency=payment.currency,
        created_at=payment.created_at,
        units=[
            PaidUnit(
                unit_id, paid.get(unit_id, 0), rules.unit_status(units[unit_id].custody, units[unit_id].resolution)
            )
            for unit_id in settlement.units
        ],
        money=money_view(tx, now),
    )
