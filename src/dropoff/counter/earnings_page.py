"""What a place earned, as its operator sees it, with the form that sets a rate; and the words both pages use."""

from datetime import date
from typing import Any, Final

import msgspec
from litestar import Request, Router, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from dropoff.access.principal import principal
from dropoff.counter import earnings, periods
from dropoff.counter.earnings import NewRate, RateView, Statement
from dropoff.counter.earnings_api import statement_of
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem
from dropoff.kernel.money import AMOUNT_MAX, CURRENCIES
from dropoff.network.pages_operator import Head, NotSignedIn, for_operator_page, head, read_form, sign_in
from dropoff.web import words
from dropoff.web.languages import N_, _
from dropoff.web.shell import page, render, see_other

WRONG: Final = {
    "amount": N_("This is a number such as 0.25, in the currency beside it."),
    "valid_from": N_("This is a day of this month or later: months that are over stay as they are."),
    "currency": N_("Choose a currency."),
}
KINDS: Final = {
    "taken_in": N_("Parcels taken in"),
    "taken_back": N_("Undone after the month before was over"),
    "unpaid": N_("Parcels without a rate"),
}
RATES_SHOWN: Final = 12


class LineWords(msgspec.Struct, frozen=True):
    days: str
    what: str
    parcels: int
    each: str
    amount: str


class Earned(msgspec.Struct, frozen=True):
    """A statement as people read it; `base` is where its files are, without the suffix."""

    month_id: str
    month: str
    parcels: int
    final: bool
    lines: tuple[LineWords, ...]
    totals: tuple[str, ...]
    base: str
    before: str
    after: str
    """The month after, `2026-12`; empty when it has not begun."""


class View(msgspec.Struct, frozen=True, kw_only=True):
    head: Head
    id: str
    name: str
    operator: str
    earned: Earned
    here: str
    rates: tuple[tuple[str, str], ...]
    currencies: tuple[tuple[str, str], ...]
    currency: str
    valid_from: str
    errors: tuple[tuple[str, str], ...]


def earned(of: Statement, base: str) -> Earned:
    month = periods.parse_month(of.month)
    assert month is not None, "a statement's month is one"
    later = periods.month_after(month)
    begun = periods.begin(later, of.zone) <= now()
    return Earned(
        month_id=of.month,
        month=words.month(month),
        parcels=of.parcels,
        final=of.final,
        lines=tuple(_line(line) for line in of.lines),
        totals=tuple(words.money(total.amount, total.currency) for total in of.totals),
        base=base,
        before=f"{periods.month_before(month):%Y-%m}",
        after=f"{later:%Y-%m}" if begun else "",
    )


def _line(line: Any) -> LineWords:
    first, last = (words.calendar_day(day, weekday=False) for day in (line.first_day, line.last_day))
    days = first if first == last else f"{first} – {last}"
    each = amount = "–"
    if line.rate is not None:
        each, amount = (words.money(number, line.currency) for number in (line.rate, line.amount))
    return LineWords(days, _(KINDS[line.kind]), line.parcels, each, amount)


@get("/places/{location_id:str}/earnings", include_in_schema=False)
async def earnings_page(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    return await _show(request, location_id, ())


async def _show(request: Request[Any, Any, Any], location_id: str, errors: tuple[tuple[str, str], ...]) -> ASGIResponse:
    found = await statement_of(request, location_id)
    db = request.app.state.context.db
    own = await db.read(earnings.list_rates, location_id, None, "", RATES_SHOWN)
    theirs = await db.read(earnings.list_rates, None, found.operator, "", RATES_SHOWN) if found.operator else None
    rates = [*own.items, *(theirs.items if theirs is not None else ())]
    currencies = tuple((code, code) for code in sorted(CURRENCIES))
    view = View(
        head=head(request, "places"),
        id=location_id,
        name=found.name,
        operator=found.operator,
        earned=earned(found, f"/v1/locations/{location_id}/earnings"),
        here=f"/network/places/{location_id}/earnings",
        rates=tuple(_rate(rate) for rate in rates),
        currencies=currencies,
        currency=rates[0].currency if rates else "EUR",
        valid_from=f"{periods.day_of(now(), found.zone)}",
        errors=errors,
    )
    return page(render("network/earnings.html", view), 422 if errors else 200)


def _rate(rate: RateView) -> tuple[str, str]:
    each = _("%(money)s a parcel", money=words.money(rate.amount, rate.currency))
    day = words.calendar_day(rate.valid_from, with_year=True, weekday=False)
    if rate.location is not None:
        return each, _("for this place, from %(day)s", day=day)
    return each, _("for all places of %(name)s, from %(day)s", name=rate.operator, day=day)


@post("/places/{location_id:str}/earnings", include_in_schema=False)
async def set_rate(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    form = await read_form(request)
    found = await statement_of(request, location_id)
    currency = form.text("currency", 3)
    amount, day = minor_units(form.text("amount", 20), currency), _day(form.text("valid_from", 10))
    wrong = [
        field
        for field, value in (("currency", currency in CURRENCIES or None), ("amount", amount), ("valid_from", day))
        if value is None
    ]
    if wrong or amount is None or day is None:
        return await _show(request, location_id, tuple((field, WRONG[field]) for field in wrong))
    for_all = form.text("whose", 10) == "operator" and found.operator
    new = NewRate(
        amount=amount,
        currency=currency,
        valid_from=day,
        location=None if for_all else location_id,
        operator=found.operator if for_all else None,
    )
    told = await request.app.state.context.db.write(earnings.set_rate, new, now(), principal(request).actor)
    if isinstance(told, Problem):
        return await _show(request, location_id, (("valid_from", WRONG["valid_from"]),))
    return see_other(f"/network/places/{location_id}/earnings")


def minor_units(text: str, currency: str) -> int | None:
    """`0.25` or `0,25` in minor units; None when it is no such amount."""
    digits = CURRENCIES.get(currency, 2)
    whole, _, part = text.strip().replace(",", ".").partition(".")
    if not (whole + part).isascii() or not (whole + part).isdigit() or len(part) > digits or len(whole) > 10:
        return None
    amount = int(whole or "0") * 10**digits + int((part or "0").ljust(digits, "0")[:digits] or "0")
    return amount if amount <= AMOUNT_MAX else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


operator = Router(
    path="/network",
    guards=[for_operator_page],
    exception_handlers={NotSignedIn: sign_in},
    route_handlers=[earnings_page, set_rate],
)
HANDLERS: Final = [operator]
