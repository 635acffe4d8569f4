"""One key, one answer: whoever repeats or races, the committed answer comes back, and only that one."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from dropoff.db import Database, Tx
from dropoff.db.vault import Vault
from dropoff.events.log import Event, append
from dropoff.events.tables import event
from dropoff.kernel.errors import Problem
from dropoff.web.idempotency import Answer, answer_once, forget_old, parse_key, ticket
from dropoff.web.tables import idempotency

AT = datetime(2026, 11, 22, 9, tzinfo=UTC)
VAULT = Vault("a-secret-for-tests-only")


def effect(tx: Tx) -> Answer:
    """Something that must happen once: a row in the log."""
    (made,) = append(tx, Event(type="return.issued", actor="system", at=AT, live=True))
    return Answer(201, msgspec.json.encode({"id": made}))


def effects(db: Database) -> int:
    return int(db.read_sync(lambda tx: tx.read(sa.select(sa.func.count()).select_from(event)))[0][0])


def once(db: Database, key: str = "k", fingerprint: str = "f", scope: str = "s") -> Answer | Problem:
    return db.write_sync(answer_once, VAULT, ticket(scope, key, fingerprint, AT), effect)


def test_a_repeat_answers_what_was_stored(db: Database) -> None:
    first, again = once(db), once(db)
    assert isinstance(first, Answer)
    assert isinstance(again, Answer)
    assert (again.status, again.body, again.replayed) == (first.status, first.body, True)
    assert effects(db) == 1


def test_another_body_is_refused_and_another_scope_is_another_key(db: Database) -> None:
    once(db)
    assert once(db, fingerprint="other") == Problem("idempotency-key-reused")
    other = once(db, scope="another retailer")
    assert isinstance(other, Answer)
    assert not other.replayed
    assert effects(db) == 2


def test_a_fault_stores_nothing_so_that_a_repeat_tries_again(db: Database) -> None:
    def broken(tx: Tx) -> Answer:
        effect(tx)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        db.write_sync(answer_once, VAULT, ticket("s", "k", "f", AT), broken)
    assert effects(db) == 0
    answer = once(db)
    assert isinstance(answer, Answer)
    assert not answer.replayed


def test_a_stored_refusal_replays(db: Database) -> None:
    def refuse(tx: Tx) -> Answer:
        return Answer(409, b'{"type":"x"}')

    db.write_sync(answer_once, VAULT, ticket("s", "k", "f", AT), refuse)
    again = once(db)
    assert isinstance(again, Answer)
    assert (again.status, again.replayed) == (409, True)
    assert effects(db) == 0


def test_an_answer_that_is_not_kept_leaves_the_key_free(db: Database) -> None:
    def misshapen(tx: Tx) -> Answer:
        return Answer(422, b"{}", kept=False)

    db.write_sync(answer_once, VAULT, ticket("s", "k", "f", AT), misshapen)
    mended = once(db, fingerprint="other")
    assert isinstance(mended, Answer)
    assert (mended.status, mended.replayed) == (201, False)


def test_64_racing_duplicates_from_two_processes_connections_have_one_effect(database_url: str) -> None:
    with closing(Database(database_url)) as one, closing(Database(database_url)) as two:
        start = threading.Barrier(64)

        def race(number: int) -> Answer | Problem:
            start.wait()
            return once((one, two)[number % 2])

        with ThreadPoolExecutor(64) as pool:
            answers = list(pool.map(race, range(64)))
        assert all(isinstance(a, Answer) for a in answers)
        assert len({a.body for a in answers if isinstance(a, Answer)}) == 1
        assert sum(not a.replayed for a in answers if isinstance(a, Answer)) == 1
        assert effects(one) == 1


def test_the_stored_answer_is_sealed(db: Database) -> None:
    def secret(tx: Tx) -> Answer:
        return Answer(201, b'{"api_key":"live_secret"}')

    db.write_sync(answer_once, VAULT, ticket("s", "k", "f", AT), secret)
    (row,) = db.read_sync(lambda tx: tx.read(sa.select(idempotency)))
    assert b"live_secret" not in bytes(row.sealed_body)


def test_old_keys_are_forgotten_after_two_days_and_not_before_one(db: Database) -> None:
    once(db)
    assert db.write_sync(forget_old, AT + timedelta(hours=24)) == 0
    assert db.write_sync(forget_old, AT + timedelta(hours=49)) == 1


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ("abc", "abc"),
        ('"abc"', "abc"),
        (" abc ", "abc"),
        ("x" * 255, "x" * 255),
        ("x" * 256, None),
        ("", None),
        ('""', None),
        ("a b", None),
        ('"a b"', "a b"),
        ("ä", None),
        ('"a', None),
    ],
)
def test_keys_come_quoted_or_bare(header: str, key: str | None) -> None:
    assert parse_key(header) == key


@given(st.text())
def test_any_header_is_a_key_or_none(header: str) -> None:
    key = parse_key(header)
    assert key is None or 1 <= len(key) <= 255
