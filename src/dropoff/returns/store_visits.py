"""SQL of visits: which returns come to a counter under one code."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from dropoff.db import Prepared, Tx, structs
from dropoff.returns.store import PassRow
from dropoff.returns.tables import returns, unit, visit, visit_return


class Visit(msgspec.Struct, frozen=True):
    id: str
    live: bool
    created_at: datetime
    expires_at: datetime
    return_ids: tuple[str, ...]
    """In the order in which they were added."""


_IDS: sa.BindParameter[Any] = sa.bindparam("ids", expanding=True)
_FIND = Prepared(
    sa.select(visit.c.id).where(
        sa.or_(
            visit.c.code_hash.in_(sa.bindparam("codes", expanding=True)),
            visit.c.short_hash.in_(sa.bindparam("shorts", expanding=True)),
        )
    )
)
_PASSES = Prepared(sa.select(*[returns.c[name] for name in PassRow.__struct_fields__]).where(returns.c.id.in_(_IDS)))
_OF_UNITS = Prepared(sa.select(unit.c.return_id).where(unit.c.id.in_(_IDS)).distinct())


def insert_visit(tx: Tx, row: dict[str, Any]) -> None:
    tx.append(visit, row)


def insert_return(tx: Tx, visit_id: str, return_id: str, at: datetime) -> None:
    tx.append(visit_return, {"visit_id": visit_id, "return_id": return_id, "added_at": at})


def find_visit(tx: Tx, code_hashes: Sequence[str], short_hashes: Sequence[str]) -> Visit | None:
    row = tx.first(_FIND, codes=list(code_hashes), shorts=list(short_hashes))
    return visit_by_id(tx, row.id) if row else None


def visit_by_id(tx: Tx, visit_id: str, *, lock: bool = False) -> Visit | None:
    """`lock`: until the transaction ends nobody else adds to it or takes from it."""
    query = sa.select(visit.c.id, visit.c.live, visit.c.created_at, visit.c.expires_at).where(visit.c.id == visit_id)
    row = tx.first(query.with_for_update() if lock else query)
    if row is None:
        return None
    held = sa.select(visit_return.c.return_id).where(visit_return.c.visit_id == visit_id)
    rows = tx.read(held.order_by(visit_return.c.added_at, visit_return.c.return_id))
    return Visit(**row._mapping, return_ids=tuple(one.return_id for one in rows))


def delete_return(tx: Tx, visit_id: str, return_id: str) -> bool:
    mine = (visit_return.c.visit_id == visit_id) & (visit_return.c.return_id == return_id)
    return tx.count(sa.delete(visit_return).where(mine)) > 0


def lengthen(tx: Tx, visit_id: str, expires_at: datetime) -> None:
    """Never shortens."""
    tx.change(
        sa.update(visit).where(visit.c.id == visit_id, visit.c.expires_at < expires_at).values(expires_at=expires_at)
    )


def passes_of(tx: Tx, return_ids: Collection[str]) -> list[PassRow]:
    return structs(PassRow, tx.read(_PASSES, ids=list(return_ids))) if return_ids else []


def returns_of_units(tx: Tx, unit_ids: Collection[str]) -> set[str]:
    return {row.return_id for row in tx.read(_OF_UNITS, ids=list(unit_ids))} if unit_ids else set()


def delete_before(tx: Tx, at: datetime, limit: int) -> int:
    ended = sa.select(visit.c.id).where(visit.c.expires_at < at).order_by(visit.c.expires_at).limit(limit)
    ids = [row.id for row in tx.read(ended)]
    if not ids:
        return 0
    tx.count(sa.delete(visit_return).where(visit_return.c.visit_id.in_(ids)))
    return tx.count(sa.delete(visit).where(visit.c.id.in_(ids)))
