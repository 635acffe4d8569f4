"""Places paused, resumed, closed and reopened by hand, and their closures, on both databases."""

import json
import threading
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.world import NOW, OPERATOR, good, make_location

from dropoff.db import Database
from dropoff.events.tables import event
from dropoff.kernel.errors import Problem
from dropoff.network import importing, location_states, location_store, store
from dropoff.network.closures import NewClosure
from dropoff.network.location_states import NewPause
from dropoff.network.location_store import Standing
from dropoff.network.nearby import Nearby
from dropoff.network.refreshing import refresh

TILL = "device:dev_one"


class World:
    def __init__(self, db: Database) -> None:
        self.db = db
        self.nearby = Nearby()
        self.place = make_location(db)

    def pause(self, until: datetime | None = None, reason: str = "", actor: str = OPERATOR) -> Standing | Problem:
        return self.db.write_sync(
            location_states.pause, self.place.id, NewPause(until=until, reason=reason), NOW, actor
        )

    def do(self, what: Any, *values: Any) -> Any:
        return self.db.write_sync(what, self.place.id, *values)

    def state(self) -> str:
        found = self.db.read_sync(location_store.standing, self.place.id)
        assert found is not None
        return found.state

    def is_found(self) -> bool:
        refresh(self.db, self.nearby)
        return self.place.id in {place.id for place in self.nearby.snapshot.places}

    def told(self) -> list[str]:
        query = sa.select(event.c.type).where(event.c.location_id == self.place.id).order_by(event.c.seq)
        return [row.type.removeprefix("location.") for row in self.db.read_sync(lambda tx: tx.read(query))]


@pytest.fixture
def world(db: Database) -> World:
    return World(db)


def code(outcome: Any) -> str:
    return outcome.code if isinstance(outcome, Problem) else ""


def test_a_paused_place_leaves_the_search_and_comes_back(world: World) -> None:
    assert world.is_found()
    paused = good(world.pause(reason="The stock room is full."))
    assert (paused.state, paused.pause_reason, paused.paused_by) == ("paused", "The stock room is full.", OPERATOR)
    assert not world.is_found()
    before = world.db.read_sync(store.revision)
    assert good(world.pause(reason="The stock room is full.")) == paused
    assert world.db.read_sync(store.revision) == before, "the same pause again changes nothing"
    good(world.pause(NOW + timedelta(hours=1), "Until noon."))
    assert good(world.do(location_states.resume, NOW, OPERATOR)).paused_by is None
    assert world.is_found()
    good(world.do(location_states.resume, NOW, OPERATOR))
    assert world.told() == ["paused", "paused", "resumed"]


def test_a_pause_ends_by_itself_and_not_before(world: World) -> None:
    until = NOW + timedelta(hours=2)
    good(world.pause(until))
    assert world.db.write_sync(location_states.end_pauses, until - timedelta(seconds=1), 10) == 0
    assert world.db.write_sync(location_states.end_pauses, until, 10) == 1
    assert (world.state(), world.is_found()) == ("active", True)
    assert world.db.write_sync(location_states.end_pauses, until, 10) == 0
    good(world.pause())
    assert world.db.write_sync(location_states.end_pauses, NOW + timedelta(days=900), 10) == 0, "nobody set an end"


@pytest.mark.parametrize("until", [NOW, NOW - timedelta(days=1), NOW + timedelta(days=367)])
def test_a_pause_ends_within_a_year_and_in_the_future(world: World, until: datetime) -> None:
    refused = world.pause(until)
    assert isinstance(refused, Problem)
    assert refused.errors[0].pointer == "/until"
    assert world.told() == []


def test_a_closed_place_takes_nothing_but_can_be_reopened(world: World) -> None:
    good(world.pause())
    good(world.do(location_states.close, "The shop moved.", NOW, OPERATOR))
    assert (world.state(), world.is_found()) == ("closed", False)
    good(world.do(location_states.close, "", NOW, OPERATOR))
    assert code(world.pause()) == code(world.do(location_states.resume, NOW, OPERATOR)) == "location-not-open"
    good(world.do(location_states.reopen, NOW, OPERATOR))
    assert (world.state(), world.is_found()) == ("active", True)
    assert world.told() == ["paused", "closed", "reopened"]
    unknown = world.db.write_sync(location_states.reopen, "loc_00000000000000000000000000", NOW, OPERATOR)
    assert code(unknown) == "not-found"


