"""Orders, returns and payments over HTTP, for retailers; passes for whoever bears them."""

from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import Meta

from dropoff.access.guards import for_retailer
from dropoff.access.principal import principal, retailer_id
from dropoff.db import Tx
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem, not_found
from dropoff.returns import service
from dropoff.returns.service import (
    Links,
    NewCredit,
    NewExchange,
    NewOrder,
    NewRefund,
    NewReturn,
    OrderView,
    PassView,
    PaymentView,
    Renewed,
    ReturnPage,
    ReturnView,
)
from dropoff.web.answers import read, write
from dropoff.web.body import body, query
from dropoff.web.context import context
from dropoff.web.openapi import doc
from dropoff.web.schema import Limit

AnyRequest = Request[Any, Any, Any]
PAYMENT_PROBLEMS = ("not-found", "refund-not-due", "refund-reference-reused")


class ReturnQuery(msgspec.Struct, frozen=True):
    status: (
        Literal["issued", "partly_handed_in", "handed_in", "received", "resolved", "cancelled", "expired"] | None
    ) = None
    order: Annotated[str, Meta(max_length=200)] | None = None
    limit: Limit = 50
    after: Annotated[str, Meta(max_length=40)] | None = None


class CancelPass(msgspec.Struct, frozen=True, kw_only=True):
    """What the bearer of a pass has to know to cancel it."""

    order: Annotated[str, Meta(max_length=200)]
    email: Annotated[str, Meta(max_length=320)]


def links(request: AnyRequest) -> Links:
    held = context(request)
    return Links(held.passes, held.settings.base_url)


@post(
    "/v1/orders",
    guards=[for_retailer],
    opt=doc(
        "Tell of an order; the same reference with the same content is the same order",
        body=NewOrder,
        answer=OrderView,
        status=201,
        problems=("order-exists", "currency-mismatch"),
        key="optional",
    ),
)
async def add_order(request: AnyRequest) -> ASGIResponse:
    new = await body(request, NewOrder)
    return await write(request, service.add_order, retailer_id(request), new, now(), status=201)


@get(
    "/v1/orders/{reference:str}",
    guards=[for_retailer],
    opt=doc("Show an order, by its reference or id", answer=OrderView, problems=("not-found",)),
)
async def show_order(request: AnyRequest, reference: FromPath[str]) -> ASGIResponse:
    return await read(request, service.show_order, retailer_id(request), reference)


@post(
    "/v1/returns",
    guards=[for_retailer],
    opt=doc(
        "Make a return with its pass",
        body=NewReturn,
        answer=ReturnView,
        status=201,
        problems=("order-not-found", "units-already-returned", "return-window-closed", "resolution-not-offered"),
        key="optional",
    ),
)
async def issue_return(request: AnyRequest) -> ASGIResponse:
    new = await body(request, NewReturn)
    who = principal(request)
    return await write(
        request, service.issue_return, links(request), retailer_id(request), new, now(), who.actor, status=201
    )


@get("/v1/returns", guards=[for_retailer], opt=doc("List returns, newest first", query=ReturnQuery, answer=ReturnPage))
async def list_returns(request: AnyRequest) -> ASGIResponse:
    wanted = query(request, ReturnQuery)
    return await read(
        request,
        service.list_returns,
        links(request),
        retailer_id(request),
        wanted.status,
        wanted.order,
        wanted.after or None,
        wanted.limit,
    )


@get(
    "/v1/returns/{return_id:str}",
    guards=[for_retailer],
    opt=doc("Show a return", answer=ReturnView, problems=("not-found",)),
)
async def show_return(request: AnyRequest, return_id: FromPath[str]) -> ASGIResponse:
    return await read(request, service.return_view, links(request), return_id, retailer_id(request))


@post(
    "/v1/returns/{return_id:str}/cancel",
    guards=[for_retailer],
    status_code=200,
    opt=doc(
        "Cancel what was not handed in yet",
        answer=ReturnView,
        problems=("not-found", "return-not-open"),
        key="optional",
    ),
)
async def cancel_return(request: AnyRequest, return_id: FromPath[str]) -> ASGIResponse:
    who = principal(request)
    return await write(
        request, service.cancel_return, links(request), return_id, retailer_id(request), now(), who.actor
    )


