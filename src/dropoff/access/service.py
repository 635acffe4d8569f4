"""Keys, device tokens and sessions: made, looked up, ended."""

import hmac
from datetime import datetime, timedelta
from typing import Any

import msgspec

from dropoff.access import store
from dropoff.access.principal import Principal, Role
from dropoff.db import Tx
from dropoff.db.vault import new_token, token_hash
from dropoff.kernel.errors import Problem, not_found
from dropoff.kernel.ids import new_id

BOOTSTRAP = "crd_BOOTSTRAP"
"""The credential of `DROPOFF_OPERATOR_KEY`; its row follows the setting at every start."""
SESSION_TTL = timedelta(hours=12)
DEVICE_SESSION_TTL = timedelta(days=90)
GUESSES_MAX = 20
GUESS_WINDOW = timedelta(minutes=15)
LOGIN = "login"


class NewCredential(msgspec.Struct, frozen=True, kw_only=True):
    role: Role
    name: str
    live: bool
    at: datetime
    retailer_id: str | None = None
    device_id: str | None = None
    location_id: str | None = None


class Issued(msgspec.Struct, frozen=True):
    id: str
    token: str
    """Shown once; only its hash is kept."""


class KeyView(msgspec.Struct, frozen=True):
    id: str
    role: str
    name: str
    live: bool
    created_at: datetime
    retailer_id: str | None
    device_id: str | None
    revoked_at: datetime | None


class KeyPage(msgspec.Struct, frozen=True):
    items: list[KeyView]
    next: str | None


class RotatedKey(msgspec.Struct, frozen=True):
    id: str
    api_key: str


def issue_key(tx: Tx, new: NewCredential, token: str | None = None) -> Issued:
    """`token` is given only where it must be known beforehand (demo keys); otherwise it is random."""
    prefix = {"operator": "op", "device": "till"}.get(new.role) or ("live" if new.live else "test")
    token = token or new_token(prefix)
    row = msgspec.structs.asdict(new)
    row |= {"id": new_id("crd"), "hash": token_hash(token), "created_at": row.pop("at")}
    store.add_credential(tx, row)
    return Issued(row["id"], token)


def is_right_secret(tx: Tx, mark: str) -> bool:
    """Whether the database was made with the secret that this mark is derived from; a fresh one is from now on."""
    return hmac.compare_digest(store.ensure_mark(tx, mark), mark)


def install_operator_key(tx: Tx, key: str, at: datetime) -> None:
    """Makes the key of the settings valid, also one that was replaced before, and any other invalid."""
    current = store.credential_by_hash(tx, token_hash(key))
    if current is not None:
        return
    for row in store.bootstrap_credentials(tx, BOOTSTRAP):
        store.revoke(tx, row.id, at)
    store.ensure_credential(
        tx,
        {
            "id": new_id("crd"),
            "hash": token_hash(key),
            "role": "operator",
            "name": BOOTSTRAP,
            "live": True,
            "created_at": at,
        },
    )


def find_by_token(tx: Tx, hashed: str) -> Principal | None:
    return _principal(store.credential_by_hash(tx, hashed))


def find_by_session(tx: Tx, hashed: str, at: datetime) -> Principal | None:
    return _principal(store.credential_by_session(tx, hashed, at))


def _principal(row: Any) -> Principal | None:
    if row is None:
        return None
    return Principal(row.role, row.id, row.name, row.live, row.retailer_id, row.device_id, row.location_id)


def start_session(tx: Tx, credential_id: str, at: datetime, ttl: timedelta = SESSION_TTL) -> str:
    """Answers the cookie's value. A new one at every login, so that a planted one is worth nothing."""
    token = new_token("ses")
    store.add_session(
        tx,
        {"hash": token_hash(token), "credential_id": credential_id, "created_at": at, "expires_at": at + ttl},
    )
    return token


def too_many_guesses(tx: Tx, kind: str, subject: str, at: datetime, most: int = GUESSES_MAX) -> Problem | None:
    """The brake for what may be asked without a key. It ends by itself, so that nobody is locked out for long."""
    if store.count_guesses(tx, kind, subject, at - GUESS_WINDOW) < most:
        return None
    return Problem("too-many-requests", retry_after_s=int(GUESS_WINDOW.total_seconds()))


def note_guess(tx: Tx, kind: str, subject: str, at: datetime) -> None:
    """One that was wrong."""
    store.add_guess(tx, kind, subject, at)


def forget_guesses_of(tx: Tx, kind: str, subjects: list[str]) -> None:
    """Whoever knows the answer guessed nothing."""
    store.delete_guesses_of(tx, kind, subjects)


def forget_guesses(tx: Tx, at: datetime) -> int:
    return store.delete_guesses_before(tx, at - GUESS_WINDOW)


def login(tx: Tx, key: str, at: datetime, source: str, former: str | None = None) -> tuple[str, Principal] | Problem:
    """`source`: where the call comes from, hashed. `former`: the session that the browser had; it ends."""
    refused = too_many_guesses(tx, LOGIN, source, at)
    if refused is not None:
        return refused
    found = find_by_token(tx, token_hash(key))
    if found is None:
        note_guess(tx, LOGIN, source, at)
        return Problem("unauthenticated", "This key is not known or was revoked.")
    if former is not None:
        logout(tx, former)
    return start_session(tx, found.credential_id, at), found


def logout(tx: Tx, session_token: str) -> None:
    store.end_session(tx, token_hash(session_token))


def list_keys(tx: Tx, after: str, limit: int) -> KeyPage:
    rows = store.credentials(tx, after, limit + 1)
    items = [_view(row) for row in rows[:limit]]
    return KeyPage(items, items[-1].id if len(rows) > limit else None)


def revoke_key(tx: Tx, credential_id: str, at: datetime) -> KeyView | Problem:
    """Revoking twice answers the same."""
    store.revoke(tx, credential_id, at)
    row = store.credential_by_id(tx, credential_id)
    return _view(row) if row is not None else not_found("key")


def rotate_key(tx: Tx, credential_id: str, at: datetime) -> RotatedKey | Problem:
    """The old key ends at once, the new one begins."""
    row = store.credential_by_id(tx, credential_id)
    if row is None or row.revoked_at is not None or not store.revoke(tx, credential_id, at):
        return not_found("key")
    new = NewCredential(
        role=row.role,
        name=row.name,
        live=row.live,
        at=at,
        retailer_id=row.retailer_id,
        device_id=row.device_id,
        location_id=row.location_id,
    )
    issued = issue_key(tx, new)
    return RotatedKey(issued.id, issued.token)


def revoke_device_tokens(tx: Tx, device_id: str, at: datetime) -> None:
    store.revoke_device(tx, device_id, at)


def _view(row: Any) -> KeyView:
    return KeyView(row.id, row.role, row.name, row.live, row.created_at, row.retailer_id, row.device_id, row.revoked_at)
