"""SQL of the stored answers."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from dropoff.db import Prepared, Tx, into
from dropoff.db.schema import insert
from dropoff.web.tables import idempotency

_CLAIM = Prepared(
    insert(idempotency)
    .values(**into(idempotency, "key_hash", "fingerprint", "created_at"))
    .on_conflict_do_nothing()
    .returning(idempotency.c.key_hash)
)
_STORE = Prepared(
    sa.update(idempotency)
    .where(idempotency.c.key_hash == sa.bindparam("claimed"))
    .values(**into(idempotency, "status", "sealed_body"))
)


def claim_key(tx: Tx, key_hash: str, fingerprint: str, at: datetime) -> bool:
    return bool(tx.change(_CLAIM, key_hash=key_hash, fingerprint=fingerprint, created_at=at))


def stored_answer(tx: Tx, key_hash: str) -> sa.Row[Any] | None:
    return tx.first(sa.select(idempotency).where(idempotency.c.key_hash == key_hash))


def store_answer(tx: Tx, key_hash: str, status: int, sealed_body: bytes) -> None:
    tx.change(_STORE, claimed=key_hash, status=status, sealed_body=sealed_body)


def free_key(tx: Tx, key_hash: str) -> None:
    tx.change(sa.delete(idempotency).where(idempotency.c.key_hash == key_hash))


def delete_keys_before(tx: Tx, moment: datetime, limit: int) -> int:
    old = sa.select(idempotency.c.key_hash).where(idempotency.c.created_at < moment)
    old = old.order_by(idempotency.c.created_at).limit(limit)
    return tx.count(sa.delete(idempotency).where(idempotency.c.key_hash.in_(old)))
