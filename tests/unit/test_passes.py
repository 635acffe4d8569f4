"""The codes of a pass: derived, different, readable, and known to the database by a hash alone."""

from dropoff.db.vault import Vault
from dropoff.kernel import codes
from dropoff.kernel.ids import new_id
from dropoff.returns.passes import PassKeys

KEYS = PassKeys(Vault("a-secret-for-tests-only"))


def test_codes_have_their_shapes() -> None:
    for _ in range(200):
        return_id = new_id("ret")
        assert codes.is_code(KEYS.code(return_id, 1))
        assert codes.is_short_code(KEYS.short_code(return_id, 1))


def test_codes_are_derived_so_that_they_can_be_shown_again() -> None:
    return_id = new_id("ret")
    again = PassKeys(Vault("a-secret-for-tests-only"))
    assert again.code(return_id, 1) == KEYS.code(return_id, 1)
    assert again.short_code(return_id, 1) == KEYS.short_code(return_id, 1)


def test_codes_depend_on_secret_return_and_generation() -> None:
    one, two = new_id("ret"), new_id("ret")
    other = PassKeys(Vault("another-secret-for-tests"))
    made = [KEYS.code(one, 1), KEYS.code(one, 2), KEYS.code(two, 1), other.code(one, 1)]
    assert len(set(made)) == 4
    short = [KEYS.short_code(one, 1), KEYS.short_code(one, 2), KEYS.short_code(two, 1), other.short_code(one, 1)]
    assert len(set(short)) == 4


def test_the_first_eleven_signs_of_short_codes_use_the_whole_alphabet() -> None:
    made = [KEYS.short_code(f"ret_{number}", 1) for number in range(600)]
    for place in range(codes.SHORT_LENGTH):
        assert {code[place] for code in made} == set(codes.SHORT_ALPHABET)


def test_the_hash_needs_the_secret() -> None:
    other = PassKeys(Vault("another-secret-for-tests"))
    short = KEYS.short_code("ret_1", 1)
    assert KEYS.short_hash(short) != other.short_hash(short)
    assert KEYS.code_hash("A" * 16) != other.code_hash("A" * 16)
    assert KEYS.code_hash(short) != KEYS.short_hash(short)
