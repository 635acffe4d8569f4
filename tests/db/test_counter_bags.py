"""Which bag: a retailer's own, a hub's, one for customs; and what one may hold. Places here are Danish."""

from pathlib import Path

import pytest
from tests.counter_world import BASE_URL, NOW, PREFIX, World

from dropoff.counter import service as counter
from dropoff.counter.bags import BagTold
from dropoff.counter.service import Till
from dropoff.counter.tables import container, parcel
from dropoff.db import Database
from dropoff.network.customs import crosses_border


@pytest.fixture
def world(db: Database, tmp_path: Path) -> World:
    return World(db, tmp_path)


def take_in(world: World, till: Till, retailer: str, container: str | None = "auto") -> BagTold:
    asked = world.ask(world.give_back(retailer), container=container)
    answer = world.db.write_sync(counter.take_in, world.passes, BASE_URL, PREFIX, till, asked, NOW)
    assert answer.verdict == "accepted", answer
    assert answer.bag is not None
    return answer.bag


def test_what_crosses_a_customs_border_has_a_bag_of_its_own(world: World) -> None:
    till, hub = world.till(), world.place(kind="hub")
    danish, swiss, norwegian = (world.retailer(country=country) for country in ("DK", "CH", "NO"))
    world.lane(till.location_id, hub=hub)
    for retailer in (danish, swiss, norwegian):
        world.lane(hub, retailer=retailer)
    bags = [take_in(world, till, retailer) for retailer in (danish, swiss, norwegian, swiss, danish)]
    assert [(bag.kind, bag.country) for bag in bags[:3]] == [
        ("hub", None),
        ("customs", "Switzerland"),
        ("customs", "Norway"),
    ]
    assert len({bag.id for bag in bags}) == 3
    assert [bags[3].id, bags[4].id] == [bags[1].id, bags[0].id], "each finds its own again"
    assert len({bag.to for bag in bags}) == 1, "all of them go to the hub"

    # By hand, too, and of two tills that fill an empty bag at once the first says what it is.
    loose = take_in(world, till, swiss, None)
    assert (loose.kind, loose.id, loose.country) == ("customs", None, "Switzerland")
    tag = world.rows(parcel, container_id=None)[0]["tag"]
    assert world.pack(till, str(bags[0].id), tag).reason == "wrong_container"
    empty = world.bag(till)
    assert world.pack(till, empty.id, tag).verdict == "accepted"
    assert world.rows(container, id=empty.id)[0]["customs"] == "CH"


def test_a_bag_that_was_emptied_is_bound_to_nothing(world: World) -> None:
    till = world.till()
    asked = world.ask(world.give_back(world.retailer(country="CH")), container=(bag := world.bag(till)).id)
    answer = world.hand_in(till, asked)
    world.undo(till, answer.hand_in)
    (row,) = world.rows(container, id=bag.id)
    assert (row["customs"], row["next_id"]) == ("", None)
    assert take_in(world, till, world.retailer(), bag.id).kind == "retailer"


def test_a_full_bag_says_so_and_the_next_one_names_it(world: World) -> None:
    till, retailer = world.till(), world.retailer()
    world.lane(till.location_id, retailer=retailer, max_bag_parcels=2, max_bag_weight_g=20_000)
    first, second, third = (take_in(world, till, retailer) for _ in range(3))
    assert [(bag.parcels, bag.full, bag.before) for bag in (first, second)] == [(1, False, None), (2, True, None)]
    assert (first.max_parcels, first.max_weight_g, first.weight_g) == (2, 20_000, 620)
    assert third.id != second.id
    assert third.before is not None
    assert third.before.id == second.id
    # The database keeps the limit, not only the choice; what nobody lifts has none.
    refused = world.hand_in(till, world.ask(world.give_back(retailer), container=second.id))
    assert refused.reason == "over_weight"
    cage = world.db.write_sync(counter.open_container, PREFIX, till, counter.NewContainer("cage"), NOW)
    for _ in range(3):
        assert take_in(world, till, retailer, cage.id).max_parcels is None


def test_a_bag_is_full_by_weight_shortly_before_its_limit(world: World) -> None:
    till, retailer = world.till(), world.retailer()
    world.lane(till.location_id, retailer=retailer, max_bag_weight_g=1300)
    assert [take_in(world, till, retailer).full for _ in range(2)] == [False, True]


@pytest.mark.parametrize(
    ("origin", "destination", "papers"),
    [
        ("DE", "DE", False),
        ("DE", "DK", False),
        ("FR", "MC", False),
        ("CH", "LI", False),
        ("DE", "CH", True),
        ("SE", "NO", True),
        ("GB", "IE", True),
        ("TR", "TR", False),
        ("DE", "TR", True),
        ("XX", "XX", False),
    ],
)
def test_where_goods_need_papers(origin: str, destination: str, papers: bool) -> None:
    assert crosses_border(origin, destination) is crosses_border(destination, origin) is papers
