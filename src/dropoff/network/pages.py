"""The page behind a pairing link, by which a browser becomes a till; and all pages of the operator's network."""

from typing import Any, Final

import msgspec
from litestar import Request, Router, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from dropoff.access import service as access
from dropoff.access.guards import session_cookie
from dropoff.access.pages import refuse_other_sites
from dropoff.db import Tx
from dropoff.kernel.clock import now
from dropoff.kernel.errors import PROBLEMS, Problem
from dropoff.network import pages_imports, pages_places, pages_watch, service
from dropoff.network.pages_operator import NotSignedIn, for_operator_page, for_operator_upload, sign_in
from dropoff.network.store import Location
from dropoff.web import words
from dropoff.web.languages import N_
from dropoff.web.shell import page, render, see_other

NOT_PAIRED: Final = N_("It was used already, its time is over, or a letter got lost. Ask the operator for a new one.")


class PairView(msgspec.Struct, frozen=True):
    problem: str = ""
    location: str = ""
    address: str = ""
    device: str = ""
    until: str = ""
    action: str = ""


@get("/pair/{code:str}", include_in_schema=False)
async def pair_page(request: Request[Any, Any, Any], code: FromPath[str]) -> ASGIResponse:
    found = await request.app.state.context.db.read(service.find_pairing, code, now())
    if isinstance(found, Problem):
        return _refused(found)
    device, place = found
    until = words.at(device.pairing_expires_at, place.zone, now())
    view = PairView("", place.name, _address(place), device.name, until, f"/pair/{code}")
    return page(render("network/pair.html", view))


@post("/pair/{code:str}", include_in_schema=False)
async def pair(request: Request[Any, Any, Any], code: FromPath[str]) -> ASGIResponse:
    refuse_other_sites(request)
    context = request.app.state.context
    outcome = await context.db.write(_pair_browser, code, now())
    if isinstance(outcome, Problem):
        return _refused(outcome)
    https = context.settings.base_url.startswith("https:")
    ttl = int(access.DEVICE_SESSION_TTL.total_seconds())
    return see_other("/till", {"set-cookie": session_cookie(outcome, https=https, max_age_s=ttl)})


def _pair_browser(tx: Tx, code: str, at: Any) -> str | Problem:
    """The value of the till's cookie. The token itself is not needed here, and nobody ever sees it."""
    paired = service.pair_device(tx, code, at)
    if isinstance(paired, Problem):
        return paired
    return access.start_session(tx, paired.credential_id, at, access.DEVICE_SESSION_TTL)


def _refused(problem: Problem) -> ASGIResponse:
    return page(render("network/pair.html", PairView(problem=NOT_PAIRED)), PROBLEMS[problem.code].status)


@get("/", include_in_schema=False)
async def start() -> ASGIResponse:
    return see_other("/network/places")


def _address(place: Location) -> str:
    town = " ".join(part for part in (place.postcode, place.city) if part)
    return ", ".join(part for part in (place.street, town, place.country) if part)


operator = Router(
    path="/network",
    guards=[for_operator_page],
    exception_handlers={NotSignedIn: sign_in},
    route_handlers=[start, *pages_places.HANDLERS, *pages_imports.HANDLERS, *pages_watch.HANDLERS],
)
uploads = Router(
    path="/network",
    guards=[for_operator_upload],
    exception_handlers={NotSignedIn: sign_in},
    route_handlers=pages_imports.UPLOADS,
)
HANDLERS: Final = [pair_page, pair, operator, uploads]
