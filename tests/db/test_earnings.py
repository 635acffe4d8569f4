"""A month's statement: what stood at its end, corrections in the next, and the same for good once it is over."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from tests.counter_world import World

from dropoff.counter import earnings, store_numbers
from dropoff.counter.earnings import NewRate, RateView, Statement
from dropoff.counter.service import Till
from dropoff.db import Database
from dropoff.kernel.errors import Problem

MARCH_ENDS = datetime(2026, 3, 31, 22, tzinfo=UTC)
"""Midnight in Copenhagen, two hours ahead since the 29th."""
BEGUN = datetime(2026, 3, 2, 10, tzinfo=UTC)


@pytest.fixture
def world(db: Database, tmp_path: Path) -> World:
    return World(db, tmp_path)


def take_in(world: World, till: Till, at: datetime) -> str:
    answer = world.hand_in(till, world.ask(world.give_back(), scanned_at=at), at)
    assert answer.verdict == "accepted", answer
    return answer.hand_in


def set_rate(world: World, place: str, amount: int, day: date, at: datetime) -> RateView | Problem:
    new = NewRate(amount=amount, currency="DKK", valid_from=day, location=place)
    return world.db.write_sync(earnings.set_rate, new, at, "operator:test")


def statement(world: World, place: str, month: date, at: datetime) -> Statement:
    found = world.db.write_sync(earnings.settled_statement, place, month, at)
    assert isinstance(found, Statement), found
    return found


def test_a_month_ends_at_midnight_of_the_place_and_then_stays_as_it_is(world: World) -> None:
    till = world.till()
    place, march, april = till.location_id, date(2026, 3, 1), date(2026, 4, 1)
    assert isinstance(set_rate(world, place, 300, date(2026, 3, 1), BEGUN), RateView)
    assert isinstance(set_rate(world, place, 400, date(2026, 3, 20), BEGUN), RateView)
    take_in(world, till, BEGUN)
    undone = take_in(world, till, BEGUN + timedelta(days=1))
    world.undo(till, undone, BEGUN + timedelta(days=1, minutes=5))
    take_in(world, till, datetime(2026, 3, 20, 9, tzinfo=UTC))
    late = take_in(world, till, MARCH_ENDS - timedelta(minutes=4))
    take_in(world, till, MARCH_ENDS + timedelta(minutes=1))

    open_month = statement(world, place, march, MARCH_ENDS - timedelta(minutes=1))
    assert not open_month.final
    world.undo(till, late, MARCH_ENDS + timedelta(minutes=3))
    over = statement(world, place, march, MARCH_ENDS + timedelta(hours=2))
    assert over.final
    assert [(line.parcels, line.rate, line.amount) for line in over.lines] == [(1, 300, 300), (2, 400, 800)]
    assert [(total.currency, total.amount) for total in over.totals] == [("DKK", 1100)]

    refused = set_rate(world, place, 999, date(2026, 3, 31), MARCH_ENDS + timedelta(hours=3))
    assert isinstance(refused, Problem)
    assert isinstance(set_rate(world, place, 500, april, MARCH_ENDS + timedelta(hours=3)), RateView)
    later = MARCH_ENDS + timedelta(days=40)
    assert statement(world, place, march, later) == over
    next_month = statement(world, place, april, later)
    assert [(line.kind, line.parcels, line.amount) for line in next_month.lines] == [
        ("taken_in", 1, 500),
        ("taken_back", -1, -400),
    ]
    assert isinstance(world.db.read_sync(earnings.statement, place, date(2027, 1, 1), later), Problem)


def test_what_nobody_pays_for_is_counted_and_another_places_parcels_are_not(world: World) -> None:
    till, other = world.till(), world.till()
    take_in(world, till, BEGUN)
    take_in(world, other, BEGUN)
    told = statement(world, till.location_id, date(2026, 3, 1), BEGUN)
    assert [(line.kind, line.parcels, line.amount) for line in told.lines] == [("unpaid", 1, 0)]
    assert (told.totals, told.parcels) == ([], 1)
    counted = world.db.read_sync(
        store_numbers.count, till.location_id, True, BEGUN - timedelta(hours=1), BEGUN + timedelta(hours=1)
    )
    assert (counted.customers, counted.parcels, counted.undone, counted.refused) == (1, 1, 0, 0)
