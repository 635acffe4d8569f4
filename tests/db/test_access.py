"""Keys, device tokens and sessions: only hashes are kept, and what is revoked opens nothing."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from dropoff.access import service
from dropoff.access.store import end_sessions_before
from dropoff.access.tables import credential, session
from dropoff.db import Database
from dropoff.db.vault import token_hash
from dropoff.kernel.errors import Problem

AT = datetime(2026, 11, 22, 9, tzinfo=UTC)
OPERATOR = service.NewCredential(role="operator", name="Night shift", live=True, at=AT)


def test_a_key_is_found_by_its_hash_and_stands_nowhere_in_clear(db: Database) -> None:
    issued = db.write_sync(service.issue_key, OPERATOR)
    who = db.read_sync(service.find_by_token, token_hash(issued.token))
    assert who is not None
    assert (who.role, who.credential_id, who.actor) == ("operator", issued.id, f"operator:{issued.id}")
    (row,) = db.read_sync(lambda tx: tx.read(sa.select(credential)))
    assert issued.token not in str(tuple(row))


def test_live_and_test_retailers_have_keys_that_say_so(db: Database) -> None:
    for live, prefix in ((True, "live_"), (False, "test_")):
        new = service.NewCredential(role="retailer", name="N", live=live, at=AT, retailer_id="rtl_1")
        assert db.write_sync(service.issue_key, new).token.startswith(prefix)


def test_a_revoked_key_opens_nothing_and_revoking_twice_is_the_same(db: Database) -> None:
    issued = db.write_sync(service.issue_key, OPERATOR)
    first = db.write_sync(service.revoke_key, issued.id, AT)
    again = db.write_sync(service.revoke_key, issued.id, AT + timedelta(days=1))
    assert first == again
    assert db.read_sync(service.find_by_token, token_hash(issued.token)) is None
    assert db.write_sync(service.rotate_key, issued.id, AT) == Problem("not-found", "There is no such key.")


def test_rotation_ends_the_old_key_and_its_sessions(db: Database) -> None:
    issued = db.write_sync(service.issue_key, OPERATOR)
    cookie = db.write_sync(service.start_session, issued.id, AT)
    rotated = db.write_sync(service.rotate_key, issued.id, AT)
    assert isinstance(rotated, service.RotatedKey)
    assert db.read_sync(service.find_by_token, token_hash(issued.token)) is None
    assert db.read_sync(service.find_by_session, token_hash(cookie), AT) is None
    assert db.read_sync(service.find_by_token, token_hash(rotated.api_key)) is not None


def test_sessions_are_fresh_at_each_login_and_end(db: Database) -> None:
    issued = db.write_sync(service.issue_key, OPERATOR)
    logins = [db.write_sync(service.login, issued.token, AT, "here") for _ in range(2)]
    assert not any(isinstance(login, Problem) for login in logins)
    (first, _), (second, _) = logins
    assert first != second
    assert db.read_sync(service.find_by_session, token_hash(first), AT + timedelta(hours=11)) is not None
    assert db.read_sync(service.find_by_session, token_hash(first), AT + timedelta(hours=12)) is None
    db.write_sync(service.logout, second)
    assert db.read_sync(service.find_by_session, token_hash(second), AT) is None
    assert db.write_sync(end_sessions_before, AT + timedelta(hours=12)) == 1
    assert db.read_sync(lambda tx: tx.read(sa.select(session))) == []


def test_a_wrong_key_does_not_sign_in(db: Database) -> None:
    assert db.write_sync(service.login, "op_wrong", AT, "here") == Problem(
        "unauthenticated", "This key is not known or was revoked."
    )


def test_who_guesses_keys_must_wait_and_nobody_else_has_to(db: Database) -> None:
    issued = db.write_sync(service.issue_key, OPERATOR)
    for _ in range(service.GUESSES_MAX):
        refused = db.write_sync(service.login, "op_wrong", AT, "a guesser")
        assert isinstance(refused, Problem)
        assert refused.code == "unauthenticated"
    for key in ("op_wrong", issued.token):
        refused = db.write_sync(service.login, key, AT + service.GUESS_WINDOW, "a guesser")
        assert isinstance(refused, Problem)
        assert (refused.code, refused.retry_after_s) == ("too-many-requests", 900)
    assert not isinstance(db.write_sync(service.login, issued.token, AT, "a neighbour"), Problem)
    later = AT + service.GUESS_WINDOW + timedelta(seconds=1)
    assert not isinstance(db.write_sync(service.login, issued.token, later, "a guesser"), Problem)
    assert db.write_sync(service.forget_guesses, later) == service.GUESSES_MAX


def test_signing_in_again_ends_the_browsers_former_session(db: Database) -> None:
    issued = db.write_sync(service.issue_key, OPERATOR)
    former = db.write_sync(service.start_session, issued.id, AT)
    assert not isinstance(db.write_sync(service.login, issued.token, AT, "here", former), Problem)
    assert db.read_sync(service.find_by_session, token_hash(former), AT) is None


def test_a_database_knows_the_secret_it_was_made_with(db: Database) -> None:
    assert db.write_sync(service.is_right_secret, "a" * 64)
    assert db.write_sync(service.is_right_secret, "a" * 64)
    assert not db.write_sync(service.is_right_secret, "b" * 64)


def test_the_operator_key_of_the_settings_replaces_the_former_one(db: Database) -> None:
    for key in ("first-operator-key", "second-operator-key", "second-operator-key"):
        db.write_sync(service.install_operator_key, key, AT)
    assert db.read_sync(service.find_by_token, token_hash("first-operator-key")) is None
    assert db.read_sync(service.find_by_token, token_hash("second-operator-key")) is not None
    assert len(db.read_sync(lambda tx: tx.read(sa.select(credential)))) == 2


def test_going_back_to_a_former_operator_key_lets_nobody_stand_outside(db: Database) -> None:
    for key in ("first-operator-key", "second-operator-key", "first-operator-key"):
        db.write_sync(service.install_operator_key, key, AT)
    assert db.read_sync(service.find_by_token, token_hash("first-operator-key")) is not None
    assert db.read_sync(service.find_by_token, token_hash("second-operator-key")) is None


@pytest.mark.parametrize("row", [{"role": "retailer"}, {"role": "device", "device_id": "dev_1"}, {"role": "owner"}])
def test_the_database_refuses_a_credential_that_would_see_too_much(db: Database, row: dict[str, str]) -> None:
    values = {"id": "crd_1", "hash": "h", "name": "n", "live": True, "created_at": AT} | row
    with pytest.raises(sa.exc.IntegrityError):
        db.write_sync(lambda tx: tx.append(credential, values))
