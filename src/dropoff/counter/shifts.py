"""Who stands at a till: a shift begins by PIN or badge, goes on through scans, and ends with a note to the next.

A place without clerks has no shifts, and its tills work all the same. Where there are some, the till's pages ask who is
there when no shift is open, or when nothing was done for as long as the place allows.
"""

from datetime import datetime, timedelta
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from dropoff.access import service as access
from dropoff.counter import badges, store_people
from dropoff.counter.store_people import ClerkRow, ShiftRow
from dropoff.counter.till import Note, Till, keep
from dropoff.db import Tx
from dropoff.db.vault import token_hash
from dropoff.kernel.errors import Problem
from dropoff.kernel.ids import new_id

WRONG_PIN: Final = "pin"
PINS_MAX: Final = 5
"""Wrong ones for one clerk within a quarter of an hour; a till may get twice as many wrong in all."""
NOTE_KEPT: Final = timedelta(hours=36)
TOUCH_EVERY: Final = timedelta(seconds=20)


class BeginShift(msgspec.Struct, frozen=True, kw_only=True):
    """By `badge` alone, or as `clerk` with its `pin`."""

    badge: Annotated[str, Meta(max_length=100)] | None = None
    clerk: Annotated[str, Meta(max_length=40)] | None = None
    pin: Annotated[str, Meta(max_length=20)] | None = None


class EndShift(msgspec.Struct, frozen=True, kw_only=True):
    note: Annotated[str, Meta(max_length=200)] | None = None
    """For whoever comes next."""


class OnShift(msgspec.Struct, frozen=True):
    clerk: str
    initials: str
    name: str
    began_at: datetime


class ShiftView(msgspec.Struct, frozen=True, kw_only=True):
    """How a till stands. `needed`: its place has clerks. `locked`: it asks for the clerk again before it goes on."""

    needed: bool
    locked: bool
    shift: OnShift | None
    lock_after_min: int | None
    clerks: list[OnShift]
    """Those who can begin, with when they were added."""
    note: str | None
    """From the shift before."""


def look(tx: Tx, till: Till, at: datetime) -> ShiftView:
    held = store_people.clerks(tx, till.location_id)
    if not held:
        return ShiftView(needed=False, locked=False, shift=None, lock_after_min=None, clerks=[], note=None)
    row, minutes = store_people.open_shift(tx, till.device_id), store_people.lock_after_min(tx, till.location_id)
    who = next((one for one in held if row is not None and one.id == row.clerk_id), None)
    idle = row is not None and minutes is not None and at - row.seen_at >= timedelta(minutes=minutes)
    return ShiftView(
        needed=True,
        locked=who is None or idle,
        shift=OnShift(who.id, who.initials, who.name, row.began_at) if who is not None and row is not None else None,
        lock_after_min=minutes,
        clerks=[OnShift(one.id, one.initials, one.name, one.created_at) for one in held],
        note=store_people.latest_note(tx, till.location_id, at - NOTE_KEPT),
    )


def named(tx: Tx, till: Till, asked: BeginShift, at: datetime) -> ClerkRow | Problem:
    """The clerk whose badge it is, or whose PIN is to be tried: counted before it is tried, and a right one again.

    A badge has 92 bits and needs no brake: were it counted, whoever holds a made-up one before the scanner could shut
    the shop, and guessers at the PINs could keep out those with badges.
    """
    if asked.badge is not None:
        badge = badges.read_badge(asked.badge)
        found = store_people.clerk_of_badge(tx, token_hash(badge), till.location_id) if badge else None
        return found or Problem("clerk-unknown", "This badge is of nobody here.")
    device = access.too_many_guesses(tx, WRONG_PIN, till.device_id, at, 2 * PINS_MAX)
    if device is not None:
        return device
    clerk = store_people.find_clerk(tx, asked.clerk or "", till.location_id)
    if clerk is None or clerk.removed_at is not None or clerk.pin_hash is None:
        return Problem("clerk-unknown", "Nobody here has this PIN.")
    tries = access.too_many_guesses(tx, WRONG_PIN, clerk.id, at, PINS_MAX)
    if tries is not None:
        return tries
    # Before the slow look, so that many at once are no more tries than one after the other.
    access.note_guess(tx, WRONG_PIN, clerk.id, at)
    access.note_guess(tx, WRONG_PIN, till.device_id, at)
    return clerk


def begin(tx: Tx, till: Till, clerk_id: str, at: datetime, *, by_pin: bool) -> ShiftView | Problem:
    """After the proof. The clerk who stood there before has ended by it; the same one simply goes on."""
    clerk = store_people.find_clerk(tx, clerk_id, till.location_id)
    if clerk is None or clerk.removed_at is not None:
        return Problem("clerk-unknown", "This clerk was removed.")
    if by_pin:
        access.forget_guesses_of(tx, WRONG_PIN, [clerk.id, till.device_id])
    row = store_people.open_shift(tx, till.device_id)
    if row is not None and row.clerk_id == clerk.id:
        store_people.touch_shift(tx, row.id, at)
        return look(tx, till, at)
    if row is not None:
        _end(tx, till, row, None, at)
    fresh = {"id": new_id("shf"), "location_id": till.location_id, "device_id": till.device_id}
    times = {"began_at": at, "seen_at": at, "ended_at": None, "note": None}
    store_people.begin_shift(tx, {**fresh, "clerk_id": clerk.id, **times})
    keep(tx, msgspec.structs.replace(till, clerk_id=clerk.id), at, Note("shift_begin", "accepted", None, clerk.id))
    return look(tx, till, at)


def end(tx: Tx, till: Till, note: str | None, at: datetime) -> ShiftView:
    """Ending twice changes nothing."""
    row = store_people.open_shift(tx, till.device_id)
    if row is not None:
        _end(tx, till, row, (note or "").strip()[:200] or None, at)
    return look(tx, till, at)


def _end(tx: Tx, till: Till, row: ShiftRow, note: str | None, at: datetime) -> None:
    store_people.end_shifts(tx, at, note, store_people.of_device(till.device_id))
    keep(
        tx, msgspec.structs.replace(till, clerk_id=row.clerk_id), at, Note("shift_end", "accepted", None, row.clerk_id)
    )


def attributed(tx: Tx, till: Till, at: datetime, clerk_id: str | None = None) -> Till:
    """The till with who stands there. `clerk_id`: who stood there, as a till without a network noted it."""
    if clerk_id is not None and store_people.find_clerk(tx, clerk_id, till.location_id) is not None:
        return msgspec.structs.replace(till, clerk_id=clerk_id)
    row = store_people.open_shift(tx, till.device_id)
    if row is None:
        return till
    if at - row.seen_at >= TOUCH_EVERY:
        store_people.touch_shift(tx, row.id, at)
    return msgspec.structs.replace(till, clerk_id=row.clerk_id)
