"""Cases over HTTP: the operator sees all, a retailer its own."""

from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from dropoff.access.guards import for_retailer_or_operator
from dropoff.access.principal import principal
from dropoff.cases import rules, service
from dropoff.cases.store import Filter
from dropoff.kernel.clock import now
from dropoff.web.answers import read, write
from dropoff.web.body import body, query
from dropoff.web.openapi import doc
from dropoff.web.schema import Limit


class CaseQuery(msgspec.Struct, frozen=True):
    state: rules.State | None = None
    kind: rules.Kind | None = None
    limit: Limit = 50
    after: Annotated[str, msgspec.Meta(max_length=40)] | None = None


class Resolution(msgspec.Struct, frozen=True):
    outcome: rules.Outcome
    note: Annotated[str, msgspec.Meta(max_length=2000)] | None = None
    tracking_number: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] | None = None
    """Of a `booking_unknown` that was found at the carrier."""


@get(
    "/v1/cases",
    guards=[for_retailer_or_operator],
    opt=doc("List cases, newest first", query=CaseQuery, answer=service.CaseList),
)
async def list_cases(request: Request[Any, Any, Any]) -> ASGIResponse:
    wanted = query(request, CaseQuery)
    mine = Filter(
        retailer_id=principal(request).retailer_id,
        state=wanted.state,
        kind=wanted.kind,
        after=wanted.after,
        limit=wanted.limit,
    )
    return await read(request, service.list_cases, mine)


@get(
    "/v1/cases/{case_id:str}",
    guards=[for_retailer_or_operator],
    opt=doc("Read a case", answer=service.Case, problems=("not-found",)),
)
async def read_case(request: Request[Any, Any, Any], case_id: FromPath[str]) -> ASGIResponse:
    return await read(request, service.find_case, case_id, principal(request).retailer_id)


@post(
    "/v1/cases/{case_id:str}/resolve",
    guards=[for_retailer_or_operator],
    status_code=200,
    opt=doc(
        "Resolve a case",
        body=Resolution,
        answer=service.Case,
        problems=("not-found", "case-already-resolved"),
        key="optional",
    ),
)
async def resolve_case(request: Request[Any, Any, Any], case_id: FromPath[str]) -> ASGIResponse:
    who = principal(request)
    sent = await body(request, Resolution)
    command = service.Resolve(
        case_id=case_id,
        outcome=sent.outcome,
        note=sent.note,
        tracking_number=sent.tracking_number,
        at=now(),
        actor=who.actor,
        retailer_id=who.retailer_id,
    )
    return await write(request, service.resolve, command)


HANDLERS = [list_cases, read_case, resolve_case]
