"""Rolls of tags over HTTP: kept by operators, registered by a till for its own place."""

from typing import Annotated, Any, Final

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import Meta

from dropoff.access.guards import for_device, for_operator
from dropoff.access.principal import principal
from dropoff.counter import rolls
from dropoff.counter.till import Till
from dropoff.kernel.clock import now
from dropoff.web.answers import read, write
from dropoff.web.body import body, query
from dropoff.web.openapi import doc
from dropoff.web.schema import Limit


class RollQuery(msgspec.Struct, frozen=True):
    location: Annotated[str, Meta(max_length=40)] | None = None
    retired: Annotated[bool, Meta(description="those out of use too")] = False
    limit: Limit = 50
    after: Annotated[str, Meta(max_length=40)] = ""


@post(
    "/v1/tag-rolls",
    guards=[for_operator],
    opt=doc(
        "Register a roll of tags at a place",
        body=rolls.NewRoll,
        answer=rolls.RollView,
        status=201,
        problems=("location-unknown", "tag-roll-overlaps"),
        key="optional",
    ),
)
async def add_tag_roll(request: Request[Any, Any, Any]) -> ASGIResponse:
    sent = await body(request, rolls.NewRoll)
    return await write(request, rolls.register, sent, now(), principal(request).actor, status=201)


@get("/v1/tag-rolls", guards=[for_operator], opt=doc("List rolls of tags", query=RollQuery, answer=rolls.RollPage))
async def list_tag_rolls(request: Request[Any, Any, Any]) -> ASGIResponse:
    wanted = query(request, RollQuery)
    return await read(request, rolls.list_rolls, wanted.location, wanted.retired, wanted.after, wanted.limit)


@post(
    "/v1/tag-rolls/{roll_id:str}/move",
    guards=[for_operator],
    status_code=200,
    opt=doc(
        "Give a roll to another place",
        body=rolls.MoveRoll,
        answer=rolls.RollView,
        problems=("not-found", "location-unknown"),
        key="optional",
    ),
)
async def move_tag_roll(request: Request[Any, Any, Any], roll_id: FromPath[str]) -> ASGIResponse:
    sent = await body(request, rolls.MoveRoll)
    return await write(request, rolls.move, roll_id, sent.location, now(), principal(request).actor)


@post(
    "/v1/tag-rolls/{roll_id:str}/retire",
    guards=[for_operator],
    status_code=200,
    opt=doc("Take a roll out of use", answer=rolls.RollView, problems=("not-found",), key="optional"),
)
async def retire_tag_roll(request: Request[Any, Any, Any], roll_id: FromPath[str]) -> ASGIResponse:
    return await write(request, rolls.retire, roll_id, now(), principal(request).actor)


@post(
    "/v1/counter/tag-rolls",
    guards=[for_device],
    status_code=200,
    opt=doc(
        "Register a roll at this till's place",
        body=rolls.RollHere,
        answer=rolls.RollAnswer,
        key="optional",
        tag="Counter",
    ),
)
async def register_tag_roll(request: Request[Any, Any, Any]) -> ASGIResponse:
    sent = await body(request, rolls.RollHere)
    who = principal(request)
    assert who.location_id, "a device's credential names its place"
    assert who.device_id, "and it"
    till = Till(who.location_id, who.device_id, who.live)
    return await write(request, rolls.register_here, till, sent, now())


HANDLERS: Final = [add_tag_roll, list_tag_rolls, move_tag_roll, retire_tag_roll, register_tag_roll]
