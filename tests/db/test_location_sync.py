"""A source is pulled, cleaned and put in force like a file: incremental, with a brake and a trial."""

import gzip
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa
from dropoff_locations_inpost import InPost, InPostSettings
from tests.sync_world import NOW, Syncs, counts, ids, point, points

from dropoff.db import Database
from dropoff.events.tables import event
from dropoff.kernel.errors import Problem
from dropoff.network import import_reports, import_store, importing, syncing
from dropoff.network import store as network_store
from dropoff.network.import_store import Import
from dropoff.network.tables import location
from dropoff.plugins import InstalledSource
from dropoff.ports.locations import LeftOut
from dropoff.testing import Answer, CarrierServer, ListedPoints, LocationSourceConformance, Received


class TestListedPoints(LocationSourceConformance):
    @pytest.fixture
    def source(self) -> ListedPoints:
        return ListedPoints(points(*range(5)))


@pytest.fixture
def syncs(db: Database) -> Syncs:
    return Syncs(db, points(*range(10)))


def test_only_what_changed_is_written(syncs: Syncs) -> None:
    assert counts(syncs.done()) == (10, 0, 0, 0)
    revision = syncs.db.read_sync(network_store.revision)
    assert counts(syncs.done()) == (0, 0, 10, 0)
    assert syncs.db.read_sync(network_store.revision) == revision
    syncs.source.rows = [point(0, name="New name"), *points(*range(1, 9)), point(77)]
    assert counts(syncs.done()) == (1, 1, 8, 1)
    assert syncs.active() == ids(*range(9), 77)
    assert syncs.states()["x:9"] == "removed"
    assert syncs.staged() == 0


def test_a_sync_tells_where_from_and_when(syncs: Syncs) -> None:
    found = syncs.done()
    assert (found.source, found.kind, found.state, found.host) == ("acme", "sync", "done", "points.example")
    (known,) = syncs.db.read_sync(import_store.sources)
    assert (known.name, known.host, known.tried_at, known.synced_at) == ("acme", "points.example", NOW, NOW)
    rows = syncs.db.read_sync(lambda tx: tx.read(sa.select(event.c.type, event.c.data)))
    assert [(row.type, row.data["created"]) for row in rows] == [("network.imported", 10)]


def test_every_refused_and_repaired_row_is_told(syncs: Syncs) -> None:
    syncs.source.rows = [
        point(1, name=" Kiosk &amp; Co "),
        point(2, kind="zeppelin"),
        LeftOut(id="x:3", reason="not_operating", detail="The status is Disabled."),
        point(4, lat=13.4, lon=52.5),
        point(5, opening_hours="Mo-Sa 08:00-20:00", repaired=("opening_hours",)),
        point(1),
        point(5, opening_hours="Mo-Sa 08:00-20:00"),
    ]
    view = syncs.view(syncs.done())
    assert view.report is not None
    assert [(row.index, row.external_id, row.reason) for row in view.report.rejected] == [
        (1, "x:2", "kind_unknown"),
        (2, "x:3", "not_operating"),
        (5, "x:1", "duplicate_id"),  # the same id with other content; word for word it is simply the same
    ]
    assert [(row.index, row.fields) for row in view.report.repaired] == [
        (0, ("name",)),
        (3, ("position",)),
        (4, ("opening_hours",)),
    ]
    assert view.progress == import_reports.Progress(7, 3, 3)
    assert syncs.active() == ids(1, 4, 5)


def test_what_the_source_calls_gone_goes_and_what_is_only_broken_stays(syncs: Syncs) -> None:
    syncs.done()
    syncs.source.rows = [
        *points(*range(8)),
        LeftOut(id="x:8", reason="not_operating", detail="Disabled."),
        LeftOut(id="x:9", reason="row_malformed", detail="No JSON.", gone=False),
    ]
    syncs.done()
    assert syncs.active() == ids(*range(8), 9)


def test_a_locker_and_a_counter_at_one_address_are_two_and_the_same_id_is_one(syncs: Syncs) -> None:
    locker, counter = point(1, kind="locker"), point(2, lon=13.401)
    syncs.source.rows = [locker, counter, locker, counter]
    assert counts(syncs.done()) == (2, 0, 0, 0)


# The brake.


def test_a_sync_that_would_lose_more_than_a_fifth_changes_nothing_until_it_is_released(syncs: Syncs) -> None:
    syncs.done()
    revision = syncs.db.read_sync(network_store.revision)
    syncs.source.rows = [point(0, name="New name"), *points(*range(1, 7)), point(77)]
    held = syncs.done()
    assert (held.state, counts(held)) == ("held", (1, 1, 6, 3))
    assert "3 of 10" in held.detail
    assert syncs.active() == ids(*range(10))
    assert syncs.db.read_sync(network_store.revision) == revision
    released = syncing.release(syncs.db, held.id, "operator:test", NOW)
    assert isinstance(released, Import)
    assert (released.state, counts(released), released.actor) == ("done", (1, 1, 6, 3), "operator:test")
    assert syncs.active() == ids(*range(7), 77)
    assert syncs.staged() == 0


def test_exactly_a_fifth_may_go(syncs: Syncs) -> None:
    syncs.done()
    syncs.source.rows = points(*range(8))
    assert syncs.done().state == "done"


@pytest.mark.parametrize("change", [{"live": False}, {"kind": "hub"}])
def test_places_that_the_public_would_not_find_any_more_count_as_lost(syncs: Syncs, change: dict[str, Any]) -> None:
    syncs.done()
    syncs.source.rows = points(*range(10), **change)
    assert syncs.done().state == "held"


