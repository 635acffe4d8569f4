"""Tills over HTTP: made and revoked by operators, paired by whoever holds the code."""

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, delete, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import Meta

from dropoff.access import protocol
from dropoff.access.guards import for_operator
from dropoff.access.principal import principal
from dropoff.db import Tx
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem
from dropoff.network import service
from dropoff.network.store import Device
from dropoff.web.answers import read, write
from dropoff.web.body import body, query
from dropoff.web.openapi import doc
from dropoff.web.problems import Refused
from dropoff.web.schema import Limit, Name


class DeviceQuery(msgspec.Struct, frozen=True):
    limit: Limit = 50
    after: Annotated[str, Meta(max_length=40)] = ""


class DeviceBody(msgspec.Struct, frozen=True):
    name: Name
    live: bool | None = None


class DeviceView(msgspec.Struct, frozen=True):
    id: str
    name: str
    location: str
    live: bool
    created_at: datetime
    paired_at: datetime | None
    revoked_at: datetime | None


class DeviceList(msgspec.Struct, frozen=True):
    items: list[DeviceView]
    next: str | None


class PairBody(msgspec.Struct, frozen=True):
    pairing_code: Annotated[str, Meta(min_length=1, max_length=100)]
    protocol: Annotated[int, Meta(ge=0, le=1_000_000)] | None = None
    """Which version of these calls the till's program was written for; it says so in `X-Till-Protocol` from then on."""


class PairedView(msgspec.Struct, frozen=True):
    token: str
    device: str
    location: str
    device_name: str
    location_name: str
    live: bool
    protocol: int
    """What the service speaks now."""
    protocol_oldest: int
    """A till that says an older one is refused with `till-too-old`."""


@post(
    "/v1/locations/{location_id:str}/devices",
    guards=[for_operator],
    opt=doc(
        "Add a till to a location and get its pairing link",
        body=DeviceBody,
        answer=service.NewDevice,
        status=201,
        problems=("location-unknown",),
        key="optional",
    ),
)
async def add_device(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    sent = await body(request, DeviceBody)
    base_url = request.app.state.context.settings.base_url
    return await write(
        request,
        service.add_device,
        location_id,
        sent.name,
        base_url,
        now(),
        principal(request).actor,
        sent.live,
        status=201,
    )


@post(
    "/v1/devices/pair",
    status_code=200,
    opt=doc(
        "Exchange a pairing code for a token, once",
        body=PairBody,
        answer=PairedView,
        problems=("not-found", "pairing-code-used", "till-too-old"),
    ),
)
async def pair_device(request: Request[Any, Any, Any]) -> ASGIResponse:
    sent = await body(request, PairBody)
    old = protocol.too_old(sent.protocol)
    if old is not None:
        raise Refused(old)  # the code stays good for a newer program
    # No Idempotency-Key here: its scope is the caller, and before pairing every caller is the same nobody.
    return await write(request, _pair_device, sent.pairing_code, now(), key="none")


def _pair_device(tx: Tx, code: str, at: datetime) -> PairedView | Problem:
    paired = service.pair_device(tx, code, at)
    if isinstance(paired, Problem):
        return paired
    device, place = paired.device, paired.location
    spoken = (protocol.CURRENT, protocol.OLDEST)
    return PairedView(paired.token, device.id, place.id, device.name, place.name, device.live, *spoken)


@get(
    "/v1/locations/{location_id:str}/devices",
    guards=[for_operator],
    opt=doc("List a location's tills", query=DeviceQuery, answer=DeviceList, problems=("not-found",)),
)
async def list_location_devices(request: Request[Any, Any, Any], location_id: FromPath[str]) -> ASGIResponse:
    wanted = query(request, DeviceQuery)
    return await read(request, _list_devices, location_id, wanted.after, wanted.limit)


@get("/v1/devices", guards=[for_operator], opt=doc("List all tills", query=DeviceQuery, answer=DeviceList))
async def list_devices(request: Request[Any, Any, Any]) -> ASGIResponse:
    wanted = query(request, DeviceQuery)
    return await read(request, _list_devices, None, wanted.after, wanted.limit)


def _list_devices(tx: Tx, location_id: str | None, after: str, limit: int) -> DeviceList | Problem:
    page = service.list_devices(tx, location_id, after, limit)
    return page if isinstance(page, Problem) else DeviceList([_view(device) for device in page.items], page.next)


@delete(
    "/v1/devices/{device_id:str}",
    guards=[for_operator],
    status_code=200,
    opt=doc("Revoke a till: its token and sessions end", answer=DeviceView, problems=("not-found",)),
)
async def revoke_device(request: Request[Any, Any, Any], device_id: FromPath[str]) -> ASGIResponse:
    revoked = await write(request, _revoke_device, device_id, now(), principal(request).actor, key="none")
    request.app.state.context.principals.forget()
    return revoked


def _revoke_device(tx: Tx, device_id: str, at: datetime, actor: str) -> DeviceView | Problem:
    device = service.revoke_device(tx, device_id, at, actor)
    return device if isinstance(device, Problem) else _view(device)


def _view(device: Device) -> DeviceView:
    return DeviceView(
        id=device.id,
        name=device.name,
        location=device.location_id,
        live=device.live,
        created_at=device.created_at,
        paired_at=device.paired_at,
        revoked_at=device.revoked_at,
    )


HANDLERS: Final = [add_device, pair_device, list_location_devices, list_devices, revoke_device]
