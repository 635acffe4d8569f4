"""SQL of signed receipts and of the keys that sign them."""

from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from dropoff.counter.tables import signed_receipt, signing_key
from dropoff.db import Tx
from dropoff.db.schema import insert


class KeyRow(msgspec.Struct, frozen=True):
    id: str
    public: str
    sealed: bytes | None
    created_at: datetime
    retired_at: datetime | None
    revoked_at: datetime | None


_KEY = [signing_key.c[name] for name in KeyRow.__struct_fields__]


def add_key(tx: Tx, row: dict[str, Any]) -> None:
    """Nothing happens when another one signs already."""
    tx.change(insert(signing_key).values(**row).on_conflict_do_nothing())


def current_key(tx: Tx) -> KeyRow | None:
    row = tx.first(sa.select(*_KEY).where(signing_key.c.retired_at.is_(None)))
    return KeyRow(**row._mapping) if row else None


def keys(tx: Tx) -> list[KeyRow]:
    """All there ever were, the newest first."""
    return [KeyRow(**row._mapping) for row in tx.read(sa.select(*_KEY).order_by(signing_key.c.id.desc()))]


def retire_key(tx: Tx, key_id: str, at: datetime) -> bool:
    """Its private half is gone for good: nobody signs with an old key, whatever leaks later."""
    statement = (
        sa.update(signing_key)
        .where(signing_key.c.id == key_id, signing_key.c.retired_at.is_(None))
        .values(retired_at=at, sealed=None)
        .returning(signing_key.c.id)
    )
    return bool(tx.change(statement))


def revoke_key(tx: Tx, key_id: str, at: datetime) -> bool:
    statement = (
        sa.update(signing_key)
        .where(signing_key.c.id == key_id, signing_key.c.revoked_at.is_(None))
        .values(revoked_at=at)
        .returning(signing_key.c.id)
    )
    return bool(tx.change(statement))


def signed(tx: Tx, hand_in_id: str) -> dict[str, str]:
    """What was signed for a hand-in: kind to text."""
    query = sa.select(signed_receipt.c.kind, signed_receipt.c.compact).where(signed_receipt.c.hand_in_id == hand_in_id)
    return {row.kind: row.compact for row in tx.read(query)}


def keep_signed(tx: Tx, row: dict[str, Any]) -> None:
    """The first one stands, whoever signs at the same moment."""
    tx.change(insert(signed_receipt).values(**row).on_conflict_do_nothing())
