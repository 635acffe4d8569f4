"""What happened at a place lately is said as people say it, with its moment, and nothing is said when nobody knows."""

from datetime import UTC, datetime, timedelta

import pytest

from dropoff.network.evidence import NOTHING, Evidence
from dropoff.shopper import evidence_words
from dropoff.shopper.find_words import Said

NOW = datetime(2026, 11, 25, 15, 25, tzinfo=UTC)  # a Wednesday, 16:25 in Copenhagen
ZONE = "Europe/Copenhagen"


def back(**ago: float) -> datetime:
    """A moment so long ago, as evidence tells it: to ten minutes."""
    at = NOW - timedelta(**ago)
    return at.replace(minute=at.minute // 10 * 10)


@pytest.mark.parametrize(
    ("ago", "said"),
    [
        ({"minutes": 2}, "Took a parcel a few minutes ago"),
        ({"minutes": 12}, "Took a parcel a few minutes ago"),
        ({"minutes": 20}, "Took a parcel about 20 minutes ago"),
        ({"minutes": 52}, "Took a parcel about 50 minutes ago"),
        ({"hours": 3}, "Took a parcel today, about 13:20"),
        ({"hours": 17}, "Took a parcel yesterday"),
        ({"days": 12}, "Took a parcel Fri 13 November"),
    ],
)
def test_when_the_last_parcel_was_taken(ago: dict[str, float], said: str) -> None:
    assert evidence_words.lately(Evidence(hand_in_at=back(**ago)), ZONE, NOW) == (said,)


def test_when_a_driver_was_there() -> None:
    told = evidence_words.lately(Evidence(hand_in_at=back(minutes=30), driver_at=back(hours=2)), ZONE, NOW)
    assert told == ("Took a parcel about 30 minutes ago", "A driver was here today 14:20")
    assert evidence_words.lately(Evidence(driver_at=back(days=1)), ZONE, NOW) == ("A driver was here yesterday 16:20",)


def test_room_is_said_only_where_it_runs_out() -> None:
    heard = back(minutes=5)
    full = Said("Full, as of today 16:20", "bad")
    assert evidence_words.room(Evidence(free="full", as_of=heard), ZONE, NOW) == full
    assert evidence_words.room(Evidence(free="nearly_full", as_of=heard), ZONE, NOW) == Said("Nearly full", "wait")
    assert evidence_words.room(Evidence(free="free", as_of=heard), ZONE, NOW) is None


def test_what_is_missing_is_said_and_that_all_is_well_is_not() -> None:
    assert evidence_words.stock(Evidence(tags="none", printer="broken")) == (
        "Has run out of tags",
        "Cannot print labels at the moment",
    )
    assert evidence_words.stock(Evidence(tags="few", printer="ready")) == ()
    assert evidence_words.stock(Evidence(printer="none")) == ()


def test_nothing_is_said_of_what_nobody_knows_or_of_old_news() -> None:
    old = Evidence(hand_in_at=back(days=31), driver_at=back(days=40), as_of=back(days=31))
    for evidence in (NOTHING, old):
        assert evidence_words.lately(evidence, ZONE, NOW) == ()
        assert evidence_words.room(evidence, ZONE, NOW) is None
        assert evidence_words.as_of(evidence, ZONE, NOW) == ""
    assert evidence_words.as_of(Evidence(as_of=back(hours=1)), ZONE, NOW) == "As of today 15:20"
