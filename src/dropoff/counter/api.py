"""The counter over HTTP. A question that was understood is answered 200 with a verdict; what has no shape is 422."""

from datetime import datetime
from typing import Any, Final

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from dropoff.access.guards import for_device
from dropoff.access.principal import principal
from dropoff.counter import asking, bagging, containers, hand_ins, helping, label_api, roll_api, scans, signing, undo
from dropoff.counter.reading import read as read_text
from dropoff.counter.signed import KeySet
from dropoff.counter.till import Till
from dropoff.counter.views import ContainerAnswer, ContainerView
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem
from dropoff.web import metrics
from dropoff.web.answers import answer, outcome, read, send, write
from dropoff.web.body import body
from dropoff.web.context import context
from dropoff.web.openapi import doc
from dropoff.web.problems import Refused
from dropoff.web.schema import Time

TAG: Final = "Counter"


class Told(msgspec.Struct, frozen=True):
    verdict: str
    reason: str | None


def till_of(request: Request[Any, Any, Any]) -> Till:
    who = principal(request)
    assert who.location_id, "this route needs the guard for_device"
    assert who.device_id, "this route needs the guard for_device"
    return Till(who.location_id, who.device_id, who.live)


async def brake(request: Request[Any, Any, Any], text: str) -> None:
    """Before the question, so that a stored answer never is "too many"."""
    if read_text(text).short_code is not None:
        device_id = till_of(request).device_id
        problem = await context(request).db.read(scans.too_many_misses, device_id, now())
        if problem is not None:
            raise Refused(problem)


@post(
    "/v1/counter/scans",
    guards=[for_device],
    status_code=200,
    opt=doc(
        "Tell what was scanned",
        body=scans.Scan,
        answer=scans.Scanned,
        problems=("too-many-requests",),
        tag=TAG,
    ),
)
async def scan(request: Request[Any, Any, Any]) -> ASGIResponse:
    data = await body(request, scans.Scan)
    await brake(request, data.text)
    return await write(request, scans.scan, context(request).passes, till_of(request), data.text, now(), key="none")


@post(
    "/v1/counter/hand-ins",
    guards=[for_device],
    status_code=200,
    opt=doc(
        "Take things in",
        body=asking.HandIn,
        answer=hand_ins.HandInAnswer,
        problems=("too-many-requests",),
        key="required",
        tag=TAG,
    ),
)
async def confirm_hand_in(request: Request[Any, Any, Any]) -> ASGIResponse:
    data = await body(request, asking.HandIn)
    problem = asking.shape_problem(data)
    if problem is not None:
        raise Refused(problem)
    await brake(request, data.pass_text)
    device_now = _device_time(request)
    if device_now is not None:
        data = msgspec.structs.replace(data, device_now=device_now)
    of = context(request)
    result = await outcome(
        request,
        bagging.take_in,
        of.passes,
        of.settings.base_url,
        of.settings.gs1_prefix,
        till_of(request),
        data,
        now(),
        key="required",
    )
    if not isinstance(result, Problem) and not result.replayed:
        told = msgspec.json.decode(result.body, type=Told)
        metrics.HAND_INS.labels(verdict=told.verdict, reason=told.reason or "").inc()
        if told.verdict == "accepted" and data.took_ms is not None:
            metrics.COUNTER_TIME.observe(data.took_ms / 1000)
    return send(request, result)


def _device_time(request: Request[Any, Any, Any]) -> datetime | None:
    """A header, for it differs each time the same hand-in is sent. What cannot be read says nothing."""
    try:
        return msgspec.convert(request.headers.get("device-time"), Time)
    except msgspec.ValidationError:
        return None


@post(
    "/v1/counter/hand-ins/{hand_in_id:str}/undo",
    guards=[for_device],
    status_code=200,
    opt=doc("Take a hand-in back", answer=undo.UndoAnswer, problems=("not-found",), key="optional", tag=TAG),
)
async def undo_hand_in(request: Request[Any, Any, Any], hand_in_id: FromPath[str]) -> ASGIResponse:
    return await write(request, undo.undo_hand_in, till_of(request), hand_in_id, now())


