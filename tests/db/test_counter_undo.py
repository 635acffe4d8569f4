"""A hand-in is taken back while the parcel still lies on the counter, on both databases."""

from datetime import timedelta
from pathlib import Path

import pytest
from tests.counter_world import NOW, PREFIX, World

from dropoff.counter import service as counter
from dropoff.counter.service import ParcelIn
from dropoff.counter.tables import container, container_parcel, hand_in, parcel, tag
from dropoff.db import Database
from dropoff.kernel.errors import Problem


@pytest.fixture
def world(db: Database, tmp_path: Path) -> World:
    return World(db, tmp_path)


def test_an_undo_leaves_the_world_as_it_was_but_for_the_tag(world: World) -> None:
    till, made = world.till(), world.give_back()
    bag = world.bag(till)
    before = world.return_row(made)
    asked = world.ask(made, container=bag.id)
    taken = world.hand_in(till, asked)
    answer = world.undo(till, taken.hand_in, NOW + timedelta(minutes=9))
    assert not isinstance(answer, Problem)
    assert (answer.verdict, answer.units) == ("accepted", [made.units[0].id])
    after = world.return_row(made)
    assert after == before
    assert world.custody(made) == ["expected"]
    (row,) = world.rows(container, id=bag.id)
    assert (row["weight_g"], row["parcel_count"], row["next_kind"], row["retailer_id"]) == (0, 0, None, None)
    assert [row["status"] for row in world.rows(parcel)] == ["void"]
    assert world.rows(container_parcel) == []
    assert world.rows(tag)[0]["void_at"] is not None
    (told,) = world.events("parcel.hand_in_undone")
    assert (told["data"]["tag"], told["retailer_id"]) == (asked.parcels[0].tag, after.retailer_id)
    assert world.hand_in(till, world.ask(made, parcels=asked.parcels)).reason == "tag_used"
    assert world.hand_in(till, world.ask(made, container=bag.id)).verdict == "accepted"


def test_the_next_stop_stays_while_others_lie_in_the_bag(world: World) -> None:
    till, retailer = world.till(), world.retailer()
    bag = world.bag(till)
    world.hand_in(till, world.ask(world.give_back(retailer), container=bag.id))
    taken = world.hand_in(till, world.ask(world.give_back(retailer), container=bag.id))
    world.undo(till, taken.hand_in)
    (row,) = world.rows(container, id=bag.id)
    assert (row["weight_g"], row["parcel_count"], row["next_id"]) == (620, 1, retailer)


def test_the_holder_stays_when_something_else_of_the_return_does(world: World) -> None:
    till, made = world.till(), world.give_back(units=2)
    first, second = (unit.id for unit in made.units)
    world.hand_in(till, world.ask(made, parcels=(ParcelIn(world.tag(), (first,)),)))
    taken = world.hand_in(till, world.ask(made, parcels=(ParcelIn(world.tag(), (second,)),)))
    world.undo(till, taken.hand_in)
    row = world.return_row(made)
    assert (row.status, row.holder, row.next_kind) == ("partly_handed_in", "Place 1", "pickup")


def test_it_is_undone_once(world: World) -> None:
    till, made = world.till(), world.give_back()
    taken = world.hand_in(till, world.ask(made))
    answers = [world.undo(till, taken.hand_in) for _ in range(2)]
    assert [getattr(answer, "verdict", None) for answer in answers] == ["accepted", "already"]
    assert len(world.events("parcel.hand_in_undone")) == 1


def test_ten_minutes_are_the_end(world: World) -> None:
    till, made = world.till(), world.give_back()
    taken = world.hand_in(till, world.ask(made))
    answer = world.undo(till, taken.hand_in, NOW + timedelta(minutes=10, seconds=1))
    assert not isinstance(answer, Problem)
    assert (answer.verdict, answer.reason) == ("refused", "undo_too_late")
    assert world.custody(made) == ["handed_in"]


def test_a_sealed_bag_keeps_what_is_in_it(world: World) -> None:
    till, made = world.till(), world.give_back()
    bag = world.bag(till)
    taken = world.hand_in(till, world.ask(made, container=bag.id))
    world.seal(till, bag.id)
    assert getattr(world.undo(till, taken.hand_in), "reason", None) == "undo_too_late"
    world.db.write_sync(counter.claim_containers, [bag.id], "shp_1")
    assert getattr(world.undo(till, taken.hand_in), "reason", None) == "already_planned"
    assert world.custody(made) == ["handed_in"]


def test_a_loose_parcel_that_is_planned_stays(world: World) -> None:
    till, made = world.till(), world.give_back()
    taken = world.hand_in(till, world.ask(made))
    unit = world.db.write_sync(counter.make_logistic_unit, taken.parcels[0].id, PREFIX, NOW)
    assert unit is not None
    world.db.write_sync(counter.claim_containers, [unit.id], "shp_1")
    assert getattr(world.undo(till, taken.hand_in), "reason", None) == "already_planned"


def test_only_the_place_of_the_hand_in_undoes_it(world: World) -> None:
    till, other, made = world.till(), world.till(), world.give_back()
    taken = world.hand_in(till, world.ask(made))
    assert getattr(world.undo(other, taken.hand_in), "reason", None) == "wrong_location"
    assert isinstance(world.undo(till, "hin_nothing"), Problem)
    refused = world.hand_in(till, world.ask(made, pass_text="nothing"))
    assert isinstance(world.undo(till, refused.hand_in), Problem)
    assert world.custody(made) == ["handed_in"]


def test_money_that_fell_due_is_withdrawn(world: World) -> None:
    till, made = world.till(), world.give_back(world.retailer("hand_in"))
    taken = world.hand_in(till, world.ask(made))
    world.undo(till, taken.hand_in)
    assert len(world.events("refund.due_withdrawn")) == 1


def test_the_till_sees_what_it_can_undo(world: World) -> None:
    till, made = world.till(), world.give_back()
    assert world.db.read_sync(counter.undoable, till, NOW) is None
    taken = world.hand_in(till, world.ask(made))
    found = world.db.read_sync(counter.undoable, till, NOW + timedelta(minutes=5))
    assert found is not None
    assert found.id == taken.hand_in
    assert world.db.read_sync(counter.undoable, till, NOW + timedelta(minutes=11)) is None
    world.undo(till, taken.hand_in)
    assert world.db.read_sync(counter.undoable, till, NOW) is None


def test_a_receipt_tells_of_the_undo(world: World) -> None:
    till, made = world.till(), world.give_back()
    taken = world.hand_in(till, world.ask(made))
    assert taken.receipt is not None
    world.undo(till, taken.hand_in, NOW + timedelta(minutes=1))
    view = world.db.read_sync(counter.receipt_view, taken.receipt.token)
    assert view is not None
    assert view.undone_at == NOW + timedelta(minutes=1)
    assert [unit.id for held in view.parcels for unit in held.units] == [made.units[0].id]
    assert world.rows(hand_in)[0]["undone_at"] is not None
