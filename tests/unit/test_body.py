"""What was sent is read exactly, or refused with a pointer to the field."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropoff.web.body import decode
from dropoff.web.problems import Refused
from dropoff.web.schema import Minor, Name, Time


class Line(msgspec.Struct):
    price: Minor
    name: Name
    at: Time


class Order(msgspec.Struct):
    lines: list[Line]


def _line(**changes: object) -> bytes:
    return msgspec.json.encode({"lines": [{"price": 1, "name": "a", "at": "2026-01-01T00:00:00Z"} | changes]})


@pytest.mark.parametrize(
    ("raw", "pointer"),
    [
        (_line(price="1"), "/lines/0/price"),
        (_line(price=-1), "/lines/0/price"),
        (_line(price=10**30), "/lines/0/price"),
        (_line(name=""), "/lines/0/name"),
        (_line(name="   "), "/lines/0/name"),
        (_line(name="a\0b"), "/lines/0/name"),
        (_line(name="x" * 201), "/lines/0/name"),
        (_line(at="2026-01-01T00:00:00"), "/lines/0/at"),
        (b'{"lines":[{"price":1}]}', "/lines/0/name"),
        (b'{"lines":[{"price":1' + b"0" * 5000 + b"}]}", "/lines/0/price"),
        (b"[]", ""),
        (b"", ""),
        (b"{", ""),
        (b'{"lines":[{"price":1,"name":"\xff","at":"2026-01-01T00:00:00Z"}]}', "/lines/0/name"),
        (b'{"lines":[{"price":1,"name":"\\ud800","at":"2026-01-01T00:00:00Z"}]}', "/lines/0/name"),
        (b'{"lines":[{"price":1,"name":"\\udc00","at":"2026-01-01T00:00:00Z"}]}', "/lines/0/name"),
        (b'{"lines":[{"price":1,"name":"a\x00b","at":"2026-01-01T00:00:00Z"}]}', "/lines/0/name"),
        (b'{"lines":[{"price":1,"name":"\\ud8', ""),
        (b'{"lines":[],"deep":' + b"[" * 100_000 + b"]" * 100_000 + b"}", ""),
    ],
)
def test_bad_input_is_refused_with_a_pointer(raw: bytes, pointer: str) -> None:
    with pytest.raises(Refused) as refused:
        decode(raw, Order)
    assert refused.value.problem.code == "invalid-request"
    assert [e.pointer for e in refused.value.problem.errors] == [pointer]
    assert refused.value.problem.errors[0].detail


def test_backslashes_that_only_look_like_nul_are_kept() -> None:
    assert decode(_line(name="a\\u0000b"), Order).lines[0].name == "a\\u0000b"


@given(st.text(min_size=1, max_size=200).filter(lambda t: t.strip()))
def test_every_storable_name_comes_through_unchanged(name: str) -> None:
    raw = _line(name=name.replace("\0", "0"))
    assert decode(raw, Order).lines[0].name == name.replace("\0", "0")


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        assert isinstance(decode(raw, Order), Order)
    except Refused as refused:
        assert refused.problem.code == "invalid-request"  # noqa: PT017 - both ways out are right
