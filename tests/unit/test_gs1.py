"""GS1 numbers: what we make is valid, what scanners send is read, what is wrong is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropoff.kernel import gs1

prefixes = st.text("0123456789", min_size=4, max_size=12)
SSCC = "106141412345678908"  # the example of the GS1 General Specifications


@pytest.mark.parametrize(
    ("payload", "digit"),
    [("10614141234567890", "8"), ("629104150021", "3"), ("0", "0"), ("9", "3")],
)
def test_check_digit_as_gs1_publishes_it(payload: str, digit: str) -> None:
    assert gs1.check_digit(payload) == digit


@pytest.mark.parametrize("payload", ["", "12a", "١٢٣", "1 2"])
def test_a_check_digit_needs_plain_digits(payload: str) -> None:
    with pytest.raises(ValueError, match="digits"):
        gs1.check_digit(payload)


@given(prefixes, st.data(), st.integers(0, 9))
def test_every_composed_sscc_is_valid_and_holds_its_parts(prefix: str, data: st.DataObject, extension: int) -> None:
    serial = data.draw(st.integers(0, 10 ** (16 - len(prefix)) - 1))
    sscc = gs1.compose_sscc(prefix, serial, extension)
    assert gs1.is_sscc(sscc)
    assert sscc[0] == str(extension)
    assert sscc[1 : 1 + len(prefix)] == prefix
    assert int(sscc[1 + len(prefix) : 17]) == serial


@given(prefixes, st.data())
def test_running_numbers_give_different_ssccs(prefix: str, data: st.DataObject) -> None:
    everything = 10 ** (17 - len(prefix))
    first, second = data.draw(st.tuples(st.integers(0, everything - 1), st.integers(0, everything - 1)))
    assert (gs1.nth_sscc(prefix, first) == gs1.nth_sscc(prefix, second)) == (first == second)


def test_the_extension_digit_takes_over_when_the_serials_are_used_up() -> None:
    assert gs1.nth_sscc("952123456789", 9_999)[0] == "0"
    assert gs1.nth_sscc("952123456789", 10_000)[0] == "1"
    with pytest.raises(ValueError, match="extension"):
        gs1.nth_sscc("952123456789", 100_000)


@pytest.mark.parametrize(
    ("prefix", "serial", "extension"),
    [
        ("952", 1, 0),
        ("9521234567890", 1, 0),
        ("95212x4", 1, 0),
        ("9521234", 10**9, 0),
        ("9521234", -1, 0),
        ("9521234", 1, 10),
    ],
)
def test_parts_that_do_not_fit_are_refused(prefix: str, serial: int, extension: int) -> None:
    with pytest.raises(ValueError, match=r"GS1|serial|extension"):
        gs1.compose_sscc(prefix, serial, extension)


@given(prefixes, st.integers(0, 9999), st.integers(0, 17), st.integers(1, 9))
def test_one_wrong_digit_is_always_found(prefix: str, serial: int, place: int, shift: int) -> None:
    sscc = gs1.compose_sscc(prefix, serial)
    wrong = sscc[:place] + str((int(sscc[place]) + shift) % 10) + sscc[place + 1 :]
    assert not gs1.is_sscc(wrong)
    assert gs1.parse_sscc("00" + wrong) is None


@pytest.mark.parametrize(
    "scan",
    [
        SSCC,
        f"00{SSCC}",
        f"(00){SSCC}",
        "(00) 1 06141412 34567890 8",
        f"]C100{SSCC}",
        f"\x1d00{SSCC}",
        f"]C1\x1d00{SSCC}\r\n",
        f"]d200{SSCC}\x1d10LOT7",
        f"https://id.gs1.org/00/{SSCC}",
        f"HTTPS://ID.GS1.ORG/00/{SSCC}?linkType=all",
        f"https://returns.example/some/00/{SSCC}",
    ],
)
def test_an_sscc_is_read_however_it_was_scanned(scan: str) -> None:
    assert gs1.parse_sscc(scan) == SSCC


@pytest.mark.parametrize(
    "scan",
    [
        "",
        "00",
        SSCC[:-1],
        SSCC[:-1] + "7",
        f"00{SSCC}99",
        f"01{SSCC}",
        f"https://id.gs1.org/01/{SSCC}",
        f"https://id.gs1.org/00/{SSCC[:-1]}7",
        SSCC.replace("1", "١"),
        "A" + SSCC,
    ],
)
def test_what_is_no_sscc_is_none(scan: str) -> None:
    assert gs1.parse_sscc(scan) is None


@given(st.text())
def test_no_scan_breaks_the_parsers(scan: str) -> None:
    gs1.parse_sscc(scan)
    gs1.parse_grai(scan)


def test_the_digital_link_is_canonical_and_reads_back() -> None:
    link = gs1.gs1_digital_link(SSCC)
    assert link == f"https://id.gs1.org/00/{SSCC}"
    assert gs1.parse_sscc(link) == SSCC
    with pytest.raises(ValueError, match="SSCC"):
        gs1.gs1_digital_link("123")


@pytest.mark.parametrize("scan", ["(8003)09521234000013AB1", "]C1800309521234000013AB1", "09521234000013AB1"])
def test_a_grai_is_read(scan: str) -> None:
    assert gs1.parse_grai(scan) == "09521234000013AB1"


@pytest.mark.parametrize("scan", ["09521234000014AB1", "19521234000013AB1", "09521234000013" + "A" * 17, SSCC])
def test_what_is_no_grai_is_none(scan: str) -> None:
    assert gs1.parse_grai(scan) is None


def test_the_example_prefix_is_known_as_such() -> None:
    assert gs1.is_example_prefix(gs1.EXAMPLE_PREFIX)
    assert not gs1.is_example_prefix("5712345")
