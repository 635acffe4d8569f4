"""A place's lockers for its operator: how the bank stands, what is in which compartment, how it is reached."""

from typing import Any, Final

import msgspec
from litestar import Request, Router, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from dropoff.access.principal import principal
from dropoff.db import Tx
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem, not_found
from dropoff.lockers import service
from dropoff.lockers.service import BankView, CompartmentView, NewBank
from dropoff.lockers.steps import in_thread
from dropoff.network import service as network
from dropoff.network.pages_operator import Head, NotSignedIn, address, for_operator_page, head, read_form, sign_in
from dropoff.network.store import Location
from dropoff.web import words
from dropoff.web.languages import N_, _
from dropoff.web.problems import Refused
from dropoff.web.shell import page, render, see_other

STATE_WORDS: Final = {
    "free": (N_("Free"), "good"),
    "reserved": (N_("Held"), "wait"),
    "occupied": (N_("Something in it"), "bad"),
    "out_of_order": (N_("Out of order"), "bad"),
}
OURS: Final = {
    "reserved": (N_("For a shopper"), "wait"),
    "opening": (N_("Opening"), "wait"),
    "open": (N_("Open for a shopper"), "wait"),
    "deposited": (N_("To be fetched"), "good"),
    "collected": (N_("Not empty yet"), "wait"),
    "blocked": (N_("Look into it"), "bad"),
}
SIZES: Final = {"small": N_("small"), "medium": N_("medium"), "large": N_("large")}
SETTINGS_MAX: Final = 4_000


class Line(msgspec.Struct, frozen=True):
    number: str
    size: str
    said: str
    tone: str
    door: str


class LockersView(msgspec.Struct, frozen=True, kw_only=True):
    head: Head
    id: str
    name: str
    address: str
    here: str
    bank: str
    """Adapter and name; empty while none is connected."""
    seen: str
    problem: str
    lines: tuple[Line, ...]
    adapters: tuple[str, ...]
    errors: tuple[tuple[str, str], ...] = ()
    typed_adapter: str = ""
    typed_bank: str = ""
    qr: str = ""


def _known(tx: Tx, location_id: str) -> tuple[Location, BankView | None] | None:
    place, bank = network.location(tx, location_id), service.bank_view(tx, location_id)
    return (place, None if isinstance(bank, Problem) else bank) if place is not None else None


@get("/places/{location_id:str}/lockers", include_in_schema=False)
async def lockers_page(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    return await _page(request, location_id)


async def _page(
    request: Request[Any, Any, Any], location_id: str, errors: tuple[tuple[str, str], ...] = (), **typed: str
) -> ASGIResponse:
    context = request.app.state.context
    found = await context.db.read(_known, location_id)
    if found is None:
        raise Refused(not_found("place"))
    place, bank = found
    view = LockersView(
        head=head(request, "places"),
        id=place.id,
        name=place.name,
        address=address(place),
        here=f"/network/places/{place.id}/lockers",
        bank=f"{bank.adapter} · {bank.bank}" if bank else "",
        seen=_("Answered %(when)s", when=words.at(bank.seen_at, place.zone, now())) if bank and bank.seen_at else "",
        problem=bank.problem or "" if bank else "",
        lines=tuple(_line(one) for one in bank.compartments) if bank else (),
        adapters=tuple(sorted(context.plugins.lockers)),
        errors=errors,
        typed_adapter=typed.get("adapter", bank.adapter if bank else "http"),
        typed_bank=typed.get("bank", bank.bank if bank else ""),
        qr=f"/l/{place.id}/qr.svg" if bank else "",
    )
    return page(render("network/lockers.html", view), 422 if errors else 200)


def _line(one: CompartmentView) -> Line:
    said, tone = OURS.get(one.deposit_state or "", STATE_WORDS.get(one.state, (one.state, "")))
    return Line(one.number, SIZES.get(one.size, one.size), said, tone, N_("Door open") if one.door == "open" else "")


@post("/places/{location_id:str}/lockers", include_in_schema=False)
async def connect(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    form, context = await read_form(request), request.app.state.context
    adapter, bank = form.text("adapter", 60), form.text("bank", 200)
    settings, wrong = read_settings(form.text("settings", SETTINGS_MAX))
    if not bank or wrong:
        errors = [("bank", _("Give the bank's name."))] if not bank else []
        errors += [("settings", _("Each line is NAME=VALUE."))] if wrong else []
        return await _page(request, location_id, tuple(errors), adapter=adapter, bank=bank)
    try:
        checked = await in_thread(service.check, context, NewBank(adapter=adapter, bank=bank, settings=settings))
    except Refused as refused:
        problem = refused.problem
        field = problem.errors[0].pointer.strip("/") if problem.errors else "settings"
        return await _page(request, location_id, ((field, problem.detail),), adapter=adapter, bank=bank)
    actor = principal(request).actor
    made = await context.db.write(service.connect, location_id, checked, context.settings.base_url, now(), actor)
    if isinstance(made, Problem):
        if made.errors:
            return await _page(request, location_id, (("bank", made.detail),), adapter=adapter, bank=bank)
        raise Refused(made)
    return see_other(f"/network/places/{location_id}/lockers")


def read_settings(text: str) -> tuple[dict[str, str], bool]:
    """Lines of NAME=VALUE, and whether one of them is none."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    pairs = [line.partition("=") for line in lines]
    wrong = any(not name.strip() or not sign for name, sign, _value in pairs)
    return {name.strip(): value.strip() for name, _sign, value in pairs}, wrong


@post("/places/{location_id:str}/lockers/disconnect", include_in_schema=False)
async def disconnect(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    await read_form(request)
    db = request.app.state.context.db
    gone = await db.write(service.disconnect, location_id, now(), principal(request).actor)
    if isinstance(gone, Problem):
        raise Refused(gone)
    return see_other(f"/network/places/{location_id}/lockers")


operator = Router(
    path="/network",
    guards=[for_operator_page],
    exception_handlers={NotSignedIn: sign_in},
    route_handlers=[lockers_page, connect, disconnect],
)
HANDLERS: Final = [operator]
