"""A sync that breaks off leaves the network as it is, and goes on where it stopped, in whichever process."""

import threading
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from tests.sync_world import NOW, Killed, Syncs, counts, ids, point, points

from dropoff.db import Database, Tx
from dropoff.db.schema import db_now
from dropoff.network import applying, applying_store, import_reports, import_store, importing, syncing
from dropoff.network.tables import location_import
from dropoff.ports.locations import Malformed, Misconfigured, Page, Unavailable
from dropoff.testing import ListedPoints


@pytest.fixture
def syncs(db: Database) -> Syncs:
    return Syncs(db, points(*range(10)))


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
