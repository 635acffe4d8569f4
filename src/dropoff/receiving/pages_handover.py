"""The driver is at the counter: bags are scanned or ticked one by one, both sides count, then they go.

One form holds it all, so that a scan forgets neither what was ticked by hand nor who the driver is.
"""

from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from dropoff.counter import periods
from dropoff.counter import service as counter
from dropoff.freight import takings
from dropoff.freight.handovers import Stays, Why
from dropoff.freight.pages import WHYS, TakingView, manifest_file, taking_view, total
from dropoff.freight.service import HandOver, HandoverAnswer, Named, hand_over
from dropoff.freight.takings import Taking
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem
from dropoff.kernel.ids import new_id
from dropoff.receiving import till_bags, till_views, till_words
from dropoff.receiving.till_forms import Form, Here, fresh_key, here, keep_for_back, once, read_form, till_of
from dropoff.receiving.till_views import HandoverPage, TillView
from dropoff.receiving.till_words import Result
from dropoff.returns import qr
from dropoff.web import words
from dropoff.web.languages import NN_, _, ngettext
from dropoff.web.problems import Refused
from dropoff.web.shell import page, render, see_other

BAGS_MAX: Final = 200


class TakenPage(msgspec.Struct, frozen=True):
    till: TillView
    result: Result | None
    taking: TakingView
    qr: str
    """The picture for the driver's phone."""


@get("/handover", include_in_schema=False)
async def handover_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """`?take=…&take=…` ticks bags already: from a count that did not agree."""
    return await _form_page(request, await here(request), Form(list(request.query_params.multi_items())))


@get("/handovers", include_in_schema=False)
async def handover_again() -> ASGIResponse:
    """Someone went to the address of a form."""
    return see_other("/till/handover")


@post("/handover", include_in_schema=False)
async def tick(request: Request[Any, Any, Any]) -> ASGIResponse:
    """What Enter does anywhere in the form: a scan ticks its bag, and nothing is handed over by a scanner's Enter."""
    form, place = await read_form(request), await here(request)
    text = form.one("c", 500)
    if not text:
        return await _form_page(request, place, form)
    found = await request.app.state.context.db.read(counter.find_container, text)
    sealed = {bag.sscc: bag for bag in place.state.sealed}
    if found is None or found.sscc not in sealed:
        is_open = found is not None and found.id in {bag.id for bag in place.state.open}
        return await _form_page(request, place, form, missed=_missed(text, is_open=is_open))
    name = till_bags.bag_name(sealed[found.sscc].kind, found.sscc)
    again = found.sscc in form.all("take")
    fields = form.fields if again else [*form.fields, ("take", found.sscc)]
    said = _("%(bag)s was ticked before.", bag=name) if again else _("%(bag)s is ticked.", bag=name)
    return await _form_page(request, place, Form(fields), said=said)


def _missed(text: str, *, is_open: bool) -> str:
    if is_open:
        return _("This bag is still open. Seal it first.")
    return _("No sealed bag here has this label: %(text)s", text=text[:40])


async def _form_page(
    request: Request[Any, Any, Any],
    place: Here,
    form: Form,
    *,
    said: str = "",
    missed: str = "",
    errors: tuple[tuple[str, str], ...] = (),
) -> ASGIResponse:
    """The form with all that was ticked and typed."""
    till = till_of(request)
    today = periods.days(periods.day_of(now(), place.zone), 1, place.zone)[0]
    taken = await request.app.state.context.db.read(takings.takings_since, till.location_id, till.live, today)
    earlier = tuple((f"/till/handovers/{one.id}", _earlier(one, place.zone)) for one in taken)
    bags = till_views.handover_bags(
        place.state,
        form.all("take")[:BAGS_MAX],
        form.all("broken")[:BAGS_MAX],
        till_views.waits(place.state, place.zone, now()),
        {bag.sscc: form.one(f"why-{bag.sscc}", 20) for bag in place.state.sealed},
    )
    ticked = sum(bag.ticked for bag in bags)
    one, many = NN_("%(ticked)d of %(num)d bag ticked.", "%(ticked)d of %(num)d bags ticked.")
    counted = ngettext(one, many, len(bags), ticked=ticked) if said or ticked else ""
    driver, count = form.one("driver", 100), form.one("driver_count", 4)
    view = HandoverPage(
        till=place.view,
        key=fresh_key(),
        errors=errors,
        bags=bags,
        driver=driver,
        driver_count=count,
        # A badge that was scanned into the driver's field brings its Enter with it: the number comes next.
        focus="driver_count" if driver and not count and not said and not missed else "scanned",
        said=f"{said} {counted}".strip(),
        missed=missed,
        whys=tuple(WHYS.items()),
        earlier=earlier,
    )
    html = render("till/handover.html", view, page="handover")
    return page(html, 422 if errors else 200, keep_for_back(request))


def _earlier(one: Taking, zone: str) -> str:
    """`12:40 · 3 bags · 24 parcels · Marek`."""
    return " · ".join(part for part in (words.clock(one.at, zone), total(one), one.driver or "") if part)


