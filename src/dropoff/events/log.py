"""The log: one row per change, written in the change's own transaction."""

from datetime import datetime
from typing import Any

import msgspec

from dropoff.db import Tx
from dropoff.events import store
from dropoff.events.tables import event
from dropoff.kernel.ids import new_id

WAKE = "events"


class Event(msgspec.Struct, frozen=True, kw_only=True):
    type: str
    actor: str
    """Who: `operator:crd_…`, `retailer:rtl_…`, `device:dev_…`, `shopper`, `carrier:NAME` or `system`."""
    at: datetime
    live: bool
    retailer_id: str | None = None
    """Whose log and webhooks it belongs to; none: the operator's alone."""
    location_id: str | None = None
    return_id: str | None = None
    device_at: datetime | None = None
    """When it happened by the clock of the device; `at` is the server's."""
    clerk_id: str | None = None
    """Who stood at the till. No webhook and no reader of the log is told."""
    objects: dict[str, Any] = {}
    """Ids by kind, for example `{"return": "ret_…", "units": ["unt_…"], "parcel": "pcl_…", "container": SSCC}`."""
    data: dict[str, Any] = {}
    """What the retailer's webhook carries as `data`. No personal data, no codes."""


def append(tx: Tx, *events: Event) -> list[str]:
    """Ids of the new events, in order. Consumers are woken after the commit."""
    ids = []
    for item in events:
        row = msgspec.structs.asdict(item)
        row["id"] = new_id("evt")
        tx.append(event, row)
        ids.append(row["id"])
    if events:
        tx.wake(WAKE)
    return ids


def of_place(tx: Tx, location_id: str, limit: int) -> list[Any]:
    """A place's own story, the newest first: rows of the log that belong to no retailer."""
    return store.events_of_place(tx, location_id, limit)
