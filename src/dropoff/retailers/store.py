"""All SQL of the retailers."""

from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from dropoff.db import Prepared, Tx, structs
from dropoff.db.schema import insert
from dropoff.retailers.tables import retailer


class RetailerRow(msgspec.Struct, frozen=True):
    id: str
    name: str
    slug: str
    country: str
    currency: str
    currencies: list[str]
    locale: str
    zone: str
    return_address: dict[str, Any]
    policy: dict[str, Any]
    live: bool
    created_at: datetime
    portal_url: str | None = None


_COLUMNS = [retailer.c[name] for name in RetailerRow.__struct_fields__]
_FIND = Prepared(sa.select(*_COLUMNS).where(retailer.c.id == sa.bindparam("id")))


def add(tx: Tx, row: dict[str, Any]) -> bool:
    """False when the slug is taken."""
    return bool(tx.change(insert(retailer).values(row).on_conflict_do_nothing().returning(retailer.c.id)))


def find(tx: Tx, retailer_id: str) -> RetailerRow | None:
    rows = structs(RetailerRow, tx.once(_FIND, id=retailer_id))
    return rows[0] if rows else None


def set_portal(tx: Tx, retailer_id: str, url: str | None) -> RetailerRow | None:
    statement = sa.update(retailer).where(retailer.c.id == retailer_id).values(portal_url=url).returning(*_COLUMNS)
    rows = tx.change(statement)
    return RetailerRow(**rows[0]._mapping) if rows else None


def page(tx: Tx, after: str, limit: int) -> list[RetailerRow]:
    """In the order they were made."""
    query = sa.select(*_COLUMNS).where(retailer.c.id > after).order_by(retailer.c.id).limit(limit)
    return [RetailerRow(**row._mapping) for row in tx.read(query)]
