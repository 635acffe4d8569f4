"""Which tag may go on a parcel where, how many are left, and who is told; on both databases."""

import importlib
import threading
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from tests.counter_world import BASE_URL, NOW, PREFIX, World

from dropoff.counter import printed, rolls
from dropoff.counter import service as counter
from dropoff.counter.rolls import NewRoll, Override, RollHere, RollView
from dropoff.counter.service import ParcelIn, Till
from dropoff.counter.tables import container, counter_attempt, tag, tag_roll
from dropoff.db import Database, migrate
from dropoff.db.engines import migration_engine
from dropoff.kernel import gs1, tags
from dropoff.kernel.errors import Problem
from dropoff.network import loads
from dropoff.network.tables import location_load
from dropoff.receiving.state import counter_state

OPERATOR = "operator:test"
MIGRATIONS = Path(migrate.__file__).parent / "migrations" / "versions"


@pytest.fixture
def world(db: Database, tmp_path: Path) -> World:
    return World(db, tmp_path)


def roll(world: World, place: str, first: int, count: int) -> RollView:
    new = NewRoll(location=place, first=tags.make_tag(first), count=count)
    made = world.db.write_sync(rolls.register, new, NOW, OPERATOR)
    assert isinstance(made, RollView), made
    return made


def take(world: World, till: Till, text: str, reason: str | None = None) -> Any:
    made = world.give_back()
    override = Override(reason) if reason else None
    parcel = ParcelIn(text, (made.units[0].id,), override=override)
    return world.hand_in(till, world.ask(made, parcels=(parcel,)))


def stock(world: World, place: str) -> counter.TagStock:
    return world.db.read_sync(counter.stock_at, place)


def told_left(world: World, place: str) -> str | None:
    """As everybody is told."""
    (told,) = world.db.read_sync(loads.evidence, [place], NOW)
    return told.tags


def counted(world: World) -> None:
    """The counter of each roll is the number of its tags, whoever counted, and what is told of a place is the sum of
    what its rolls have left."""
    for row in world.rows(tag_roll):
        assert row["used"] == len(world.rows(tag, roll_id=row["id"])), row
        load = world.db.read_sync(loads.find, row["location_id"])
        assert load is not None
        assert load.tags == stock(world, row["location_id"]).left


def test_a_place_without_rolls_takes_any_fresh_tag(world: World) -> None:
    till = world.till()
    assert take(world, till, "SHOP0001").verdict == "accepted"
    assert stock(world, till.location_id) == counter.TagStock(0, None, low=False)


def test_a_place_with_rolls_takes_its_own_and_refuses_others(world: World) -> None:
    here, there = world.till(), world.till()
    own, other = roll(world, here.location_id, 1000, 50), roll(world, there.location_id, 2000, 50)
    assert take(world, here, own.first).verdict == "accepted"
    for strange in (other.first, tags.make_tag(1050), "SHOP0001"):
        refused = take(world, here, strange)
        assert (refused.verdict, refused.reason) == ("refused", "tag_foreign_roll")
        assert world.scan(here, strange).refused == "tag_foreign_roll"
    assert take(world, here, own.first).reason == "tag_used"
    assert [stock(world, place).left for place in (here.location_id, there.location_id)] == [49, 50]
    counted(world)


def test_a_tag_of_another_roll_is_counted_there_wherever_it_is_used(world: World) -> None:
    free, there = world.till(), world.till()
    other = roll(world, there.location_id, 2000, 50)
    assert take(world, free, other.first).verdict == "accepted", "this place has no rolls"
    assert stock(world, there.location_id).left == 49
    counted(world)


