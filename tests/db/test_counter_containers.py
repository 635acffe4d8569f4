"""Containers at a location: opened, filled, sealed, opened again; on both databases."""

from pathlib import Path

import pytest
from tests.counter_world import NOW, PREFIX, World

from dropoff.counter import service as counter
from dropoff.counter.tables import container, counter_attempt, parcel
from dropoff.db import Database
from dropoff.kernel import gs1
from dropoff.kernel.errors import Problem


@pytest.fixture
def world(db: Database, tmp_path: Path) -> World:
    return World(db, tmp_path)


def test_each_container_gets_an_sscc_of_its_own(world: World) -> None:
    till = world.till()
    numbers = [world.bag(till).sscc for _ in range(3)]
    assert numbers == [gs1.nth_sscc(PREFIX, number) for number in range(3)]
    assert all(gs1.is_sscc(number) for number in numbers)


def test_a_pre_printed_sscc_is_taken_once_and_passed_over_by_the_serials(world: World) -> None:
    till = world.till()
    printed = gs1.nth_sscc(PREFIX, 1)
    assert world.bag(till, sscc=f"(00){printed}").sscc == printed
    assert [world.bag(till).sscc for _ in range(2)] == [gs1.nth_sscc(PREFIX, 0), gs1.nth_sscc(PREFIX, 2)]


def test_scanning_an_open_bags_label_again_answers_that_bag(world: World) -> None:
    till = world.till()
    first = world.bag(till, sscc=gs1.nth_sscc(PREFIX, 9))
    assert world.bag(till, sscc=first.sscc).id == first.id
    other = world.till()
    refused = world.db.write_sync(counter.open_container, PREFIX, other, counter.NewContainer("bag", first.sscc), NOW)
    assert isinstance(refused, Problem)
    assert refused.code == "sscc-used"


@pytest.mark.parametrize("text", ["123", "395213210000000005", "340123450000000000", "nothing"])
def test_a_label_that_is_not_ours_makes_no_container(world: World, text: str) -> None:
    made = world.db.write_sync(counter.open_container, PREFIX, world.till(), counter.NewContainer("bag", text), NOW)
    assert isinstance(made, Problem)
    assert (made.code, made.errors[0].pointer) == ("invalid-request", "/sscc")
    assert world.rows(container) == []


def test_the_first_parcel_fixes_the_next_stop(world: World) -> None:
    till, retailer = world.till(), world.retailer()
    bag = world.bag(till)
    for _ in range(2):
        asked = world.ask(world.give_back(retailer), container=f"]C100{bag.sscc}")
        assert world.hand_in(till, asked).verdict == "accepted"
    stranger = world.hand_in(till, world.ask(world.give_back(), container=bag.id))
    assert (stranger.verdict, stranger.reason) == ("refused", "wrong_container")
    shown = world.db.read_sync(counter.find_here, bag.id, till.location_id, True)
    assert shown is not None
    assert (shown.parcel_count, shown.weight_g) == (2, 1240)
    assert shown.next is not None
    assert (shown.next.kind, shown.next.id) == ("retailer", retailer)
    assert [held.status for held in shown.parcels] == ["in_container", "in_container"]


def test_a_bag_for_a_hub_takes_several_retailers(world: World) -> None:
    till, hub = world.till(), world.place(kind="hub")
    world.lane(None, hub=hub)
    bag = world.bag(till)
    for _ in range(2):
        retailer = world.retailer()
        world.lane(hub, retailer=retailer)
        assert world.hand_in(till, world.ask(world.give_back(retailer), container=bag.id)).verdict == "accepted"
    (row,) = world.rows(container, id=bag.id)
    assert (row["next_kind"], row["next_id"], row["retailer_id"]) == ("hub", hub, None)


def test_a_bag_never_gets_heavier_than_its_lane_allows(world: World) -> None:
    till, retailer = world.till(), world.retailer()
    world.lane(till.location_id, retailer=retailer, max_weight_g=1300)
    bag = world.bag(till)
    verdicts = [world.hand_in(till, world.ask(world.give_back(retailer), container=bag.id)) for _ in range(3)]
    assert [answer.reason for answer in verdicts] == [None, None, "over_weight"]


def test_the_wrong_container_says_what_is_wrong_with_it(world: World) -> None:
    till, other = world.till(), world.till()
    sealed = world.bag(till)
    world.hand_in(till, world.ask(world.give_back(), container=sealed.id))
    world.seal(till, sealed.id)
    retailer = world.rows(container, id=sealed.id)[0]["retailer_id"]
    cases = {
        "container_unknown": "ctr_00000000000000000000000000",
        "wrong_location": world.bag(other).id,
        "container_not_open": sealed.sscc,
        "test_mode": world.bag(world.till(live=False)).id,
    }
    for reason, text in cases.items():
        answer = world.hand_in(till, world.ask(world.give_back(retailer), container=text))
        assert (answer.verdict, answer.reason) == ("refused", reason)