@post(
    "/v1/returns/{return_id:str}/refunds",
    guards=[for_retailer],
    opt=doc(
        "Tell of money that was paid",
        body=NewRefund,
        answer=PaymentView,
        status=201,
        problems=(*PAYMENT_PROBLEMS, "refund-exceeds-price", "currency-mismatch"),
        key="required",
    ),
)
async def record_refund(request: AnyRequest, return_id: FromPath[str]) -> ASGIResponse:
    new = await body(request, NewRefund)
    return await _settle(request, service.record_refund, return_id, new, key="required")


@post(
    "/v1/returns/{return_id:str}/exchanges",
    guards=[for_retailer],
    opt=doc(
        "Tell of an order that replaces the units",
        body=NewExchange,
        answer=PaymentView,
        status=201,
        problems=PAYMENT_PROBLEMS,
        key="optional",
    ),
)
async def record_exchange(request: AnyRequest, return_id: FromPath[str]) -> ASGIResponse:
    new = await body(request, NewExchange)
    return await _settle(request, service.record_exchange, return_id, new)


@post(
    "/v1/returns/{return_id:str}/credits",
    guards=[for_retailer],
    opt=doc(
        "Tell of a voucher that was given",
        body=NewCredit,
        answer=PaymentView,
        status=201,
        problems=PAYMENT_PROBLEMS,
        key="optional",
    ),
)
async def record_credit(request: AnyRequest, return_id: FromPath[str]) -> ASGIResponse:
    new = await body(request, NewCredit)
    return await _settle(request, service.record_credit, return_id, new)


async def _settle(
    request: AnyRequest, fn: Any, return_id: str, new: Any, key: Literal["optional", "required"] = "optional"
) -> ASGIResponse:
    who = principal(request)
    return await write(request, fn, return_id, retailer_id(request), new, now(), who.actor, status=201, key=key)


@get(
    "/v1/passes/{code:str}",
    opt=doc("What the bearer of a pass sees: no name, no address, no e-mail", answer=PassView, problems=("not-found",)),
)
async def show_pass(request: AnyRequest, code: FromPath[str]) -> ASGIResponse:
    return await read(request, _show_pass, links(request), code)


@post(
    "/v1/passes/{code:str}/renew",
    status_code=200,
    opt=doc(
        "Make a pass hold longer, with the same code",
        answer=Renewed,
        problems=("not-found", "return-not-open", "window-passed"),
    ),
)
async def renew_pass(request: AnyRequest, code: FromPath[str]) -> ASGIResponse:
    return await write(request, _renew_pass, links(request), code, now(), key="none")


@post(
    "/v1/passes/{code:str}/cancel",
    status_code=200,
    opt=doc(
        "Cancel by pass, order and e-mail",
        body=CancelPass,
        answer=PassView,
        problems=("not-found", "order-not-found", "return-not-open", "too-many-requests"),
    ),
)
async def cancel_pass(request: AnyRequest, code: FromPath[str]) -> ASGIResponse:
    known = await body(request, CancelPass)
    return await write(request, _cancel_pass, links(request), code, known, now(), key="none")


def _show_pass(tx: Tx, where: Links, code: str) -> PassView | Problem:
    found = service.find_by_code(tx, where.passes, code)
    return (found and service.pass_view(tx, found.return_id)) or not_found("pass")


def _renew_pass(tx: Tx, where: Links, code: str, at: Any) -> Renewed | Problem:
    found = service.find_by_code(tx, where.passes, code)
    return service.renew(tx, where, found, at) if found else not_found("pass")


def _cancel_pass(tx: Tx, where: Links, code: str, known: CancelPass, at: Any) -> PassView | Problem:
    found = service.find_by_code(tx, where.passes, code)
    if found is None:
        return not_found("pass")
    return service.cancel_by_pass(tx, where, found, known.order, known.email, at)


HANDLERS = [
    add_order,
    show_order,
    issue_return,
    list_returns,
    show_return,
    cancel_return,
    record_refund,
    record_exchange,
    record_credit,
    show_pass,
    renew_pass,
    cancel_pass,
]
