"""Places kept by hand over HTTP, for operators: added, edited, paused, reopened; their closures, a look at their hours.
Closing a place also tells what lies there, so it stands in a room that knows parcels."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, delete, get, patch, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import Meta

from dropoff.access.guards import authenticate, for_operator
from dropoff.access.principal import principal
from dropoff.db import Tx
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem
from dropoff.network import location_editing, location_hours, location_states, location_views, service
from dropoff.network.closures import NewClosure
from dropoff.network.location_editing import LocationPatch, NewLocation
from dropoff.network.location_hours import DAYS_MAX, HoursPreview
from dropoff.network.location_states import ClosureList, NewPause
from dropoff.network.location_store import Closure
from dropoff.network.location_views import KeptLocation
from dropoff.network.search_api import LocationView, views
from dropoff.network.store import Location
from dropoff.web.answers import answer, read, write
from dropoff.web.body import body, query
from dropoff.web.openapi import doc
from dropoff.web.problems import Refused

STATE_PROBLEMS: Final = ("not-found", "location-not-open")


class HoursQuery(msgspec.Struct, frozen=True, rename={"first": "from"}):
    """`opening_hours`: what the hours would come to if these were the usual ones."""

    first: date | None = None
    days: Annotated[int, Meta(ge=1, le=DAYS_MAX)] = 14
    opening_hours: Annotated[str, Meta(max_length=2_000)] | None = None


@get(
    "/v1/locations/{location_id:str}",
    opt=doc("Read a place; operators read how it is kept, too", answer=LocationView, problems=("not-found",)),
)
async def read_location(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    who = await authenticate(request)
    if who is not None and who.role == "operator":
        return await read(request, location_views.kept, location_id, now())
    at, db = now(), request.app.state.context.db
    found = await db.read(service.public_location, location_id)
    if not isinstance(found, Location):
        raise Refused(found)
    return answer((await db.read(views, [found], at))[0])


@post(
    "/v1/locations",
    guards=[for_operator],
    opt=doc(
        "Add a place by hand",
        body=NewLocation,
        answer=KeptLocation,
        status=201,
        problems=("location-exists",),
        key="optional",
    ),
)
async def add_location(request: Request[Any, Any, Any]) -> ASGIResponse:
    sent = await body(request, NewLocation)
    return await write(request, _add, sent, now(), principal(request).actor, status=201)


def _add(tx: Tx, new: NewLocation, at: datetime, actor: str) -> KeptLocation | Problem:
    made = location_editing.add_location(tx, new, at, actor)
    return made if isinstance(made, Problem) else location_views.kept(tx, made, at)


@patch(
    "/v1/locations/{location_id:str}",
    guards=[for_operator],
    status_code=200,
    opt=doc(
        "Change fields of a place; what is set by hand outlives syncs of its source",
        body=LocationPatch,
        answer=KeptLocation,
        problems=STATE_PROBLEMS,
        key="optional",
    ),
)
async def edit_location(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    sent = await body(request, LocationPatch)
    return await _change(request, location_editing.edit_location, location_id, sent)


@delete(
    "/v1/locations/{location_id:str}/overrides/{field:str}",
    guards=[for_operator],
    status_code=200,
    opt=doc("Give a field back to the place's source", answer=KeptLocation, problems=("not-found",)),
)
async def give_back(request: Request[Any, Any, Any], location_id: FromPath[str], field: FromPath[str]) -> ASGIResponse:
    return await _change(request, location_editing.give_back, location_id, field, key="none")


def _state(verb: str, told: str, sent: type[Any] | None = None) -> post:
    """The route of a change of how a place stands."""
    return post(
        f"/v1/locations/{{location_id:str}}/{verb}",
        guards=[for_operator],
        status_code=200,
        opt=doc(told, body=sent, answer=KeptLocation, problems=STATE_PROBLEMS, key="optional"),
    )


@_state("pause", "Take a place out of the search for a while", NewPause)
async def pause_location(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    return await _change(request, location_states.pause, location_id, await body(request, NewPause))


@_state("resume", "End a pause")
async def resume_location(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    return await _change(request, location_states.resume, location_id)


@_state("reopen", "Take a closed place in again")
async def reopen_location(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    return await _change(request, location_states.reopen, location_id)


async def _change(
    request: Request[Any, Any, Any], change: Callable[..., Any], location_id: str, *values: Any, key: Any = "optional"
) -> ASGIResponse:
    return await write(request, _changed, change, location_id, values, now(), principal(request).actor, key=key)


def _changed(
    tx: Tx, change: Callable[..., Any], location_id: str, values: tuple[Any, ...], at: datetime, actor: str
) -> KeptLocation | Problem:
    outcome = change(tx, location_id, *values, at, actor)
    return outcome if isinstance(outcome, Problem) else location_views.kept(tx, location_id, at)


@get(
    "/v1/locations/{location_id:str}/closures",
    guards=[for_operator],
    opt=doc("List the closures of a place that are not over", answer=ClosureList, problems=("not-found",)),
)
async def list_closures(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    return await read(request, location_states.list_closures, location_id, now())


@post(
    "/v1/locations/{location_id:str}/closures",
    guards=[for_operator],
    opt=doc(
        "Enter days on which a place is closed, or keeps other hours",
        body=NewClosure,
        answer=Closure,
        status=201,
        problems=("not-found",),
        key="optional",
    ),
)
async def add_closure(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    sent = await body(request, NewClosure)
    actor = principal(request).actor
    return await write(request, location_states.add_closure, location_id, sent, now(), actor, status=201)


@delete(
    "/v1/closures/{closure_id:str}",
    guards=[for_operator],
    status_code=200,
    opt=doc("Take a closure back: the usual hours hold again", answer=Closure, problems=("not-found",)),
)
async def remove_closure(request: Request[Any, Any, Any], closure_id: FromPath[str]) -> ASGIResponse:
    actor = principal(request).actor
    return await write(request, location_states.remove_closure, closure_id, now(), actor, key="none")


@get(
    "/v1/locations/{location_id:str}/hours",
    guards=[for_operator],
    opt=doc(
        "Read what a place's hours come to, day by day", query=HoursQuery, answer=HoursPreview, problems=("not-found",)
    ),
)
async def preview_hours(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    wanted = query(request, HoursQuery)
    asked = (location_id, wanted.first, wanted.days, now(), wanted.opening_hours)
    return await read(request, location_hours.preview, *asked)


HANDLERS: Final[list[Any]] = [
    read_location,
    add_location,
    edit_location,
    give_back,
    pause_location,
    resume_location,
    reopen_location,
    list_closures,
    add_closure,
    remove_closure,
    preview_hours,
]