def test_the_clerks_word_lets_a_strange_tag_pass_and_is_kept(world: World) -> None:
    here, there = world.till(), world.till()
    roll(world, here.location_id, 1000, 50)
    other = roll(world, there.location_id, 2000, 50)
    answer = take(world, here, other.last, "roll came by mistake")
    assert answer.verdict == "accepted"
    (attempt,) = world.rows(counter_attempt, kind="override")
    parcel_id = answer.parcels[0].id
    assert (attempt["object"], attempt["reason"]) == (parcel_id, "tag_foreign_roll")
    assert attempt["request"]["reason"] == "roll came by mistake"
    (event,) = world.events("tag.overridden")
    assert event["data"]["roll"] == other.id
    assert event["location_id"] == here.location_id
    used = take(world, here, other.last, "once more")
    assert used.reason == "tag_used", "nobody's word helps a used tag"
    assert take(world, here, tags.make_tag(1001), "not needed").verdict == "accepted"
    assert len(world.rows(counter_attempt, kind="override")) == 1, "a word that was not needed is no override"


def test_a_written_code_needs_no_roll(world: World) -> None:
    till = world.till()
    roll(world, till.location_id, 1000, 50)
    code = tags.make_written(4711)
    assert take(world, till, tags.format_written(code).lower()).parcels[0].tag == code
    assert take(world, till, code).reason == "tag_used"


def test_digits_that_look_foreign_are_tags_only_on_a_roll(world: World) -> None:
    till = world.till()
    fedex = "986578788855"
    assert take(world, till, fedex).reason == "tag_malformed"
    assert world.scan(till, fedex).network == "FedEx"
    new = NewRoll(location=till.location_id, first="986578788800", last="986578788899")
    assert isinstance(world.db.write_sync(rolls.register, new, NOW, OPERATOR), RollView)
    assert world.scan(till, fedex).free
    assert take(world, till, fedex).verdict == "accepted"


def test_twenty_left_is_told_once_until_a_fresh_roll_comes(world: World) -> None:
    till = world.till()
    roll(world, till.location_id, 1000, 22)
    for number in range(1000, 1004):
        take(world, till, tags.make_tag(number))
    assert [event["data"]["left"] for event in world.events("tags.low")] == [20]
    assert told_left(world, till.location_id) == "few"
    assert stock(world, till.location_id) == counter.TagStock(1, 18, low=True)
    state = world.db.read_sync(counter_state, till.location_id, True, NOW)
    assert not isinstance(state, Problem)
    assert state.tags.low
    roll(world, till.location_id, 5000, 3)
    take(world, till, tags.make_tag(5000))
    assert [event["data"]["left"] for event in world.events("tags.low")] == [20, 20]


def test_ranges_never_overlap_and_a_retired_one_is_free_again(world: World) -> None:
    here, there = world.place(), world.place()
    made = roll(world, here, 1000, 50)
    new = NewRoll(location=there, first=tags.make_tag(1049), count=5)
    clash = world.db.write_sync(rolls.register, new, NOW, OPERATOR)
    assert isinstance(clash, Problem)
    assert (clash.code, clash.data) == ("tag-roll-overlaps", {"roll": made.id})
    assert told_left(world, here) == "enough"
    retired = world.db.write_sync(rolls.retire, made.id, NOW, OPERATOR)
    assert isinstance(retired, RollView)
    assert told_left(world, here) is None
    assert world.db.write_sync(rolls.retire, made.id, NOW, OPERATOR) == retired
    assert isinstance(world.db.write_sync(rolls.register, new, NOW, OPERATOR), RollView)
    shown = world.db.read_sync(rolls.list_rolls, None, False, "", 50)
    assert [one.location for one in shown.items] == [there]
    assert len(world.db.read_sync(rolls.list_rolls, None, True, "", 50).items) == 2


def test_a_moved_roll_serves_its_new_place(world: World) -> None:
    here, there = world.till(), world.till()
    made = roll(world, here.location_id, 1000, 50)
    roll(world, there.location_id, 3000, 5)
    take(world, here, made.first)
    moved = world.db.write_sync(rolls.move, made.id, there.location_id, NOW, OPERATOR)
    assert isinstance(moved, RollView)
    assert (moved.left, stock(world, there.location_id).left) == (49, 54)
    assert take(world, there, made.last).verdict == "accepted"
    counted(world)
    assert told_left(world, here.location_id) is None, "nobody counts where there is no roll any more"
    assert [event["objects"]["location"] for event in world.events("tag_roll.moved")] == [there.location_id]


