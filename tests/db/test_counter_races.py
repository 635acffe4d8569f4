"""Many tills at one thing, over two connections of their own: exactly one gets it, on both databases."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import pytest
from tests.counter_world import BASE_URL, NOW, PREFIX, World

from dropoff.counter import service as counter
from dropoff.counter.service import ParcelIn, Till
from dropoff.counter.tables import container, hand_in, parcel, tag
from dropoff.db import Database

T = TypeVar("T")
TILLS = 64


@pytest.fixture
def world(db: Database, tmp_path: Path) -> World:
    return World(db, tmp_path)


@pytest.fixture
def databases(db: Database, database_url: str) -> Iterator[list[Database]]:
    with closing(Database(database_url)) as second:
        yield [db, second]


def at_once(count: int, act: Callable[[int], T]) -> list[T]:
    """All threads stand at the same line before the first one runs."""
    line = threading.Barrier(count)

    def run(number: int) -> T:
        line.wait()
        return act(number)

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(run, range(count)))


def test_of_64_tills_one_takes_the_unit(world: World, databases: list[Database]) -> None:
    places = [world.till() for _ in range(4)]
    made = world.give_back()
    asks = [world.ask(made) for _ in range(TILLS)]

    def take(number: int) -> str:
        till = places[number % len(places)]
        database = databases[number % 2]
        args = (world.passes, BASE_URL, till, asks[number], NOW)
        return database.write_sync(counter.confirm_hand_in, *args).verdict

    assert Counter(at_once(TILLS, take)) == {"accepted": 1, "already": TILLS - 1}
    assert len(world.rows(parcel)) == len(world.rows(tag)) == len(world.events("parcel.handed_in")) == 1
    assert len(world.rows(hand_in)) == TILLS, "every attempt is a row"


def test_of_64_parcels_one_gets_the_tag(world: World, databases: list[Database]) -> None:
    till, retailer, text = world.till(), world.retailer(), world.tag()
    bag = world.bag(till)
    asks = []
    for _ in range(TILLS):
        made = world.give_back(retailer)
        asks.append(world.ask(made, parcels=(ParcelIn(text, (made.units[0].id,)),), container=bag.id))

    def take(number: int) -> str | None:
        args = (world.passes, BASE_URL, till, asks[number], NOW)
        return databases[number % 2].write_sync(counter.confirm_hand_in, *args).reason

    assert Counter(at_once(TILLS, take)) == {None: 1, "tag_used": TILLS - 1}
    (row,) = world.rows(container)
    assert (row["parcel_count"], row["weight_g"]) == (1, 620), "the losers left nothing in the bag"


def test_parallel_makes_never_give_the_same_sscc(world: World, databases: list[Database]) -> None:
    till = world.till()
    new = counter.NewContainer("bag")

    def make(number: int) -> str:
        made = databases[number % 2].write_sync(counter.open_container, PREFIX, till, new, NOW)
        assert isinstance(made, counter.ContainerView)
        return made.sscc

    numbers = at_once(TILLS, make)
    assert len(set(numbers)) == TILLS


def test_a_race_for_the_last_room_never_overloads_the_bag(world: World, databases: list[Database]) -> None:
    till, retailer = world.till(), world.retailer()
    world.lane(till.location_id, retailer=retailer, max_weight_g=620 * 5 + 100)
    bag = world.bag(till)
    asks = [world.ask(world.give_back(retailer), container=bag.id) for _ in range(16)]

    def take(number: int) -> str | None:
        args = (world.passes, BASE_URL, till, asks[number], NOW)
        return databases[number % 2].write_sync(counter.confirm_hand_in, *args).reason

    assert Counter(at_once(16, take)) == {None: 5, "over_weight": 11}
    (row,) = world.rows(container)
    assert (row["parcel_count"], row["weight_g"]) == (5, 620 * 5)


def test_one_of_seal_and_undo_wins(world: World, databases: list[Database]) -> None:
    till = world.till()
    for _ in range(8):
        bag = world.bag(till)
        made = world.give_back()
        taken = world.hand_in(till, world.ask(made, container=bag.id))

        def act(number: int, till: Till = till, bag: str = bag.id, hand_in_id: str = taken.hand_in) -> str:
            if number:
                answer = databases[1].write_sync(counter.undo_hand_in, till, hand_in_id, NOW)
                return str(getattr(answer, "verdict", answer))
            return databases[0].write_sync(counter.seal, till, bag, counter.SealIn(), NOW).verdict

        assert sorted(at_once(2, act)) == ["accepted", "refused"]
        (row,) = world.rows(container, id=bag.id)
        custody = world.custody(made)
        assert (row["status"], row["parcel_count"], custody) in [
            ("sealed", 1, ["handed_in"]),
            ("open", 0, ["expected"]),
        ]
