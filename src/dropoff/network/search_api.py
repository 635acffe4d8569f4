"""The public search: from the in-process index, without the database. Operators may also list all that is held."""

from datetime import datetime, timedelta
from typing import Any, Final

import anyio.to_thread
import msgspec
from litestar import Request, get
from litestar.response.base import ASGIResponse

from dropoff.access.guards import authenticate
from dropoff.db import Tx
from dropoff.kernel.clock import now
from dropoff.kernel.errors import invalid
from dropoff.network import loads, service
from dropoff.network.closures import Closed
from dropoff.network.evidence import Evidence
from dropoff.network.facts import Box
from dropoff.network.nearby import Snapshot
from dropoff.network.nearby_door import PATH, told
from dropoff.network.nearby_hours import minute_of
from dropoff.network.nearby_place import Address, Position
from dropoff.network.nearby_ranking import Slow
from dropoff.network.places import Meant, NoPlace, locate, meant
from dropoff.network.search_query import SearchQuery, country_of, filters_of, position_of
from dropoff.network.store import Location, LocationFilter
from dropoff.web.answers import JSON, answer
from dropoff.web.body import query
from dropoff.web.openapi import doc
from dropoff.web.problems import Refused


class FoundLocation(msgspec.Struct, frozen=True):
    """What is null is unknown, `open_now` too. `opens_at` tells when a closed place opens, `closes_at` when an open one
    closes; null when nobody knows, or when it is more than 60 days ahead."""

    id: str
    external_id: str
    name: str
    kind: str
    operator: str | None
    address: Address
    position: Position
    opening_hours: str | None
    accepts: tuple[str, ...]
    photo_url: str | None
    access_note: str | None
    carriers: tuple[str, ...] | None
    step_free: bool | None
    has_printer: bool | None
    max_weight_g: int | None
    max_size_mm: Box | None
    refuses: tuple[str, ...] | None
    closures: tuple[Closed, ...]
    distance_m: float
    open_now: bool | None
    opens_at: datetime | None
    closes_at: datetime | None
    evidence: Evidence


class FoundLocations(msgspec.Struct, frozen=True):
    """`near` is where was searched from: null when `q` names no place. `next` is always null: the search answers at
    most `limit` places, and a wider one asks with a larger limit. `place` is what `q` was taken for."""

    items: list[FoundLocation]
    near: Position | None
    next: str | None = None
    place: Meant | None = None


class LocationView(msgspec.Struct, frozen=True):
    id: str
    source: str
    external_id: str
    name: str
    kind: str
    state: str
    live: bool
    operator: str | None
    address: Address
    position: Position
    zone: str
    opening_hours: str | None
    open_now: bool | None
    opens_at: datetime | None
    closes_at: datetime | None
    evidence: Evidence
    accepts: tuple[str, ...]
    closures: tuple[Closed, ...]
    phone: str | None
    url: str | None
    photo_url: str | None
    access_note: str | None
    carriers: tuple[str, ...] | None
    step_free: bool | None
    has_printer: bool | None
    max_weight_g: int | None
    max_size_mm: Box | None
    refuses: tuple[str, ...] | None


class LocationList(msgspec.Struct, frozen=True):
    items: list[LocationView]
    next: str | None


@get(PATH, opt=doc("Find the nearest places", query=SearchQuery, answer=FoundLocations))
async def find_locations(request: Request[Any, Any, Any]) -> ASGIResponse:
    wanted = query(request, SearchQuery)
    if wanted.near is None and wanted.q is None:
        return await _list_all(request, wanted)
    minute, filters = minute_of(now()), filters_of(wanted)
    snapshot: Snapshot = request.app.state.context.nearby.snapshot
    place = None
    if wanted.near is not None:
        here = position_of(wanted.near)
    else:
        place = await locate(request.app.state.context, wanted.q or "", filters.wanted.country)
        if isinstance(place, NoPlace):
            return answer(FoundLocations([], None, place=meant(place)))
        here = place.lat, place.lon
    try:
        found = snapshot.ask(filters.question(here, minute, patient=False))
    except Slow:
        found = await anyio.to_thread.run_sync(snapshot.ask, filters.question(here, minute, patient=True))
    body = told(snapshot, found, here, minute)
    if place is not None:
        body = b'%b,"place":%b}' % (body[:-1], msgspec.json.encode(meant(place)))
    return ASGIResponse(body=body, media_type=JSON)


async def _list_all(request: Request[Any, Any, Any], wanted: SearchQuery) -> ASGIResponse:
    who = await authenticate(request)
    if who is None or who.role != "operator":
        raise Refused(invalid("?near", "Give `near` as LAT,LON, or `q` as a postcode or city."))
    at, db = now(), request.app.state.context.db
    names = LocationFilter(
        after=wanted.after,
        limit=wanted.limit,
        source=wanted.source,
        kind=wanted.kind,
        state=wanted.state,
        country=country_of(wanted.country),
        full=wanted.full is not None,
        silent_since=None if wanted.silent_days is None else at - timedelta(days=wanted.silent_days),
    )
    page = await db.read(service.list_locations, names)
    return answer(LocationList(await db.read(views, page.items, at), page.next))


def views(tx: Tx, places: list[Location], at: datetime) -> list[LocationView]:
    ids = [place.id for place in places]
    told = zip(places, loads.evidence(tx, ids, at), service.closures_of(tx, ids, at), strict=True)
    return [_view(place, evidence, closed, at) for place, evidence, closed in told]


def _view(place: Location, evidence: Evidence, closures: tuple[Closed, ...], at: datetime) -> LocationView:
    hours = service.opening(place, closures, at)
    return LocationView(
        id=place.id,
        source=place.source,
        external_id=place.external_id,
        name=place.name,
        kind=place.kind,
        state=place.state,
        live=place.live,
        operator=place.operator or None,
        address=Address(place.street or None, place.postcode or None, place.city or None, place.country),
        position=Position(place.lat, place.lon),
        zone=place.zone,
        opening_hours=place.opening_hours or None,
        open_now=hours.open_now,
        opens_at=hours.opens_at,
        closes_at=hours.closes_at,
        evidence=evidence,
        accepts=place.accepts,
        closures=closures,
        phone=place.phone or None,
        url=place.url or None,
        photo_url=place.photo_url or None,
        access_note=place.access_note or None,
        **msgspec.structs.asdict(place.facts),
    )


HANDLERS: Final = [find_locations]
