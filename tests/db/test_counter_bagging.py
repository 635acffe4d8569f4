"""A till that leaves the bag to the service: the one that goes there, else a new one."""

from pathlib import Path

import msgspec
import pytest
from tests.counter_world import BASE_URL, NOW, PREFIX, World

from dropoff.counter import service as counter
from dropoff.counter.service import HandIn, HandInAnswer, Till
from dropoff.counter.tables import container, hand_in, parcel
from dropoff.counter.times import counter_times
from dropoff.db import Database
from dropoff.kernel.clock import now


@pytest.fixture
def world(db: Database, tmp_path: Path) -> World:
    return World(db, tmp_path)


def take_in(world: World, till: Till, data: HandIn) -> HandInAnswer:
    answer = world.db.write_sync(counter.take_in, world.passes, BASE_URL, PREFIX, till, data, NOW)
    assert isinstance(answer, HandInAnswer)
    return answer


def test_the_first_parcel_opens_a_bag_and_the_next_goes_into_it(world: World) -> None:
    till, retailer = world.till(), world.retailer()
    first = take_in(world, till, world.ask(world.give_back(retailer), container="auto"))
    assert first.container is not None
    assert first.container.new
    second = take_in(world, till, world.ask(world.give_back(retailer), container="auto"))
    assert second.container == counter.ContainerTaken(first.container.id, first.container.sscc)
    assert {row["container_id"] for row in world.rows(parcel)} == {first.container.id}
    other = take_in(world, till, world.ask(world.give_back(world.retailer()), container="auto"))
    assert other.container is not None
    assert other.container.new, "another retailer's things go another way"


def test_a_full_bag_gives_way_to_a_new_one(world: World) -> None:
    till, retailer = world.till(), world.retailer()
    world.lane(till.location_id, retailer=retailer, max_weight_g=620 + 100)
    answers = [take_in(world, till, world.ask(world.give_back(retailer), container="auto")) for _ in range(2)]
    assert [answer.verdict for answer in answers] == ["accepted", "accepted"]
    assert len({answer.container.id for answer in answers if answer.container}) == 2


def test_a_refusal_opens_no_bag(world: World) -> None:
    till = world.till()
    made = world.give_back()
    assert take_in(world, till, world.ask(made, container="new")).verdict == "accepted"
    assert take_in(world, till, world.ask(made, container="auto")).verdict == "already"
    assert len(world.rows(container)) == 1


def test_counter_time_is_kept(world: World) -> None:
    till = world.till()
    take_in(world, till, msgspec.structs.replace(world.ask(world.give_back(), container="auto"), took_ms=4_200))
    assert [row["took_ms"] for row in world.rows(hand_in)] == [4_200]


def test_the_operator_reads_how_long_it_takes(world: World) -> None:
    till = world.till()
    for seconds in (4, 6, 30):
        data = msgspec.structs.replace(world.ask(world.give_back(), container="auto"), took_ms=seconds * 1000)
        take_in(world, till, data)
    take_in(world, till, world.ask(world.give_back(), container="auto"))
    found = world.db.read_sync(counter_times, now())
    assert (found.count, found.half_s, found.most_s) == (3, 6.0, 30.0)
    assert [place.count for place in found.places] == [3]
