"""The public search: from the in-process index, without the database. Operators may also list all that is held."""

import re
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain
from typing import Annotated, Any, Final

import anyio.to_thread
import msgspec
from litestar import Request, get
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import Meta

from dropoff.access.guards import authenticate
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem, invalid
from dropoff.network import countries, service
from dropoff.network.nearby import Search, Snapshot
from dropoff.network.nearby_columns import operator_key
from dropoff.network.nearby_hours import SAYS
from dropoff.network.nearby_place import Address, Position
from dropoff.network.nearby_ranking import Found
from dropoff.network.positions import number
from dropoff.network.store import Location, LocationFilter
from dropoff.web.answers import JSON, answer
from dropoff.web.body import query
from dropoff.web.openapi import doc
from dropoff.web.problems import Refused

LIMIT_MAX: Final = 100
RADIUS_MAX_M: Final = 21_000_000
PUBLIC_KINDS: Final = ("store", "locker", "post_office")
_ANY: Final[frozenset[str]] = frozenset()
_WORD = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_OPEN: Final = tuple(msgspec.json.encode(said) for said in SAYS)


class SearchQuery(msgspec.Struct, frozen=True, kw_only=True):
    """One of `near` and `q`; `near` goes first. Neither, for an operator, lists everything page by page."""

    near: Annotated[str, Meta(max_length=80, description="LAT,LON in degrees")] | None = None
    q: Annotated[str, Meta(max_length=200, description="a postcode or a city of the network")] | None = None
    country: Annotated[str, Meta(max_length=2, description="ISO 3166 alpha-2")] | None = None
    limit: Annotated[int, Meta(ge=1, le=LIMIT_MAX)] = 20
    kind: Annotated[str, Meta(max_length=100, description="any of these, between commas")] | None = None
    open_at: Annotated[str, Meta(max_length=40, description="RFC 3339 with an offset, or `now`")] | None = None
    accepts: Annotated[str, Meta(max_length=400, description="all of these, between commas")] | None = None
    operator: Annotated[str, Meta(max_length=400, description="any of these names, between commas")] | None = None
    radius_m: Annotated[float, Meta(gt=0, le=RADIUS_MAX_M)] | None = None
    after: Annotated[str, Meta(max_length=40)] = ""
    source: Annotated[str, Meta(max_length=60)] | None = None
    state: Annotated[str, Meta(max_length=10)] | None = None


class FoundLocation(msgspec.Struct, frozen=True):
    """`open_now` is null when unknown."""

    id: str
    external_id: str
    name: str
    kind: str
    operator: str | None
    address: Address
    position: Position
    opening_hours: str | None
    accepts: tuple[str, ...]
    distance_m: float
    open_now: bool | None


class FoundLocations(msgspec.Struct, frozen=True):
    """`near` is where was searched from: null when `q` names no place of the network."""

    items: list[FoundLocation]
    near: Position | None
    next: str | None = None
    """Always null: the search answers at most `limit` places, and a wider one asks with a larger limit."""


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
    accepts: tuple[str, ...]
    phone: str | None
    url: str | None


class LocationList(msgspec.Struct, frozen=True):
    items: list[LocationView]
    next: str | None


@get("/v1/locations", opt=doc("Find the nearest places", query=SearchQuery, answer=FoundLocations))
async def find_locations(request: Request[Any, Any, Any]) -> ASGIResponse:
    wanted = query(request, SearchQuery)
    if wanted.near is None and wanted.q is None:
        return await _list_all(request, wanted)
    at = now()
    snapshot: Snapshot = request.app.state.context.nearby.snapshot
    country, kinds, words = _country(wanted.country), _kinds(wanted.kind), _words(wanted.accepts)
    here = _position(wanted.near) if wanted.near is not None else snapshot.find(wanted.q or "", country)
    open_at = _moment(wanted.open_at, at)
    if here is None:
        return answer(FoundLocations([], None))
    search = Search(
        lat=here[0],
        lon=here[1],
        limit=wanted.limit,
        kinds=kinds,
        accepts=words,
        operators=_operators(wanted.operator),
        country=country,
        radius_m=wanted.radius_m,
        open_at=open_at,
    )
    found = snapshot.found_quickly(search)
    if found is None:
        found = await anyio.to_thread.run_sync(snapshot.found, search)
    return ASGIResponse(body=_told(snapshot, found, here, at), media_type=JSON)


