"""A parcel's next stop, its lane and its departure as the other rooms ask for them, on both databases."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dropoff.db import Database, Tx
from dropoff.kernel.errors import Problem
from dropoff.network import applying_store, importing, service, store
from dropoff.network.rules import Lane, NextStop
from dropoff.network.service import Destination, NewLane, Origin
from dropoff.retailers import service as retailers
from dropoff.retailers.rules import Policy

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)  # a Friday


class World:
    def __init__(self, db: Database, folder: Path) -> None:
        self.db = db
        path = folder / "places.geojson"
        features = [
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [10.75, 59.91]},
                "properties": {"id": name, "name": name, "kind": name, "country": "NO"},
            }
            for name in ("store", "hub")
        ]
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
        importing.import_file(db, path, "geojson", "test", replace=False, at=NOW)
        self.here, self.hub = (self._place(name) for name in ("store", "hub"))
        self.retailer = self._retailer("one")

    def _place(self, name: str) -> str:
        place = self.db.read_sync(service.location_by_external_id, "test", name)
        assert place is not None
        return place.id

    def _retailer(self, slug: str) -> str:
        address = retailers.ReturnAddress(name="R", street="S 1", postcode="0150", city="Oslo", country="NO")
        policy = Policy(window_days=30, refund_at="receipt", resolutions=("refund",))
        new = retailers.NewRetailer(
            name="R", slug=slug, country="NO", currency="NOK", locale="nb", return_address=address, policy=policy
        )
        made = self.db.write_sync(retailers.add_retailer, new, NOW)
        assert not isinstance(made, Problem)
        return made.id

    def lane(self, origin: Origin, destination: Destination, days: str = "Mo-Fr") -> Lane:
        new = NewLane(
            origin=origin, destination=destination, carrier="courier", service="standard", days=days, cutoff="17:00"
        )
        made = self.db.write_sync(service.add_lane, new, NOW)
        assert isinstance(made, Lane), made
        return made

    def next_stop(self) -> NextStop:
        return self.db.read_sync(service.next_stop, self.here, self.retailer)


@pytest.fixture
def world(db: Database, tmp_path: Path) -> World:
    return World(db, tmp_path)


def test_without_any_lane_the_retailer_is_next_and_nothing_departs(world: World) -> None:
    assert world.next_stop() == NextStop("retailer", world.retailer)
    assert world.db.read_sync(service.lane_to, world.here, world.next_stop()) is None
    assert world.db.read_sync(service.next_departure, world.here, world.retailer, NOW) is None


def test_a_way_over_a_hub_is_taken_until_there_is_a_direct_one(world: World) -> None:
    to_hub = world.lane(Origin(any=True), Destination(hub=world.hub), days="Sa")
    assert world.next_stop() == NextStop("retailer", world.retailer)
    world.lane(Origin(location=world.hub), Destination(retailer=world.retailer))
    assert world.next_stop() == NextStop("hub", world.hub)
    assert world.db.read_sync(service.lane_to, world.here, world.next_stop()) == to_hub
    saturday = world.db.read_sync(service.next_departure, world.here, world.retailer, NOW)
    assert saturday == datetime(2026, 11, 21, 16, 0, tzinfo=UTC)
    direct = world.lane(Origin(location=world.here), Destination(retailer=world.retailer))
    assert world.next_stop() == NextStop("retailer", world.retailer)
    assert world.db.read_sync(service.lane_to, world.here, world.next_stop()) == direct
    today = world.db.read_sync(service.next_departure, world.here, world.retailer, NOW)
    assert today == datetime(2026, 11, 20, 16, 0, tzinfo=UTC)


def test_a_removed_lane_leads_nowhere_and_removing_twice_answers_the_same(world: World) -> None:
    lane = world.lane(Origin(any=True), Destination(hub=world.hub))
    world.lane(Origin(location=world.hub), Destination(retailer=world.retailer))
    answers = [world.db.write_sync(service.remove_lane, lane.id, NOW + timedelta(hours=n), "system") for n in (1, 2)]
    assert answers == [lane, lane]
    assert world.next_stop() == NextStop("retailer", world.retailer)
    assert [item.id for item in world.db.read_sync(service.lanes)] != [lane.id]
    assert world.db.read_sync(service.find_lane, lane.id) == lane


def test_another_retailers_lanes_do_not_count(world: World) -> None:
    other = world._retailer("two")
    world.lane(Origin(any=True), Destination(hub=world.hub))
    world.lane(Origin(location=world.hub), Destination(retailer=other))
    assert world.next_stop() == NextStop("retailer", world.retailer)
    assert len(world.db.read_sync(service.lanes_to, other)) == 1


def test_places_that_left_take_no_new_lanes_and_no_new_tills(world: World) -> None:
    def left(tx: Tx) -> None:
        applying_store.lock_network(tx)
        ids = applying_store.missing_ids(tx, "imp_none", "test", "", 10)
        applying_store.remove(tx, "imp_none", "test", ids, 9, NOW)

    world.db.write_sync(left)
    new = NewLane(
        origin=Origin(location=world.here),
        destination=Destination(retailer=world.retailer),
        carrier="courier",
        service="standard",
        days="Mo",
        cutoff="10:00",
    )
    refused = world.db.write_sync(service.add_lane, new, NOW)
    assert isinstance(refused, Problem)
    assert refused.code == "location-unknown"
    till = world.db.write_sync(service.add_device, world.here, "Till", "https://x.example", NOW)
    assert isinstance(till, Problem)
    assert isinstance(world.db.read_sync(service.public_location, world.here), Problem)
    assert world.db.read_sync(store.public_places) == []
