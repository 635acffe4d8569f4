"""The worker: threads that run due jobs, move the consumers' cursors, renew leases and start periodic jobs.

Any number of processes may hold one over the same database. It is woken by commits of its own process and, on
PostgreSQL, of others; behind that it looks by itself every second.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from dropoff.db import CommitUncertain, Database, NotWritten
from dropoff.events import cursors, job_store, jobs, log
from dropoff.events.cursors import Consumer
from dropoff.events.jobs import GiveUp, Handler, Job, Retry
from dropoff.events.turns import SLOW_S, Turns
from dropoff.web.metrics import JOBS

THREADS = 12
LEASE_S = 60.0
POLL_S = 1.0
UNSETTLED_POLL_S = 0.05
"""While a running transaction holds back events that are there already."""

logger = logging.getLogger("dropoff.worker")


class Worker:
    def __init__(
        self,
        db: Database,
        handlers: Mapping[str, Handler],
        consumers: Sequence[Consumer] = (),
        every_s: Mapping[str, float] | None = None,
        *,
        threads: int = THREADS,
        lease_s: float = LEASE_S,
    ) -> None:
        """`every_s`: kinds that are enqueued periodically, with an empty payload, and how often."""
        self._db = db
        self._handlers = dict(handlers)
        self._kinds = sorted(handlers)
        self._consumers = list(consumers)
        self._every_s = dict(every_s or {})
        missing = sorted(set(self._every_s) - set(self._handlers))
        if missing:
            raise ValueError(f"periodic jobs without a handler: {', '.join(missing)}")
        self._slots = threads
        self._lease_s = lease_s
        self._held: dict[tuple[str, int], Job] = {}
        self._slow: set[str] = set()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._ended = threading.Event()
        self._job_bell = threading.Event()
        self._event_bell = threading.Event()
        self._threads: list[threading.Thread] = []
        self._pool: ThreadPoolExecutor | None = None

    def start(self) -> None:
        self._db.write_sync(cursors.install, self._consumers)
        self._db.on_wake(jobs.WAKE, self._job_bell.set)
        self._db.on_wake(log.WAKE, self._event_bell.set)
        self._pool = ThreadPoolExecutor(self._slots, thread_name_prefix="dropoff-job")
        loops = [self._dispatch, self._follow, self._tend]
        self._threads = [threading.Thread(target=loop, name=f"dropoff{loop.__name__}", daemon=True) for loop in loops]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Takes nothing new and lets what runs come to its end."""
        if self._pool is None:
            return
        self._stopping.set()
        self._job_bell.set()
        self._event_bell.set()
        dispatch, follow, tend = self._threads
        dispatch.join()
        follow.join()
        self._pool.shutdown(wait=True)
        self._ended.set()  # last: until here the leases of what still ran were renewed
        tend.join()

    def run_due(self) -> int:
        """Everything that is due, in the calling thread, with what it causes; answers how many jobs ran."""
        self._db.write_sync(cursors.install, self._consumers)
        ran = 0
        while True:
            moved = sum(self._db.write_sync(cursors.consume, consumer) for consumer in self._consumers)
            claimed = self._db.write_sync(jobs.claim, self._kinds, 100, self._lease_s)
            for job in claimed:
                self._run(job)
            ran += len(claimed)
            if not moved and not claimed:
                return ran

    def _dispatch(self) -> None:
        while not self._stopping.is_set():
            self._job_bell.clear()
            free, turns = self._room()
            pause = POLL_S
            claimed: list[Job] = []
            if free:
                try:
                    if self._db.read_sync(job_store.anything_due, self._kinds, turns):
                        claimed = self._db.write_sync(jobs.claim, self._kinds, free, self._lease_s, turns)
                    else:
                        pause = self._until_next(turns)
                except Exception as error:
                    logger.warning("looking for jobs failed, again in a second: %s", type(error).__name__)
            for job in claimed:
                self._take(job)
            if not claimed:
                self._job_bell.wait(pause)

    def _room(self) -> tuple[int, Turns]:
        with self._lock:
            running = Counter(job.party for job in self._held.values() if job.party is not None)
            return self._slots - len(self._held), Turns(self._slots, running, frozenset(self._slow))

    def _until_next(self, turns: Turns) -> float:
        seconds = self._db.read_sync(job_store.seconds_to_next, self._kinds, turns)
        return POLL_S if seconds is None else min(POLL_S, max(0.01, seconds))

    def _take(self, job: Job) -> None:
        assert self._pool is not None
        with self._lock:
            self._held[job.id, job.fence] = job
        self._pool.submit(self._run_held, job)

    def _run_held(self, job: Job) -> None:
        began = time.monotonic()
        jobs.STOPPING.set(self._stopping.is_set)
        try:
            self._run(job)
        except Exception:
            # Its end could not be written: the lease runs out and the job runs again.
            logger.exception("job %s (%s) could not be ended", job.id, job.kind)
        finally:
            with self._lock:
                self._held.pop((job.id, job.fence), None)
                if job.party is not None:
                    was_slow = time.monotonic() - began >= SLOW_S
                    (self._slow.add if was_slow else self._slow.discard)(job.party)
            self._job_bell.set()

    def _run(self, job: Job) -> None:
        try:
            self._handlers[job.kind](job)
        except Retry as retry:
            reason, after_s, final = _reason(retry), retry.after_s, False
        except GiveUp as error:
            reason, after_s, final = _reason(error), None, True
        except Exception as error:
            logger.exception("job %s (%s) failed on attempt %d", job.id, job.kind, job.attempt)
            reason, after_s, final = _reason(error), None, False
        else:
            mine = self._end(jobs.finish, job)
            self._count(job, "done" if mine else "lost")
            return
        mine = self._end(jobs.fail, job, reason, after_s, final)
        self._count(job, "lost" if not mine else "dead" if final or job.is_last_attempt else "again")

    def _end(self, end: Callable[..., bool], *args: Any) -> bool:
        try:
            return self._db.write_sync(end, *args)
        except (CommitUncertain, NotWritten):
            # Only this claim may end the job, so saying it once more does no harm, and saves waiting for the lease.
            return self._db.write_sync(end, *args)

    def _count(self, job: Job, outcome: str) -> None:
        JOBS.labels(job.kind, outcome).inc()
        if outcome in ("dead", "lost"):
            logger.warning("job %s (%s) is %s on attempt %d", job.id, job.kind, outcome, job.attempt)

    def _follow(self) -> None:
        soon = UNSETTLED_POLL_S
        while not self._stopping.is_set():
            self._event_bell.clear()
            caught_up = [self._follow_one(consumer) for consumer in self._consumers]
            # What is there but cannot be taken is not settled yet, or another process is at it.
            pause, soon = (POLL_S, UNSETTLED_POLL_S) if all(caught_up) else (soon, min(soon * 2, POLL_S))
            self._event_bell.wait(pause)

    def _follow_one(self, consumer: Consumer) -> bool:
        """False when events are there that it could not take."""
        try:
            while self._db.read_sync(cursors.has_more, consumer.name) and not self._stopping.is_set():
                if self._db.write_sync(cursors.consume, consumer) == 0:
                    return False
        except Exception:
            # The cursor stays, so nothing is skipped; the consumer is tried again with the same events.
            logger.exception("consumer %s failed", consumer.name)
            JOBS.labels(f"consumer {consumer.name}", "failed").inc()
        return True

    def _tend(self) -> None:
        """Renews leases and starts periodic jobs."""
        renew_at = time.monotonic() + self._lease_s / 3
        periodic_at = dict.fromkeys(self._every_s, 0.0)
        tick = min(POLL_S, self._lease_s / 6)
        while not self._ended.wait(tick):
            try:
                if time.monotonic() >= renew_at:
                    renew_at = time.monotonic() + self._lease_s / 3
                    self._renew()
                for kind, every_s in self._every_s.items():
                    if time.monotonic() >= periodic_at[kind] and not self._stopping.is_set():
                        periodic_at[kind] = time.monotonic() + min(every_s / 4, 60.0)
                        self._db.write_sync(jobs.enqueue_for_slot, kind, every_s)
            except Exception as error:
                logger.warning("tending jobs failed, again in a second: %s", type(error).__name__)

    def _renew(self) -> None:
        with self._lock:
            held = list(self._held.values())
        if held:
            for job_id in self._db.write_sync(jobs.renew, held, self._lease_s):
                logger.warning("job %s lost its lease", job_id)


def _reason(error: Exception) -> str:
    """One line: database errors carry rows in the lines behind, and those may be personal."""
    text = str(error).split("\n", 1)[0].replace("\0", "")
    return f"{type(error).__name__}: {text}"[:1000]
