"""Receipts and inspections of retailers, intakes of hubs, and the state of a till, over HTTP."""

from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.response.base import ASGIResponse
from msgspec import Meta

from dropoff.access.guards import for_device, for_retailer
from dropoff.access.principal import Principal, principal, retailer_id
from dropoff.counter.till import Till
from dropoff.kernel.clock import now
from dropoff.receiving import service
from dropoff.receiving.intake import Counted, Report
from dropoff.receiving.rules import Condition, Disposition, fold_tags
from dropoff.receiving.state import CounterState, counter_state
from dropoff.returns.service import UnitView
from dropoff.web.answers import read, write
from dropoff.web.body import body
from dropoff.web.openapi import doc
from dropoff.web.schema import Code, Id, Minor

PARCELS_MAX = 1_000
TagText = Annotated[str, Meta(min_length=1, max_length=60, pattern=r"\S")]


class ReceiptBody(msgspec.Struct, frozen=True):
    sscc: Code
    """Any scan of the container, or a loose parcel's tag."""
    parcels: Annotated[tuple[TagText, ...], Meta(max_length=PARCELS_MAX)]
    """The tags that were found in it."""
    complete: bool = False
    """The container is empty now: what was not found is missing. Until then it may still be found."""


class InspectionBody(msgspec.Struct, frozen=True):
    unit: Id
    condition: Condition
    disposition: Disposition
    reduction: Minor = 0
    note: Annotated[str, Meta(max_length=2000)] | None = None


@post(
    "/v1/receipts",
    guards=[for_retailer],
    status_code=200,
    opt=doc(
        "Receive a container, or a parcel that travelled alone",
        body=ReceiptBody,
        answer=Counted,
        problems=("not-found", "container-open"),
        key="optional",
    ),
)
async def add_receipt(request: Request[Any, Any, Any]) -> ASGIResponse:
    sent = await body(request, ReceiptBody)
    return await write(request, service.receive, _report(request, sent, principal(request)), retailer_id(request))


@post(
    "/v1/counter/intakes",
    guards=[for_device],
    status_code=200,
    opt=doc("Take a container in at a hub", body=ReceiptBody, answer=service.IntakeAnswer, key="optional"),
)
async def add_intake(request: Request[Any, Any, Any]) -> ASGIResponse:
    sent = await body(request, ReceiptBody)
    who = principal(request)
    assert who.device_id, "a device's credential names it"
    assert who.location_id, "and its place"
    till = Till(who.location_id, who.device_id, who.live)
    return await write(request, service.take_in_at_hub, _report(request, sent, who), till)


def _report(request: Request[Any, Any, Any], sent: ReceiptBody, who: Principal) -> Report:
    return Report(
        sscc=sent.sscc,
        tags=fold_tags(sent.parcels),
        complete=sent.complete,
        at=now(),
        actor=who.actor,
        live=who.live,
        prefix=request.app.state.context.settings.gs1_prefix,
    )


@post(
    "/v1/inspections",
    guards=[for_retailer],
    status_code=200,
    opt=doc(
        "Say what a received unit is like and where it goes",
        body=InspectionBody,
        answer=UnitView,
        problems=("not-found", "unit-not-received", "unit-already-inspected"),
        key="optional",
    ),
)
async def add_inspection(request: Request[Any, Any, Any]) -> ASGIResponse:
    sent = await body(request, InspectionBody)
    command = service.Inspect(
        retailer_id=retailer_id(request),
        unit_id=sent.unit,
        condition=sent.condition,
        disposition=sent.disposition,
        reduction=sent.reduction,
        note=sent.note,
        at=now(),
        actor=principal(request).actor,
    )
    return await write(request, service.inspect, command)


@get(
    "/v1/counter/state",
    guards=[for_device],
    opt=doc("How this till's place stands", answer=CounterState, problems=("not-found",)),
)
async def show_state(request: Request[Any, Any, Any]) -> ASGIResponse:
    who = principal(request)
    return await read(request, counter_state, who.location_id, who.live, now())


HANDLERS = [add_receipt, add_intake, add_inspection, show_state]
