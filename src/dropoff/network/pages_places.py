"""The operator's places: the list with its search, a new place, and one place's fields, hours and closures as forms.

How a place stands, with what lies there, is shown by a page of a room that knows parcels.
"""

import uuid
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from dropoff.access.principal import principal
from dropoff.db import Tx
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem, not_found
from dropoff.network import import_store, location_editing, location_hours, location_states, place_forms, service
from dropoff.network.closures import NewClosure
from dropoff.network.hours_shown import HoursTable, hours_table
from dropoff.network.location_states import NewPause
from dropoff.network.pages_operator import KIND_WORDS, STATE_WORDS, Head, address, head, local_time, read_form
from dropoff.network.place_forms import Box, PlaceForm
from dropoff.network.store import Location, LocationFilter
from dropoff.network.tables import LOCATION_KINDS
from dropoff.web.languages import N_, _
from dropoff.web.problems import Refused
from dropoff.web.shell import page, render, see_other

SHOWN: Final = 50
TYPED_MAX: Final = 200
SILENT_DAYS: Final = {"silent": 7, "silent30": 30}
LOADS: Final = {
    "full": N_("Full"),
    "silent": N_("Silent for a week"),
    "silent30": N_("Silent for a month"),
}
WATCH_URLS: Final = {"full": "/network/watch?only=full"} | {
    name: f"/network/watch?only=silent&days={days}" for name, days in SILENT_DAYS.items()
}
Errors = tuple[tuple[str, str], ...]


class Line(msgspec.Struct, frozen=True):
    url: str
    name: str
    kind: str
    what: str
    address: str
    state: str
    tone: str
    test: bool


class ListView(msgspec.Struct, frozen=True):
    head: Head
    q: str
    kind: str
    state: str
    source: str
    kinds: tuple[tuple[str, str], ...]
    states: tuple[tuple[str, str], ...]
    sources: tuple[str, ...]
    load: str
    loads: tuple[tuple[str, str], ...]
    watch: str
    """Address of the map, when places are asked for by what lies or happens there; else empty."""
    places: list[Line]
    more: str
    """Address of the next page; empty at the end."""
    first: str
    """Address of the first page; empty on it."""
    asked: bool
    """Whether anything was looked for."""


class EditView(msgspec.Struct, frozen=True):
    head: Head
    title: str
    action: str
    back: str
    groups: list[tuple[str, list[Box]]]
    errors: Errors
    source_id: str
    """Of a new place: it makes a second tap the same place."""


class HoursView(msgspec.Struct, frozen=True):
    head: Head
    name: str
    action: str
    back: str
    hours: str
    table: HoursTable
    changed: bool
    """The hours on the page are not the saved ones."""


@get("/places", include_in_schema=False)
async def list_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    asked = request.query_params
    q, source = asked.get("q", "").strip()[:200], asked.get("source", "")[:60]
    load = asked.get("load", "") if asked.get("load", "") in LOADS else ""
    kind, state = asked.get("kind", ""), asked.get("state", "")
    wanted = LocationFilter(
        after=asked.get("after", "")[:40],
        limit=SHOWN,
        source=source or None,
        kind=kind if kind in LOCATION_KINDS else None,
        state=state if state in STATE_WORDS else None,
        text=q,
        full=load == "full",
        silent_since=now() - timedelta(days=SILENT_DAYS[load]) if load in SILENT_DAYS else None,
    )
    found, sources = await request.app.state.context.db.read(_list, wanted)
    kept = {"q": q, "kind": wanted.kind or "", "state": wanted.state or "", "source": source, "load": load}
    kept = {name: value for name, value in kept.items() if value}
    view = ListView(
        head=head(request, "places"),
        q=q,
        kind=wanted.kind or "",
        state=wanted.state or "",
        source=source,
        kinds=tuple(KIND_WORDS.items()),
        states=tuple((name, words) for name, (words, _) in STATE_WORDS.items()),
        sources=sources,
        load=load,
        loads=tuple(LOADS.items()),
        watch=WATCH_URLS.get(load, ""),
        places=[line(place) for place in found.items],
        more=_url(kept | {"after": found.next}) if found.next else "",
        first=_url(kept) if wanted.after else "",
        asked=bool(kept),
    )
    return page(render("network/places.html", view))


