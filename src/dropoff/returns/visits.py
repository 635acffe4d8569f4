"""A visit: several returns brought to a counter under one code. Shoppers gather them by showing each pass; nothing is
matched by name, mail or address. A retailer never learns which other returns came along."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from dropoff.db import Tx
from dropoff.events.log import Event, append
from dropoff.kernel import codes
from dropoff.kernel.ids import new_id
from dropoff.returns import store_visits
from dropoff.returns.finding import OpenPass, open_pass_of
from dropoff.returns.issuing import SHOPPER
from dropoff.returns.passes import PassKeys
from dropoff.returns.store_visits import Visit

PASSES_MAX = 40
"""More than anyone carries; what one page can show and one till can read out."""


AddRefusal = Literal["gone", "mixed", "full"]


def start_visit(tx: Tx, passes: PassKeys, found: OpenPass, at: datetime) -> Visit:
    """A visit begins with its first return."""
    visit_id = new_id("vis")
    row = {
        "id": visit_id,
        "live": found.live,
        "code_hash": passes.visit_code_hash(passes.visit_code(visit_id)),
        "short_hash": passes.visit_short_hash(passes.visit_short_code(visit_id)),
        "created_at": at,
        "expires_at": found.expires_at,
    }
    store_visits.insert_visit(tx, row)
    store_visits.insert_return(tx, visit_id, found.return_id, at)
    _tell(tx, "visit.started", visit_id, found, at)
    return Visit(visit_id, found.live, at, found.expires_at, (found.return_id,))


def add_to_visit(tx: Tx, visit_id: str, found: OpenPass, at: datetime) -> AddRefusal | None:
    """A return that is in it already stays there once; either way the code lasts as long as the longest pass in it."""
    visit = store_visits.visit_by_id(tx, visit_id, lock=True)
    if visit is None:
        return "gone"
    if visit.live != found.live:
        return "mixed"
    if found.return_id not in visit.return_ids:
        if len(visit.return_ids) >= PASSES_MAX:
            return "full"
        store_visits.insert_return(tx, visit_id, found.return_id, at)
        _tell(tx, "visit.return_added", visit_id, found, at)
    store_visits.lengthen(tx, visit_id, found.expires_at)
    return None


def remove_from_visit(tx: Tx, visit_id: str, return_id: str, at: datetime) -> bool:
    """Whether it was in it. Its pass stays as good as it was; an empty visit waits for the next pass."""
    visit = store_visits.visit_by_id(tx, visit_id, lock=True)
    if visit is None or not store_visits.delete_return(tx, visit_id, return_id):
        return False
    objects = {"visit": visit_id, "return": return_id}
    append(tx, Event(type="visit.return_removed", actor=SHOPPER, at=at, live=visit.live, objects=objects, data=objects))
    return True


def _tell(tx: Tx, type_: str, visit_id: str, found: OpenPass, at: datetime) -> None:
    """To the operator alone: with a retailer's or a return's name on it, it would stand in their logs."""
    objects = {"visit": visit_id, "return": found.return_id}
    append(tx, Event(type=type_, actor=SHOPPER, at=at, live=found.live, objects=objects, data=objects))


def find_visit(tx: Tx, passes: PassKeys, text: str) -> Visit | None:
    """Of whatever was scanned or typed at a till: a visit's address, its code or its short code."""
    hashes = [passes.visit_code_hash(code) for code in codes.code_candidates(text) if codes.is_visit_code(code)]
    short = codes.normalise_visit_short_code(text)
    shorts = [passes.visit_short_hash(short)] if short else []
    return store_visits.find_visit(tx, hashes, shorts) if hashes or shorts else None


def find_visit_by_code(tx: Tx, passes: PassKeys, code: str) -> Visit | None:
    """By the 16 characters alone, as in a public address."""
    code = codes.normalise_code(code)
    return store_visits.find_visit(tx, [passes.visit_code_hash(code)], []) if codes.is_visit_code(code) else None


def passes_of_visit(tx: Tx, visit: Visit) -> list[OpenPass]:
    """Whatever has become of each."""
    rows = {row.id: row for row in store_visits.passes_of(tx, visit.return_ids)}
    return [open_pass_of(rows[one], by_short_code=False) for one in visit.return_ids if one in rows]


def pass_within_visit(tx: Tx, passes: PassKeys, text: str, unit_ids: Sequence[str]) -> OpenPass | None:
    """The one return of the visit that all these units are of: a hand-in is of one return. None for anything else."""
    visit = find_visit(tx, passes, text)
    if visit is None:
        return None
    named = store_visits.returns_of_units(tx, unit_ids)
    if len(named) != 1 or not named <= set(visit.return_ids):
        return None
    (row,) = store_visits.passes_of(tx, tuple(named))
    return open_pass_of(row, by_short_code=codes.normalise_visit_short_code(text) is not None)


def forget_visits(tx: Tx, at: datetime, limit: int) -> int:
    """Those whose last pass has ended; again until it answers 0."""
    return store_visits.delete_before(tx, at, limit)
