"""What a carrier adapter gives and gets. This file is the whole contract; `dropoff.testing` holds the proof
of it.

An adapter is a distribution with one entry point in the group `dropoff.carriers`. Its name is the carrier's
name on lanes; its object is a factory that gets the process environment and gives a `Carrier`:

    [project.entry-points."dropoff.carriers"]
    acme = "dropoff_carrier_acme:connect"

    def connect(environment: Mapping[str, str]) -> AcmeCarrier:
        return AcmeCarrier(read_settings("acme", environment, AcmeSettings))

Only `Carrier.book` is required. What a carrier can do beyond it is a small protocol of its own, which an
adapter simply implements; the service asks with `isinstance`. Methods are synchronous: they run in worker
threads, several at once, so an adapter keeps no state between calls other than its connections.

The four kinds of failure are the heart of the contract, because a booking costs money. A call may be made
again only when it surely did nothing. If in doubt, raise `Unknown`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, Protocol, TypeVar, runtime_checkable

import msgspec

ENTRY_POINT_GROUP = "dropoff.carriers"

LabelFormat = Literal["pdf", "png", "zpl"]

Settings = TypeVar("Settings", bound=msgspec.Struct)


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """A place that goods leave or reach. `country` is ISO 3166 alpha-2."""

    name: str
    street: str
    postcode: str
    city: str
    country: str


class ContainerToBook(msgspec.Struct, frozen=True, kw_only=True):
    """One logistic unit of a shipment: what carries one label."""

    sscc: str
    kind: Literal["bag", "tote", "cage", "pallet", "parcel"]
    parcel_count: int
    weight_g: int | None = None
    """Gross weight in grams; None when nobody weighed it."""


class BookingRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One shipment to be booked, once.

    `reference` is ours, unique for good, 8-35 characters A-Z and 0-9: send it wherever the carrier takes a
    reference, so that the booking can be found again.
    """

    reference: str
    service: str
    origin: Address
    destination: Address
    containers: tuple[ContainerToBook, ...]
    pickup_at: datetime
    """When the driver is expected, in UTC: the departure's cut-off."""
    live: bool = True
    """False: a test. It must go to the carrier's sandbox, or be refused with `Misconfigured` where there is
    none."""


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """A label that the carrier made. Fetch the bytes at booking: addresses of labels expire."""

    format: LabelFormat
    data: bytes
    sscc: str | None = None
    """The container it belongs to; None when it serves the whole shipment."""


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """The carrier's answer. Numbers are strings, as printed: leading zeros count."""

    tracking_number: str
    labels: tuple[Label, ...] = ()
    """Empty when the service's own SSCC labels are all that the carrier needs."""
    warnings: tuple[str, ...] = ()
    """What the carrier remarked although it booked; shown to the operator."""


class CarrierError(Exception):
    """Base of the four kinds. Raise one of them, never this."""


class Unavailable(CarrierError):
    """Surely not done: the service tries again later.

    For a refused connection, an answer 429, or a time-out before anything was sent. `retry_after_s` is the
    carrier's own wish, if it told one.
    """

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Rejected(CarrierError):
    """Surely not done, and the same request never will be: the message is the carrier's own, for the
    operator."""


class Misconfigured(CarrierError):
    """Surely not done, and nothing will be until somebody changes a setting: credentials, account, a missing
    service."""


class Unknown(CarrierError):
    """Maybe done. For a time-out or a reset after the request went out, a 5xx, or an answer that makes no
    sense.

    The service does not repeat the call, unless repeats are safe. It looks the booking up by reference where
    the carrier can, else asks a human.
    """


class Carrier(Protocol):
    """The required capability."""

    @property
    def services(self) -> tuple[str, ...]:
        """The names that a lane may give as its `service`."""
        ...

    def book(self, request: BookingRequest) -> Booking:
        """Book the shipment with at most one call that costs money, and give its number and labels.

        Never repeat that call inside: only the service knows what was tried before.
        """
        ...


@runtime_checkable
class FindsByReference(Protocol):
    """A carrier that can tell whether a reference was booked. It turns *unknown* into knowledge without a
    human."""

    def find_by_reference(self, reference: str, *, live: bool) -> Booking | None:
        """The booking under our reference, or None when the carrier is sure that there is none.

        Raise `Unavailable` when it cannot say now. A carrier whose records appear late must wait or raise,
        because None lets the service book.
        """
        ...


def repeats_are_safe(carrier: Carrier) -> bool:
    """Whether the adapter declares `repeats_are_safe = True`: a repeated reference gives the same booking,
    once paid.

    It is true where the carrier itself promises so (an idempotency key, a unique reference). Then a booking
    that ended as *unknown* is simply made again.
    """
    return getattr(carrier, "repeats_are_safe", False) is True


def read_settings(name: str, environment: Mapping[str, str], shape: type[Settings]) -> Settings:
    """An adapter's own settings from `DROPOFF_CARRIER_<NAME>_<FIELD>`, checked against its struct."""
    prefix = f"DROPOFF_CARRIER_{name.upper().replace('-', '_')}_"
    given = {key.removeprefix(prefix).lower(): value for key, value in environment.items() if key.startswith(prefix)}
    unknown = sorted(set(given) - set(shape.__struct_fields__))
    if unknown:
        raise Misconfigured(f"no such setting: {', '.join(prefix + field.upper() for field in unknown)}")
    try:
        return msgspec.convert(given, shape, strict=False)
    except msgspec.ValidationError as error:
        raise Misconfigured(f"{prefix}…: {error}") from error
