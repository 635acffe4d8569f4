"""The till's bags: what goes into them, sealing, opening again."""

from typing import Any, Final

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from dropoff.counter import service as counter
from dropoff.counter.retags import STATES
from dropoff.counter.service import (
    ContainerAnswer,
    ContainerView,
    NewContainer,
    PackIn,
    ParcelRow,
    ParcelView,
    SealIn,
    Till,
    UnsealIn,
    Way,
)
from dropoff.db import Tx
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem
from dropoff.kernel.tags import fold_tag
from dropoff.receiving import till_bags, till_views, till_words
from dropoff.receiving.pages_tags import retag_result
from dropoff.receiving.till_forms import Form, Here, fresh_key, here, keep_for_back, once, read_form, till_of
from dropoff.receiving.till_home import show_home
from dropoff.receiving.till_views import BagPage, ParcelLine, ParcelPage
from dropoff.receiving.till_words import Result
from dropoff.web import words
from dropoff.web.languages import N_, _, ngettext
from dropoff.web.problems import Refused
from dropoff.web.shell import page, render, see_other

DONE: Final = {
    "packed": Result("good", "yes", N_("It is in"), "", N_("Scan the next tag, or go on.")),
    "sealed": Result("good", "yes", N_("Sealed"), "", N_("Put the bag where the driver finds it.")),
    "unsealed": Result(
        "wait", "again", N_("Open again"), N_("The broken seal was written down."), N_("Seal it anew later.")
    ),
}
PACK_REFUSALS: Final = {
    "unit_unknown": Result(
        "bad",
        "no",
        N_("We do not know this tag"),
        N_("No parcel carries it."),
        N_("First scan the customer's code, then this tag."),
    ),
    "tag_used": Result(
        "bad",
        "no",
        N_("This tag is void"),
        N_("Its parcel got another, or its hand-in was taken back."),
        N_("Scan the newer tag."),
    ),
    "tag_malformed": till_words.REFUSALS["tag_malformed"],
}
LABEL_USED: Final = Result(
    "bad",
    "no",
    N_("This label was used before"),
    N_("A bag had it already."),
    N_("Take a fresh label, or open a bag without one."),
)
EMPTY: Final = Result("bad", "no", N_("This bag is empty"), "", N_("Put a parcel in, then seal it."))
MOVABLE: Final = frozenset({"tagged", "at_hub"})


@get("/parcels/{tag:str}", include_in_schema=False)
async def parcel_page(request: Request[Any, Any, Any], tag: FromPath[str]) -> ASGIResponse:
    return await _parcel_page(request, tag, retag_result(request.query_params.get("retag", "")))


def find_parcel(tx: Tx, till: Till, tag: str) -> tuple[ParcelRow, ParcelView, Way] | None:
    """With its way from here; None when it is unknown, of the other mode, or at another place."""
    row = counter.find_parcel_by_tag(tx, tag)
    if row is None or row.live != till.live or row.location_id not in (till.location_id, None):
        return None
    return row, counter.parcel_views(tx, [row])[0], counter.find_way(tx, till.location_id, row.retailer_id)


async def _parcel_page(request: Request[Any, Any, Any], tag: str, result: Result | None = None) -> ASGIResponse:
    found = await request.app.state.context.db.read(find_parcel, till_of(request), tag)
    place = await here(request)
    if found is None:
        return page(render("till/result.html", result_view(place, PACK_REFUSALS["unit_unknown"]), page="till"), 404)
    row, shown, way = found
    at_home = row.location_id == till_of(request).location_id
    if result is None and row.tag != fold_tag(tag):
        result = Result(
            "wait",
            "again",
            _("The old tag"),
            _("The parcel carries %(tag)s now.", tag=row.tag),
            _("Cover or remove this one."),
        )
    bags, likely = till_views.fitting(place.state, way.stop.id, way.customs)
    view = ParcelPage(
        till=place.view,
        key=fresh_key(),
        result=result,
        tag=row.tag,
        lead=_where(row, place, at_home=at_home),
        can_retag=at_home and row.status in STATES,
        can_pack=at_home and row.status in MOVABLE and row.container_id is None,
        bags=bags,
        chosen=likely,
        units=tuple(f"{unit.title} {unit.variant or ''}".strip() for unit in shown.units) if at_home else (),
    )
    return page(render("till/parcel.html", view, page="till"), headers=keep_for_back(request))


