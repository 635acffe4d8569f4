"""A torn tag, a code written by hand, a label printed again, a misread tag: the parcel stays the same; on both
databases."""

from pathlib import Path
from typing import Any

import pytest
from tests.counter_world import NOW, PREFIX, World

from dropoff.counter import likeness, retags, rolls
from dropoff.counter import service as counter
from dropoff.counter.retags import RetagAnswer, RetagIn
from dropoff.counter.rolls import NewRoll, Override
from dropoff.counter.service import ParcelIn, Till
from dropoff.counter.tables import counter_attempt, parcel, tag
from dropoff.db import Database
from dropoff.kernel import tags
from dropoff.kernel.errors import Problem
from dropoff.receiving import service as receiving
from dropoff.receiving.intake import Report


@pytest.fixture
def world(db: Database, tmp_path: Path) -> World:
    return World(db, tmp_path)


def retag(world: World, till: Till, ref: str, new: str, **more: Any) -> RetagAnswer:
    return world.db.write_sync(retags.retag, till, ref, RetagIn(tag=new, reason="torn", **more), NOW)


def handed(world: World, till: Till, **more: Any) -> Any:
    made = world.give_back(**more)
    return made, world.hand_in(till, world.ask(made)).parcels[0]


def test_the_same_parcel_carries_a_new_tag_and_the_old_one_is_void_for_good(world: World) -> None:
    till = world.till()
    made, old = handed(world, till)
    new = world.tag()
    answer = retag(world, till, old.tag, new.lower())
    assert (answer.verdict, answer.was) == ("accepted", old.tag)
    assert answer.parcel is not None
    assert (answer.parcel.id, answer.parcel.tag) == (old.id, new)
    rows = {row["tag"]: row["void_at"] for row in world.rows(tag)}
    assert rows[old.tag] is not None
    assert rows[new] is None
    (event,) = world.events("parcel.retagged")
    assert event["data"] == {"return": made.id, "parcel": old.id, "tag": new, "was": old.tag}
    assert event["retailer_id"] is not None, "its retailer has to know which tag will come"
    (attempt,) = world.rows(counter_attempt, kind="retag")
    assert attempt["request"] == {"was": old.tag, "tag": new, "reason": "torn"}
    again = world.give_back()
    refused = world.hand_in(till, world.ask(again, parcels=(ParcelIn(old.tag, (again.units[0].id,)),)))
    assert refused.reason == "tag_used"


def test_the_old_tag_names_the_new_one(world: World) -> None:
    till = world.till()
    _, old = handed(world, till)
    bag = world.bag(till)
    new = world.tag()
    assert retag(world, till, old.id, new).verdict == "accepted"
    seen = world.scan(till, old.tag)
    assert (seen.refused, seen.parcel.tag) == ("tag_used", new)
    assert new in seen.say
    elsewhere = world.scan(world.till(), old.tag)
    assert new not in elsewhere.say
    assert elsewhere.parcel is None
    packed = world.pack(till, bag.id, old.tag)
    assert (packed.verdict, packed.reason) == ("refused", "tag_used")
    assert new in packed.say
    assert world.pack(till, bag.id, new).verdict == "accepted"


def test_once_more_and_by_the_void_tag(world: World) -> None:
    till = world.till()
    _, old = handed(world, till)
    second, third = world.tag(), world.tag()
    retag(world, till, old.tag, second)
    assert retag(world, till, old.tag, second).verdict == "already"
    assert retag(world, till, old.tag, old.tag).reason == "tag_used"
    assert retag(world, till, old.tag, third).was == second
    assert [row["tag"] for row in world.rows(parcel)] == [third]


def test_what_cannot_be_retagged(world: World) -> None:
    till, other = world.till(), world.till()
    _, one = handed(world, till)
    _, two = handed(world, till)
    assert retag(world, till, "T9999999999", world.tag()).reason == "unit_unknown"
    assert retag(world, other, one.tag, world.tag()).reason == "wrong_location"
    assert retag(world, till, one.tag, two.tag).reason == "tag_used"
    assert retag(world, till, one.tag, "?").reason == "tag_malformed"
    bag = world.bag(till)
    world.pack(till, bag.id, one.tag)
    world.seal(till, bag.id)
    assert retag(world, till, one.tag, world.tag()).reason == "container_not_open"
    made, three = handed(world, till)
    world.undo(till, world.rows(parcel, id=three.id)[0]["hand_in_id"])
    assert retag(world, till, three.tag, world.tag()).reason == "tag_used"
    assert world.events("parcel.retagged") == []
    assert made.id


def test_a_tag_of_another_roll_needs_the_clerks_word_here_too(world: World) -> None:
    till = world.till()
    _, old = handed(world, till)
    new = NewRoll(location=till.location_id, first=tags.make_tag(7000), count=5)
    assert not isinstance(world.db.write_sync(rolls.register, new, NOW, "operator:test"), Problem)
    strange = tags.make_tag(8000)
    assert retag(world, till, old.tag, strange).reason == "tag_foreign_roll"
    assert retag(world, till, old.tag, strange, override=Override("no roll left")).verdict == "accepted"
    assert len(world.events("tag.overridden")) == 1
    assert retag(world, till, strange, tags.make_tag(7000)).verdict == "accepted"
    assert world.db.read_sync(counter.stock_at, till.location_id).left == 4


