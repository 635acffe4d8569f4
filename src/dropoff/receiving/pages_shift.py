"""Who stands at the till: asked for where a place has clerks and nobody is there. A form that was on its way waits
inside the question and goes on with the answer, so that a lock loses nothing."""

from datetime import datetime
from typing import Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.response.base import ASGIResponse

from dropoff.access.guards import form_fields
from dropoff.counter import badges, shifts, store_people
from dropoff.counter.people_api import begin
from dropoff.counter.periods import begin as first_moment
from dropoff.counter.periods import day_of
from dropoff.counter.shifts import BeginShift, OnShift, ShiftView
from dropoff.counter.store_people import DoneRow
from dropoff.db import Tx
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem
from dropoff.receiving import store, till_views
from dropoff.receiving.till_forms import Here, fresh_key, here, once, read_form, till_of
from dropoff.receiving.till_views import TillView
from dropoff.receiving.till_words import Result
from dropoff.web import words
from dropoff.web.languages import N_, _
from dropoff.web.problems import Refused
from dropoff.web.shell import HTML, page, render, see_other

FREE: Final = ("/till/shift", "/till/session.json", "/till/passes.bin")
OWN: Final = ("csrf_token", "shift_clerk", "shift_pin", "shift_badge")
DONE_SHOWN: Final = 40
KINDS: Final = {
    "hand_in": N_("Taken in"),
    "undo": N_("Undone"),
    "container": N_("Bag opened"),
    "seal": N_("Bag sealed"),
    "unseal": N_("Bag opened again"),
    "override": N_("Tag of another roll taken"),
    "retag": N_("Tag replaced"),
    "handover": N_("Handed to the driver"),
    "shift_begin": N_("Shift began"),
    "shift_end": N_("Shift ended"),
}
NO_CLERK: Final = N_("That is no PIN or badge of this shop. Try once more.")
TOO_MANY: Final = N_("Too many tries. Wait a quarter of an hour, or scan a badge.")


class WhoIsThere(Exception):
    """Nobody, as far as the till knows."""

    def __init__(self, view: "ShiftPage", where: str = "") -> None:
        super().__init__("nobody stands at the till")
        self.view, self.where = view, where


class ShiftPage(msgspec.Struct, frozen=True, kw_only=True):
    till: TillView
    key: str
    action: str
    """Where the answer goes: the page that was asked for, with all that its form said."""
    kept: tuple[tuple[str, str], ...]
    clerks: tuple[OnShift, ...]
    chosen: str
    current: OnShift | None
    since: str
    locked: bool
    counts: tuple[tuple[int, str, bool], ...]
    note: str
    errors: tuple[tuple[str, str], ...]
    done: tuple[tuple[str, str, str], ...]
    """When, what, whose initials: today, the newest first."""


