"""Jobs run at least once, whatever dies, and only the worker that holds a job may end it."""

import threading
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from dropoff.db import Database, Tx
from dropoff.db.engines import driver_url
from dropoff.db.schema import db_now
from dropoff.events import job_store, jobs
from dropoff.events.jobs import GiveUp, Job, Retry
from dropoff.events.tables import job as job_table
from dropoff.events.worker import Worker
from dropoff.kernel.errors import Problem


def enqueue(db: Database, kind: str = "work", **kwargs: Any) -> None:
    def run(tx: Tx) -> None:
        jobs.enqueue(tx, kind, {"n": 1}, **kwargs)

    db.write_sync(run)


def all_jobs(db: Database) -> list[jobs.JobView]:
    listed = db.read_sync(jobs.list_jobs, None, "", 1000).items
    found = [db.read_sync(jobs.find_job, item.id) for item in listed]
    assert not any(isinstance(item, Problem) for item in found)
    return found  # type: ignore[return-value]


def only_job(db: Database) -> jobs.JobView:
    (found,) = all_jobs(db)
    return found


def let_time_pass(db: Database, seconds: float) -> None:
    """By the database's clock, which is the only one that counts: everything planned moves nearer."""

    def shift(tx: Tx) -> None:
        for row in tx.read(sa.select(job_table.c.id, job_table.c.run_at, job_table.c.lease_until)):
            values = {"run_at": row.run_at - timedelta(seconds=seconds)}
            if row.lease_until is not None:
                values["lease_until"] = row.lease_until - timedelta(seconds=seconds)
            tx.change(sa.update(job_table).where(job_table.c.id == row.id).values(**values))

    db.write_sync(shift)


def fails(times: int, error: Callable[[], Exception]) -> Callable[[Job], None]:
    seen: list[Job] = []

    def handler(job: Job) -> None:
        seen.append(job)
        if len(seen) <= times:
            raise error()

    return handler


def test_a_job_enqueued_in_a_failing_transaction_never_was(db: Database) -> None:
    def fail(tx: Tx) -> None:
        jobs.enqueue(tx, "work", {})
        raise KeyError("gone")

    with pytest.raises(KeyError):
        db.write_sync(fail)
    assert all_jobs(db) == []


def test_a_job_runs_once_with_its_payload(db: Database) -> None:
    seen: list[Job] = []
    enqueue(db)
    worker = Worker(db, {"work": seen.append})
    assert worker.run_due() == 1
    assert worker.run_due() == 0
    assert [(job.kind, job.payload, job.attempt) for job in seen] == [("work", {"n": 1}, 1)]
    done = only_job(db)
    assert (done.state, done.last_error) == ("done", None)
    assert done.history is not None
    assert done.history[0].ended_at is not None


def test_a_key_makes_a_job_unique_among_its_kind(db: Database) -> None:
    assert db.write_sync(lambda tx: [jobs.enqueue(tx, k, {}, key="a") for k in ("x", "x", "y")]) == [True, False, True]
    assert db.write_sync(lambda tx: jobs.enqueue(tx, "x", {}, key="a")) is False


def test_a_delayed_job_waits_for_the_databases_clock(db: Database) -> None:
    enqueue(db, run_in_s=60)
    worker = Worker(db, {"work": lambda _: None})
    assert worker.run_due() == 0
    let_time_pass(db, 59)
    assert worker.run_due() == 0
    let_time_pass(db, 2)
    assert worker.run_due() == 1


def test_a_failing_job_comes_again_later_and_keeps_its_attempts(db: Database) -> None:
    worker = Worker(db, {"work": fails(2, lambda: RuntimeError("not today\nsecret row"))})
    enqueue(db)
    assert worker.run_due() == 1
    waiting = only_job(db)
    assert (waiting.state, waiting.last_error) == ("ready", "RuntimeError: not today")
    assert 1.5 <= (waiting.run_at - waiting.created_at).total_seconds() <= 10
    assert worker.run_due() == 0
    for _ in range(2):
        let_time_pass(db, 10)
        assert worker.run_due() == 1
    done = only_job(db)
    assert (done.state, done.attempts) == ("done", 3)
    assert done.history is not None
    assert [attempt.error for attempt in done.history] == ["RuntimeError: not today"] * 2 + [None]


