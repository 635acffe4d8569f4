"""The till takes things in: any scan, then the form of a pass.

A pass is a secret and a till is shared: from the scan to the hand-in it travels sealed, so that neither the browser's
history nor its cache ever holds it, and the Back button works all the same.
"""

from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from dropoff.counter import badges
from dropoff.counter import service as counter
from dropoff.counter.people_api import begin as begin_shift
from dropoff.counter.pictograms import kind_of_thing
from dropoff.counter.service import (
    ContainerScan,
    ForeignScan,
    HandIn,
    HandInAnswer,
    PassScan,
    TagScan,
    Till,
    UnknownScan,
    VisitScan,
    Way,
)
from dropoff.counter.shifts import BeginShift
from dropoff.db import Tx
from dropoff.kernel import codes, gs1
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem
from dropoff.kernel.foreign import Foreign
from dropoff.receiving import till_reading, till_views, till_words
from dropoff.receiving.till_forms import Form, fresh_key, here, keep_for_back, once, read_form, till_of
from dropoff.receiving.till_home import show_home
from dropoff.receiving.till_reading import SeenPass
from dropoff.receiving.till_views import PassForm, UnitLine
from dropoff.receiving.till_words import Result
from dropoff.retailers import service as retailers
from dropoff.returns import qr
from dropoff.returns import service as returns
from dropoff.returns.passes import PassKeys
from dropoff.returns.service import OpenPass
from dropoff.web import metrics
from dropoff.web.languages import _, ngettext
from dropoff.web.problems import Refused
from dropoff.web.shell import page, render, see_other

OtherScan = TagScan | ContainerScan | ForeignScan | UnknownScan
PARCELS_MAX: Final = 9
UNITS_MAX: Final = 200
NOT_OPEN: Final = frozenset(
    {"pass_expired", "pass_cancelled", "pass_unknown", "unit_unknown", "unit_expired", "test_mode", "location_paused"}
)
"""Refusals after which the form has no sense any more; after the others another tag or bag helps."""
DOUBLE_READ: Final = timedelta(seconds=5)
"""A tag that was taken in just now and comes again within this time was read twice, not scanned twice."""


class Opened(msgspec.Struct, frozen=True):
    """What the form of a pass is made of."""

    retailer: str
    portal: str
    """Where the code is drawn that leads to another return; empty when the retailer named no page for it."""
    units: tuple[UnitLine, ...]
    others: int
    way: Way
    """Where its parcels go from here: a bag that goes there is the likely one."""


@get(["/scans", "/hand-ins", "/more"], include_in_schema=False)
async def scans_again() -> ASGIResponse:
    """Someone went to the address of a form."""
    return see_other("/till")


@post("/scans", include_in_schema=False)
async def scan(request: Request[Any, Any, Any]) -> ASGIResponse:
    form = await read_form(request)
    text = form.one("text")
    if not text:
        return see_other("/till")
    if badges.read_badge(text) is not None:
        told = await begin_shift(request.app.state.context.db, till_of(request), BeginShift(badge=text))
        return see_other("/till?shift=1" if not isinstance(told, Problem) else "/till?shift=0")
    await _brake(request, text)
    context, till = request.app.state.context, till_of(request)
    at = now()
    answer: PassScan | VisitScan | OtherScan = await context.db.write(counter.scan, context.passes, till, text, at)
    if isinstance(answer, PassScan):
        return await _scanned_pass(request, answer, text, at)
    if isinstance(answer, VisitScan):
        return see_other(f"/till/visits/{till_reading.seal_pass(context.vault, till.device_id, text, at)}")
    if isinstance(answer, TagScan) and answer.parcel is not None:
        just_now = await context.db.read(_taken_just_now, till, answer.tag, at)
        return see_other(f"/till?hand_in={just_now}" if just_now else f"/till/parcels/{answer.tag}")
    if isinstance(answer, ContainerScan) and answer.container is not None:
        return see_other(f"/till/containers/{answer.container.id}")
    label = _new_label(answer, text, context.settings.gs1_prefix)
    if label is not None:
        return await show_home(request, till_words.new_label(label), new_label=label)
    return await show_home(request, _said(answer, text))


