"""What a scanner types is made plain, and a scanned pass travels sealed."""

from datetime import UTC, datetime, timedelta

import pytest

from dropoff.db.vault import Vault
from dropoff.receiving import till_reading
from dropoff.receiving.till_reading import SeenPass, open_pass, read_once, seal_pass

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
VAULT = Vault("a secret")
CODE = "QTQPG8K4BBGTQTQ0"


@pytest.mark.parametrize(
    "label", ["T0000000017", "095213210000000049", "7KQ3-9XMB-4TRC", "https://x.example/p/" + CODE, "TAG-4711"]
)
def test_a_label_that_was_read_twice_in_one_go_is_read_once(label: str) -> None:
    assert read_once(label + label) == label
    assert read_once(label + label.lower()) == label
    assert read_once(label) == label


@pytest.mark.parametrize("text", ["", "123123", "1000000010000000", "0000000000000000", "ABCDEFGHABCDEFGX", "ABCABC"])
def test_what_only_looks_doubled_is_left_alone(text: str) -> None:
    assert read_once(text) == text


def test_only_fields_that_scanners_type_into_are_folded() -> None:
    assert [till_reading.is_scanned(name) for name in ("text", "tag", "tag-3", "c")] == [True] * 4
    assert [till_reading.is_scanned(name) for name in ("reason", "driver", "seal", "unit", "csrf_token")] == [False] * 5


@pytest.mark.parametrize("text", [CODE, f"HTTPS://X.EXAMPLE/P/{CODE}", f"httpsÖ--x.example-p-{CODE.lower()}"])
def test_a_pass_comes_back_as_its_code_with_the_time_of_its_scan(text: str) -> None:
    sealed = seal_pass(VAULT, "dev_1", text, NOW)
    assert CODE not in sealed
    assert open_pass(VAULT, "dev_1", sealed, NOW + timedelta(hours=1)) == SeenPass(CODE, NOW)


def test_a_sealed_pass_is_for_one_till_and_one_shift() -> None:
    sealed = seal_pass(VAULT, "dev_1", CODE, NOW)
    assert open_pass(VAULT, "dev_2", sealed, NOW) is None
    assert open_pass(Vault("another"), "dev_1", sealed, NOW) is None
    assert open_pass(VAULT, "dev_1", sealed, NOW + till_reading.SHIFT) is None
    for broken in ("", "x", "ö", sealed[:-4], sealed + "AAAA"):
        assert open_pass(VAULT, "dev_1", broken, NOW) is None
