"""The till's lockers: which compartments have to be emptied, and one of them opened."""

from typing import Any, Final

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from dropoff.kernel import tags
from dropoff.kernel.clock import now
from dropoff.lockers import service as lockers
from dropoff.lockers.service import LyingView
from dropoff.lockers.steps import empty
from dropoff.receiving.till_forms import here, read_form, till_of
from dropoff.receiving.till_views import TillView
from dropoff.receiving.till_words import Result
from dropoff.web import words
from dropoff.web.languages import N_, _, ngettext
from dropoff.web.problems import Refused
from dropoff.web.shell import page, render, see_other

NOT_OPENED: Final = Result(
    "bad",
    "no",
    N_("The door did not open"),
    N_("The locker does not answer, or refuses."),
    N_("Try again in a minute."),
)


class LockerLine(msgspec.Struct, frozen=True):
    deposit: str
    compartment: str
    said: str
    tag: str
    shown: str
    """The tag in groups, as it is written on the parcel."""


class LockersPage(msgspec.Struct, frozen=True, kw_only=True):
    till: TillView
    result: Result | None
    lead: str
    opened: LockerLine | None
    lines: tuple[LockerLine, ...]


@get("/lockers", include_in_schema=False)
async def lockers_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    place, till = await here(request), till_of(request)
    found = await request.app.state.context.db.read(lockers.lying, till.location_id, till.live)
    lines = tuple(_line(one, place.zone) for one in found)
    asked = request.query_params.get("opened", "")
    opened = next((line for line in lines if line.deposit == asked), None)
    view = LockersPage(
        till=place.view,
        result=NOT_OPENED if "failed" in request.query_params else None,
        lead=to_empty(len(lines)),
        opened=opened,
        lines=lines,
    )
    return page(render("till/lockers.html", view, page="lockers"))


def to_empty(count: int) -> str:
    if not count:
        return _("No compartment has to be emptied.")
    return ngettext("%(num)d compartment has to be emptied.", "%(num)d compartments have to be emptied.", count)


def _line(one: LyingView, zone: str) -> LockerLine:
    since = words.at(one.since, zone, now())
    if one.state == "deposited":
        said = _("a parcel, since %(when)s", when=since)
    elif one.state == "collected":
        said = _("bagged, but the locker still senses something")
    else:
        said = _("look into it: something was wrong, %(when)s", when=since)
    tag = one.tag or ""
    return LockerLine(
        one.deposit, one.compartment, said, tag, tags.format_written(tag) if tags.is_written(tag) else tag
    )


@post("/lockers/{deposit_id:str}/open", include_in_schema=False)
async def open_compartment(request: Request[Any, Any, Any], deposit_id: FromPath[str]) -> ASGIResponse:
    await read_form(request)
    try:
        row = await empty(request, deposit_id)
    except Refused as refused:
        if refused.problem.code != "locker-unreachable":
            raise
        return see_other("/till/lockers?failed=1")
    return see_other(f"/till/lockers?opened={row.id}")


HANDLERS: Final[list[Any]] = [lockers_page, open_compartment]