def test_tags_used_before_their_roll_was_registered_are_counted(world: World) -> None:
    till = world.till()
    for text in (tags.make_tag(1003), tags.make_tag(1009), tags.make_tag(1010), "T1003"):
        take(world, till, text)
    made = roll(world, till.location_id, 1000, 10)
    assert (made.used, made.left) == (2, 8)
    counted(world)


def test_a_till_registers_a_roll_by_its_head_or_its_ends(world: World) -> None:
    here, there = world.till(), world.till()
    first, last = tags.make_tag(100), tags.make_tag(199)
    head = tags.roll_head(first, last)
    seen = world.scan(here, head)
    assert (seen.roll.first, seen.roll.last, seen.free) == (first, last, False)

    def register(till: Till, **asked: Any) -> counter.RollAnswer:
        return world.db.write_sync(counter.register_here, till, RollHere(**asked), NOW)

    answer = register(here, first=head)
    assert (answer.verdict, answer.roll and answer.roll.left) == ("accepted", 100)
    assert register(here, first=first, last=last).verdict == "already"
    assert register(there, first=head).reason == "tag_foreign_roll"
    assert register(there, first="ABCDEF", count=3).reason == "tag_malformed"
    assert register(there, first=tags.make_tag(300), last=tags.make_tag(299)).reason == "tag_malformed"
    assert register(there, first="AB0100", last="AB0119").verdict == "accepted"
    assert len(world.rows(counter_attempt, kind="tag_roll")) == 6


def test_printed_numbers_are_fresh_and_registered(world: World) -> None:
    till = world.till()
    take(world, till, tags.make_tag(3))  # from elsewhere
    drawn = world.db.write_sync(printed.draw_tags, 25, 10, till.location_id, NOW, OPERATOR)
    assert not isinstance(drawn, Problem)
    assert [one.count for one in drawn] == [10, 10, 5]
    assert drawn[0].first == 10, "the first ten hold a tag that a parcel has"
    assert stock(world, till.location_id) == counter.TagStock(3, 25, low=False)
    again = world.db.write_sync(printed.draw_tags, 5, 10, None, NOW, OPERATOR)
    assert not isinstance(again, Problem)
    assert again[0].first > drawn[-1].first + 4


def test_bag_labels_come_from_the_serials_of_bags(world: World) -> None:
    till = world.till()
    before = world.bag(till).sscc
    (drawn,) = world.db.write_sync(printed.draw_bag_labels, PREFIX, 3, till.location_id, NOW, OPERATOR)
    after = world.bag(till).sscc
    labels = [printed._text(PREFIX, drawn.first + n) for n in range(3)]
    assert len({before, after, *labels}) == 5
    assert world.bag(till, sscc=labels[1]).sscc == labels[1]
    assert world.bag(till).sscc not in labels
    assert len(world.rows(container)) == 4


def test_a_fresh_bag_label_is_named_as_one_and_opens_a_bag_with_a_hand_in(world: World) -> None:
    till, retailer = world.till(), world.retailer()
    (drawn,) = world.db.write_sync(printed.draw_bag_labels, PREFIX, 2, None, NOW, OPERATOR)
    fresh, never = drawn.last_text, gs1.nth_sscc(PREFIX, drawn.first + 1000)
    seen = world.scan(till, f"]C100{fresh}")
    assert (seen.label, seen.container, seen.refused) == (fresh, None, None)
    assert "fresh bag label" in seen.say
    assert world.scan(till, never).network == "SSCC", "of our prefix, and never printed: not ours"

    def take_in(label: str) -> counter.HandInAnswer:
        asked = world.ask(world.give_back(retailer), container=label)
        return world.db.write_sync(counter.take_in, world.passes, BASE_URL, PREFIX, till, asked, NOW)

    assert take_in(never).reason == "container_unknown"
    assert not world.rows(container), "a refusal opens no bag"
    first, second = take_in(f"00{fresh}"), take_in(fresh)
    assert (first.container.sscc, second.container.sscc) == (fresh, fresh)
    assert not first.container.new, "its number stands on the label already"
    assert world.scan(till, fresh).container.parcel_count == 2


