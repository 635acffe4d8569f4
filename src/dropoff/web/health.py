"""Is the process alive, can it serve, and what has it counted."""

import asyncio
from typing import Any

import msgspec
from litestar import Request, get
from litestar.response.base import ASGIResponse

from dropoff.web import metrics
from dropoff.web.answers import answer
from dropoff.web.openapi import doc


class Ready(msgspec.Struct, frozen=True):
    ready: bool
    checks: dict[str, str]
    warnings: list[str]


EXAMPLE_PREFIX = (
    "DROPOFF_GS1_PREFIX is not set: SSCCs carry GS1's example prefix and must not go on real parcels. "
    "Set your GS1 company prefix."
)


@get("/health/live", opt=doc("Is the process alive"))
async def live() -> ASGIResponse:
    return answer({"live": True})


@get("/health/ready", opt=doc("Can the process serve", answer=Ready))
async def ready(request: Request[Any, Any, Any]) -> ASGIResponse:
    context = request.app.state.context
    checks = {"database": "ok", **context.readiness()}
    try:
        await asyncio.wait_for(asyncio.to_thread(context.db.check), 5)
    except Exception as error:
        checks["database"] = type(error).__name__
    well = all(value == "ok" for value in checks.values())
    warnings = [EXAMPLE_PREFIX] if context.settings.gs1_is_example else []
    return answer(Ready(well, checks, warnings), 200 if well else 503)


@get("/metrics", opt=doc("Counters for Prometheus", answer=bytes, media_type="text/plain"))
async def exposition() -> ASGIResponse:
    body, media_type = metrics.exposition()
    # As a header: to a media type of text the framework would add a second charset, and Prometheus then refuses it.
    return ASGIResponse(body=body, headers={"Content-Type": media_type})


HANDLERS = [live, ready, exposition]
