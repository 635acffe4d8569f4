"""What came, what did not, and what nobody expected."""

import pytest

from dropoff.receiving.rules import Contents, Findings, Seen, fold_tags, is_outstanding, sort_out

A, B, C = (Contents(f"pcl_{tag}", tag, True) for tag in ("TAG00A", "TAG00B", "TAG00C"))
PACKED = {one.parcel_id: one for one in (A, B, C)}


def see(*tags: str) -> list[Seen]:
    return [Seen(tag, {c.tag: c.parcel_id for c in PACKED.values()}.get(tag)) for tag in tags]


def answer(found: Findings) -> tuple[list[str], list[str], list[str]]:
    return [s.tag for s in found.received], [c.tag for c in found.missing], [s.tag for s in found.unexpected]


def test_tags_are_folded_once_each_in_the_order_of_the_scans() -> None:
    assert fold_tags([" tag00b\t", "TAG00A", "TAG00B", "tag00a\r\n"]) == ("TAG00B", "TAG00A")


def test_differences_go_both_ways_in_the_order_of_the_report() -> None:
    assert answer(sort_out(PACKED, see("TAG00C", "STRANGE1", "TAG00A"))) == (
        ["TAG00C", "TAG00A"],
        ["TAG00B"],
        ["STRANGE1"],
    )


def test_a_known_parcel_of_another_container_is_unexpected() -> None:
    found = sort_out(PACKED, [Seen("OTHER001", "pcl_elsewhere")])
    assert answer(found)[2] == ["OTHER001"]


def test_a_parcel_with_a_torn_and_a_new_tag_came_once() -> None:
    found = sort_out(PACKED, [Seen("TORN0001", A.parcel_id), *see("TAG00A", "TAG00B", "TAG00C")])
    assert answer(found) == (["TORN0001", "TAG00A", "TAG00B", "TAG00C"], [], [])


def test_what_came_earlier_is_not_missing_and_counts_as_received_when_seen_again() -> None:
    earlier = {**PACKED, A.parcel_id: Contents(A.parcel_id, A.tag, False)}
    assert answer(sort_out(earlier, see("TAG00B"))) == (["TAG00B"], ["TAG00C"], [])
    assert answer(sort_out(earlier, see("TAG00A", "TAG00B", "TAG00C"))) == (["TAG00A", "TAG00B", "TAG00C"], [], [])


@pytest.mark.parametrize(
    ("status", "container_id", "owed"),
    [
        ("in_container", "ctr_1", True),
        ("in_transit", "ctr_1", True),
        ("lost", "ctr_1", True),  # given up: it may still be in there
        ("lost", None, True),
        ("in_transit", "ctr_2", False),  # came out at a hub and travels in another
        ("at_hub", None, False),
        ("received", None, False),
        ("void", None, False),
    ],
)
def test_owed_is_what_still_has_to_come_out_of_here(status: str, container_id: str | None, owed: bool) -> None:
    assert is_outstanding(status, container_id, "ctr_1") is owed
