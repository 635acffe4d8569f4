"""SQL of the leased job table. All times are the database's own."""

from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from dropoff.db import Prepared, Tx, into
from dropoff.db.schema import db_now, insert
from dropoff.events.tables import job, job_attempt
from dropoff.events.turns import Turns

STOPPED = "the worker stopped before it answered"
SPARE = 16
"""How many more than can run are looked at, since of one party only few may begin."""


@lru_cache(maxsize=16)
def _add(names: tuple[str, ...], run_in_s: float | None) -> Prepared:
    """With a time of its own among the names, or so many seconds from now."""
    values: dict[str, Any] = {"state": "ready", "attempts": 0, "fence": 0, "created_at": db_now()}
    if run_in_s is not None:
        values["run_at"] = db_now(run_in_s)
    return Prepared(insert(job).values(**into(job, *names), **values).on_conflict_do_nothing().returning(job.c.id))


def add(tx: Tx, row: dict[str, Any], run_in_s: float, run_at: datetime | None) -> bool:
    if run_at is None:
        return bool(tx.change(_add(tuple(row), run_in_s), **row))
    row = {**row, "run_at": run_at}
    return bool(tx.change(_add(tuple(row), None), **row))


def clock(tx: Tx) -> datetime:
    row = tx.first(sa.select(db_now().label("now")))
    assert row is not None
    now: datetime = row.now
    return now


def _may_begin(kinds: list[str], turns: Turns | None) -> sa.ColumnElement[bool]:
    ready = (job.c.state == "ready") & job.c.kind.in_(kinds)
    closed = frozenset[str]() if turns is None else turns.closed()
    if closed is None:
        return ready & job.c.party.is_(None)
    return ready & sa.or_(job.c.party.is_(None), job.c.party.not_in(sorted(closed))) if closed else ready


def _due(kinds: list[str], turns: Turns | None) -> sa.Select[Any]:
    return sa.select(job.c.id, job.c.party).where(_may_begin(kinds, turns), job.c.run_at <= db_now())


def anything_due(tx: Tx, kinds: list[str], turns: Turns | None = None) -> bool:
    # In order, or PostgreSQL may expect to meet a due one anywhere and read the whole table without meeting any.
    due = _due(kinds, turns).order_by(job.c.run_at).limit(1)
    return tx.first(due) is not None or tx.first(_run_out().limit(1)) is not None


def seconds_to_next(tx: Tx, kinds: list[str], turns: Turns | None = None) -> float | None:
    """Until the next ready job is due that may begin; none: there is none."""
    next_at = sa.select(sa.func.min(job.c.run_at)).where(_may_begin(kinds, turns))
    row = tx.first(sa.select(next_at.scalar_subquery().label("next_at"), db_now().label("now")))
    if row is None or row.next_at is None:
        return None
    return float((row.next_at - row.now).total_seconds())


def _run_out() -> sa.Select[Any]:
    return sa.select(job.c.id).where(job.c.state == "running", job.c.lease_until < db_now())


def reclaim(tx: Tx, limit: int) -> int:
    """Jobs whose workers stopped renewing are ready again; those that did so on every attempt are dead, since they may
    be what stops the workers."""
    ids = [row.id for row in _lock(tx, _run_out().limit(limit))]
    if not ids:
        return 0
    spent = job.c.attempts >= job.c.max_attempts
    tx.change(
        sa.update(job)
        .where(job.c.id.in_(ids))
        .values(
            state=sa.case((spent, "dead"), else_="ready"),
            ended_at=sa.case((spent, db_now()), else_=sa.null()),
            run_at=db_now(),
            lease_until=None,
            last_error=STOPPED,
        )
    )
    open_attempts = job_attempt.c.job_id.in_(ids) & job_attempt.c.ended_at.is_(None)
    tx.change(sa.update(job_attempt).where(open_attempts).values(ended_at=db_now(), error=STOPPED))
    return len(ids)


def _lock(tx: Tx, query: sa.Select[Any]) -> list[sa.Row[Any]]:
    """The rows that no one else is at. A statement of its own: as a subquery of the UPDATE, PostgreSQL may run
    it again for each row and lock more than its limit."""
    return tx.read(query.with_for_update(skip_locked=True))


