"""Over HTTP: a till pauses and resumes its place's intake, an operator closes a place and learns what lies there."""

from typing import Any, Final

from litestar import Request, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from dropoff.access.guards import for_device, for_operator
from dropoff.access.principal import principal
from dropoff.counter import pausing
from dropoff.counter.api import TAG, till_of
from dropoff.kernel.clock import now
from dropoff.network.location_states import NewClose, NewPause
from dropoff.web.answers import write
from dropoff.web.body import body
from dropoff.web.openapi import doc


@post(
    "/v1/counter/pause",
    guards=[for_device],
    status_code=200,
    opt=doc("Pause intake at this place", body=NewPause, answer=pausing.IntakeAnswer, key="optional", tag=TAG),
)
async def pause_intake(request: Request[Any, Any, Any]) -> ASGIResponse:
    data = await body(request, NewPause)
    return await write(request, pausing.pause_intake, till_of(request), data, now())


@post(
    "/v1/counter/resume",
    guards=[for_device],
    status_code=200,
    opt=doc("Take things in again at this place", answer=pausing.IntakeAnswer, key="optional", tag=TAG),
)
async def resume_intake(request: Request[Any, Any, Any]) -> ASGIResponse:
    return await write(request, pausing.resume_intake, till_of(request), now())


@post(
    "/v1/locations/{location_id:str}/close",
    guards=[for_operator],
    status_code=200,
    opt=doc(
        "Close a place for good and learn what must be fetched there",
        body=NewClose,
        answer=pausing.ClosedLocation,
        problems=("not-found", "location-not-open"),
        key="optional",
    ),
)
async def close_location(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    sent = await body(request, NewClose)
    actor = principal(request).actor
    return await write(request, pausing.close_location, location_id, sent.reason, now(), actor)


HANDLERS: Final[list[Any]] = [pause_intake, resume_intake, close_location]