def test_a_till_ends_its_own_pause_only(world: World) -> None:
    pause, resume = location_states.pause_by_till, location_states.resume_by_till
    assert world.do(resume, NOW, TILL) == "already"
    assert world.do(pause, NewPause(), NOW, TILL) == "accepted"
    assert world.do(pause, NewPause(), NOW, TILL) == "already"
    assert world.do(resume, NOW, "device:dev_two") == "accepted", "any till of the place may"
    good(world.pause(reason="Audit."))
    assert world.do(pause, NewPause(), NOW, TILL) == "already"
    assert world.do(resume, NOW, TILL) == "refused"
    assert world.state() == "paused"
    good(world.do(location_states.close, "", NOW, OPERATOR))
    assert world.do(pause, NewPause(), NOW, TILL) == world.do(resume, NOW, TILL) == "refused"
    assert world.told() == ["paused", "resumed", "paused", "closed"]


def test_what_an_operator_decided_outlives_a_source_that_loses_the_place(db: Database, tmp_path: Path) -> None:
    def bring(*names: str) -> None:
        features = [
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [13.4, 52.5]},
                "properties": {"id": name, "name": name, "kind": "store", "country": "DE"},
            }
            for name in names
        ]
        path = tmp_path / "places.geojson"
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
        good(importing.import_file(db, path, "geojson", "s", replace=True, at=NOW))

    def states() -> dict[str, str]:
        names = ("open", "paused", "closed")
        found = {name: db.read_sync(store.find_external, "s", name) for name in names}
        return {name: place.state for name, place in found.items() if place is not None}

    bring("open", "paused", "closed")
    for name, do in (("paused", location_states.pause), ("closed", location_states.close)):
        place = db.read_sync(store.find_external, "s", name)
        assert place is not None
        good(db.write_sync(do, place.id, NewPause() if name == "paused" else "", NOW, OPERATOR))
    bring("open")
    assert states() == {"open": "active", "paused": "removed", "closed": "closed"}
    bring("open", "paused", "closed")
    assert states() == {"open": "active", "paused": "paused", "closed": "closed"}


def test_closures_are_listed_until_they_are_over(world: World) -> None:
    def add(first: int, last: int, hours: str = "off") -> Any:
        new = NewClosure(first_day=date(2026, 12, first), last_day=date(2026, 12, last), hours=hours)
        return world.do(location_states.add_closure, new, NOW, OPERATOR)

    def listed(at: datetime) -> list[str]:
        return [one.id for one in good(world.db.read_sync(location_states.list_closures, world.place.id, at)).items]

    before = world.db.read_sync(store.revision)
    christmas, eve = good(add(24, 26)), good(add(24, 24, "10:00-13:00"))
    assert world.db.read_sync(store.revision) > before, "searches learn of it"
    assert isinstance(add(3, 2), Problem)
    assert listed(NOW) == [christmas.id, eve.id]
    # Midnight in Berlin is an hour before midnight in UTC.
    assert listed(datetime.fromisoformat("2026-12-24T22:59+00:00")) == [christmas.id, eve.id]
    assert listed(datetime.fromisoformat("2026-12-24T23:00+00:00")) == [christmas.id]
    removed = good(world.db.write_sync(location_states.remove_closure, christmas.id, NOW, OPERATOR))
    assert removed.removed_at == NOW
    assert good(world.db.write_sync(location_states.remove_closure, christmas.id, NOW, OPERATOR)) == removed
    assert listed(NOW) == [eve.id]
    assert world.told() == ["closure_added", "closure_added", "closure_removed"]
    with pytest.raises(sa.exc.IntegrityError):
        world.db.write_sync(lambda tx: tx.append(location_store.location_closure, _never(world.place.id)))


def _never(location_id: str) -> dict[str, Any]:
    row = {"id": "cls_x", "location_id": location_id, "hours": "off", "reason": "", "created_at": NOW}
    return row | {"created_by": OPERATOR, "first_day": date(2026, 12, 2), "last_day": date(2026, 12, 1)}


def test_a_place_has_so_many_closures_and_no_more(world: World) -> None:
    def add(number: int) -> Any:
        day = date(2026, 12, 1) + timedelta(days=number)
        return world.do(location_states.add_closure, NewClosure(first_day=day, last_day=day), NOW, OPERATOR)

    for number in range(20):
        good(add(number))
    assert code(add(20)) == "invalid-request"


def test_of_two_who_pause_at_once_one_pause_stands_and_each_is_told_once(world: World) -> None:
    both = threading.Barrier(2)

    def race(actor: str) -> None:
        both.wait()
        world.pause(actor=actor)

    threads = [threading.Thread(target=race, args=(actor,)) for actor in (OPERATOR, TILL)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [kind for kind in world.told() if kind == "paused"] == ["paused", "paused"]
    assert world.state() == "paused"
