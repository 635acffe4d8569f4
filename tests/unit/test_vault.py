"""Sealed values and derived keys."""

import pytest

from dropoff.db.vault import Vault, WrongSecret, new_token, token_hash

VAULT = Vault("a-secret-for-tests-only")


def test_what_is_sealed_can_be_opened_and_differs_each_time() -> None:
    sealed = [VAULT.seal("purpose", b"plain") for _ in range(2)]
    assert sealed[0] != sealed[1]
    assert b"plain" not in sealed[0]
    assert [VAULT.open("purpose", item) for item in sealed] == [b"plain"] * 2


@pytest.mark.parametrize("plain", [b"", b"\0" * 100_000, "æøå".encode()])
def test_any_bytes_can_be_sealed(plain: bytes) -> None:
    assert VAULT.open("p", VAULT.seal("p", plain)) == plain


def test_another_secret_purpose_or_a_changed_byte_opens_nothing() -> None:
    sealed = VAULT.seal("purpose", b"plain")
    spoilt = bytes([*sealed[:-1], sealed[-1] ^ 1])
    for vault, purpose, value in (
        (Vault("another-secret-altogether"), "purpose", sealed),
        (VAULT, "other", sealed),
        (VAULT, "purpose", spoilt),
        (VAULT, "purpose", sealed[:20]),
        (VAULT, "purpose", b""),
    ):
        with pytest.raises(WrongSecret):
            vault.open(purpose, value)


def test_derived_keys_are_stable_and_their_parts_cannot_run_into_each_other() -> None:
    assert VAULT.derive("pass", "a", "b") == Vault("a-secret-for-tests-only").derive("pass", "a", "b")
    others = [
        VAULT.derive("pass", "ab"),
        VAULT.derive("pass", "ab", ""),
        VAULT.derive("passa", "b"),
        VAULT.derive("pass", "b", "a"),
        Vault("another-secret-altogether").derive("pass", "a", "b"),
    ]
    assert len({VAULT.derive("pass", "a", "b"), *others}) == 6


def test_tokens_carry_their_prefix_and_are_looked_up_by_hash() -> None:
    token = new_token("live")
    assert token.startswith("live_")
    assert len(token) == 5 + 32
    assert token != new_token("live")
    assert len(token_hash(token)) == 64
    assert token not in token_hash(token)
