"""SQL of credentials and sessions."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from dropoff.access.tables import credential, guess, secret_mark, session
from dropoff.db import Tx
from dropoff.db.schema import insert


def add_credential(tx: Tx, row: dict[str, Any]) -> None:
    tx.append(credential, row)


def credential_by_hash(tx: Tx, token_hash: str) -> sa.Row[Any] | None:
    return tx.first(sa.select(credential).where(credential.c.hash == token_hash, credential.c.revoked_at.is_(None)))


def credential_by_session(tx: Tx, session_hash: str, at: datetime) -> sa.Row[Any] | None:
    return tx.first(
        sa.select(credential)
        .join(session, session.c.credential_id == credential.c.id)
        .where(session.c.hash == session_hash, session.c.expires_at > at, credential.c.revoked_at.is_(None))
    )


def ensure_credential(tx: Tx, row: dict[str, Any]) -> None:
    """Also when it was there and revoked: then it is valid again."""
    statement = insert(credential).values(**row)
    tx.change(statement.on_conflict_do_update(index_elements=[credential.c.hash], set_={"revoked_at": None}))


def revoke(tx: Tx, credential_id: str, at: datetime) -> bool:
    return bool(
        tx.change(
            sa.update(credential)
            .where(credential.c.id == credential_id, credential.c.revoked_at.is_(None))
            .values(revoked_at=at)
            .returning(credential.c.id)
        )
    )


def revoke_device(tx: Tx, device_id: str, at: datetime) -> None:
    tx.change(
        sa.update(credential)
        .where(credential.c.device_id == device_id, credential.c.revoked_at.is_(None))
        .values(revoked_at=at)
    )


def credentials(tx: Tx, after: str, limit: int) -> list[sa.Row[Any]]:
    return tx.read(sa.select(credential).where(credential.c.id > after).order_by(credential.c.id).limit(limit))


def credential_by_id(tx: Tx, credential_id: str) -> sa.Row[Any] | None:
    return tx.first(sa.select(credential).where(credential.c.id == credential_id))


def add_session(tx: Tx, row: dict[str, Any]) -> None:
    tx.append(session, row)


def end_session(tx: Tx, session_hash: str) -> None:
    tx.change(sa.delete(session).where(session.c.hash == session_hash))


def end_sessions_before(tx: Tx, at: datetime) -> int:
    return tx.count(sa.delete(session).where(session.c.expires_at <= at))


def add_guess(tx: Tx, kind: str, subject: str, at: datetime) -> None:
    tx.append(guess, {"kind": kind, "subject": subject, "at": at})


def count_guesses(tx: Tx, kind: str, subject: str, since: datetime) -> int:
    mine = (guess.c.kind == kind) & (guess.c.subject == subject) & (guess.c.at >= since)
    return int(tx.read(sa.select(sa.func.count()).select_from(guess).where(mine))[0][0])


def delete_guesses_before(tx: Tx, at: datetime) -> int:
    return tx.count(sa.delete(guess).where(guess.c.at < at))


def delete_guesses_of(tx: Tx, kind: str, subjects: list[str]) -> None:
    tx.count(sa.delete(guess).where(guess.c.kind == kind, guess.c.subject.in_(subjects)))


def ensure_mark(tx: Tx, mark: str) -> str:
    """The mark that stands: this one on a fresh database."""
    tx.change(insert(secret_mark).values(id=1, mark=mark).on_conflict_do_nothing())
    return str(tx.read(sa.select(secret_mark.c.mark))[0][0])


def bootstrap_credentials(tx: Tx, name: str) -> list[sa.Row[Any]]:
    return tx.read(
        sa.select(credential.c.id).where(
            credential.c.name == name, credential.c.role == "operator", credential.c.revoked_at.is_(None)
        )
    )
