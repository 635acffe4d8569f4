"""A source is pulled, cleaned and put in force like a file: incremental, resumable, with a brake and a trial."""

import gzip
import json
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa
from dropoff_locations_inpost import InPost, InPostSettings

from dropoff.db import Database, Tx
from dropoff.db.schema import db_now
from dropoff.events.jobs import Job
from dropoff.events.tables import event
from dropoff.events.tables import job as job_table
from dropoff.events.worker import Worker
from dropoff.kernel.errors import Problem
from dropoff.network import applying, applying_store, import_reports, import_store, importing, sources_jobs, syncing
from dropoff.network import store as network_store
from dropoff.network.import_store import Import
from dropoff.network.tables import location, location_import, location_stage
from dropoff.plugins import InstalledSource
from dropoff.ports.locations import LeftOut, Malformed, Misconfigured, Page, Point, Unavailable
from dropoff.testing import Answer, CarrierServer, ListedPoints, LocationSourceConformance, Received

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def point(number: int, **changes: Any) -> Point:
    fields = {"id": f"x:{number}", "name": f"Kiosk {number}", "kind": "store", "country": "DE", "city": "Berlin"}
    return Point(**(fields | {"lat": 52.5, "lon": 13.4 + number / 1000} | changes))


def points(*numbers: int, **changes: Any) -> list[Point | LeftOut]:
    return [point(number, **changes) for number in numbers]


class Killed(BaseException):
    """What no handler catches, as a kill does."""


class TestListedPoints(LocationSourceConformance):
    @pytest.fixture
    def source(self) -> ListedPoints:
        return ListedPoints(points(*range(5)))


class Syncs:
    """A source with the name `acme` on a database."""

    def __init__(self, db: Database, rows: list[Point | LeftOut]) -> None:
        self.db = db
        self.source = ListedPoints(rows)
        self.installed = InstalledSource("acme", "listed", self.source, every_s=3600)
        self._number = 0

    def outcome(self, *, trial: bool = False, runner: str | None = None, **more: Any) -> Import | Problem:
        self._number += 1
        runner = runner or f"run_{self._number}/1"
        command = syncing.SyncCommand(at=NOW, runner=runner, trial=trial)
        return syncing.sync(self.db, self.installed, command, **more)

    def done(self, **more: Any) -> Import:
        outcome = self.outcome(**more)
        assert isinstance(outcome, Import), outcome
        return outcome

    def refused(self, **more: Any) -> Problem:
        outcome = self.outcome(**more)
        assert isinstance(outcome, Problem), outcome
        return outcome

    def view(self, found: Import) -> import_reports.ImportView:
        view = self.db.read_sync(import_reports.view, found.id)
        assert isinstance(view, import_reports.ImportView)
        return view

    def states(self) -> dict[str, str]:
        columns = (location.c.external_id, location.c.state)
        rows = self.db.read_sync(lambda tx: tx.read(sa.select(*columns).where(location.c.source == "acme")))
        return {row.external_id: row.state for row in rows}

    def active(self) -> set[str]:
        return {ident for ident, state in self.states().items() if state == "active"}

    def staged(self) -> int:
        row = self.db.read_sync(lambda tx: tx.first(sa.select(sa.func.count()).select_from(location_stage)))
        assert row is not None
        return int(row[0])


@pytest.fixture
def syncs(db: Database) -> Syncs:
    return Syncs(db, points(*range(10)))


def counts(found: Import) -> tuple[int, int, int, int]:
    return found.created, found.updated, found.unchanged, found.removed


def ids(*numbers: int) -> set[str]:
    return {f"x:{number}" for number in numbers}


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


# What breaks.


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Malformed("it answered with HTML"), "location-source-malformed"),
        (Misconfigured("it answered 401: check the key"), "location-source-misconfigured"),
    ],
)
def test_a_source_that_fails_leaves_the_network_as_it_is(syncs: Syncs, error: Any, code: str) -> None:
    syncs.done()
    syncs.source.rows, syncs.source.fails = points(50, 51, 52), {1: error}
    refused = syncs.refused()
    assert refused.code == code
    assert str(error) in refused.detail
    assert syncs.active() == ids(*range(10))
    assert syncs.staged() == 0
    failed = syncs.db.read_sync(import_store.listed, "acme", "failed", "", 9)
    assert [found.detail for found in failed] == [str(error)]


def test_a_fault_of_a_plugin_is_told_with_its_name(syncs: Syncs) -> None:
    def broken(_: str | None) -> Iterator[Any]:
        raise KeyError("name")

    syncs.source.pages = broken  # type: ignore[method-assign]
    assert "plug-in listed failed: KeyError" in syncs.refused().detail


def test_ten_million_rows_are_too_many(syncs: Syncs, monkeypatch: pytest.MonkeyPatch) -> None:
    syncs.done()
    real = syncing.read_pages
    monkeypatch.setattr(syncing, "read_pages", lambda source, cursor: real(source, cursor, rows_max=50))
    syncs.source.rows = points(*range(100))
    assert "more than 50 rows" in syncs.refused().detail
    assert syncs.active() == ids(*range(10))
    assert syncs.staged() == 0


