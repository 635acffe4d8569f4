"""One place's page for its operator: how it stands, its facts and hours, what lies there, its tills, its latest story;
with the forms that pause, close and reopen it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from litestar import Request, Router, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from dropoff.access.principal import principal
from dropoff.counter import pausing
from dropoff.counter.pausing import LeftHere
from dropoff.db import Tx
from dropoff.events.log import of_place
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem, not_found
from dropoff.network import loads, location_hours, location_states, location_views, place_forms, service
from dropoff.network.hours_shown import HoursTable, hours_table
from dropoff.network.load_store import Load
from dropoff.network.loads import Stock
from dropoff.network.location_store import Closure
from dropoff.network.location_views import KeptLocation, OverrideView
from dropoff.network.pages_operator import (
    KIND_WORDS,
    STATE_WORDS,
    Head,
    NotSignedIn,
    address,
    for_operator_page,
    head,
    read_form,
    sign_in,
)
from dropoff.network.store import Device, Location
from dropoff.web import words
from dropoff.web.languages import N_, _
from dropoff.web.problems import Refused
from dropoff.web.shell import page, render, see_other

CAPACITY_MAX: Final = 100_000
EVENTS_SHOWN: Final = 12
TILLS_SHOWN: Final = 20
SAID: Final = {
    "location.added": N_("Added by hand"),
    "location.edited": N_("Edited"),
    "location.given_back": N_("Given back to the source"),
    "location.paused": N_("Paused"),
    "location.resumed": N_("Taken up again"),
    "location.closed": N_("Closed"),
    "location.reopened": N_("Reopened"),
    "location.closure_added": N_("Other hours entered"),
    "location.closure_removed": N_("Other hours taken back"),
    "location.stock_told": N_("Room, tags or printer told"),
    "device.added": N_("Till added"),
    "device.paired": N_("Till paired"),
    "device.revoked": N_("Till revoked"),
}
ACTORS: Final = {"operator": N_("by the operator"), "device": N_("by the till"), "system": N_("automatically")}
WRONG: Final = {
    "capacity": N_("This is a whole number of parcels, at most 100,000."),
    "until": N_("This is a time that is still to come, within a year."),
    "first_day": N_("This is a day, and not two years ahead. A place has at most 20 such entries."),
    "last_day": N_("This is a day that is not over, not before the first, and within a year of it."),
    "hours": N_("These are times such as 10:00-14:00, or nothing for closed."),
}


FORMS: Final = {
    "pause": ("until", "reason"),
    "capacity": ("capacity",),
    "closure": ("first_day", "last_day", "hours", "reason"),
}
"""The forms of the page and their fields."""
TYPED_MAX: Final = 200


class Fact(msgspec.Struct, frozen=True):
    label: str
    value: str
    field: str
    """Set when it was set by hand: the field that can be given back."""
    source_says: str


class ClosureLine(msgspec.Struct, frozen=True):
    days: str
    hours: str
    reason: str
    action: str


class View(msgspec.Struct, frozen=True):
    head: Head
    id: str
    name: str
    kind: str
    what: str
    state: str
    state_words: str
    tone: str
    address: str
    notice: str
    left: LeftHere
    known: list[tuple[str, str]]
    """What is known of the place from what happens there."""
    capacity: str
    must_be_fetched: bool
    facts: list[Fact]
    table: HoursTable
    closures: list[ClosureLine]
    tills: list[tuple[str, str]]
    events: list[tuple[str, str]]
    errors: tuple[tuple[str, str], ...]
    typed: dict[str, dict[str, str]]
    """Of each form what stands in it: of one that was refused, what was typed."""
    today: str
    public: bool


class Found(msgspec.Struct, frozen=True):
    place: Location
    kept: KeptLocation
    hours: Any
    left: LeftHere
    load: Load | None
    tills: Sequence[Device]
    events: Sequence[Any]


@get("/places/{location_id:str}", include_in_schema=False)
async def place_page(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    at = now()
    found = await request.app.state.context.db.read(_find, location_id, at)
    if isinstance(found, Problem):
        raise Refused(found)
    view = _view(found, head(request, "places"), request.query_params, at)
    errors = view.errors
    return page(render("network/place.html", view), 422 if errors else 200)


def _find(tx: Tx, location_id: str, at: datetime) -> Found | Problem:
    place, kept = service.location(tx, location_id), location_views.kept(tx, location_id, at)
    hours = location_hours.preview(tx, location_id, None, 14, at)
    tills = service.list_devices(tx, location_id, "", TILLS_SHOWN)
    if place is None or isinstance(kept, Problem) or isinstance(hours, Problem) or isinstance(tills, Problem):
        return not_found("place")
    events = of_place(tx, location_id, EVENTS_SHOWN)
    left = pausing.left_here(tx, location_id)
    return Found(place, kept, hours, left, loads.find(tx, location_id), tills.items, events)


@post("/places/{location_id:str}/close", include_in_schema=False)
async def close_place(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    form, actor = await read_form(request), principal(request).actor
    db = request.app.state.context.db
    outcome = await db.write(location_states.close, location_id, form.text("reason", 200), now(), actor)
    if isinstance(outcome, Problem):
        raise Refused(outcome)
    return see_other(f"/network/places/{location_id}")


@post("/places/{location_id:str}/capacity", include_in_schema=False)
async def set_capacity(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    form, actor = await read_form(request), principal(request).actor
    typed = form.text("capacity", 10)
    if not (typed.isascii() and typed.isdigit() and int(typed) <= CAPACITY_MAX):
        return see_other(f"/network/places/{location_id}?{urlencode({'wrong': 'capacity', 'capacity': typed})}")
    db = request.app.state.context.db
    outcome = await db.write(loads.tell, location_id, Stock(capacity=int(typed)), now(), actor)
    if isinstance(outcome, Problem):
        raise Refused(outcome)
    return see_other(f"/network/places/{location_id}")


def _view(found: Found, top: Head, asked: Mapping[str, str], at: datetime) -> View:
    """`asked`: of a form that was refused, which field is `wrong`, and what was typed."""
    place, kept = found.place, found.kept
    wrong = asked.get("wrong", "")
    state_words, tone = STATE_WORDS[place.state]
    return View(
        head=top,
        id=place.id,
        name=place.name,
        kind=place.kind,
        what=" · ".join(part for part in (_(KIND_WORDS[place.kind]), place.operator) if part),
        state=place.state,
        state_words=state_words,
        tone=tone,
        address=address(place),
        notice=_notice(kept, at),
        left=found.left,
        known=_known(found.load, place.zone, at),
        capacity="" if found.load is None or found.load.capacity is None else str(found.load.capacity),
        must_be_fetched=place.state in ("closed", "removed") and found.left.parcels > 0,
        facts=_facts(place, kept),
        table=hours_table(found.hours, kept.closure_entries, at),
        closures=[_closure(one) for one in kept.closure_entries],
        tills=[(till.name, _till(till, place.zone, at)) for till in found.tills],
        events=[(_said(row), words.first_capital(words.at(row.at, place.zone, at))) for row in found.events],
        errors=((wrong, WRONG[wrong]),) if wrong in WRONG else (),
        typed=_typed(wrong, asked),
        today=found.hours.days[0].date.isoformat(),
        public=place.live and place.kind != "hub" and place.state in ("active", "paused"),
    )


def _typed(wrong: str, asked: Mapping[str, str]) -> dict[str, dict[str, str]]:
    return {
        form: {name: asked[name][:TYPED_MAX] for name in names if wrong in names and name in asked}
        for form, names in FORMS.items()
    }


def _notice(kept: KeptLocation, at: datetime) -> str:
    """Of a pause: who, why, until when."""
    if kept.pause is None:
        return ""
    who = _("Paused by the shop") if kept.pause.by.startswith("device:") else _("Paused by the operator")
    until = kept.pause.until
    reason = f": {kept.pause.reason}" if kept.pause.reason else ""
    when = _("Until %(when)s.", when=words.at(until, kept.zone, at)) if until else _("Until somebody resumes.")
    return f"{who}{reason}. {when}"


def _known(load: Load | None, zone: str, at: datetime) -> list[tuple[str, str]]:
    if load is None:
        return []
    moments = ((_("Last hand-in"), load.hand_in_at), (_("Last driver"), load.driver_at))
    lines = [(what, words.first_capital(words.at(moment, zone, at))) for what, moment in moments if moment]
    room = loads.left(load)
    if room is not None:
        lines.append((_("Room left"), _("%(part)d of %(all)d", part=room, all=load.capacity)))
    if load.tags is not None:
        lines.append((_("Tags left"), str(load.tags)))
    return [*lines, (_("Printer"), load.printer)] if load.printer else lines


def _facts(place: Location, kept: KeptLocation) -> list[Fact]:
    by_hand = {one.field: one for one in kept.overrides}
    values = dict(place_forms.form_of(place).values)
    lines = [Fact(_("Source"), f"{place.source} · {place.external_id}", "", "")]
    for name, label in place_forms.LABELS.items():
        value = _shown(name, values.get(name, ""))
        if value or name in by_hand:
            override = by_hand.get(name)
            lines.append(Fact(label, value or "–", name if override else "", _source_says(override)))
    return [*lines, Fact(_("Time zone"), place.zone, "", "")]


def _shown(name: str, value: str) -> str:
    return dict(place_forms.CHOICES.get(name, ())).get(value, value) if value else ""


def _source_says(override: OverrideView | None) -> str:
    if override is None:
        return ""
    value = override.source_value
    if isinstance(value, dict):
        value = f"{value['lat']}, {value['lon']}"
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    return _("nothing") if value is None or value == "" else str(value)


def _closure(one: Closure) -> ClosureLine:
    first, last = (words.calendar_day(day, with_year=True) for day in (one.first_day, one.last_day))
    days = first if one.first_day == one.last_day else f"{first} – {last}"
    hours = _("closed") if one.hours == "off" else one.hours.replace("-", "–").replace(",", ", ")
    return ClosureLine(days, hours, one.reason, f"/network/places/{one.location_id}/closures/{one.id}/remove")


def _till(till: Device, zone: str, at: datetime) -> str:
    if till.revoked_at is not None:
        return _("revoked")
    if till.paired_at is None:
        return _("waits to be paired")
    return _("paired %(when)s", when=words.at(till.paired_at, zone, at))


def _said(row: Any) -> str:
    said = _(SAID.get(row.type, "")) or row.type.replace(".", " ").replace("_", " ").capitalize()
    fields = row.data.get("fields")
    labels = ", ".join(_(place_forms.LABELS.get(field, field)) for field in fields) if fields else ""
    who = _(ACTORS.get(row.actor.split(":")[0], ""))
    return " ".join(part for part in (f"{said}:" if labels else said, labels, who) if part)


operator = Router(
    path="/network",
    guards=[for_operator_page],
    exception_handlers={NotSignedIn: sign_in},
    route_handlers=[place_page, close_place, set_capacity],
)
HANDLERS: Final = [operator]
