"""The finder's addresses: the list of places, one place, and the pins for the map. Anyone may ask; nobody signs in."""

from collections.abc import Mapping
from typing import Any, Final

import anyio.to_thread
from litestar import Request, get
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem
from dropoff.network import loads
from dropoff.network import service as network
from dropoff.network.facts import Needs, box_of, word
from dropoff.network.positions import number
from dropoff.shopper import find, find_where, find_words, points
from dropoff.shopper.find import Message, Wanted
from dropoff.shopper.find_filters import Filters
from dropoff.shopper.find_where import Meant, Where
from dropoff.shopper.find_words import ACCEPT_WORDS, KIND_WORDS
from dropoff.web.answers import answer
from dropoff.web.languages import _
from dropoff.web.middleware import allow_images
from dropoff.web.shell import page, render

Q_MAX: Final = 80
WORDS_READ: Final = 400
RADIUS_MAX_M: Final = 21_000_000.0
A_MINUTE: Final = {"cache-control": "public, max-age=60", "x-robots-tag": "all"}
"""For what is the same for everyone and changes with the clock."""


@get("/find", include_in_schema=False)
async def find_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    context, asked = request.app.state.context, request.query_params
    q, country = asked.get("q", "").strip()[:Q_MAX], asked.get("country", "").strip().upper()[:2]
    here = _position(asked.get("near", ""))
    by_browser, meant = here is not None, Meant()
    if here is None and q:
        languages = request.headers.get("accept-language", "")
        meant = await find_where.meant(context, q, country, find_words.countries_of(languages))
        here = meant.here
    wanted = Wanted(
        q=q,
        country=country,
        here=here,
        by_browser=by_browser,
        meant=meant,
        filters=_filters(asked),
        page=_page(asked.get("page", "")),
    )
    snapshot, tiles = context.nearby.snapshot, context.settings.map_tiles
    view = await anyio.to_thread.run_sync(find.find, snapshot, wanted, now(), tiles)
    allow_images(request.scope, tiles.hosts)
    return page(render("find/list.html", view), headers=None if asked else A_MINUTE)


@get("/find/pins", include_in_schema=False)
async def find_pins(request: Request[Any, Any, Any]) -> ASGIResponse:
    """For the page's own map: the same words as in the list. Programs ask `/v1/locations`."""
    asked = request.query_params
    middle, radius = _position(asked.get("near", "")), number(asked.get("radius", ""))
    if middle is None or radius is None or not 0 < radius[0] <= RADIUS_MAX_M:
        return answer({"pins": [], "all": False}, 422)
    snapshot = request.app.state.context.nearby.snapshot
    found = await anyio.to_thread.run_sync(find.pins, snapshot, middle, radius[0], _filters(asked), now())
    return answer(found, headers={"cache-control": "no-store"})


@get("/points/{location_id:str}", include_in_schema=False)
async def point_page(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    context = request.app.state.context
    at = now()
    place = await context.db.read(network.public_location, location_id)
    if isinstance(place, Problem) or place.state == "closed":
        said = _("Perhaps it has left the network, or the address lost a letter.")
        links = (("/find", _("Find another place")),)
        return page(render("find/gone.html", Message(_("This place takes nothing in"), said, links)), 404)
    (evidence,) = await context.db.read(loads.evidence, [location_id], at)
    (closures,) = await context.db.read(network.closures_of, [location_id], at)
    view = points.point_view(place, points.Known(evidence, closures), at, context.settings.base_url)
    return page(render("find/point.html", view), headers=A_MINUTE)


def _position(text: str) -> Where | None:
    """LAT,LON; None for anything else."""
    parts = [number(part) for part in text.split(",")]
    if len(parts) == 2 and parts[0] is not None and parts[1] is not None:
        lat, lon = parts[0][0], parts[1][0]
        if -90 <= lat <= 90 and -180 <= lon <= 180:
            return lat, lon
    return None


def _filters(asked: Mapping[str, str]) -> Filters:
    """What we do not know is left out: an address may come from anywhere."""
    weight = asked.get("weight_g", "")
    grams = int(weight) if weight.isascii() and weight.isdigit() and len(weight) < 10 else 0
    needs = Needs(
        carriers=_words(asked.get("carrier", "")),
        step_free=asked.get("step_free", "") == "true",
        printer=asked.get("printer", "") == "true",
        weight_g=grams or None,
        size_mm=box_of(asked.get("size_mm", "")[:40]),
        categories=_words(asked.get("category", "")),
    )
    return Filters(
        kinds=frozenset(KIND_WORDS).intersection(asked.get("kind", "").split(",")),
        accepts=frozenset(ACCEPT_WORDS).intersection(asked.get("accepts", "").split(",")),
        open_now=asked.get("open", "") in ("now", "1", "true"),
        on_arrival=asked.get("open", "") == "arrival",
        has_room=asked.get("room", "") in ("1", "true"),
        prefer_proven=asked.get("prefer", "") == "proven",
        needs=needs,
    )


def _words(text: str) -> frozenset[str]:
    return frozenset(filter(None, map(word, text[:WORDS_READ].split(","))))


def _page(text: str) -> int:
    wanted = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 1
    return max(1, min(wanted, find.PAGES_MAX))


HANDLERS: Final[list[Any]] = [find_page, find_pins, point_page]