def _list(tx: Tx, wanted: LocationFilter) -> tuple[service.LocationPage, tuple[str, ...]]:
    return service.list_locations(tx, wanted), tuple(source.name for source in import_store.sources(tx))


def _url(fields: dict[str, Any]) -> str:
    return f"/network/places?{urlencode(fields)}"


def line(place: Location) -> Line:
    words, tone = STATE_WORDS[place.state]
    return Line(
        url=url_of(place.id),
        name=place.name,
        kind=place.kind,
        what=" · ".join(part for part in (_(KIND_WORDS[place.kind]), place.operator, place.source) if part),
        address=address(place),
        state=words,
        tone=tone,
        test=not place.live,
    )


def url_of(location_id: str) -> str:
    return f"/network/places/{location_id}"


@get("/places/new", include_in_schema=False)
async def new_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    return _edit_page(request, None, place_forms.EMPTY, (), source_id=uuid.uuid4().hex)


@post("/places", include_in_schema=False)
async def add_place(request: Request[Any, Any, Any]) -> ASGIResponse:
    form = await read_form(request)
    filled = place_forms.filled(form.fields)
    new = place_forms.new_location(filled, form.text("source_id", 40))
    outcome = new
    if not isinstance(new, Problem):
        actor = principal(request).actor
        outcome = await request.app.state.context.db.write(location_editing.add_location, new, now(), actor)
    if isinstance(outcome, Problem):
        if outcome.code == "location-exists":  # the form was sent twice
            return see_other(url_of(outcome.data["location"]))
        errors = place_forms.errors_of(outcome)
        return _edit_page(request, None, filled, errors, source_id=form.text("source_id", 40))
    return see_other(url_of(str(outcome)))