def _where(row: ParcelRow, place: Here, *, at_home: bool) -> str:
    said = {
        "tagged": _("It waits here, in no bag."),
        "at_hub": _("It waits here, in no bag."),
        "in_container": _("It is in a bag here."),
        "in_transit": _("It has left with the driver."),
        "received": _("It has arrived at the retailer."),
        "lost": _("It is being searched for. Call the operator."),
        "void": _("Its hand-in was taken back. The tag is used up."),
    }
    if not at_home and row.location_id is not None:
        return _("By our books it is at another place. Put it aside and call the operator.")
    bag = next((bag for bag in [*place.state.open, *place.state.sealed] if bag.id == row.container_id), None)
    if bag is None:
        return said[row.status]
    return _("It is in %(bag)s.", bag=words.inside(till_bags.bag_name(bag.kind, bag.sscc)))


def result_view(place: Here, result: Result) -> dict[str, Any]:
    return {"till": place.view, "result": result}


@post("/parcels/{tag:str}", include_in_schema=False)
async def pack_from_parcel(request: Request[Any, Any, Any], tag: FromPath[str]) -> ASGIResponse:
    """Into a chosen bag, or into a new one."""
    form = await read_form(request)
    chosen, prefix = form.one("container", 60), request.app.state.context.settings.gs1_prefix
    answer = await _ask(request, form, _pack, prefix, till_of(request), chosen, tag)
    if answer.verdict == "refused" or answer.container is None:
        return await _parcel_page(request, tag, _packing_refused(answer.reason))
    return see_other(f"/till/containers/{answer.container.id}?done=packed")


def _pack(tx: Tx, prefix: str, till: Till, chosen: str, tag: str, at: Any) -> ContainerAnswer | Problem:
    if chosen == "new":
        opened = counter.open_container(tx, prefix, till, NewContainer("bag"), at)
        if isinstance(opened, Problem):
            return opened
        chosen = opened.id
    return counter.pack_parcel(tx, till, chosen, PackIn(tag), at)


def _packing_refused(reason: str | None) -> Result:
    return PACK_REFUSALS.get(reason or "") or till_words.refused(reason)


@post("/containers", include_in_schema=False)
async def open_bag(request: Request[Any, Any, Any]) -> ASGIResponse:
    form = await read_form(request)
    prefix = request.app.state.context.settings.gs1_prefix
    label = form.one("sscc", 60) or None
    new = NewContainer("bag", label)
    answer, _replayed = await once(
        request, form, ContainerView, counter.open_container, prefix, till_of(request), new, now()
    )
    if isinstance(answer, Problem):
        if answer.code == "sscc-used":
            return await show_home(request, LABEL_USED)
        raise Refused(answer)
    return see_other(f"/till/containers/{answer.id}?done={'labelled' if label else 'opened'}")


@get("/containers/{container_id:str}", include_in_schema=False)
async def bag_page(request: Request[Any, Any, Any], container_id: FromPath[str]) -> ASGIResponse:
    return await _bag_page(request, container_id, None, done=request.query_params.get("done", ""))


async def _bag_page(
    request: Request[Any, Any, Any],
    container_id: str,
    result: Result | None,
    errors: tuple[tuple[str, str], ...] = (),
    done: str = "",
) -> ASGIResponse:
    place, till = await here(request), till_of(request)
    found = await request.app.state.context.db.read(counter.find_here, container_id, till.location_id, till.live)
    if found is None:
        shown = result_view(place, till_words.refused("container_unknown"))
        return page(render("till/result.html", shown, page="till"), 404)
    known = {bag.id: bag for bag in [*place.state.open, *place.state.sealed]}
    if found.id in known:
        line = till_views.bag_line(known[found.id], till_views.booked_shipments(place.state))
    else:
        line = till_views.gone_line(found)
    if done in ("opened", "labelled"):
        result = till_words.opened(found.kind, found.sscc, pre_printed=done == "labelled")
    view = BagPage(
        till=place.view,
        key=fresh_key(),
        result=result or DONE.get(done),
        bag=line,
        can_seal=found.status == "open" and found.id in known,
        can_unseal=found.status == "sealed" and found.shipment is None and found.kind != "parcel",
        errors=errors,
        parcels=tuple(
            ParcelLine(parcel.tag, ngettext("%(num)d thing", "%(num)d things", len(parcel.units)))
            for parcel in found.parcels
        ),
    )
    return page(render("till/container.html", view, page="till"), 422 if errors else 200, keep_for_back(request))


