"""The pass page: the code to show, where to go with it, what happened, and the money.

Whoever bears the code may see it, so there is no login and no token in its forms; nothing on it is personal.
"""

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
from dropoff.kernel.errors import PROBLEMS, Problem
from dropoff.network.places import locate_from
from dropoff.returns import qr
from dropoff.returns import service as returns
from dropoff.returns.service import Links
from dropoff.shopper import rules, service
from dropoff.shopper.pass_views import Notice
from dropoff.shopper.service import Seen
from dropoff.web import speaking, words
from dropoff.web.languages import N_, _
from dropoff.web.shell import page, render, see_other

KEPT_FOREVER: Final = "private, max-age=31536000, immutable"
DONE: Final = {
    "renewed": Notice("good", N_("You have more time. The code stays the same.")),
    "kept": Notice("info", N_("This return has all the time already that the retailer gives.")),
    "cancelled": Notice("good", N_("The return is cancelled.")),
}
CANCEL_REFUSED: Final = {
    "order-not-found": N_(
        "Order number and e-mail do not belong to this return. Look into the shop's confirmation mail."
    ),
}
HOME: Final = (("/", N_("To the start")),)


class MessageView(msgspec.Struct, frozen=True):
    title: str
    text: str
    try_again: bool = False
    links: tuple[tuple[str, str], ...] = HOME


class RenewView(msgspec.Struct, frozen=True):
    title: str
    text: str
    possible: bool
    problem: str
    action: str
    back: str


class CancelView(msgspec.Struct, frozen=True, kw_only=True):
    errors: tuple[tuple[str, str], ...] = ()
    problem: str = ""
    order: str = ""
    email: str = ""
    action: str
    back: str


def unknown_pass() -> ASGIResponse:
    text = _(
        "Perhaps a letter got lost. The link in your mail always works; its last 16 letters and digits are the code."
    )
    return page(render("shopper/message.html", MessageView(_("We do not know this code"), text, try_again=True)), 404)


def _path(code: str) -> str:
    return f"/p/{codes.normalise_code(code)}"


async def see(request: Request[Any, Any, Any], code: str) -> Seen | None:
    context = request.app.state.context
    seen: Seen | None = await context.db.read(service.see_pass, context.passes, code, now())
    if seen is not None:
        speaking.suggest(*seen.locales)
    return seen


@get("/pass", include_in_schema=False)
async def open_pass(request: Request[Any, Any, Any]) -> ASGIResponse:
    """From the form on the front page: an address or a code, however it was typed."""
    text = request.query_params.get("code", "")
    if codes.spoken_code(text):
        said = _("This short code is for the clerk at the counter. To see your return, open the link in your mail.")
        return page(render("shopper/message.html", MessageView(_("Say this code at the counter"), said)))
    found = codes.code_candidates(text)
    if found and codes.is_visit_code(found[0]) and await _is_visit(request, found[0]):
        return see_other(f"/v/{found[0]}")
    return see_other(f"/p/{found[0]}") if found else unknown_pass()


async def _is_visit(request: Request[Any, Any, Any], code: str) -> bool:
    context = request.app.state.context
    return await context.db.read(returns.find_visit_by_code, context.passes, code) is not None


@get(["/p/{code:str}", "/P/{code:str}"], include_in_schema=False)
async def pass_page(request: Request[Any, Any, Any], code: FromPath[str]) -> ASGIResponse:
    seen = await see(request, code)
    if seen is None:
        return unknown_pass()
    at = now()
    asked = request.query_params.get("q")
    wanted = seen.postcode if asked is None else asked.strip()[:80]
    # In a thread: the first question with a filter may take the index a while, and hours are parsed when first read.
    snapshot = request.app.state.context.nearby.snapshot
    where = await locate_from(request.app.state.context, wanted, seen.country, ask=asked is not None)
    near = await anyio.to_thread.run_sync(service.places_near, snapshot, wanted, where, seen.needs, at)
    notice = DONE.get(request.query_params.get("done", ""))
    view = rules.pass_view(seen.facts, at, path=_path(code), near=near, notice=notice)
    return page(render("shopper/pass.html", view))


@get(["/p/{code:str}/qr.png", "/P/{code:str}/qr.png"], include_in_schema=False)
async def pass_png(request: Request[Any, Any, Any], code: FromPath[str]) -> ASGIResponse:
    return _picture(request, code, png=True)


@get(["/p/{code:str}/qr.svg", "/P/{code:str}/qr.svg"], include_in_schema=False)
async def pass_svg(request: Request[Any, Any, Any], code: FromPath[str]) -> ASGIResponse:
    return _picture(request, code, png=False)


def _picture(request: Request[Any, Any, Any], code: str, *, png: bool) -> ASGIResponse:
    """The picture says what the address says, so no look-up is needed, and it tells nobody which codes exist."""
    plain = codes.normalise_code(code)
    if not codes.is_code(plain):
        return unknown_pass()
    text = qr.pass_text(request.app.state.context.settings.base_url, plain)
    picture = qr.pass_png(text) if png else qr.pass_svg(text)
    headers = {"cache-control": KEPT_FOREVER, "etag": picture.etag}
    known = request.headers.get("if-none-match", "")
    if known == "*" or picture.etag in known:
        return ASGIResponse(status_code=304, headers=headers)
    return ASGIResponse(body=picture.body, media_type=picture.media_type, headers=headers)


