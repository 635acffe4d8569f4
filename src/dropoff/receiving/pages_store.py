"""The shop's own page: today and this week in numbers, how much it can hold, who should have fetched what."""

from datetime import datetime
from typing import Any, Final

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from dropoff.counter import periods, store_numbers
from dropoff.counter.earnings_api import statement_of
from dropoff.counter.earnings_page import Earned, earned
from dropoff.counter.service import Till
from dropoff.counter.store_numbers import Counted
from dropoff.db import Tx
from dropoff.freight.missed import MissedAnswer, tell_missed
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem
from dropoff.network import loads
from dropoff.network.load_store import Load
from dropoff.network.loads import Stock
from dropoff.receiving import till_views, till_words
from dropoff.receiving.till_forms import fresh_key, here, once, read_form, till_of
from dropoff.receiving.till_home import show_home
from dropoff.receiving.till_views import ShipmentLine, TillView
from dropoff.receiving.till_words import Result
from dropoff.web.languages import N_, NN_, ngettext
from dropoff.web.problems import Refused
from dropoff.web.shell import page, render, see_other

CAPACITY_MAX: Final = 100_000
MISSED: Final = Result(
    "wait",
    "van",
    N_("The operator knows"),
    N_("A case is open, and the bags go with the next driver."),
    N_("Keep them sealed. If the driver still comes, hand them over as always."),
)
CAPACITY_WRONG: Final = (("capacity", N_("This is a whole number of parcels, at most 100,000.")),)


class EarningsPage(msgspec.Struct, frozen=True):
    till: TillView
    earned: Earned


class StorePage(msgspec.Struct, frozen=True, kw_only=True):
    till: TillView
    key: str
    result: Result | None
    errors: tuple[tuple[str, str], ...]
    counts: tuple[tuple[int, str, bool], ...]
    numbers: tuple[tuple[str, Counted], ...]
    capacity: str
    room: str
    shipments: tuple[ShipmentLine, ...]


@get("/store", include_in_schema=False)
async def store_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    saved = "capacity" in request.query_params
    told = Result("good", "yes", N_("Saved"), N_("Shoppers are sent here while there is room.")) if saved else None
    return await _show(request, told)


async def _show(
    request: Request[Any, Any, Any],
    result: Result | None,
    errors: tuple[tuple[str, str], ...] = (),
    typed: str | None = None,
) -> ASGIResponse:
    place, at, till = await here(request), now(), till_of(request)
    numbers = await request.app.state.context.db.read(_numbers, till, place.zone, at)
    stands = place.state.location
    known = "" if stands.capacity is None else str(stands.capacity)
    view = StorePage(
        till=place.view,
        key=fresh_key(),
        result=result,
        errors=errors,
        counts=till_views.counts(place.state),
        numbers=numbers,
        capacity=known if typed is None else typed,
        room="" if stands.left is None else _taken(stands.lying, stands.capacity or 0),
        shipments=till_views.shipment_lines(place.state, place.zone, at),
    )
    return page(render("till/store.html", view, page="store"), 422 if errors else 200)


def _taken(lying: int, capacity: int) -> str:
    one, many = NN_("%(taken)d of %(num)d place is taken.", "%(taken)d of %(num)d places are taken.")
    return ngettext(one, many, capacity, taken=lying)


def _numbers(tx: Tx, till: Till, zone: str, at: datetime) -> tuple[tuple[str, Counted], ...]:
    today, monday = periods.day_of(at, zone), periods.week_of(at, zone)
    return tuple(
        (name, store_numbers.count(tx, till.location_id, till.live, *periods.days(first, count, zone)))
        for name, first, count in ((N_("Today"), today, 1), (N_("This week"), monday, 7))
    )


@get("/earnings", include_in_schema=False)
async def earnings_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    place = await here(request)
    found = await statement_of(request, till_of(request).location_id)
    view = EarningsPage(place.view, earned(found, "/v1/counter/earnings"))
    return page(render("till/earnings.html", view, page="store"))


@post("/store/capacity", include_in_schema=False)
async def set_capacity(request: Request[Any, Any, Any]) -> ASGIResponse:
    form = await read_form(request)
    typed, till = form.one("capacity", 10), till_of(request)
    if not (typed.isascii() and typed.isdigit() and int(typed) <= CAPACITY_MAX):
        return await _show(request, None, CAPACITY_WRONG, typed)
    told, _ = await once(
        request, form, Load, loads.tell, till.location_id, Stock(capacity=int(typed)), now(), till.actor
    )
    if isinstance(told, Problem):
        raise Refused(told)
    return see_other("/till/store?capacity=1")


@post("/shipments/{shipment_id:str}/missed", include_in_schema=False)
async def driver_missed(request: Request[Any, Any, Any], shipment_id: FromPath[str]) -> ASGIResponse:
    form = await read_form(request)
    answer, _ = await once(request, form, MissedAnswer, tell_missed, till_of(request), shipment_id, now())
    if isinstance(answer, Problem):
        raise Refused(answer)
    if answer.verdict == "refused":
        return await show_home(request, till_words.refused(answer.reason))
    return see_other("/till?missed=1")


HANDLERS: Final[list[Any]] = [store_page, earnings_page, set_capacity, driver_missed]
