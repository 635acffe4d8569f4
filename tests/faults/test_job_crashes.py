"""Workers are killed with -9 in the middle of their work, and every job still runs."""

import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import IO

import sqlalchemy as sa

from dropoff.db import Database, Tx
from dropoff.events import job_store, jobs

PROCESS = Path(__file__).with_name("job_process.py")
JOBS = 300

runs = sa.Table("runs", sa.MetaData(), sa.Column("n", sa.Integer))


def fill(tx: Tx) -> None:
    for n in range(JOBS):
        jobs.enqueue(tx, "count", {"n": n}, max_attempts=20)


def follow(stream: IO[str], ran: "Counter[str]", bell: threading.Condition) -> None:
    for line in stream:
        with bell:
            ran[line.strip()] += 1
            bell.notify_all()


def test_every_job_runs_although_two_of_four_workers_are_killed(database_url: str, db: Database) -> None:
    db.write_sync(lambda tx: tx.change(sa.schema.CreateTable(runs)))
    workers = [
        subprocess.Popen([sys.executable, str(PROCESS), database_url], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    ran: Counter[str] = Counter()
    bell = threading.Condition()
    readers = [threading.Thread(target=follow, args=(worker.stdout, ran, bell)) for worker in workers]
    for reader in readers:
        reader.start()
    db.write_sync(fill)
    try:
        with bell:
            assert bell.wait_for(lambda: ran.total() >= 40, 60)
        for victim in workers[:2]:
            victim.send_signal(signal.SIGKILL)
        assert [victim.wait(30) for victim in workers[:2]] == [-signal.SIGKILL] * 2
        with bell:
            assert bell.wait_for(lambda: len(ran) == JOBS, 90), f"{len(ran)} of {JOBS} ran"
    finally:
        for worker in workers[2:]:
            worker.terminate()
        codes = [worker.wait(30) for worker in workers]
        for reader in readers:
            reader.join()
        for worker in workers:
            assert worker.stdout is not None
            worker.stdout.close()
    assert codes[2:] == [0, 0]  # a stopping worker ends what it has begun
    stored = {row.n for row in db.read_sync(lambda tx: tx.read(sa.select(runs.c.n)))}
    assert stored == set(range(JOBS))
    states = db.read_sync(job_store.counts)
    assert set(states) <= {"done", "running", "ready"}, states
