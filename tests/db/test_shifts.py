"""Who stands at a till: by PIN or badge, counted when wrong, kept with what is done, told to nobody outside."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.counter_world import NOW, World

from dropoff.counter import badges, people, shifts, store_people
from dropoff.counter import service as counter
from dropoff.counter.people import AddedClerk, Fresh, NewClerk, StaffRules
from dropoff.counter.people_api import begin
from dropoff.counter.service import Till
from dropoff.counter.shifts import BeginShift, ShiftView
from dropoff.counter.tables import clerk, counter_attempt, hand_in
from dropoff.db import Database
from dropoff.events.tables import event
from dropoff.kernel.errors import Problem

PIN = "4711"
HASH = badges.hash_pin(PIN)


@pytest.fixture
def world(db: Database, tmp_path: Path) -> World:
    return World(db, tmp_path)


def add(world: World, place: str, name: str, initials: str, *, badge: bool = False) -> AddedClerk:
    new = NewClerk(name=name, initials=initials, pin=PIN, badge=badge)
    fresh = Fresh(HASH, badges.new_badge() if badge else None)
    added = world.db.write_sync(people.add_clerk, place, new, fresh, NOW, "operator:test")
    assert isinstance(added, AddedClerk), added
    return added


def try_to_begin(world: World, till: Till, **asked: Any) -> ShiftView | Problem:
    """As the pages do, with the process's own clock."""
    return asyncio.run(begin(world.db, till, BeginShift(**asked)))


def begun(world: World, till: Till, clerk_id: str, at: Any = NOW) -> ShiftView:
    told = world.db.write_sync(lambda tx: shifts.begin(tx, till, clerk_id, at, by_pin=False))
    assert isinstance(told, ShiftView)
    return told


def look(world: World, till: Till, at: Any = NOW) -> ShiftView:
    return world.db.read_sync(shifts.look, till, at)


def test_a_place_without_clerks_works_as_ever(world: World) -> None:
    till = world.till()
    stands = look(world, till)
    assert (stands.needed, stands.locked, stands.shift) == (False, False, None)
    assert world.hand_in(till, world.ask(world.give_back())).verdict == "accepted"
    assert world.rows(hand_in)[0]["clerk_id"] is None


def test_a_pin_or_a_badge_begins_a_shift_and_one_scan_changes_the_clerk(world: World) -> None:
    till = world.till()
    anna = add(world, till.location_id, "Anna", "an")
    bo = add(world, till.location_id, "Bo", "BO", badge=True)
    assert (anna.initials, anna.badge) == ("AN", None)
    assert look(world, till).locked
    wrong = try_to_begin(world, till, clerk=anna.id, pin="0000")
    assert isinstance(wrong, Problem)
    stands = try_to_begin(world, till, clerk=anna.id, pin=PIN)
    assert isinstance(stands, ShiftView)
    assert (stands.locked, stands.shift.initials if stands.shift else "") == (False, "AN")
    assert bo.badge is not None
    stands = try_to_begin(world, till, badge=f" {bo.badge.lower()} ")
    assert isinstance(stands, ShiftView)
    assert stands.shift is not None
    assert stands.shift.initials == "BO"
    kinds = [(row["kind"], row["clerk_id"]) for row in world.rows(counter_attempt)]
    assert sorted(kinds) == sorted([("shift_begin", anna.id), ("shift_end", anna.id), ("shift_begin", bo.id)])
    elsewhere = world.till()
    assert isinstance(try_to_begin(world, elsewhere, badge=bo.badge), Problem), "a badge is of one place"
    assert isinstance(try_to_begin(world, elsewhere, clerk=anna.id, pin=PIN), Problem)


def test_guessing_a_pin_ends_after_five_and_the_hash_is_slow_and_salted(world: World) -> None:
    till = world.till()
    anna = add(world, till.location_id, "Anna", "AN")
    for number in range(shifts.PINS_MAX):
        told = world.db.write_sync(shifts.named, till, BeginShift(clerk=anna.id, pin=f"{number:04}"), NOW)
        assert not isinstance(told, Problem), "each try is counted before it is looked at"
    told = world.db.write_sync(shifts.named, till, BeginShift(clerk=anna.id, pin=PIN), NOW)
    assert isinstance(told, Problem)
    assert told.code == "too-many-requests"
    later = world.db.write_sync(shifts.named, till, BeginShift(clerk=anna.id, pin=PIN), NOW + timedelta(minutes=16))
    assert not isinstance(later, Problem)
    (row,) = world.rows(clerk)
    assert PIN not in row["pin_hash"]
    assert badges.is_pin(PIN, row["pin_hash"])
    assert not badges.is_pin("4712", row["pin_hash"])
    assert badges.hash_pin(PIN) != badges.hash_pin(PIN)