@post("/handovers", include_in_schema=False)
async def confirm_handover(request: Request[Any, Any, Any]) -> ASGIResponse:
    form, place, till = await read_form(request), await here(request), till_of(request)
    broken = form.all("broken")
    named = tuple(Named(sscc, sscc not in broken) for sscc in dict.fromkeys([*form.all("take"), *broken]))[:BAGS_MAX]
    count = form.one("driver_count", 4)
    errors = []
    if not named:
        errors.append(("scanned", _("Tick at least one bag, or scan it.")))
    if count and not (count.isascii() and count.isdecimal()):
        errors.append(("driver_count", _("Type the driver's number, or leave it empty.")))
    if errors:
        return await _form_page(request, place, form, errors=tuple(errors))
    command = HandOver(
        id=new_id("hov"),
        location_id=till.location_id,
        device_id=till.device_id,
        live=till.live,
        actor=till.actor,
        at=now(),
        containers=named,
        shipment_id=None,
        driver=form.one("driver", 100) or None,
        driver_count=int(count) if count else None,
        left=_staying(form, named),
    )
    answer, _replayed = await once(request, form, HandoverAnswer, hand_over, command)
    if isinstance(answer, Problem):
        raise Refused(answer)
    if answer.handed_over:
        return see_other(f"/till/handovers/{answer.id}?done={answer.verdict}")
    names = {bag.sscc: till_bags.bag_name(bag.kind, bag.sscc) for bag in place.state.sealed}
    again = [("take", one.text) for one in named if one.seal_intact] + [("broken", sscc) for sscc in broken]
    view = HandoverPage(
        till=place.view,
        key="",
        result=_told(answer),
        lists=_lists(answer, names),
        again=f"/till/handover?{urlencode(again)}" if answer.reason == "count_differs" else "",
    )
    return page(render("till/handover.html", view, page="handover"), headers=keep_for_back(request))


def _staying(form: Form, named: tuple[Named, ...]) -> tuple[Stays, ...]:
    """Every bag that the page showed and nobody took, with what the clerk says of it."""
    taken = {one.text for one in named}
    shown = [name.removeprefix("why-") for name, _value in form.fields if name.startswith("why-")][:BAGS_MAX]
    return tuple(Stays(sscc, _why(form.one(f"why-{sscc}", 20))) for sscc in shown if sscc not in taken)


def _why(text: str) -> Why | None:
    return next((known for known in WHYS if known == text), None)


def _told(answer: HandoverAnswer) -> Result:
    if answer.reason == "count_differs":
        refusal = till_words.refused("count_differs")
        counted = _("You count %(count)d.", count=answer.count)
        return msgspec.structs.replace(refusal, text=f"{counted} {refusal.text}")
    return Result(
        "bad",
        "no",
        _("Nothing was handed over"),
        _("Below it says why for each bag."),
        _("What stays goes with the next driver."),
    )


def _lists(answer: HandoverAnswer, names: dict[str, str]) -> tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...]:
    stays = tuple(
        (one.sscc, names.get(one.sscc, ""), till_words.LEFT_BEHIND.get(one.reason, one.reason))
        for one in answer.left_behind
    )
    return ((_("Stays here"), stays),) if stays else ()


@get("/handovers/{handover_id:str}", include_in_schema=False)
async def taken_page(request: Request[Any, Any, Any], handover_id: FromPath[str]) -> ASGIResponse:
    """What the driver took: this side's manifest, and the code that brings it to the driver's phone."""
    place, found = await here(request), await _taking(request, handover_id)
    title = ngettext("%(num)d bag is with the driver", "%(num)d bags are with the driver", found.count)
    stay = len(found.left_behind)
    text = ngettext("%(num)d bag stays here.", "%(num)d bags stay here.", stay) if stay else ""
    done = request.query_params.get("done", "")
    steps = {"accepted": _("Let the driver scan the code below."), "already": _("It was handed over before.")}
    view = TakenPage(
        till=place.view,
        result=Result("good", "van", title, text, steps[done]) if done in steps else None,
        taking=taking_view(found, file=f"/till/handovers/{found.id}/manifest.csv"),
        qr=f"/till/handovers/{found.id}/qr.svg" if now() < found.shown_until else "",
    )
    return page(render("till/taken.html", view, page="handover"))


async def _taking(request: Request[Any, Any, Any], handover_id: str) -> Taking:
    till = till_of(request)
    found = await request.app.state.context.db.read(takings.show, handover_id, till.location_id, till.live)
    if isinstance(found, Problem):
        raise Refused(found)
    taking: Taking = found
    return taking


@get("/handovers/{handover_id:str}/qr.svg", include_in_schema=False)
async def drivers_qr(request: Request[Any, Any, Any], handover_id: FromPath[str]) -> ASGIResponse:
    found, context = await _taking(request, handover_id), request.app.state.context
    address = f"{context.settings.base_url}/H/{takings.driver_code(context.vault, found.id)}".upper()
    picture = qr.pass_svg(address)
    return ASGIResponse(body=picture.body, media_type=picture.media_type, headers={"cache-control": "no-store"})


@get("/handovers/{handover_id:str}/manifest.csv", include_in_schema=False)
async def taken_file(request: Request[Any, Any, Any], handover_id: FromPath[str]) -> ASGIResponse:
    return manifest_file(await _taking(request, handover_id))


HANDLERS: Final[list[Any]] = [
    handover_page,
    handover_again,
    tick,
    confirm_handover,
    taken_page,
    drivers_qr,
    taken_file,
]
