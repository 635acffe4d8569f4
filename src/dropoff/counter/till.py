"""Who asks at a counter, and how every question is answered and kept."""

from datetime import datetime
from typing import Any

import msgspec

from dropoff.counter import rules, store_attempts
from dropoff.counter.rules import Verdict
from dropoff.counter.store_attempts import Attempt
from dropoff.db import Tx
from dropoff.kernel.ids import new_id


class Till(msgspec.Struct, frozen=True):
    location_id: str
    device_id: str
    live: bool
    clerk_id: str | None = None
    """Who stands there, once `shifts.attributed` has looked."""

    @property
    def actor(self) -> str:
        return f"device:{self.device_id}"


def say(verdict: str, reason: str | None) -> str:
    """The sentence for the clerk."""
    if verdict == "accepted":
        return "Done."
    if verdict == "already":
        return "This was done before."
    return rules.REFUSALS[reason] if reason is not None else ""


class Note(msgspec.Struct, frozen=True):
    """What is kept of a question. `object` is an id that the question turned out to mean, never its text."""

    kind: str
    verdict: Verdict
    reason: str | None = None
    object: str | None = None
    request: dict[str, Any] = {}


def keep(tx: Tx, till: Till, at: datetime, note: Note) -> None:
    store_attempts.insert_attempt(
        tx,
        Attempt(
            id=new_id("att"),
            kind=note.kind,
            location_id=till.location_id,
            device_id=till.device_id,
            actor=till.actor,
            clerk_id=till.clerk_id,
            verdict=note.verdict,
            reason=note.reason,
            object=note.object,
            request=note.request,
            at=at,
        ),
    )
