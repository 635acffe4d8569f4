"""The manifest of a driver's visit as a page: for the driver's phone by its own address, for the operator behind the
sign-in. The till's own page of it is the till's."""

from typing import Any, Final

import msgspec
from litestar import Request, Router, get
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from dropoff.freight import takings
from dropoff.freight.handovers import Why
from dropoff.freight.takings import LeftBag, TakenBag, Taking
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem
from dropoff.network.pages_operator import Head, NotSignedIn, for_operator_page, head, sign_in
from dropoff.web import words
from dropoff.web.languages import N_, _, ngettext
from dropoff.web.problems import Refused
from dropoff.web.shell import page, render

SHOWN: Final = 50
NO_STORE: Final = {"cache-control": "no-store", "referrer-policy": "no-referrer"}
KINDS: Final = {
    "bag": N_("Bag"),
    "tote": N_("Tote"),
    "cage": N_("Cage"),
    "pallet": N_("Pallet"),
    "parcel": N_("Parcel"),
}
REASONS: Final = {
    "not_presented": N_("Not taken along"),
    "seal_broken": N_("Its seal is broken: a case is open"),
    "not_booked": N_("Not booked yet"),
    "wrong_location": N_("Not at this place by our books"),
}
WHYS: Final[dict[Why, str]] = {
    "no_room": N_("No room in the van"),
    "not_found": N_("Not found"),
    "too_heavy": N_("Too heavy"),
    "other_driver": N_("For another driver"),
    "other": N_("Another reason"),
}


class BagLine(msgspec.Struct, frozen=True):
    sscc: str
    name: str
    to: str
    words: str
    chip: str = ""
    customs: bool = False


class TakingView(msgspec.Struct, frozen=True, kw_only=True):
    """One visit. `until`: when this address ends; `driver` is empty on the driver's own page."""

    head: Head | None = None
    id: str
    place: str
    address: str
    at: str
    total: str
    driver: str
    counted: str
    bags: tuple[BagLine, ...]
    left: tuple[BagLine, ...]
    until: str = ""
    file: str = ""


class TakingsView(msgspec.Struct, frozen=True):
    head: Head
    items: tuple[tuple[str, str, str, str], ...]
    """Address, when, where, what."""
    next: str


def taking_view(taking: Taking, **more: Any) -> TakingView:
    """In the language of whoever looks, by the clock of the place."""
    place = taking.place
    town = " ".join(part for part in (place.postcode, place.city) if part)
    said = _("Both sides counted %(num)s.", num=taking.driver_count) if taking.driver_count is not None else ""
    return TakingView(
        id=taking.id,
        place=place.name,
        address=", ".join(part for part in (place.street, town, place.country) if part),
        at=f"{words.full(taking.at, place.zone)}, {words.clock(taking.at, place.zone)}",
        total=total(taking),
        driver=taking.driver or "",
        counted=said,
        bags=tuple(bag_line(one) for one in taking.bags),
        left=tuple(left_line(one) for one in taking.left_behind),
        **more,
    )


def total(taking: Taking) -> str:
    """`3 bags · 24 parcels · 18.4 kg`."""
    count = ngettext("%(num)d bag", "%(num)d bags", taking.count)
    return " · ".join([count, *_load(taking.parcels, taking.weight_g)]) if taking.count else count


def _load(parcels: int, weight_g: int) -> list[str]:
    heavy = [_("%(kg)s kg", kg=words.decimal(weight_g / 1000))] if weight_g else []
    return [ngettext("%(num)d parcel", "%(num)d parcels", parcels), *heavy]


def bag_line(one: TakenBag) -> BagLine:
    parts = _load(one.parcels, one.weight_g)
    if one.seal:
        parts.append(_("seal %(seal)s", seal=one.seal))
    if one.carrier:
        parts.append(f"{one.carrier} {one.tracking_number or ''}".strip())
    customs = one.customs is not None
    chip = _("Customs papers: %(country)s", country=words.country(one.customs)) if one.customs else ""
    return BagLine(one.sscc, f"{_(KINDS[one.kind])} {one.sscc[-4:]}", one.to, " · ".join(parts), chip, customs)