def test_no_guessing_at_pins_and_no_made_up_badge_keeps_a_badge_out(world: World) -> None:
    till = world.till()
    anna, bo = add(world, till.location_id, "Anna", "AN"), add(world, till.location_id, "Bo", "BO", badge=True)
    made_up = badges.new_badge()

    def named(**asked: str) -> Any:
        return world.db.write_sync(shifts.named, till, BeginShift(**asked), NOW)

    for _ in range(3 * shifts.PINS_MAX):
        told = named(badge=made_up)
        assert (told.code, told.retry_after_s) == ("clerk-unknown", None)
    assert not isinstance(named(clerk=anna.id, pin="0000"), Problem), "a badge before the scanner is no try at a PIN"
    for clerk_id in (anna.id, bo.id):
        for _ in range(shifts.PINS_MAX):
            named(clerk=clerk_id, pin="0000")
    carl = add(world, till.location_id, "Carl", "CA")
    assert named(clerk=carl.id, pin=PIN).code == "too-many-requests", "ten at one till"
    assert named(badge=bo.badge).id == bo.id


@pytest.mark.parametrize("wrong", [{"pin": "4711\n"}, {"pin": "٤٧١١"}, {"initials": "AN\n"}])
def test_a_pin_is_digits_and_initials_are_letters_to_the_last_sign(wrong: dict[str, str]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"name": "Anna", "initials": "AN", "pin": "4711"} | wrong, NewClerk)


def test_what_is_done_carries_the_clerk_and_retailers_read_nothing_of_it(world: World) -> None:
    till = world.till()
    anna, bo = add(world, till.location_id, "Anna", "AN"), add(world, till.location_id, "Bo", "BO")
    begun(world, till, anna.id)
    bag = world.bag(till)
    made = world.give_back()
    world.hand_in(till, world.ask(made, container=bag.id))
    world.seal(till, bag.id)
    begun(world, till, bo.id)
    world.unseal(till, bag.id)
    undone = world.rows(hand_in)[0]["id"]
    world.undo(till, undone)
    # Noted without a network in Anna's shift, and sent in Bo's.
    world.hand_in(till, world.ask(world.give_back(), clerk=anna.id))
    # Of another place: then it is whoever stands here.
    world.hand_in(till, world.ask(world.give_back(), clerk="clk_nobody"))
    by = {(row["type"], row["clerk_id"]) for row in world.rows(event) if row["clerk_id"] is not None}
    assert by >= {
        ("parcel.handed_in", anna.id),
        ("parcel.handed_in", bo.id),
        ("container.sealed", anna.id),
        ("container.unsealed", bo.id),
        ("parcel.hand_in_undone", bo.id),
    }
    assert [row["clerk_id"] for row in world.rows(hand_in)] == [anna.id, anna.id, bo.id]
    for row in world.rows(event):
        assert anna.id not in str((row["objects"], row["data"])) or row["type"].startswith("clerk.")
        assert "Anna" not in str(dict(row))
    done = world.db.read_sync(store_people.done, till.location_id, NOW, ("seal", "unseal", "undo"), 40)
    acts = {(one.kind, one.initials) for one in done}
    assert acts == {("seal", "AN"), ("unseal", "BO"), ("undo", "BO"), ("hand_in", "AN"), ("hand_in", "BO")}


def test_a_till_locks_when_nothing_was_done_and_goes_on_with_what_was(world: World) -> None:
    till = world.till()
    anna = add(world, till.location_id, "Anna", "AN")
    begun(world, till, anna.id)
    assert not look(world, till, NOW + timedelta(hours=9)).locked, "off unless the place asks for it"
    world.db.write_sync(people.set_rules, till.location_id, StaffRules(lock_after_min=5), NOW, "operator:test")
    assert not look(world, till, NOW + timedelta(minutes=4)).locked
    world.db.write_sync(counter.scan, world.passes, till, "something", NOW + timedelta(minutes=4))
    assert not look(world, till, NOW + timedelta(minutes=8)).locked
    locked = look(world, till, NOW + timedelta(minutes=9))
    assert (locked.locked, locked.shift.initials if locked.shift else "") == (True, "AN")


def test_a_note_reaches_the_next_shift_and_a_removed_clerk_leaves_initials_alone(world: World) -> None:
    till = world.till()
    anna, bo = add(world, till.location_id, "Anna", "AN"), add(world, till.location_id, "Bo", "BO")
    begun(world, till, anna.id)
    world.db.write_sync(shifts.end, till, "  Bag 4 is full  ", NOW + timedelta(hours=1))
    assert look(world, till, NOW + timedelta(hours=1)).locked
    assert begun(world, till, bo.id, NOW + timedelta(hours=2)).note == "Bag 4 is full"
    world.db.write_sync(people.remove_clerk, till.location_id, bo.id, NOW + timedelta(hours=3), "operator:test")
    assert look(world, till, NOW + timedelta(hours=3)).locked, "the shift ended with the clerk"
    gone = next(row for row in world.rows(clerk) if row["id"] == bo.id)
    assert (gone["name"], gone["initials"], gone["pin_hash"], gone["badge_hash"]) == ("", "BO", None, None)
    add(world, till.location_id, "Birte", "bo")
    twice = NewClerk(name="Arne", initials="AN", pin=PIN)
    refused = world.db.write_sync(people.add_clerk, till.location_id, twice, Fresh(HASH, None), NOW, "operator:test")
    assert isinstance(refused, Problem)


def test_a_badge_is_taken_for_nothing_else() -> None:
    badge = badges.new_badge()
    assert badges.read_badge(badge.lower()) == badge
    assert [badges.read_badge(text) for text in ("", "CLERK", badge[:-1], badge + "2", "T0000000017")] == [None] * 5
