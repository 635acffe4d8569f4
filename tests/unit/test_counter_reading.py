"""What a scanned text can be: never a fault, whatever it is."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dropoff.counter.reading import Reading, read
from dropoff.kernel import codes, gs1, tags

SSCC = gs1.nth_sscc("9521321", 7)
CODE = "7KX2M9QD4TNWZ3YB"
SHORT = "234678ABCDE" + codes.short_check("234678ABCDE")


@pytest.mark.parametrize(
    "text", [SSCC, f"00{SSCC}", f"(00){SSCC}", f"]C100{SSCC}", f"https://id.gs1.org/00/{SSCC}", f" {SSCC}\r\n"]
)
def test_an_sscc_in_any_form(text: str) -> None:
    assert read(text) == Reading(sscc=SSCC)


@pytest.mark.parametrize(("text", "network"), [("1Z999AA10123456784", "UPS"), ("rr 123 456 785 dk", "PostNord")])
def test_other_networks_numbers(text: str, network: str) -> None:
    assert read(text) == Reading(network=network)


@pytest.mark.parametrize(
    "text",
    [
        f"HTTPS://RETURNS.EXAMPLE.ORG/P/{CODE}",
        f"https://returns.example.org/p/{CODE.lower()}",
        f"HTTPSÆ--RETURNS.EXAMPLE.ORG-P-{CODE}",  # typed by a hand scanner on a Danish layout
        CODE,
    ],
)
def test_a_pass_in_any_form(text: str) -> None:
    reading = read(text)
    assert (reading.may_be_pass, reading.tag, reading.short_code) == (True, None, None)


@pytest.mark.parametrize("text", [SHORT, codes.format_short_code(SHORT), f" {SHORT.lower()} "])
def test_a_short_code_is_no_tag(text: str) -> None:
    reading = read(text)
    assert (reading.short_code, reading.tag) == (SHORT, None)


def test_a_tag_is_folded() -> None:
    tag = tags.make_tag(12)
    assert read(f" {tag.lower()}\t").tag == tag


def test_a_wrong_check_digit_is_nothing_of_ours() -> None:
    wrong = SSCC[:-1] + str((int(SSCC[-1]) + 1) % 10)
    assert read(wrong).sscc is None
    assert read("1Z999AA10123456785").network is None


def test_a_containers_id() -> None:
    assert read("ctr_06E5ZJ3YV8QZ3M0T9K1X7B2C4D").container_id == "ctr_06E5ZJ3YV8QZ3M0T9K1X7B2C4D"


scans = st.one_of(
    st.text(max_size=300),
    st.text(alphabet="0123456789]C()[]/ ABZ\x1d\x00\ud800ßıÆ", max_size=60),
    st.binary(max_size=60).map(lambda raw: raw.decode("latin-1")),
)


@given(scans)
@example("\ud800\udfff")
@example("\x00" * 20)
@example("ﬁ" * 16)
@example("１" * 18)
def test_reading_never_fails_and_a_text_means_one_kind_of_number(text: str) -> None:
    reading = read(text)
    if reading.sscc is not None:
        assert reading == Reading(sscc=reading.sscc)
        assert gs1.is_sscc(reading.sscc)
    if reading.network is not None:
        assert reading == Reading(network=reading.network)
    if reading.tag is not None:
        assert reading.tag.isascii()
        assert reading.short_code is None
        assert 6 <= len(reading.tag) <= 20
