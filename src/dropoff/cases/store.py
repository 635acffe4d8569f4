"""All SQL of the cases."""

from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from dropoff.cases.tables import case
from dropoff.db import Tx
from dropoff.db.schema import insert


class CaseRow(msgspec.Struct, frozen=True):
    id: str
    kind: str
    owner: str
    retailer_id: str | None
    location_id: str | None
    subject: str
    objects: dict[str, Any]
    detail: str
    live: bool
    opened_at: datetime
    due_at: datetime
    outcome: str | None
    note: str | None
    resolved_at: datetime | None
    resolved_by: str | None


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which cases a reader may and wants to see; `retailer_id` set: that tenant's and no other."""

    retailer_id: str | None = None
    location_id: str | None = None
    live: bool | None = None
    state: str | None = None
    kind: str | None = None
    after: str | None = None
    limit: int = 50


def _row(row: sa.Row[Any]) -> CaseRow:
    return CaseRow(**row._mapping)


def insert_open(tx: Tx, row: dict[str, Any]) -> bool:
    """False when a case of this kind and subject is open already, or is being opened by another."""
    statement = (
        insert(case)
        .values(row)
        .on_conflict_do_nothing(
            index_elements=[case.c.kind, case.c.subject], index_where=sa.text("resolved_at IS NULL")
        )
        .returning(case.c.id)
    )
    return bool(tx.change(statement))


def latest(tx: Tx, kind: str, subject: str, *, only_open: bool) -> str | None:
    query = sa.select(case.c.id).where(case.c.kind == kind, case.c.subject == subject)
    if only_open:
        query = query.where(case.c.resolved_at.is_(None))
    row = tx.first(query.order_by(case.c.id.desc()).limit(1))
    return row.id if row else None


def find(tx: Tx, case_id: str, retailer_id: str | None) -> CaseRow | None:
    query = sa.select(case).where(case.c.id == case_id)
    if retailer_id is not None:
        query = query.where(case.c.retailer_id == retailer_id)
    row = tx.first(query)
    return _row(row) if row else None


def list_cases(tx: Tx, wanted: Filter) -> list[CaseRow]:
    """Newest first, one more than the limit, so that the caller sees whether a next page exists."""
    query = sa.select(case).order_by(case.c.id.desc()).limit(wanted.limit + 1)
    if wanted.retailer_id is not None:
        query = query.where(case.c.retailer_id == wanted.retailer_id)
    if wanted.location_id is not None:
        query = query.where(case.c.location_id == wanted.location_id)
    if wanted.live is not None:
        query = query.where(case.c.live == wanted.live)
    if wanted.kind is not None:
        query = query.where(case.c.kind == wanted.kind)
    if wanted.state is not None:
        is_open = case.c.resolved_at.is_(None)
        query = query.where(is_open if wanted.state == "open" else sa.not_(is_open))
    if wanted.after is not None:
        query = query.where(case.c.id < wanted.after)
    return [_row(row) for row in tx.read(query)]


def open_about(tx: Tx, kind: str, word: str) -> list[str]:
    """Ids of the open cases whose subject starts with this word."""
    query = sa.select(case.c.id).where(
        case.c.kind == kind,
        case.c.subject.startswith(word + " ", autoescape=True),  # not a range: its order is the collation's
        case.c.resolved_at.is_(None),
    )
    return [row.id for row in tx.read(query.order_by(case.c.id))]


def close(tx: Tx, case_id: str, closing: dict[str, Any]) -> CaseRow | None:
    """None when it was closed already: of two who resolve at once, one gets the row."""
    rows = tx.change(
        sa.update(case).where(case.c.id == case_id, case.c.resolved_at.is_(None)).values(closing).returning(case)
    )
    return _row(rows[0]) if rows else None
