"""What is asked of a bank, and what follows from its answers. No transaction is open while a bank is asked: the intent
is committed before, what came of it after. Whatever is in doubt is found by looking, never by a second order.
"""

import logging
import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Protocol

import msgspec

from dropoff.counter import retags
from dropoff.db import Database
from dropoff.db.vault import Vault, WrongSecret
from dropoff.kernel.errors import Problem, invalid
from dropoff.lockers import banks, deposits, rules, store
from dropoff.lockers.banks import Checked, NewBank
from dropoff.lockers.deposits import Begin
from dropoff.lockers.rules import Facts
from dropoff.lockers.store import BankRow, DepositRow
from dropoff.plugins import PluginRegistry
from dropoff.ports.locker import (
    LockerBank,
    LockerError,
    Misconfigured,
    Rejected,
    Reservation,
    Unavailable,
    Wanted,
)
from dropoff.returns.passes import PassKeys

SEALED = "locker bank"
log = logging.getLogger("dropoff.lockers")


class Of(Protocol):
    """What the process has; `app.Context` is one."""

    @property
    def db(self) -> Database: ...
    @property
    def vault(self) -> Vault: ...
    @property
    def plugins(self) -> PluginRegistry: ...
    @property
    def passes(self) -> PassKeys: ...
    @property
    def settings(self) -> Any: ...


# --- banks


def check(of: Of, new: NewBank) -> Checked | Problem:
    """Asks a bank before it is connected, so that a wrong key is told at once."""
    connect = of.plugins.lockers.get(new.adapter)
    if connect is None:
        known = ", ".join(sorted(of.plugins.lockers)) or "none"
        return invalid("/adapter", f"No adapter for lockers has that name; installed: {known}.")
    try:
        compartments = connect(new.bank, new.settings).compartments()
    except Misconfigured as error:
        return invalid("/settings", str(error)[:300])
    except Exception as error:
        return Problem("locker-unreachable", _told(error))
    sealed = of.vault.seal(SEALED, msgspec.json.encode(new.settings))
    return Checked(new.adapter, new.bank, sealed, compartments)


def _bank(of: Of, row: BankRow) -> LockerBank:
    connect = of.plugins.lockers.get(row.adapter)
    if connect is None:
        raise Misconfigured(f"the adapter {row.adapter} is not installed in this process")
    try:
        settings = msgspec.json.decode(of.vault.open(SEALED, row.settings), type=dict[str, str])
    except WrongSecret as error:
        raise Misconfigured("DROPOFF_SECRET is not the one that the settings were sealed with") from error
    return connect(row.bank, settings)


def look_at_bank(of: Of, row: BankRow, at: datetime) -> bool:
    """Whether it answered. What it told is kept for the pages."""
    try:
        told = _bank(of, row).compartments()
    except Exception as error:
        of.db.write_sync(banks.note_problem, row.id, _told(error))
        return False
    of.db.write_sync(banks.note_seen, row.id, told, at)
    return True


# --- a deposit, step by step


def reserve(of: Of, code: str, asked: Begin, at: datetime) -> DepositRow | Problem:
    row = of.db.write_sync(deposits.begin, of.passes, code, asked, at)
    if isinstance(row, Problem) or row.state != "reserving":
        return row
    return _reserve(of, row, at)


def _reserve(of: Of, row: DepositRow, at: datetime) -> DepositRow:
    """May run again for a reservation in doubt: a repeated reference holds one compartment."""
    first = row.created_at == at
    wanted = Wanted(
        reference=row.reference,
        size=row.size,  # type: ignore[arg-type]  # the table's check keeps the closed list
        keep_s=int(rules.KEPT_BY_BANK.total_seconds()),
    )
    try:
        told = _bank_of(of, row).reserve(wanted)
    except Rejected as error:
        return _now(of, row, of.db.write_sync(deposits.refuse, row.id, error.reason, True, at))
    except (Unavailable, Misconfigured) as error:
        _note_problem(of, row, error)
        if first or at - row.created_at > rules.ASKED_AT_MOST:
            return _now(of, row, of.db.write_sync(deposits.refuse, row.id, "unavailable", first, at))
        return row
    except Exception as error:
        _note_problem(of, row, error)
        if at - row.created_at > rules.ASKED_AT_MOST:
            return _now(of, row, of.db.write_sync(deposits.refuse, row.id, "unavailable", False, at))
        return row
    return _now(of, row, of.db.write_sync(deposits.hold, row.id, told, at))


