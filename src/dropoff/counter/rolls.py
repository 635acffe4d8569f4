"""Rolls of tags: which place has which, which tag may go on a parcel there, how many are left.

A place without rolls takes any fresh tag. One with rolls takes its own; a tag from elsewhere goes on a parcel only by a
clerk's word, which is kept. Of whichever roll a tag comes, it is counted there.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

import msgspec

from dropoff.counter import store_rolls, store_tags
from dropoff.counter.reading import is_likely_foreign
from dropoff.counter.rules import Verdict
from dropoff.counter.store_rolls import Roll
from dropoff.counter.till import Note, Till, keep, say
from dropoff.db import Tx
from dropoff.events.log import Event, append
from dropoff.kernel import tags
from dropoff.kernel.errors import FieldError, Problem, invalid, not_found
from dropoff.kernel.ids import new_id
from dropoff.kernel.tags import TagNumber, tag_number
from dropoff.network import loads
from dropoff.network import service as network
from dropoff.web.schema import Code, Id, Name

LOW: Final = 20
"""Few enough to warn: a roll lasts some days more at most places."""
ROLL_MAX: Final = 10_000


class Override(msgspec.Struct, frozen=True):
    """The clerk's word that a tag from elsewhere goes on this parcel all the same."""

    reason: Name


class NewRoll(msgspec.Struct, frozen=True, kw_only=True):
    location: Id
    first: Code
    """The first tag of the roll, or its head label alone."""
    last: Code | None = None
    count: int | None = None
    """Instead of `last`."""


class RollHere(msgspec.Struct, frozen=True, kw_only=True):
    """A till registers a roll of its own place."""

    first: Code
    last: Code | None = None
    count: int | None = None


class MoveRoll(msgspec.Struct, frozen=True):
    location: Id


