"""The till's tags: how many are left, a roll registered, a torn one replaced, a label printed once more."""

from typing import Any, Final

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from dropoff.counter import retags
from dropoff.counter import service as counter
from dropoff.counter.label_api import random_numbers
from dropoff.counter.retags import FreshTag, RetagAnswer, RetagIn
from dropoff.counter.rolls import Override
from dropoff.counter.service import RollAnswer, RollHere, RollView
from dropoff.counter.views import ContainerView, ParcelView
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem
from dropoff.receiving import till_words
from dropoff.receiving.till_forms import fresh_key, here, keep_for_back, once, read_form, till_of
from dropoff.receiving.till_views import TillView
from dropoff.receiving.till_words import Result
from dropoff.web.languages import N_, _, ngettext
from dropoff.web.middleware import allow_bridge
from dropoff.web.problems import Refused
from dropoff.web.shell import page, render, see_other

ROLL_ANSWERS: Final = {
    "tag_malformed": Result(
        "bad",
        "no",
        N_("This is no roll"),
        N_("Its first and last tag do not go together."),
        N_("Scan the head of the roll, or both."),
    ),
    "tag_foreign_roll": Result(
        "bad",
        "no",
        N_("This roll is another shop's"),
        N_("It is registered there."),
        N_("Call the operator: it can be moved here."),
    ),
}


class RollLine(msgspec.Struct, frozen=True):
    name: str
    left: str


class TagsPage(msgspec.Struct, frozen=True, kw_only=True):
    till: TillView
    key: str
    result: Result | None
    lead: str
    low: bool
    rolls: tuple[RollLine, ...]
    first: str
    last: str
    written: str
    """The code to be written by hand, in groups."""


class LabelPage(msgspec.Struct, frozen=True, kw_only=True):
    till: TillView
    name: str
    kind: str
    """`tag` or `bag`: names the size on paper."""
    base: str
    """Where its files are, without the suffix."""
    back: str
    zpl: str
    """What the label printer is sent."""


@get("/tags", include_in_schema=False)
async def tags_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    return await _tags_page(request, None)


async def _tags_page(
    request: Request[Any, Any, Any], result: Result | None, *, first: str = "", last: str = "", written: str = ""
) -> ASGIResponse:
    place = await here(request)
    found = await request.app.state.context.db.read(counter.rolls_here, till_of(request).location_id)
    stock = place.state.tags
    lead = _("No roll is registered here: any fresh tag is taken, and nobody counts them.")
    if stock.left is not None:
        rolls = ngettext("%(num)d roll", "%(num)d rolls", stock.rolls)
        lead = ngettext("%(num)d tag left on %(rolls)s.", "%(num)d tags left on %(rolls)s.", stock.left, rolls=rolls)
    view = TagsPage(
        till=place.view,
        key=fresh_key(),
        result=result,
        lead=lead,
        low=stock.low,
        rolls=tuple(_line(roll) for roll in found),
        first=first,
        last=last,
        written=written,
    )
    return page(render("till/tags.html", view, page="tags"), headers=keep_for_back(request))


def _line(roll: RollView) -> RollLine:
    return RollLine(_named(roll), _("%(left)d of %(all)d left", left=roll.left, all=roll.count))


def _named(roll: RollView) -> str:
    return f"{roll.first} – {roll.last}"


@post("/tags/rolls", include_in_schema=False)
async def register_roll(request: Request[Any, Any, Any]) -> ASGIResponse:
    form = await read_form(request)
    first, last = form.one("first", 60), form.one("last", 60)
    asked = RollHere(first=first, last=last or None)
    answer, _replayed = await once(request, form, RollAnswer, counter.register_here, till_of(request), asked, now())
    if isinstance(answer, Problem):
        raise Refused(answer)
    if answer.verdict == "refused" or answer.roll is None:
        return await _tags_page(request, ROLL_ANSWERS[answer.reason or "tag_malformed"], first=first, last=last)
    title = _("Roll registered") if answer.verdict == "accepted" else _("Registered already")
    return await _tags_page(request, Result("good", "yes", title, _named(answer.roll), _("Use the oldest roll first.")))


