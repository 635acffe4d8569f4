"""One button for a shopper whom the counter cannot help, and what the clerk says to them."""

from typing import Any, Final

import msgspec
from litestar import Request, get, post
from litestar.response.base import ASGIResponse

from dropoff.counter import service as counter
from dropoff.counter.helping import REASONS, TELL_THE_SHOPPER, HelpAnswer, HelpIn, ask_for_help
from dropoff.kernel import codes
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem
from dropoff.receiving import till_reading, till_words
from dropoff.receiving.till_forms import Form, fresh_key, here, once, read_form, till_of
from dropoff.receiving.till_home import show_home
from dropoff.receiving.till_views import TillView
from dropoff.receiving.till_words import Result
from dropoff.web.languages import N_
from dropoff.web.problems import Refused
from dropoff.web.shell import page, render, see_other

WORDS: Final = {
    "code_unreadable": N_("The code cannot be read"),
    "pass_expired": N_("The pass has run out"),
    "no_place_took_it": N_("No shop near took it"),
    "other": N_("Something else"),
}


class HelpPage(msgspec.Struct, frozen=True, kw_only=True):
    till: TillView
    key: str
    seen: str
    """The pass, sealed, when it is on the table already."""
    reasons: tuple[tuple[str, str], ...]
    errors: tuple[tuple[str, str], ...]


def told(reason: str) -> Result | None:
    """The front page's large answer, once a case is open."""
    if reason not in TELL_THE_SHOPPER:
        return None
    return Result("info", "info", N_("Somebody looks into it"), TELL_THE_SHOPPER[reason], N_("Tell the customer so."))


@get("/help", include_in_schema=False)
async def help_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    return await _show(request, request.query_params.get("seen", "")[:2_000])


async def _show(request: Request[Any, Any, Any], seen: str, errors: tuple[tuple[str, str], ...] = ()) -> ASGIResponse:
    place = await here(request)
    opened = till_reading.open_pass(request.app.state.context.vault, till_of(request).device_id, seen, now())
    view = HelpPage(
        till=place.view,
        key=fresh_key(),
        seen=seen if opened is not None else "",
        reasons=tuple((reason, WORDS[reason]) for reason in REASONS),
        errors=errors,
    )
    return page(render("till/help.html", view, page="help"), 422 if errors else 200)


@post("/help", include_in_schema=False)
async def ask(request: Request[Any, Any, Any]) -> ASGIResponse:
    form, context, till, at = await read_form(request), request.app.state.context, till_of(request), now()
    reason, text = form.one("reason", 20), _pass(request, form)
    if reason not in REASONS:
        return await _show(request, form.one("seen"), (("reason-code_unreadable", N_("Say what is wrong.")),))
    if text and codes.spoken_code(text) is not None:
        problem = await context.db.read(counter.too_many_misses, till.device_id, at)
        if problem is not None:
            raise Refused(problem)
    asked = HelpIn(reason=reason, pass_text=text or None)
    answer, _ = await once(request, form, HelpAnswer, ask_for_help, context.passes, till, asked, at)
    if isinstance(answer, Problem):
        raise Refused(answer)
    if answer.verdict == "refused":
        return await show_home(request, till_words.refused(answer.reason))
    return see_other(f"/till?helped={reason}")


def _pass(request: Request[Any, Any, Any], form: Form) -> str:
    vault, till = request.app.state.context.vault, till_of(request)
    seen = till_reading.open_pass(vault, till.device_id, form.one("seen"), now())
    return form.one("text", 500) or (seen.code if seen is not None and not seen.return_id else "")


HANDLERS: Final[list[Any]] = [help_page, ask]
