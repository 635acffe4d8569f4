"""Jobs: work that leaves the transaction, enqueued in it, and run at least once by some worker.

A job is leased, not taken: a worker that dies loses its lease and another runs the job again, so handlers are
idempotent. Leases and delays follow the database's clock; each claim has a number (the fence), and only the last claim
may end the job.
"""

import random
from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime
from typing import Any

import msgspec

from dropoff.db import Tx
from dropoff.events import job_store as store
from dropoff.events.turns import Turns
from dropoff.kernel.errors import Problem, not_found
from dropoff.kernel.ids import new_id
from dropoff.kernel.retry import backoff_s

WAKE = "jobs"
MAX_ATTEMPTS = 12
"""With doubling pauses from 2 seconds to an hour: about three hours before a job is a dead letter."""
DONE_KEPT_S = 7 * 86_400
DEAD_KEPT_S = 90 * 86_400
SLOT = "slot "
"""Keys of periodic jobs begin so. Done ones go after an hour: there are many, and they tell nothing."""
SLOT_KEPT_S = 3600


class Job(msgspec.Struct, frozen=True):
    id: str
    kind: str
    payload: dict[str, Any]
    attempt: int
    """1 on the first run, and again on the first run after a replay."""
    max_attempts: int
    fence: int
    party: str | None = None

    @property
    def is_last_attempt(self) -> bool:
        return self.attempt >= self.max_attempts


Handler = Callable[[Job], None]


STOPPING: ContextVar[Callable[[], bool]] = ContextVar("stopping", default=lambda: False)
"""Set by the worker for the handlers that it runs."""


def is_stopping() -> bool:
    """Asked by a handler that takes minutes, between two steps: then it should raise `Retry` and go on elsewhere."""
    return STOPPING.get()()


class Retry(Exception):
    """Raised by a handler: not now. Without seconds the usual backoff holds; it counts as an attempt all the same."""

    def __init__(self, after_s: float | None = None, reason: str = "not now") -> None:
        super().__init__(reason)
        self.after_s = after_s


class GiveUp(Exception):
    """Raised by a handler: no further attempt can succeed. The job is a dead letter at once."""


def enqueue(
    tx: Tx,
    kind: str,
    payload: dict[str, Any],
    key: str | None = None,
    run_in_s: float = 0,
    run_at: datetime | None = None,
    max_attempts: int = MAX_ATTEMPTS,
    party: str | None = None,
) -> bool:
    """False when a job of this kind and key is there already, whatever became of it (done ones are kept a week).
    `party`: for whom it is, where it may take long for reasons of that party's own; see `turns`."""
    row = {"id": new_id("job"), "kind": kind, "payload": payload, "key": key, "max_attempts": max_attempts}
    row["party"] = party
    added = store.add(tx, row, run_in_s, run_at)
    if added:
        tx.wake(WAKE)
    return added


def enqueue_for_slot(tx: Tx, kind: str, every_s: float) -> bool:
    """For periodic jobs: one for each slot of the database's clock, whichever process comes first; none while the
    former still waits or runs, so that slow ones do not pile up."""
    if store.unfinished(tx, kind):
        return False
    store.delete_done_of(tx, kind, SLOT, SLOT_KEPT_S)
    slot = int(store.clock(tx).timestamp() // every_s)
    return enqueue(tx, kind, {}, key=f"{SLOT}{slot}/{every_s:g}")


def claim(tx: Tx, kinds: list[str], limit: int, lease_s: float, turns: Turns | None = None) -> list[Job]:
    store.reclaim(tx, limit=100)
    return [
        Job(row.id, row.kind, row.payload, row.attempts, row.max_attempts, row.fence, row.party)
        for row in store.claim(tx, kinds, limit, lease_s, turns)
    ]


def finish(tx: Tx, job: Job) -> bool:
    """False when the lease was lost and the job is another worker's, whose word counts."""
    return store.end(tx, job.id, job.fence, "done", None)


def fail(tx: Tx, job: Job, reason: str, after_s: float | None, final: bool) -> bool:
    """Again later, or a dead letter after the last attempt. `after_s` None: the usual backoff."""
    if final or job.is_last_attempt:
        return store.end(tx, job.id, job.fence, "dead", reason)
    if after_s is None:
        after_s = backoff_s(job.attempt, random.random())  # noqa: S311 - spreads load, guards nothing
    return store.put_back(tx, job.id, job.fence, after_s, reason)


def renew(tx: Tx, held: list[Job], lease_s: float) -> list[str]:
    """Ids of the jobs whose lease was lost."""
    return [job.id for job in held if not store.renew(tx, job.id, job.fence, lease_s)]


def prune(tx: Tx) -> int:
    """A part of the old done jobs, with their attempts; dead ones stay long enough to be seen and replayed."""
    return store.delete_ended(tx, "done", DONE_KEPT_S, 500) + store.delete_ended(tx, "dead", DEAD_KEPT_S, 500)


class AttemptView(msgspec.Struct, frozen=True):
    number: int
    started_at: datetime
    ended_at: datetime | None
    error: str | None


class JobView(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    kind: str
    state: str
    attempts: int
    max_attempts: int
    created_at: datetime
    run_at: datetime
    ended_at: datetime | None
    last_error: str | None
    history: list[AttemptView] | None = None


class JobPage(msgspec.Struct, frozen=True):
    items: list[JobView]
    next: str | None


def list_jobs(tx: Tx, state: str | None, after: str, limit: int) -> JobPage:
    rows = store.listed(tx, state, after, limit + 1)
    items = [_view(row) for row in rows[:limit]]
    return JobPage(items, items[-1].id if len(rows) > limit else None)


def find_job(tx: Tx, job_id: str) -> JobView | Problem:
    row = store.by_id(tx, job_id)
    if row is None:
        return not_found("job")
    return _view(row, [AttemptView(a.number, a.started_at, a.ended_at, a.error) for a in store.attempts_of(tx, job_id)])


def replay(tx: Tx, job_id: str) -> JobView | Problem:
    """A dead letter starts anew, with all its attempts before it."""
    if not store.replay(tx, job_id):
        return not_found("job") if store.by_id(tx, job_id) is None else Problem("job-not-dead")
    tx.wake(WAKE)
    return _view(store.by_id(tx, job_id))


def _view(row: Any, history: list[AttemptView] | None = None) -> JobView:
    return JobView(
        id=row.id,
        kind=row.kind,
        state=row.state,
        attempts=row.attempts,
        max_attempts=row.max_attempts,
        created_at=row.created_at,
        run_at=row.run_at,
        ended_at=row.ended_at,
        last_error=row.last_error,
        history=history,
    )
