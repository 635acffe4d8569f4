"""A location file comes into force whole or not at all, on both databases."""

import gzip
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dropoff.db import Database, Tx
from dropoff.db.schema import db_now
from dropoff.events.tables import event
from dropoff.kernel.errors import Problem
from dropoff.network import applying, applying_store, importing, refreshing, staging, store
from dropoff.network.importing import FileKind, ImportReport
from dropoff.network.nearby import Nearby, Search
from dropoff.network.refreshing import Refresher
from dropoff.network.tables import location, location_import, location_source, location_stage

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def feature(number: int, **changes: Any) -> dict[str, Any]:
    properties = {"id": f"x:{number}", "name": f"Kiosk {number}", "kind": "store", "country": "DE", "city": "Berlin"}
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [13.4 + number / 1000, 52.5]},
        "properties": properties | changes,
    }


class Files:
    def __init__(self, db: Database, folder: Path) -> None:
        self.db, self.folder = db, folder

    def load(self, content: bytes, source: str = "test", *, replace: bool = False, kind: FileKind = "geojson") -> Any:
        path = self.folder / f"file-{threading.get_ident()}"
        path.write_bytes(content)
        return importing.import_file(self.db, path, kind, source, replace=replace, at=NOW)

    def take(self, *features: Any, **more: Any) -> ImportReport:
        collection = {"type": "FeatureCollection", "features": list(features)}
        report = self.load(json.dumps(collection).encode(), **more)
        assert isinstance(report, ImportReport), report
        return report


@pytest.fixture
def files(db: Database, tmp_path: Path) -> Files:
    return Files(db, tmp_path)


def counts(report: ImportReport) -> tuple[int, int, int, int]:
    return report.created, report.updated, report.unchanged, report.removed


def states(tx: Tx) -> dict[str, str]:
    return {row.external_id: row.state for row in tx.read(sa.select(location.c.external_id, location.c.state))}


def left_over(tx: Tx) -> tuple[int, list[str]]:
    staged = tx.first(sa.select(sa.func.count()).select_from(location_stage))
    assert staged is not None
    return staged[0], [row.state for row in tx.read(sa.select(location_import.c.state).order_by(location_import.c.id))]


@pytest.mark.postgres
def test_postgresql_learns_how_much_is_staged(postgres_database_url: str, tmp_path: Path) -> None:
    """Between imports the stage is empty. Who still believes so joins it row by row with the whole network."""
    with closing(Database(postgres_database_url)) as db:
        Files(db, tmp_path).take(*(feature(number) for number in range(40)))
        size = sa.text("SELECT reltuples FROM pg_class WHERE relname = 'location_stage'")
        assert db.read_sync(lambda tx: tx.read(size)[0][0]) == 40


def test_the_real_network_goes_in_and_again_changes_nothing(files: Files, shared_data: Path) -> None:
    content = gzip.decompress((shared_data / "data" / "handover_points.geojson.gz").read_bytes())
    rows = len(json.loads(content)["features"])
    first, revision = files.load(content), files.db.read_sync(store.revision)
    assert counts(first) == (rows - len(first.rejected), 0, 0, 0)
    assert len(first.rejected) <= rows // 100
    again = files.load(content)
    assert counts(again) == (0, 0, first.created, 0)
    assert files.db.read_sync(store.revision) == revision


def test_what_changed_in_the_real_network_is_what_is_written(files: Files, shared_data: Path) -> None:
    network = json.loads(gzip.decompress((shared_data / "data" / "handover_points.geojson.gz").read_bytes()))
    rows = network["features"]
    first = files.load(json.dumps(network).encode())
    bad = {row.index for row in first.rejected}
    good = [index for index in range(len(rows)) if index not in bad]
    for index in good[:30]:
        rows[index]["properties"]["name"] += " (new)"
    lost = set(good[-10:])
    kept = [row for index, row in enumerate(rows) if index not in lost]
    content = json.dumps({"type": "FeatureCollection", "features": [*kept, *map(feature, range(5))]}).encode()
    assert counts(files.load(content, replace=True)) == (5, 30, first.created - 40, 10)