def test_the_receipt_shows_what_was_handed_in(world: World) -> None:
    till = world.till()
    made, old = handed(world, till)
    retag(world, till, old.tag, world.tag())
    (receipt,) = world.db.read_sync(counter.receipts_of, made.id)
    assert [(one.tag, [unit.id for unit in one.units]) for one in receipt.parcels] == [(old.tag, [made.units[0].id])]


def test_a_receipt_takes_the_current_tag_and_names_a_void_one(world: World) -> None:
    till = world.till()
    made, old = handed(world, till)
    retailer = world.return_row(made).retailer_id
    bag, new = world.bag(till), world.tag()
    world.pack(till, bag.id, old.tag)
    retag(world, till, old.tag, new)
    world.seal(till, bag.id)

    def receive(*seen: str, complete: bool) -> Any:
        asked = Report(
            sscc=bag.sscc, tags=seen, complete=complete, at=NOW, actor="retailer:x", live=True, prefix=PREFIX
        )
        return world.db.write_sync(receiving.receive, asked, retailer)

    by_old = receive(old.tag, complete=False)
    assert (by_old.received, by_old.unexpected, by_old.missing) == ((), (), (new,))
    assert [(one.tag, one.now) for one in by_old.void] == [(old.tag, new)]
    both = receive(old.tag, new, complete=True)
    assert (both.received, both.unexpected, both.missing) == ((new,), (), ())
    assert world.custody(made) == ["received"]


def test_a_code_written_by_hand_is_a_tag(world: World) -> None:
    till, made = world.till(), world.give_back()
    fresh = world.db.write_sync(retags.written_tag, till, (5, 6), NOW)
    assert tags.is_written(fresh.tag)
    parcels = (ParcelIn(fresh.shown.lower(), (made.units[0].id,)),)
    assert world.hand_in(till, world.ask(made, parcels=parcels)).parcels[0].tag == fresh.tag
    assert world.db.write_sync(retags.written_tag, till, (5, 6), NOW).tag == tags.make_written(6)
    wrong = fresh.tag[:-1] + ("2" if fresh.tag[-1] != "2" else "3")
    assert "one sign of it is wrong" in world.scan(till, wrong).say


def test_a_misread_tag_is_found_here_and_nowhere_else(world: World) -> None:
    till, other = world.till(), world.till()
    fresh = world.db.write_sync(retags.written_tag, till, (123456,), NOW)
    made = world.give_back()
    world.hand_in(till, world.ask(made, parcels=(ParcelIn(fresh.tag, (made.units[0].id,)),)))
    handed(world, till)
    wrong = f"{fresh.tag[:3]}{'2' if fresh.tag[3] != '2' else '3'}{fresh.tag[4:]}"
    for text in (fresh.tag, wrong, wrong.lower(), fresh.tag[:-1], f"{fresh.tag}9"):
        found = world.db.read_sync(likeness.find_alike, till, text)
        assert [one.tag for one in found.items] == [fresh.tag], text
    assert world.db.read_sync(likeness.find_alike, other, fresh.tag).items == []
    bag = world.bag(till)
    world.pack(till, bag.id, fresh.tag)
    assert len(world.db.read_sync(likeness.find_alike, till, wrong).items) == 1


def test_a_tag_printed_here_is_fresh_and_of_this_place(world: World) -> None:
    till = world.till()
    first = world.db.write_sync(retags.draw_tag, till, NOW)
    assert world.db.read_sync(counter.stock_at, till.location_id).left is None, "no roll was asked for"
    new = NewRoll(location=till.location_id, first=tags.make_tag(7000), count=5)
    assert not isinstance(world.db.write_sync(rolls.register, new, NOW, "operator:test"), Problem)
    second = world.db.write_sync(retags.draw_tag, till, NOW)
    assert first.tag != second.tag
    made = world.give_back()
    taken = world.hand_in(till, world.ask(made, parcels=(ParcelIn(second.tag, (made.units[0].id,)),)))
    assert taken.verdict == "accepted"
    assert world.db.read_sync(counter.stock_at, till.location_id).left == 5


def test_a_label_printed_again_is_kept(world: World) -> None:
    till = world.till()
    made, one = handed(world, till)
    shown = world.db.write_sync(retags.tell_printed, till, one.tag, "pdf", NOW)
    assert not isinstance(shown, Problem)
    assert shown.tag == one.tag
    (event,) = world.events("parcel.label_printed")
    assert (event["return_id"], event["data"]["form"]) == (made.id, "pdf")
    assert [row["object"] for row in world.rows(counter_attempt, kind="label")] == [one.id]
    assert isinstance(world.db.write_sync(retags.tell_printed, world.till(), one.tag, "pdf", NOW), Problem)


@pytest.mark.parametrize(
    ("one", "other", "slip"),
    [
        ("W2346789", "W2346789", True),
        ("W2346789", "W2346788", True),
        ("W2346789", "W346789", True),
        ("W2346789", "W23467899", True),
        ("W2346789", "W2436789", True),
        ("W2346789", "W2436788", False),
        ("W2346789", "W23467", False),
        ("ABCD", "BADC", False),
    ],
)
def test_one_slip(one: str, other: str, slip: bool) -> None:
    assert likeness.is_one_slip(one, other) == slip
    assert likeness.is_one_slip(other, one) == slip
