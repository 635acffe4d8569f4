"""Suggestions while somebody types where he is: postcodes and towns, from memory."""

from typing import Annotated, Any, Final

import msgspec
from litestar import Request, get
from litestar.response.base import ASGIResponse
from msgspec import Meta

from dropoff.kernel.errors import invalid
from dropoff.network import countries
from dropoff.network.nearby_place import Position
from dropoff.network.places import Places
from dropoff.web.answers import answer
from dropoff.web.body import query
from dropoff.web.openapi import doc
from dropoff.web.problems import Refused

LIMIT_MAX: Final = 20


class PlacesQuery(msgspec.Struct, frozen=True, kw_only=True):
    q: Annotated[str, Meta(min_length=1, max_length=200, description="a postcode, a town, or the beginning of one")]
    country: Annotated[str, Meta(max_length=2, description="ISO 3166 alpha-2: only places there")] | None = None
    limit: Annotated[int, Meta(ge=1, le=LIMIT_MAX)] = 8


class SuggestedPlace(msgspec.Struct, frozen=True):
    """`label` may be sent as `q` of a search. `match` is `exact`, `prefix` or `typo`; the best comes first."""

    label: str
    name: str
    postcode: str | None
    region: str | None
    country: str
    position: Position
    match: str


class SuggestedPlaces(msgspec.Struct, frozen=True):
    """`attribution` is to be shown beside the suggestions; empty when they are the network's own places."""

    items: list[SuggestedPlace]
    attribution: str


@get("/v1/places", opt=doc("Suggest places for a text", query=PlacesQuery, answer=SuggestedPlaces))
async def suggest_places(request: Request[Any, Any, Any]) -> ASGIResponse:
    wanted = query(request, PlacesQuery)
    places: Places = request.app.state.context.places
    found = places.suggest(wanted.q, _country(wanted.country), wanted.limit)
    items = [
        SuggestedPlace(
            label=place.label,
            name=place.name,
            postcode=place.postcode,
            region=place.region,
            country=place.country,
            position=Position(place.lat, place.lon),
            match=place.match,
        )
        for place in found.items
    ]
    return answer(SuggestedPlaces(items, found.attribution), headers={"cache-control": "public, max-age=60"})


def _country(text: str | None) -> str | None:
    if not text:
        return None
    if text.upper() not in countries.country_codes():
        raise Refused(invalid("?country", "`country` is an ISO 3166 alpha-2 code such as DK."))
    return text.upper()


HANDLERS: Final = [suggest_places]
