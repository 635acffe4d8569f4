"""Pass codes, short codes, tags and foreign numbers: each is told from the others, whatever the keyboard
did."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropoff.kernel import codes, foreign, gs1, tags

pass_codes = st.binary(min_size=10, max_size=10).map(codes.encode_code)
eleven = st.text(codes.SHORT_ALPHABET, min_size=11, max_size=11)

# What a scanner set to US sends, as a computer set to another layout reads it.
DANISH = str.maketrans({":": "Æ", "/": "-", "-": "+"})
GERMAN = str.maketrans({":": "Ö", "/": "-", "-": "ß", "Y": "Z", "Z": "Y"})


@given(pass_codes)
def test_a_code_is_sixteen_crockford_signs(code: str) -> None:
    assert codes.is_code(code)


def test_a_code_keeps_every_bit() -> None:
    assert codes.encode_code(b"\0" * 10) == "0" * 16
    assert codes.encode_code(b"\xff" * 10) == "Z" * 16
    assert codes.encode_code(b"\0" * 9 + b"\x21") == "0" * 14 + "11"


@given(pass_codes, st.sampled_from([None, DANISH, GERMAN]), st.sampled_from(["\r", "\n", "\t", "", " "]))
def test_a_pass_is_read_through_every_layout(code: str, layout: dict[int, str] | None, end: str) -> None:
    typed = f"HTTPS://RETURNS.EXAMPLE/P/{code}"
    typed = (typed.translate(layout) if layout else typed) + end
    assert code in codes.code_candidates(typed)
    if layout is not GERMAN:
        assert codes.code_candidates(typed)[0] == code


@given(pass_codes)
def test_a_code_may_be_typed_in_groups_and_small_with_lookalikes(code: str) -> None:
    typed = "-".join(code[at : at + 4] for at in range(0, 16, 4)).lower().replace("0", "o").replace("1", "l")
    assert codes.code_candidates(typed)[0] == code


@pytest.mark.parametrize("text", ["", "ABC", "ABCDEFGHJKMNPQRU", "https://example.org/"])
def test_what_is_too_short_or_has_a_u_is_no_code(text: str) -> None:
    assert codes.code_candidates(text) == ()


@given(eleven)
def test_a_short_code_passes_its_own_check(signs: str) -> None:
    code = signs + codes.short_check(signs)
    assert codes.is_short_code(code)
    shown = codes.format_short_code(code)
    assert codes.normalise_short_code(f" {shown.lower()} ") == code


@given(eleven, st.integers(0, 11), st.sampled_from(codes.SHORT_ALPHABET))
def test_one_wrong_sign_of_a_short_code_is_found(signs: str, place: int, other: str) -> None:
    code = signs + codes.short_check(signs)
    wrong = code[:place] + other + code[place + 1 :]
    assert codes.is_short_code(wrong) == (wrong == code)


@given(eleven, st.integers(0, 10))
def test_two_swapped_neighbours_of_a_short_code_are_found(signs: str, place: int) -> None:
    code = signs + codes.short_check(signs)
    wrong = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    assert codes.is_short_code(wrong) == (wrong == code)


@pytest.mark.parametrize("text", ["", "2346789ABCD", "O346789ABCDE", "🙂" * 12])
def test_what_is_no_short_code_is_none(text: str) -> None:
    assert codes.normalise_short_code(text) is None


@given(st.integers(0, 10**9 - 1))
def test_our_tags_are_valid_and_well_formed(number: int) -> None:
    tag = tags.make_tag(number)
    assert tags.is_our_tag(tag)
    assert tags.is_wellformed_tag(tag.lower())


@given(st.integers(0, 10**9 - 1), st.integers(1, 10), st.integers(1, 9))
def test_one_wrong_digit_of_our_tag_is_found(number: int, place: int, shift: int) -> None:
    tag = tags.make_tag(number)
    assert not tags.is_our_tag(tag[:place] + str((int(tag[place]) + shift) % 10) + tag[place + 1 :])


@given(st.text("0123456789ABCDEF", min_size=8, max_size=8), st.sampled_from(string.digits + "X"))
def test_any_roll_of_ten_signs_is_taken(middle: str, last: str) -> None:
    assert tags.is_wellformed_tag(f"T{middle}{last}")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ABCDE",
        "A" * 21,
        "TAG-123",
        "TÅG1234",
        "ſTAG123",
        "1Z999AA10123456784",
        "RR123456785DK",
        gs1.nth_sscc("9521234", 7),
        "00" + gs1.nth_sscc("9521234", 7),
        "0123456789ABCDEF",
        "2346789ABCD" + codes.short_check("2346789ABCD"),
    ],
)
def test_what_could_be_taken_for_something_else_is_no_tag(text: str) -> None:
    assert not tags.is_wellformed_tag(text)


@given(st.text())
def test_no_text_breaks_the_readers(text: str) -> None:
    codes.code_candidates(text)
    codes.normalise_short_code(text)
    foreign.recognise(text)
    tags.is_wellformed_tag(text)


@given(st.integers(4, 12), st.integers(0, 10**5 - 1))
def test_a_number_of_a_prefix_is_found_again_in_its_sscc(length: int, number: int) -> None:
    prefix = "952132100000"[:length]
    assert gs1.split_sscc(gs1.nth_sscc(prefix, number), length) == (prefix, number)
