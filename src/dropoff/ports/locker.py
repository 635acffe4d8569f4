"""What a locker adapter gives and gets. This file is the whole contract; `dropoff.testing` holds the proof of it.

An adapter is a distribution with one entry point in the group `dropoff.lockers`. Its name is what an operator connects
a bank of lockers by; its object is a factory that is called once for each bank:

    [project.entry-points."dropoff.lockers"]
    acme = "dropoff_lockers_acme:connect"

    def connect(bank: str, settings: Mapping[str, str]) -> AcmeBank:
        return AcmeBank(bank, read_bank_settings(settings, AcmeSettings))

Methods are synchronous: they run in worker threads, several at once, so an adapter keeps no state between calls other
than its connections. A shopper stands in front of the door while a call runs: give up after a few seconds.

Every call names the reservation by our reference and may be repeated: it brings about a state, and answers it. So a
reference never holds two compartments, and a door that is told to open twice is open once.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal, Protocol, TypeVar

import msgspec

ENTRY_POINT_GROUP: Final = "dropoff.lockers"

Size = Literal["small", "medium", "large"]
SIZES: Final[tuple[Size, ...]] = ("small", "medium", "large")
"""From the smallest; a bank may give a larger compartment than was asked for, never a smaller one."""

CompartmentState = Literal["free", "reserved", "occupied", "out_of_order"]
DoorState = Literal["shut", "open", "unknown"]

Reason = Literal["full", "expired", "unknown_reference", "occupied", "jammed", "not_empty", "other"]
REASONS: Final[tuple[Reason, ...]] = (
    "full",
    "expired",
    "unknown_reference",
    "occupied",
    "jammed",
    "not_empty",
    "other",
)

Settings = TypeVar("Settings", bound=msgspec.Struct)


class Compartment(msgspec.Struct, frozen=True, kw_only=True):
    """One door. `number` is what stands on it."""

    number: str
    size: Size
    width_mm: int | None = None
    height_mm: int | None = None
    depth_mm: int | None = None
    """What fits inside; None when the bank does not say."""
    state: CompartmentState
    door: DoorState = "unknown"
    inside: bool | None = None
    """Whether something lies in it; None when the bank cannot tell."""
    reference: str | None = None
    """Whose reservation holds it."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A compartment, for one parcel.

    `reference` is ours, unique for good, 26 characters A-Z and 0-9.
    """

    reference: str
    size: Size
    keep_s: int
    """How long the bank keeps the compartment if its door is never opened. Once it was opened, only `release` frees
    it."""


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """How a reservation stands at the bank."""

    reference: str
    compartment: Compartment
    expires_at: datetime | None = None
    """UTC; None once its door was opened."""
    opened: bool = False
    """Whether its door was ever opened."""


class LockerError(Exception):
    """Base of the four kinds. Raise one of them, never this."""


class Unavailable(LockerError):
    """Surely not done: a refused connection, a bank that says it is starting, a time-out before anything was sent."""


class Rejected(LockerError):
    """Surely not done, and the bank said why:

    - `full`: no compartment of this size or a larger one is free
    - `expired`, `unknown_reference`: nothing is reserved under it any more, or ever was
    - `occupied`: something lies in the compartment that nobody of ours put there; its door stays shut
    - `jammed`: the door does not open
    - `not_empty`: a release while something lies in the compartment
    - `other`
    """

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason: Reason = reason


class Misconfigured(LockerError):
    """Surely not done, and nothing will be until somebody changes a setting: the address, the key, the bank's name."""


class Unknown(LockerError):
    """Maybe done. For a time-out or a reset after the request went out, a 5xx, or an answer that makes no sense."""


class LockerBank(Protocol):
    """One bank of compartments at one place."""

    def compartments(self) -> tuple[Compartment, ...]:
        """Every door, in the order they are told to people."""
        ...

    def reserve(self, wanted: Wanted) -> Reservation:
        """Hold the smallest free compartment that is large enough. A known reference answers its reservation."""
        ...

    def find(self, reference: str) -> Reservation | None:
        """How the reservation stands, with its door and what is inside; None when the bank is sure that it holds none.

        Raise `Unavailable` when the bank cannot say now.
        """
        ...

    def open(self, reference: str) -> Reservation:
        """Open the door of this reservation. An open door stays open."""
        ...

    def release(self, reference: str) -> None:
        """Give the compartment back. Nothing happens when none is held."""
        ...


def read_bank_settings(settings: Mapping[str, str], shape: type[Settings]) -> Settings:
    """An adapter's own settings of one bank, checked against its struct. Raises `Misconfigured`."""
    unknown = sorted(set(settings) - set(shape.__struct_fields__))
    if unknown:
        raise Misconfigured(f"no such setting: {', '.join(unknown)}")
    try:
        return msgspec.convert(dict(settings), shape, strict=False)
    except msgspec.ValidationError as error:
        raise Misconfigured(str(error)) from error
