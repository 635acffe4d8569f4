"""Tags changed, found and printed at the counter, over HTTP."""

import asyncio
import secrets
from collections.abc import Callable
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import Meta

from dropoff.access.guards import for_device
from dropoff.access.principal import principal
from dropoff.counter import label_layouts, likeness, retags
from dropoff.counter.containers import find_here
from dropoff.counter.till import Till
from dropoff.counter.views import ParcelView
from dropoff.db import Tx
from dropoff.drawing import printing
from dropoff.drawing.marks import Sheet
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem, invalid
from dropoff.web.answers import read, write
from dropoff.web.body import body, query
from dropoff.web.openapi import doc
from dropoff.web.problems import Refused, problem_response

TAG: Final = "Counter"
KINDS: Final = {"pdf": "application/pdf", "zpl": "application/zpl", "png": "image/png"}


class LikeQuery(msgspec.Struct, frozen=True):
    like: Annotated[str, Meta(min_length=4, max_length=40, description="a tag as it was read or typed")]


class SizeQuery(msgspec.Struct, frozen=True):
    size: Annotated[
        str, Meta(max_length=12, description="WIDTHxHEIGHT in millimetres; default 60x25, a bag's 100x60")
    ] = ""


class PrintIn(msgspec.Struct, frozen=True):
    form: Annotated[str, Meta(pattern="^(pdf|zpl|png|browser)$", description="how it is printed")] = "browser"


def till_of(request: Request[Any, Any, Any]) -> Till:
    who = principal(request)
    assert who.location_id, "this route needs the guard for_device"
    assert who.device_id, "this route needs the guard for_device"
    return Till(who.location_id, who.device_id, who.live)


@get(
    "/v1/counter/parcels",
    guards=[for_device],
    opt=doc(
        "Find a parcel of this place by a misread tag: one sign may be wrong",
        query=LikeQuery,
        answer=likeness.Alike,
        tag=TAG,
    ),
)
async def find_parcels_alike(request: Request[Any, Any, Any]) -> ASGIResponse:
    return await read(request, likeness.find_alike, till_of(request), query(request, LikeQuery).like)


@post(
    "/v1/counter/parcels/{parcel:str}/retag",
    guards=[for_device],
    status_code=200,
    opt=doc(
        "Give a parcel another tag; the old one is void",
        body=retags.RetagIn,
        answer=retags.RetagAnswer,
        key="optional",
        tag=TAG,
    ),
)
async def retag_parcel(request: Request[Any, Any, Any], parcel: FromPath[str]) -> ASGIResponse:
    data = await body(request, retags.RetagIn)
    return await write(request, retags.retag, till_of(request), parcel, data, now())


@post(
    "/v1/counter/tags/printed",
    guards=[for_device],
    opt=doc("Draw a fresh tag to be printed here", answer=retags.FreshTag, status=201, key="optional", tag=TAG),
)
async def draw_tag(request: Request[Any, Any, Any]) -> ASGIResponse:
    return await write(request, retags.draw_tag, till_of(request), now(), status=201)


@post(
    "/v1/counter/tags/written",
    guards=[for_device],
    opt=doc(
        "Get a code to be written on a parcel by hand", answer=retags.FreshTag, status=201, key="optional", tag=TAG
    ),
)
async def write_tag(request: Request[Any, Any, Any]) -> ASGIResponse:
    return await write(request, retags.written_tag, till_of(request), random_numbers(), now(), status=201)


def random_numbers() -> tuple[int, ...]:
    """For `retags.written_tag`, drawn outside its transaction."""
    return tuple(secrets.randbelow(29**6) for _ in range(retags.TRIES))


@post(
    "/v1/counter/parcels/{parcel:str}/labels",
    guards=[for_device],
    status_code=200,
    opt=doc(
        "Say that a parcel's label is printed once more",
        body=PrintIn,
        answer=ParcelView,
        problems=("not-found",),
        key="optional",
        tag=TAG,
    ),
)
async def note_label(request: Request[Any, Any, Any], parcel: FromPath[str]) -> ASGIResponse:
    data = await body(request, PrintIn)
    return await write(request, retags.tell_printed, till_of(request), parcel, data.form, now())


def _sscc_here(tx: Tx, till: Till, text: str) -> str | None:
    found = find_here(tx, text, till.location_id, till.live)
    return found.sscc if found is not None else None


async def _label(request: Request[Any, Any, Any], kind: str, which: str, text: str) -> ASGIResponse:
    find, layout, usual = WHICH[which]
    found = await request.app.state.context.db.read(find, till_of(request), text)
    if found is None:
        return problem_response(request, Problem("not-found"))
    try:
        sheet = layout(found, _size(query(request, SizeQuery).size) or usual)
    except ValueError as error:
        raise Refused(invalid("?size", str(error))) from None
    data = await asyncio.to_thread(DRAW[kind], sheet)
    return ASGIResponse(body=data, media_type=KINDS[kind], headers={"Cache-Control": "private, no-cache"})


def _size(text: str) -> tuple[float, float] | None:
    if not text:
        return None
    try:
        width, height = (float(part) for part in text.lower().split("x"))
    except ValueError:
        raise ValueError("A size is WIDTHxHEIGHT in millimetres, for example 60x25.") from None
    if not (10 <= width <= 300 and 10 <= height <= 300):
        raise ValueError("A label is 10 to 300 mm wide and high.")
    return width, height


WHICH: Final[dict[str, tuple[Callable[..., str | None], Callable[..., Sheet], tuple[float, float]]]] = {
    "parcel": (retags.tag_here, label_layouts.tag_sheet, label_layouts.TAG_SIZE),
    "container": (_sscc_here, label_layouts.bag_sheet, label_layouts.BAG_SIZE),
}
DRAW: Final[dict[str, Callable[[Sheet], bytes]]] = {
    "pdf": lambda sheet: printing.to_pdf((sheet,)),
    "zpl": lambda sheet: printing.to_zpl((sheet,)),
    "png": printing.to_png,
}


def _label_routes(kind: str) -> list[Any]:
    """The routes of one format."""

    async def parcel_label(request: Request[Any, Any, Any], parcel: FromPath[str]) -> ASGIResponse:
        return await _label(request, kind, "parcel", parcel)

    async def bag_label(request: Request[Any, Any, Any], container_id: FromPath[str]) -> ASGIResponse:
        return await _label(request, kind, "container", container_id)

    handlers = []
    for function, path, summary in (
        (parcel_label, "parcels/{parcel:str}", "The label with a parcel's tag"),
        (bag_label, "containers/{container_id:str}", "The label with a container's SSCC"),
    ):
        function.__name__ = f"{function.__name__}_{kind}"  # the operation's id in the OpenAPI document
        told = doc(
            f"{summary}: {kind}",
            query=SizeQuery,
            answer=bytes,
            media_type=KINDS[kind],
            problems=("not-found",),
            tag=TAG,
        )
        handlers.append(get(f"/v1/counter/{path}/label.{kind}", guards=[for_device], opt=told)(function))
    return handlers


HANDLERS: Final = [
    find_parcels_alike,
    retag_parcel,
    draw_tag,
    write_tag,
    note_label,
    *(route for kind in KINDS for route in _label_routes(kind)),
]
