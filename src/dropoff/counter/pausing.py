"""A place that takes nothing in: paused by its own till, or leaving the network with parcels still in it."""

from datetime import datetime

import msgspec

from dropoff.counter.movement import open_containers, sealed_containers, waiting_parcels
from dropoff.counter.rules import Verdict
from dropoff.counter.till import Note, Till, keep, say
from dropoff.db import Tx
from dropoff.kernel.errors import Problem
from dropoff.network import location_states, location_store, location_views
from dropoff.network import service as network
from dropoff.network.location_states import NewPause
from dropoff.network.location_views import KeptLocation


class IntakeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`state` is the place's own: `active`, `paused`, `closed` or `removed`. `own`: a till paused it, so a till may
    resume. `until` null: until somebody resumes."""

    verdict: Verdict
    reason: str | None
    say: str
    state: str
    own: bool
    until: datetime | None


class LeftContainer(msgspec.Struct, frozen=True):
    id: str
    sscc: str
    kind: str
    status: str
    parcels: int
    shipment: str | None
    """The shipment that fetches it, once it is planned."""


class LeftHere(msgspec.Struct, frozen=True):
    """`parcels` counts all, those in containers too; `waiting` are the tags of those in none."""

    parcels: int
    waiting: list[str]
    containers: list[LeftContainer]


class ClosedLocation(KeptLocation, frozen=True, kw_only=True):
    left_here: LeftHere


def pause_intake(tx: Tx, till: Till, wanted: NewPause, at: datetime) -> IntakeAnswer | Problem:
    """The shop's own decision, for example when its stock room is full. Shoppers are sent elsewhere at once."""
    if _is_of_other_mode(tx, till):
        return _answer(tx, till, "pause", "refused", "test_mode", at)
    told = location_states.pause_by_till(tx, till.location_id, wanted, at, till.actor)
    if isinstance(told, Problem):
        return told
    return _answer(tx, till, "pause", told, "location_paused" if told == "refused" else None, at)


def resume_intake(tx: Tx, till: Till, at: datetime) -> IntakeAnswer:
    """Ends what a till of this place began; what the operator paused is refused."""
    if _is_of_other_mode(tx, till):
        return _answer(tx, till, "resume", "refused", "test_mode", at)
    told = location_states.resume_by_till(tx, till.location_id, at, till.actor)
    return _answer(tx, till, "resume", told, "location_paused" if told == "refused" else None, at)


def close_location(tx: Tx, location_id: str, reason: str, at: datetime, actor: str) -> ClosedLocation | Problem:
    """Closes it, and tells what must be fetched."""
    closed = location_states.close(tx, location_id, reason, at, actor)
    if isinstance(closed, Problem):
        return closed
    kept = location_views.kept(tx, location_id, at)
    if isinstance(kept, Problem):
        return kept
    held = {name: getattr(kept, name) for name in KeptLocation.__struct_fields__}
    return ClosedLocation(**held, left_here=left_here(tx, location_id))


def left_here(tx: Tx, location_id: str) -> LeftHere:
    """Of live goods and of test goods."""
    waiting = [row for live in (True, False) for row in waiting_parcels(tx, location_id, live)]
    rows = [
        row
        for live in (True, False)
        for row in (*open_containers(tx, location_id, live), *sealed_containers(tx, location_id, live))
        if row.parcel_count
    ]
    return LeftHere(
        parcels=len(waiting) + sum(row.parcel_count for row in rows),
        waiting=[row.tag for row in waiting],
        containers=[
            LeftContainer(row.id, row.sscc, row.kind, row.status, row.parcel_count, row.shipment_id) for row in rows
        ],
    )


def _is_of_other_mode(tx: Tx, till: Till) -> bool:
    place = network.location(tx, till.location_id)
    return place is not None and place.live != till.live


def _answer(tx: Tx, till: Till, kind: str, verdict: Verdict, reason: str | None, at: datetime) -> IntakeAnswer:
    keep(tx, till, at, Note(kind, verdict, reason, till.location_id))
    stands = location_store.standing(tx, till.location_id)
    assert stands is not None, "the foreign key keeps it"
    return IntakeAnswer(
        verdict=verdict,
        reason=reason,
        say=say(verdict, reason),
        state=stands.state,
        own=location_states.paused_by_till(stands),
        until=stands.paused_until if stands.state == "paused" else None,
    )