def claim(tx: Tx, kinds: list[str], limit: int, lease_s: float, turns: Turns | None) -> list[sa.Row[Any]]:
    looked_at = limit if turns is None else limit + SPARE
    due = _lock(tx, _due(kinds, turns).order_by(job.c.run_at).limit(looked_at))
    ids = [row.id for row in due] if turns is None else turns.pick(((row.id, row.party) for row in due), limit)
    if not ids:
        return []
    rows = tx.change(
        sa.update(job)
        .where(job.c.id.in_(ids))
        .values(
            state="running",
            attempts=job.c.attempts + 1,
            fence=job.c.fence + 1,
            lease_until=db_now(lease_s),
        )
        .returning(*job.c)
    )
    for row in rows:
        tx.change(sa.insert(job_attempt).values(job_id=row.id, number=row.fence, started_at=db_now()))
    return rows


def _held(job_id: str, fence: int) -> sa.ColumnElement[bool]:
    """Only the last claim may speak for the job (fencing token)."""
    return (job.c.id == job_id) & (job.c.fence == fence) & (job.c.state == "running")


def renew(tx: Tx, job_id: str, fence: int, lease_s: float) -> bool:
    return tx.count(sa.update(job).where(_held(job_id, fence)).values(lease_until=db_now(lease_s))) == 1


def end(tx: Tx, job_id: str, fence: int, state: str, error: str | None) -> bool:
    """`done` or `dead`; False when the job is no longer this claim's."""
    values = {"state": state, "lease_until": None, "ended_at": db_now(), "last_error": error}
    return _close(tx, job_id, fence, values, error)


def put_back(tx: Tx, job_id: str, fence: int, after_s: float, error: str) -> bool:
    values = {"state": "ready", "lease_until": None, "run_at": db_now(after_s), "last_error": error}
    return _close(tx, job_id, fence, values, error)


def _close(tx: Tx, job_id: str, fence: int, values: dict[str, Any], error: str | None) -> bool:
    if tx.count(sa.update(job).where(_held(job_id, fence)).values(**values)) == 0:
        return False
    attempt = (job_attempt.c.job_id == job_id) & (job_attempt.c.number == fence)
    tx.change(sa.update(job_attempt).where(attempt).values(ended_at=db_now(), error=error))
    return True


def unfinished(tx: Tx, kind: str) -> bool:
    query = sa.select(job.c.id).where(job.c.kind == kind, job.c.state.in_(("ready", "running"))).limit(1)
    return tx.first(query) is not None


def by_id(tx: Tx, job_id: str) -> sa.Row[Any] | None:
    return tx.first(sa.select(job).where(job.c.id == job_id))


def listed(tx: Tx, state: str | None, after: str, limit: int) -> list[sa.Row[Any]]:
    query = sa.select(job).where(job.c.id > after).order_by(job.c.id).limit(limit)
    return tx.read(query if state is None else query.where(job.c.state == state))


def attempts_of(tx: Tx, job_id: str) -> list[sa.Row[Any]]:
    return tx.read(sa.select(job_attempt).where(job_attempt.c.job_id == job_id).order_by(job_attempt.c.number))


def replay(tx: Tx, job_id: str) -> bool:
    values = {"state": "ready", "attempts": 0, "run_at": db_now(), "ended_at": None}
    return tx.count(sa.update(job).where(job.c.id == job_id, job.c.state == "dead").values(**values)) == 1


def counts(tx: Tx) -> dict[str, int]:
    return {
        row.state: row.n for row in tx.read(sa.select(job.c.state, sa.func.count().label("n")).group_by(job.c.state))
    }


def delete_ended(tx: Tx, state: str, older_than_s: float, limit: int) -> int:
    """The foreign key takes their attempts along."""
    before = db_now(-older_than_s)
    # What ended then was due then: so the index serves, and what is younger is not read.
    old = (job.c.state == state) & (job.c.run_at < before) & (job.c.ended_at < before)
    return tx.count(
        sa.delete(job).where(job.c.id.in_(sa.select(job.c.id).where(old).order_by(job.c.run_at).limit(limit)))
    )


def delete_done_of(tx: Tx, kind: str, key_prefix: str, older_than_s: float) -> int:
    mine = (job.c.kind == kind) & job.c.key.startswith(key_prefix, autoescape=True)
    return tx.count(sa.delete(job).where(mine, job.c.state == "done", job.c.ended_at < db_now(-older_than_s)))
