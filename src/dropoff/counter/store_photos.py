"""SQL of the photos that tills take of what lies on the counter."""

from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from dropoff.counter.tables import counter_photo
from dropoff.db import Tx


class PhotoRow(msgspec.Struct, frozen=True):
    id: str
    hand_in_id: str
    unit_id: str
    refused: str | None
    note: str | None
    width: int
    height: int
    taken_at: datetime


_COLUMNS = [counter_photo.c[name] for name in PhotoRow.__struct_fields__]


def insert_photo(tx: Tx, row: dict[str, Any]) -> None:
    tx.append(counter_photo, row)


def count_of(tx: Tx, hand_in_id: str) -> int:
    query = sa.select(sa.func.count()).where(counter_photo.c.hand_in_id == hand_in_id)
    return int(tx.read(query)[0][0])


def photos_of(tx: Tx, return_id: str, retailer_id: str) -> list[PhotoRow]:
    mine = (counter_photo.c.return_id == return_id) & (counter_photo.c.retailer_id == retailer_id)
    rows = tx.read(sa.select(*_COLUMNS).where(mine).order_by(counter_photo.c.id))
    return [PhotoRow(**row._mapping) for row in rows]


def body_of(tx: Tx, photo_id: str, retailer_id: str) -> bytes | None:
    mine = (counter_photo.c.id == photo_id) & (counter_photo.c.retailer_id == retailer_id)
    row = tx.first(sa.select(counter_photo.c.body).where(mine))
    return bytes(row.body) if row else None


def delete_before(tx: Tx, first_kept: str, limit: int) -> int:
    """Ids sort by time."""
    old = sa.select(counter_photo.c.id).where(counter_photo.c.id < first_kept).order_by(counter_photo.c.id)
    return tx.count(sa.delete(counter_photo).where(counter_photo.c.id.in_(old.limit(limit))))
