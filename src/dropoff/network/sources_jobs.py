"""Sources synced by themselves: what is due is enqueued, and each sync runs as a job that any worker may go on with."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from dropoff.db import Database, Tx
from dropoff.events.jobs import GiveUp, Job, Retry, enqueue, is_stopping
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem
from dropoff.network import applying, import_store, importing, syncing
from dropoff.plugins import InstalledSource
from dropoff.ports.locations import Unavailable

SYNC: Final = "network.sync"
DUE: Final = "network.sync_due"
RELEASE: Final = "network.release_import"
PERIODIC: Final[dict[str, int]] = {DUE: 60}

log = logging.getLogger("dropoff.network")


def handlers(context: Any) -> dict[str, Callable[[Job], None]]:
    def due(_: Job) -> None:
        at = now()
        importing.finish_dead(context.db, at)
        enqueue_due(context.db, context.plugins.sources, at)

    def sync(job: Job) -> None:
        installed = context.plugins.sources.get(job.payload["source"])
        if installed is None:
            raise GiveUp(f"no source {job.payload['source']!r} is set up in this worker")
        run(context.db, installed, job)

    def release(job: Job) -> None:
        try:
            applying.settle(context.db, job.payload["import"], now())
        except (applying.ClaimLost, applying.SourceBusy) as error:
            raise Retry(60, "another import of the source is coming into force") from error

    return {DUE: due, SYNC: sync, RELEASE: release}


def enqueue_due(db: Database, installed: dict[str, InstalledSource], at: datetime) -> list[str]:
    """Names of the sources whose time has come."""
    tried = {source.name: source.tried_at for source in db.read_sync(import_store.sources)}
    names = []
    for name, source in installed.items():
        last = tried.get(name)
        if source.every_s is None or (last is not None and at - last < timedelta(seconds=source.every_s)):
            continue
        slot = int(at.timestamp() // source.every_s)
        if db.write_sync(enqueue_sync, name, f"{name} {slot}", "system:schedule", False):
            names.append(name)
    return names


def enqueue_sync(tx: Tx, source: str, key: str | None, actor: str, trial: bool) -> bool:
    return enqueue(tx, SYNC, {"source": source, "actor": actor, "trial": trial}, key=key)


def run(db: Database, installed: InstalledSource, job: Job) -> None:
    command = syncing.SyncCommand(
        at=now(), actor=job.payload["actor"], runner=f"{job.id}/{job.fence}", trial=job.payload["trial"]
    )
    try:
        outcome = syncing.sync(db, installed, command, is_stopping)
    except syncing.Paused:
        raise Retry(0, "the worker stops; another goes on") from None
    except Unavailable as error:
        if job.is_last_attempt:
            syncing.give_up(db, installed.name, error, now())
            raise GiveUp(str(error)) from error
        raise Retry(error.retry_after_s, str(error)) from error
    if isinstance(outcome, Problem):
        if outcome.code == "location-source-busy":
            raise Retry(60, outcome.detail)
        log.warning("the sync of source %s failed: %s", installed.name, outcome.detail)
    elif outcome.state == "held":
        log.warning("the sync of source %s is held: %s", installed.name, outcome.detail)
