"""Full and silent places, as the operator's list and the page with the map find them; on both databases."""

from datetime import timedelta
from pathlib import Path

import pytest
from tests.counter_world import NOW, World

from dropoff.db import Database
from dropoff.kernel.errors import Problem
from dropoff.network import loads, location_store, service
from dropoff.network.loads import Stock
from dropoff.network.store import LocationFilter

WEEK = timedelta(days=7)


@pytest.fixture
def world(db: Database, tmp_path: Path) -> World:
    return World(db, tmp_path)


def test_full_and_silent_places_are_found_and_never_used_ones_too(world: World) -> None:
    till = world.till()
    used, unused, full, hub = till.location_id, world.place(), world.place(), world.place(kind="hub")
    world.hand_in(till, world.ask(world.give_back(), scanned_at=NOW + WEEK), NOW + WEEK)
    told = world.db.write_sync(loads.tell, full, Stock(capacity=0), NOW, "x")
    assert not isinstance(told, Problem)

    def watched(days: int, only: str = "") -> set[str]:
        """As somebody finds them so many days later who calls a week silent."""
        since = NOW + timedelta(days=days) - WEEK
        return {one.id for one in world.db.read_sync(location_store.watched, since, only, "", 10)}

    def listed(days: int, **asked: object) -> set[str]:
        wanted = LocationFilter(silent_since=NOW + timedelta(days=days) - WEEK, **asked)  # type: ignore[arg-type]
        return {one.id for one in world.db.read_sync(service.list_locations, wanted).items}

    assert watched(3) == {full}, "what is new has not been silent for a week"
    assert listed(3) == set()
    assert watched(8) == {unused, full}
    assert watched(15) == {used, unused, full}
    assert [watched(15, only) for only in location_store.WATCHES[1:]] == [
        {full},
        {used, unused, full},
        {used},
        {unused, full},
    ]
    assert listed(15) == {used, unused, full, hub}
    assert listed(15, full=True) == {full}
    of_page = world.db.read_sync(service.list_locations, LocationFilter(full=True))
    assert [one.id for one in of_page.items] == [full]
    first = world.db.read_sync(location_store.watched, NOW + WEEK, "", "", 1)[0]
    rest = world.db.read_sync(location_store.watched, NOW + WEEK, "", first.id, 10)
    assert {first.id} | {one.id for one in rest} == watched(14), "page by page"
