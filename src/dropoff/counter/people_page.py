"""The clerks of a place, for its operator: added, removed, and when the tills lock."""

from typing import Any, Final

import msgspec
from litestar import Request, Router, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from dropoff.access.principal import principal
from dropoff.counter import people
from dropoff.counter.people import AddedClerk, NewClerk, Staff, StaffRules
from dropoff.counter.people_api import fresh
from dropoff.db import Tx
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem, not_found
from dropoff.network import service as network
from dropoff.network.pages_operator import Head, NotSignedIn, for_operator_page, head, read_form, sign_in
from dropoff.returns.qr import symbol_svg
from dropoff.web.languages import N_, _
from dropoff.web.problems import Refused
from dropoff.web.shell import page, render, see_other

WRONG: Final = {
    "name": N_("Give a first name or a nickname, at most 40 letters."),
    "initials": N_("Give one to four letters that nobody else here has."),
    "pin": N_("A PIN has 4 to 6 digits. Without one, ask for a badge."),
    "lock": N_("This is a number of minutes, at most 240, or nothing."),
}


class ClerkLine(msgspec.Struct, frozen=True):
    name: str
    initials: str
    how: str
    remove: str


class View(msgspec.Struct, frozen=True, kw_only=True):
    head: Head
    id: str
    place: str
    here: str
    clerks: tuple[ClerkLine, ...]
    lock: str
    errors: tuple[tuple[str, str], ...]
    typed: dict[str, str]
    badge: str
    """Of whoever was added just now; shown once."""
    badge_svg: str
    badge_of: str


@get("/places/{location_id:str}/people", include_in_schema=False)
async def people_page(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    return await _show(request, location_id)


def _find(tx: Tx, location_id: str) -> tuple[str, Staff] | Problem:
    place, staff = network.location(tx, location_id), people.staff(tx, location_id)
    return not_found("place") if place is None or isinstance(staff, Problem) else (place.name, staff)


async def _show(
    request: Request[Any, Any, Any],
    location_id: str,
    errors: tuple[str, ...] = (),
    typed: dict[str, str] | None = None,
    added: AddedClerk | None = None,
) -> ASGIResponse:
    found = await request.app.state.context.db.read(_find, location_id)
    if isinstance(found, Problem):
        raise Refused(found)
    name, staff = found
    here = f"/network/places/{location_id}/people"
    badge = added.badge if added is not None and added.badge is not None else ""
    view = View(
        head=head(request, "places"),
        id=location_id,
        place=name,
        here=here,
        clerks=tuple(
            ClerkLine(one.name, one.initials, _how(one.has_pin, one.has_badge), f"{here}/{one.id}/remove")
            for one in staff.items
        ),
        lock="" if staff.lock_after_min is None else str(staff.lock_after_min),
        errors=tuple((field, _(WRONG[field])) for field in errors),
        typed=typed or {},
        badge=badge,
        badge_svg=symbol_svg(badge) if badge else "",
        badge_of=added.name if added is not None else "",
    )
    return page(render("network/people.html", view), 422 if errors else 200)


def _how(has_pin: bool, has_badge: bool) -> str:
    if has_pin and has_badge:
        return _("PIN and badge")
    return _("PIN") if has_pin else _("Badge")


@post("/places/{location_id:str}/people", include_in_schema=False)
async def add(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    form = await read_form(request)
    typed = {"name": form.text("name", 40), "initials": form.text("initials", 10)}
    pin, badge = form.text("pin", 10), form.text("badge", 5) == "yes"
    told = {**typed, "badge": badge, **({"pin": pin} if pin or not badge else {})}
    try:
        new = msgspec.convert(told, NewClerk)
    except msgspec.ValidationError as wrong:
        field = next((name for name in ("name", "initials", "pin") if f"$.{name}" in str(wrong)), "name")
        return await _show(request, location_id, (field,), typed)
    context, actor = request.app.state.context, principal(request).actor
    added = await context.db.write(people.add_clerk, location_id, new, await fresh(new), now(), actor)
    if isinstance(added, Problem):
        field = added.errors[0].pointer.strip("/") if added.errors else ""
        if field not in WRONG:
            raise Refused(added)
        return await _show(request, location_id, (field,), typed)
    return await _show(request, location_id, added=added)


@post("/places/{location_id:str}/people/{clerk_id:str}/remove", include_in_schema=False)
async def remove(request: Request[Any, Any, Any], location_id: FromPath[str], clerk_id: FromPath[str]) -> ASGIResponse:
    db, actor = request.app.state.context.db, principal(request).actor
    told = await db.write(people.remove_clerk, location_id, clerk_id, now(), actor)
    if isinstance(told, Problem):
        raise Refused(told)
    return see_other(f"/network/places/{location_id}/people")


@post("/places/{location_id:str}/people/lock", include_in_schema=False)
async def set_lock(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    typed = (await read_form(request)).text("lock", 5)
    is_number = typed.isascii() and typed.isdigit() and 1 <= int(typed) <= 240
    if typed and not is_number:
        return await _show(request, location_id, ("lock",))
    db, actor = request.app.state.context.db, principal(request).actor
    rules = StaffRules(lock_after_min=int(typed) if typed else None)
    told = await db.write(people.set_rules, location_id, rules, now(), actor)
    if isinstance(told, Problem):
        raise Refused(told)
    return see_other(f"/network/places/{location_id}/people")


operator = Router(
    path="/network",
    guards=[for_operator_page],
    exception_handlers={NotSignedIn: sign_in},
    route_handlers=[people_page, add, set_lock, remove],
)
HANDLERS: Final = [operator]
