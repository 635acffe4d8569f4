"""SQL of lockers. Lock order: the return's row first, then deposits."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from dropoff.counter.tables import parcel
from dropoff.db import Tx
from dropoff.db.schema import insert
from dropoff.lockers import rules
from dropoff.lockers.tables import CONNECTED, HELD, KEPT, LIVE, locker_bank, locker_deposit
from dropoff.network.tables import location

TO_EMPTY = ("deposited", "blocked", "collected")
"""Compartments with something in them, or in which something may be; `collected` while the bank says that it is not
empty."""


class BankRow(msgspec.Struct, frozen=True):
    id: str
    location_id: str
    device_id: str
    adapter: str
    bank: str
    settings: bytes
    connected_at: datetime
    connected_by: str
    disconnected_at: datetime | None
    compartments: list[dict[str, Any]]
    seen_at: datetime | None
    problem: str | None


class DepositRow(msgspec.Struct, frozen=True):
    id: str
    bank_id: str
    location_id: str
    return_id: str
    retailer_id: str
    live: bool
    size: str
    units: list[str]
    state: str
    compartment: str | None
    reason: str | None
    created_at: datetime
    changed_at: datetime
    expires_at: datetime | None
    told_at: datetime | None
    looked_at: datetime | None
    confirmed_at: datetime | None
    reminded_at: datetime | None
    hand_in_id: str | None
    parcel_id: str | None
    freed_at: datetime | None

    @property
    def reference(self) -> str:
        """What the bank knows it by."""
        return self.id.removeprefix("dep_")


class BankPlace(msgspec.Struct, frozen=True):
    """A place with a bank, to find the nearest."""

    location_id: str
    lat: float
    lon: float
    problem: str | None
    compartments: list[dict[str, Any]]


def _bank(row: Any) -> BankRow:
    return BankRow(**row._mapping)


def _deposit(row: Any) -> DepositRow:
    return DepositRow(**row._mapping)


# --- banks


def insert_bank(tx: Tx, row: dict[str, Any]) -> bool:
    """False when the place has a bank."""
    statement = insert(locker_bank).values(row).on_conflict_do_nothing().returning(locker_bank.c.id)
    return bool(tx.change(statement))


def change_bank(tx: Tx, bank_id: str, **values: Any) -> BankRow | None:
    rows = tx.change(sa.update(locker_bank).where(locker_bank.c.id == bank_id).values(**values).returning(locker_bank))
    return _bank(rows[0]) if rows else None


def answers(tx: Tx, bank_id: str) -> None:
    """It does again, if it did not."""
    bad = sa.and_(locker_bank.c.id == bank_id, locker_bank.c.problem.is_not(None))
    tx.change(sa.update(locker_bank).where(bad).values(problem=None))


def bank_at(tx: Tx, location_id: str) -> BankRow | None:
    """The one that is connected."""
    row = tx.first(sa.select(locker_bank).where(locker_bank.c.location_id == location_id, CONNECTED))
    return _bank(row) if row else None


def find_bank(tx: Tx, bank_id: str) -> BankRow | None:
    row = tx.first(sa.select(locker_bank).where(locker_bank.c.id == bank_id))
    return _bank(row) if row else None


def banks(tx: Tx, after: str, limit: int) -> list[BankRow]:
    query = sa.select(locker_bank).where(CONNECTED, locker_bank.c.id > after).order_by(locker_bank.c.id).limit(limit)
    return [_bank(row) for row in tx.read(query)]


def any_banks(tx: Tx, live: bool) -> bool:
    """Whether a place that takes things in has one."""
    query = (
        sa.select(locker_bank.c.id)
        .join(location, location.c.id == locker_bank.c.location_id)
        .where(CONNECTED, location.c.live == live, location.c.state == "active")
    )
    return tx.first(query.limit(1)) is not None


def bank_places(tx: Tx, live: bool) -> list[BankPlace]:
    """Of places that take things in."""
    query = (
        sa.select(
            locker_bank.c.location_id, location.c.lat, location.c.lon, locker_bank.c.problem, locker_bank.c.compartments
        )
        .join(location, location.c.id == locker_bank.c.location_id)
        .where(CONNECTED, location.c.live == live, location.c.state == "active")
    )
    return [BankPlace(**row._mapping) for row in tx.read(query)]


# --- deposits


def insert_deposit(tx: Tx, row: dict[str, Any]) -> DepositRow | None:
    """None when the return has one that lives."""
    statement = insert(locker_deposit).values(row).on_conflict_do_nothing().returning(locker_deposit)
    rows = tx.change(statement)
    return _deposit(rows[0]) if rows else None


def find_deposit(tx: Tx, deposit_id: str) -> DepositRow | None:
    row = tx.first(sa.select(locker_deposit).where(locker_deposit.c.id == deposit_id))
    return _deposit(row) if row else None


def latest_of(tx: Tx, return_id: str) -> DepositRow | None:
    query = sa.select(locker_deposit).where(locker_deposit.c.return_id == return_id)
    row = tx.first(query.order_by(locker_deposit.c.id.desc()).limit(1))
    return _deposit(row) if row else None


def live_of(tx: Tx, return_id: str) -> DepositRow | None:
    row = tx.first(sa.select(locker_deposit).where(locker_deposit.c.return_id == return_id, LIVE))
    return _deposit(row) if row else None


def count_since(tx: Tx, return_id: str, since: datetime) -> int:
    query = sa.select(sa.func.count()).where(
        locker_deposit.c.return_id == return_id, locker_deposit.c.created_at >= since
    )
    row = tx.first(query)
    return int(row[0]) if row else 0


def count_occupied(tx: Tx, return_id: str, since: datetime) -> int:
    query = sa.select(sa.func.count()).where(
        locker_deposit.c.return_id == return_id,
        locker_deposit.c.created_at >= since,
        locker_deposit.c.reason == "occupied",
        locker_deposit.c.state.in_(("blocked", "cleared")),
    )
    row = tx.first(query)
    return int(row[0]) if row else 0


def holds(tx: Tx, bank_id: str, compartment: str) -> DepositRow | None:
    """Whose compartment it is."""
    query = sa.select(locker_deposit).where(
        locker_deposit.c.bank_id == bank_id, locker_deposit.c.compartment == compartment, HELD
    )
    row = tx.first(query)
    return _deposit(row) if row else None


def move(tx: Tx, deposit_id: str, event: str, at: datetime, **values: Any) -> DepositRow | None:
    """None when the deposit's state has no such edge: another was faster."""
    statement = (
        sa.update(locker_deposit)
        .where(locker_deposit.c.id == deposit_id, locker_deposit.c.state.in_(rules.sources(event)))
        .values(state=rules.target(event), changed_at=at, **values)
        .returning(locker_deposit)
    )
    rows = tx.change(statement)
    return _deposit(rows[0]) if rows else None


