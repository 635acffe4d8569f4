"""Signing in with a key, signing out, and the front page, which shows everyone their door."""

from typing import Any, Final

import msgspec
from litestar import Request, get, post
from litestar.response.base import ASGIResponse

from dropoff.access import service
from dropoff.access.guards import authenticate, csrf_token, form_fields, session_cookie, session_token, source_of
from dropoff.access.principal import Principal
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem
from dropoff.web.languages import N_, _
from dropoff.web.problems import Refused
from dropoff.web.shell import page, render, see_other

OPERATOR_LINKS: Final = (
    ("/network/places", N_("Places"), N_("Find, add, edit, pause and close drop-off points")),
    ("/network/watch", N_("Full and silent"), N_("Places without room, and places where nothing happens")),
    ("/network/imports", N_("Imports"), N_("Bring in a file, and see what imports and syncs did")),
    ("/network/sources", N_("Sources"), N_("Where places come from: compare, sync, release what is held")),
    ("/v1/retailers", N_("Retailers"), N_("Shops whose returns come through the network")),
    ("/v1/lanes", N_("Lanes"), N_("From where to whom, on which days and until when")),
    ("/v1/shipments", N_("Shipments"), N_("What is planned, booked and on its way")),
    ("/v1/cases", N_("Cases"), N_("What needs a human: missing, unexpected, unknown")),
    ("/counter-times", N_("Counter time"), N_("How long customers stand at the counter")),
    ("/health/ready", N_("Health"), N_("Whether this server can work")),
)
RETAILER_LINKS: Final = (
    ("/v1/returns", N_("Returns"), N_("Every return of your shop and where it stands")),
    ("/v1/shipments", N_("Shipments"), N_("What is coming to your warehouse")),
    ("/v1/cases", N_("Cases"), N_("Differences between what was sent and what came")),
    ("/v1/events", N_("Events"), N_("Your log, the same that your webhooks tell")),
)


class HomeView(msgspec.Struct, frozen=True):
    role: str = ""
    who: str = ""
    csrf: str = ""
    links: tuple[tuple[str, str, str], ...] = ()


class LoginView(msgspec.Struct, frozen=True):
    next: str
    errors: tuple[tuple[str, str], ...] = ()


@get("/", include_in_schema=False)
async def home(request: Request[Any, Any, Any]) -> ASGIResponse:
    return page(render("home.html", _home(request, await authenticate(request))))


def _home(request: Request[Any, Any, Any], who: Principal | None) -> HomeView:
    session = session_token(request)
    if who is None or session is None:
        return HomeView()
    names = {"operator": _("Operator"), "retailer": who.name, "device": _("Till %(name)s", name=who.name)}
    links = {"operator": OPERATOR_LINKS, "retailer": RETAILER_LINKS}.get(who.role, ())
    return HomeView(who.role, names[who.role], csrf_token(request.app.state.context.vault, session), links)


@get("/login", include_in_schema=False)
async def login_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    return page(render("access/login.html", LoginView(_own_path(request.query_params.get("next", "")))))


@post("/login", include_in_schema=False)
async def login(request: Request[Any, Any, Any]) -> ASGIResponse:
    refuse_other_sites(request)
    fields = dict(await form_fields(request))
    target, key = _own_path(fields.get("next", "")), fields.get("key", "").strip()
    if not key:
        return _login_again(target, _("Type or paste your key."))
    context = request.app.state.context
    former = session_token(request)
    found = await context.db.write(service.login, key, now(), source_of(request), former)
    if isinstance(found, Problem):
        if found.code == "too-many-requests":
            raise Refused(found)
        return _login_again(target, _("This key is not known, or it was revoked."))
    if former is not None:
        context.principals.forget()
    token, who = found
    ttl = int(service.SESSION_TTL.total_seconds())
    cookie = session_cookie(token, https=_https(request), max_age_s=ttl)
    return see_other("/till" if who.role == "device" else target, {"set-cookie": cookie})


def _login_again(target: str, text: str) -> ASGIResponse:
    return page(render("access/login.html", LoginView(target, (("key", text),))), 401)


@post("/logout", include_in_schema=False)
async def logout(request: Request[Any, Any, Any]) -> ASGIResponse:
    await authenticate(request)  # a cookie's form must carry its token, or another site could sign people out
    session = session_token(request)
    if session is not None:
        await request.app.state.context.db.write(service.logout, session)
        request.app.state.context.principals.forget()
    return see_other("/", {"set-cookie": session_cookie("", https=_https(request), max_age_s=0)})


def refuse_other_sites(request: Request[Any, Any, Any]) -> None:
    """For forms that come before a session and so have no token: the browser itself says who sent them."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Refused(Problem("csrf-failed"))


def _https(request: Request[Any, Any, Any]) -> bool:
    return bool(request.app.state.context.settings.base_url.startswith("https:"))


def _own_path(text: str) -> str:
    """Only a path of ours, so that a link to /login leads nowhere else afterwards."""
    plain = text.isascii() and text.isprintable() and "\\" not in text
    return text if plain and text.startswith("/") and not text.startswith("//") else "/"


HANDLERS: Final = [home, login_page, login, logout]
