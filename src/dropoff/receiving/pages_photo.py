"""The till takes a photo of a thing that was handed in just now, damaged or refused: a file field that opens the camera
where there is one."""

import hashlib
from typing import Any, Final

import msgspec
from litestar import Request, get, post
from litestar.datastructures import UploadFile
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from dropoff.counter import photos
from dropoff.counter.photo_api import BYTES_MAX, redrawn
from dropoff.counter.photos import PhotoQuery, PhotoView, Thing
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem
from dropoff.receiving import till_home, till_words
from dropoff.receiving.till_forms import Form, fresh_key, here, once, read_form, till_of
from dropoff.receiving.till_views import TillView
from dropoff.web import words
from dropoff.web.languages import _
from dropoff.web.problems import Refused
from dropoff.web.shell import page, render, see_other


class PhotoPage(msgspec.Struct, frozen=True, kw_only=True):
    till: TillView
    key: str
    action: str
    back: str
    things: tuple[tuple[str, str], ...]
    chosen: str
    note: str
    errors: tuple[tuple[str, str], ...]


@get("/hand-ins/{hand_in_id:str}/photo", include_in_schema=False)
async def photo_page(request: Request[Any, Any, Any], hand_in_id: FromPath[str]) -> ASGIResponse:
    return await _show(request, hand_in_id)


async def _show(
    request: Request[Any, Any, Any], hand_in_id: str, form: Form | None = None, error: tuple[str, str] | None = None
) -> ASGIResponse:
    things: list[Thing] = await request.app.state.context.db.read(photos.things_of, till_of(request), hand_in_id)
    if not things:
        return await till_home.show_home(request, till_words.NO_PHOTO)
    place = await here(request)
    view = PhotoPage(
        till=place.view,
        key=fresh_key(),
        action=f"/till/hand-ins/{hand_in_id}/photo",
        back=f"/till?hand_in={hand_in_id}",
        things=tuple((one.id, _named(one)) for one in things),
        chosen=(form.one("unit", 60) if form else "") or things[0].id,
        note=form.one("note", 200) if form else "",
        errors=(error,) if error else (),
    )
    return page(render("till/photo.html", view, page="till"), 422 if error else 200)


def _named(thing: Thing) -> str:
    reasons = dict(till_words.UNIT_REASONS)
    return f"{thing.title} ({words.inside(_(reasons[thing.refused]))})" if thing.refused else thing.title


@post("/hand-ins/{hand_in_id:str}/photo", include_in_schema=False, request_max_body_size=BYTES_MAX)
async def take_photo(request: Request[Any, Any, Any], hand_in_id: FromPath[str]) -> ASGIResponse:
    form = await read_form(request)
    file = (await request.form()).get("photo")
    raw = await file.read() if isinstance(file, UploadFile) else b""
    if not raw or not isinstance(file, UploadFile):
        return await _show(request, hand_in_id, form, ("photo", _("Take a photo, or choose one.")))
    try:
        picture = await redrawn(raw, file.content_type or "")
    except Refused as refused:
        return await _show(request, hand_in_id, form, ("photo", refused.problem.detail or _("Take another photo.")))
    # Another photo from a page gone back to is another one.
    whole = Form([*form.fields, ("photo", hashlib.sha256(raw).hexdigest())])
    ask = PhotoQuery(hand_in_id, form.one("unit", 60), form.one("note", 200) or None)
    answer, _replayed = await once(request, whole, PhotoView, photos.add_photo, till_of(request), ask, picture, now())
    if isinstance(answer, Problem):
        return await _show(request, hand_in_id, form, ("photo", answer.detail or _("This cannot be kept.")))
    return see_other("/till?photo=1")


HANDLERS: Final[list[Any]] = [photo_page, take_photo]
