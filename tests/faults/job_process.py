"""A worker process for test_job_crashes: `job_process.py URL`. Says a line for each run. Not a test."""

import signal
import sys
import threading
from contextlib import closing

import sqlalchemy as sa

from dropoff.db import Database
from dropoff.events.jobs import Job
from dropoff.events.worker import Worker

runs = sa.Table("runs", sa.MetaData(), sa.Column("n", sa.Integer))

if __name__ == "__main__":
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with closing(Database(sys.argv[1])) as db:

        def run(job: Job) -> None:
            db.write_sync(lambda tx: tx.append(runs, {"n": job.payload["n"]}))
            sys.stdout.write(f"{job.payload['n']}\n")  # in one piece, for the threads share it
            sys.stdout.flush()

        worker = Worker(db, {"count": run}, lease_s=1.5, threads=4)
        worker.start()
        stop.wait()
        worker.stop()
