"""What freight does by itself: book, take up a run that broke off, and plan at every cut-off."""

from collections.abc import Callable
from typing import Any

from dropoff.events.cursors import Consumer
from dropoff.events.jobs import Job
from dropoff.freight import doubts, missed
from dropoff.freight.booking import book_shipment
from dropoff.freight.runs import carry_out, run_at_cutoffs
from dropoff.freight.service import planner
from dropoff.kernel.clock import now

PERIODIC = {"freight.cutoffs": 30, "freight.missed": 300}


def handlers(context: Any) -> dict[str, Callable[[Job], None]]:
    def book(job: Job) -> None:
        book_shipment(context.db, context.plugins, job, now())

    def run(job: Job) -> None:
        carry_out(planner(context), job.payload["run"], now())

    def cutoffs(_: Job) -> None:
        run_at_cutoffs(planner(context), now())

    def alarms(_: Job) -> None:
        for shipment_id in context.db.read_sync(missed.overdue, now()):
            context.db.write_sync(missed.raise_alarm, shipment_id, now(), "system")

    return {"freight.book": book, "freight.run": run, "freight.cutoffs": cutoffs, "freight.missed": alarms}


def consumers(_: Any) -> list[Consumer]:
    return [doubts.CONSUMER, missed.CONSUMER]
