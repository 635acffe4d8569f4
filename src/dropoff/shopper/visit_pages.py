"""The visit code: several returns, of several retailers, under one code for the counter.

Whoever bears the code may see and change it, as with a pass, so there is no login. Returns come in by their own codes
alone. The browser keeps the code of the visit that it gathers into, so that opening the next pass is enough.
"""

from datetime import datetime
from typing import Any, Final

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from dropoff.access import service as access
from dropoff.access.guards import form_fields, source_of
from dropoff.access.pages import refuse_other_sites
from dropoff.db import Tx
from dropoff.kernel import codes
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem
from dropoff.returns import qr
from dropoff.returns import service as returns
from dropoff.returns.passes import PassKeys
from dropoff.returns.service import Visit
from dropoff.shopper import visit_views
from dropoff.shopper.pages import KEPT_FOREVER, unknown_pass
from dropoff.shopper.pass_views import Notice
from dropoff.web import speaking
from dropoff.web.languages import N_
from dropoff.web.problems import Refused
from dropoff.web.shell import page, render, see_other

COOKIE: Final = "dropoff_visit"
COOKIE_S: Final = 30 * 24 * 3600
GUESS: Final = "visit"
DONE: Final = {
    "added": Notice("good", N_("The return is under this code now.")),
    "removed": Notice("good", N_("The return is not under this code any more. Its own code still works.")),
}
UNKNOWN: Final = N_("No return has this code. Open the link in its mail, or type the short code once more.")
WRONG: Final = {
    "mixed": N_("A test return and a real one cannot come under one code."),
    "full": N_("One code holds no more returns. Start another one for the rest."),
    "gone": N_("This visit code has ended. Start another one."),
}


class StartView(msgspec.Struct, frozen=True):
    error: str = ""
    typed: str = ""