def left_line(one: LeftBag) -> BagLine:
    reason = _(REASONS.get(one.reason, one.reason))
    said = _(WHYS[one.why]) if one.why in WHYS and one.reason == "not_presented" else ""
    return BagLine(one.sscc, f"{_(KINDS[one.kind])} {one.sscc[-4:]}", one.to, "", said or reason)


@get(["/h/{code:str}", "/H/{code:str}"], include_in_schema=False)
async def drivers_page(request: Request[Any, Any, Any], code: FromPath[str]) -> ASGIResponse:
    """No sign-in: the address is the key, and it ends by itself."""
    found = await _of_driver(request, code)
    if isinstance(found, Problem):
        return page(render("freight/gone.html"), 404, NO_STORE)
    until = words.full(found.shown_until, found.place.zone)
    view = taking_view(found, until=until, file=f"/h/{code}/manifest.csv")
    return page(render("freight/taking.html", view), headers=NO_STORE)


@get(["/h/{code:str}/manifest.csv", "/H/{code:str}/manifest.csv"], include_in_schema=False)
async def drivers_file(request: Request[Any, Any, Any], code: FromPath[str]) -> ASGIResponse:
    found = await _of_driver(request, code)
    if isinstance(found, Problem):
        return page(render("freight/gone.html"), 404, NO_STORE)
    return manifest_file(found)


async def _of_driver(request: Request[Any, Any, Any], code: str) -> Taking | Problem:
    context = request.app.state.context
    found: Taking | Problem = await context.db.read(takings.by_driver_code, context.vault, code, now())
    return found


def manifest_file(taking: Taking) -> ASGIResponse:
    name = f"manifest-{taking.id[-10:].lower()}.csv"
    headers = NO_STORE | {"content-disposition": f'attachment; filename="{name}"'}
    return ASGIResponse(body=takings.to_csv(taking), media_type="text/csv", headers=headers)


@get("/", include_in_schema=False)
async def handovers_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    after = request.query_params.get("after", "")[:40]
    found = await request.app.state.context.db.read(takings.list_takings, None, None, after, SHOWN)
    items = tuple(
        (
            f"/network/handovers/{one.id}",
            words.at(one.at, one.place.zone, now()),
            one.place.name,
            " · ".join([total(one), *_stays(one)]),
        )
        for one in found.items
    )
    more = f"/network/handovers?after={found.next}" if found.next else ""
    return page(render("freight/takings.html", TakingsView(head(request, "handovers"), items, more)))


def _stays(taking: Taking) -> list[str]:
    left = len(taking.left_behind)
    return [ngettext("%(num)d stayed", "%(num)d stayed", left)] if left else []


@get("/{handover_id:str}", include_in_schema=False)
async def handover_page(request: Request[Any, Any, Any], handover_id: FromPath[str]) -> ASGIResponse:
    found = await request.app.state.context.db.read(takings.show, handover_id, None, None)
    if isinstance(found, Problem):
        raise Refused(found)
    file = f"/network/handovers/{found.id}/manifest.csv"
    view = taking_view(found, head=head(request, "handovers"), file=file)
    return page(render("freight/taking_operator.html", view))


@get("/{handover_id:str}/manifest.csv", include_in_schema=False)
async def handover_file(request: Request[Any, Any, Any], handover_id: FromPath[str]) -> ASGIResponse:
    found = await request.app.state.context.db.read(takings.show, handover_id, None, None)
    if isinstance(found, Problem):
        raise Refused(found)
    return manifest_file(found)


_operator = Router(
    path="/network/handovers",
    guards=[for_operator_page],
    exception_handlers={NotSignedIn: sign_in},
    route_handlers=[handovers_page, handover_page, handover_file],
)
HANDLERS: Final[list[Any]] = [drivers_page, drivers_file, _operator]
