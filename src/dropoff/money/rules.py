"""The ledger of one unit and the date by which money has to be paid. Pure.

Three accounts of minor units, each between 0 and the unit's price: `expected` is what the shopper can hope for, `due`
what has fallen due so far, `paid` what was paid so far. What is still owed is `due - paid`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

LEGAL_DAYS = 14


class Overdrawn(Exception):
    """A fault of ours: an account would leave the range from 0 to the price."""


class Balance(msgspec.Struct, frozen=True):
    price: int
    expected: int = 0
    due: int = 0
    paid: int = 0

    @property
    def owed(self) -> int:
        return max(0, self.due - self.paid)

    @property
    def payable(self) -> int:
        """What can still be paid before the price is reached."""
        return self.price - self.paid

    @property
    def settled(self) -> bool:
        """Nothing is owed any more: of a free gift, nothing ever is."""
        return self.paid >= self.due


ACCOUNTS = ("expected", "due", "paid")


def _with(balance: Balance, **changes: int) -> Balance:
    after: Balance = msgspec.structs.replace(balance, **changes)
    if not all(0 <= getattr(after, account) <= after.price for account in ACCOUNTS):
        raise Overdrawn(f"{balance} to {changes}")
    return after


def announce(price: int) -> Balance:
    return _with(Balance(price), expected=price)


def fall_due(balance: Balance, reduction: int = 0) -> Balance:
    """What is expected falls due, less what the inspection took off; never less than what was paid already."""
    reduced = reduce(balance, reduction)
    return _with(reduced, due=max(reduced.expected, reduced.paid))


def reduce(balance: Balance, reduction: int) -> Balance:
    """An inspection takes something off, whether it was due already or not; what was paid stays paid."""
    expected = max(balance.paid, balance.expected - reduction)
    return _with(balance, expected=expected, due=max(balance.paid, min(balance.due, expected)))


def withdraw(balance: Balance) -> Balance:
    """The hand-in that made it due was undone."""
    return _with(balance, due=balance.paid)


def close(balance: Balance) -> Balance:
    """Nothing more will be paid: cancelled, expired, rejected, exchanged, credited, or paid for the last time."""
    return _with(balance, expected=balance.paid, due=balance.paid)


def pay(balance: Balance, amount: int) -> Balance:
    return _with(balance, paid=balance.paid + amount)


def changes(before: Balance, after: Balance) -> list[tuple[str, int]]:
    """The ledger's entries that lead from one balance to the next: (account, signed amount)."""
    moves = [(account, getattr(after, account) - getattr(before, account)) for account in ACCOUNTS]
    return [(account, amount) for account, amount in moves if amount]


def spread(amount: int, balances: Sequence[Balance]) -> list[int] | None:
    """One payment over several units: first what each is owed, in the order given, then up to each one's price.

    Filling one unit after the other settles as many as the amount can. None when it is more than all their prices hold.
    """
    if amount > sum(balance.payable for balance in balances):
        return None
    parts = [0] * len(balances)
    for limits in ([b.owed for b in balances], [b.payable for b in balances]):
        for place, limit in enumerate(limits):
            part = min(amount, limit - parts[place])
            if part > 0:
                parts[place] += part
                amount -= part
    return parts


def due_by(
    fell_due_at: datetime, refund_days: int, *, stated_at: datetime, sent_at: datetime | None, withdrawal_law: bool
) -> datetime:
    """When the money has to be paid: the policy's days after the trigger, and never later than the law allows.

    Directive 2011/83/EU, article 13: the trader pays back within 14 days after being told of the withdrawal (1), but
    may wait until the goods are back or the consumer has shown evidence of having sent them, whichever is earlier (3).
    Told is `stated_at`, when the return was made; `sent_at` is the hand-in, whose signed receipt is that evidence. The
    date may therefore lie before a late trigger: then the money is overdue on the day it falls due by policy.
    """
    by_policy = fell_due_at + timedelta(days=refund_days)
    if not withdrawal_law:
        return by_policy
    return min(by_policy, max(stated_at + timedelta(days=LEGAL_DAYS), sent_at or fell_due_at))