def open_door(of: Of, row: DepositRow, at: datetime) -> DepositRow | Problem:
    """The deposit, or another one in its place where its compartment is of no use."""
    told = of.db.write_sync(deposits.tell_open, row.id, at)
    if isinstance(told, Problem):
        return told
    if told is None:
        return settle(of, row, at)
    try:
        _bank_of(of, row).open(row.reference)
    except Rejected as error:
        if error.reason in ("occupied", "jammed"):
            return _another(of, row, error.reason, at)
        if error.reason in ("expired", "unknown_reference"):
            return _now(of, row, of.db.write_sync(deposits.expire, row.id, at))
        return _now(of, row, of.db.write_sync(deposits.stay_shut, row.id, "unavailable", at))
    except (Unavailable, Misconfigured) as error:
        _note_problem(of, row, error)
        return _now(of, row, of.db.write_sync(deposits.stay_shut, row.id, "unavailable", at))
    except Exception as error:
        _note_problem(of, row, error)
        return told  # perhaps it is open: the next look tells
    return _now(of, row, of.db.write_sync(deposits.opened, row.id, at))


def report_occupied(of: Of, row: DepositRow, at: datetime) -> DepositRow | Problem:
    """The shopper found something in the open compartment. Said too often by one, it would empty a bank of its
    compartments."""
    if row.state != "open":
        return row
    if of.db.read_sync(store.count_occupied, row.return_id, at - timedelta(days=1)) >= rules.REPORTS_A_DAY:
        return Problem("locker-refused", "Too many compartments were asked for today.", data={"reason": "too_often"})
    return _another(of, row, "occupied", at)


def _another(of: Of, row: DepositRow, reason: str, at: datetime) -> DepositRow | Problem:
    blocked = of.db.write_sync(deposits.block, row.id, reason, at)
    if blocked is None:
        return _now(of, row, None)
    code = of.db.read_sync(deposits.code_of, of.passes, row.return_id)
    asked = Begin(location=row.location_id, size=row.size, units=tuple(row.units))  # type: ignore[arg-type]
    made = reserve(of, code, asked, at)
    if not isinstance(made, Problem) and made.state == "reserved":
        return of.db.write_sync(deposits.remark, made.id, reason) or made
    return made


def give_up(of: Of, row: DepositRow, at: datetime) -> DepositRow:
    gone = of.db.write_sync(deposits.give_up, row.id, at)
    if gone is None:
        return settle(of, row, at)
    free(of, gone, at)
    return _now(of, row, None)


def settle(of: Of, row: DepositRow, at: datetime) -> DepositRow:
    """Finds out how it stands now. Cheap when nothing can have changed."""
    if row.state == "reserved" and row.expires_at is not None and row.expires_at <= at:
        gone = of.db.write_sync(deposits.expire, row.id, at)
        if gone is not None:
            free(of, gone, at)
        return _now(of, row, gone)
    if row.state not in ("reserving", "opening", "open") or not of.db.write_sync(store.take_look, row.id, at):
        return _now(of, row, None)
    if row.state == "reserving":
        return _reserve(of, row, at)
    return _look(of, row, at)


def _look(of: Of, row: DepositRow, at: datetime) -> DepositRow:
    try:
        found = _bank_of(of, row).find(row.reference)
    except Exception as error:
        _note_problem(of, row, error)
        return of.db.write_sync(deposits.remark, row.id, "silent") or row
    if row.reason == "silent":
        row = of.db.write_sync(deposits.heard, row.id) or row
    if row.state == "opening" and found is not None and found.opened:
        row = _now(of, row, of.db.write_sync(deposits.opened, row.id, at))
    return _act(of, row, found, at)