@post("/tags/written", include_in_schema=False)
async def write_tag(request: Request[Any, Any, Any]) -> ASGIResponse:
    form = await read_form(request)
    answer, _replayed = await once(
        request, form, FreshTag, retags.written_tag, till_of(request), random_numbers(), now()
    )
    if isinstance(answer, Problem):
        raise Refused(answer)
    return await _tags_page(request, None, written=answer.shown)


# --- one parcel


@post("/parcels/{tag:str}/retag", include_in_schema=False)
async def retag(request: Request[Any, Any, Any], tag: FromPath[str]) -> ASGIResponse:
    form = await read_form(request)
    new, why = form.one("tag", 60), form.one("reason", 200)
    if not new:
        return see_other(f"/till/parcels/{tag}?retag=missing")
    override = form.one("override", 200)
    asked = RetagIn(tag=new, reason=why or "torn", override=Override(override) if override else None)
    answer, _replayed = await once(request, form, RetagAnswer, retags.retag, till_of(request), tag, asked, now())
    if isinstance(answer, Problem):
        raise Refused(answer)
    if answer.verdict == "refused" or answer.parcel is None:
        return see_other(f"/till/parcels/{tag}?retag={answer.reason}")
    return see_other(f"/till/parcels/{answer.parcel.tag}?retag=done")


def retag_result(said: str) -> Result | None:
    """What the parcel's page says after a retag."""
    if said == "done":
        return Result(
            "good",
            "yes",
            _("New tag, same parcel"),
            _("The old tag is void for good."),
            _("Cover or remove the old one."),
        )
    if said == "missing":
        return Result("wait", "again", _("Scan the new tag"), "", _("Stick it on, then scan it below."))
    return till_words.refused(said) if said in till_words.REFUSALS else None


@post("/parcels/{tag:str}/label", include_in_schema=False)
async def print_label(request: Request[Any, Any, Any], tag: FromPath[str]) -> ASGIResponse:
    """Kept, then shown."""
    form = await read_form(request)
    answer, _replayed = await once(
        request, form, ParcelView, retags.tell_printed, till_of(request), tag, "browser", now()
    )
    if isinstance(answer, Problem):
        raise Refused(answer)
    return see_other(f"/till/parcels/{answer.tag}/label")


@get("/parcels/{tag:str}/label", include_in_schema=False)
async def parcel_label_page(request: Request[Any, Any, Any], tag: FromPath[str]) -> ASGIResponse:
    found = await request.app.state.context.db.read(retags.tag_here, till_of(request), tag)
    if found is None:
        raise Refused(Problem("not-found"))
    return await _label_page(request, "tag", found, f"/v1/counter/parcels/{found}/label", f"/till/parcels/{found}")


@get("/containers/{container_id:str}/label", include_in_schema=False)
async def bag_label_page(request: Request[Any, Any, Any], container_id: FromPath[str]) -> ASGIResponse:
    till = till_of(request)
    found: ContainerView | None = await request.app.state.context.db.read(
        counter.find_here, container_id, till.location_id, till.live
    )
    if found is None:
        raise Refused(Problem("not-found"))
    base = f"/v1/counter/containers/{found.id}/label"
    return await _label_page(request, "bag", found.sscc, base, f"/till/containers/{found.id}")


async def _label_page(request: Request[Any, Any, Any], kind: str, name: str, base: str, back: str) -> ASGIResponse:
    place = await here(request)
    allow_bridge(request.scope)
    view = LabelPage(till=place.view, name=name, kind=kind, base=base, back=back, zpl=f"{base}.zpl")
    return page(render("till/label.html", view, page="till"))


HANDLERS: Final[list[Any]] = [
    tags_page,
    register_roll,
    write_tag,
    retag,
    print_label,
    parcel_label_page,
    bag_label_page,
]
