"""A torn tag: the same parcel gets another, and the old one is void for good. And tags for parcels that have none:
printed at the counter or written by hand."""

from datetime import datetime
from typing import Any

import msgspec

from dropoff.counter import printed, rolls, shifts, store, store_rolls, store_tags
from dropoff.counter.movement import lock_returns
from dropoff.counter.reading import read
from dropoff.counter.rolls import Override
from dropoff.counter.rules import Verdict
from dropoff.counter.store import ParcelRow
from dropoff.counter.till import Note, Till, keep, say
from dropoff.counter.views import ParcelView, parcel_views
from dropoff.db import Tx
from dropoff.events.log import Event, append
from dropoff.kernel import tags
from dropoff.kernel.errors import Problem, not_found
from dropoff.web.schema import Code, Name

STATES = frozenset({"tagged", "in_container", "at_hub"})
"""In which a parcel is within reach of whoever has it."""
TRIES = 20


class RetagIn(msgspec.Struct, frozen=True, kw_only=True):
    tag: Code
    """The new one."""
    reason: Name
    override: Override | None = None


class RetagAnswer(msgspec.Struct, frozen=True, kw_only=True):
    verdict: Verdict
    reason: str | None
    say: str
    parcel: ParcelView | None
    was: str | None
    """The tag that is void now."""


class FreshTag(msgspec.Struct, frozen=True):
    tag: str
    shown: str
    """In groups, as it is written or printed large."""


def find(tx: Tx, ref: str) -> ParcelRow | None:
    """By id, or by any tag it ever had."""
    found = store.parcel_by_id(tx, ref.strip())
    tag = read(ref).tag
    return found or (store.parcel_by_tag(tx, tag) if tag is not None else None)


def void_words(parcel: ParcelRow) -> str:
    """Of a tag that this parcel carried once."""
    return f"This tag is void. The parcel carries {parcel.tag} now."


def retag(tx: Tx, till: Till, ref: str, data: RetagIn, at: datetime) -> RetagAnswer:
    till = shifts.attributed(tx, till, at)
    parcel = find(tx, ref)
    if parcel is not None:
        lock_returns(tx, [parcel.return_id])
        parcel = store.parcel_by_id(tx, parcel.id)
    tag = tags.fold_tag(data.tag)
    reason = _why_not(tx, till, parcel, tag)
    was = parcel.tag if parcel is not None else None
    if reason is None and parcel is not None:
        stock = rolls.look(tx, till.location_id, [tag])
        reason = rolls.why_not_tags(tx, [tag], stock, [tag] if data.override else [])
        if reason is None:
            reason = _change(tx, till, parcel, tag, data, stock, at)
    verdict: Verdict = "accepted" if reason is None else "already" if reason == "already" else "refused"
    reason = None if verdict == "already" else reason
    kept = {"was": was, "tag": tag if tags.is_wellformed_tag(tag) else None, "reason": data.reason}
    keep(tx, till, at, Note("retag", verdict, reason, parcel.id if parcel else None, kept))
    after = store.parcel_by_id(tx, parcel.id) if parcel is not None else None
    told = after is not None and after.live == till.live and after.location_id == till.location_id
    sentence = say(verdict, reason)
    if verdict == "accepted" and after is not None:
        sentence = f"Stick {after.tag} on it and cover {was}: that one is void."
    return RetagAnswer(
        verdict=verdict,
        reason=reason,
        say=sentence,
        parcel=parcel_views(tx, [after])[0] if told and after is not None else None,
        was=was if verdict == "accepted" else None,
    )


def _why_not(tx: Tx, till: Till, parcel: ParcelRow | None, tag: str) -> str | None:
    if parcel is None:
        return "unit_unknown"
    if parcel.live != till.live:
        return "test_mode"
    if parcel.status == "void":
        return "tag_used"
    if parcel.location_id != till.location_id or parcel.status not in STATES:
        return "wrong_location"
    if parcel.tag == tag:
        return "already"
    container = store.container_by_id(tx, parcel.container_id) if parcel.container_id else None
    sealed = container is not None and container.kind != "parcel" and container.status != "open"
    return "container_not_open" if sealed else None


def _change(
    tx: Tx, till: Till, parcel: ParcelRow, tag: str, data: RetagIn, stock: rolls.Stock, at: datetime
) -> str | None:
    """The reason when another took the tag meanwhile, with nothing left behind."""
    with tx.savepoint() as savepoint:
        store_tags.change_tag(tx, parcel.id, tag)
        store_tags.void_tags(tx, [parcel.id], at)
        overridden = {tag: data.override.reason} if data.override is not None else {}
        lost = rolls.attach(tx, till, {tag: parcel.id}, stock, at, overridden)
        if lost is not None:
            savepoint.rollback()
            return lost
    about: dict[str, Any] = {"return": parcel.return_id, "parcel": parcel.id, "tag": tag, "was": parcel.tag}
    event = Event(
        type="parcel.retagged",
        actor=till.actor,
        clerk_id=till.clerk_id,
        at=at,
        live=parcel.live,
        retailer_id=parcel.retailer_id,
        location_id=till.location_id,
        return_id=parcel.return_id,
        objects=about,
        data=about,
    )
    append(tx, event)
    return None


# --- tags for parcels that have none


def draw_tag(tx: Tx, till: Till, at: datetime) -> FreshTag:
    """One of ours to be printed here and now. At a place with rolls it stands on a roll of its own, or it would be
    another's."""
    here = bool(store_rolls.rolls_at(tx, till.location_id))
    drawn = printed.draw_tags(tx, 1, 1, till.location_id if here else None, at, till.actor)
    assert not isinstance(drawn, Problem), "a till's place exists"
    tag = drawn[0].first_text
    keep(tx, till, at, Note("print_tag", "accepted", None, None, {"tag": tag}))
    return FreshTag(tag, tag)


def written_tag(tx: Tx, till: Till, numbers: tuple[int, ...], at: datetime) -> FreshTag:
    """A code to be written by hand. `numbers` are random and come with the call, which may run twice; one of them is
    free but for a miracle."""
    codes = [tags.make_written(number) for number in numbers]
    used = store_tags.used_tags(tx, codes)
    code = next((one for one in codes if one not in used), codes[0])
    keep(tx, till, at, Note("write_tag", "accepted", None, None, {"tag": code}))
    return FreshTag(code, tags.format_written(code))


def tell_printed(tx: Tx, till: Till, ref: str, form: str, at: datetime) -> ParcelView | Problem:
    """The label of a parcel here is printed once more: kept, and in its timeline."""
    parcel = find(tx, ref)
    if parcel is None or parcel.live != till.live or parcel.location_id != till.location_id:
        return not_found("parcel at this place")
    if parcel.status not in STATES:
        return not_found("parcel within reach")
    keep(tx, till, at, Note("label", "accepted", None, parcel.id, {"tag": parcel.tag, "form": form}))
    about = {"return": parcel.return_id, "parcel": parcel.id, "tag": parcel.tag}
    event = Event(
        type="parcel.label_printed",
        actor=till.actor,
        clerk_id=till.clerk_id,
        at=at,
        live=parcel.live,
        location_id=till.location_id,
        return_id=parcel.return_id,
        objects=about,
        data=about | {"form": form},
    )
    append(tx, event)
    return parcel_views(tx, [parcel])[0]


def tag_here(tx: Tx, till: Till, ref: str) -> str | None:
    """The tag that a parcel within this till's reach carries now."""
    parcel = find(tx, ref)
    here = parcel is not None and parcel.live == till.live and parcel.location_id == till.location_id
    return parcel.tag if here and parcel is not None and parcel.status in STATES else None
