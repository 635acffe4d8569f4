"""Who has to act on a case, and by when."""

from datetime import UTC, datetime

import pytest

from dropoff.cases.rules import DUE_IN, KINDS, due_at, owner_of

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
