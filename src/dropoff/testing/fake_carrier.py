"""A carrier that does not exist, with an adapter written as a real one should be: the example to copy from.

Its protocol: `POST /bookings` books (each costs money, a repeated reference answers 409 with the existing
booking), `GET /bookings/{reference}` looks up. Nothing here is a mock: the adapter speaks HTTP to
`CarrierServer`.
"""

import base64
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import msgspec

from dropoff.ports.carrier import (
    Booking,
    BookingRequest,
    Label,
    Misconfigured,
    Rejected,
    Unavailable,
    Unknown,
    read_settings,
)
from dropoff.testing.server import Answer, Received


class FakeCarrierSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    url: str
    timeout_s: float = 5


class FakeCarrier:
    """Books over HTTP and finds by reference."""

    services = ("standard", "express")

    def __init__(self, settings: FakeCarrierSettings) -> None:
        # No connection is kept: a call on a connection that the carrier has just closed would end as *unknown*.
        self._client = httpx.Client(
            base_url=settings.url,
            timeout=settings.timeout_s,
            trust_env=False,
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    def book(self, request: BookingRequest) -> Booking:
        if request.service not in self.services:
            raise Rejected(f"no such service: {request.service}")
        try:
            answer = self._client.post(
                "/bookings",
                content=msgspec.json.encode(request),
                headers={"Content-Type": "application/json"},
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Unavailable(f"no connection: {error}") from error
        except httpx.TransportError as error:
            raise Unknown(f"no answer: {type(error).__name__}") from error
        return _booking(answer)

    def close(self) -> None:
        self._client.close()

    def find_by_reference(self, reference: str, *, live: bool) -> Booking | None:
        try:
            answer = self._client.get(f"/bookings/{reference}", params={"live": str(live).lower()})
        except httpx.TransportError as error:
            raise Unavailable(f"no answer: {type(error).__name__}") from error
        if answer.status_code == 404:
            return None
        try:
            return _booking(answer)
        except Unknown as error:
            raise Unavailable(str(error)) from error  # a look-up can always be asked again


def connect_fake(environment: Mapping[str, str]) -> FakeCarrier:
    """The factory as an entry point would name it."""
    return FakeCarrier(read_settings("fake", environment, FakeCarrierSettings))


class _Wire(msgspec.Struct, frozen=True):
    number: str
    label: str
    remarks: tuple[str, ...] = ()


def _booking(answer: httpx.Response) -> Booking:
    """Every answer of the carrier is one of five things; what is none of them is *unknown*."""
    status = answer.status_code
    if status == 429:
        raise Unavailable("too many requests", retry_after_s=_retry_after_s(answer))
    if status in (401, 403):
        raise Misconfigured(f"the carrier answered {status}: check the credentials")
    if 400 <= status < 500 and status != 409:
        raise Rejected(_message(answer))
    if status not in (200, 201, 409):
        raise Unknown(f"the carrier answered {status}")
    try:
        wire = msgspec.json.decode(answer.content, type=_Wire)
        data = base64.b64decode(wire.label, validate=True)
    except ValueError as error:  # msgspec's and base64's errors are both ValueErrors
        raise Unknown(f"the answer makes no sense: {error}") from error
    return Booking(tracking_number=wire.number, labels=(Label(format="zpl", data=data),), warnings=wire.remarks)


def _retry_after_s(answer: httpx.Response) -> float | None:
    """Retry-After in seconds; a date counts from the carrier's own Date header."""
    value = answer.headers.get("retry-after", "")
    if value.isdigit():
        return float(value)
    try:
        wait = parsedate_to_datetime(value) - parsedate_to_datetime(answer.headers["date"])
    except (ValueError, KeyError, TypeError):
        return None
    return max(0.0, wait.total_seconds())


def _message(answer: httpx.Response) -> str:
    try:
        return str(msgspec.json.decode(answer.content)["message"])[:500]
    except (ValueError, KeyError, TypeError):
        return f"the carrier answered {answer.status_code}"


def fake_carrier_answers() -> Callable[[Received], Answer]:
    """The carrier's side: a function for `CarrierServer` that remembers what it booked. Cities named Nowhere
    are refused."""
    booked: dict[str, dict[str, Any]] = {}

    def answer(request: Received) -> Answer:
        path = request.path.partition("?")[0]
        if request.method == "GET":
            found = booked.get(path.rpartition("/")[2])
            return Answer(200, msgspec.json.encode(found)) if found else Answer(404)
        wish = msgspec.json.decode(request.body, type=BookingRequest)
        if wish.destination.city == "Nowhere":
            return Answer(422, b'{"message": "We do not deliver to Nowhere."}')
        if wish.reference in booked:
            return Answer(409, msgspec.json.encode(booked[wish.reference]))
        booked[wish.reference] = {
            "number": f"FAKE{len(booked) + 1:08d}",
            "label": base64.b64encode(b"^XA^FDfake^FS^XZ").decode(),
            "remarks": [] if wish.live else ["This is a test booking."],
        }
        return Answer(201, msgspec.json.encode(booked[wish.reference]))

    return answer
