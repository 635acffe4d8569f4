"""The ledger of one unit and the date of its money."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from dropoff.money import rules
from dropoff.money.rules import ACCOUNTS, Balance, Overdrawn

STATED = datetime(2026, 3, 1, 12, tzinfo=UTC)


def after(days: float) -> datetime:
    return STATED + timedelta(days=days)


@pytest.mark.parametrize(
    ("fell_due", "refund_days", "sent", "law", "wanted"),
    [
        # Outside the law the policy alone counts.
        (3, 30, 3, False, 33),
        (3, 0, 3, False, 3),
        # Within it: 14 days after the statement …
        (3, 30, 3, True, 14),
        # … a shorter policy stays …
        (3, 5, 3, True, 8),
        # … if the goods were sent later than that, the day of the evidence …
        (20, 30, 20, True, 20),
        # … and a late inspection moves nothing: the date lies before it.
        (40, 14, 3, True, 14),
        (40, 14, 20, True, 20),
        # Paid before anything was handed in: there is no evidence, so the day it fell due counts.
        (20, 14, None, True, 20),
        (2, 14, None, True, 14),
    ],
)
def test_money_is_due_by_policy_and_never_later_than_the_law_allows(
    fell_due: int, refund_days: int, sent: int | None, law: bool, wanted: int
) -> None:
    found = rules.due_by(
        after(fell_due),
        refund_days,
        stated_at=STATED,
        sent_at=None if sent is None else after(sent),
        withdrawal_law=law,
    )
    assert found == after(wanted)


@given(st.integers(0, 60), st.integers(0, 365), st.integers(0, 60))
def test_within_the_law_no_policy_is_later_than_14_days_or_the_evidence(fell: int, days: int, sent: int) -> None:
    fell = max(fell, sent)
    found = rules.due_by(after(fell), days, stated_at=STATED, sent_at=after(sent), withdrawal_law=True)
    assert found <= max(after(14), after(sent))


def test_a_unit_is_expected_due_and_paid() -> None:
    balance = rules.announce(8900)
    assert (balance.expected, balance.owed, balance.payable) == (8900, 0, 8900)
    balance = rules.fall_due(balance)
    assert (balance.due, balance.owed, balance.settled) == (8900, 8900, False)
    balance = rules.pay(balance, 8900)
    assert (balance.owed, balance.payable, balance.settled) == (0, 0, True)


def test_an_inspection_reduces_before_and_after_the_money_fell_due() -> None:
    assert rules.fall_due(rules.announce(8900), 900).owed == 8000
    assert rules.reduce(rules.fall_due(rules.announce(8900)), 900).owed == 8000
    partly = rules.pay(rules.fall_due(rules.announce(8900)), 8500)
    assert rules.reduce(partly, 900).owed == 0, "what was paid stays paid"


def test_an_undo_takes_back_what_was_due_and_keeps_what_is_expected() -> None:
    undone = rules.withdraw(rules.fall_due(rules.announce(8900)))
    assert (undone.expected, undone.due) == (8900, 0)


def test_a_last_payment_ends_the_claim() -> None:
    closed = rules.close(rules.pay(rules.fall_due(rules.announce(8900)), 5000))
    assert (closed.expected, closed.due, closed.paid, closed.owed) == (5000, 5000, 5000, 0)


def test_no_account_leaves_its_bounds() -> None:
    with pytest.raises(Overdrawn):
        rules.pay(rules.announce(100), 101)
    with pytest.raises(Overdrawn):
        rules.announce(-1)


def due(price: int, paid: int = 0) -> Balance:
    return rules.pay(rules.fall_due(rules.announce(price)), paid)


def test_a_payment_fills_one_unit_after_the_other() -> None:
    assert rules.spread(17800, [due(8900), due(8900)]) == [8900, 8900]
    assert rules.spread(10000, [due(8900), due(8900)]) == [8900, 1100]
    assert rules.spread(9000, [due(8900, 8000), due(8900)]) == [900, 8100]
    assert rules.spread(17801, [due(8900), due(8900)]) is None


def test_a_payment_pays_what_is_owed_before_it_pays_more() -> None:
    reduced = rules.reduce(due(8900), 2000)
    assert rules.spread(8000, [reduced, due(8900)]) == [6900, 1100]
    assert rules.spread(15800, [reduced, due(8900)]) == [6900, 8900]
    assert rules.spread(16000, [reduced, due(8900)]) == [7100, 8900]


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=1, max_size=6), st.integers(1, 2000))
def test_a_spread_loses_nothing_and_passes_no_price(units: list[tuple[int, int]], amount: int) -> None:
    balances = [rules.pay(rules.announce(price), min(price, paid)) for price, paid in units]
    parts = rules.spread(amount, balances)
    if parts is None:
        assert amount > sum(balance.payable for balance in balances)
        return
    assert sum(parts) == amount
    assert all(0 <= part <= balance.payable for part, balance in zip(parts, balances, strict=True))


class Ledger(RuleBasedStateMachine):
    """Whatever happens to a unit's money: the entries add up to the balance, and nothing passes the price."""

    def __init__(self) -> None:
        super().__init__()
        self.balance = Balance(0)
        self.entries: list[tuple[str, int]] = []

    def turn(self, to: Balance) -> None:
        self.entries += rules.changes(self.balance, to)
        self.balance = to

    @rule(price=st.integers(0, 1000))
    def announced(self, price: int) -> None:
        if self.balance.price == 0:
            self.balance = Balance(price)
            self.turn(rules.announce(price))

    @rule(reduction=st.integers(0, 1500))
    def falls_due(self, reduction: int) -> None:
        self.turn(rules.fall_due(self.balance, reduction))

    @rule(reduction=st.integers(0, 1500))
    def reduced(self, reduction: int) -> None:
        self.turn(rules.reduce(self.balance, reduction))

    @rule()
    def withdrawn(self) -> None:
        self.turn(rules.withdraw(self.balance))

    @rule()
    def closed(self) -> None:
        self.turn(rules.close(self.balance))
        assert self.balance.owed == 0

    @rule(amount=st.integers(1, 600))
    def paid(self, amount: int) -> None:
        if amount > self.balance.payable:
            with pytest.raises(Overdrawn):
                rules.pay(self.balance, amount)
        else:
            self.turn(rules.pay(self.balance, amount))

    @invariant()
    def entries_explain_the_balance(self) -> None:
        for account in ACCOUNTS:
            total = sum(amount for name, amount in self.entries if name == account)
            assert total == getattr(self.balance, account)
            assert 0 <= total <= self.balance.price


TestLedger = Ledger.TestCase
