"""The pass at a locker: choose one, choose a size, open, put it in, shut. Forms and redirects; a script only spares the
reload while a door is watched."""

from typing import Any, Final

import anyio.to_thread
import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from dropoff.access.guards import form_fields
from dropoff.access.pages import refuse_other_sites
from dropoff.db import Tx
from dropoff.kernel import codes
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem
from dropoff.lockers import service as lockers
from dropoff.lockers.service import Begin, DepositRow
from dropoff.lockers.steps import in_thread, take_step
from dropoff.lockers.store import BankRow
from dropoff.network import service as network
from dropoff.network.places import NoPlace, locate_from
from dropoff.network.store import Location
from dropoff.ports.locker import SIZES
from dropoff.returns import qr
from dropoff.returns import service as returns
from dropoff.returns.passes import PassKeys
from dropoff.shopper import locker_views, lockers_near, rules
from dropoff.shopper.find_words import where_it_is
from dropoff.shopper.locker_views import LockerLine, LockerView, UnitChoice
from dropoff.shopper.pages import KEPT_FOREVER, MessageView, see, unknown_pass
from dropoff.shopper.pass_views import Notice, PlaceView
from dropoff.shopper.service import Seen
from dropoff.web import words
from dropoff.web.answers import answer
from dropoff.web.languages import N_, _
from dropoff.web.problems import Refused
from dropoff.web.shell import page, render, see_other


class Stand(msgspec.Struct, frozen=True):
    """Of the return: its latest compartment and what it still waits for."""

    return_id: str
    row: DepositRow | None
    units: tuple[UnitChoice, ...]


class AtLocker(msgspec.Struct, frozen=True):
    title: str
    address: str
    action: str
    error: str = ""
    typed: str = ""


def _stand(tx: Tx, passes: PassKeys, code: str) -> Stand | None:
    found = returns.find_by_code(tx, passes, code)
    if found is None:
        return None
    units = [unit for unit in returns.units_of(tx, found.return_id) if unit.custody == "expected"]
    choices = tuple(UnitChoice(unit.id, unit.title, unit.variant or "") for unit in units)
    return Stand(found.return_id, lockers.deposit_of(tx, found.return_id), choices)


def _place_and_bank(tx: Tx, location_id: str) -> tuple[Location, BankRow] | None:
    place, bank = network.location(tx, location_id), lockers.bank_at(tx, location_id)
    return (place, bank) if place is not None and bank is not None else None


@get("/p/{code:str}/locker", include_in_schema=False)
async def locker_page(request: Request[Any, Any, Any], code: FromPath[str]) -> ASGIResponse:
    seen, context = await see(request, code), request.app.state.context
    stand = await context.db.read(_stand, context.passes, code)
    if seen is None or stand is None:
        return unknown_pass()
    path = f"/p/{codes.normalise_code(code)}"
    asked = request.query_params.get("at", "")[:40]
    row = stand.row
    if row is not None:
        row = await in_thread(lockers.settle, context, row, now())
    anew = asked or "q" in request.query_params
    if row is not None and (row.state in lockers.LIVE or not anew):
        shown = await _stands(request, seen, row, path, bool(stand.units))
        if shown is not None:
            return shown
    if not stand.units or rules.state(seen.facts, now()) not in ("issued", "partly_handed_in"):
        said = N_("Nothing of this return waits to be handed in, or its time is over.")
        view = MessageView(N_("Nothing to hand in"), said, links=((path, N_("Back to my return")),))
        return page(render("shopper/message.html", view))
    return await _choose(request, seen, stand, row, path)