@post("/containers/{container_id:str}/parcels", include_in_schema=False)
async def pack_into_bag(request: Request[Any, Any, Any], container_id: FromPath[str]) -> ASGIResponse:
    form = await read_form(request)
    tag = form.one("tag")
    if not tag:
        return await _bag_page(request, container_id, None, (("tag", _("Scan the tag of a parcel.")),))
    answer = await _ask(request, form, counter.pack_parcel, till_of(request), container_id, PackIn(tag))
    if answer.verdict == "refused":
        return await _bag_page(request, container_id, _packing_refused(answer.reason))
    return see_other(f"/till/containers/{container_id}?done=packed")


@post("/containers/{container_id:str}/seal", include_in_schema=False)
async def seal_bag(request: Request[Any, Any, Any], container_id: FromPath[str]) -> ASGIResponse:
    form = await read_form(request)
    seal = SealIn(form.one("seal", 60) or None)
    answer = await _ask(request, form, counter.seal, till_of(request), container_id, seal)
    if answer.verdict == "refused":
        empty = answer.reason == "wrong_container"
        return await _bag_page(request, container_id, EMPTY if empty else till_words.refused(answer.reason))
    return see_other(f"/till/containers/{container_id}?done=sealed")


@post("/containers/{container_id:str}/next", include_in_schema=False)
async def seal_and_open_next(request: Request[Any, Any, Any], container_id: FromPath[str]) -> ASGIResponse:
    """One tap when a bag is full."""
    form, prefix = await read_form(request), request.app.state.context.settings.gs1_prefix
    answer = await _ask(request, form, _seal_and_open, prefix, till_of(request), container_id)
    if answer.verdict == "refused" or answer.container is None:
        return await _bag_page(request, container_id, till_words.refused(answer.reason))
    return see_other(f"/till/containers/{answer.container.id}?done=opened")


def _seal_and_open(tx: Tx, prefix: str, till: Till, container_id: str, at: Any) -> ContainerAnswer | Problem:
    sealed = counter.seal(tx, till, container_id, SealIn(), at)
    if sealed.verdict == "refused":
        return sealed
    opened = counter.open_container(tx, prefix, till, NewContainer("bag"), at)
    return opened if isinstance(opened, Problem) else msgspec.structs.replace(sealed, container=opened)


@post("/containers/{container_id:str}/unseal", include_in_schema=False)
async def unseal_bag(request: Request[Any, Any, Any], container_id: FromPath[str]) -> ASGIResponse:
    form = await read_form(request)
    reason = form.one("reason", 200)
    if not reason:
        return await _bag_page(request, container_id, None, (("reason", _("Say why it is opened again.")),))
    answer = await _ask(request, form, counter.unseal, till_of(request), container_id, UnsealIn(reason))
    if answer.verdict == "refused":
        return await _bag_page(request, container_id, till_words.refused(answer.reason))
    return see_other(f"/till/containers/{container_id}?done=unsealed")


async def _ask(request: Request[Any, Any, Any], form: Form, fn: Any, *args: Any) -> ContainerAnswer:
    answer, _replayed = await once(request, form, ContainerAnswer, fn, *args, now())
    if isinstance(answer, Problem):
        raise Refused(answer)
    return answer


HANDLERS: Final[list[Any]] = [
    parcel_page,
    pack_from_parcel,
    open_bag,
    bag_page,
    pack_into_bag,
    seal_bag,
    seal_and_open_next,
    unseal_bag,
]