def test_every_row_of_the_dirty_file_is_told_as_expected(files: Files, shared_data: Path) -> None:
    expected = json.loads((shared_data / "data" / "dirty_points.expected.json").read_bytes())
    report = files.load((shared_data / "data" / "dirty_points.geojson").read_bytes())
    wanted = {int(index): row["verdict"] for index, row in expected["by_index"].items()}
    assert {row.index for row in report.rejected} == {i for i, verdict in wanted.items() if verdict == "rejected"}
    assert {row.index for row in report.repaired} == {i for i, verdict in wanted.items() if verdict == "repaired"}
    assert sum(counts(report)) + len(report.rejected) == expected["rows"]
    nearby = Nearby()
    assert refreshing.refresh(files.db, nearby)
    unknown = {row["id"] for row in expected["by_index"].values() if row["verdict"] == "kept-as-unknown"}
    kept = {place.external_id: place for place in nearby.snapshot.places}
    assert all(nearby.snapshot.open_now(kept[ident], NOW) is None for ident in unknown)


def test_a_changed_row_is_updated_and_a_new_one_created(files: Files) -> None:
    files.take(feature(1), feature(2))
    report = files.take(feature(1, name="New name"), feature(2), feature(3))
    assert counts(report) == (1, 1, 1, 0)
    place = files.db.read_sync(store.find_external, "test", "x:1")
    assert place is not None
    assert place.name == "New name"


def test_sources_do_not_touch_each_others_places(files: Files) -> None:
    files.take(feature(1), source="one")
    assert counts(files.take(feature(1), source="two", replace=True)) == (1, 0, 0, 0)
    assert counts(files.take(feature(1), source="one")) == (0, 0, 1, 0)


def test_replace_removes_what_is_gone_but_not_what_is_only_broken(files: Files) -> None:
    files.take(feature(1), feature(2), feature(3))
    report = files.take(feature(1), feature(2, kind="zeppelin"), replace=True)
    assert counts(report) == (0, 0, 1, 1)
    assert files.db.read_sync(states) == {"x:1": "active", "x:2": "active", "x:3": "removed"}
    back = files.take(feature(3))
    assert counts(back) == (0, 1, 0, 0)
    assert files.db.read_sync(states)["x:3"] == "active"


def test_without_replace_nothing_is_removed(files: Files) -> None:
    files.take(feature(1), feature(2))
    assert counts(files.take(feature(1))) == (0, 0, 1, 0)
    assert set(files.db.read_sync(states).values()) == {"active"}


def test_a_place_closed_by_hand_is_not_opened_by_a_file(files: Files) -> None:
    files.take(feature(1))
    files.db.write_sync(lambda tx: tx.change(sa.update(location).values(state="paused")))
    files.take(feature(1, name="Renamed"))
    assert files.db.read_sync(states) == {"x:1": "paused"}


@pytest.mark.parametrize("cut", [1, 50, 400, -1, -2])
def test_a_truncated_file_changes_nothing(files: Files, cut: int) -> None:
    files.take(feature(1))
    revision = files.db.read_sync(store.revision)
    rows = [feature(number, name="Changed") for number in range(1, 2000)]
    content = json.dumps({"type": "FeatureCollection", "features": rows}).encode()
    problem = files.load(content[:cut], replace=True)
    assert isinstance(problem, Problem)
    assert problem.code == "location-file-invalid"
    assert files.db.read_sync(states) == {"x:1": "active"}
    assert files.db.read_sync(store.revision) == revision
    assert files.db.read_sync(left_over) == (0, ["done", "failed"])