def test_a_loose_parcel_goes_into_a_bag_later(world: World) -> None:
    till, retailer = world.till(), world.retailer()
    asked = world.ask(world.give_back(retailer))
    world.hand_in(till, asked)
    bag = world.bag(till)
    packed = world.pack(till, bag.id, asked.parcels[0].tag.lower())
    assert packed.verdict == "accepted"
    assert packed.container is not None
    assert (packed.container.parcel_count, packed.container.weight_g) == (1, 620)
    assert world.pack(till, bag.id, asked.parcels[0].tag).verdict == "already"
    assert world.pack(till, world.bag(till).id, asked.parcels[0].tag).reason == "wrong_container"


def test_only_a_parcel_of_this_place_can_be_packed(world: World) -> None:
    till, other = world.till(), world.till()
    asked = world.ask(world.give_back())
    world.hand_in(other, asked)
    bag = world.bag(till)
    assert world.pack(till, bag.id, asked.parcels[0].tag).reason == "wrong_location"
    assert world.pack(till, bag.id, world.tag()).reason == "unit_unknown"
    assert world.pack(till, bag.id, "?").reason == "tag_malformed"
    assert world.pack(till, "ctr_nothing", asked.parcels[0].tag).reason == "container_unknown"
    assert [row["reason"] for row in world.rows(counter_attempt, kind="add_parcel")] == [
        "wrong_location",
        "unit_unknown",
        "tag_malformed",
        "container_unknown",
    ]


def test_sealing_and_unsealing_are_recorded_acts(world: World) -> None:
    till = world.till()
    bag = world.bag(till)
    world.hand_in(till, world.ask(world.give_back(), container=bag.id))
    assert world.seal(till, bag.id, "SEAL-1").verdict == "accepted"
    assert world.seal(till, bag.sscc, "SEAL-1").verdict == "already"
    assert world.seal(till, bag.id, "SEAL-2").reason == "container_not_open"
    assert world.hand_in(till, world.ask(world.give_back(), container=bag.id)).reason == "wrong_container"
    opened = world.unseal(till, bag.id)
    assert opened.verdict == "accepted"
    assert opened.container is not None
    assert (opened.container.status, opened.container.seal) == ("open", None)
    assert world.unseal(till, bag.id).verdict == "already"
    assert [one["data"]["reason"] for one in world.events("container.unsealed")] == ["a parcel was forgotten"]
    assert [row["verdict"] for row in world.rows(counter_attempt, kind="seal")] == ["accepted", "already", "refused"]


def test_an_empty_bag_is_not_sealed(world: World) -> None:
    till = world.till()
    bag = world.bag(till)
    answer = world.seal(till, bag.id)
    assert (answer.verdict, answer.reason) == ("refused", "wrong_container")
    assert "empty" in answer.say
    assert world.rows(container)[0]["status"] == "open"


def test_another_places_till_seals_nothing(world: World) -> None:
    till, other = world.till(), world.till()
    bag = world.bag(till)
    world.hand_in(till, world.ask(world.give_back(), container=bag.id))
    answer = world.seal(other, bag.id)
    assert (answer.verdict, answer.reason, answer.container) == ("refused", "wrong_location", None)
    assert world.db.read_sync(counter.find_here, bag.id, other.location_id, True) is None
    assert world.seal(till, "ctr_nothing").reason == "container_unknown"


def test_what_a_shipment_claims_stays_sealed(world: World) -> None:
    till = world.till()
    bag = world.bag(till)
    world.hand_in(till, world.ask(world.give_back(), container=bag.id))
    world.seal(till, bag.id)
    assert world.db.write_sync(counter.claim_containers, [bag.id], "shp_1") == [bag.id]
    assert world.db.write_sync(counter.claim_containers, [bag.id], "shp_2") == []
    assert world.unseal(till, bag.id).reason == "already_planned"
    assert world.db.write_sync(counter.release_containers, "shp_1") == [bag.id]
    assert world.unseal(till, bag.id).verdict == "accepted"


def test_the_weight_is_the_scales_or_else_what_the_order_says(world: World) -> None:
    till = world.till()
    made = world.give_back(units=2)
    world.hand_in(till, world.ask(made))
    assert [row["weight_g"] for row in world.rows(parcel)] == [1240]
