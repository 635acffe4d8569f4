"""The retailer's log and webhook endpoints, and the operator's view of jobs, over HTTP."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, delete, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from dropoff.access.guards import for_operator, for_retailer, for_retailer_or_operator
from dropoff.access.principal import principal, retailer_id
from dropoff.db import Tx
from dropoff.events import cursors, jobs, webhooks
from dropoff.events.cursors import LoggedEvent
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem, invalid
from dropoff.web.answers import read, write
from dropoff.web.body import body, query
from dropoff.web.openapi import doc
from dropoff.web.problems import problem_response
from dropoff.web.schema import Limit, Url

After = Annotated[str, msgspec.Meta(max_length=60)]
JobState = Literal["ready", "running", "done", "dead"]


class ListQuery(msgspec.Struct, frozen=True):
    limit: Limit = 50
    after: After = ""


class JobQuery(msgspec.Struct, frozen=True):
    limit: Limit = 50
    after: After = ""
    state: JobState | None = None


class EndpointBody(msgspec.Struct, frozen=True):
    url: Url
    events: Annotated[list[Annotated[str, msgspec.Meta(max_length=40)]], msgspec.Meta(min_length=1, max_length=50)] = (
        msgspec.field(default_factory=lambda: [webhooks.ALL])
    )


class EventView(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    type: str
    at: datetime
    device_at: datetime | None
    live: bool
    actor: str
    location: str | None
    objects: dict[str, Any]
    data: dict[str, Any]


class EventPage(msgspec.Struct, frozen=True):
    items: list[EventView]
    next: str | None
    """Set when more is there already."""
    cursor: str
    """Where this page ends: ask `?after=` it later for what came since."""


@get(
    "/v1/events",
    guards=[for_retailer_or_operator],
    opt=doc("Read the event log", query=ListQuery, answer=EventPage),
)
async def list_events(request: Request[Any, Any, Any]) -> ASGIResponse:
    wanted = query(request, ListQuery)
    after = cursors.decode(wanted.after) if wanted.after else cursors.START
    if after is None:
        return problem_response(request, invalid("?after", "This is no cursor that the log has answered."))
    who = principal(request)
    owner = None if who.role == "operator" else retailer_id(request)
    return await read(request, _events, after, wanted.limit, owner)


def _events(tx: Tx, after: cursors.Position, limit: int, owner: str | None) -> EventPage:
    found = cursors.read_settled(tx, after, limit + 1, owner)
    items = found[:limit]
    end = cursors.encode(items[-1].position if items else after)
    return EventPage([_event_view(item) for item in items], end if len(found) > limit else None, end)


def _event_view(item: LoggedEvent) -> EventView:
    return EventView(
        id=item.id,
        type=item.type,
        at=item.at,
        device_at=item.device_at,
        live=item.live,
        actor=item.actor,
        location=item.location_id,
        objects=item.objects,
        data=item.data,
    )


@post(
    "/v1/webhook-endpoints",
    guards=[for_retailer],
    status_code=201,
    opt=doc("Add a webhook endpoint", body=EndpointBody, answer=webhooks.NewEndpointView, status=201, key="optional"),
)
async def add_webhook_endpoint(request: Request[Any, Any, Any]) -> ASGIResponse:
    data = await body(request, EndpointBody)
    context = request.app.state.context
    new = webhooks.NewEndpoint(
        retailer_id=retailer_id(request),
        live=principal(request).live,
        url=data.url,
        events=list(dict.fromkeys(data.events)),
        allow_private=context.settings.webhook_allow_private,
        at=now(),
    )
    return await write(request, webhooks.add_endpoint, context.vault, new, status=201)


@get(
    "/v1/webhook-endpoints",
    guards=[for_retailer],
    opt=doc("List webhook endpoints", query=ListQuery, answer=webhooks.EndpointPage),
)
async def list_webhook_endpoints(request: Request[Any, Any, Any]) -> ASGIResponse:
    wanted = query(request, ListQuery)
    return await read(request, webhooks.list_endpoints, retailer_id(request), wanted.after, wanted.limit)


@get(
    "/v1/webhook-endpoints/{endpoint_id:str}",
    guards=[for_retailer],
    opt=doc("Read a webhook endpoint", answer=webhooks.EndpointView, problems=("not-found",)),
)
async def get_webhook_endpoint(request: Request[Any, Any, Any], endpoint_id: FromPath[str]) -> ASGIResponse:
    return await read(request, webhooks.find_endpoint, retailer_id(request), endpoint_id)


@get(
    "/v1/webhook-endpoints/{endpoint_id:str}/deliveries",
    guards=[for_retailer],
    opt=doc(
        "List an endpoint's deliveries, the newest first",
        query=ListQuery,
        answer=webhooks.DeliveryPage,
        problems=("not-found",),
    ),
)
async def list_webhook_deliveries(request: Request[Any, Any, Any], endpoint_id: FromPath[str]) -> ASGIResponse:
    wanted = query(request, ListQuery)
    return await read(request, webhooks.list_deliveries, retailer_id(request), endpoint_id, wanted.after, wanted.limit)


@delete(
    "/v1/webhook-endpoints/{endpoint_id:str}",
    guards=[for_retailer],
    status_code=200,  # of the route; the answer itself is 204, which the framework cannot check
    opt=doc("Delete a webhook endpoint", status=204, problems=("not-found",)),
)
async def delete_webhook_endpoint(request: Request[Any, Any, Any], endpoint_id: FromPath[str]) -> ASGIResponse:
    db = request.app.state.context.db
    problem: Problem | None = await db.write(webhooks.delete_endpoint, retailer_id(request), endpoint_id, now())
    return ASGIResponse(status_code=204) if problem is None else problem_response(request, problem)


@post(
    "/v1/webhook-endpoints/{endpoint_id:str}/rotate",
    guards=[for_retailer],
    status_code=200,
    opt=doc("Replace a signing secret", answer=webhooks.RotatedSecret, problems=("not-found",), key="optional"),
)
async def rotate_webhook_secret(request: Request[Any, Any, Any], endpoint_id: FromPath[str]) -> ASGIResponse:
    vault = request.app.state.context.vault
    return await write(request, webhooks.rotate_secret, vault, retailer_id(request), endpoint_id, now())


@get("/v1/jobs", guards=[for_operator], opt=doc("List jobs", query=JobQuery, answer=jobs.JobPage))
async def list_jobs(request: Request[Any, Any, Any]) -> ASGIResponse:
    wanted = query(request, JobQuery)
    return await read(request, jobs.list_jobs, wanted.state, wanted.after, wanted.limit)


@get(
    "/v1/jobs/{job_id:str}",
    guards=[for_operator],
    opt=doc("Read a job with its attempts", answer=jobs.JobView, problems=("not-found",)),
)
async def get_job(request: Request[Any, Any, Any], job_id: FromPath[str]) -> ASGIResponse:
    return await read(request, jobs.find_job, job_id)


@post(
    "/v1/jobs/{job_id:str}/replay",
    guards=[for_operator],
    status_code=200,
    opt=doc("Run a dead job anew", answer=jobs.JobView, problems=("not-found", "job-not-dead"), key="optional"),
)
async def replay_job(request: Request[Any, Any, Any], job_id: FromPath[str]) -> ASGIResponse:
    return await write(request, jobs.replay, job_id)


HANDLERS = [
    list_events,
    add_webhook_endpoint,
    list_webhook_endpoints,
    get_webhook_endpoint,
    list_webhook_deliveries,
    delete_webhook_endpoint,
    rotate_webhook_secret,
    list_jobs,
    get_job,
    replay_job,
]
