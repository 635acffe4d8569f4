"""A place as its operator reads it: all that the public sees, and how it is kept."""

from datetime import datetime
from typing import Any

import msgspec

from dropoff.db import Tx
from dropoff.kernel.errors import Problem, not_found
from dropoff.network import closures, load_store, location_fields, location_store, override_store, store
from dropoff.network.location_store import Closure, Standing
from dropoff.network.search_api import LocationView, views


class PauseView(msgspec.Struct, frozen=True):
    """`until` null: until somebody resumes. `by` is the actor: an operator's key or a device."""

    reason: str
    until: datetime | None
    by: str


class OverrideView(msgspec.Struct, frozen=True):
    """A field that was set by hand; `source_value` is what the source says, and what giving back would bring."""

    field: str
    source_value: Any
    made_at: datetime
    made_by: str


class KeptLocation(LocationView, frozen=True, kw_only=True):
    pause: PauseView | None
    capacity: int | None
    """How many parcels it can hold; null when nobody told."""
    overrides: list[OverrideView]
    closure_entries: list[Closure]
    """With what is needed to take one back; `closures` is what everybody is told."""


def kept(tx: Tx, location_id: str, at: datetime) -> KeptLocation | Problem:
    place = store.find_location(tx, location_id)
    stands = location_store.standing(tx, location_id)
    if place is None or stands is None:
        return not_found("location")
    overrides = override_store.overrides(tx, location_id).values()
    load = load_store.find(tx, location_id)
    return KeptLocation(
        **_fields_of(views(tx, [place], at)[0]),
        pause=pause_of(stands),
        capacity=load.capacity if load else None,
        overrides=[
            OverrideView(one.field, location_fields.shown(one.field, one.source_value), one.made_at, one.made_by)
            for one in overrides
        ],
        closure_entries=location_store.closures(tx, [location_id], closures.today_at(at, place.zone)),
    )


def pause_of(stands: Standing) -> PauseView | None:
    if stands.state != "paused":
        return None
    return PauseView(stands.pause_reason or "", stands.paused_until, stands.paused_by or "")


def _fields_of(view: LocationView) -> dict[str, Any]:
    return {name: getattr(view, name) for name in LocationView.__struct_fields__}
