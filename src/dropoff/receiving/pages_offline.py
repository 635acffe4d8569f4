"""What makes the till an app that works without a network: its manifest, icons, service worker, and a shell that is no
page behind a login. And what a paired till asks for beside its pages: who it is, and the list of open passes."""

import time
from typing import Any, Final

import msgspec
from litestar import Request, get
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from dropoff.access.guards import csrf_token, session_token
from dropoff.access.principal import principal
from dropoff.counter import shifts
from dropoff.counter.passlist import open_pass_list
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem
from dropoff.network import service as network
from dropoff.receiving.till_forms import till_of
from dropoff.receiving.till_script import ICONS, script_words
from dropoff.web import languages
from dropoff.web.answers import answer
from dropoff.web.assets import built
from dropoff.web.context import context
from dropoff.web.icons import SIZES, icon_png
from dropoff.web.languages import N_
from dropoff.web.problems import Refused
from dropoff.web.shell import HTML, render

SHELL: Final = "/till/shell"
SPEAKS: Final = "speaks"
PARTS: Final = ("dropoff.css", "mark.svg", "till.js", "camera.js", "scan-worker.js", "zxing_reader.wasm")
CHECK_AGAIN: Final = {"cache-control": "no-cache"}
KEPT_S_PER_BYTE: Final = 300 / 1_100_000
"""A long list takes seconds to make, and in the morning many tills ask: a hundred thousand passes are kept for five
minutes."""
MANIFEST: Final[dict[str, Any]] = {
    "id": "/till",
    "name": "dropoff till",
    "short_name": N_("Till"),
    "description": N_("Takes returns in by two scans."),
    "start_url": "/till",
    "scope": "/till",
    "display": "standalone",
    "background_color": "#eaf0f3",
    "theme_color": "#0b3f59",
    "icons": [
        {"src": f"/till/icons/{size}.png", "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose}
        for size in (192, 512)
        for purpose in ("any", "maskable")
    ],
}


class Session(msgspec.Struct, frozen=True):
    """What a till keeps with what it notes: whose it is, and where it was noted."""

    device: str
    location: str
    place: str
    name: str
    csrf: str
    clerk: str | None
    """Whose shift it is; what is noted without a network is noted for them."""
    initials: str
    lock_after_s: int | None


@get("/session.json", include_in_schema=False)
async def session(request: Request[Any, Any, Any]) -> ASGIResponse:
    till, of = till_of(request), context(request)
    place = await of.db.read(network.location, till.location_id)
    if place is None:
        raise Refused(Problem("not-found"))
    token = session_token(request)
    csrf = csrf_token(of.vault, token) if token else ""
    stands = await of.db.read(shifts.look, till, now())
    shift, minutes = stands.shift, stands.lock_after_min
    return answer(
        Session(
            till.device_id,
            till.location_id,
            place.name,
            principal(request).name,
            csrf,
            shift.clerk if shift is not None else None,
            shift.initials if shift is not None else "",
            minutes * 60 if shift is not None and minutes is not None else None,
        )
    )


class _Lists:
    """The latest list of each mode in this process, and until when it is good."""

    def __init__(self) -> None:
        self.held: dict[bool, tuple[float, bytes]] = {}


_LISTS: Final = _Lists()


@get("/passes.bin", include_in_schema=False)
async def open_passes(request: Request[Any, Any, Any]) -> ASGIResponse:
    live, of = till_of(request).live, context(request)
    good_until, body = _LISTS.held.get(live, (0.0, b""))
    if time.monotonic() > good_until:
        body = await of.db.read(open_pass_list, of.passes, live, now())
        _LISTS.held[live] = (time.monotonic() + KEPT_S_PER_BYTE * len(body), body)
    return ASGIResponse(body=body, media_type="application/octet-stream")


@get(SHELL, include_in_schema=False)
async def shell(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The same for everyone who speaks a language: it holds nothing of a place, and a service worker may keep it."""
    _speak(request)
    html = render("till/shell.html", None, page="till", words=script_words(), icons=ICONS)
    return ASGIResponse(body=html, media_type=HTML, headers={**CHECK_AGAIN, "x-robots-tag": "noindex"})


@get("/till/sw.js", include_in_schema=False)
async def service_worker(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Its own bytes change with the files it keeps, which is how a browser sees that there is something new. A till
    that changes its language asks for another address, and so has the shell of that language at once."""
    _speak(request)
    assets = built()
    parts = [f"{SHELL}?{SPEAKS}={languages.language()}", *(assets.url(name) for name in PARTS)]
    code = assets.files[assets.names["sw.js"]].body if assets.built else b""
    head = b"self.SHELL = " + msgspec.json.encode(parts) + b";\n"
    headers = {**CHECK_AGAIN, "service-worker-allowed": "/till"}
    return ASGIResponse(body=head + code, media_type="text/javascript", headers=headers)


def _speak(request: Request[Any, Any, Any]) -> None:
    """What the address says: a page of the till wrote it there in its own language. No choice of a person, so nothing
    of it is kept."""
    spoken = languages.known(request.query_params.get(SPEAKS, ""))
    if spoken is not None:
        languages.speak(spoken)


@get("/till/app.webmanifest", include_in_schema=False)
async def manifest() -> ASGIResponse:
    body = msgspec.json.encode(languages.said(MANIFEST))
    return ASGIResponse(body=body, media_type="application/manifest+json", headers=CHECK_AGAIN)


@get("/till/icons/{name:str}", include_in_schema=False)
async def icon(name: FromPath[str]) -> ASGIResponse:
    size = next((size for size in SIZES if name == f"{size}.png"), None)
    if size is None:
        raise Refused(Problem("not-found"))
    return ASGIResponse(body=icon_png(size), media_type="image/png", headers={"cache-control": "public, max-age=86400"})


HANDLERS: Final[list[Any]] = [session, open_passes]
PUBLIC: Final[list[Any]] = [shell, service_worker, manifest, icon]