async def someone_there(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """After `for_till`. Raises `WhoIsThere`."""
    path = connection.url.path
    if path.startswith(FREE) or not isinstance(connection, Request):
        return
    db, till = connection.app.state.context.db, till_of(connection)
    stands: ShiftView = await db.read(shifts.look, till, now())
    if not stands.locked:
        return
    fields = await form_fields(connection) if connection.method == "POST" else []
    asked, error = _asked(dict(fields)), ""
    if asked is not None:
        told = await begin(db, till, asked)
        if isinstance(told, ShiftView):
            return
        error = _said(told)
    kept = tuple((name, value) for name, value in fields if name not in OWN)
    where = path if connection.method == "POST" else ""
    view = await _view(connection, stands, action=where or "/till/shift", kept=kept, error=error)
    raise WhoIsThere(view, "" if where else path)


def _asked(fields: dict[str, str]) -> BeginShift | None:
    badge = badges.read_badge(fields.get("shift_badge", "")) or badges.read_badge(fields.get("text", ""))
    if badge is not None:
        return BeginShift(badge=badge)
    if fields.get("shift_clerk") or fields.get("shift_pin"):
        return BeginShift(clerk=fields.get("shift_clerk", "")[:40], pin=fields.get("shift_pin", "")[:20])
    return BeginShift(badge="-") if fields.get("shift_badge", "").strip() else None


def _said(problem: Problem) -> str:
    return TOO_MANY if problem.code == "too-many-requests" else NO_CLERK


def ask(_: Request[Any, Any, Any], who: Exception) -> Response[Any]:
    assert isinstance(who, WhoIsThere), "the router names it"
    if who.where:
        return Response(None, status_code=303, headers={"location": "/till/shift", "cache-control": "no-store"})
    html = render("till/shift.html", who.view, page="shift")
    return Response(html, status_code=403, media_type=HTML, headers={"cache-control": "no-store"})


async def _view(
    request: Request[Any, Any, Any],
    stands: ShiftView,
    *,
    action: str = "/till/shift",
    kept: tuple[tuple[str, str], ...] = (),
    error: str = "",
) -> ShiftPage:
    place: Here = await here(request)
    chosen = stands.shift.clerk if stands.shift is not None else stands.clerks[0].clerk if stands.clerks else ""
    return ShiftPage(
        till=place.view,
        key=fresh_key(),
        action=action,
        kept=kept,
        clerks=tuple(stands.clerks),
        chosen=chosen,
        current=stands.shift,
        since=words.at(stands.shift.began_at, place.zone, now()) if stands.shift is not None else "",
        locked=stands.locked,
        counts=till_views.counts(place.state),
        note=stands.note or "",
        errors=(("shift_pin", _(error)),) if error else (),
        done=await _done(request, place.zone),
    )


async def _done(request: Request[Any, Any, Any], zone: str) -> tuple[tuple[str, str, str], ...]:
    begun = first_moment(day_of(now(), zone), zone)
    location = till_of(request).location_id
    rows = await request.app.state.context.db.read(_done_since, location, begun)
    return tuple((words.clock(row.at, zone), _(KINDS[row.kind]), row.initials or "") for row in rows)


async def welcome(request: Request[Any, Any, Any], told: str) -> Result:
    """The front page's large answer when a shift begins: how the shop stands, and what the shift before left."""
    place = await here(request)
    stands = await request.app.state.context.db.read(shifts.look, till_of(request), now())
    if told != "1" or stands.shift is None:
        return Result("bad", "no", _("No badge of this shop"), _(NO_CLERK))
    counts = " · ".join(f"{number} {_(said)}" for number, said, _bad in till_views.counts(place.state))
    hello = _("Hello, %(name)s", name=stands.shift.name)
    return Result("info", "info", hello, counts, stands.note or "")


def _done_since(tx: Tx, location_id: str, begun: datetime) -> list[DoneRow]:
    rows = store_people.done(tx, location_id, begun, tuple(KINDS), DONE_SHOWN)
    visits = store.handed_over(tx, location_id, begun)
    return sorted([*rows, *visits], key=lambda row: row.at, reverse=True)[:DONE_SHOWN]


@get("/shift", include_in_schema=False)
async def shift_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    stands = await request.app.state.context.db.read(shifts.look, till_of(request), now())
    return page(render("till/shift.html", await _view(request, stands), page="shift"))


@post("/shift", include_in_schema=False)
async def begin_shift(request: Request[Any, Any, Any]) -> ASGIResponse:
    form, db, till = await read_form(request), request.app.state.context.db, till_of(request)
    asked = _asked(dict(form.fields)) or BeginShift(clerk="", pin="")
    told = await begin(db, till, asked)
    if isinstance(told, ShiftView):
        return see_other("/till?shift=1")
    stands = await db.read(shifts.look, till, now())
    view = await _view(request, stands, error=_said(told))
    return page(render("till/shift.html", view, page="shift"), 422)


@post("/shift/end", include_in_schema=False)
async def end_shift(request: Request[Any, Any, Any]) -> ASGIResponse:
    form = await read_form(request)
    told, _ = await once(request, form, ShiftView, shifts.end, till_of(request), form.one("note", 200), now())
    if isinstance(told, Problem):
        raise Refused(told)
    return see_other("/till/shift")


HANDLERS: Final[list[Any]] = [shift_page, begin_shift, end_shift]