def test_a_csv_file_goes_in(files: Files) -> None:
    lines = ["id,name,kind,country,lat,lon,live,accepts,opening_hours", 'c1,"A, B",store,DK,55.6,12.5,,box_free,24h']
    report = files.load("\r\n".join(lines).encode(), kind="csv")
    assert counts(report) == (1, 0, 0, 0)
    place = files.db.read_sync(store.find_external, "test", "c1")
    assert place is not None
    assert (place.name, place.zone, place.opening_hours, place.accepts, place.live) == (
        "A, B",
        "Europe/Copenhagen",
        "24/7",
        ("box_free",),
        True,
    )


def test_an_unusable_source_is_refused(files: Files) -> None:
    problem = files.load(b"", source="no blanks")
    assert isinstance(problem, Problem)
    assert problem.errors[0].pointer == "?source"


def test_an_import_tells_one_event(files: Files) -> None:
    files.take(feature(1), "junk")
    rows = files.db.read_sync(lambda tx: tx.read(sa.select(event.c.type, event.c.data)))
    assert [row.type for row in rows] == ["network.imported"]
    assert rows[0].data["created"] == rows[0].data["rejected"] == 1


def test_a_fault_while_staging_leaves_no_stage(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr(applying, "settle", broken)
    with pytest.raises(OSError, match="disk"):
        files.take(feature(1))
    assert files.db.read_sync(left_over) == (0, ["failed"])
    assert files.db.read_sync(states) == {}


class Killed(BaseException):
    """What no handler catches, as a kill does."""


def imports(tx: Tx) -> list[Any]:
    return tx.read(sa.select(location_import).order_by(location_import.c.id))


def fall_silent(tx: Tx, seconds: float) -> None:
    tx.change(sa.update(location_import).values(touched_at=db_now(-seconds)))
    tx.change(sa.update(location_source).values(claimed_until=db_now(-seconds)))


def killed_at(files: Files, monkeypatch: pytest.MonkeyPatch, place: Any, name: str, call: int, *rows: Any) -> None:
    """The process dies at that call of a function of the importer, and what it does on its way out does not happen."""
    real, calls = getattr(place, name), [0]

    def deadly(*args: Any) -> Any:
        calls[0] += 1
        if calls[0] == call:
            raise Killed
        return real(*args)

    with monkeypatch.context() as patch:
        patch.setattr(place, name, deadly)
        patch.setattr(importing, "_abandon", lambda *_: None)
        patch.setattr(applying_store, "end_claim", lambda *_: None)
        with pytest.raises(Killed):
            files.take(*rows)


def test_the_stage_of_a_dead_process_is_emptied_when_it_was_silent_long_enough(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed_at(files, monkeypatch, applying, "settle", 1, feature(1))
    assert importing.sweep(files.db, NOW) == 0
    files.db.write_sync(fall_silent, importing.SILENT_FILE_S + 1)
    assert importing.sweep(files.db, NOW) == 1
    assert files.db.read_sync(left_over) == (0, ["failed"])
    assert files.db.read_sync(states) == {}


def test_an_import_that_died_while_coming_into_force_is_brought_to_its_end(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applying, "APPLY_AT_ONCE", 3)
    files.take(*map(feature, range(4)))
    revision = files.db.read_sync(store.revision)
    rows = [feature(number, name="New") for number in range(8)]
    killed_at(files, monkeypatch, applying_store, "apply_some", 2, *rows)
    assert [row.state for row in files.db.read_sync(imports)] == ["done", "applying"]
    assert files.db.read_sync(store.revision) == revision, "a part of it is in everybody's search"
    files.db.write_sync(fall_silent, 2 * applying.LEASE_S + 1)
    assert importing.sweep(files.db, NOW) == 1
    assert files.db.read_sync(left_over) == (0, ["done", "done"])
    assert {place.name for place in files.db.read_sync(store.public_places)} == {"New"}
    assert len(files.db.read_sync(states)) == 8
    assert files.db.read_sync(store.revision) > revision


def test_the_next_import_finishes_a_dead_one_before_its_own(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applying, "APPLY_AT_ONCE", 3)
    killed_at(files, monkeypatch, applying_store, "apply_some", 2, *[feature(n, name="Dead") for n in range(8)])
    files.db.write_sync(fall_silent, applying.LEASE_S + 1)
    files.take(*[feature(number, name="Later") for number in range(5)])
    found = {place.external_id: place.name for place in files.db.read_sync(store.public_places)}
    assert found == {f"x:{number}": "Later" if number < 5 else "Dead" for number in range(8)}
    assert files.db.read_sync(left_over) == (0, ["done", "done"])


def test_a_large_import_is_seen_whole_or_not_at_all(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applying, "APPLY_AT_ONCE", 7)
    monkeypatch.setattr(applying, "COMPARE_AT_ONCE", 5)
    monkeypatch.setattr(staging, "CHUNK", 4)
    nearby, seen = Nearby(), set()
    real = applying_store.apply_some

    def watched(*args: Any) -> int:
        refreshing.refresh(files.db, nearby)
        seen.add(len(nearby.snapshot))
        return real(*args)

    monkeypatch.setattr(applying_store, "apply_some", watched)
    assert counts(files.take(*map(feature, range(50)))) == (50, 0, 0, 0)
    refreshing.refresh(files.db, nearby)
    assert counts(files.take(*[feature(n, name="B") for n in range(10, 60)], replace=True)) == (10, 40, 0, 10)
    refreshing.refresh(files.db, nearby)
    assert seen == {0, 50}
    assert len(nearby.snapshot) == 50


def test_each_import_tells_its_rows_again_later(files: Files) -> None:
    report = files.take(feature(1, name=" A "), "junk", feature(1), feature(2, kind="zeppelin"))
    (made,) = files.db.read_sync(imports)
    assert importing.report_of(files.db, made.id) == report
    assert [(row.index, row.reason) for row in report.rejected] == [
        (1, "not_an_object"),
        (2, "duplicate_id"),
        (3, "kind_unknown"),
    ]
    assert [(row.index, row.fields) for row in report.repaired] == [(0, ("name",))]


def test_old_imports_are_forgotten_but_for_the_last_of_each_source(files: Files) -> None:
    for name in ("a", "b"):
        files.take(feature(1, name=name))
    importing.sweep(files.db, NOW + importing.KEPT_FOR + timedelta(days=1))
    assert len(files.db.read_sync(imports)) == 1


def test_imports_of_one_source_at_once_lose_and_double_nothing(files: Files) -> None:
    def one(number: int) -> ImportReport:
        return files.take(*[feature(n, name=f"By {number}") for n in range(number, number + 30)])

    with ThreadPoolExecutor(4) as threads:
        reports = list(threads.map(one, range(0, 40, 10)))
    assert sum(report.created for report in reports) == 60
    assert all(sum(counts(report)) == 30 for report in reports)
    assert len(files.db.read_sync(states)) == 60


def test_hubs_test_places_and_closed_ones_are_not_public(files: Files) -> None:
    files.take(feature(1), feature(2, kind="hub"), feature(3, live=False), feature(4))
    closed = sa.update(location).where(location.c.external_id == "x:4").values(state="closed")
    files.db.write_sync(lambda tx: tx.change(closed))
    assert [place.external_id for place in files.db.read_sync(store.public_places)] == ["x:1"]


def test_every_server_follows_within_seconds_and_keeps_its_snapshot_otherwise(files: Files, database_url: str) -> None:
    with closing(Database(database_url)) as other:
        nearby = Nearby()
        refresher = Refresher(other, nearby)
        try:
            files.take(feature(1))
            deadline = threading.Event()
            while not len(nearby.snapshot) and not deadline.wait(0.02):
                pass
            held = nearby.snapshot
            assert held.nearest(Search(52.5, 13.4, 1))[0].place.external_id == "x:1"
            files.take(feature(1))
            assert not refreshing.refresh(other, nearby)
            assert nearby.snapshot is held
        finally:
            refresher.stop()