def test_a_handler_may_choose_when_it_comes_again(db: Database) -> None:
    worker = Worker(db, {"work": fails(1, lambda: Retry(3600, "busy"))})
    enqueue(db)
    worker.run_due()
    waiting = only_job(db)
    assert 3590 <= (waiting.run_at - waiting.created_at).total_seconds() <= 3620
    let_time_pass(db, 3590)
    assert worker.run_due() == 0
    let_time_pass(db, 20)
    assert worker.run_due() == 1


def test_after_the_last_attempt_a_job_is_dead_and_can_be_replayed(db: Database) -> None:
    worker = Worker(db, {"work": fails(3, lambda: RuntimeError("broken"))})
    enqueue(db, max_attempts=3)
    for _ in range(3):
        worker.run_due()
        let_time_pass(db, 60)
    dead = only_job(db)
    assert (dead.state, dead.attempts, dead.last_error) == ("dead", 3, "RuntimeError: broken")
    assert worker.run_due() == 0
    assert [item.id for item in db.read_sync(jobs.list_jobs, "dead", "", 10).items] == [dead.id]
    replayed = db.write_sync(jobs.replay, dead.id)
    assert isinstance(replayed, jobs.JobView)
    assert worker.run_due() == 1
    done = only_job(db)
    assert (done.state, done.attempts) == ("done", 1)
    assert done.history is not None
    assert len(done.history) == 4
    again = db.write_sync(jobs.replay, dead.id)
    assert isinstance(again, Problem)
    assert again.code == "job-not-dead"


def test_a_handler_that_gives_up_ends_in_a_dead_letter_at_once(db: Database) -> None:
    enqueue(db)
    Worker(db, {"work": fails(9, lambda: GiveUp("no such thing"))}).run_due()
    assert (only_job(db).state, only_job(db).attempts) == ("dead", 1)


def test_a_worker_takes_only_kinds_it_knows(db: Database) -> None:
    enqueue(db, "other")
    assert Worker(db, {"work": lambda _: None}).run_due() == 0
    assert only_job(db).state == "ready"


def test_a_stale_worker_may_not_end_a_job_that_another_has_taken_over(db: Database) -> None:
    enqueue(db)
    (first,) = db.write_sync(jobs.claim, ["work"], 10, 60.0)
    assert db.write_sync(jobs.claim, ["work"], 10, 60.0) == []
    let_time_pass(db, 61)
    (second,) = db.write_sync(jobs.claim, ["work"], 10, 60.0)
    assert (second.id, second.attempt) == (first.id, 2)
    assert second.fence > first.fence
    assert db.write_sync(jobs.finish, first) is False
    assert db.write_sync(jobs.fail, first, "late", None, True) is False
    assert db.write_sync(jobs.renew, [first], 60.0) == [first.id]
    assert only_job(db).state == "running"
    assert db.write_sync(jobs.finish, second) is True
    history = only_job(db).history
    assert history is not None
    assert [attempt.error for attempt in history] == [job_store.STOPPED, None]


def test_a_job_that_kills_its_worker_every_time_is_dead_in_the_end(db: Database) -> None:
    enqueue(db, max_attempts=2)
    for _ in range(2):
        assert len(db.write_sync(jobs.claim, ["work"], 10, 60.0)) == 1
        let_time_pass(db, 61)
    assert db.write_sync(jobs.claim, ["work"], 10, 60.0) == []
    assert (only_job(db).state, only_job(db).last_error) == ("dead", job_store.STOPPED)


def test_leases_of_long_handlers_are_renewed(db: Database) -> None:
    """The lease is shorter than the handler's time: without renewal a second run would begin."""
    runs: list[int] = []
    renewed, release = threading.Event(), threading.Event()
    lease_end = sa.select(job_table.c.lease_until)
    seen: list[Any] = []

    def long(job: Job) -> None:
        runs.append(job.attempt)
        while not renewed.is_set():
            row = db.read_sync(lambda tx: tx.first(lease_end))
            assert row is not None
            if row.lease_until not in seen:
                seen.append(row.lease_until)
            if len(seen) >= 4:
                renewed.set()
        assert release.wait(20)

    enqueue(db)
    worker = Worker(db, {"work": long}, lease_s=0.6)
    worker.start()
    assert renewed.wait(20)
    release.set()
    worker.stop()
    assert runs == [1]
    assert only_job(db).state == "done"