def _act(of: Of, row: DepositRow, found: Reservation | None, at: datetime) -> DepositRow:
    seen = rules.judge(Facts(row.state, row.told_at or row.changed_at, row.confirmed_at is not None), found, at)
    db, moved = of.db, None
    if seen == "deposit":
        numbers = tuple(secrets.randbelow(29**6) for _ in range(retags.TRIES))
        moved = db.write_sync(deposits.deposit, of.passes, of.settings.base_url, row.id, numbers, at)
    elif seen == "shut_empty":
        moved = db.write_sync(deposits.shut_empty, row.id, at)
    elif seen == "stay_shut":
        moved = db.write_sync(deposits.stay_shut, row.id, "unavailable", at)
    elif seen == "expire":
        moved = db.write_sync(deposits.expire, row.id, at)
    elif seen == "block":
        moved = db.write_sync(deposits.block, row.id, "lost", at)
    elif row.state == "open":
        moved = db.write_sync(deposits.remark, row.id, "ask" if seen == "ask" else None)
        since = row.told_at or row.changed_at
        if row.reminded_at is None and at - since > rules.DOOR_OPEN_TOO_LONG:
            db.write_sync(deposits.remind, row.id, "unconfirmed" if seen == "ask" else "stands_open", at)
    return _now(of, row, moved)


def open_to_empty(of: Of, row: DepositRow) -> Problem | None:
    """For whoever takes the parcel out."""
    try:
        _bank_of(of, row).open(row.reference)
    except Rejected as error:
        return Problem("locker-unreachable", _told(error))
    except Exception as error:
        _note_problem(of, row, error)
        return Problem("locker-unreachable", _told(error))
    return None


def free(of: Of, row: DepositRow, at: datetime) -> bool:
    """Gives the compartment back; whether the bank answered."""
    try:
        _bank_of(of, row).release(row.reference)
    except Rejected:
        of.db.write_sync(deposits.not_empty, row.id, at)
        return True
    except Exception as error:
        _note_problem(of, row, error)
        return False
    of.db.write_sync(deposits.freed, row.id, at)
    return True


def follow(of: Of, at: datetime, limit: int = 500) -> int:
    """All that the bank does not have back: settled, expired, emptied, freed. A bank that does not answer is asked
    once. How many were looked at."""
    looked = 0
    for rows in _kept(of, ("deposited",), limit):
        of.db.write_sync(deposits.follow_parcels, rows, at)
        looked += len(rows)
    silent: set[str] = set()
    for rows in _kept(of, (*rules.LIVE, *rules.ENDED), limit):
        looked += len(rows)
        for row in rows:
            if row.bank_id in silent:
                continue
            answered = free(of, row, at) if row.state in rules.ENDED else settle(of, row, at).reason != "silent"
            if not answered:
                silent.add(row.bank_id)
    return looked


def _kept(of: Of, states: tuple[str, ...], limit: int) -> Iterator[list[DepositRow]]:
    """All of them, however many parcels lie in lockers, some at a time."""
    after = ""
    while rows := of.db.read_sync(store.kept, states, limit, after):
        yield rows
        after = rows[-1].id


def _bank_of(of: Of, row: DepositRow) -> LockerBank:
    found = of.db.read_sync(store.find_bank, row.bank_id)
    assert found is not None, "the foreign key keeps it"
    return _bank(of, found)


def _now(of: Of, row: DepositRow, moved: DepositRow | None) -> DepositRow:
    """As it stands, when another was faster."""
    return moved or of.db.read_sync(store.find_deposit, row.id) or row


def _note_problem(of: Of, row: DepositRow, error: Exception) -> None:
    if not isinstance(error, LockerError):
        log.exception("an adapter for lockers broke")
    of.db.write_sync(banks.note_problem, row.bank_id, _told(error))


def _told(error: Exception) -> str:
    return rules.words_of(f"{type(error).__name__}: {error}"[:300])