async def _list_all(request: Request[Any, Any, Any], wanted: SearchQuery) -> ASGIResponse:
    who = await authenticate(request)
    if who is None or who.role != "operator":
        raise Refused(invalid("?near", "Give `near` as LAT,LON, or `q` as a postcode or city."))
    names = LocationFilter(
        after=wanted.after,
        limit=wanted.limit,
        source=wanted.source,
        kind=wanted.kind,
        state=wanted.state,
        country=_country(wanted.country),
    )
    page = await request.app.state.context.db.read(service.list_locations, names)
    return answer(LocationList([_view(place) for place in page.items], page.next))


@get("/v1/locations/{location_id:str}", opt=doc("Read a place", answer=LocationView, problems=("not-found",)))
async def read_location(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    who = await authenticate(request)
    find = service.location if who is not None and who.role == "operator" else service.public_location
    found = await request.app.state.context.db.read(find, location_id)
    if not isinstance(found, Location):
        raise Refused(found or Problem("not-found"))
    return answer(_view(found))


def _position(text: str) -> tuple[float, float]:
    parts = [number(part) for part in text.split(",")]
    if len(parts) == 2 and parts[0] is not None and parts[1] is not None:
        lat, lon = parts[0][0], parts[1][0]
        if -90 <= lat <= 90 and -180 <= lon <= 180:
            return lat, lon
    raise Refused(invalid("?near", "`near` is LAT,LON in degrees: -90 to 90 and -180 to 180."))


def _country(text: str | None) -> str | None:
    if not text:
        return None
    if text.upper() not in countries.country_codes():
        raise Refused(invalid("?country", "`country` is an ISO 3166 alpha-2 code such as DK."))
    return text.upper()


def _kinds(text: str | None) -> frozenset[str]:
    if not text:
        return _ANY
    found = frozenset(part.strip() for part in text.split(",") if part.strip())
    if not found <= set(PUBLIC_KINDS):
        raise Refused(invalid("?kind", f"`kind` holds {', '.join(PUBLIC_KINDS)}, between commas."))
    return found


def _words(text: str | None) -> frozenset[str]:
    if not text:
        return _ANY
    found = frozenset(part.strip().casefold() for part in text.split(",") if part.strip())
    if not all(map(_WORD.fullmatch, found)):
        raise Refused(invalid("?accepts", "`accepts` holds words such as box_free, between commas."))
    return found


def _operators(text: str | None) -> frozenset[str]:
    """Case, accents and punctuation do not count. A name without a letter is no operator's."""
    if not text:
        return _ANY
    names = (part.strip() for part in text.split(","))
    return frozenset(operator_key(name) or name for name in names if name)


def _moment(text: str | None, at: datetime) -> datetime | None:
    if not text:
        return None
    if text == "now":
        return at
    try:
        # A plus sign that was not encoded arrives as a blank.
        found = datetime.fromisoformat(text.replace(" ", "+"))
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise Refused(invalid("?open_at", "`open_at` is `now` or an RFC 3339 time with its offset."))


def _told(snapshot: Snapshot, found: Found, here: tuple[float, float], at: datetime) -> bytes:
    """`FoundLocations` as JSON, put together from ready pieces: encoding it would take longer than finding it."""
    words = [_OPEN[state] for state in snapshot.open_states(found.refs, at)]
    told = chain.from_iterable(zip(snapshot.pieces(found.refs), found.metres, words, strict=True))
    return _frame(len(words)) % (*told, *here)


@lru_cache(maxsize=LIMIT_MAX + 1)
def _frame(count: int) -> bytes:
    item = b'%b,"distance_m":%.1f,"open_now":%b}'
    return b'{"items":[' + b",".join([item] * count) + b'],"near":{"lat":%a,"lon":%a},"next":null}'


def _view(place: Location) -> LocationView:
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
        open_now=service.open_now(place, now()),
        accepts=place.accepts,
        phone=place.phone or None,
        url=place.url or None,
    )


HANDLERS: Final = [find_locations, read_location]
