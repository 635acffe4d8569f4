"""What the operator pays places for parcels: rates, set from a day on, and each month's statement.

A statement counts what was accepted within the month, by the clock of the place, and still stood at its end. What was
paid and undone just after the month's end is a line of the next. Once a month is over its statement is kept, and no
rate can be set for a day within it: it reads the same for good.
"""

from datetime import date, datetime, timedelta
from typing import Any, Final

import msgspec

from dropoff.counter import paying, periods, store_earnings
from dropoff.counter.paying import Line, Total
from dropoff.counter.store_earnings import RateRow, Taken
from dropoff.db import Tx
from dropoff.events.log import Event, append
from dropoff.kernel.errors import Problem, invalid, not_found
from dropoff.kernel.ids import new_id
from dropoff.kernel.money import CURRENCIES
from dropoff.network import service as network
from dropoff.network.store import Location
from dropoff.web.schema import Currency, Id, Minor, Name

SETTLED_AFTER: Final = timedelta(hours=1)
"""What was taken in at the last moment of a month is written by then."""
FIRST_ZONE: Final = timedelta(hours=14)
"""So far ahead of UTC are the first to see a new month."""


class NewRate(msgspec.Struct, frozen=True, kw_only=True):
    """For one place (`location`) or for all of a partner (`operator`, as its places name it). `amount` for one parcel;
    `valid_from`: a day of this month or later."""

    amount: Minor
    currency: Currency
    valid_from: date
    location: Id | None = None
    operator: Name | None = None


class RateView(msgspec.Struct, frozen=True):
    id: str
    location: str | None
    operator: str | None
    amount: int
    currency: str
    valid_from: date
    set_at: datetime


class RateList(msgspec.Struct, frozen=True):
    items: list[RateView]
    next: str | None


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """`final`: the month is over, and the statement will never change."""

    location: str
    name: str
    operator: str
    month: str
    zone: str
    live: bool
    final: bool
    lines: list[Line]
    parcels: int
    """That were taken in, paid or not."""
    totals: list[Total]


def set_rate(tx: Tx, new: NewRate, at: datetime, actor: str) -> RateView | Problem:
    if (new.location is None) == (new.operator is None):
        return invalid("", "Name one of `location` and `operator`.")
    if new.currency not in CURRENCIES:
        return invalid("/currency", "This currency is not taken.")
    open_from = (at + FIRST_ZONE).date().replace(day=1)
    if new.valid_from < open_from:
        return invalid("/valid_from", f"Months that are over stay as they are: {open_from} or later.")
    place = network.location(tx, new.location) if new.location is not None else None
    if new.location is not None and place is None:
        return Problem("location-unknown")
    row = RateRow(new_id("rat"), new.location, new.operator, new.amount, new.currency, new.valid_from, at, actor)
    store_earnings.add_rate(tx, row)
    told = {"amount": row.amount, "currency": row.currency, "valid_from": row.valid_from.isoformat()}
    about = {"location": new.location} if new.location is not None else {"operator": new.operator}
    append(
        tx,
        Event(
            type="parcel_rate.set",
            actor=actor,
            at=at,
            live=place.live if place is not None else True,
            location_id=new.location,
            objects={"rate": row.id, **about},
            data={**about, **told},
        ),
    )
    return _view(row)


def list_rates(tx: Tx, location_id: str | None, operator: str | None, after: str, limit: int) -> RateList:
    rows = store_earnings.rates(tx, location_id, operator, after, limit + 1)
    page = rows[:limit]
    return RateList([_view(row) for row in page], page[-1].id if len(rows) > limit else None)


def statement(tx: Tx, location_id: str, month: date | None, at: datetime) -> Statement | Problem:
    """None: this month. Of a month that has not begun nothing is told."""
    place = network.location(tx, location_id)
    if place is None:
        return not_found("location")
    month = month or periods.month_of(at, place.zone)
    after, until = periods.begin(month, place.zone), periods.begin(periods.month_after(month), place.zone)
    if after > at:
        return not_found("statement")
    known = store_earnings.kept(tx, location_id, month)
    if known is not None:
        return msgspec.convert(known, Statement)
    rates = store_earnings.rates_of(tx, location_id, place.operator)
    came = _by_day(store_earnings.taken_in(tx, location_id, place.live, after, until), place)
    back = _by_day(store_earnings.taken_back(tx, location_id, place.live, after, until), place)
    found = paying.lines(rates, came, back)
    return Statement(
        location=location_id,
        name=place.name,
        operator=place.operator,
        month=f"{month:%Y-%m}",
        zone=place.zone,
        live=place.live,
        final=at >= until + SETTLED_AFTER,
        lines=found,
        parcels=sum(came.values()),
        totals=paying.totals(found),
    )


def settled_statement(tx: Tx, location_id: str, month: date | None, at: datetime) -> Statement | Problem:
    """As `statement`; one that is final is kept from now on."""
    found = statement(tx, location_id, month, at)
    if isinstance(found, Statement) and found.final:
        first = periods.parse_month(found.month)
        assert first is not None, "it was made from a day"
        store_earnings.keep(tx, location_id, first, _content(found), at)
        return statement(tx, location_id, first, at)
    return found


def _content(of: Statement) -> dict[str, Any]:
    content: dict[str, Any] = msgspec.to_builtins(of)
    return content


def _by_day(taken: list[Taken], place: Location) -> dict[date, int]:
    days: dict[date, int] = {}
    for one in taken:
        day = periods.day_of(one.at, place.zone)
        days[day] = days.get(day, 0) + one.parcels
    return days


def _view(row: RateRow) -> RateView:
    return RateView(row.id, row.location_id, row.operator, row.amount, row.currency, row.valid_from, row.set_at)
