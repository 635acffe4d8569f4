"""The tills of a place, for its operator: added with a QR code that the till scans or opens, and revoked."""

from datetime import datetime
from typing import Any, Final

import msgspec
from litestar import Request, Router, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from dropoff.access.principal import principal
from dropoff.db import Tx
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem, not_found
from dropoff.network import service
from dropoff.network.pages_operator import Head, NotSignedIn, for_operator_page, head, read_form, sign_in
from dropoff.network.service import NewDevice
from dropoff.network.store import Device, Location
from dropoff.returns.qr import symbol_svg
from dropoff.web import words
from dropoff.web.languages import N_, _
from dropoff.web.problems import Refused
from dropoff.web.shell import page, render, see_other

SHOWN: Final = 100
NO_NAME: Final = N_("Give the till a name, such as Counter 1.")


class TillLine(msgspec.Struct, frozen=True):
    name: str
    said: str
    test: bool
    revoke: str
    """Where to end it; empty when it has ended."""


class View(msgspec.Struct, frozen=True, kw_only=True):
    head: Head
    id: str
    place: str
    here: str
    tills: tuple[TillLine, ...]
    can_add: bool
    name: str
    errors: tuple[tuple[str, str], ...]
    url: str
    """The pairing link of the till that was added just now; shown once."""
    code: str
    until: str
    svg: str


@get("/places/{location_id:str}/tills", include_in_schema=False)
async def tills_page(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    return await _show(request, location_id)


def _find(tx: Tx, location_id: str) -> tuple[Location, list[Device]] | Problem:
    place, tills = service.location(tx, location_id), service.list_devices(tx, location_id, "", SHOWN)
    return not_found("place") if place is None or isinstance(tills, Problem) else (place, list(tills.items))


async def _show(
    request: Request[Any, Any, Any],
    location_id: str,
    errors: tuple[tuple[str, str], ...] = (),
    added: NewDevice | None = None,
) -> ASGIResponse:
    found = await request.app.state.context.db.read(_find, location_id)
    if isinstance(found, Problem):
        raise Refused(found)
    place, tills = found
    at, here = now(), f"/network/places/{location_id}/tills"
    view = View(
        head=head(request, "places"),
        id=location_id,
        place=place.name,
        here=here,
        tills=tuple(_line(till, place.zone, at, here) for till in tills),
        can_add=place.state in ("active", "paused"),
        name=_("Counter %(num)d", num=len(tills) + 1),
        errors=errors,
        url=added.pairing_url if added is not None else "",
        code=added.pairing_code if added is not None else "",
        until=words.at(added.expires_at, place.zone, at) if added is not None else "",
        svg=symbol_svg(added.pairing_url) if added is not None else "",
    )
    return page(render("network/tills.html", view), 422 if errors else 200)


def _line(till: Device, zone: str, at: datetime, here: str) -> TillLine:
    revoke = f"{here}/{till.id}/revoke"
    if till.revoked_at is not None:
        said, revoke = _("revoked %(when)s", when=words.at(till.revoked_at, zone, at)), ""
    elif till.paired_at is not None:
        said = _("paired %(when)s", when=words.at(till.paired_at, zone, at))
    elif till.pairing_expires_at <= at:
        said = _("its link has run out: add it again")
    else:
        said = _("waits to be paired until %(when)s", when=words.at(till.pairing_expires_at, zone, at))
    return TillLine(till.name, said, not till.live, revoke)


@post("/places/{location_id:str}/tills", include_in_schema=False)
async def add_till(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    form, context, actor = await read_form(request), request.app.state.context, principal(request).actor
    name = form.text("name", 200)
    if not name:
        return await _show(request, location_id, (("name", _(NO_NAME)),))
    base_url = context.settings.base_url
    added = await context.db.write(service.add_device, location_id, name, base_url, now(), actor, None)
    if isinstance(added, Problem):
        raise Refused(added)
    return await _show(request, location_id, added=added)


@post("/places/{location_id:str}/tills/{device_id:str}/revoke", include_in_schema=False)
async def revoke_till(
    request: Request[Any, Any, Any], location_id: FromPath[str], device_id: FromPath[str]
) -> ASGIResponse:
    context, actor = request.app.state.context, principal(request).actor
    told = await context.db.write(service.revoke_device, device_id, now(), actor)
    context.principals.forget()
    if isinstance(told, Problem):
        raise Refused(told)
    return see_other(f"/network/places/{location_id}/tills")


operator = Router(
    path="/network",
    guards=[for_operator_page],
    exception_handlers={NotSignedIn: sign_in},
    route_handlers=[tills_page, add_till, revoke_till],
)
HANDLERS: Final = [operator]
