"""Keys over HTTP, for operators."""

from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from dropoff.access import service
from dropoff.access.guards import for_operator
from dropoff.kernel.clock import now
from dropoff.web.answers import read, write
from dropoff.web.body import query
from dropoff.web.openapi import doc
from dropoff.web.schema import Limit


class ListQuery(msgspec.Struct, frozen=True):
    limit: Limit = 50
    after: Annotated[str, msgspec.Meta(max_length=40)] = ""


@get("/v1/keys", guards=[for_operator], opt=doc("List keys", query=ListQuery, answer=service.KeyPage))
async def list_keys(request: Request[Any, Any, Any]) -> ASGIResponse:
    wanted = query(request, ListQuery)
    return await read(request, service.list_keys, wanted.after, wanted.limit)


@post(
    "/v1/keys/{key_id:str}/revoke",
    guards=[for_operator],
    status_code=200,
    opt=doc("Revoke a key", answer=service.KeyView, problems=("not-found",), key="optional"),
)
async def revoke_key(request: Request[Any, Any, Any], key_id: FromPath[str]) -> ASGIResponse:
    answer = await write(request, service.revoke_key, key_id, now())
    request.app.state.context.principals.forget()
    return answer


@post(
    "/v1/keys/{key_id:str}/rotate",
    guards=[for_operator],
    status_code=200,
    opt=doc("Replace a key", answer=service.RotatedKey, problems=("not-found",), key="optional"),
)
async def rotate_key(request: Request[Any, Any, Any], key_id: FromPath[str]) -> ASGIResponse:
    answer = await write(request, service.rotate_key, key_id, now())
    request.app.state.context.principals.forget()
    return answer


HANDLERS = [list_keys, revoke_key, rotate_key]
