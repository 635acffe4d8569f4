"""The nearby index follows the network by its changes alone, and answers as if it had read everything anew."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dropoff.db import Database, Tx
from dropoff.network import applying_store, importing, loads, location_states, refreshing, store
from dropoff.network.closures import NewClosure
from dropoff.network.importing import WAKE
from dropoff.network.location_store import Closure
from dropoff.network.nearby import Nearby, Search, Snapshot
from dropoff.network.nearby_hours import minute_of
from dropoff.network.refreshing import Refresher, hear, merge, refresh
from dropoff.network.tables import location

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
HERE = Search(52.5, 13.4, 100)


def feature(number: int, **changes: Any) -> dict[str, Any]:
    properties = {"id": f"x:{number}", "name": f"Kiosk {number}", "kind": "store", "country": "DE", "city": "Berlin"}
    where = {"type": "Point", "coordinates": [13.4 + number / 1000, 52.5]}
    return {"type": "Feature", "geometry": where, "properties": properties | changes}


class World:
    def __init__(self, db: Database, folder: Path) -> None:
        self.db, self.file = db, folder / "places.geojson"
        self.nearby = Nearby(folder)

    def bring(self, *features: dict[str, Any], replace: bool = False) -> None:
        self.file.write_text(json.dumps({"type": "FeatureCollection", "features": list(features)}))
        importing.import_file(self.db, self.file, "geojson", "test", replace=replace, at=NOW)

    def by_hand(self, external_id: str, **values: Any) -> None:
        def change(tx: Tx) -> None:
            revision = applying_store.lock_network(tx) + 1
            changed = sa.update(location).where(location.c.external_id == external_id)
            tx.change(changed.values(revision=revision, **values))
            applying_store.set_revision(tx, revision)
            tx.wake(WAKE)

        self.db.write_sync(change)

    def answers_as_if_read_anew(self) -> bool:
        fresh = Snapshot.of(0, self.db.read_sync(store.public_places))
        return self.nearby.snapshot.nearest(HERE) == fresh.nearest(HERE)

    def names(self) -> list[str]:
        return [hit.place.name for hit in self.nearby.snapshot.nearest(HERE)]


@pytest.fixture
def world(db: Database, tmp_path: Path) -> World:
    made = World(db, tmp_path)
    made.bring(*(feature(number) for number in range(30)))
    assert refresh(db, made.nearby)
    assert len(made.nearby.snapshot) == 30
    return made


def wait_until(true: Callable[[], bool]) -> None:
    pause = threading.Event()
    while not true():
        pause.wait(0.01)


@pytest.mark.parametrize("page", [3, 500])
def test_what_changed_is_laid_over_the_base(world: World, monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    monkeypatch.setattr(refreshing, "PAGE", page)
    base = world.nearby.snapshot.base
    kept = [feature(number) for number in range(20)]
    world.bring(*kept, feature(20, name="New name"), feature(40), feature(41, kind="hub"), replace=True)
    assert refresh(world.db, world.nearby)
    assert world.nearby.snapshot.base is base
    assert world.nearby.snapshot.to_merge == 10 + 2
    assert world.answers_as_if_read_anew()
    assert world.names()[-2:] == ["New name", "Kiosk 40"]
    world.bring(feature(20, name="Newer name"))
    assert refresh(world.db, world.nearby)
    assert world.names()[-2:] == ["Newer name", "Kiosk 40"]
    assert world.nearby.snapshot.base is base


def test_a_place_that_is_paused_leaves_and_comes_back(world: World) -> None:
    base = world.nearby.snapshot.base
    world.by_hand("x:0", state="paused")
    refresh(world.db, world.nearby)
    assert world.names()[0] == "Kiosk 1"
    world.by_hand("x:0", state="active")
    refresh(world.db, world.nearby)
    assert world.names()[:2] == ["Kiosk 0", "Kiosk 1"]
    assert world.nearby.snapshot.base is base


def test_an_unchanged_network_keeps_its_snapshot(world: World) -> None:
    held = world.nearby.snapshot
    assert not refresh(world.db, world.nearby)
    assert world.nearby.snapshot is held


def test_many_changes_are_read_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refreshing, "CHANGES_MAX", 3)
    base = world.nearby.snapshot.base
    world.bring(*(feature(number, city="Potsdam") for number in range(3)))
    refresh(world.db, world.nearby)
    assert world.nearby.snapshot.base is base
    world.bring(feature(3, city="Potsdam"))
    refresh(world.db, world.nearby)
    assert world.nearby.snapshot.base is not base
    assert world.nearby.snapshot.to_merge == 0
    assert world.answers_as_if_read_anew()


def test_a_database_that_was_put_back_is_read_anew(world: World) -> None:
    world.bring(feature(50))
    refresh(world.db, world.nearby)

    def put_back(tx: Tx) -> None:
        tx.change(sa.delete(location).where(location.c.external_id == "x:50"))
        applying_store.set_revision(tx, world.nearby.snapshot.revision - 1)

    world.db.write_sync(put_back)
    assert refresh(world.db, world.nearby)
    assert world.answers_as_if_read_anew()
    assert len(world.nearby.snapshot) == 30


@pytest.mark.parametrize("page", [1, 7, 30, 31])
def test_all_pages_of_a_network_are_read(world: World, monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    monkeypatch.setattr(refreshing, "PAGE", page)
    fresh = Nearby()
    assert refresh(world.db, fresh)
    assert fresh.snapshot.nearest(HERE) == world.nearby.snapshot.nearest(HERE)


def test_a_merge_changes_no_answer(world: World) -> None:
    world.bring(*(feature(number) for number in range(5, 30)), feature(7, name="New name"), feature(60), replace=True)
    refresh(world.db, world.nearby)
    before, revision = world.nearby.snapshot.nearest(HERE), world.nearby.snapshot.revision
    merge(world.db, world.nearby)
    assert world.nearby.snapshot.to_merge == 0
    assert world.nearby.snapshot.revision == revision
    assert world.nearby.snapshot.nearest(HERE) == before
    assert not refresh(world.db, world.nearby)


def test_what_changes_during_a_merge_is_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.bring(feature(60))
    refresh(world.db, world.nearby)
    really = Snapshot.merged

    def slowly(snapshot: Snapshot, folder: Path | None = None) -> Snapshot:
        merged = really(snapshot, folder)
        world.bring(feature(0, name="Meanwhile"), feature(61))
        refresh(world.db, world.nearby)
        return merged

    monkeypatch.setattr(Snapshot, "merged", slowly)
    base = world.nearby.snapshot.base
    merge(world.db, world.nearby)
    assert world.nearby.snapshot.base is not base
    assert world.nearby.snapshot.to_merge == 3, "x:0 hidden and shown anew, x:61 added; x:60 is merged"
    assert world.answers_as_if_read_anew()
    assert world.names()[0] == "Meanwhile"


def test_a_merge_that_was_overtaken_changes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.bring(feature(60))
    refresh(world.db, world.nearby)
    really = Snapshot.merged

    def slowly(snapshot: Snapshot, folder: Path | None = None) -> Snapshot:
        merged = really(snapshot, folder)
        monkeypatch.setattr(refreshing, "CHANGES_MAX", 0)
        world.bring(feature(61))
        refresh(world.db, world.nearby)
        return merged

    monkeypatch.setattr(Snapshot, "merged", slowly)
    merge(world.db, world.nearby)
    assert world.answers_as_if_read_anew()
    assert world.names()[-1] == "Kiosk 61"


def test_servers_follow_and_merge_by_themselves(
    world: World, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Followed over another connection, as another process would; on SQLite nobody wakes it."""
    monkeypatch.setattr(refreshing, "MERGE_SHARE", 0.1)
    with closing(Database(database_url)) as other:
        nearby = Nearby()
        refresher = Refresher(other, nearby)
        try:
            wait_until(lambda: len(nearby.snapshot) == 30)
            base = nearby.snapshot.base
            world.by_hand("x:0", state="paused")
            wait_until(lambda: len(nearby.snapshot) == 29)
            assert nearby.snapshot.base is base, "one change waits"
            world.bring(feature(70), feature(71))
            wait_until(lambda: nearby.snapshot.base is not base)
            assert nearby.snapshot.to_merge == 0
            assert [hit.place.name for hit in nearby.snapshot.nearest(HERE)][-1] == "Kiosk 71"
        finally:
            refresher.stop()