def test_a_running_worker_is_woken_by_a_commit_and_stops_gracefully(db: Database) -> None:
    started, release = threading.Event(), threading.Event()

    def handler(_: Job) -> None:
        started.set()
        assert release.wait(20)

    worker = Worker(db, {"work": handler})
    worker.start()
    enqueue(db)
    assert started.wait(20)
    stopper = threading.Thread(target=worker.stop)
    stopper.start()
    release.set()
    stopper.join(20)
    assert not stopper.is_alive()
    assert only_job(db).state == "done"  # what ran came to its end


def test_periodic_jobs_come_once_in_a_slot_whoever_asks(db: Database) -> None:
    hour = 3600.0
    assert db.write_sync(jobs.enqueue_for_slot, "tidy", hour) is True
    assert db.write_sync(jobs.enqueue_for_slot, "tidy", hour) is False
    worker = Worker(db, {"tidy": lambda _: None}, every_s={"tidy": hour})
    assert worker.run_due() == 1
    assert db.write_sync(jobs.enqueue_for_slot, "tidy", hour) is False  # the slot has had its job
    assert db.write_sync(jobs.enqueue_for_slot, "tidy", hour / 4096) is True  # another slot
    with pytest.raises(ValueError, match="tidy"):
        Worker(db, {}, every_s={"tidy": hour})


def test_old_done_jobs_are_pruned_dead_ones_stay_longer(db: Database) -> None:
    enqueue(db, key="old")
    enqueue(db, key="dead", max_attempts=1)
    enqueue(db, key="new")
    claimed = db.write_sync(jobs.claim, ["work"], 10, 60.0)
    keys = {row.id: row.key for row in db.read_sync(lambda tx: tx.read(sa.select(job_table)))}
    for job in claimed:
        if keys[job.id] == "dead":
            db.write_sync(jobs.fail, job, "no", None, True)
        else:
            db.write_sync(jobs.finish, job)
    old = sa.update(job_table).where(job_table.c.key != "new")
    db.write_sync(lambda tx: tx.change(old.values(run_at=db_now(-8 * 86_400), ended_at=db_now(-8 * 86_400))))
    assert db.write_sync(jobs.prune) == 1
    assert {keys[item.id] for item in all_jobs(db)} == {"dead", "new"}
    db.write_sync(lambda tx: tx.change(old.values(run_at=db_now(-91 * 86_400), ended_at=db_now(-91 * 86_400))))
    assert db.write_sync(jobs.prune) == 1
    assert {keys[item.id] for item in all_jobs(db)} == {"new"}


def test_done_periodic_jobs_go_after_an_hour(db: Database) -> None:
    db.write_sync(jobs.enqueue_for_slot, "tidy", 60.0)
    enqueue(db)
    Worker(db, {"tidy": lambda _: None, "work": lambda _: None}).run_due()
    db.write_sync(lambda tx: tx.change(sa.update(job_table).values(ended_at=db_now(-3700))))
    assert db.write_sync(jobs.prune) == 0
    # The next slot's job takes the place of the old ones of its kind.
    assert db.write_sync(jobs.enqueue_for_slot, "tidy", 61.0)
    assert sorted((job.kind, job.state) for job in all_jobs(db)) == [("tidy", "ready"), ("work", "done")]


def test_a_worker_outlives_a_restart_of_the_database(postgres_database_url: str) -> None:
    ran = threading.Event()
    with closing(Database(postgres_database_url)) as db:
        worker = Worker(db, {"work": lambda _: ran.set()})
        worker.start()
        for _ in range(3):
            with psycopg.connect(driver_url(postgres_database_url), autocommit=True) as rival:
                rival.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            ran.clear()
            enqueue(db)
            assert ran.wait(20)
        worker.stop()
        assert {job.state for job in all_jobs(db)} == {"done"}
