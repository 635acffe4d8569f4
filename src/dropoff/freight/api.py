"""Runs, shipments, labels, manifests and handovers over HTTP."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any, Final, Literal

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import Meta

from dropoff.access.guards import for_anyone_known, for_device, for_operator
from dropoff.access.principal import principal
from dropoff.counter.api import till_of
from dropoff.freight import files, missed, runs, service, shipments
from dropoff.freight.handovers import HandOver, HandoverAnswer, Named, Stays, Why
from dropoff.freight.runs import Begun, RunView
from dropoff.freight.shipments import ShipmentPage, ShipmentView
from dropoff.freight.store import Viewer
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem, invalid
from dropoff.kernel.ids import new_id
from dropoff.web.answers import answer, outcome, read, send, write
from dropoff.web.body import body, query
from dropoff.web.context import context
from dropoff.web.openapi import doc
from dropoff.web.problems import Refused, problem_response
from dropoff.web.schema import Code, Id, Limit, Time

TAG: Final = "Freight"
AHEAD_MAX: Final = timedelta(days=31)
WAIT_FOR_RUN_S: Final = 20.0
_PAUSE_S: Final = 0.1

Status = Literal[
    "planned",
    "booking",
    "booked",
    "rejected",
    "unknown",
    "handed_over",
    "in_transit",
    "delivered",
    "received",
    "cancelled",
]


class NewRun(msgspec.Struct, frozen=True):
    as_of: Time | None = None
    """Departures with their cut-off until then are planned; default now, at most 31 days ahead."""


class ShipmentQuery(msgspec.Struct, frozen=True):
    status: Status | None = None
    limit: Limit = 50
    after: Annotated[str, Meta(max_length=40)] = ""


class NamedContainer(msgspec.Struct, frozen=True):
    sscc: Code
    seal_intact: bool = True


class StayingContainer(msgspec.Struct, frozen=True):
    sscc: Code
    why: Why | None = None


class NewHandover(msgspec.Struct, frozen=True, kw_only=True):
    containers: Annotated[tuple[NamedContainer, ...], Meta(max_length=500)]
    shipment: Id | None = None
    driver: Annotated[str, Meta(max_length=100)] | None = None
    driver_count: Annotated[int, Meta(ge=0, le=500)] | None = None
    left_behind: Annotated[tuple[StayingContainer, ...], Meta(max_length=500)] = ()
    """What stays, and what the clerk says of it; whatever else stays is listed without this."""


def viewer(request: Request[Any, Any, Any]) -> Viewer:
    who = principal(request)
    return Viewer(who.role, who.retailer_id, who.location_id, who.live)


@post(
    "/v1/consolidation-runs",
    guards=[for_operator],
    opt=doc("Plan departures now", body=NewRun, answer=RunView, status=201, key="optional", tag=TAG),
)
async def add_run(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The first transaction stores the key and the run's id; the plan is made afterwards, beside the write lane."""
    wish = await body(request, NewRun)
    moment = now()
    as_of = wish.as_of or moment
    if as_of > moment + AHEAD_MAX:
        raise Refused(invalid("/as_of", "At most 31 days ahead."))
    stored = await outcome(request, runs.begin_run, new_id("run"), as_of, moment, principal(request).actor, status=201)
    if isinstance(stored, Problem) or stored.status != 201:
        return send(request, stored)
    run_id = msgspec.json.decode(stored.body, type=Begun).id
    if stored.replayed:
        await _wait_for(request, run_id)
    else:
        await asyncio.to_thread(runs.carry_out, service.planner(context(request)), run_id, moment)
    view = await context(request).db.read(runs.show_run, context(request).settings.base_url, run_id)
    if isinstance(view, Problem):
        return problem_response(request, view)
    return answer(view, 201, {"Idempotency-Replayed": "true"} if stored.replayed else None)


async def _wait_for(request: Request[Any, Any, Any], run_id: str) -> None:
    """Another call plans it. If its process died, a job takes the run up again and the answer says `running`."""
    for _ in range(int(WAIT_FOR_RUN_S / _PAUSE_S)):
        if await context(request).db.read(runs.is_done, run_id):
            return
        await asyncio.sleep(_PAUSE_S)


@get(
    "/v1/consolidation-runs/{run_id:str}",
    guards=[for_operator],
    opt=doc("Show a run", answer=RunView, problems=("not-found",), tag=TAG),
)
async def show_run(request: Request[Any, Any, Any], run_id: FromPath[str]) -> ASGIResponse:
    return await read(request, runs.show_run, context(request).settings.base_url, run_id)


@get(
    "/v1/shipments",
    guards=[for_anyone_known],
    opt=doc("List shipments, newest first", query=ShipmentQuery, answer=ShipmentPage, tag=TAG),
)
async def list_shipments(request: Request[Any, Any, Any]) -> ASGIResponse:
    wanted = query(request, ShipmentQuery)
    base_url = context(request).settings.base_url
    args = (base_url, viewer(request), wanted.status, wanted.after, wanted.limit)
    return await read(request, shipments.list_shipments, *args)


@get(
    "/v1/shipments/{shipment_id:str}",
    guards=[for_anyone_known],
    opt=doc("Show a shipment", answer=ShipmentView, problems=("not-found",), tag=TAG),
)
async def show_shipment(request: Request[Any, Any, Any], shipment_id: FromPath[str]) -> ASGIResponse:
    return await read(request, shipments.show, context(request).settings.base_url, viewer(request), shipment_id)