def test_an_empty_source_is_held_and_a_first_sync_never(syncs: Syncs) -> None:
    syncs.done()
    syncs.source.rows = []
    assert syncs.done().state == "held"
    assert syncs.active() == ids(*range(10))


def test_a_held_sync_is_compared_anew_when_it_is_released(syncs: Syncs) -> None:
    syncs.done()
    syncs.source.rows = points(*range(5))
    held = syncs.done()
    renamed = sa.update(location).where(location.c.external_id == "x:0").values(name="By hand", content_hash="other")
    syncs.db.write_sync(lambda tx: tx.count(renamed))
    released = syncing.release(syncs.db, held.id, "operator:test", NOW)
    assert isinstance(released, Import)
    assert counts(released) == (0, 1, 4, 5)
    place = syncs.db.read_sync(network_store.find_external, "acme", "x:0")
    assert place is not None
    assert place.name == "Kiosk 0"


def test_what_is_newer_than_a_held_sync_takes_its_place(syncs: Syncs) -> None:
    syncs.done()
    syncs.source.rows = points(*range(5))
    first = syncs.done()
    second = syncs.done()
    assert syncs.view(first).state == "failed"
    assert second.state == "held"
    syncs.source.rows = points(*range(10))
    assert syncs.done().state == "done"
    assert syncs.view(second).state == "failed"
    refused = syncing.release(syncs.db, second.id, "operator:test", NOW)
    assert isinstance(refused, Problem)
    assert refused.code == "location-import-not-held"
    assert syncs.active() == ids(*range(10))
    assert syncs.staged() == 0


def test_an_operators_own_file_knows_no_brake(syncs: Syncs, tmp_path: Path) -> None:
    syncs.done()
    path = tmp_path / "one.csv"
    path.write_text("id,name,kind,country,lat,lon\nx:1,One,store,DE,52.5,13.4\n")
    report = importing.import_file(syncs.db, path, "csv", "acme", replace=True, at=NOW)
    assert isinstance(report, importing.ImportReport)
    assert report.removed == 9


def test_a_pull_that_may_miss_places_removes_none(syncs: Syncs) -> None:
    syncs.done()
    syncs.source.rows, syncs.source.complete = [*points(*range(5)), point(77)], False
    found = syncs.done()
    assert (found.state, counts(found)) == ("done", (1, 0, 5, 0))
    assert syncs.active() == ids(*range(10), 77)


# The trial.


def test_a_dry_run_says_what_would_change_and_changes_nothing(syncs: Syncs) -> None:
    syncs.done()
    revision = syncs.db.read_sync(network_store.revision)
    syncs.source.rows = [point(0, name="New name"), *points(*range(1, 6)), point(77)]
    tried = syncs.done(trial=True)
    assert (tried.kind, tried.state, counts(tried)) == ("trial", "done", (1, 1, 5, 4))
    view = syncs.view(tried)
    assert [(change.change, change.external_id) for change in view.would if change.change != "remove"] == [
        ("create", "x:77"),
        ("update", "x:0"),
    ]
    assert {change.external_id for change in view.would if change.change == "remove"} == ids(6, 7, 8, 9)
    assert "would be held" in view.detail
    assert syncs.active() == ids(*range(10))
    assert syncs.db.read_sync(network_store.revision) == revision
    assert syncs.staged() == 0


# The real pages.


def test_the_three_pages_of_inpost_go_in_with_every_row_counted(db: Database, shared_data: Path) -> None:
    files = {"PL": "per_page_1000", "DE": "sample_DE_500", "GB": "sample_GB_500"}
    bodies = {
        country: json.loads(gzip.decompress((shared_data / "data" / "inpost" / f"{name}.json.gz").read_bytes()))
        for country, name in files.items()
    }

    def answer(request: Received) -> Answer:
        country = parse_qs(urlsplit(request.path).query)["country"][0]
        return Answer(200, json.dumps(bodies[country] | {"total_pages": 1}, ensure_ascii=False).encode())

    with CarrierServer(answer) as server:
        source = InPost(InPostSettings(url=f"{server.url}/v1/points", countries="PL,DE,GB", per_page=1000))
        syncs = Syncs(db, [])
        syncs.installed = InstalledSource("acme", "inpost", source)
        found = syncs.done()
        again = syncs.done()
    assert counts(found) == (1647, 0, 0, 0)
    assert counts(again) == (0, 0, 1647, 0)
    view = syncs.view(found)
    assert view.progress.rows_read == 2000
    assert db.read_sync(import_store.reasons, found.id) == [("not_operating", 352), ("test_record", 1)]
    unknown = sa.select(sa.func.count()).where(location.c.hours_known.is_(False))
    row = db.read_sync(lambda tx: tx.first(unknown))
    assert row is not None
    assert row[0] == 0
    kinds = sa.select(location.c.kind, sa.func.count()).group_by(location.c.kind)
    assert dict(map(tuple, db.read_sync(lambda tx: tx.read(kinds)))) == {"locker": 979, "store": 668}


def test_a_sync_and_a_search_share_the_database(syncs: Syncs, database_url: str) -> None:
    """Another process sees the network of before until all is in force."""
    with closing(Database(database_url)) as other:
        seen = []

        def watched(cursor: str | None) -> Iterator[Any]:
            for page in ListedPoints(points(*range(10))).pages(cursor):
                seen.append(len(other.read_sync(network_store.public_places)))
                yield page

        syncs.source.pages = watched  # type: ignore[method-assign]
        syncs.done()
        assert set(seen) == {0}
        assert len(other.read_sync(network_store.public_places)) == 10