async def _stands(
    request: Request[Any, Any, Any], seen: Seen, row: DepositRow, path: str, has_more: bool
) -> ASGIResponse | None:
    """The page of a compartment as it stands; None when the shopper chooses anew."""
    found = await request.app.state.context.db.read(_place_and_bank, row.location_id)
    zone = found[0].zone if found else seen.facts.zone
    shown = locker_views.state_view(row, zone, now(), path)
    if shown is None:
        return None
    if shown.receipt and has_more:
        shown = msgspec.structs.replace(shown, rest=f"{path}/locker?at={row.location_id}")
    view = LockerView(
        path=f"{path}/locker",
        back=path,
        test=not seen.facts.live,
        title=shown.title,
        notice=_notice(request, None),
        place=found[0].name if found else "",
        address=_address(found[0]) if found else "",
        stands=shown,
        key=locker_views.key_of(row),
        again_s=locker_views.EVERY_S if row.state in locker_views.WAITING else 0,
    )
    return page(render("shopper/locker.html", view))


async def _choose(
    request: Request[Any, Any, Any], seen: Seen, stand: Stand, row: DepositRow | None, path: str
) -> ASGIResponse:
    """A locker, or a size when it is known which locker."""
    db = request.app.state.context.db
    last = row.location_id if row is not None and row.state in ("refused", "expired", "released") else ""
    asked = request.query_params.get("at", "")[:40] or ("" if "q" in request.query_params else last)
    found = await db.read(_place_and_bank, asked) if asked else None
    notice = _notice(request, row if row is not None and row.location_id == asked else None)
    view = LockerView(
        path=f"{path}/locker",
        back=path,
        test=not seen.facts.live,
        title=_("Hand it in at a locker"),
        place=found[0].name if found else "",
        address=_address(found[0]) if found else "",
        notice=notice,
    )
    if found is None:
        return page(render("shopper/locker.html", await _with_lines(request, seen, view)))
    place, bank = found
    chosen = row.size if row is not None and row.location_id == place.id else SIZES[0]
    compartments = [] if bank.problem is not None else lockers.compartments_of(bank)
    others: tuple[PlaceView, ...] = ()
    if row is not None and row.state == "refused" and row.location_id == place.id:
        snapshot, banks = request.app.state.context.nearby.snapshot, await db.read(lockers.bank_places, seen.facts.live)
        find = lockers_near.elsewhere
        others = await anyio.to_thread.run_sync(find, snapshot, banks, place, row.size, seen.needs, now())
    view = msgspec.structs.replace(
        view,
        at=place.id,
        sizes=locker_views.size_lines(compartments, chosen, lockers.SIZE_MM),
        units=stand.units if len(stand.units) > 1 else (),
        others=others,
    )
    return page(render("shopper/locker.html", view))


def _notice(request: Request[Any, Any, Any], row: DepositRow | None) -> Notice | None:
    refused = request.query_params.get("refused", "")
    if refused in locker_views.WHY_NOT:
        return Notice("bad", locker_views.WHY_NOT[refused])
    if row is None:
        return None
    return locker_views.AGAIN.get(row.reason or "" if row.state == "refused" else row.state)


async def _with_lines(request: Request[Any, Any, Any], seen: Seen, view: LockerView) -> LockerView:
    asked = request.query_params.get("q")
    text = seen.postcode if asked is None else asked.strip()[:80]
    where = await locate_from(request.app.state.context, text, seen.country, ask=asked is not None) if text else None
    here = None if where is None or isinstance(where, NoPlace) else (where.lat, where.lon)
    found = await request.app.state.context.db.read(lockers_near.nearest, seen.facts.live, here)
    message = ""
    if not found:
        message = _("No locker takes returns at the moment. Any counter does.")
    elif isinstance(where, NoPlace):
        message = _("We know no place in %(place)s. Try another postcode, or the next larger town.", place=text)
    return msgspec.structs.replace(view, q=text, message=message, lines=tuple(_line(one, view.path) for one in found))


def _line(one: lockers_near.NearLocker, path: str) -> LockerLine:
    free = {True: (N_("Room now"), "good"), False: (N_("Full"), "bad"), None: (N_("Does not answer"), "wait")}
    said, tone = free[one.free]
    far = words.distance(one.distance_m) if one.distance_m is not None else ""
    return LockerLine(f"{path}?at={one.place.id}", one.place.name, _address(one.place), far, said, tone)


