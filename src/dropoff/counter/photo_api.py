"""Photos over HTTP: a till sends one, the retailer of the return reads it."""

import hashlib
import threading
from typing import Any, Final

import anyio.to_thread
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from dropoff.access.guards import for_device, for_retailer
from dropoff.access.principal import retailer_id
from dropoff.counter import photos, pictures
from dropoff.counter.api import TAG, till_of
from dropoff.counter.pictures import Picture
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem, not_found
from dropoff.web.answers import read, write
from dropoff.web.body import query
from dropoff.web.context import context
from dropoff.web.openapi import doc
from dropoff.web.problems import Refused, problem_response

BYTES_MAX: Final = 10_000_000
JPEG: Final = "image/jpeg"
_TURNS: Final = threading.BoundedSemaphore(2)
"""Unpacked, a photo takes a hundred megabytes."""


async def redrawn(raw: bytes, content_type: str) -> Picture:
    """Raises `Refused`."""
    kind = content_type.split(";", maxsplit=1)[0].strip().lower()
    if kind not in pictures.FORMATS:
        raise Refused(Problem("unsupported-media-type", "Photos are JPEG, PNG or WebP."))
    found = await anyio.to_thread.run_sync(_in_turn, raw, kind)
    if isinstance(found, str):
        raise Refused(Problem("photo-unreadable", found))
    return found


def _in_turn(raw: bytes, kind: str) -> Picture | str:
    with _TURNS:
        return pictures.redraw(raw, kind)


@post(
    "/v1/counter/photos",
    guards=[for_device],
    request_max_body_size=BYTES_MAX,
    opt=doc(
        "Add a photo of a thing that was handed in damaged, or refused",
        query=photos.PhotoQuery,
        body=bytes,
        body_types=tuple(pictures.FORMATS),
        answer=photos.PhotoView,
        status=201,
        problems=("not-found", "photo-unreadable", "photo-limit", "photo-too-late"),
        key="optional",
        tag=TAG,
    ),
)
async def add_photo(request: Request[Any, Any, Any]) -> ASGIResponse:
    ask = query(request, photos.PhotoQuery)
    raw = await request.body()
    request.state.fingerprint = hashlib.sha256(request.scope["query_string"] + b"\0" + raw).hexdigest()
    picture = await redrawn(raw, request.headers.get("content-type", ""))
    return await write(request, photos.add_photo, till_of(request), ask, picture, now(), status=201)


@get(
    "/v1/returns/{return_id:str}/photos",
    guards=[for_retailer],
    opt=doc("List the photos of a return", answer=photos.PhotoList, problems=("not-found",), tag="Returns"),
)
async def list_photos(request: Request[Any, Any, Any], return_id: FromPath[str]) -> ASGIResponse:
    return await read(request, photos.photos_of_return, retailer_id(request), return_id)


@get(
    "/v1/photos/{photo_id:str}",
    guards=[for_retailer],
    opt=doc("Read a photo", answer=bytes, media_type=JPEG, problems=("not-found",), tag="Returns"),
)
async def show_photo(request: Request[Any, Any, Any], photo_id: FromPath[str]) -> ASGIResponse:
    body = await context(request).db.read(photos.photo_body, retailer_id(request), photo_id)
    if body is None:
        return problem_response(request, not_found("photo"))
    return ASGIResponse(body=body, media_type=JPEG)


HANDLERS: Final[list[Any]] = [add_photo, list_photos, show_photo]