@get("/p/{code:str}/renew", include_in_schema=False)
async def renew_page(request: Request[Any, Any, Any], code: FromPath[str]) -> ASGIResponse:
    seen = await see(request, code)
    return unknown_pass() if seen is None else page(_renewal(seen, _path(code)))


def _renewal(seen: Seen, path: str, problem: str = "") -> bytes:
    at, zone, more = now(), seen.facts.zone, seen.facts.more_until
    last = words.date(seen.facts.last_day_at, zone, at)
    if more is not None:
        title, until = _("Need more time?"), words.date(more, zone, at)
        text = _(
            "The last day is %(last)s. You can have until %(until)s; the code stays the same.", last=last, until=until
        )
    elif rules.state(seen.facts, at) in ("issued", "partly_handed_in"):
        title = _("You have all the time there is")
        text = _("The last day is %(last)s. The retailer gives no more than that.", last=last)
    else:
        title = _("No more time needed")
        text = _("Nothing of this return waits to be handed in, or its time is over.")
    return render("shopper/renew.html", RenewView(title, text, more is not None, problem, f"{path}/renew", path))


@post("/p/{code:str}/renew", include_in_schema=False)
async def renew(request: Request[Any, Any, Any], code: FromPath[str]) -> ASGIResponse:
    refuse_other_sites(request)
    seen = await see(request, code)
    outcome = await request.app.state.context.db.write(_renew, _links(request), code, now())
    if seen is None or outcome is None:
        return unknown_pass()
    if isinstance(outcome, Problem):
        fresh = await see(request, code) or seen
        return page(_renewal(fresh, _path(code)), PROBLEMS[outcome.code].status)
    longer = outcome.last_day_at > seen.facts.last_day_at
    return see_other(f"{_path(code)}?done={'renewed' if longer else 'kept'}")


def _renew(tx: Tx, links: Links, code: str, at: Any) -> Any:
    found = returns.find_by_code(tx, links.passes, code)
    return returns.renew(tx, links, found, at) if found else None


@get("/p/{code:str}/cancel", include_in_schema=False)
async def cancel_page(request: Request[Any, Any, Any], code: FromPath[str]) -> ASGIResponse:
    seen = await see(request, code)
    if seen is None:
        return unknown_pass()
    return page(_cancellation(code)) if _cancellable(seen) else page(_too_late_to_cancel(_path(code)))


def _cancellable(seen: Seen) -> bool:
    return rules.state(seen.facts, now()) == "issued"


def _too_late_to_cancel(path: str) -> bytes:
    said = _("Something was handed in already, or the return is closed. Where it stands is on the page of the return.")
    view = MessageView(_("This return cannot be cancelled any more"), said, links=((path, _("Back to my return")),))
    return render("shopper/message.html", view)


def _cancellation(code: str, **more: Any) -> bytes:
    path = _path(code)
    return render("shopper/cancel.html", CancelView(action=f"{path}/cancel", back=path, **more))


@post("/p/{code:str}/cancel", include_in_schema=False)
async def cancel(request: Request[Any, Any, Any], code: FromPath[str]) -> ASGIResponse:
    refuse_other_sites(request)
    fields = dict(await form_fields(request))
    order, email = fields.get("order", "").strip()[:200], fields.get("email", "").strip()[:320]
    errors = []
    if not order:
        errors.append(("order", _("Type the order number.")))
    if "@" not in email:
        errors.append(("email", _("Type the e-mail address of the order.")))
    if errors:
        return page(_cancellation(code, errors=tuple(errors), order=order, email=email), 422)
    outcome = await request.app.state.context.db.write(_cancel, _links(request), code, (order, email), now())
    if outcome is None:
        return unknown_pass()
    if isinstance(outcome, Problem) and outcome.code == "return-not-open":
        return page(_too_late_to_cancel(_path(code)), PROBLEMS[outcome.code].status)
    if isinstance(outcome, Problem):
        said = CANCEL_REFUSED.get(outcome.code) or outcome.detail or PROBLEMS[outcome.code].title + "."
        return page(_cancellation(code, problem=said, order=order, email=email), PROBLEMS[outcome.code].status)
    return see_other(f"{_path(code)}?done=cancelled")


def _cancel(tx: Tx, links: Links, code: str, proof: tuple[str, str], at: Any) -> Any:
    found = returns.find_by_code(tx, links.passes, code)
    return returns.cancel_by_pass(tx, links, found, *proof, at) if found else None


def _links(request: Request[Any, Any, Any]) -> Links:
    context = request.app.state.context
    return Links(context.passes, context.settings.base_url)


HANDLERS: Final[list[Any]] = [
    open_pass,
    pass_page,
    pass_png,
    pass_svg,
    renew_page,
    renew,
    cancel_page,
    cancel,
]
