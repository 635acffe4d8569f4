"""What is told of what happens at a place: coarse, only while it holds, and with a moment of its own."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropoff.network.evidence import DAY_MIN, NOTHING, Evidence, evidence_of, is_proven, marks_of, score
from dropoff.network.load_store import Load
from dropoff.network.nearby_evidence import Book
from dropoff.network.nearby_hours import minute_of

NOON = datetime(2026, 11, 23, 12, 7, 31, tzinfo=UTC)
TODAY = minute_of(NOON) // DAY_MIN


def load(**changes: object) -> Load:
    untold = dict.fromkeys(Load.__struct_fields__)
    told = {"location_id": "loc_1", "waiting": 0, "waiting_at": NOON, "touched_at": NOON}
    return Load(**(untold | told | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("waiting", "capacity", "free"),
    [(0, None, None), (9, None, None), (0, 10, "free"), (7, 10, "free"), (8, 10, "nearly_full"), (9, 10, "nearly_full"),
     (10, 10, "full"), (12, 10, "full"), (0, 0, "full"), (0, 1, "free"), (3, 4, "free"), (4, 5, "nearly_full")],
)  # fmt: skip
def test_room_is_told_in_words(waiting: int, capacity: int | None, free: str | None) -> None:
    assert evidence_of(marks_of(load(waiting=waiting, capacity=capacity)), TODAY).free == free


def test_moments_are_told_to_ten_minutes() -> None:
    told = evidence_of(marks_of(load(hand_in_at=NOON, driver_at=NOON - timedelta(minutes=7, seconds=32))), TODAY)
    assert told == Evidence(
        hand_in_at=datetime(2026, 11, 23, 12, 0, tzinfo=UTC),
        driver_at=datetime(2026, 11, 23, 11, 50, tzinfo=UTC),
        as_of=datetime(2026, 11, 23, 12, 0, tzinfo=UTC),
    )


def test_tags_and_printer_are_forgotten_after_a_month() -> None:
    marks = marks_of(load(tags=12, tags_at=NOON, printer="empty", printer_at=NOON - timedelta(days=1)))
    told = [evidence_of(marks, TODAY + days) for days in (0, 29, 30, 31)]
    assert [(one.tags, one.printer) for one in told] == [
        ("few", "empty"),
        ("few", "empty"),
        ("few", None),
        (None, None),
    ]
    assert [evidence_of(marks_of(load(tags=n, tags_at=NOON)), TODAY).tags for n in (0, 20, 21)] == [
        "none",
        "few",
        "enough",
    ]


def test_a_place_is_proven_for_two_weeks() -> None:
    taken, came = marks_of(load(hand_in_at=NOON)), marks_of(load(driver_at=NOON))
    for marks in (taken, came):
        assert is_proven(marks, minute_of(NOON + timedelta(days=13, hours=23)))
        assert not is_proven(marks, minute_of(NOON + timedelta(days=14)))
    assert not is_proven(marks_of(load(waiting=5, capacity=10)), minute_of(NOON))
    assert score(500.0, proven=False) == score(800.0, proven=True)


def test_a_book_keeps_the_last_word_of_thousands_and_tells_it_as_json() -> None:
    book, count = Book(), 5_000
    for hour in (0, 1):
        moments = (NOON + timedelta(hours=hour, minutes=n) for n in range(count))
        book.write((f"loc_{n}", marks_of(load(hand_in_at=at))) for n, at in enumerate(moments))
        assert book.count == count + 1
    slots = [n + 1 for n in range(0, count, 7)]
    told = [msgspec.json.decode(one, type=Evidence) for one in book.json([0, *slots], minute_of(NOON))]
    assert told[0] == NOTHING
    expected = [evidence_of(marks_of(load(hand_in_at=NOON + timedelta(hours=1, minutes=n - 1))), TODAY) for n in slots]
    assert told[1:] == expected
    assert [book.evidence(slot, minute_of(NOON)) for slot in slots] == expected


def test_full_and_silent_places_are_counted() -> None:
    book = Book()
    weeks = [load(hand_in_at=NOON - timedelta(days=days)) for days in (1, 13, 15, 40)]
    full = [load(waiting=4, capacity=4), load(waiting=3, capacity=4), load()]
    book.write((f"loc_{n}", marks_of(one)) for n, one in enumerate(weeks + full))
    assert (book.count_full(), book.count_silent(minute_of(NOON))) == (1, 2)
    book.write([("loc_2", marks_of(load(driver_at=NOON)))])
    assert book.count_silent(minute_of(NOON)) == 1


@given(hand_in=st.integers(0, 60 * 24 * 40), waiting=st.integers(0, 30), capacity=st.integers(0, 30))
def test_nobody_can_count_a_shops_parcels(hand_in: int, waiting: int, capacity: int) -> None:
    """What is told says no number, and moments only to ten minutes."""
    at = NOON - timedelta(minutes=hand_in)
    told = evidence_of(marks_of(load(hand_in_at=at, waiting=waiting, waiting_at=at, capacity=capacity)), TODAY)
    assert told.hand_in_at is not None
    assert told.as_of == told.hand_in_at
    assert (told.hand_in_at.minute % 10, told.hand_in_at.second) == (0, 0)
    assert timedelta() <= at - told.hand_in_at < timedelta(minutes=10)