def _kept(request: Request[Any, Any, Any]) -> str:
    """The code that this browser gathers under."""
    for part in request.headers.get("cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE and codes.is_visit_code(value):
            return value
    return ""


def _keep(request: Request[Any, Any, Any], code: str) -> dict[str, str]:
    secure = "; Secure" if request.app.state.context.settings.base_url.startswith("https:") else ""
    age = COOKIE_S if code else 0
    return {"set-cookie": f"{COOKIE}={code}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age}{secure}"}


@get("/visit", include_in_schema=False)
async def start_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    kept = _kept(request)
    if kept and await _find(request, kept) is not None:
        return see_other(f"/v/{kept}")
    return page(render("shopper/visit_start.html", StartView()))


@post("/visit", include_in_schema=False)
async def bring(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Under the visit code that this browser gathers under, else under a new one."""
    refuse_other_sites(request)
    context = request.app.state.context
    text = dict(await form_fields(request)).get("pass", "").strip()[:500]
    outcome = await context.db.write(_bring, context.passes, _kept(request), text, source_of(request), now())
    if isinstance(outcome, Problem):
        raise Refused(outcome)
    code, wrong = outcome
    if not code:
        return page(render("shopper/visit_start.html", StartView(wrong, text)), 422)
    if wrong:
        return await _visit_page(request, code, error=wrong, typed=text)
    return see_other(f"/v/{code}?done=added", _keep(request, code))


def _bring(tx: Tx, passes: PassKeys, code: str, text: str, source: str, at: datetime) -> tuple[str, str] | Problem:
    """The visit's code, and what was wrong."""
    found = _find_pass(tx, passes, text, source, at)
    if isinstance(found, Problem):
        return found
    visit = returns.find_visit_by_code(tx, passes, code) if code else None
    if found is None:
        return (code if visit else ""), UNKNOWN
    refused = returns.add_to_visit(tx, visit.id, found, at) if visit else None
    if visit is None or refused:
        # The browser's own visit is of another kind, or full: a fresh one does no harm.
        return passes.visit_code(returns.start_visit(tx, passes, found, at).id), ""
    return code, ""


def _find_pass(tx: Tx, passes: PassKeys, text: str, source: str, at: datetime) -> returns.OpenPass | Problem | None:
    """Here short codes open something without a login, so wrong ones are counted, as everywhere."""
    braked = access.too_many_guesses(tx, GUESS, source, at)
    if braked is not None:
        return braked
    found = returns.find_pass(tx, passes, text)
    if found is None and (codes.normalise_short_code(text) or codes.code_candidates(text)):
        access.note_guess(tx, GUESS, source, at)
    return found


async def _find(request: Request[Any, Any, Any], code: str) -> Visit | None:
    context = request.app.state.context
    found: Visit | None = await context.db.read(returns.find_visit_by_code, context.passes, code)
    return found


@get(["/v/{code:str}", "/V/{code:str}"], include_in_schema=False)
async def visit_page(request: Request[Any, Any, Any], code: FromPath[str]) -> ASGIResponse:
    return await _visit_page(request, code, notice=DONE.get(request.query_params.get("done", "")))


async def _visit_page(
    request: Request[Any, Any, Any], code: str, *, notice: Notice | None = None, error: str = "", typed: str = ""
) -> ASGIResponse:
    context, at = request.app.state.context, now()
    code = codes.normalise_code(code)
    seen = await context.db.read(visit_views.see_visit, context.passes, code, at)
    if seen is None:
        return unknown_pass()
    speaking.suggest(*(one.locale for one in seen.returns))
    view = visit_views.visit_view(seen, code, at, notice=notice, error=error, typed=typed)
    return page(render("shopper/visit.html", view), 422 if error else 200)


@get(["/v/{code:str}/qr.svg", "/V/{code:str}/qr.svg"], include_in_schema=False)
async def visit_qr(request: Request[Any, Any, Any], code: FromPath[str]) -> ASGIResponse:
    """Says what the address says, so no look-up is needed."""
    plain = codes.normalise_code(code)
    if not codes.is_visit_code(plain):
        return unknown_pass()
    picture = qr.pass_svg(qr.visit_text(request.app.state.context.settings.base_url, plain))
    return ASGIResponse(body=picture.body, media_type=picture.media_type, headers={"cache-control": KEPT_FOREVER})


@post("/v/{code:str}/add", include_in_schema=False)
async def add(request: Request[Any, Any, Any], code: FromPath[str]) -> ASGIResponse:
    refuse_other_sites(request)
    context = request.app.state.context
    code = codes.normalise_code(code)
    text = dict(await form_fields(request)).get("pass", "").strip()[:500]
    wrong = await context.db.write(_add, context.passes, code, text, source_of(request), now())
    if isinstance(wrong, Problem):
        raise Refused(wrong)
    if wrong:
        return await _visit_page(request, code, error=wrong, typed=text)
    return see_other(f"/v/{code}?done=added", _keep(request, code))


def _add(tx: Tx, passes: PassKeys, code: str, text: str, source: str, at: datetime) -> str | Problem:
    """What was wrong; empty when nothing was."""
    visit = returns.find_visit_by_code(tx, passes, code)
    if visit is None:
        return WRONG["gone"]
    found = _find_pass(tx, passes, text, source, at)
    if isinstance(found, Problem):
        return found
    if found is None:
        return UNKNOWN
    refused = returns.add_to_visit(tx, visit.id, found, at)
    return WRONG[refused] if refused else ""


@post("/v/{code:str}/remove", include_in_schema=False)
async def remove(request: Request[Any, Any, Any], code: FromPath[str]) -> ASGIResponse:
    refuse_other_sites(request)
    context = request.app.state.context
    code = codes.normalise_code(code)
    return_id = dict(await form_fields(request)).get("return", "")[:30]
    await context.db.write(_remove, context.passes, code, return_id, now())
    return see_other(f"/v/{code}?done=removed")


def _remove(tx: Tx, passes: PassKeys, code: str, return_id: str, at: datetime) -> None:
    visit = returns.find_visit_by_code(tx, passes, code)
    if visit is not None:
        returns.remove_from_visit(tx, visit.id, return_id, at)


@post("/visit/leave", include_in_schema=False)
async def leave(request: Request[Any, Any, Any]) -> ASGIResponse:
    """This browser gathers under another code from now on; the former one stays as it is."""
    refuse_other_sites(request)
    return see_other("/visit", _keep(request, ""))


HANDLERS: Final[list[Any]] = [start_page, bring, leave, visit_page, visit_qr, add, remove]