class RollView(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    location: str
    first: str
    last: str
    count: int
    used: int
    left: int
    registered_at: datetime
    registered_by: str
    retired_at: datetime | None


class RollPage(msgspec.Struct, frozen=True):
    items: list[RollView]
    next: str | None


class RollAnswer(msgspec.Struct, frozen=True, kw_only=True):
    verdict: Verdict
    reason: str | None
    say: str
    roll: RollView | None


class TagStock(msgspec.Struct, frozen=True):
    """What a place has. Without rolls nobody counts: `left` is None then."""

    rolls: int
    left: int | None
    low: bool


class Stock(msgspec.Struct, frozen=True):
    """The rolls of the tags at hand, by tag, and which of these are not of this place."""

    roll_of: Mapping[str, Roll]
    strange: tuple[str, ...] = ()
    here: tuple[Roll, ...] = ()


def view(roll: Roll) -> RollView:
    return RollView(
        id=roll.id,
        location=roll.location_id,
        first=roll.tag(roll.first),
        last=roll.tag(roll.last),
        count=roll.count,
        used=roll.used,
        left=roll.left,
        registered_at=roll.registered_at,
        registered_by=roll.registered_by,
        retired_at=roll.retired_at,
    )


# --- tags at hand


def look(tx: Tx, location_id: str, texts: Collection[str]) -> Stock:
    """`texts` are folded."""
    if not store_rolls.any_rolls(tx):
        return Stock({})
    here = store_rolls.rolls_at(tx, location_id)
    roll_of, strange = {}, []
    for text in texts:
        number = tag_number(text)
        own = next((roll for roll in here if number is not None and roll.holds(number)), None)
        found = own or (store_rolls.roll_holding(tx, number) if number is not None else None)
        if found is not None:
            roll_of[text] = found
        if here and own is None and not tags.is_written(text):
            strange.append(text)
    return Stock(roll_of, tuple(strange), tuple(here))


def why_not_tags(tx: Tx, texts: list[str], stock: Stock, overridden: Collection[str] = ()) -> str | None:
    """Why these tags may not go on parcels here, or None. Nobody's word helps a used one."""
    registered = {text for text, roll in stock.roll_of.items() if roll in stock.here}
    if not all(tags.is_wellformed_tag(text) for text in texts):
        return "tag_malformed"
    if any(is_likely_foreign(text) for text in texts if text not in registered):
        return "tag_malformed"
    if len(set(texts)) < len(texts) or store_tags.used_tags(tx, texts):
        return "tag_used"
    return "tag_foreign_roll" if set(stock.strange) - set(overridden) else None


def attach(
    tx: Tx,
    till: Till,
    parcel_of: dict[str, str],
    stock: Stock,
    at: datetime,
    overridden: Mapping[str, str] = MappingProxyType({}),
) -> str | None:
    """Takes the tags for their parcels and counts them; the reason when another was faster. `overridden`: why tags from
    elsewhere are taken; what was needed of it is kept."""
    if store_tags.attach_tags(tx, parcel_of, {tag: roll.id for tag, roll in stock.roll_of.items()}, at) != set(
        parcel_of
    ):
        return "tag_used"
    rolls = [stock.roll_of[tag] for tag in parcel_of if tag in stock.roll_of]
    store_rolls.count_used(tx, Counter(roll.id for roll in rolls))
    for location_id, used in Counter(roll.location_id for roll in rolls).items():
        loads.use_tags(tx, location_id, used, at)
    for location_id in sorted({roll.location_id for roll in stock.roll_of.values()}):
        _tell_low(tx, till.actor, location_id, at)
    for tag, reason in overridden.items():
        if tag in stock.strange and tag in parcel_of:
            _keep_override(tx, till, parcel_of[tag], tag, reason, stock, at)
    return None


def _tell_low(tx: Tx, actor: str, location_id: str, at: datetime) -> None:
    left = sum(roll.left for roll in store_rolls.rolls_at(tx, location_id))
    if left > LOW or not store_rolls.mark_low(tx, location_id, at):
        return
    place = network.location(tx, location_id)
    event = Event(
        type="tags.low",
        actor=actor,
        at=at,
        live=place.live if place is not None else True,
        location_id=location_id,
        objects={"location": location_id},
        data={"location": {"id": location_id, "name": place.name if place is not None else ""}, "left": left},
    )
    append(tx, event)


def _keep_override(tx: Tx, till: Till, parcel_id: str, tag: str, reason: str, stock: Stock, at: datetime) -> None:
    """An attempt and an event: whose roll it was, who said so and why."""
    roll = stock.roll_of.get(tag)
    about = {"parcel": parcel_id, "tag": tag, "roll": roll.id if roll else None, "reason": reason}
    keep(tx, till, at, Note("override", "accepted", "tag_foreign_roll", parcel_id, about))
    event = Event(
        type="tag.overridden",
        actor=till.actor,
        clerk_id=till.clerk_id,
        at=at,
        live=till.live,
        location_id=till.location_id,
        objects={"parcel": parcel_id},
        data=about | {"location": {"id": till.location_id}},
    )
    append(tx, event)


def stock_at(tx: Tx, location_id: str) -> TagStock:
    """How many tags a place has left, as its till and its operator see it."""
    here = store_rolls.rolls_at(tx, location_id) if store_rolls.any_rolls(tx) else []
    left = sum(roll.left for roll in here)
    return TagStock(len(here), left, left <= LOW) if here else TagStock(0, None, low=False)


def _tell_stock(tx: Tx, location_ids: Collection[str], at: datetime) -> None:
    """What the public is told of a place follows its rolls in the transaction that changes them."""
    for location_id in sorted(location_ids):
        loads.hold(tx, location_id, at)  # before looking at the rolls: what is used meanwhile is taken off afterwards
        loads.set_tags(tx, location_id, stock_at(tx, location_id).left, at)


def rolls_here(tx: Tx, location_id: str) -> list[RollView]:
    """Those in use, oldest first."""
    return [view(roll) for roll in store_rolls.rolls_at(tx, location_id)]


# --- rolls kept


def register(tx: Tx, new: NewRoll, at: datetime, actor: str, most: int = ROLL_MAX) -> RollView | Problem:
    if network.location(tx, new.location) is None:
        return Problem("location-unknown", "", (FieldError("/location", "There is no such location."),))
    ends = _ends(new.first, new.last, new.count, most)
    if isinstance(ends, Problem):
        return ends
    first, last = ends
    store_rolls.lock_rolls(tx)
    other = store_rolls.overlapping(tx, first, last)
    if other is not None:
        held = view(other)
        return Problem("tag-roll-overlaps", f"Roll {held.id} has {held.first} to {held.last}.", data={"roll": held.id})
    return view(add(tx, first, last, new.location, at, actor))


def add(tx: Tx, first: TagNumber, last: int, location_id: str, at: datetime, actor: str) -> Roll:
    """The caller holds the lock of the rolls and knows that nothing overlaps."""
    before = store_rolls.used_in(tx, first, last)
    roll = Roll(
        id=new_id("rol"),
        location_id=location_id,
        stem=first.stem,
        width=first.width,
        first=first.number,
        last=last,
        used=len(before),
        registered_at=at,
        registered_by=actor,
        retired_at=None,
        low_at=None,
    )
    store_rolls.insert_roll(tx, roll)
    store_rolls.adopt(tx, roll.id, before)
    _tell_stock(tx, [location_id], at)
    _tell(tx, "tag_roll.registered", roll, at, actor)
    return roll


def register_here(tx: Tx, till: Till, data: RollHere, at: datetime) -> RollAnswer:
    """By a till, for its own place. The same roll again answers `already`; one of another place's is refused."""
    new = NewRoll(location=till.location_id, first=data.first, last=data.last, count=data.count)
    made = register(tx, new, at, till.actor)
    verdict: Verdict
    verdict, reason, roll = "accepted", None, made if isinstance(made, RollView) else None
    if isinstance(made, Problem):
        held = store_rolls.find_roll(tx, str(made.data.get("roll", "")))
        if held is not None and held.location_id == till.location_id:
            verdict, roll = "already", view(held)
        else:
            verdict, reason = "refused", "tag_foreign_roll" if held is not None else "tag_malformed"
    keep(tx, till, at, Note("tag_roll", verdict, reason, roll.id if roll else None))
    words = (
        say(verdict, reason) if roll is None else f"{roll.first} to {roll.last}: {roll.left} tags left on this roll."
    )
    return RollAnswer(verdict=verdict, reason=reason, say=words, roll=roll)


def _ends(first: str, last: str | None, count: int | None, most: int) -> tuple[TagNumber, int] | Problem:
    head = tags.read_roll_head(first)
    if head is not None and last is None and count is None:
        first, last = head
    if (last is None) == (count is None):
        return invalid("/last", "Give either the last tag or the count.")
    start = tag_number(first)
    if start is None:
        return invalid("/first", "This is no tag with a running number.")
    if last is not None:
        end = tag_number(last)
        if end is None or (end.stem, end.width) != (start.stem, start.width):
            return invalid("/last", "This tag is not of the same roll.")
        size = end.number - start.number + 1
    else:
        size = count or 0
    if not 1 <= size <= most or start.number + size > 10**start.width:
        return invalid("/last" if last is not None else "/count", f"A roll has 1 to {most} tags, the first one first.")
    return start, start.number + size - 1


def move(tx: Tx, roll_id: str, location_id: str, at: datetime, actor: str) -> RollView | Problem:
    """To another place, with whatever is left of it."""
    if network.location(tx, location_id) is None:
        return Problem("location-unknown", "", (FieldError("/location", "There is no such location."),))
    before = store_rolls.find_roll(tx, roll_id)
    roll = store_rolls.move_roll(tx, roll_id, location_id)
    if roll is None or before is None:
        return not_found("roll in use")
    _tell_stock(tx, {before.location_id, location_id}, at)
    _tell(tx, "tag_roll.moved", roll, at, actor)
    return view(roll)


def retire(tx: Tx, roll_id: str, at: datetime, actor: str) -> RollView | Problem:
    """Lost, or used up: its tags are of no roll any more. Retired before, it answers the same."""
    roll = store_rolls.retire_roll(tx, roll_id, at)
    if roll is None:
        before = store_rolls.find_roll(tx, roll_id)
        return view(before) if before is not None else not_found("roll")
    _tell_stock(tx, [roll.location_id], at)
    _tell(tx, "tag_roll.retired", roll, at, actor)
    return view(roll)


def list_rolls(tx: Tx, location_id: str | None, retired: bool, after: str, limit: int) -> RollPage:
    rows = store_rolls.list_rolls(tx, location_id, retired=retired, after=after, limit=limit + 1)
    shown = rows[:limit]
    return RollPage([view(roll) for roll in shown], shown[-1].id if len(rows) > limit else None)


def _tell(tx: Tx, type_: str, roll: Roll, at: datetime, actor: str) -> None:
    place = network.location(tx, roll.location_id)
    event = Event(
        type=type_,
        actor=actor,
        at=at,
        live=place.live if place is not None else True,
        location_id=roll.location_id,
        objects={"roll": roll.id, "location": roll.location_id},
        data={"roll": roll.id, "first": roll.tag(roll.first), "last": roll.tag(roll.last), "left": roll.left},
    )
    append(tx, event)
