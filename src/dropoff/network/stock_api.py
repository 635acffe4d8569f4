"""What somebody at a place tells of it (how many parcels it can hold, tags left, how the printer is), and what is known
of it."""

from datetime import datetime
from typing import Any, Final

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from dropoff.access.guards import for_device, for_operator
from dropoff.access.principal import principal
from dropoff.db import Tx
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem
from dropoff.network import loads
from dropoff.network.load_store import Load
from dropoff.network.loads import Stock
from dropoff.web.answers import read, write
from dropoff.web.body import body
from dropoff.web.openapi import doc


class LoadView(msgspec.Struct, frozen=True):
    """For the place itself and its operator; the public is told less. Null is unknown; each fact has its own moment."""

    location: str
    waiting: int
    """Parcels that lie there."""
    waiting_at: datetime | None
    capacity: int | None
    capacity_at: datetime | None
    left: int | None
    """How many more it can hold."""
    hand_in_at: datetime | None
    driver_at: datetime | None
    tags: int | None
    tags_at: datetime | None
    printer: str | None
    printer_at: datetime | None


@post(
    "/v1/counter/stock",
    guards=[for_device],
    status_code=200,
    opt=doc(
        "Tell how much the place can hold, its tags and its printer",
        body=Stock,
        answer=LoadView,
        problems=("not-found",),
        tag="Counter",
    ),
)
async def tell_own_stock(request: Request[Any, Any, Any]) -> ASGIResponse:
    who = principal(request)
    assert who.location_id, "the guard sees to it"
    return await write(request, _tell, who.location_id, await body(request, Stock), now(), who.actor, key="none")


@post(
    "/v1/locations/{location_id:str}/stock",
    guards=[for_operator],
    status_code=200,
    opt=doc(
        "Tell how much a place can hold, its tags and its printer",
        body=Stock,
        answer=LoadView,
        problems=("not-found",),
    ),
)
async def tell_stock(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    stock = await body(request, Stock)
    return await write(request, _tell, location_id, stock, now(), principal(request).actor, key="none")


@get(
    "/v1/locations/{location_id:str}/load",
    guards=[for_operator],
    opt=doc("Read what is known of a place from what happens there", answer=LoadView, problems=("not-found",)),
)
async def read_load(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    return await read(request, _read, location_id)


def _tell(tx: Tx, location_id: str, stock: Stock, at: datetime, actor: str) -> LoadView | Problem:
    told = loads.tell(tx, location_id, stock, at, actor)
    return told if isinstance(told, Problem) else _view(location_id, told)


def _read(tx: Tx, location_id: str) -> LoadView | None:
    return _view(location_id, loads.find(tx, location_id)) if loads.modes(tx, [location_id]) else None


def _view(location_id: str, load: Load | None) -> LoadView:
    told: dict[str, Any] = {"waiting": 0} if load is None else msgspec.structs.asdict(load)
    facts = {name: told.get(name) for name in LoadView.__struct_fields__ if name not in ("location", "left")}
    return LoadView(location=location_id, left=loads.left(load), **facts)  # type: ignore[arg-type]


HANDLERS: Final = [tell_own_stock, tell_stock, read_load]