def test_what_was_read_before_a_break_is_not_read_again(syncs: Syncs) -> None:
    syncs.source.fails = {3: Unavailable("429", retry_after_s=5)}
    with pytest.raises(Unavailable):
        syncs.outcome(runner="job_1/1")
    assert syncs.states() == {}
    assert syncs.staged() == 6
    found = syncs.done(runner="job_1/2")
    assert counts(found) == (10, 0, 0, 0)
    assert syncs.source.asked == [None, "3"]
    assert found.rows_read == 10
    assert len(syncs.db.read_sync(import_store.listed, "acme", None, "", 9)) == 1


def test_a_source_that_cannot_go_on_is_read_from_its_start(syncs: Syncs) -> None:
    syncs.source.resumable = False
    syncs.source.rows[0] = point(0, kind="zeppelin")
    syncs.source.fails = {3: Unavailable("a time-out")}
    with pytest.raises(Unavailable):
        syncs.outcome(runner="job_1/1")
    syncs.source.rows[1] = point(1, name="Changed meanwhile")
    found = syncs.done(runner="job_1/2")
    assert syncs.source.asked == [None, None]
    assert counts(found) == (9, 0, 0, 0)
    assert syncs.view(found).progress == import_reports.Progress(10, 1, 0)


def test_a_page_that_is_read_again_is_told_once(syncs: Syncs, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process dies between two pages, after the rows of the first were kept."""
    syncs.source.rows[1] = point(1, kind="zeppelin")
    syncs.source.fails = {2: Killed()}  # type: ignore[dict-item]
    with pytest.raises(Killed):
        syncs.outcome(runner="job_1/1")
    found = syncs.done(runner="job_1/2")
    view = syncs.view(found)
    assert view.report is not None
    assert [(row.index, row.external_id) for row in view.report.rejected] == [(1, "x:1")]
    assert syncs.active() == ids(0, *range(2, 10))


def fall_silent(tx: Tx) -> int:
    return tx.count(sa.update(location_import).values(touched_at=db_now(-syncing.SILENT_S - 1)))


def test_another_process_goes_on_when_the_reader_fell_silent(syncs: Syncs) -> None:
    syncs.source.fails = {3: Killed()}  # type: ignore[dict-item]
    with pytest.raises(Killed):
        syncs.outcome(runner="job_1/1")
    assert syncs.refused(runner="job_2/1").code == "location-source-busy"
    syncs.db.write_sync(fall_silent)
    assert counts(syncs.done(runner="job_2/1")) == (10, 0, 0, 0)
    assert syncs.source.asked == [None, "3"]


def test_a_reader_that_was_only_slow_stops_when_another_took_over(syncs: Syncs) -> None:
    def others(cursor: str | None) -> Iterator[Any]:
        yield from list(ListedPoints(points(1, 2, 3)).pages(cursor))[:1]
        taken = sa.update(location_import).values(runner="job_2/1")
        syncs.db.write_sync(lambda tx: tx.count(taken))
        yield from list(ListedPoints(points(1, 2, 3)).pages(cursor))[1:]

    syncs.source.pages = others  # type: ignore[method-assign]
    assert syncs.refused(runner="job_1/1").code == "location-source-busy"
    assert syncs.states() == {}


def test_a_heartbeat_keeps_a_slow_source_ours(syncs: Syncs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syncing, "HEARTBEAT_S", 0.02)
    beats = threading.Event()
    real = import_store.touch

    def touch(*args: Any) -> bool:
        beats.set()
        return real(*args)

    monkeypatch.setattr(import_store, "touch", touch)

    def slow(cursor: str | None) -> Iterator[Any]:
        assert beats.wait(30)
        yield from ListedPoints(points(1)).pages(cursor)

    syncs.source.pages = slow  # type: ignore[method-assign]
    assert counts(syncs.done()) == (1, 0, 0, 0)


def test_a_trial_and_a_sync_are_not_each_others_continuation(syncs: Syncs) -> None:
    syncs.source.fails = {3: Unavailable("a time-out")}
    with pytest.raises(Unavailable):
        syncs.outcome(trial=True)
    assert counts(syncs.done()) == (10, 0, 0, 0)
    assert syncs.source.asked == [None, None]


def test_a_sync_that_died_while_coming_into_force_is_finished(syncs: Syncs, monkeypatch: pytest.MonkeyPatch) -> None:
    def deadly(*_: Any) -> int:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(applying_store, "apply_some", deadly)
        patch.setattr(applying_store, "end_claim", lambda *_: None)
        with pytest.raises(Killed):
            syncs.outcome()
    assert syncs.refused().code == "location-source-busy"
    silent = sa.update(location_import).values(touched_at=db_now(-2 * applying.LEASE_S - 1))
    syncs.db.write_sync(lambda tx: tx.count(silent))
    monkeypatch.setattr(applying, "LEASE_S", -1.0)  # the claim of the dead one has run out
    ended = sa.text("UPDATE location_source SET claimed_by = NULL")
    syncs.db.write_sync(lambda tx: tx.change(ended))
    monkeypatch.undo()
    assert importing.finish_dead(syncs.db, NOW) == 1
    assert syncs.active() == ids(*range(10))


# The schedule.


def job_of(number: int, **more: Any) -> Job:
    payload = {"source": "acme", "actor": "system:schedule", "trial": False}
    fields = {"id": f"job_{number}", "kind": sources_jobs.SYNC, "payload": payload, "attempt": 1, "max_attempts": 3}
    return Job(**(fields | {"fence": 1} | more))


def test_a_source_is_synced_when_its_time_has_come(syncs: Syncs) -> None:
    installed = {"acme": syncs.installed, "other": InstalledSource("other", "listed", syncs.source)}
    assert sources_jobs.enqueue_due(syncs.db, installed, NOW) == ["acme"]
    assert sources_jobs.enqueue_due(syncs.db, installed, NOW) == [], "it is enqueued already"
    worker = Worker(syncs.db, _handlers(syncs))
    assert worker.run_due() == 1
    assert syncs.active() == ids(*range(10))
    started = sa.update(import_store.location_source).values(tried_at=NOW)
    syncs.db.write_sync(lambda tx: tx.count(started))
    assert sources_jobs.enqueue_due(syncs.db, installed, NOW + timedelta(minutes=59)) == []
    assert sources_jobs.enqueue_due(syncs.db, installed, NOW + timedelta(hours=1)) == ["acme"]


def _handlers(syncs: Syncs) -> dict[str, Callable[[Job], None]]:
    class Context:
        db = syncs.db

        class plugins:  # noqa: N801
            sources = {"acme": syncs.installed}  # noqa: RUF012

    return sources_jobs.handlers(Context)


def test_a_source_that_does_not_answer_is_tried_again_when_it_says(syncs: Syncs) -> None:
    syncs.source.fails = {1: Unavailable("429", retry_after_s=120)}
    syncs.db.write_sync(sources_jobs.enqueue_sync, "acme", None, "operator:x", False)
    assert Worker(syncs.db, _handlers(syncs)).run_due() == 1
    (waiting,) = syncs.db.read_sync(lambda tx: tx.read(sa.select(job_table)))
    assert waiting.state == "ready"
    assert 100 < (waiting.run_at - waiting.created_at).total_seconds() < 140
    due = sa.update(job_table).values(run_at=db_now())
    syncs.db.write_sync(lambda tx: tx.count(due))
    assert Worker(syncs.db, _handlers(syncs)).run_due() == 1
    assert syncs.source.asked == [None, "1"]
    assert syncs.active() == ids(*range(10))


def test_after_the_last_attempt_what_was_read_is_dropped(syncs: Syncs) -> None:
    from dropoff.events.jobs import GiveUp

    syncs.source.fails = {1: Unavailable("503")}
    with pytest.raises(GiveUp):
        sources_jobs.run(syncs.db, syncs.installed, job_of(1, attempt=3))
    assert syncs.staged() == 0
    assert [found.detail for found in syncs.db.read_sync(import_store.listed, "acme", "failed", "", 9)] == [
        "503. It was tried for hours."
    ]


def test_a_stopping_worker_hands_a_long_sync_on(syncs: Syncs) -> None:
    with pytest.raises(syncing.Paused):
        syncs.outcome(runner="job_1/1", is_stopping=lambda: True)
    assert syncs.staged() == 2
    assert counts(syncs.done(runner="job_1/2")) == (10, 0, 0, 0)
    assert syncs.source.asked == [None, "1"]


def test_a_worker_that_ends_does_not_wait_for_a_slow_source(syncs: Syncs) -> None:
    asked, over = threading.Event(), threading.Event()

    def silent(_: str | None) -> Iterator[Any]:
        asked.set()
        over.wait(60)
        yield from ()

    syncs.source.pages = silent  # type: ignore[method-assign]
    with pytest.raises(syncing.Paused):
        syncs.outcome(is_stopping=asked.is_set)
    over.set()


def test_memory_does_not_grow_with_the_source(syncs: Syncs) -> None:
    def peak(count: int) -> int:
        def many(_: str | None) -> Iterator[Page]:
            for start in range(0, count, 100):
                rows = [point(n, name=" Repaired ") if n % 2 else point(n, kind="?") for n in range(start, start + 100)]
                yield Page(rows=tuple(rows), cursor=str(start + 100) if start + 100 < count else None)

        syncs.source.pages = many  # type: ignore[method-assign]
        tracemalloc.start()
        try:
            assert syncs.done().rows_read == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(300)  # fills what is cached for good
    small, large = peak(300), peak(1_500)
    assert large - small < 600_000, "500 bytes a row: a million would not fit"


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
