"""Syncs come by themselves when their time has come, and are tried again when their source says so."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from tests.sync_world import NOW, Syncs, counts, ids, points

from dropoff.db import Database
from dropoff.db.schema import db_now
from dropoff.events.jobs import Job
from dropoff.events.tables import job as job_table
from dropoff.events.worker import Worker
from dropoff.network import import_store, sources_jobs, syncing
from dropoff.plugins import InstalledSource
from dropoff.ports.locations import Unavailable


@pytest.fixture
def syncs(db: Database) -> Syncs:
    return Syncs(db, points(*range(10)))


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
