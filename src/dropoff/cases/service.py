"""What can be done with cases: open one (once per fact), read them, resolve one (once)."""

from datetime import datetime
from typing import Any

import msgspec

from dropoff.cases import rules, store
from dropoff.cases.store import CaseRow, Filter
from dropoff.db import Tx
from dropoff.events.log import Event, append
from dropoff.kernel.clock import rfc3339
from dropoff.kernel.errors import Problem, invalid, not_found
from dropoff.kernel.ids import new_id


class Case(msgspec.Struct, frozen=True):
    """A case as the API shows it. `objects` holds ids by kind, for example `{"parcel": "pcl_…", "tag": "T…"}`."""

    id: str
    kind: rules.Kind
    state: rules.State
    owner: rules.Owner
    retailer: str | None
    location: str | None
    detail: str
    objects: dict[str, Any]
    live: bool
    opened_at: datetime
    due_at: datetime
    outcome: rules.Outcome | None
    note: str | None
    resolved_at: datetime | None


class CaseList(msgspec.Struct, frozen=True):
    items: list[Case]
    next: str | None


class Resolve(msgspec.Struct, frozen=True, kw_only=True):
    case_id: str
    outcome: rules.Outcome
    note: str | None
    at: datetime
    actor: str
    tracking_number: str | None = None
    """Of a booking that was found at the carrier; kept among the case's objects."""
    retailer_id: str | None = None
    """Set when a retailer resolves: it reaches its own cases, and closes those that are its own to act on."""


def open_case(  # noqa: PLR0913, PLR0917 - a case is as many facts; callers name them
    tx: Tx,
    kind: str,
    subject: str,
    objects: dict[str, Any],
    detail: str,
    retailer_id: str | None,
    location_id: str | None,
    live: bool,
    at: datetime,
    actor: str,
    once: bool = False,
) -> str:
    """The id of the open case of this kind and subject, a new one if there is none.

    `subject` names the fact, ids only and at most 200 characters, as in `pcl_… ctr_…`. With `once`, a resolved case
    of the same fact counts as well: a report that is sent again next week opens nothing that was settled meanwhile.
    """
    case_id, subject = new_id("cas"), subject[:200]
    row: dict[str, Any] = {
        "id": case_id,
        "kind": kind,
        "owner": rules.owner_of(kind, retailer_id, location_id),
        "retailer_id": retailer_id,
        "location_id": location_id,
        "subject": subject,
        "objects": objects,
        "detail": detail[:1000],
        "live": live,
        "opened_at": at,
        "due_at": rules.due_at(kind, at),
    }
    while True:
        known = store.latest(tx, kind, subject, only_open=not once)
        if known is not None:
            return known
        # No row means that another opened it just now and committed. It is found in the next round, unless it was
        # resolved in between; then this one is opened.
        if store.insert_open(tx, row):
            break
    _tell(tx, "case.opened", row, at, actor, {})
    return case_id


def known_case(tx: Tx, kind: str, subject: str) -> str | None:
    """The latest case of this fact, open or resolved."""
    return store.latest(tx, kind, subject[:200], only_open=False)


def resolve(tx: Tx, command: Resolve) -> Case | Problem:
    found = store.find(tx, command.case_id, command.retailer_id)
    if found is None:
        return not_found("case")
    if command.retailer_id is not None and found.owner != "retailer":
        return Problem("forbidden", "This case is the operator's to resolve.")
    wrong = rules.unfit(found.kind, command.outcome, command.tracking_number)
    if wrong is not None:
        return invalid(*wrong)
    number = command.tracking_number
    learnt = {"objects": {**found.objects, "tracking_number": number}} if number is not None else {}
    closed = _close(tx, command.case_id, command.outcome, command.note, command.at, command.actor, **learnt)
    if closed is not None:
        return _view(closed)
    known = store.find(tx, command.case_id, command.retailer_id)
    if known is None:
        return not_found("case")
    if (known.outcome, known.objects.get("tracking_number")) != (command.outcome, number):
        return Problem("case-already-resolved", f"It was resolved as {known.outcome}.", data={"outcome": known.outcome})
    return _view(known)


def settle_about(tx: Tx, kind: str, word: str, outcome: str, note: str, at: datetime, actor: str) -> list[str]:
    """Resolves the open cases whose subject starts with this word, because the fact ended by itself: the missing
    parcel came after all. Answers their ids."""
    ids = store.open_about(tx, kind, word)
    return [case_id for case_id in ids if _close(tx, case_id, outcome, note, at, actor)]


def settle(tx: Tx, kind: str, subject: str, outcome: str, note: str, at: datetime, actor: str) -> str | None:
    """Resolves the open case of exactly this fact, because it ended by itself. Its id, if there was one."""
    case_id = store.latest(tx, kind, subject[:200], only_open=True)
    return case_id if case_id is not None and _close(tx, case_id, outcome, note, at, actor) else None


def find_case(tx: Tx, case_id: str, retailer_id: str | None) -> Case | Problem:
    row = store.find(tx, case_id, retailer_id)
    return _view(row) if row else not_found("case")


def list_cases(tx: Tx, wanted: Filter) -> CaseList:
    rows = store.list_cases(tx, wanted)
    page = rows[: wanted.limit]
    return CaseList([_view(row) for row in page], page[-1].id if len(rows) > wanted.limit else None)


def _close(
    tx: Tx, case_id: str, outcome: str, note: str | None, at: datetime, actor: str, **learnt: Any
) -> CaseRow | None:
    closing = {"outcome": outcome, "note": note, "resolved_at": at, "resolved_by": actor, **learnt}
    closed = store.close(tx, case_id, closing)
    if closed is not None:
        row = msgspec.structs.asdict(closed)
        _tell(tx, "case.resolved", row, at, actor, {"outcome": outcome})
    return closed


def _tell(tx: Tx, type_: str, row: dict[str, Any], at: datetime, actor: str, more: dict[str, Any]) -> None:
    append(
        tx,
        Event(
            type=type_,
            actor=actor,
            at=at,
            live=row["live"],
            retailer_id=row["retailer_id"],
            location_id=row["location_id"],
            return_id=row["objects"].get("return"),
            objects={"case": row["id"], **row["objects"]},
            data={
                "case": row["id"],
                "kind": row["kind"],
                "owner": row["owner"],
                "detail": row["detail"],
                "due_at": rfc3339(row["due_at"]),
                **{name: value for name, value in row["objects"].items() if name not in ("case", "kind")},
                **more,
            },
        ),
    )


def _view(row: CaseRow) -> Case:
    return Case(
        id=row.id,
        kind=row.kind,  # type: ignore[arg-type]  # the table's check keeps the closed list
        state="open" if row.resolved_at is None else "resolved",
        owner=row.owner,  # type: ignore[arg-type]
        retailer=row.retailer_id,
        location=row.location_id,
        detail=row.detail,
        objects=row.objects,
        live=row.live,
        opened_at=row.opened_at,
        due_at=row.due_at,
        outcome=row.outcome,  # type: ignore[arg-type]
        note=row.note,
        resolved_at=row.resolved_at,
    )
