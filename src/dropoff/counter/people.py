"""The clerks of a place: a name to call them by, initials, a PIN or a badge, and nothing else about a person."""

from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from dropoff.counter import badges, store_people
from dropoff.counter.store_people import ClerkRow
from dropoff.db import Tx
from dropoff.db.vault import token_hash
from dropoff.events.log import Event, append
from dropoff.kernel.errors import Problem, invalid, not_found
from dropoff.kernel.ids import new_id
from dropoff.network import service as network

CLERKS_MAX: Final = 60
Pin = Annotated[str, Meta(pattern=badges.PIN, description="4 to 6 digits")]
LockAfter = Annotated[int, Meta(ge=1, le=240, description="minutes")]


class NewClerk(msgspec.Struct, frozen=True, kw_only=True):
    """`name`: a first name or nickname. With a `pin`, with a badge (`badge: true`), or with both."""

    name: Annotated[str, Meta(min_length=1, max_length=40, pattern=r"\S")]
    initials: Annotated[str, Meta(pattern=badges.INITIALS)]
    pin: Pin | None = None
    badge: bool = False


class ClerkView(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    initials: str
    has_pin: bool
    has_badge: bool
    created_at: datetime


class AddedClerk(ClerkView, frozen=True, kw_only=True):
    """`badge`: what its barcode or QR code says; shown once."""

    badge: str | None


class Staff(msgspec.Struct, frozen=True, kw_only=True):
    """`lock_after_min`: a till without an action for so long asks for the clerk again; null: never."""

    items: list[ClerkView]
    lock_after_min: int | None


class StaffRules(msgspec.Struct, frozen=True, kw_only=True):
    lock_after_min: LockAfter | None


class Fresh(msgspec.Struct, frozen=True):
    """Made outside the transaction: a PIN takes long to hash, and a badge is drawn by chance."""

    pin_hash: str | None
    badge: str | None


def staff(tx: Tx, location_id: str) -> Staff | Problem:
    if network.location(tx, location_id) is None:
        return not_found("location")
    held = store_people.clerks(tx, location_id)
    return Staff(items=[_view(row) for row in held], lock_after_min=store_people.lock_after_min(tx, location_id))


def add_clerk(tx: Tx, location_id: str, new: NewClerk, fresh: Fresh, at: datetime, actor: str) -> AddedClerk | Problem:
    place = network.location(tx, location_id)
    if place is None:
        return not_found("location")
    if fresh.pin_hash is None and fresh.badge is None:
        return invalid("/pin", "Give a `pin`, or ask for a `badge`.")
    if not badges.shows(new.name):
        return invalid("/name", "A name is one line.")
    if len(store_people.clerks(tx, location_id)) >= CLERKS_MAX:
        return invalid("", f"A place has at most {CLERKS_MAX} clerks.")
    row = ClerkRow(
        id=new_id("clk"),
        location_id=location_id,
        name=new.name.strip(),
        initials=new.initials.upper(),
        pin_hash=fresh.pin_hash,
        badge_hash=token_hash(fresh.badge) if fresh.badge is not None else None,
        created_at=at,
        removed_at=None,
    )
    if not store_people.add_clerk(tx, msgspec.structs.asdict(row)):
        return invalid("/initials", "Somebody here has these initials.")
    _tell(tx, "clerk.added", row.id, location_id, place.live, at, actor)
    told = _view(row)
    return AddedClerk(**msgspec.structs.asdict(told), badge=fresh.badge)


def remove_clerk(tx: Tx, location_id: str, clerk_id: str, at: datetime, actor: str) -> ClerkView | Problem:
    """The shift ends, name, PIN and badge are forgotten; the initials stay with what was done."""
    place = network.location(tx, location_id)
    known = store_people.find_clerk(tx, clerk_id, location_id)
    if place is None or known is None:
        return not_found("clerk")
    gone = {"removed_at": at, "name": "", "pin_hash": None, "badge_hash": None}
    if store_people.change_clerk(tx, clerk_id, location_id, gone) is not None:
        store_people.end_shifts(tx, at, None, store_people.of_clerk(clerk_id))
        _tell(tx, "clerk.removed", clerk_id, location_id, place.live, at, actor)
    return msgspec.structs.replace(_view(known), has_pin=False, has_badge=False, name="")


def set_rules(tx: Tx, location_id: str, rules: StaffRules, at: datetime, actor: str) -> Staff | Problem:
    place = network.location(tx, location_id)
    if place is None:
        return not_found("location")
    if rules.lock_after_min != store_people.lock_after_min(tx, location_id):
        store_people.set_lock_after(tx, location_id, rules.lock_after_min)
        _tell(tx, "staff.rules_set", None, location_id, place.live, at, actor)
    return staff(tx, location_id)


def _view(row: ClerkRow) -> ClerkView:
    return ClerkView(
        id=row.id,
        name=row.name,
        initials=row.initials,
        has_pin=row.pin_hash is not None,
        has_badge=row.badge_hash is not None,
        created_at=row.created_at,
    )


def _tell(tx: Tx, type_: str, clerk_id: str | None, location_id: str, live: bool, at: datetime, actor: str) -> None:
    """By id alone: no log names a person."""
    about = {"location": location_id, **({"clerk": clerk_id} if clerk_id else {})}
    append(tx, Event(type=type_, actor=actor, at=at, live=live, location_id=location_id, objects=about, data=about))