def _taken_just_now(tx: Tx, till: Till, tag: str, at: datetime) -> str | None:
    """The hand-in that this tag ended; None for a loose parcel, which is scanned again to go into a bag."""
    row, parcel = counter.undoable(tx, till, at), counter.find_parcel_by_tag(tx, tag)
    if row is None or at - row.received_at > DOUBLE_READ or parcel is None or parcel.container_id is None:
        return None
    return row.id if tag in [taken["tag"] for taken in row.request["parcels"]] else None


def _new_label(answer: OtherScan, text: str, prefix: str) -> str | None:
    """A bag label that no bag carries yet: printed here beforehand, or elsewhere under the same prefix."""
    if isinstance(answer, ContainerScan):
        return answer.label
    sscc = gs1.parse_sscc(text) if isinstance(answer, ForeignScan) else None
    return sscc if sscc is not None and sscc[1:].startswith(prefix) else None


def _said(answer: OtherScan, text: str) -> Result:
    if isinstance(answer, ForeignScan):
        return till_words.foreign(
            Foreign(answer.network, "likely" if answer.maybe else "certain", tuple(answer.others))
        )
    refused = getattr(answer, "refused", None)
    if refused is not None:
        return till_words.refused(refused)
    if isinstance(answer, TagScan) and not answer.free:
        return till_words.GONE
    if isinstance(answer, TagScan):
        return till_words.fresh_tag(text)
    if codes.spoken_code(text) or codes.code_candidates(text):
        return till_words.refused("pass_unknown")
    return till_words.unknown(text)


async def _scanned_pass(request: Request[Any, Any, Any], answer: PassScan, text: str, at: datetime) -> ASGIResponse:
    if answer.refused is not None:
        return await show_home(request, till_words.refused(answer.refused))
    if not answer.units:
        return await show_home(request, till_words.already(answer.retailer or ""))
    vault = request.app.state.context.vault
    return see_other(f"/till/take-in/{till_reading.seal_pass(vault, till_of(request).device_id, text, at)}")


@get("/take-in/{sealed:str}", include_in_schema=False)
async def take_in_page(request: Request[Any, Any, Any], sealed: FromPath[str]) -> ASGIResponse:
    return await _pass_form(request, Form([("seen", sealed)]))


def _opened(request: Request[Any, Any, Any], form: Form) -> SeenPass | None:
    vault = request.app.state.context.vault
    return till_reading.open_pass(vault, till_of(request).device_id, form.one("seen"), now())


async def _brake(request: Request[Any, Any, Any], text: str) -> None:
    """Ten wrong short codes in ten minutes: nobody mistypes like that."""
    if codes.spoken_code(text) is None:
        return
    problem = await request.app.state.context.db.read(counter.too_many_misses, till_of(request).device_id, now())
    if problem is not None:
        raise Refused(problem)


def open_pass(tx: Tx, passes: PassKeys, till: Till, seen: SeenPass) -> Opened | None:
    """The things of a pass that can still be handed in; None when there is no such pass."""
    found = _pass_of(tx, passes, seen)
    if found is None or found.live != till.live:
        return None
    units = returns.units_of(tx, found.return_id)
    retailer, kinds = retailers.find(tx, found.retailer_id), returns.categories_of(tx, found.return_id)
    return Opened(
        retailer=retailer.name if retailer else "",
        portal=f"/till/retailers/{retailer.id}/portal.svg" if retailer and retailer.portal_url else "",
        units=tuple(
            UnitLine(
                id=unit.id,
                title=unit.title,
                variant=unit.variant or "",
                pictogram=kind_of_thing(kinds.get(unit.id), unit.title),
            )
            for unit in units
            if unit.custody == "expected"
        ),
        others=sum(unit.custody != "expected" for unit in units),
        way=counter.find_way(tx, till.location_id, found.retailer_id),
    )


def _pass_of(tx: Tx, passes: PassKeys, seen: SeenPass) -> OpenPass | None:
    if not seen.return_id:
        return returns.find_pass(tx, passes, seen.code)
    visit = returns.find_visit(tx, passes, seen.code)
    held = returns.passes_of_visit(tx, visit) if visit is not None else []
    return next((one for one in held if one.return_id == seen.return_id), None)


