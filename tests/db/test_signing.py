"""Receipts are signed once, by a key that is replaced without any of them becoming another text."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from tests.counter_world import BASE_URL, NOW, World

from dropoff.counter import service as counter
from dropoff.counter import signing
from dropoff.counter.signed import KeySet, check
from dropoff.counter.signing import Signed, Signer
from dropoff.counter.tables import signed_receipt, signing_key
from dropoff.db import Database
from dropoff.db.vault import Vault
from dropoff.kernel.errors import Problem

VAULT = Vault("a-secret-for-tests-only-0123456789")
SIGNER = Signer(VAULT, BASE_URL)
LATER = NOW + timedelta(days=400)


@pytest.fixture
def world(db: Database, tmp_path: Path) -> World:
    return World(db, tmp_path)


def keys(db: Database) -> KeySet:
    return db.read_sync(signing.key_set, BASE_URL)


def signed(db: Database, token: str, at: object = NOW) -> Signed:
    found = db.write_sync(counter.sign_receipt, SIGNER, token, at)
    assert found is not None
    return found


def test_a_receipt_is_the_same_bytes_however_often_and_after_a_rotation(world: World) -> None:
    db, till = world.db, world.till()
    made = world.give_back(units=3)
    ask = world.ask(
        made,
        parcels=(counter.ParcelIn(world.tag(), (made.units[0].id, made.units[1].id)),),
        refused=(counter.RefusedIn(made.units[2].id, "wet_or_leaking"),),
    )
    taken = world.hand_in(till, ask)
    assert taken.receipt is not None
    token = taken.receipt.token
    view_, none = db.read_sync(counter.signed_already, token)
    assert none is None, "a hand-in signs nothing: it waits for nobody"
    first = signed(db, token)
    found = check(first.receipt, keys(db))
    assert found.status == "good"
    assert found.receipt is not None
    assert found.receipt.hand_in == taken.hand_in == view_.hand_in
    assert found.receipt.received_at == NOW
    assert [(p.tag, [u.id for u in p.units]) for p in found.receipt.parcels] == [
        (ask.parcels[0].tag, list(ask.parcels[0].units))
    ]
    assert [(one.unit.id, one.reason) for one in found.receipt.refused] == [(made.units[2].id, "wet_or_leaking")]
    assert "Aase" not in msgspec.json.encode(found.receipt).decode()
    assert made.order not in msgspec.json.encode(found.receipt).decode()

    old = keys(db).keys[0].kid
    new = db.write_sync(signing.rotate_key, VAULT, LATER, "operator:test")
    assert new != old
    assert signed(db, token, LATER + timedelta(hours=1)) == first
    assert db.read_sync(counter.signed_already, token)[1] == first
    assert check(first.receipt, keys(db)).status == "good", "the old public key stays published"
    assert len(world.rows(signed_receipt)) == 1
    (event,) = world.events("signing_key.rotated")
    assert (event["actor"], event["retailer_id"], event["objects"]) == ("operator:test", None, {"key": old})


def test_a_key_that_was_replaced_can_sign_no_more_and_a_new_one_does(world: World) -> None:
    db = world.db
    taken = [world.hand_in(world.till(), world.ask(world.give_back())) for _ in range(2)]
    tokens = [one.receipt.token for one in taken if one.receipt is not None]
    signed(db, tokens[0])
    new = db.write_sync(signing.rotate_key, VAULT, LATER, "operator:test")
    by_new = check(signed(db, tokens[1], LATER).receipt, keys(db))
    assert (by_new.status, by_new.kid) == ("good", new)
    rows = {row["id"]: row for row in world.rows(signing_key)}
    assert [row["sealed"] is None for row in rows.values() if row["id"] != new] == [True]
    assert rows[new]["sealed"] is not None


def test_the_private_half_lies_sealed(world: World) -> None:
    world.db.write_sync(signing.ensure_key, VAULT, NOW)
    (row,) = world.rows(signing_key)
    private = VAULT.open(f"signing key {row['id']}", row["sealed"])
    assert len(private) == 32
    assert private not in row["sealed"]


def test_what_was_taken_back_has_a_note_of_its_own_and_the_receipt_stays_as_it_was(world: World) -> None:
    db, till = world.db, world.till()
    taken = world.hand_in(till, world.ask(world.give_back()))
    assert taken.receipt is not None
    before = signed(db, taken.receipt.token)
    assert before.undo is None
    assert not isinstance(world.undo(till, taken.hand_in), Problem)
    assert db.read_sync(counter.signed_already, taken.receipt.token)[1] is None, "the note is still to be signed"
    after = signed(db, taken.receipt.token)
    assert after.receipt == before.receipt
    assert after.undo is not None
    note = check(after.undo, keys(db))
    assert note.status == "undone"
    assert note.note is not None
    assert note.note.hand_in == taken.hand_in
    assert db.read_sync(counter.in_the_books, taken.hand_in)[0] == NOW


def test_a_key_that_was_called_back_proves_nothing_and_another_signs(world: World) -> None:
    db = world.db
    taken = world.hand_in(world.till(), world.ask(world.give_back()))
    assert taken.receipt is not None
    compact = signed(db, taken.receipt.token).receipt
    kid = check(compact, keys(db)).kid
    new = db.write_sync(signing.revoke_key, VAULT, kid, LATER, "operator:test")
    assert check(compact, keys(db)).status == "revoked_key"
    assert db.write_sync(signing.revoke_key, VAULT, kid, LATER, "operator:test") == new, "twice is once"
    assert [line.state for line in db.read_sync(signing.list_keys)] == ["signs", "revoked 2027-04-06"]
    assert len(world.events("signing_key.revoked")) == 1
    assert isinstance(db.write_sync(signing.revoke_key, VAULT, "key_none", LATER, "operator:test"), Problem)


def test_servers_that_sign_at_the_same_moment_sign_one_text(world: World, database_url: str) -> None:
    """Each would sign at another second, and make a key of its own."""
    taken = world.hand_in(world.till(), world.ask(world.give_back()))
    assert taken.receipt is not None
    token = taken.receipt.token
    with closing(Database(database_url)) as other, ThreadPoolExecutor(8) as pool:
        calls = [
            pool.submit(signed, (world.db, other)[number % 2], token, NOW + timedelta(seconds=number))
            for number in range(8)
        ]
        texts = {call.result().receipt for call in calls}
    assert len(texts) == 1
    assert len(keys(world.db).keys) == 1
    assert check(texts.pop(), keys(world.db)).status == "good"
