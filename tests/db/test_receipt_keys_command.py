"""`dropoff keys` and `dropoff verify-receipt` where a network is installed."""

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from tests.counter_world import NOW, World

from dropoff.counter import service as counter
from dropoff.counter.signing import Signer
from dropoff.db import Database
from dropoff.db.vault import Vault

SECRET = "a-secret-for-tests-only-0123456789"
HERE = "http://127.0.0.1:8000"


def test_an_operator_lets_a_new_key_sign_and_calls_an_old_one_back(database_url: str, tmp_path: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "DROPOFF_DATABASE_URL": database_url,
        "DROPOFF_DATA": str(tmp_path),
        "DROPOFF_SECRET": SECRET,
    }

    def run(*arguments: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "dropoff.cli", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout

    with closing(Database(database_url)) as db:
        world = World(db, tmp_path)
        taken = world.hand_in(world.till(), world.ask(world.give_back()))
        assert taken.receipt is not None
        signed = db.write_sync(counter.sign_receipt, Signer(Vault(SECRET), HERE), taken.receipt.token, NOW)
        assert signed is not None
        old = db.read_sync(counter.key_set, HERE).keys[0].kid
    file = tmp_path / "receipt.jwt"
    file.write_text(signed.receipt)
    assert run("verify-receipt", str(file))[0] == 0
    code, said = run("keys", "rotate-receipts")
    assert code == 0
    assert "signs receipts from now on" in said
    assert run("verify-receipt", str(file))[0] == 0
    assert f"{old}  receipts   retired" in run("keys", "list")[1]
    code, said = run("keys", "revoke", old)
    assert code == 0
    assert f"{old} is revoked" in said
    assert run("verify-receipt", str(file))[0] == 10
    assert run("keys", "revoke", "key_nothing")[0] == 1
