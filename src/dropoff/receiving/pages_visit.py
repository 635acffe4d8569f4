"""The till takes a visit in: a list of returns under one code, each taken in by the form of a pass."""

from collections import Counter
from typing import Any, Final

import msgspec
from litestar import Request, get
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from dropoff.counter import service as counter
from dropoff.counter.service import PassScan
from dropoff.kernel.clock import now
from dropoff.receiving import till_home, till_reading, till_words
from dropoff.receiving.till_forms import fresh_key, here, till_of
from dropoff.receiving.till_views import TillView
from dropoff.receiving.till_words import Result
from dropoff.web.languages import _, ngettext
from dropoff.web.shell import page, render


class VisitLine(msgspec.Struct, frozen=True):
    retailer: str
    words: str
    things: tuple[tuple[str, int], ...]
    url: str


class VisitPage(msgspec.Struct, frozen=True, kw_only=True):
    till: TillView
    key: str
    result: Result | None
    title: str
    lead: str
    returns: tuple[VisitLine, ...]
    closed: tuple[tuple[str, str], ...]
    """Retailer, and why there is nothing to take in."""
    receipt: str
    photo: str


@get("/visits/{sealed:str}", include_in_schema=False)
async def visit_page(request: Request[Any, Any, Any], sealed: FromPath[str]) -> ASGIResponse:
    context, till, at = request.app.state.context, till_of(request), now()
    seen = till_reading.open_pass(context.vault, till.device_id, sealed, at)
    if seen is None:
        return await till_home.show_home(request, till_words.GONE_STALE)
    found = await context.db.read(counter.visit_scan, context.passes, till, seen.code, at)
    if found is None or found.refused == "test_mode":
        return await till_home.show_home(request, till_words.refused(found.refused if found else "pass_unknown"))
    waiting = [one for one in found.returns if one.refused is None and one.units]
    closed = [one for one in found.returns if one not in waiting]
    place = await here(request)
    hand_in = request.query_params.get("hand_in", "")
    taken, receipt = await till_home.just_taken(request, place, hand_in) if hand_in else (None, "")
    if not waiting and not hand_in:
        return await till_home.show_home(request, till_words.nothing_left(_why(one) for one in closed))
    things = sum(len(one.units) for one in waiting)
    returns = ngettext("%(num)d return", "%(num)d returns", len(waiting))
    count = ngettext("%(num)d thing in %(returns)s", "%(num)d things in %(returns)s", things, returns=returns)
    view = VisitPage(
        till=place.view,
        key=fresh_key(),
        result=taken,
        title=count
        if not hand_in
        else _("Still to come: %(count)s", count=count)
        if waiting
        else _("That was all of this code"),
        lead=_("One return after the other, each with tags of its own."),
        returns=tuple(
            _line(one, till_reading.seal_pass(context.vault, till.device_id, seen.code, seen.at, one.return_id))
            for one in waiting
        ),
        closed=tuple((one.retailer or "", _why(one)) for one in closed),
        receipt=receipt,
        photo=f"/till/hand-ins/{hand_in}/photo" if receipt else "",
    )
    return page(render("till/visit.html", view, page="till"))


def _title(count: str, *, waiting: bool, first: bool) -> str:
    if first:
        return count
    return _("Still to come: %(count)s", count=count) if waiting else _("That was all of this code")


def _line(one: PassScan, sealed: str) -> VisitLine:
    things = Counter(f"{unit.title} {unit.variant or ''}".strip() for unit in one.units)
    said = [ngettext("%(num)d thing", "%(num)d things", len(one.units))]
    if one.others:
        said.append(ngettext("%(num)d thing came before", "%(num)d things came before", len(one.others)))
    return VisitLine(one.retailer or "", ", ".join(said), tuple(things.items()), f"/till/take-in/{sealed}")


def _why(one: PassScan) -> str:
    return till_words.refused(one.refused).title if one.refused else _("Already taken in")


HANDLERS: Final[list[Any]] = [visit_page]
