"""Lanes over HTTP, for operators."""

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, delete, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import Meta

from dropoff.access.guards import for_operator
from dropoff.access.principal import principal
from dropoff.db import Tx
from dropoff.kernel.clock import now
from dropoff.kernel.errors import FieldError, Problem, invalid
from dropoff.kernel.money import CURRENCIES
from dropoff.network import rules, service
from dropoff.network.rules import Lane
from dropoff.network.service import NewLane
from dropoff.web.answers import answer, write
from dropoff.web.body import body, query
from dropoff.web.openapi import doc
from dropoff.web.problems import problem_response
from dropoff.web.schema import Limit


class LaneQuery(msgspec.Struct, frozen=True):
    limit: Limit = 50
    after: Annotated[str, Meta(max_length=40)] = ""


class LaneView(msgspec.Struct, frozen=True):
    id: str
    origin: service.Origin
    destination: service.Destination
    carrier: str
    service: str
    days: str
    cutoff: str
    max_weight_g: int | None
    price: dict[str, Any] | None
    transit_days: int | None
    created_at: datetime
    max_bag_weight_g: int | None = None
    max_bag_parcels: int | None = None


class LaneList(msgspec.Struct, frozen=True):
    items: list[LaneView]
    next: str | None


@get("/v1/lanes", guards=[for_operator], opt=doc("List lanes", query=LaneQuery, answer=LaneList))
async def list_lanes(request: Request[Any, Any, Any]) -> ASGIResponse:
    wanted = query(request, LaneQuery)
    page = await request.app.state.context.db.read(service.list_lanes, wanted.after, wanted.limit)
    return answer(LaneList([_lane_view(lane) for lane in page.items], page.next))


@post(
    "/v1/lanes",
    guards=[for_operator],
    opt=doc(
        "Add a lane",
        body=NewLane,
        answer=LaneView,
        status=201,
        problems=("location-unknown", "carrier-unknown"),
        key="optional",
    ),
)
async def add_lane(request: Request[Any, Any, Any]) -> ASGIResponse:
    sent = await body(request, NewLane)
    problem = _lane_problem(sent, request.app.state.context.plugins.carriers)
    if problem is not None:
        return problem_response(request, problem)
    return await write(request, _add_lane, sent, now(), principal(request).actor, status=201)


def _add_lane(tx: Tx, new: NewLane, at: datetime, actor: str) -> LaneView | Problem:
    lane = service.add_lane(tx, new, at, actor)
    return lane if isinstance(lane, Problem) else _lane_view(lane)


def _lane_problem(sent: NewLane, carriers: dict[str, Any]) -> Problem | None:
    """What the shape alone does not say."""
    if (sent.origin.location is None) != sent.origin.any:
        return invalid("/origin", "Give either `location` or `any: true`.")
    if (sent.destination.retailer is None) == (sent.destination.hub is None):
        return invalid("/destination", "Give either `retailer` or `hub`.")
    if not rules.parse_days(sent.days):
        return invalid("/days", "Days are OSM weekdays such as `Mo-Fr,Su`.")
    if not rules.is_cutoff(sent.cutoff):
        return invalid("/cutoff", "The cut-off is HH:MM, from 00:00 to 23:59.")
    if sent.price is not None and sent.price.currency not in CURRENCIES:
        return invalid("/price/currency", "This currency is not taken.")
    carrier = carriers.get(sent.carrier)
    if carrier is None:
        return _carrier_unknown("/carrier", f"There is no carrier {sent.carrier!r}.")
    if sent.service not in carrier.services:
        return _carrier_unknown("/service", f"The services of {sent.carrier} are {', '.join(carrier.services)}.")
    return None


def _carrier_unknown(pointer: str, told: str) -> Problem:
    return Problem("carrier-unknown", told, (FieldError(pointer, told),))


@delete(
    "/v1/lanes/{lane_id:str}",
    guards=[for_operator],
    status_code=200,
    opt=doc("Remove a lane; what was planned by it goes on", answer=LaneView, problems=("not-found",)),
)
async def remove_lane(request: Request[Any, Any, Any], lane_id: FromPath[str]) -> ASGIResponse:
    return await write(request, _remove_lane, lane_id, now(), principal(request).actor, key="none")


def _remove_lane(tx: Tx, lane_id: str, at: datetime, actor: str) -> LaneView | Problem:
    lane = service.remove_lane(tx, lane_id, at, actor)
    return lane if isinstance(lane, Problem) else _lane_view(lane)


def _lane_view(lane: Lane) -> LaneView:
    return LaneView(
        id=lane.id,
        origin=service.Origin(lane.origin_location_id, lane.origin_location_id is None),
        destination=service.Destination(lane.destination_retailer_id, lane.destination_hub_id),
        carrier=lane.carrier,
        service=lane.service,
        days=lane.days,
        cutoff=lane.cutoff,
        max_weight_g=lane.max_weight_g,
        price=lane.price,
        transit_days=lane.transit_days,
        created_at=lane.created_at,
        max_bag_weight_g=lane.max_bag_weight_g,
        max_bag_parcels=lane.max_bag_parcels,
    )


HANDLERS: Final = [list_lanes, add_lane, remove_lane]