def test_many_tills_on_one_roll_count_right(world: World) -> None:
    till = world.till()
    made = roll(world, till.location_id, 1000, 30)
    returns = [world.give_back() for _ in range(24)]
    answers: list[str] = []

    def run(number: int) -> None:
        # Twelve tags, each wanted by two.
        parcel = ParcelIn(tags.make_tag(1000 + number % 12), (returns[number].units[0].id,))
        answers.append(world.hand_in(till, world.ask(returns[number], parcels=(parcel,))).verdict)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["accepted"] * 12 + ["refused"] * 12
    assert world.rows(tag_roll, id=made.id)[0]["used"] == 12
    assert stock(world, till.location_id).left == 18
    assert len(world.events("tags.low")) == 1
    counted(world)


def test_two_who_register_the_same_tags_together(world: World) -> None:
    places = [world.place(), world.place()]
    found: list[Any] = []

    def run(place: str) -> None:
        new = NewRoll(location=place, first=tags.make_tag(1000), count=50)
        found.append(world.db.write_sync(rolls.register, new, NOW, OPERATOR))

    threads = [threading.Thread(target=run, args=(place,)) for place in places]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(type(one).__name__ for one in found) == ["Problem", "RollView"]


def test_the_database_lets_no_roll_be_used_more_than_it_has(world: World) -> None:
    made = roll(world, world.place(), 1000, 2)
    statement = sa.update(tag_roll).where(tag_roll.c.id == made.id).values(used=3)
    with pytest.raises(sa.exc.IntegrityError):
        world.db.write_sync(lambda tx: tx.change(statement))


def test_an_upgrade_keeps_every_tag(db: Database, tmp_path: Path) -> None:
    """From the first revision on: the table of tags is built anew on SQLite, and must lose none."""
    world = World(db, tmp_path)
    till = world.till()
    for number in range(3):
        take(world, till, tags.make_tag(number))
    engine = migration_engine(db.url)
    with engine.begin() as connection:
        # As the first revision had it.
        context = MigrationContext.configure(connection)
        with Operations(context).batch_alter_table("tag") as batch:
            batch.drop_index("ix_tag_roll_id")
            batch.drop_constraint("fk_tag_roll_id", type_="foreignkey")
            batch.drop_column("roll_id")
        connection.execute(sa.text("DROP TABLE tag_roll"))
        connection.execute(sa.text("DROP TABLE label_range"))
        (path,) = MIGRATIONS.glob("*_tag_rolls.py")
        migration = importlib.import_module(f"dropoff.db.migrations.versions.{path.stem}")
        with Operations.context(context):
            migration.upgrade()
    engine.dispose()
    assert sorted(row["tag"] for row in world.rows(tag, roll_id=None)) == [tags.make_tag(number) for number in range(3)]
    assert take(world, till, tags.make_tag(2)).reason == "tag_used"


def test_the_stock_of_rolls_from_before_is_known(world: World) -> None:
    till = world.till()
    roll(world, till.location_id, 1000, 30)
    take(world, till, tags.make_tag(1000))
    (path,) = MIGRATIONS.glob("*_tags_of_rolls.py")
    script = importlib.import_module(f"dropoff.db.migrations.versions.{path.stem}")
    world.db.write_sync(lambda tx: tx.change(sa.update(location_load).values(tags=None, tags_at=None)))
    world.db.write_sync(lambda tx: tx.change(sa.text(script.LEFT.format(now=script.NOW[tx.dialect]))))
    assert told_left(world, till.location_id) == "enough"
    counted(world)
    world.db.write_sync(lambda tx: tx.change(sa.delete(location_load)))
    world.db.write_sync(lambda tx: tx.change(sa.text(script.LEFT.format(now=script.NOW[tx.dialect]))))
    counted(world)