def note(tx: Tx, deposit_id: str, **values: Any) -> DepositRow | None:
    statement = (
        sa.update(locker_deposit).where(locker_deposit.c.id == deposit_id).values(**values).returning(locker_deposit)
    )
    rows = tx.change(statement)
    return _deposit(rows[0]) if rows else None


def take_look(tx: Tx, deposit_id: str, at: datetime) -> bool:
    """Whether it is this caller's turn to ask the bank."""
    unseen = sa.or_(locker_deposit.c.looked_at.is_(None), locker_deposit.c.looked_at <= at - rules.LOOK_EVERY)
    statement = sa.update(locker_deposit).where(locker_deposit.c.id == deposit_id, unseen).values(looked_at=at)
    return bool(tx.change(statement.returning(locker_deposit.c.id)))


def kept(tx: Tx, states: Collection[str], limit: int, after: str = "") -> list[DepositRow]:
    """Those whose compartment the bank does not have back."""
    query = (
        sa.select(locker_deposit)
        .where(KEPT, locker_deposit.c.state.in_(list(states)), locker_deposit.c.id > after)
        .order_by(locker_deposit.c.id)
        .limit(limit)
    )
    return [_deposit(row) for row in tx.read(query)]


def kept_at(tx: Tx, location_id: str) -> list[DepositRow]:
    query = sa.select(locker_deposit).where(KEPT, locker_deposit.c.location_id == location_id)
    return [_deposit(row) for row in tx.read(query.order_by(locker_deposit.c.id))]


def has_ours(tx: Tx, location_id: str) -> bool:
    query = sa.select(locker_deposit.c.id).where(
        KEPT, locker_deposit.c.location_id == location_id, locker_deposit.c.state.in_(rules.OURS)
    )
    return tx.first(query.limit(1)) is not None


def forget(tx: Tx, location_id: str, at: datetime) -> None:
    """No bank is asked any more to take back what ended here."""
    ended = sa.and_(KEPT, locker_deposit.c.location_id == location_id, locker_deposit.c.state.in_(rules.ENDED))
    tx.change(sa.update(locker_deposit).where(ended).values(freed_at=at))


def lying(tx: Tx, location_id: str, live: bool) -> list[Any]:
    """What has to be taken out at a place, with the tag of its parcel."""
    query = (
        sa.select(locker_deposit, parcel.c.tag)
        .join(parcel, parcel.c.id == locker_deposit.c.parcel_id, isouter=True)
        .where(
            locker_deposit.c.freed_at.is_(None),
            locker_deposit.c.location_id == location_id,
            locker_deposit.c.live == live,
            locker_deposit.c.state.in_(TO_EMPTY),
        )
        .order_by(locker_deposit.c.id)
    )
    return tx.read(query)


def of_parcels(tx: Tx, parcel_ids: Collection[str]) -> list[DepositRow]:
    query = sa.select(locker_deposit).where(
        locker_deposit.c.parcel_id.in_(list(parcel_ids)), locker_deposit.c.state == "deposited"
    )
    return [_deposit(row) for row in tx.read(query)]
