"""Idempotency-Key (IETF draft 07): the answer is stored in the caller's own transaction, so only what was
committed replays.

The scope comes as a string, because this room knows no principals. Two requests with one key meet at the primary key of
the table: the second waits for the first one's commit and then replays it.
"""

import hashlib
import re
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from dropoff.db import Tx
from dropoff.db.vault import Vault
from dropoff.kernel.errors import Problem
from dropoff.web import store

KEPT_FOR = timedelta(hours=48)
_KEY = re.compile(r'^(?:"([\x21\x23-\x7e ]{1,255})"|([\x21\x23-\x7e]{1,255}))$')


class Answer(msgspec.Struct, frozen=True):
    status: int
    body: bytes
    replayed: bool = False
    kept: bool = True
    """False for a body of the wrong shape: mended, it may come again with the same key."""


class Ticket(msgspec.Struct, frozen=True):
    key_hash: str
    fingerprint: str
    at: datetime


def parse_key(header: str) -> str | None:
    """The key without its quotes; None when it cannot be used."""
    found = _KEY.match(header.strip())
    return (found.group(1) or found.group(2)) if found else None


def ticket(scope: str, key: str, fingerprint: str, at: datetime) -> Ticket:
    return Ticket(hashlib.sha256(f"{scope}\0{key}".encode()).hexdigest(), fingerprint, at)


def answer_once(tx: Tx, vault: Vault, claim: Ticket, run: Callable[[Tx], Answer]) -> Answer | Problem:
    if not store.claim_key(tx, claim.key_hash, claim.fingerprint, claim.at):
        stored = store.stored_answer(tx, claim.key_hash)
        if stored is None or stored.status is None:
            return Problem("idempotency-key-in-use", retry_after_s=1)
        if stored.fingerprint != claim.fingerprint:
            return Problem("idempotency-key-reused")
        return Answer(stored.status, vault.open("idempotency", stored.sealed_body), replayed=True)
    answer = run(tx)
    if answer.kept:
        store.store_answer(tx, claim.key_hash, answer.status, vault.seal("idempotency", answer.body))
    else:
        store.free_key(tx, claim.key_hash)
    return answer


def forget_old(tx: Tx, now: datetime) -> int:
    """A part, so that the lane serves others in between; again until it answers 0."""
    return store.delete_keys_before(tx, now - KEPT_FOR, 500)
