"""What the rooms above and the routes call; each name is told where it stands."""

from datetime import datetime

import msgspec

from dropoff.db import Tx
from dropoff.kernel.errors import Problem, not_found
from dropoff.lockers import store
from dropoff.lockers.banks import (
    BankPage,
    BankView,
    CompartmentView,
    NewBank,
    bank_view,
    compartments_of,
    connect,
    disconnect,
    free_of,
    list_banks,
)
from dropoff.lockers.deposits import Begin, confirm, deny
from dropoff.lockers.driving import (
    check,
    give_up,
    look_at_bank,
    open_door,
    open_to_empty,
    report_occupied,
    reserve,
    settle,
)
from dropoff.lockers.rules import LIVE, SIZE_MM
from dropoff.lockers.store import BankPlace, DepositRow, any_banks, bank_at, bank_places
from dropoff.returns import service as returns
from dropoff.returns.passes import PassKeys

__all__ = [
    "LIVE",
    "SIZE_MM",
    "BankPage",
    "BankPlace",
    "BankView",
    "Begin",
    "CompartmentView",
    "DepositRow",
    "DepositView",
    "LyingView",
    "NewBank",
    "any_banks",
    "bank_at",
    "bank_places",
    "bank_view",
    "check",
    "compartments_of",
    "confirm",
    "connect",
    "deny",
    "deposit_here",
    "deposit_of",
    "deposit_view",
    "disconnect",
    "free_of",
    "give_up",
    "latest_deposit",
    "list_banks",
    "look_at_bank",
    "lying",
    "open_door",
    "open_to_empty",
    "report_occupied",
    "reserve",
    "settle",
]


class DepositView(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    location: str
    state: str
    """`deposited`: it was taken in. See docs/states.md."""
    reason: str | None
    """Why it stands so; `ask`: say that it is in and the door is shut."""
    size: str
    compartment: str | None
    """What stands on its door."""
    units: list[str]
    expires_at: datetime | None
    """Until when the compartment waits to be opened."""
    hand_in: str | None


class LyingView(msgspec.Struct, frozen=True, kw_only=True):
    """A compartment of ours, for whoever empties it."""

    deposit: str
    compartment: str
    state: str
    reason: str | None
    since: datetime
    parcel: str | None
    tag: str | None
    """To be written on the parcel as it is taken out, or printed."""


def deposit_view(row: DepositRow) -> DepositView:
    return DepositView(
        id=row.id,
        location=row.location_id,
        state=row.state,
        reason=row.reason,
        size=row.size,
        compartment=row.compartment,
        units=row.units,
        expires_at=row.expires_at if row.state == "reserved" else None,
        hand_in=row.hand_in_id,
    )


def deposit_of(tx: Tx, return_id: str) -> DepositRow | None:
    """The latest of a return."""
    return store.latest_of(tx, return_id)


def latest_deposit(tx: Tx, passes: PassKeys, code: str) -> DepositRow | Problem:
    """Of the return that this code opens."""
    found = returns.find_by_code(tx, passes, code)
    row = store.latest_of(tx, found.return_id) if found is not None else None
    if found is None:
        return not_found("pass")
    return row or not_found("compartment for this pass")


def lying(tx: Tx, location_id: str, live: bool) -> list[LyingView]:
    """What has to be taken out here: parcels, and compartments that somebody has to look into."""
    return [
        LyingView(
            deposit=row.id,
            compartment=row.compartment or "",
            state=row.state,
            reason=row.reason,
            since=row.changed_at,
            parcel=row.parcel_id,
            tag=row.tag,
        )
        for row in store.lying(tx, location_id, live)
    ]


def deposit_here(tx: Tx, deposit_id: str, location_id: str, live: bool) -> DepositRow | None:
    """One that may be opened to empty it."""
    row = store.find_deposit(tx, deposit_id)
    if row is None or (row.location_id, row.live) != (location_id, live):
        return None
    return row if row.state in store.TO_EMPTY and row.freed_at is None else None