async def _pass_form(
    request: Request[Any, Any, Any],
    form: Form,
    *,
    tags: tuple[str, ...] = ("",),
    result: Result | None = None,
    errors: tuple[tuple[str, str], ...] = (),
) -> ASGIResponse:
    """The form as it was sent, or fresh when it was not yet."""
    context, place, seen = request.app.state.context, await here(request), _opened(request, form)
    if seen is None:
        return await show_home(request, till_words.GONE_STALE)
    opened = await context.db.read(open_pass, context.passes, till_of(request), seen)
    if opened is None:
        return await show_home(request, till_words.refused("pass_unknown"))
    if not opened.units:
        return await show_home(request, till_words.already(opened.retailer))
    bags, likely = till_views.fitting(place.state, opened.way.stop.id, opened.way.customs)
    sent = any(name == "container" for name, _ in form.fields)
    offered = {bag.id for bag in bags} | {"new", ""}
    chosen = form.one("container") if sent and form.one("container") in offered else likely
    wrong = [int(name[4:]) for name, _ in errors if name.startswith("tag-")]
    empty = [number for number, tag in enumerate(tags, 1) if not tag]
    view = PassForm(
        till=place.view,
        key=fresh_key(),
        seen=form.one("seen"),
        result=result,
        title=ngettext(
            "%(num)d thing for %(retailer)s",
            "%(num)d things for %(retailer)s",
            len(opened.units),
            retailer=opened.retailer,
        ),
        extra=_(till_words.EXTRA_PORTAL if opened.portal else till_words.EXTRA_ASK).format(retailer=opened.retailer),
        portal=opened.portal,
        lead=_("Look at each thing: is it the right one? Untick what you do not take."),
        errors=errors,
        units=tuple(_as_sent(unit, form) if sent else unit for unit in opened.units),
        reasons=till_words.UNIT_REASONS,
        settled=_came_before(opened.others) if opened.others else "",
        tags=tags,
        focus=(wrong or empty or [0])[0],
        back=_after(request, seen),
        bags=bags,
        chosen=chosen,
        override=result is not None and result == till_words.refused("tag_foreign_roll"),
    )
    return page(render("till/pass.html", view, page="till"), 422 if errors else 200, keep_for_back(request))


def _came_before(count: int) -> str:
    return ngettext("%(num)d thing of this code came before.", "%(num)d things of this code came before.", count)


def _as_sent(unit: UnitLine, form: Form) -> UnitLine:
    parcel = form.one(f"parcel-{unit.id}") or "1"
    return msgspec.structs.replace(
        unit,
        taken=unit.id in form.all("take"),
        why=form.one(f"why-{unit.id}") or "not_presented",
        parcel=int(parcel) if parcel.isdecimal() and len(parcel) < 3 else 1,
    )


def _tags(form: Form) -> tuple[str, ...]:
    """What stands in the tag fields, in their order."""
    count = sum(name.startswith("tag-") for name, _ in form.fields)
    return tuple(form.one(f"tag-{number}", 500) for number in range(1, min(count, PARCELS_MAX) + 1)) or ("",)


@post("/more", include_in_schema=False)
async def more(request: Request[Any, Any, Any]) -> ASGIResponse:
    """One more parcel for the same pass."""
    form = await read_form(request)
    return await _pass_form(request, form, tags=(*_tags(form), "")[:PARCELS_MAX])


@post("/hand-ins", include_in_schema=False)
async def hand_in(request: Request[Any, Any, Any]) -> ASGIResponse:
    form = await read_form(request)
    context, till = request.app.state.context, till_of(request)
    seen, tags = _opened(request, form), _tags(form)
    if seen is None:
        return await show_home(request, till_words.GONE_STALE)
    text = seen.code
    await _brake(request, text)
    if any(_is_same_pass(tag, text) for tag in tags):  # the scanner read the pass twice
        return await _pass_form(request, form, tags=tuple("" if _is_same_pass(tag, text) else tag for tag in tags))
    data, errors = _command(form, seen, tags)
    if data is None:
        return await _pass_form(request, form, tags=tags, errors=errors)
    answer, replayed = await once(
        request,
        form,
        HandInAnswer,
        counter.take_in,
        context.passes,
        context.settings.base_url,
        context.settings.gs1_prefix,
        till,
        data,
        now(),
    )
    if isinstance(answer, Problem):
        raise Refused(answer)
    if not replayed:
        metrics.HAND_INS.labels(verdict=answer.verdict, reason=answer.reason or "").inc()
    if answer.verdict == "accepted":
        return see_other(f"{_after(request, seen)}?hand_in={answer.hand_in}")
    if answer.verdict == "already" and any(unit.custody == "expected" for unit in answer.units):
        # Another till was faster with a part of it: the rest is still on the table.
        return await _pass_form(request, Form([("seen", form.one("seen"))]), tags=tags, result=till_words.SOME_CAME)
    if answer.verdict == "already":
        return see_other("/till?already=1")
    result = till_words.no_tag(tags) if answer.reason == "tag_malformed" else till_words.refused(answer.reason)
    if answer.reason in NOT_OPEN:
        return await show_home(request, result)
    again = ("",) * len(tags) if answer.reason in ("tag_used", "tag_malformed") else tags
    return await _pass_form(request, form, tags=again, result=result)


