"""What freight and receiving do with parcels and containers, on both databases."""

from datetime import timedelta
from pathlib import Path

import pytest
from tests.counter_world import NOW, PREFIX, World

from dropoff.counter import service as counter
from dropoff.counter.tables import container
from dropoff.db import Database
from dropoff.returns.service import Next

LATER = NOW + timedelta(hours=7)
ACTOR = "system"


@pytest.fixture
def world(db: Database, tmp_path: Path) -> World:
    return World(db, tmp_path)


def sealed_bag(world: World, till: counter.Till, parcels: int = 1) -> tuple[str, list[str], list[object]]:
    retailer, bag = world.retailer(), world.bag(till)
    returned = [world.give_back(retailer) for _ in range(parcels)]
    tags = []
    for made in returned:
        asked = world.ask(made, container=bag.id)
        assert world.hand_in(till, asked).verdict == "accepted"
        tags.append(asked.parcels[0].tag)
    world.seal(till, bag.id)
    return bag.id, tags, list(returned)


def test_a_container_is_found_by_whatever_is_scanned(world: World) -> None:
    till = world.till()
    bag = world.bag(till)
    for text in (bag.id, bag.sscc, f"(00) {bag.sscc}", f"]C100{bag.sscc}"):
        found = world.db.read_sync(counter.find_container, text)
        assert found is not None
        assert found.id == bag.id
    assert world.db.read_sync(counter.find_container, "\ud800") is None


def test_a_departure_finds_what_was_ready_before_its_cut_off(world: World) -> None:
    till, cut_off = world.till(), NOW + timedelta(hours=1)
    bag, _, _ = sealed_bag(world, till)
    late = world.bag(till)
    world.hand_in(till, world.ask(world.give_back(), container=late.id))
    world.seal(till, late.id, at=cut_off)
    opened = world.bag(till)
    world.hand_in(till, world.ask(world.give_back(), container=opened.id))
    world.bag(till)  # empty: nobody misses it
    loose = world.hand_in(till, world.ask(world.give_back()))
    world.hand_in(till, world.ask(world.give_back()), cut_off)
    found = world.db.read_sync(counter.sealed_and_loose, till.location_id, True, cut_off)
    assert [one.id for one in found.sealed] == [bag]
    assert [one.id for one in found.open] == [opened.id]
    assert [one.id for one in found.loose] == [loose.parcels[0].id]
    world.db.write_sync(counter.claim_containers, [bag], "shp_1")
    assert world.db.read_sync(counter.sealed_and_loose, till.location_id, True, cut_off).sealed == []
    assert world.db.read_sync(counter.sealed_and_loose, till.location_id, False, cut_off).loose == []


def test_a_loose_parcel_becomes_a_logistic_unit_found_by_its_tag(world: World) -> None:
    till, made = world.till(), world.give_back()
    asked = world.ask(made)
    taken = world.hand_in(till, asked)
    unit = world.db.write_sync(counter.make_logistic_unit, taken.parcels[0].id, PREFIX, NOW)
    assert unit is not None
    assert (unit.kind, unit.status, unit.parcel_count, unit.weight_g) == ("parcel", "sealed", 1, 620)
    for text in (asked.parcels[0].tag, unit.sscc):
        found = world.db.read_sync(counter.find_container, text)
        assert found is not None
        assert found.id == unit.id
    assert world.db.write_sync(counter.make_logistic_unit, taken.parcels[0].id, PREFIX, NOW) is None
    assert world.db.read_sync(counter.waiting_parcels, till.location_id, True) == []


def test_a_container_leaves_with_all_that_is_in_it(world: World) -> None:
    till = world.till()
    bag, tags, returned = sealed_bag(world, till, 2)
    gone = world.db.write_sync(counter.depart_container, bag, LATER, ACTOR, "Courier", Next("arrival", None))
    assert [(one.tag, one.status, one.location_id) for one in gone] == [(tag, "in_transit", None) for tag in tags]
    for made in returned:
        assert world.custody(made) == ["in_transit"]  # type: ignore[arg-type]
        assert world.return_row(made).holder == "Courier"  # type: ignore[arg-type]
    (row,) = world.rows(container)
    assert (row["status"], row["location_id"]) == ("handed_over", None)
    assert world.db.write_sync(counter.depart_container, bag, LATER, ACTOR, "Courier", None) == [], "once"


def test_an_open_container_does_not_leave(world: World) -> None:
    till, made = world.till(), world.give_back()
    bag = world.bag(till)
    world.hand_in(till, world.ask(made, container=bag.id))
    assert world.db.write_sync(counter.depart_container, bag.id, LATER, ACTOR, "Courier", None) == []
    assert world.custody(made) == ["handed_in"]


