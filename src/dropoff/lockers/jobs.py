"""What the room does by itself: doors are followed, reservations end, emptied compartments go back to their banks, and
every bank is looked at once a minute."""

from collections.abc import Callable
from typing import Any, Final

from dropoff.db import Tx
from dropoff.events.cursors import Consumer, LoggedEvent
from dropoff.events.jobs import Job, Retry
from dropoff.kernel.clock import now
from dropoff.lockers import deposits, driving, rules, store

FOLLOW: Final = "lockers.follow"
LOOK: Final = "lockers.look"
PERIODIC = {FOLLOW: 15, LOOK: 60}
MOVES: Final = frozenset(
    {"parcel.packed", "shipment.handed_over", "parcel.received", "parcel.hand_in_undone", "parcel.lost"}
)
BANKS_AT_ONCE: Final = 100


def handlers(context: Any) -> dict[str, Callable[[Job], None]]:
    def follow(_: Job) -> None:
        driving.follow(context, now())

    def look(_: Job) -> None:
        after = ""
        while found := context.db.read_sync(store.banks, after, BANKS_AT_ONCE):
            for row in found:
                driving.look_at_bank(context, row, now())
            after = found[-1].id

    def free(job: Job) -> None:
        row = context.db.read_sync(store.find_deposit, job.payload["deposit"])
        ended = row is not None and row.state in rules.ENDED and row.freed_at is None
        if row is not None and ended and not driving.free(context, row, now()):
            raise Retry(None, "the bank does not answer")

    return {FOLLOW: follow, LOOK: look, deposits.FREE_JOB: free}


def consumers(_: Any) -> list[Consumer]:
    return [Consumer("lockers.emptied", emptied)]


def emptied(tx: Tx, told: list[LoggedEvent]) -> None:
    """Parcels that were taken out, and compartments that a person has looked into."""
    for item in told:
        if item.type in MOVES:
            parcel = item.objects.get("parcel")
            rows = store.of_parcels(tx, [parcel]) if isinstance(parcel, str) else []
            if item.location_id is not None and not rows:
                rows = store.kept_at(tx, item.location_id)
            deposits.follow_parcels(tx, rows, item.at)
        elif item.type == "case.resolved" and item.data.get("kind") == deposits.CASE:
            deposits.clear(tx, str(item.objects.get("deposit")), item.at, item.actor)
