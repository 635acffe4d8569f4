"""What the operator's pages share: who may see them, how their forms are read, and what stands at their head."""

from datetime import datetime, time
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

import msgspec
from litestar import Request, Response
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from dropoff.access.guards import authenticate, csrf_token, form_fields, session_token
from dropoff.kernel.errors import Problem
from dropoff.network.store import Location
from dropoff.web.languages import N_
from dropoff.web.problems import Refused

KIND_WORDS: Final = {
    "store": N_("Shop"),
    "locker": N_("Parcel lockers"),
    "post_office": N_("Post office"),
    "hub": N_("Hub"),
}
STATE_WORDS: Final = {
    "active": (N_("Takes things in"), "good"),
    "paused": (N_("Paused"), "wait"),
    "closed": (N_("Closed"), "bad"),
    "removed": (N_("Gone from its source"), ""),
}
"""State → words and tone."""


class NotSignedIn(Exception):
    """Nobody is signed in: the sign-in page comes first, and leads back."""


class Head(msgspec.Struct, frozen=True):
    """`here`: which of the pages it is."""

    here: str
    csrf: str


async def for_operator_page(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    await _let_in(connection, reads_form=True)


async def for_operator_upload(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """The handler itself checks the form's token, for it alone reads the body."""
    await _let_in(connection, reads_form=False)


async def _let_in(connection: ASGIConnection[Any, Any, Any, Any], *, reads_form: bool) -> None:
    who = await authenticate(connection, reads_form=reads_form)
    if who is None:
        raise NotSignedIn
    if who.role != "operator":
        raise Refused(Problem("forbidden"))


def sign_in(request: Request[Any, Any, Any], _: Exception) -> Response[None]:
    """For `NotSignedIn`. A form that was sent is not sent again."""
    back = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
    where = quote(back if request.method == "GET" else "/network/places", safe="")
    return Response(None, status_code=303, headers={"location": f"/login?next={where}", "cache-control": "no-store"})


def head(request: Request[Any, Any, Any], here: str) -> Head:
    session = session_token(request)
    return Head(here, csrf_token(request.app.state.context.vault, session) if session else "")


class Form(msgspec.Struct, frozen=True):
    fields: dict[str, str]

    def text(self, name: str, limit: int = 2_000) -> str:
        return self.fields.get(name, "").strip()[:limit]


async def read_form(request: Request[Any, Any, Any]) -> Form:
    return Form(dict(await form_fields(request)))


def local_time(text: str, zone: str) -> datetime | None:
    """What an input for date and time sends (`2026-07-01T18:00`, or the date alone for its end), by the clock there.
    Raises `ValueError`."""
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    if len(text) <= len("2026-07-01"):
        moment = datetime.combine(moment, time(23, 59))
    return moment.replace(tzinfo=ZoneInfo(zone))


def address(place: Location) -> str:
    town = " ".join(part for part in (place.postcode, place.city) if part)
    return ", ".join(part for part in (place.street, town, place.country) if part)
