"""Retailers over HTTP, for operators."""

from typing import Annotated, Any

import msgspec
from litestar import Request, get, patch, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from dropoff.access.guards import for_operator
from dropoff.access.principal import principal
from dropoff.kernel.clock import now
from dropoff.retailers import service
from dropoff.retailers.service import NewRetailer, NewRetailerView, Retailer, RetailerChange, RetailerPage
from dropoff.web.answers import read, write
from dropoff.web.body import body, query
from dropoff.web.openapi import doc
from dropoff.web.schema import Limit


class RetailerQuery(msgspec.Struct, frozen=True):
    limit: Limit = 50
    after: Annotated[str, msgspec.Meta(max_length=40)] = ""


@post(
    "/v1/retailers",
    guards=[for_operator],
    opt=doc(
        "Add a retailer; its key is shown once",
        body=NewRetailer,
        answer=NewRetailerView,
        status=201,
        problems=("slug-taken",),
        key="optional",
    ),
)
async def add_retailer(request: Request[Any, Any, Any]) -> ASGIResponse:
    new = await body(request, NewRetailer)
    return await write(request, service.add_retailer, new, now(), status=201)


@get("/v1/retailers", guards=[for_operator], opt=doc("List retailers", query=RetailerQuery, answer=RetailerPage))
async def list_retailers(request: Request[Any, Any, Any]) -> ASGIResponse:
    wanted = query(request, RetailerQuery)
    return await read(request, service.list_retailers, wanted.after, wanted.limit)


@get(
    "/v1/retailers/{retailer_id:str}",
    guards=[for_operator],
    opt=doc("Show a retailer", answer=Retailer, problems=("not-found",)),
)
async def show_retailer(request: Request[Any, Any, Any], retailer_id: FromPath[str]) -> ASGIResponse:
    return await read(request, service.show, retailer_id)


@patch(
    "/v1/retailers/{retailer_id:str}",
    guards=[for_operator],
    opt=doc(
        "Change where a retailer's customers begin a return",
        body=RetailerChange,
        answer=Retailer,
        problems=("not-found",),
    ),
)
async def change_retailer(request: Request[Any, Any, Any], retailer_id: FromPath[str]) -> ASGIResponse:
    wish = await body(request, RetailerChange)
    return await write(request, service.change_retailer, retailer_id, wish, now(), principal(request).actor, key="none")


HANDLERS = [add_retailer, list_retailers, show_retailer, change_retailer]
