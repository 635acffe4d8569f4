"""How the till's pages ask: who stands there, what the form said, and that a form sent twice is done once."""

import hashlib
import uuid
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeVar

import msgspec
from litestar import Request, Response
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from dropoff.access.guards import authenticate, csrf_token, form_fields, refuse_old_till, session_token
from dropoff.access.principal import principal
from dropoff.counter import shifts
from dropoff.counter.shifts import ShiftView
from dropoff.counter.till import Till
from dropoff.db import Tx
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem, not_found
from dropoff.network import service as network
from dropoff.receiving.state import CounterState, counter_state
from dropoff.receiving.till_reading import is_scanned, read_once
from dropoff.receiving.till_views import TillView
from dropoff.web import speaking, words
from dropoff.web.idempotency import Answer, answer_once, parse_key, ticket
from dropoff.web.middleware import caller
from dropoff.web.problems import Refused, problem_body, status_of
from dropoff.web.shell import HTML, render

T = TypeVar("T")
NOT_CONTENT: Final = ("csrf_token", "key")


HOME_LANGUAGES: Final = {
    "DK": "da",
    "FO": "da",
    "GL": "da",
    "NO": "nb",
    "SJ": "nb",
    "SE": "sv",
    "DE": "de",
    "AT": "de",
    "CH": "de",
    "LI": "de",
}
"""What a till speaks where nobody has chosen: the language of its place's country. Elsewhere the browser's."""


class NotPaired(Exception):
    """Whoever asks is no till: no cookie, or one of another role."""


async def for_till(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    who = await authenticate(connection)
    if who is None or who.role != "device":
        raise NotPaired
    refuse_old_till(connection)
    if not speaking.is_chosen():
        place = await connection.app.state.context.db.read(network.location, who.location_id)
        speaking.prefer(HOME_LANGUAGES.get(place.country) if place else None)


class Unpaired(msgspec.Struct, frozen=True):
    interrupted: bool
    """A form was sent: whoever sent it has to hear that nothing came of it."""


def not_paired(request: Request[Any, Any, Any], _: Exception) -> Response[bytes]:
    view = Unpaired(request.method == "POST")
    return Response(
        render("till/unpaired.html", view), status_code=401, media_type=HTML, headers={"cache-control": "no-store"}
    )


class Here(msgspec.Struct, frozen=True):
    """The till that asks and how its place stands."""

    view: TillView
    state: CounterState
    zone: str


def till_of(request: Request[Any, Any, Any]) -> Till:
    who = principal(request)
    assert who.location_id, "a device's credential names its place"
    assert who.device_id, "a device's credential names it"
    return Till(who.location_id, who.device_id, who.live)


async def here(request: Request[Any, Any, Any]) -> Here:
    till = till_of(request)
    found = await request.app.state.context.db.read(_stand, till, now())
    if isinstance(found, Problem):
        raise Refused(found)
    state, zone, shift = found
    session = session_token(request)
    csrf = csrf_token(request.app.state.context.vault, session) if session else ""
    stands = state.location
    until = words.at(stands.paused_until, zone, now()) if stands.paused_until else ""
    minutes = shift.lock_after_min if shift.shift is not None else None
    view = TillView(
        location=stands.name,
        device=principal(request).name,
        csrf=csrf,
        live=till.live,
        paused=stands.state != "active",
        own_pause=stands.own_pause,
        paused_until=until,
        shifts=shift.needed,
        initials=shift.shift.initials if shift.shift is not None and not shift.locked else "",
        lock_s=60 * minutes if minutes is not None else 0,
    )
    return Here(view, state, zone)


def _stand(tx: Tx, till: Till, at: datetime) -> tuple[CounterState, str, ShiftView] | Problem:
    place = network.location(tx, till.location_id)
    state = counter_state(tx, till.location_id, till.live, at)
    if place is None or isinstance(state, Problem):
        return not_found("location")
    return state, place.zone, shifts.look(tx, till, at)


class Form(msgspec.Struct, frozen=True):
    fields: list[tuple[str, str]]

    def one(self, name: str, limit: int = 2000) -> str:
        return next((value.strip()[:limit] for key, value in self.fields if key == name), "")

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key == name]

    @property
    def content(self) -> str:
        """A fingerprint of what the form says, so that a changed form with the key of a page gone back to is new."""
        said = [field for field in self.fields if field[0] not in NOT_CONTENT]
        return hashlib.sha256(msgspec.json.encode(said)).hexdigest()


async def read_form(request: Request[Any, Any, Any]) -> Form:
    fields = await form_fields(request)
    return Form([(name, read_once(value.strip()) if is_scanned(name) else value) for name, value in fields])


def keep_for_back(request: Request[Any, Any, Any]) -> dict[str, str]:
    """For pages that answer a form: the browser may keep them for its Back button, which else shows an error of its
    own. They hold no pass, and a form sent again from there is answered once."""
    return {"cache-control": "private, no-cache"} if request.method == "POST" else {}


def fresh_key() -> str:
    """Made when a form is shown: whoever sends it twice, by a second tap or a reload, is answered once."""
    return str(uuid.uuid4())


async def once(
    request: Request[Any, Any, Any], form: Form, kind: type[T], fn: Callable[..., Any], *args: Any
) -> tuple[T | Problem, bool]:
    """Runs `fn(tx, *args)` in the write lane once for this form. The answer, and whether it is one given before."""
    key = parse_key(form.one("key", 255))
    if key is None:
        raise Refused(Problem("idempotency-key-missing"))
    context = request.app.state.context
    scope = f"{caller(request.scope)} POST {request.url.path}"
    claim = ticket(scope, f"{key} {form.content}", form.content, now())
    run = partial(_run, base_url=context.settings.base_url, fn=fn, args=args)
    answer: Answer | Problem = await context.db.write(answer_once, context.vault, claim, run)
    if isinstance(answer, Problem):
        return answer, False
    if answer.status >= 400:
        told = msgspec.json.decode(answer.body)
        return Problem(told["type"].rpartition("/")[2], told.get("detail", "")), answer.replayed
    return msgspec.json.decode(answer.body, type=kind), answer.replayed


def _run(tx: Tx, *, base_url: str, fn: Callable[..., Any], args: tuple[Any, ...]) -> Answer:
    value = fn(tx, *args)
    if isinstance(value, Problem):
        return Answer(status_of(value), problem_body(value, base_url))
    return Answer(200, msgspec.json.encode(value))