@post(
    "/v1/counter/containers",
    guards=[for_device],
    opt=doc(
        "Open a container",
        body=containers.NewContainer,
        answer=ContainerView,
        status=201,
        problems=("sscc-used",),
        key="optional",
        tag=TAG,
    ),
)
async def open_container(request: Request[Any, Any, Any]) -> ASGIResponse:
    data = await body(request, containers.NewContainer)
    prefix = context(request).settings.gs1_prefix
    return await write(request, containers.open_container, prefix, till_of(request), data, now(), status=201)


@get(
    "/v1/counter/containers/{container_id:str}",
    guards=[for_device],
    opt=doc("Read a container of this place", answer=ContainerView, problems=("not-found",), tag=TAG),
)
async def show_container(request: Request[Any, Any, Any], container_id: FromPath[str]) -> ASGIResponse:
    till = till_of(request)
    return await read(request, containers.find_here, container_id, till.location_id, till.live)


@post(
    "/v1/counter/containers/{container_id:str}/parcels",
    guards=[for_device],
    status_code=200,
    opt=doc(
        "Put a tagged parcel into a container",
        body=containers.PackIn,
        answer=ContainerAnswer,
        key="optional",
        tag=TAG,
    ),
)
async def pack_parcel(request: Request[Any, Any, Any], container_id: FromPath[str]) -> ASGIResponse:
    data = await body(request, containers.PackIn)
    return await write(request, containers.pack_parcel, till_of(request), container_id, data, now())


@post(
    "/v1/counter/containers/{container_id:str}/seal",
    guards=[for_device],
    status_code=200,
    opt=doc("Seal a container", body=containers.SealIn, answer=ContainerAnswer, key="optional", tag=TAG),
)
async def seal_container(request: Request[Any, Any, Any], container_id: FromPath[str]) -> ASGIResponse:
    data = await body(request, containers.SealIn)
    return await write(request, containers.seal, till_of(request), container_id, data, now())


@post(
    "/v1/counter/containers/{container_id:str}/unseal",
    guards=[for_device],
    status_code=200,
    opt=doc("Open a sealed container", body=containers.UnsealIn, answer=ContainerAnswer, key="optional", tag=TAG),
)
async def unseal_container(request: Request[Any, Any, Any], container_id: FromPath[str]) -> ASGIResponse:
    data = await body(request, containers.UnsealIn)
    return await write(request, containers.unseal, till_of(request), container_id, data, now())


@post(
    "/v1/counter/help",
    guards=[for_device],
    status_code=200,
    opt=doc(
        "Ask for help for a shopper: a case for the operator, and for the retailer when the pass is known",
        body=helping.HelpIn,
        answer=helping.HelpAnswer,
        problems=("too-many-requests",),
        key="optional",
        tag=TAG,
    ),
)
async def ask_for_help(request: Request[Any, Any, Any]) -> ASGIResponse:
    data = await body(request, helping.HelpIn)
    if data.pass_text is not None:
        await brake(request, data.pass_text)
    return await write(request, helping.ask_for_help, context(request).passes, till_of(request), data, now())


@get("/.well-known/dropoff-keys.json", opt=doc("The keys that receipts are signed with", answer=KeySet, tag=TAG))
async def receipt_keys(request: Request[Any, Any, Any]) -> ASGIResponse:
    of = context(request)
    keys = await of.db.read(signing.key_set, of.settings.base_url)
    headers = {"cache-control": "public, max-age=300", "access-control-allow-origin": "*"}
    return answer(keys, headers=headers)


HANDLERS = [
    receipt_keys,
    scan,
    confirm_hand_in,
    undo_hand_in,
    open_container,
    show_container,
    pack_parcel,
    seal_container,
    unseal_container,
    ask_for_help,
    *roll_api.HANDLERS,
    *label_api.HANDLERS,
]