def _after(request: Request[Any, Any, Any], seen: SeenPass) -> str:
    """Where the clerk goes on: with the next return of a visit, else with the next customer."""
    if not seen.return_id:
        return "/till"
    vault = request.app.state.context.vault
    return f"/till/visits/{till_reading.seal_pass(vault, till_of(request).device_id, seen.code, seen.at)}"


def _is_same_pass(tag: str, text: str) -> bool:
    if codes.code_signs(tag) == codes.code_signs(text):
        return True
    return bool(set(codes.code_candidates(tag)) & set(codes.code_candidates(text)))


def _command(form: Form, seen: SeenPass, tags: tuple[str, ...]) -> tuple[HandIn | None, tuple[tuple[str, str], ...]]:
    """The hand-in that the form means, or what is missing. It asks nothing of the database, so that a form sent twice
    means the same twice."""
    units = [_as_sent(UnitLine(id=unit, title="", variant=""), form) for unit in form.all("unit")[:UNITS_MAX]]
    held = {n: [unit.id for unit in units if unit.taken and unit.parcel == n] for n in range(1, len(tags) + 1)}
    errors = [
        (
            f"tag-{number}",
            _("Scan the tag of the parcel.") if len(tags) == 1 else _("Scan the tag of parcel %(n)d.", n=number),
        )
        for number, inside in held.items()
        if inside and not tags[number - 1]
    ]
    errors += [
        (f"tag-{number}", _("Nothing is in parcel %(n)d. Say what is, or leave its tag empty.", n=number))
        for number, inside in held.items()
        if tags[number - 1] and not inside and any(held.values())
    ]
    if errors:
        return None, tuple(errors)
    chosen, override = form.one("container"), form.one("override", 200)
    command = {
        "pass": seen.code,
        "parcels": [
            {"tag": tags[n - 1], "units": inside, **({"override": {"reason": override}} if override else {})}
            for n, inside in held.items()
            if inside
        ],
        "refused": [{"unit": unit.id, "reason": _reason(unit)} for unit in units if not unit.taken],
        "container": chosen or None,
        "scanned_at": seen.at,
    }
    try:
        data = msgspec.convert(command, HandIn)
    except msgspec.ValidationError:
        raise Refused(Problem("invalid-request", _("The form was changed on its way. Scan the pass again."))) from None
    if counter.shape_problem(data) is not None:
        return None, (("tag-1", _("Nothing of this code is left to hand in. Scan it again.")),)
    return data, ()


def _reason(unit: UnitLine) -> str:
    return unit.why if unit.why in dict(till_words.UNIT_REASONS) else "other"


@get("/retailers/{retailer_id:str}/portal.svg", include_in_schema=False)
async def portal_qr(request: Request[Any, Any, Any], retailer_id: FromPath[str]) -> ASGIResponse:
    """For the shopper's phone: where another return begins."""
    found = await request.app.state.context.db.read(retailers.find, retailer_id)
    if found is None or not found.portal_url:
        raise Refused(Problem("not-found"))
    picture = qr.pass_svg(found.portal_url)
    return ASGIResponse(body=picture.body, media_type=picture.media_type, headers={"cache-control": "no-cache"})


HANDLERS: Final[list[Any]] = [scans_again, scan, take_in_page, more, hand_in, portal_qr]