def test_a_retailer_receives_a_parcel_once(world: World) -> None:
    till = world.till()
    bag, (tag,), (made,) = sealed_bag(world, till)
    world.db.write_sync(counter.depart_container, bag, LATER, ACTOR, "Courier", None)
    parcel = world.db.read_sync(counter.find_parcel_by_tag, tag.lower())
    assert parcel is not None
    arrived = world.db.write_sync(counter.receive_parcel, parcel.id, LATER, ACTOR, True)
    assert arrived is not None
    assert (arrived.parcel.status, arrived.before, arrived.parcel.container_id) == ("received", "in_transit", None)
    assert world.custody(made) == ["received"]  # type: ignore[arg-type]
    assert world.db.write_sync(counter.receive_parcel, parcel.id, LATER, ACTOR, True) is None
    assert world.db.write_sync(counter.receive_container, bag, LATER) is not None
    assert world.db.write_sync(counter.close_container_unpacked, bag) is not None
    assert [one.id for one in world.db.read_sync(counter.parcels_in, bag)] == [parcel.id], "what the filling was"


def test_a_handover_that_nobody_scanned_is_told_by_the_state_before(world: World) -> None:
    till = world.till()
    bag, (tag,), (made,) = sealed_bag(world, till)
    parcel = world.db.read_sync(counter.find_parcel_by_tag, tag)
    assert parcel is not None
    arrived = world.db.write_sync(counter.receive_parcel, parcel.id, LATER, ACTOR, True)
    assert arrived is not None
    assert arrived.before == "in_container"
    assert world.custody(made) == ["received"]  # type: ignore[arg-type]
    received = world.db.write_sync(counter.receive_container, bag, LATER)
    assert received is not None
    assert received.status == "received"


def test_a_hub_takes_in_packs_again_and_triggers_no_money(world: World) -> None:
    hub, till = world.place(kind="hub"), world.till()
    scanner = world.till(hub)
    retailer = world.retailer("receipt")
    world.lane(None, hub=hub)
    world.lane(hub, retailer=retailer)
    made = world.give_back(retailer)
    bag = world.bag(till)
    asked = world.ask(made, container=bag.id)
    world.hand_in(till, asked)
    world.seal(till, bag.id)
    world.db.write_sync(counter.depart_container, bag.id, NOW, ACTOR, "Courier", None)
    parcel = world.db.read_sync(counter.find_parcel_by_tag, asked.parcels[0].tag)
    assert parcel is not None
    arrived = world.db.write_sync(counter.receive_parcel, parcel.id, LATER, ACTOR, False, hub)
    assert arrived is not None
    assert (arrived.parcel.status, arrived.parcel.location_id, arrived.units) == ("at_hub", hub, [])
    assert world.custody(made) == ["in_transit"]
    row = world.return_row(made)
    assert (row.holder, row.next_kind) == ("Place 1", "pickup")
    assert world.db.write_sync(counter.receive_parcel, parcel.id, LATER, ACTOR, False, hub) is None
    onward = world.bag(scanner)
    assert world.pack(scanner, onward.id, asked.parcels[0].tag).verdict == "accepted"
    world.seal(scanner, onward.id)
    world.db.write_sync(counter.depart_container, onward.id, LATER, ACTOR, "Truck", Next("arrival", None))
    assert world.return_row(made).holder == "Truck"
    assert world.db.write_sync(counter.receive_parcel, parcel.id, LATER, ACTOR, True) is not None
    assert world.custody(made) == ["received"]
    assert len(world.events("refund.due")) == 1
    for filling in (bag.id, onward.id):
        assert [one.id for one in world.db.read_sync(counter.parcels_in, filling)] == [parcel.id]


def test_a_parcel_that_turns_up_elsewhere_leaves_its_open_bag(world: World) -> None:
    till, retailer = world.till(), world.retailer()
    bag = world.bag(till)
    kept = world.hand_in(till, world.ask(world.give_back(retailer), container=bag.id))
    stray = world.hand_in(till, world.ask(world.give_back(retailer), container=bag.id))
    world.db.write_sync(counter.receive_parcel, stray.parcels[0].id, LATER, ACTOR, True)
    (row,) = world.rows(container)
    assert (row["parcel_count"], row["weight_g"]) == (1, 620)
    assert [one.id for one in world.db.read_sync(counter.parcels_in, bag.id)] == [kept.parcels[0].id]
