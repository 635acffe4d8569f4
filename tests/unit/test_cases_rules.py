"""Who has to act on a case, and by when."""

from datetime import UTC, datetime

import pytest

from dropoff.cases.rules import DUE_IN, KINDS, OUTCOMES, due_at, owner_of, unfit

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_deadline_after_its_opening(kind: str) -> None:
    assert due_at(kind, NOW) > NOW
    assert set(DUE_IN) == set(KINDS)


def test_what_turns_up_on_the_retailers_table_is_theirs_to_explain() -> None:
    assert owner_of("unexpected", "rtl_1", None) == "retailer"


@pytest.mark.parametrize(
    ("kind", "retailer_id", "location_id"),
    [
        ("unexpected", "rtl_1", "loc_hub"),  # it lies at a hub of the network
        ("unexpected", None, "loc_hub"),
        *[(kind, "rtl_1", None) for kind in KINDS if kind != "unexpected"],
    ],
)
def test_everything_else_is_the_operators(kind: str, retailer_id: str | None, location_id: str | None) -> None:
    assert owner_of(kind, retailer_id, location_id) == "operator"


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("kind", KINDS)
def test_only_a_doubtful_booking_asks_for_a_number_and_ends_in_one_of_two_ways(kind: str, outcome: str) -> None:
    with_number, without = unfit(kind, outcome, "ACME-1"), unfit(kind, outcome, None)
    if kind != "booking_unknown":
        assert (with_number is None, without is None) == (False, True)
    else:
        assert (with_number is None) == (outcome == "found")
        assert (without is None) == (outcome == "explained")