def told_by(process: "subprocess.Popen[str]") -> list[Any]:
    assert process.stdout is not None
    found: list[Any] = json.loads(process.stdout.readline())
    return found


def test_other_processes_hear_of_everything_within_two_seconds(world: World, database_url: str) -> None:
    """A place that fills up, one that pauses and one that is closed, in two processes beside this one."""
    location_id = world.nearby.snapshot.nearest(HERE)[0].place.id
    process = [sys.executable, str(Path(__file__).with_name("nearby_process.py")), database_url]
    others = [subprocess.Popen(process, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    full = loads.Stock(capacity=0)
    changes: list[Callable[[], Any]] = [
        lambda: world.db.write_sync(loads.tell, location_id, full, NOW, "test"),
        lambda: world.by_hand("x:1", state="paused"),
        lambda: world.by_hand("x:2", state="closed"),
        lambda: world.by_hand("x:1", state="active"),
    ]
    first = [[f"x:{number}", None] for number in range(10)]
    expected = [[["x:0", "full"], *first[1:]]]
    expected.append([expected[0][0], *first[2:], ["x:10", None]])
    expected.append([expected[0][0], *first[3:], ["x:10", None], ["x:11", None]])
    expected.append([expected[0][0], first[1], *first[3:], ["x:10", None]])
    try:
        assert [told_by(one) for one in others] == [first, first]
        waits = []
        for change, told in zip(changes, expected, strict=True):
            change()
            began = time.monotonic()
            assert [told_by(one) for one in others] == [told, told]
            waits.append(time.monotonic() - began)
        assert sorted(waits)[1] < 2.0, "the machine may be busy once or twice"
    finally:
        for one in others:
            one.communicate(timeout=30)


def test_what_happens_at_a_place_is_heard_without_moving_any(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refreshing, "PAGE", 2)
    places = [hit.place.id for hit in world.nearby.snapshot.nearest(HERE)][:5]
    snapshot = world.nearby.snapshot

    def free() -> list[str | None]:
        return [hit.evidence.free for hit in world.nearby.snapshot.nearest(HERE)][:5]

    def tell(numbers: list[int], capacity: int) -> None:
        def work(tx: Tx) -> None:
            for number in numbers:
                loads.tell(tx, places[number], loads.Stock(capacity=capacity), NOW, "test")

        world.db.write_sync(work)

    tell([0, 1, 2], 0)
    assert hear(world.db, world.nearby) == 3
    assert free() == ["full", "full", "full", None, None]
    tell([1, 3, 4], 5)
    assert hear(world.db, world.nearby) >= 3
    assert free() == ["full", "free", "full", "free", "free"]
    assert not refresh(world.db, world.nearby)
    assert world.nearby.snapshot is snapshot
    world.bring(feature(60))
    refresh(world.db, world.nearby)
    merge(world.db, world.nearby)
    assert free() == ["full", "free", "full", "free", "free"]
    world.by_hand("x:0", state="paused")
    refresh(world.db, world.nearby)
    merge(world.db, world.nearby)
    tell([0], 9)
    hear(world.db, world.nearby)
    world.by_hand("x:0", state="active")
    refresh(world.db, world.nearby)
    assert free() == ["free", "free", "full", "free", "free"], "it was away, and what was told meanwhile is known"


def test_a_closure_is_in_every_search_and_ends_with_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of a place whose usual hours nobody knows; the places move as little as by any other change."""
    monkeypatch.setattr(refreshing, "_lately", NOW.date)
    world.bring(feature(0, opening_hours="Mo-Fr 09:00-18:00"), feature(1, opening_hours="whenever"))
    refresh(world.db, world.nearby)
    first, second = (hit.place.id for hit in world.nearby.snapshot.nearest(HERE)[:2])

    def close(place: str, days: tuple[int, int], hours: str = "off", reason: str = "summer break") -> str:
        new = NewClosure(first_day=date(2027, 7, days[0]), last_day=date(2027, 7, days[1]), hours=hours, reason=reason)
        made = world.db.write_sync(location_states.add_closure, place, new, NOW, "test")
        assert isinstance(made, Closure)
        return made.id

    def says(number: int, day: int, hour: int) -> tuple[bool | None, str]:
        hit = world.nearby.snapshot.nearest(HERE)[number]
        at = datetime(2027, 7, day, hour, tzinfo=UTC)
        found = world.nearby.snapshot.found(Search(52.5, 13.4, 2))
        told = json.loads(b"{%b}" % world.nearby.snapshot.openings(found.refs, minute_of(at))[number])
        assert told["open_now"] == world.nearby.snapshot.open_now(hit.place, at)
        return told["open_now"], told["opens_at"] or told["closes_at"] or ""

    assert says(0, 5, 10) == (True, "2027-07-05T16:00:00Z")
    taken_back = close(first, (5, 21))
    close(first, (12, 12), "10:00-14:00", "inventory")
    close(second, (5, 6))
    assert refresh(world.db, world.nearby)
    assert says(0, 5, 10) == (False, "2027-07-12T08:00:00Z"), "the later closure counts on its day"
    assert says(0, 12, 9) == (True, "2027-07-12T12:00:00Z")
    assert says(0, 13, 9) == (False, "2027-07-22T07:00:00Z")
    assert says(1, 5, 10) == (False, "")
    assert says(1, 7, 10) == (None, "")
    place = world.nearby.snapshot.nearest(HERE)[0].place
    assert [(one.first_day.day, one.hours, one.reason) for one in place.closures] == [
        (5, "off", "summer break"),
        (12, "10:00-14:00", "inventory"),
    ]
    assert not world.nearby.snapshot.nearest(HERE)[1].place.hours_known
    merge(world.db, world.nearby)
    assert says(0, 5, 10) == (False, "2027-07-12T08:00:00Z")
    assert world.answers_as_if_read_anew()
    world.db.write_sync(location_states.remove_closure, taken_back, NOW, "test")
    refresh(world.db, world.nearby)
    assert says(0, 5, 10) == (True, "2027-07-05T16:00:00Z")
    assert world.answers_as_if_read_anew()
