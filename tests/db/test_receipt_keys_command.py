"""`dropoff keys` and `dropoff verify-receipt` where a network is installed."""

from contextlib import closing
from pathlib import Path

import pytest
from tests.counter_world import NOW, World
from tests.terminal import Terminal

from dropoff.counter import service as counter
from dropoff.counter.signing import Signer
from dropoff.db import Database
from dropoff.db.vault import Vault

SECRET = "a-secret-for-tests-only-0123456789"
HERE = "http://127.0.0.1:8000"


def test_an_operator_lets_a_new_key_sign_and_calls_an_old_one_back(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = {"DROPOFF_DATABASE_URL": database_url, "DROPOFF_DATA": str(tmp_path), "DROPOFF_SECRET": SECRET}
    here = Terminal(monkeypatch, capsys, settings)
    with closing(Database(database_url)) as db:
        world = World(db, tmp_path)
        taken = world.hand_in(world.till(), world.ask(world.give_back()))
        assert taken.receipt is not None
        signed = db.write_sync(counter.sign_receipt, Signer(Vault(SECRET), HERE), taken.receipt.token, NOW)
        assert signed is not None
        old = db.read_sync(counter.key_set, HERE).keys[0].kid
    file = tmp_path / "receipt.jwt"
    file.write_text(signed.receipt)
    assert here.run("verify-receipt", str(file))[0] == 0
    code, said, _ = here.run("keys", "rotate-receipts")
    assert code == 0
    assert "signs receipts from now on" in said
    assert here.run("verify-receipt", str(file))[0] == 0
    assert f"{old}  receipts   retired" in here.run("keys", "list")[1]
    code, said, _ = here.run("keys", "revoke", old)
    assert code == 0
    assert f"{old} is revoked" in said
    assert here.run("verify-receipt", str(file))[0] == 10
    assert here.run("keys", "revoke", "key_nothing")[0] == 1
