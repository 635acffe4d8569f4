"""What the room does by itself: webhooks fan out and go out, old jobs and deliveries go."""

from typing import Any

from dropoff import __version__
from dropoff.events import jobs, webhooks
from dropoff.events.cursors import Consumer
from dropoff.events.delivery import Sender
from dropoff.events.jobs import Handler, Job
from dropoff.kernel.clock import now

PRUNE = "events.prune_jobs"
PERIODIC = {PRUNE: 600}


def handlers(context: Any) -> dict[str, Handler]:
    sender = Sender(
        context.db,
        context.vault,
        allow_private=context.settings.webhook_allow_private,
        user_agent=f"dropoff/{__version__}",
    )

    def prune(_: Job) -> None:
        while context.db.write_sync(jobs.prune):
            pass
        while context.db.write_sync(webhooks.forget_deliveries, now()):
            pass

    return {webhooks.JOB: sender.deliver, PRUNE: prune}


def consumers(_: Any) -> list[Consumer]:
    return [webhooks.CONSUMER]
