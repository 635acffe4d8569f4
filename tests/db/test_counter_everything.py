"""What a till notes without knowing the things: all that the pass still has. And what the list of open passes holds."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.counter_world import NOW, World, days

from dropoff.counter import service as counter
from dropoff.counter.passlist import open_pass_list, trace
from dropoff.counter.service import HandIn, ParcelIn
from dropoff.db import Database
from dropoff.returns.views import ReturnView


@pytest.fixture
def world(db: Database, tmp_path: Path) -> World:
    return World(db, tmp_path)


def all_of(world: World, made: ReturnView, scanned_at: datetime = NOW) -> HandIn:
    parcel = ParcelIn(world.tag(), packing="sealed")
    return world.ask(made, parcels=(parcel,), everything=True, scanned_at=scanned_at)


def test_everything_is_what_is_still_expected(world: World) -> None:
    till, made = world.till(), world.give_back(units=3)
    first = made.units[0].id
    world.hand_in(till, world.ask(made, parcels=(ParcelIn(world.tag(), (first,)),)))
    answer = world.hand_in(till, all_of(world, made))
    assert answer.verdict == "accepted"
    assert set(answer.parcels[0].units) == {unit.id for unit in made.units[1:]}
    assert world.custody(made) == ["handed_in"] * 3


def test_two_places_that_noted_the_same_are_one_hand_in_and_two_cases(world: World) -> None:
    till, other, made = world.till(), world.till(), world.give_back(units=2)
    assert world.hand_in(other, all_of(world, made)).verdict == "accepted"
    late = world.hand_in(till, all_of(world, made), NOW + timedelta(hours=6))
    assert late.verdict == "already"
    places = [told["location_id"] for told in world.events("case.opened")]
    assert places == [till.location_id, other.location_id]


@pytest.mark.parametrize("off", [timedelta(hours=2), timedelta(hours=-2), timedelta(days=730), timedelta(days=-730)])
def test_a_wrong_clock_takes_nothing_away(world: World, off: timedelta) -> None:
    till, made = world.till(), world.give_back()
    answer = world.hand_in(till, all_of(world, made, NOW + off))
    assert answer.verdict == "accepted"
    (told,) = world.events("parcel.handed_in")
    assert (told["at"], told["device_at"]) == (NOW, NOW + off), "both times are kept"


def test_a_report_of_the_last_day_counts_when_it_comes_late(world: World) -> None:
    till, made = world.till(), world.give_back()
    row = world.return_row(made)
    late = row.expires_at + timedelta(hours=3)
    assert world.hand_in(till, all_of(world, made, row.last_day_at - timedelta(hours=1)), late).verdict == "accepted"


def test_a_shape_that_names_units_and_everything_is_none(world: World) -> None:
    made = world.give_back()
    unit = made.units[0].id
    for parcels, everything in [((ParcelIn("T1", (unit,)),), True), ((ParcelIn("T1"),), False), ((), True)]:
        assert counter.shape_problem(world.ask(made, parcels=parcels, everything=everything)) is not None


def test_the_list_holds_what_can_be_handed_in(world: World) -> None:
    till = world.till()
    made, gone, partly = world.give_back(), world.give_back(), world.give_back(units=2)
    other_mode = world.give_back(world.retailer(live=False))
    world.hand_in(till, all_of(world, gone))
    world.hand_in(till, world.ask(partly, parcels=(ParcelIn(world.tag(), (partly.units[0].id,)),)))

    def held(at: datetime = NOW) -> bytes:
        return world.db.read_sync(open_pass_list, world.passes, True, at)

    assert int.from_bytes(held()[8:12]) == 2
    assert trace(made.pass_.code) in held()
    assert trace(partly.pass_.short_code) + b"\x01" in held()
    for absent in (gone, other_mode):
        assert trace(absent.pass_.code) not in held()
    assert int.from_bytes(held(NOW + days(90))[8:12]) == 0