def _address(place: Location) -> str:
    return where_it_is(place.street, place.postcode, place.city)


@post("/p/{code:str}/locker", include_in_schema=False)
async def reserve(request: Request[Any, Any, Any], code: FromPath[str]) -> ASGIResponse:
    refuse_other_sites(request)
    fields = await form_fields(request)
    one = dict(fields)
    place, path = one.get("at", "")[:40], f"/p/{codes.normalise_code(code)}/locker"
    size = next((known for known in SIZES if known == one.get("size")), SIZES[0])
    units = tuple(value[:60] for name, value in fields if name == "unit")[:200]
    asked = Begin(location=place, size=size, units=units)
    try:
        await in_thread(lockers.reserve, request.app.state.context, code, asked, now())
    except Refused as refused:
        return _refused(refused.problem, path, place)
    return see_other(path)


def _refused(problem: Problem, path: str, place: str) -> ASGIResponse:
    if problem.code == "locker-refused":
        reason = problem.data.get("reason", "")
        return see_other(f"{path}?at={place}&refused={reason if reason in locker_views.WHY_NOT else 'already'}")
    return unknown_pass() if problem.code == "not-found" else see_other(path)


@post("/p/{code:str}/locker/{verb:str}", include_in_schema=False)
async def step(request: Request[Any, Any, Any], code: FromPath[str], verb: FromPath[str]) -> ASGIResponse:
    refuse_other_sites(request)
    row, path = await _row(request, code), f"/p/{codes.normalise_code(code)}/locker"
    if row is None:
        return unknown_pass()
    try:
        await take_step(request, row, verb)
    except Refused as refused:
        if refused.problem.code == "not-found":
            raise
        return _refused(refused.problem, path, row.location_id)
    return see_other(path)


@get("/p/{code:str}/locker/state", include_in_schema=False)
async def follow(request: Request[Any, Any, Any], code: FromPath[str]) -> ASGIResponse:
    """For the script: whether there is news."""
    row = await _row(request, code)
    if row is None:
        raise Refused(Problem("not-found"))
    row = await in_thread(lockers.settle, request.app.state.context, row, now())
    return answer({"key": locker_views.key_of(row)}, headers={"cache-control": "no-store"})


async def _row(request: Request[Any, Any, Any], code: str) -> DepositRow | None:
    context = request.app.state.context
    stand: Stand | None = await context.db.read(_stand, context.passes, code)
    return stand.row if stand is not None else None


@get(["/l/{location_id:str}", "/L/{location_id:str}"], include_in_schema=False)
async def at_locker(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    """What the QR on a bank of lockers opens: which return?"""
    found = await request.app.state.context.db.read(_place_and_bank, location_id)
    if found is None:
        said = N_("No locker that takes returns has this address.")
        return page(render("shopper/message.html", MessageView(N_("We do not know this locker"), said)), 404)
    typed = request.query_params.get("code", "")[:200]
    known = codes.code_candidates(typed) if typed else []
    if known:
        return see_other(f"/p/{known[0]}/locker?at={found[0].id}")
    wrong = N_("Open the link in your mail, or type its last 16 letters and digits.") if typed else ""
    view = AtLocker(found[0].name, _address(found[0]), f"/l/{found[0].id}", wrong, typed)
    return page(render("shopper/at_locker.html", view), 422 if typed else 200)


@get("/l/{location_id:str}/qr.svg", include_in_schema=False)
async def locker_qr(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    """To be stuck on the bank. Says what the address says, so no look-up is needed."""
    text = f"{request.app.state.context.settings.base_url}/l/{location_id[:40]}"
    body = qr.svg(qr.large_modules(text))
    return ASGIResponse(body=body, media_type="image/svg+xml", headers={"cache-control": KEPT_FOREVER})


HANDLERS: Final[list[Any]] = [locker_page, reserve, step, follow, at_locker, locker_qr]
