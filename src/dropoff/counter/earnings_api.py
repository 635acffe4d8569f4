"""Rates and statements over HTTP: the operator's for every place, a till's for its own."""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import Meta

from dropoff.access.guards import for_device, for_operator
from dropoff.access.principal import principal
from dropoff.counter import earnings, earnings_files, periods
from dropoff.counter.api import till_of
from dropoff.counter.earnings import NewRate, RateList, RateView, Statement
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem
from dropoff.web.answers import answer, read, write
from dropoff.web.body import body, query
from dropoff.web.context import context
from dropoff.web.openapi import doc
from dropoff.web.problems import Refused
from dropoff.web.schema import Id, Limit, Name

TAG: Final = "Earnings"


class MonthQuery(msgspec.Struct, frozen=True):
    """`month`: such as `2026-11`; this month without."""

    month: Annotated[str, Meta(pattern=f"^{periods.MONTH.pattern}$")] | None = None


class RateQuery(msgspec.Struct, frozen=True):
    location: Id | None = None
    operator: Name | None = None
    limit: Limit = 50
    after: Annotated[str, Meta(max_length=40)] = ""


@post(
    "/v1/parcel-rates",
    guards=[for_operator],
    opt=doc(
        "Set what a place or a partner gets for a parcel, from a day on",
        body=NewRate,
        answer=RateView,
        status=201,
        problems=("location-unknown",),
        key="optional",
        tag=TAG,
    ),
)
async def set_rate(request: Request[Any, Any, Any]) -> ASGIResponse:
    sent = await body(request, NewRate)
    return await write(request, earnings.set_rate, sent, now(), principal(request).actor, status=201)


@get(
    "/v1/parcel-rates",
    guards=[for_operator],
    opt=doc("List rates, the newest first", query=RateQuery, answer=RateList, tag=TAG),
)
async def list_rates(request: Request[Any, Any, Any]) -> ASGIResponse:
    wanted = query(request, RateQuery)
    return await read(request, earnings.list_rates, wanted.location, wanted.operator, wanted.after, wanted.limit)


async def statement_of(request: Request[Any, Any, Any], location_id: str) -> Statement:
    """For the month that the query names. Raises `Refused`."""
    wanted = query(request, MonthQuery)
    month, db, at = periods.parse_month(wanted.month or ""), context(request).db, now()
    found = await db.read(earnings.statement, location_id, month, at)
    if isinstance(found, Statement) and found.final:
        found = await db.write(earnings.settled_statement, location_id, month, at)
    if isinstance(found, Problem):
        raise Refused(found)
    assert isinstance(found, Statement), "it is one or a refusal"
    return found


async def _file(of: Statement, draw: Callable[[Statement], bytes], media_type: str, suffix: str) -> ASGIResponse:
    drawn = await asyncio.to_thread(draw, of)
    headers = {"content-disposition": f'inline; filename="earnings-{of.month}.{suffix}"', "cache-control": "no-store"}
    return ASGIResponse(body=drawn, media_type=media_type, headers=headers)


def _told(summary: str, **more: Any) -> dict[str, Any]:
    kind: dict[str, Any] = {"answer": Statement} | more
    return doc(summary, query=MonthQuery, problems=("not-found",), tag=TAG, **kind)


@get("/v1/locations/{location_id:str}/earnings", guards=[for_operator], opt=_told("What a place earned in a month"))
async def show(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    return answer(await statement_of(request, location_id))


@get(
    "/v1/locations/{location_id:str}/earnings.csv",
    guards=[for_operator],
    opt=_told("What a place earned in a month: csv", answer=bytes, media_type="text/csv"),
)
async def show_csv(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    return await _file(await statement_of(request, location_id), earnings_files.to_csv, "text/csv", "csv")


@get(
    "/v1/locations/{location_id:str}/earnings.pdf",
    guards=[for_operator],
    opt=_told("What a place earned in a month: pdf", answer=bytes, media_type="application/pdf"),
)
async def show_pdf(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    return await _file(await statement_of(request, location_id), earnings_files.to_pdf, "application/pdf", "pdf")


@get("/v1/counter/earnings", guards=[for_device], opt=_told("What this till's place earned in a month"))
async def show_own(request: Request[Any, Any, Any]) -> ASGIResponse:
    return answer(await statement_of(request, till_of(request).location_id))


@get(
    "/v1/counter/earnings.csv",
    guards=[for_device],
    opt=_told("What this till's place earned in a month: csv", answer=bytes, media_type="text/csv"),
)
async def show_own_csv(request: Request[Any, Any, Any]) -> ASGIResponse:
    found = await statement_of(request, till_of(request).location_id)
    return await _file(found, earnings_files.to_csv, "text/csv", "csv")


@get(
    "/v1/counter/earnings.pdf",
    guards=[for_device],
    opt=_told("What this till's place earned in a month: pdf", answer=bytes, media_type="application/pdf"),
)
async def show_own_pdf(request: Request[Any, Any, Any]) -> ASGIResponse:
    found = await statement_of(request, till_of(request).location_id)
    return await _file(found, earnings_files.to_pdf, "application/pdf", "pdf")


HANDLERS: Final[list[Any]] = [
    set_rate,
    list_rates,
    show,
    show_csv,
    show_pdf,
    show_own,
    show_own_csv,
    show_own_pdf,
]
