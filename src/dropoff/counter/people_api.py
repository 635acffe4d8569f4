"""Clerks over HTTP, for operators; and a till's shift."""

import asyncio
from typing import Any, Final

from litestar import Request, delete, get, post, put
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from dropoff.access.guards import for_device, for_operator
from dropoff.access.principal import principal
from dropoff.counter import badges, people, shifts
from dropoff.counter.api import TAG, till_of
from dropoff.counter.people import AddedClerk, ClerkView, Fresh, NewClerk, Staff, StaffRules
from dropoff.counter.shifts import BeginShift, EndShift, ShiftView
from dropoff.counter.store_people import ClerkRow
from dropoff.counter.till import Till
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem, invalid
from dropoff.web.answers import answer, read, write
from dropoff.web.body import body
from dropoff.web.context import context
from dropoff.web.openapi import doc
from dropoff.web.problems import Refused

PEOPLE: Final = "People"


@get(
    "/v1/locations/{location_id:str}/clerks",
    guards=[for_operator],
    opt=doc("List the clerks of a place", answer=Staff, problems=("not-found",), tag=PEOPLE),
)
async def list_clerks(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    return await read(request, people.staff, location_id)


async def fresh(new: NewClerk) -> Fresh:
    """Hashed in a thread, for it takes long."""
    pin_hash = await asyncio.to_thread(badges.hash_pin, new.pin) if new.pin is not None else None
    return Fresh(pin_hash, badges.new_badge() if new.badge else None)


@post(
    "/v1/locations/{location_id:str}/clerks",
    guards=[for_operator],
    opt=doc(
        "Add a clerk to a place; a badge is shown once",
        body=NewClerk,
        answer=AddedClerk,
        status=201,
        problems=("not-found",),
        key="optional",
        tag=PEOPLE,
    ),
)
async def add_clerk(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    new = await body(request, NewClerk)
    actor = principal(request).actor
    return await write(request, people.add_clerk, location_id, new, await fresh(new), now(), actor, status=201)


@delete(
    "/v1/locations/{location_id:str}/clerks/{clerk_id:str}",
    guards=[for_operator],
    status_code=200,
    opt=doc(
        "Remove a clerk: the initials stay with what was done", answer=ClerkView, problems=("not-found",), tag=PEOPLE
    ),
)
async def remove_clerk(
    request: Request[Any, Any, Any], location_id: FromPath[str], clerk_id: FromPath[str]
) -> ASGIResponse:
    actor = principal(request).actor
    return await write(request, people.remove_clerk, location_id, clerk_id, now(), actor, key="none")


@put(
    "/v1/locations/{location_id:str}/staff-rules",
    guards=[for_operator],
    opt=doc("Set when the tills of a place lock", body=StaffRules, answer=Staff, problems=("not-found",), tag=PEOPLE),
)
async def set_rules(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    rules = await body(request, StaffRules)
    return await write(request, people.set_rules, location_id, rules, now(), principal(request).actor, key="none")


@get("/v1/counter/shift", guards=[for_device], opt=doc("Who stands at this till", answer=ShiftView, tag=TAG))
async def show_shift(request: Request[Any, Any, Any]) -> ASGIResponse:
    return await read(request, shifts.look, till_of(request), now())


@post(
    "/v1/counter/shift",
    guards=[for_device],
    status_code=200,
    opt=doc(
        "Begin a shift by badge or PIN; whoever stood there before has ended",
        body=BeginShift,
        answer=ShiftView,
        problems=("clerk-unknown", "too-many-requests"),
        tag=TAG,
    ),
)
async def begin_shift(request: Request[Any, Any, Any]) -> ASGIResponse:
    asked = await body(request, BeginShift)
    if asked.badge is None and (asked.clerk is None or asked.pin is None):
        raise Refused(invalid("", "Send `badge`, or `clerk` and `pin`."))
    told = await begin(context(request).db, till_of(request), asked)
    if isinstance(told, Problem):
        raise Refused(told)
    return answer(told)


async def begin(db: Any, till: Till, asked: BeginShift) -> ShiftView | Problem:
    """The PIN is tried between two transactions, in a thread: it takes long on purpose."""
    clerk: ClerkRow | Problem = await db.write(shifts.named, till, asked, now())
    if isinstance(clerk, Problem):
        return clerk
    by_pin = asked.badge is None
    if by_pin and not (
        clerk.pin_hash is not None and await asyncio.to_thread(badges.is_pin, asked.pin or "", clerk.pin_hash)
    ):
        return Problem("clerk-unknown", "Nobody here has this PIN.")
    begun: ShiftView | Problem = await db.write(_begin, till, clerk.id, by_pin, now())
    return begun


def _begin(tx: Any, till: Till, clerk_id: str, by_pin: bool, at: Any) -> ShiftView | Problem:
    return shifts.begin(tx, till, clerk_id, at, by_pin=by_pin)


@post(
    "/v1/counter/shift/end",
    guards=[for_device],
    status_code=200,
    opt=doc("End the shift, with a note to the next", body=EndShift, answer=ShiftView, key="optional", tag=TAG),
)
async def end_shift(request: Request[Any, Any, Any]) -> ASGIResponse:
    sent = await body(request, EndShift)
    return await write(request, shifts.end, till_of(request), sent.note, now())


HANDLERS: Final[list[Any]] = [list_clerks, add_clerk, remove_clerk, set_rules, show_shift, begin_shift, end_shift]
