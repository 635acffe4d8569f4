"""What is known of a place follows from what happens there: counted in the same transaction, by whatever moves a
parcel, and right whoever counts at the same moment."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory
from tests import freight_world as freight
from tests.counter_world import BASE_URL, NOW, World
from tests.db.test_counter_races import TILLS, at_once

from dropoff.counter import service as counter
from dropoff.counter import waiting
from dropoff.counter.movement import lose_parcel
from dropoff.counter.tables import parcel
from dropoff.db import Database, Tx, migrate
from dropoff.kernel.errors import Problem
from dropoff.network import loads
from dropoff.network.loads import Stock
from dropoff.network.tables import location_load

LATER = NOW + timedelta(minutes=5)


@pytest.fixture
def world(db: Database, tmp_path: Path) -> World:
    return World(db, tmp_path)


@pytest.fixture
def databases(db: Database, database_url: str) -> Iterator[list[Database]]:
    with closing(Database(database_url)) as second:
        yield [db, second]


def load(world: World, place: str) -> Any:
    return world.db.read_sync(loads.find, place)


def lies_at(world: World, place: str) -> int:
    found = load(world, place)
    assert found is not None
    counted = world.db.read_sync(lambda tx: waiting.store_waiting.waiting(tx, [place]))
    assert sum(counted.values()) == found.waiting, "what was counted is what lies there"
    return int(found.waiting)


def test_hand_ins_count_up_and_an_undone_one_counts_down(world: World) -> None:
    till = world.till()
    first = world.hand_in(till, world.ask(world.give_back()))
    second = world.hand_in(till, world.ask(world.give_back(), scanned_at=LATER), LATER)
    assert (lies_at(world, till.location_id), load(world, till.location_id).hand_in_at) == (2, LATER)
    assert world.undo(till, second.hand_in, LATER).verdict == "accepted"  # type: ignore[union-attr]
    assert (lies_at(world, till.location_id), load(world, till.location_id).hand_in_at) == (1, NOW)
    assert world.undo(till, first.hand_in, LATER).verdict == "accepted"  # type: ignore[union-attr]
    assert (lies_at(world, till.location_id), load(world, till.location_id).hand_in_at) == (0, None)


def test_what_was_refused_or_is_of_the_other_mode_counts_nothing(world: World) -> None:
    till = world.till()
    made = world.give_back()
    assert world.hand_in(till, world.ask(made, pass_text="2222-2222-222")).verdict == "refused"
    assert load(world, till.location_id) is None
    device = world.db.write_sync(counter_device, till.location_id)
    test_till = counter.Till(till.location_id, device, False)
    taken = world.hand_in(test_till, world.ask(world.give_back(world.retailer(live=False))))
    assert taken.verdict == "accepted"
    assert load(world, till.location_id) is None, "a test parcel takes no room and proves nothing"


def counter_device(tx: Any, location_id: str) -> str:
    from dropoff.network import service as network

    made = network.add_device(tx, location_id, "Test till", BASE_URL, NOW, live=False)
    assert not isinstance(made, Problem)
    return made.id


def test_of_64_hand_ins_none_is_forgotten(world: World, databases: list[Database]) -> None:
    """Over two connections, as two processes would; half of them are taken back at the same time."""
    till = world.till()
    asks = [world.ask(world.give_back()) for _ in range(TILLS)]
    taken = [world.hand_in(till, world.ask(world.give_back())) for _ in range(8)]

    def act(number: int) -> str:
        database = databases[number % 2]
        if number < TILLS:
            args = (world.passes, BASE_URL, till, asks[number], NOW)
            return database.write_sync(counter.confirm_hand_in, *args).verdict
        undone: Any = database.write_sync(counter.undo_hand_in, till, taken[number - TILLS].hand_in, NOW)
        return str(undone.verdict)

    assert set(at_once(TILLS + 8, act)) == {"accepted"}
    assert lies_at(world, till.location_id) == TILLS


def test_the_driver_takes_them_along_and_leaves_word(world: World) -> None:
    till, retailer = world.till(), world.retailer()
    world.lane(till.location_id, retailer=retailer)
    bag = world.bag(till)
    for _ in range(3):
        world.hand_in(till, world.ask(world.give_back(retailer), container=bag.id))
    world.hand_in(till, world.ask(world.give_back(retailer)))
    world.seal(till, bag.id)
    comes_at = NOW + timedelta(hours=7)
    booked = freight.booked(world.db, as_of=comes_at, now=comes_at)
    assert lies_at(world, till.location_id) == 4
    ssccs = [one.sscc for shipment in booked for one in shipment.containers]
    left = freight.hand_over(world.db, till, broken=tuple(ssccs[:1]), at=comes_at)
    assert left.handed_over == []
    assert (lies_at(world, till.location_id), load(world, till.location_id).driver_at) == (4, comes_at), "he was there"
    later = comes_at + timedelta(hours=1)
    assert len(freight.hand_over(world.db, till, *ssccs, at=later).handed_over) == 2
    assert (lies_at(world, till.location_id), load(world, till.location_id).driver_at) == (0, later)


def test_what_is_lost_or_turns_up_at_a_hub_is_counted_where_it_is(world: World) -> None:
    till, hub = world.till(), world.place(kind="hub")
    for _ in range(2):
        world.hand_in(till, world.ask(world.give_back()))
    lost, found = (row["id"] for row in world.rows(parcel))
    assert world.db.write_sync(lose_parcel, lost, LATER) is not None
    assert lies_at(world, till.location_id) == 1
    arrived = world.db.write_sync(counter.receive_parcel, found, LATER, "x", False, hub)
    assert arrived is not None
    assert (lies_at(world, till.location_id), lies_at(world, hub)) == (0, 1)
    world.db.write_sync(counter.receive_parcel, lost, LATER, "x", False, hub)
    assert lies_at(world, hub) == 2
    for one in (lost, found):
        world.db.write_sync(counter.receive_parcel, one, LATER, "x", True)
    assert lies_at(world, hub) == 0


def test_a_count_that_is_off_stops_nobody_and_is_set_right(world: World) -> None:
    till, other = world.till(), world.till()
    taken = [world.hand_in(till, world.ask(world.give_back())) for _ in range(3)]
    world.hand_in(other, world.ask(world.give_back()))
    right = location_load.c.location_id == other.location_id
    world.db.write_sync(lambda tx: tx.change(sa.update(location_load).where(~right).values(waiting=1)))
    for one in taken[:2]:
        assert world.undo(till, one.hand_in).verdict == "accepted"  # type: ignore[union-attr]
    assert load(world, till.location_id).waiting == 0, "never below nothing"
    assert waiting.recount(world.db, LATER) == [till.location_id]
    assert (lies_at(world, till.location_id), lies_at(world, other.location_id)) == (1, 1)
    assert waiting.recount(world.db, LATER) == []
    world.db.write_sync(lambda tx: tx.change(sa.delete(location_load)))
    assert sorted(waiting.recount(world.db, LATER)) == sorted([till.location_id, other.location_id])
    assert lies_at(world, till.location_id) == 1


def test_the_database_keeps_counts_from_going_below_nothing(world: World) -> None:
    till = world.till()
    world.hand_in(till, world.ask(world.give_back()))
    for values in ({"waiting": -1}, {"capacity": -1}, {"tags": -1}, {"printer": "on fire"}):
        with pytest.raises(sa.exc.IntegrityError):
            world.db.write_sync(lambda tx, v: tx.change(sa.update(location_load).values(**v)), values)


def test_a_recount_during_hand_ins_ends_right(world: World, databases: list[Database]) -> None:
    till = world.till()
    asks = [world.ask(world.give_back()) for _ in range(24)]

    def act(number: int) -> None:
        database = databases[number % 2]
        if number % 4 == 3:
            database.write_sync(waiting._recount_one, till.location_id, NOW)
        else:
            data = asks[number - number // 4 - (number % 4 > 3)]
            args = (world.passes, BASE_URL, till, data, NOW)
            assert database.write_sync(counter.confirm_hand_in, *args).verdict == "accepted"

    at_once(32, act)
    assert lies_at(world, till.location_id) == 24


def test_what_somebody_tells_has_its_own_moment(world: World) -> None:
    till = world.till()
    world.hand_in(till, world.ask(world.give_back()))
    told = world.db.write_sync(loads.tell, till.location_id, Stock(capacity=40, printer="ready"), NOW, till.actor)
    assert not isinstance(told, Problem)
    told = world.db.write_sync(loads.tell, till.location_id, Stock(tags=12), LATER, till.actor)
    assert not isinstance(told, Problem)
    assert (told.capacity, told.capacity_at, told.tags, told.tags_at, told.printer) == (40, NOW, 12, LATER, "ready")
    assert told.waiting == 1
    assert [row["data"] for row in world.events("location.stock_told")] == [
        {"capacity": 40, "printer": "ready"},
        {"tags": 12},
    ]
    assert isinstance(world.db.write_sync(loads.tell, till.location_id, Stock(), NOW, "x"), Problem)
    assert isinstance(world.db.write_sync(loads.tell, "loc_nowhere", Stock(tags=1), NOW, "x"), Problem)
    elsewhere = world.place()
    made = world.db.write_sync(loads.tell, elsewhere, Stock(tags=1), NOW, "x")
    assert not isinstance(made, Problem)
    assert made.waiting == 0


def test_what_happened_before_it_was_counted_is_known(world: World) -> None:
    """The migration counts from the rows of the past what would have been counted."""
    till, retailer = world.till(), world.retailer()
    world.lane(till.location_id, retailer=retailer)
    for minutes in range(3):
        world.hand_in(till, world.ask(world.give_back(retailer), scanned_at=NOW), NOW + timedelta(minutes=minutes))
    undone = world.hand_in(till, world.ask(world.give_back()), LATER)
    world.undo(till, undone.hand_in, LATER)
    comes_at = NOW + timedelta(hours=7)
    ssccs = [one.sscc for shipment in freight.booked(world.db, comes_at, comes_at) for one in shipment.containers]
    freight.hand_over(world.db, till, *ssccs[:2], at=comes_at)
    world.till()
    counted = load(world, till.location_id)
    assert (counted.waiting, counted.driver_at) == (1, comes_at)
    script = ScriptDirectory.from_config(migrate.config()).get_revision("0004").module

    def count_anew(tx: Tx) -> None:
        tx.change(sa.delete(location_load))
        tx.change(sa.text(script.COUNT.format(now=script.NOW[tx.dialect])))

    world.db.write_sync(count_anew)
    (row,) = world.rows(location_load)
    assert (row["waiting"], row["driver_at"]) == (1, comes_at)
    assert row["hand_in_at"] == NOW + timedelta(minutes=2), "when it was heard of"
