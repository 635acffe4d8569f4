"""The operator's own fleet: nothing outside is called, so nothing can be unavailable or unknown."""

import base64
import hashlib
from collections.abc import Mapping

import msgspec

from dropoff.ports.carrier import Booking, BookingRequest, Rejected, read_settings


class CourierSettings(msgspec.Struct, frozen=True):
    """None yet: the struct is here so that a mistyped setting is told at start."""


class Courier:
    services = ("standard",)
    repeats_are_safe = True

    def book(self, request: BookingRequest) -> Booking:
        if request.service not in self.services:
            raise Rejected(f"the courier has no service {request.service!r}, only standard")
        return Booking(tracking_number=tracking_number(request.reference))


def tracking_number(reference: str) -> str:
    """`CO` and 60 bits of the reference's hash in base32: short enough to read out, never the same twice by
    chance."""
    digest = hashlib.sha256(reference.encode()).digest()
    return "CO" + base64.b32encode(digest).decode()[:12]


def connect(environment: Mapping[str, str]) -> Courier:
    read_settings("courier", environment, CourierSettings)
    return Courier()
