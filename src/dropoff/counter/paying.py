"""What a place earns: parcels of its days, at the rates of those days. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Literal

import msgspec


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """`own`: set for the place itself, not for its partner. `amount` in minor units, for one parcel."""

    id: str
    own: bool
    amount: int
    currency: str
    valid_from: date
    set_at: datetime


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """Parcels at one rate. `taken_back`: paid in an earlier month and undone since, so both numbers are negative.
    `unpaid`: no rate was set for these days."""

    kind: Literal["taken_in", "taken_back", "unpaid"]
    first_day: date
    last_day: date
    parcels: int
    rate: int | None
    currency: str | None
    amount: int


class Total(msgspec.Struct, frozen=True):
    currency: str
    amount: int


def rate_on(rates: Iterable[Rate], day: date) -> Rate | None:
    """A place's own rate goes before its partner's, a later day before an earlier, what was set last before what was
    set first."""
    in_force = [rate for rate in rates if rate.valid_from <= day]
    return max(in_force, key=lambda rate: (rate.own, rate.valid_from, rate.set_at, rate.id), default=None)


def lines(rates: Sequence[Rate], taken_in: Mapping[date, int], taken_back: Mapping[date, int]) -> list[Line]:
    """Parcels by the day on which they were taken in, by the clock of the place."""
    return [
        *_lines(rates, taken_in, "taken_in", 1),
        *(line for line in _lines(rates, taken_back, "taken_back", -1) if line.kind != "unpaid"),
    ]


def _lines(
    rates: Sequence[Rate], counted: Mapping[date, int], kind: Literal["taken_in", "taken_back"], sign: int
) -> list[Line]:
    """One line for days in a row with one rate."""
    found: list[tuple[Rate | None, Line]] = []
    for day in sorted(day for day, parcels in counted.items() if parcels):
        rate, parcels = rate_on(rates, day), sign * counted[day]
        if found and found[-1][0] == rate:
            known = found[-1][1]
            more = known.parcels + parcels
            amount = more * rate.amount if rate else 0
            found[-1] = (rate, msgspec.structs.replace(known, last_day=day, parcels=more, amount=amount))
            continue
        line = Line(
            kind=kind if rate else "unpaid",
            first_day=day,
            last_day=day,
            parcels=parcels,
            rate=rate.amount if rate else None,
            currency=rate.currency if rate else None,
            amount=parcels * rate.amount if rate else 0,
        )
        found.append((rate, line))
    return [line for _, line in found]


def totals(of: Iterable[Line]) -> list[Total]:
    """One for each currency: amounts of two are never added."""
    sums: dict[str, int] = {}
    for line in of:
        if line.currency is not None:
            sums[line.currency] = sums.get(line.currency, 0) + line.amount
    return [Total(currency, sums[currency]) for currency in sorted(sums)]
