"""What drivers took, over HTTP: for the operator all of it, for a till its own place."""

from typing import Annotated, Any

import msgspec
from litestar import Request, get
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import Meta

from dropoff.access.guards import for_operator_or_device
from dropoff.access.principal import principal
from dropoff.freight import takings
from dropoff.freight.takings import Taking, TakingPage
from dropoff.web.answers import read
from dropoff.web.body import query
from dropoff.web.openapi import doc
from dropoff.web.schema import Limit


class TakingQuery(msgspec.Struct, frozen=True):
    location: Annotated[str, Meta(max_length=40)] | None = None
    limit: Limit = 50
    after: Annotated[str, Meta(max_length=40)] = ""


def _seen_by(request: Request[Any, Any, Any]) -> tuple[str | None, bool | None]:
    who = principal(request)
    return (who.location_id, who.live) if who.role == "device" else (None, None)


@get(
    "/v1/handovers",
    guards=[for_operator_or_device],
    opt=doc("List what drivers took, newest first", query=TakingQuery, answer=TakingPage, tag="Freight"),
)
async def list_handovers(request: Request[Any, Any, Any]) -> ASGIResponse:
    wanted = query(request, TakingQuery)
    location, live = _seen_by(request)
    return await read(request, takings.list_takings, location or wanted.location, live, wanted.after, wanted.limit)


@get(
    "/v1/handovers/{handover_id:str}",
    guards=[for_operator_or_device],
    opt=doc("Show what a driver took and what stayed", answer=Taking, problems=("not-found",), tag="Freight"),
)
async def show_handover(request: Request[Any, Any, Any], handover_id: FromPath[str]) -> ASGIResponse:
    return await read(request, takings.show, handover_id, *_seen_by(request))


HANDLERS = [list_handovers, show_handover]
