"""Full and silent places: the list first, their map beside it where there is script and room."""

from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from geopy.distance import great_circle
from litestar import Request, get
from litestar.response.base import ASGIResponse

from dropoff.kernel.clock import now
from dropoff.network import location_store
from dropoff.network.location_store import Watched
from dropoff.network.pages_operator import KIND_WORDS, Head, head
from dropoff.network.positions import number
from dropoff.web import words
from dropoff.web.answers import answer
from dropoff.web.languages import N_, _, ngettext, said
from dropoff.web.middleware import allow_images
from dropoff.web.shell import page, render

SHOWN: Final = 50
PINS_MAX: Final = 500
DAYS: Final = (3, 7, 14, 30)
ONLY: Final = (
    ("", N_("Full and silent")),
    ("full", N_("Full")),
    ("silent", N_("Silent")),
    ("stopped", N_("Used before")),
    ("unused", N_("Never used")),
)
SCRIPT_WORDS: Final = {
    "show": N_("Show the map"),
    "hide": N_("Hide the map"),
    "failed": N_("The map could not be loaded."),
    "tooMany": N_("The first %d of these places are shown."),
    "cluster": N_("%d places; zoom in"),
    "map": N_("Map of full and silent places"),
    "zoomIn": N_("Zoom in"),
    "zoomOut": N_("Zoom out"),
}


class Line(msgspec.Struct, frozen=True):
    id: str
    lat: float
    lon: float
    url: str
    name: str
    kind: str
    address: str
    opening: str
    """What is the matter, where the finder's map tells the hours."""
    tone: str
    last: str
    """What happened there last."""


class WatchView(msgspec.Struct, frozen=True):
    head: Head
    places: list[Line]
    choices: list[tuple[str, str, bool]]
    """Address, words, whether it is on."""
    days: list[tuple[str, str, bool]]
    more: str
    pins: str
    tiles: str
    tiles_from: str
    words: str


@get("/watch", include_in_schema=False)
async def watch_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    only, days, after = _asked(request)
    found = await _watched(request, only, days, after, SHOWN + 1)
    kept = {"only": only, "days": str(days)}
    tiles = request.app.state.context.settings.map_tiles
    view = WatchView(
        head=head(request, "watch"),
        places=found[:SHOWN],
        choices=[(_url(kept | {"only": name}), said, name == only) for name, said in ONLY],
        days=[
            (_url(kept | {"days": str(one)}), ngettext("%(num)d day", "%(num)d days", one), one == days) for one in DAYS
        ],
        more=_url(kept | {"after": found[SHOWN - 1].id}) if len(found) > SHOWN else "",
        pins=f"/network/watch/pins?{urlencode(kept)}",
        tiles=tiles.address,
        tiles_from=tiles.attribution,
        words=msgspec.json.encode(said(SCRIPT_WORDS)).decode(),
    )
    allow_images(request.scope, tiles.hosts)
    return page(render("network/watch.html", view))


@get("/watch/pins", include_in_schema=False)
async def watch_pins(request: Request[Any, Any, Any]) -> ASGIResponse:
    """For the page's own map: those of the first so many that are within a radius."""
    only, days, _after = _asked(request)
    lat, _comma, lon = request.query_params.get("near", "").partition(",")
    here, radius = (number(lat), number(lon)), number(request.query_params.get("radius", ""))
    if here[0] is None or here[1] is None or radius is None or abs(here[0][0]) > 90:
        return answer({"pins": [], "all": False}, 422)
    middle = here[0][0], here[1][0]
    found = await _watched(request, only, days, "", PINS_MAX + 1)
    near = [one for one in found[:PINS_MAX] if great_circle(middle, (one.lat, one.lon)).m <= radius[0]]
    return answer({"pins": near, "all": len(found) <= PINS_MAX}, headers={"cache-control": "no-store"})


def _asked(request: Request[Any, Any, Any]) -> tuple[str, int, str]:
    asked = request.query_params
    days, only = asked.get("days", ""), asked.get("only", "")
    wanted = int(days) if days in map(str, DAYS) else DAYS[1]
    return only if only in dict(ONLY) else "", wanted, asked.get("after", "")[:40]


async def _watched(request: Request[Any, Any, Any], only: str, days: int, after: str, limit: int) -> list[Line]:
    at = now()
    db = request.app.state.context.db
    found = await db.read(location_store.watched, at - timedelta(days=days), only, after, limit)
    return [_line(one, at) for one in found]


def _line(one: Watched, at: datetime) -> Line:
    is_unused = one.hand_in_at is None and one.driver_at is None
    silent = _("Never used") if is_unused else _("Silent")
    full = _("Full: %(held)d of %(all)d", held=one.waiting, all=one.capacity) if one.is_full else silent
    town = " ".join(part for part in (one.postcode, one.city) if part)
    hand_in = _when(_("Last hand-in"), one.hand_in_at, one.zone, at)
    last = f"{hand_in} · {_when(_('Last driver'), one.driver_at, one.zone, at)}"
    if is_unused:
        last = _when(_("In the network since"), one.created_at, one.zone, at)
    return Line(
        id=one.id,
        lat=one.lat,
        lon=one.lon,
        url=f"/network/places/{one.id}",
        name=one.name,
        kind=one.kind,
        address=", ".join(part for part in (_(KIND_WORDS[one.kind]), one.street, town, one.country) if part),
        opening=full,
        tone="bad" if one.is_full else "wait",
        last=last,
    )


def _days(count: int) -> str:
    return ngettext("%(num)d day", "%(num)d days", count)


def _when(what: str, moment: datetime | None, zone: str, at: datetime) -> str:
    return f"{what}: {words.at(moment, zone, at) if moment else _('never')}"


def _url(fields: dict[str, str]) -> str:
    return f"/network/watch?{urlencode(fields)}"


HANDLERS: Final[list[Any]] = [watch_page, watch_pins]
