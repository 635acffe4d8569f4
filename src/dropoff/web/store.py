"""SQL of the stored answers."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from dropoff.db import Tx
from dropoff.db.schema import insert
from dropoff.web.tables import idempotency


def claim_key(tx: Tx, key_hash: str, fingerprint: str, at: datetime) -> bool:
    statement = (
        insert(idempotency)
        .values(key_hash=key_hash, fingerprint=fingerprint, created_at=at)
        .on_conflict_do_nothing()
        .returning(idempotency.c.key_hash)
    )
    return bool(tx.change(statement))


def stored_answer(tx: Tx, key_hash: str) -> sa.Row[Any] | None:
    return tx.first(sa.select(idempotency).where(idempotency.c.key_hash == key_hash))


def store_answer(tx: Tx, key_hash: str, status: int, sealed_body: bytes) -> None:
    tx.change(
        sa.update(idempotency).where(idempotency.c.key_hash == key_hash).values(status=status, sealed_body=sealed_body)
    )


def free_key(tx: Tx, key_hash: str) -> None:
    tx.change(sa.delete(idempotency).where(idempotency.c.key_hash == key_hash))


def delete_keys_before(tx: Tx, moment: datetime) -> int:
    return tx.count(sa.delete(idempotency).where(idempotency.c.created_at < moment))
