"""A shopper whom the counter cannot help: one press opens a case, so that nobody is sent away with nothing."""

from datetime import datetime
from typing import Annotated, Final, Literal, get_args

import msgspec
from msgspec import Meta

from dropoff.cases import service as cases
from dropoff.counter import store_attempts
from dropoff.counter.rules import Verdict
from dropoff.counter.scans import note_miss
from dropoff.counter.till import Note, Till, keep, say
from dropoff.db import Tx
from dropoff.kernel.clock import rfc3339
from dropoff.network import service as network
from dropoff.returns import service as returns
from dropoff.returns.passes import PassKeys
from dropoff.web.languages import N_

KIND: Final = "help"
ASKED_MAX: Final = 12
"""Of one till within an hour."""
Reason = Literal["code_unreadable", "pass_expired", "no_place_took_it", "other"]
REASONS: Final[tuple[Reason, ...]] = get_args(Reason)
TROUBLE: Final[dict[str, str]] = {
    "code_unreadable": "The code cannot be read.",
    "pass_expired": "The pass has run out.",
    "no_place_took_it": "No place near took it.",
    "other": "Something else is wrong.",
}
TELL_THE_SHOPPER: Final[dict[str, str]] = {
    "code_unreadable": N_(
        "Ask for the short code below the square. Without it, their retailer can send the code again."
    ),
    "pass_expired": N_("Keep nothing here. It was passed on: their retailer can give them more time."),
    "no_place_took_it": N_("It was passed on, and somebody looks for a place. The right to send it back stays."),
    "other": N_("It was passed on, and somebody looks into it."),
}
"""What the clerk says, by reason."""


class HelpIn(msgspec.Struct, frozen=True, kw_only=True):
    """`pass`: whatever was scanned or typed, when there is anything."""

    reason: Reason
    pass_text: Annotated[str, Meta(min_length=1, max_length=500)] | None = msgspec.field(name="pass", default=None)


class HelpAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`return` null: no pass was read, so only the operator is told. `already`: its case is open."""

    verdict: Verdict
    reason: str | None
    say: str
    case: str | None
    return_id: str | None = msgspec.field(name="return")


def ask_for_help(tx: Tx, passes: PassKeys, till: Till, asked: HelpIn, at: datetime) -> HelpAnswer:
    text = asked.pass_text
    found = returns.find_pass(tx, passes, text) if text is not None else None
    if text is not None and found is None:
        note_miss(tx, till, text, at)
    if found is not None and found.live != till.live:
        keep(tx, till, at, Note(KIND, "refused", "test_mode"))
        return HelpAnswer(
            verdict="refused", reason="test_mode", say=say("refused", "test_mode"), case=None, return_id=None
        )
    return_id = found.return_id if found is not None else None
    subject = return_id or _of_nobody(tx, till, at)
    known = cases.known_case(tx, KIND, subject)
    place = network.location(tx, till.location_id)
    case_id = cases.open_case(
        tx,
        KIND,
        subject=subject,
        objects={"reason": asked.reason, **({"return": return_id} if return_id else {})},
        detail=f"A shopper needs help at {place.name if place else 'a counter'}. {TROUBLE[asked.reason]}",
        retailer_id=found.retailer_id if found is not None else None,
        location_id=till.location_id,
        live=till.live,
        at=at,
        actor=till.actor,
    )
    verdict: Verdict = "already" if case_id == known else "accepted"
    keep(tx, till, at, Note(KIND, verdict, None, return_id, {"reason": asked.reason, "case": case_id}))
    return HelpAnswer(
        verdict=verdict, reason=None, say=str(TELL_THE_SHOPPER[asked.reason]), case=case_id, return_id=return_id
    )


def _of_nobody(tx: Tx, till: Till, at: datetime) -> str:
    """Two shoppers without a readable code are two: when it was asked keeps them apart. No shop has many within an
    hour: what comes on top is one case more, so that a stuck button never buries the operator."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    asked = store_attempts.count_attempts(tx, till.device_id, KIND, hour)
    return f"{till.device_id} {rfc3339(at) if asked < ASKED_MAX else f'{rfc3339(hour)} more'}"
