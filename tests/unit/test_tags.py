"""Where a tag stands on its roll, what a roll's head says, and codes written by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropoff.counter.reading import read
from dropoff.kernel import codes, foreign, tags
from dropoff.kernel.tags import TagNumber

numbers = st.integers(0, 10**9 - 1)
written = st.integers(0, 29**6 - 1).map(tags.make_written)


@given(numbers)
def test_our_tags_count_without_their_check_digit(number: int) -> None:
    found = tags.tag_number(tags.make_tag(number))
    assert found == TagNumber("T", 9, number)
    assert found.tag() == tags.make_tag(number)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("AB000120", TagNumber("AB", 6, 120)),
        ("shop7-1", None),
        ("SHOP0071", TagNumber("SHOP", 4, 71)),
        ("123456", TagNumber("", 6, 123456)),
        ("ABCDEF", None),
        ("T1234567890", TagNumber("T", 10, 1234567890)),  # not with our check digit: another printer's
    ],
)
def test_other_rolls_count_by_the_digits_at_their_end(text: str, found: TagNumber | None) -> None:
    assert tags.tag_number(text) == found
    if found is not None:
        assert found.tag() == text


@given(numbers, numbers)
def test_a_rolls_head_is_read_and_is_nothing_else(one: int, other: int) -> None:
    first, last = sorted((tags.make_tag(one), tags.make_tag(other)))
    head = tags.roll_head(first, last)
    reading = read(head)
    if first == last:
        assert reading.roll is None, "one tag read twice is no roll"
    else:
        assert reading.roll == (first, last)
        assert (reading.tag, reading.may_be_pass) == (None, False)
    assert not tags.is_wellformed_tag(head)
    assert read(f"{last}{first}").roll is None


@given(written)
def test_a_written_code_is_a_tag_and_no_code_of_a_pass(code: str) -> None:
    assert tags.is_written(code)
    assert tags.is_wellformed_tag(code)
    assert not codes.is_short_code(code)
    assert foreign.recognise(code) is None
    assert read(code).maybe is None


@given(written)
def test_it_is_typed_in_groups_small_or_with_a_hyphen(code: str) -> None:
    shown = tags.format_written(code)
    for typed in (shown, shown.lower(), shown.replace(" ", "-"), f" {code} "):
        assert tags.fold_tag(typed) == code
        assert read(typed).tag == code


@given(written, st.integers(0, 7), st.sampled_from(codes.SHORT_ALPHABET))
def test_one_wrong_sign_is_found(code: str, place: int, sign: str) -> None:
    wrong = code[:place] + sign + code[place + 1 :]
    assert tags.is_written(wrong) == (wrong == code)


@given(written, st.integers(0, 6))
def test_two_swapped_neighbours_are_found(code: str, place: int) -> None:
    wrong = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    assert tags.is_written(wrong) == (wrong == code)


def test_a_written_code_holds_six_signs() -> None:
    assert tags.make_written(0) == "W2222222"[:7] + tags.make_written(0)[-1]
    with pytest.raises(ValueError, match="six signs"):
        tags.make_written(29**6)
