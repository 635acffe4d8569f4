"""Lockers over HTTP: banks for operators, a compartment for the bearer of a pass, emptying for a till at the place."""

from typing import Annotated, Any, Final

import msgspec
from litestar import Request, delete, get, post, put
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import Meta

from dropoff.access.guards import for_device, for_operator
from dropoff.access.principal import principal
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem
from dropoff.lockers import service
from dropoff.lockers.service import BankPage, BankView, Begin, DepositRow, DepositView, LyingView, NewBank
from dropoff.lockers.steps import empty, in_thread, take_step
from dropoff.web.answers import answer, read, write
from dropoff.web.body import body, query
from dropoff.web.openapi import doc
from dropoff.web.problems import Refused
from dropoff.web.schema import Limit

TAG: Final = "Lockers"


class Banks(msgspec.Struct, frozen=True):
    limit: Limit = 50
    after: Annotated[str, Meta(max_length=40)] = ""


class Lying(msgspec.Struct, frozen=True):
    items: list[LyingView]


# --- operators


@put(
    "/v1/locations/{location_id:str}/lockers",
    guards=[for_operator],
    opt=doc(
        "Connect a bank of lockers to a place of kind locker",
        body=NewBank,
        answer=BankView,
        problems=("location-unknown", "locker-unreachable", "locker-in-use"),
        key="optional",
        tag=TAG,
    ),
)
async def connect_bank(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    new = await body(request, NewBank)
    context = request.app.state.context
    checked = await in_thread(service.check, context, new)
    base_url = context.settings.base_url
    return await write(request, service.connect, location_id, checked, base_url, now(), principal(request).actor)


@get(
    "/v1/locations/{location_id:str}/lockers",
    guards=[for_operator],
    opt=doc("Read a bank of lockers, with its compartments", answer=BankView, problems=("not-found",), tag=TAG),
)
async def show_bank(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    return await read(request, service.bank_view, location_id)


@delete(
    "/v1/locations/{location_id:str}/lockers",
    guards=[for_operator],
    status_code=200,
    opt=doc(
        "Disconnect an empty bank of lockers",
        answer=BankView,
        problems=("not-found", "locker-in-use"),
        key="optional",
        tag=TAG,
    ),
)
async def disconnect_bank(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    return await write(request, service.disconnect, location_id, now(), principal(request).actor)


@get("/v1/lockers", guards=[for_operator], opt=doc("List banks of lockers", query=Banks, answer=BankPage, tag=TAG))
async def list_banks(request: Request[Any, Any, Any]) -> ASGIResponse:
    wanted = query(request, Banks)
    return await read(request, service.list_banks, wanted.after, wanted.limit)


# --- the bearer of a pass


@post(
    "/v1/passes/{code:str}/locker",
    status_code=200,
    opt=doc(
        "Ask for a compartment at a locker that one stands at",
        body=Begin,
        answer=DepositView,
        problems=("not-found", "locker-refused"),
        tag=TAG,
    ),
)
async def reserve(request: Request[Any, Any, Any], code: FromPath[str]) -> ASGIResponse:
    asked = await body(request, Begin)
    return _told(await in_thread(service.reserve, request.app.state.context, code, asked, now()))


@get(
    "/v1/passes/{code:str}/locker",
    opt=doc(
        "How the compartment stands: asks the bank while its door matters",
        answer=DepositView,
        problems=("not-found",),
        tag=TAG,
    ),
)
async def follow(request: Request[Any, Any, Any], code: FromPath[str]) -> ASGIResponse:
    row = await _of(request, code)
    return _told(await in_thread(service.settle, request.app.state.context, row, now()))


@post(
    "/v1/passes/{code:str}/locker/{verb:str}",
    status_code=200,
    opt=doc(
        "Open the door, say that the thing is in or that nothing is, report a used compartment, or give it up: "
        "`open`, `confirm`, `empty`, `occupied`, `release`",
        answer=DepositView,
        problems=("not-found", "locker-refused"),
        tag=TAG,
    ),
)
async def step(request: Request[Any, Any, Any], code: FromPath[str], verb: FromPath[str]) -> ASGIResponse:
    row = await _of(request, code)
    return _told(await take_step(request, row, verb))


async def _of(request: Request[Any, Any, Any], code: str) -> DepositRow:
    context = request.app.state.context
    found = await context.db.read(service.latest_deposit, context.passes, code)
    if isinstance(found, Problem):
        raise Refused(found)
    row: DepositRow = found
    return row


def _told(row: DepositRow) -> ASGIResponse:
    return answer(service.deposit_view(row), headers={"cache-control": "no-store"})


# --- a till at the place


@get(
    "/v1/counter/lockers",
    guards=[for_device],
    opt=doc("List compartments here that have to be emptied", answer=Lying, tag=TAG),
)
async def lying(request: Request[Any, Any, Any]) -> ASGIResponse:
    who = principal(request)
    items = await request.app.state.context.db.read(service.lying, who.location_id, who.live)
    return answer(Lying(items))


@post(
    "/v1/counter/lockers/{deposit_id:str}/open",
    guards=[for_device],
    status_code=200,
    opt=doc(
        "Open a compartment to empty it",
        answer=DepositView,
        problems=("not-found", "locker-unreachable"),
        tag=TAG,
    ),
)
async def open_to_empty(request: Request[Any, Any, Any], deposit_id: FromPath[str]) -> ASGIResponse:
    return _told(await empty(request, deposit_id))


HANDLERS: Final[list[Any]] = [
    connect_bank,
    show_bank,
    disconnect_bank,
    list_banks,
    reserve,
    follow,
    step,
    lying,
    open_to_empty,
]