@post(
    "/v1/shipments/{shipment_id:str}/cancel",
    guards=[for_operator],
    status_code=200,
    opt=doc(
        "Cancel a shipment and free its containers",
        answer=ShipmentView,
        problems=("not-found", "shipment-not-cancellable"),
        key="optional",
        tag=TAG,
    ),
)
async def cancel_shipment(request: Request[Any, Any, Any], shipment_id: FromPath[str]) -> ASGIResponse:
    base_url = context(request).settings.base_url
    return await write(
        request, shipments.cancel_shipment, base_url, shipment_id, now(), principal(request).actor, key="optional"
    )


@post(
    "/v1/counter/handovers",
    guards=[for_device],
    status_code=200,
    opt=doc("Hand containers to the driver", body=NewHandover, answer=HandoverAnswer, key="optional", tag="Counter"),
)
async def add_handover(request: Request[Any, Any, Any]) -> ASGIResponse:
    wish = await body(request, NewHandover)
    who = principal(request)
    assert who.location_id
    assert who.device_id
    command = HandOver(
        id=new_id("hov"),
        location_id=who.location_id,
        device_id=who.device_id,
        live=who.live,
        actor=who.actor,
        at=now(),
        containers=tuple(Named(one.sscc, one.seal_intact) for one in wish.containers),
        shipment_id=wish.shipment,
        driver=wish.driver,
        driver_count=wish.driver_count,
        left=tuple(Stays(one.sscc, one.why) for one in wish.left_behind),
    )
    return await write(request, service.hand_over, command)


async def _file(
    request: Request[Any, Any, Any], draw: Callable[[Any], bytes], media_type: str, fn: Callable[..., Any], *args: Any
) -> ASGIResponse:
    """What the query gives, drawn in a thread: a label costs more than the event loop should spend."""
    found = await context(request).db.read(fn, viewer(request), *args)
    if isinstance(found, Problem):
        return problem_response(request, found)
    data = await asyncio.to_thread(draw, found)
    return ASGIResponse(body=data, media_type=media_type, headers={"Cache-Control": "private, no-cache"})


def _label_routes(kind: files.Kind) -> list[Any]:
    """The routes of one format: of a whole shipment, of one container, and as the carrier made it."""

    async def labels(request: Request[Any, Any, Any], shipment_id: FromPath[str]) -> ASGIResponse:
        return await _file(request, kind.draw, kind.media_type, shipments.label_contents, shipment_id, None)

    async def label(request: Request[Any, Any, Any], shipment_id: FromPath[str], sscc: FromPath[str]) -> ASGIResponse:
        return await _file(request, kind.draw, kind.media_type, shipments.label_contents, shipment_id, sscc)

    async def carrier_label(
        request: Request[Any, Any, Any], shipment_id: FromPath[str], name: FromPath[str]
    ) -> ASGIResponse:
        sscc = "" if name == "shipment" else name
        return await _file(request, bytes, kind.media_type, shipments.carrier_label, shipment_id, sscc, kind.suffix)

    routes = (
        (labels, "labels", "A shipment's labels"),
        (label, "containers/{sscc:str}/label", "A container's label"),
        (carrier_label, "carrier-labels/{name:str}/label", "The carrier's own label, of `shipment` or an SSCC"),
    )
    handlers = []
    for function, path, summary in routes:
        function.__name__ = f"{function.__name__}_{kind.suffix}"  # the operation's id in the OpenAPI document
        told = doc(
            f"{summary}: {kind.suffix}", answer=bytes, media_type=kind.media_type, problems=("not-found",), tag=TAG
        )
        route = get(f"/v1/shipments/{{shipment_id:str}}/{path}.{kind.suffix}", guards=[for_anyone_known], opt=told)
        handlers.append(route(function))
    return handlers


@get(
    "/v1/shipments/{shipment_id:str}/manifest.csv",
    guards=[for_anyone_known],
    opt=doc("A shipment's manifest as CSV", answer=bytes, media_type="text/csv", problems=("not-found",), tag=TAG),
)
async def manifest_csv(request: Request[Any, Any, Any], shipment_id: FromPath[str]) -> ASGIResponse:
    return await _file(request, files.manifest_csv, "text/csv", shipments.manifest, shipment_id)


@get(
    "/v1/shipments/{shipment_id:str}/manifest.json",
    guards=[for_anyone_known],
    opt=doc("A shipment's manifest as JSON", answer=files.Manifest, problems=("not-found",), tag=TAG),
)
async def manifest_json(request: Request[Any, Any, Any], shipment_id: FromPath[str]) -> ASGIResponse:
    return await _file(request, files.manifest_json, "application/json", shipments.manifest, shipment_id)


@post(
    "/v1/counter/shipments/{shipment_id:str}/missed",
    guards=[for_device],
    status_code=200,
    opt=doc(
        "Tell that the driver did not come: a case is opened, and the goods take the next departure",
        answer=missed.MissedAnswer,
        problems=("not-found",),
        key="optional",
        tag="Counter",
    ),
)
async def tell_missed(request: Request[Any, Any, Any], shipment_id: FromPath[str]) -> ASGIResponse:
    return await write(request, missed.tell_missed, till_of(request), shipment_id, now())


HANDLERS = [
    add_run,
    show_run,
    list_shipments,
    show_shipment,
    cancel_shipment,
    add_handover,
    tell_missed,
    *(route for kind in files.LABELS for route in _label_routes(kind)),
    manifest_csv,
    manifest_json,
]