@get("/places/{location_id:str}/edit", include_in_schema=False)
async def edit_page(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    place = await _place(request, location_id)
    return _edit_page(request, place, place_forms.form_of(place), ())


@post("/places/{location_id:str}/edit", include_in_schema=False)
async def edit_place(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    place = await _place(request, location_id)
    filled = place_forms.filled((await read_form(request)).fields)
    patch = place_forms.patch(filled)
    outcome: Any = patch
    if not isinstance(patch, Problem):
        actor = principal(request).actor
        edit = location_editing.edit_location
        outcome = await request.app.state.context.db.write(edit, location_id, patch, now(), actor)
    if isinstance(outcome, Problem):
        return _edit_page(request, place, filled, place_forms.errors_of(outcome))
    return see_other(url_of(location_id))


def _edit_page(
    request: Request[Any, Any, Any], place: Location | None, filled: PlaceForm, errors: Errors, source_id: str = ""
) -> ASGIResponse:
    view = EditView(
        head=head(request, "places"),
        title=place.name if place else "",
        action=f"{url_of(place.id)}/edit" if place else "/network/places",
        back=url_of(place.id) if place else "/network/places",
        groups=place_forms.groups(filled, with_hours=place is None),
        errors=errors,
        source_id=source_id,
    )
    return page(render("network/place_edit.html", view), 422 if errors else 200)


@get("/places/{location_id:str}/hours", include_in_schema=False)
async def hours_page(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    place = await _place(request, location_id)
    asked = request.query_params.get("opening_hours")
    hours = place.opening_hours if asked is None else location_hours.normalised(asked)
    db = request.app.state.context.db
    preview = await db.read(location_hours.preview, location_id, None, 14, now(), hours)
    closures = await db.read(location_states.list_closures, location_id, now())
    view = HoursView(
        head=head(request, "places"),
        name=place.name,
        action=f"{url_of(location_id)}/hours",
        back=url_of(location_id),
        hours=hours,
        table=hours_table(preview, closures.items, now()),
        changed=hours != place.opening_hours,
    )
    return page(render("network/place_hours.html", view))


@post("/places/{location_id:str}/hours", include_in_schema=False)
async def set_hours(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    form = await read_form(request)
    patch = location_editing.LocationPatch(opening_hours=form.text("opening_hours", 1_000) or None)
    return await _do(request, location_id, location_editing.edit_location, patch)


@post("/places/{location_id:str}/give-back", include_in_schema=False)
async def give_back(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    form = await read_form(request)
    return await _do(request, location_id, location_editing.give_back, form.text("field", 40))


@post("/places/{location_id:str}/pause", include_in_schema=False)
async def pause(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    place, form = await _place(request, location_id), await read_form(request)
    typed = {name: form.text(name, TYPED_MAX) for name in ("until", "reason")}
    try:
        until = local_time(typed["until"], place.zone)
    except (ValueError, OverflowError):
        return _again(location_id, "until", typed)
    return await _do(
        request, location_id, location_states.pause, NewPause(until=until, reason=typed["reason"]), typed=typed
    )


@post("/places/{location_id:str}/{verb:str}", include_in_schema=False)
async def resume_or_reopen(
    request: Request[Any, Any, Any], location_id: FromPath[str], verb: FromPath[str]
) -> ASGIResponse:
    verbs: dict[str, Callable[..., Any]] = {"resume": location_states.resume, "reopen": location_states.reopen}
    if verb not in verbs:
        raise Refused(Problem("not-found"))
    return await _do(request, location_id, verbs[verb])


@post("/places/{location_id:str}/closures", include_in_schema=False)
async def add_closure(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    form = await read_form(request)
    typed = {name: form.text(name, TYPED_MAX) for name in ("first_day", "last_day", "hours", "reason")}
    days = {name: _day(typed[name] or typed["first_day"]) for name in ("first_day", "last_day")}
    first, last = days["first_day"], days["last_day"]
    if first is None or last is None:
        return _again(location_id, "last_day" if first else "first_day", typed)
    hours = typed["hours"].replace(" ", "")[:60] or "off"
    new = NewClosure(first_day=first, last_day=last, hours=hours, reason=typed["reason"])
    return await _do(request, location_id, location_states.add_closure, new, typed=typed)


@post("/places/{location_id:str}/closures/{closure_id:str}/remove", include_in_schema=False)
async def remove_closure(
    request: Request[Any, Any, Any], location_id: FromPath[str], closure_id: FromPath[str]
) -> ASGIResponse:
    return await _do(request, location_id, _remove_of, closure_id)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _remove_of(tx: Tx, location_id: str, closure_id: str, at: Any, actor: str) -> Any:
    return location_states.remove_closure(tx, closure_id, at, actor)


async def _do(
    request: Request[Any, Any, Any],
    location_id: str,
    change: Callable[..., Any],
    *values: Any,
    typed: Mapping[str, str] = MappingProxyType({}),
) -> ASGIResponse:
    """Back to the place; when a field is wrong, with its name and with what was `typed`."""
    actor = principal(request).actor
    outcome = await request.app.state.context.db.write(change, location_id, *values, now(), actor)
    if isinstance(outcome, Problem):
        if outcome.code == "invalid-request" and outcome.errors:
            return _again(location_id, outcome.errors[0].pointer.strip("/"), typed)
        raise Refused(outcome)
    return see_other(url_of(location_id))


def _again(location_id: str, field: str, typed: Mapping[str, str]) -> ASGIResponse:
    """The page of the place belongs to a room above, so that it is told by the address. None of this is secret."""
    return see_other(f"{url_of(location_id)}?{urlencode({'wrong': field, **typed})}")


async def _place(request: Request[Any, Any, Any], location_id: str) -> Location:
    place = await request.app.state.context.db.read(service.location, location_id)
    if place is None:
        raise Refused(not_found("place"))
    found: Location = place
    return found


HANDLERS: Final[list[Any]] = [
    list_page,
    new_page,
    add_place,
    edit_page,
    edit_place,
    hours_page,
    set_hours,
    give_back,
    pause,
    resume_or_reopen,
    add_closure,
    remove_closure,
]
