"""Until when, from when, and day by day: in the place's own time, with its country's holidays, and unknown stays so."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from dropoff.network import hours_told
from dropoff.network.hours_told import Hours, Standing

DENMARK = ZoneInfo("Europe/Copenhagen")


def danish(expression: str) -> Hours:
    return Hours(expression, "Europe/Copenhagen", "DK", (55.68, 12.57))


def told(expression: str, at: str) -> tuple[bool | None, str]:
    """Whether it is open, and when that changes by the clock on its wall."""
    standing = hours_told.standing(danish(expression), datetime.fromisoformat(at).replace(tzinfo=DENMARK))
    changes = standing.changes_at
    return standing.open_now, "" if changes is None else f"{changes.astimezone(DENMARK):%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("expression", "at", "expected"),
    [
        ("Mo-Fr 08:00-20:00", "2026-11-24T09:00", (True, "11-24 20:00")),
        ("Mo-Fr 08:00-20:00", "2026-11-27T20:00", (False, "11-30 08:00")),
        ("Mo-Fr 08:00-12:00,13:00-18:00", "2026-11-24T12:30", (False, "11-24 13:00")),
        ("Mo-Fr 08:00-12:00,12:00-18:00", "2026-11-24T09:00", (True, "11-24 18:00")),
        ("Mo-Fr 08:00-20:00; PH off", "2026-12-24T21:00", (False, "12-28 08:00")),
        ("Fr-Sa 20:00-03:00", "2026-11-28T01:00", (True, "11-28 03:00")),
        ("24/7", "2026-11-24T09:00", (True, "")),
        ("off", "2026-11-24T09:00", (False, "")),
        ("Jul Mo-Su 10:00-18:00", "2026-11-24T09:00", (False, "")),
        ("Mo-Fr 08:00-20:00; Sa unknown", "2026-11-27T09:00", (True, "11-27 20:00")),
        ("Mo-Fr 08:00-24:00; Sa unknown", "2026-11-27T09:00", (True, "")),
        ("Tu unknown", "2026-11-24T09:00", (None, "")),
        ("after lunch", "2026-11-24T09:00", (None, "")),
        ("Mo-Fr 08:00-20:00; SH off", "2026-11-24T09:00", (None, "")),
    ],
)
def test_until_when_and_from_when(expression: str, at: str, expected: tuple[bool | None, str]) -> None:
    assert told(expression, at) == expected


def test_the_night_when_clocks_change() -> None:
    """25 October 2026: 03:00 comes twice. The wall says 03:00, so it closes when the wall first shows it."""
    evening = datetime(2026, 10, 24, 22, 0, tzinfo=DENMARK)
    closes = hours_told.standing(danish("Sa 20:00-02:30"), evening).changes_at
    assert closes == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_a_zone_nobody_knows_makes_hours_unknown() -> None:
    assert hours_told.standing(Hours("24/7", "Mars/Olympus", "DK"), datetime.now(UTC)) == Standing(None)
    assert hours_told.days(Hours("24/7", "Mars/Olympus", "DK"), date(2026, 1, 1), 7) is None


def spans(expression: str, first: str, count: int = 1) -> list[list[str] | None]:
    found = hours_told.days(danish(expression), date.fromisoformat(first), count)
    assert found is not None
    return [None if day.spans is None else [f"{a:%H:%M}-{b:%H:%M}" for a, b in day.spans] for day in found]


def test_days_one_by_one() -> None:
    assert spans("Mo-Fr 08:00-12:00,13:00-18:00", "2026-11-27", 2) == [["08:00-12:00", "13:00-18:00"], []]
    assert spans("24/7; Dec 24 off", "2026-12-23", 3) == [["00:00-00:00"], [], ["00:00-00:00"]]
    assert spans("Mo-Fr 08:00-18:00; Sa unknown", "2026-11-27", 2) == [["08:00-18:00"], None]


def test_a_night_is_told_on_the_day_it_begins() -> None:
    assert spans("Fr 20:00-03:00", "2026-11-27", 2) == [["20:00-03:00"], []]
    assert spans("Fr 20:00-03:00", "2026-11-28") == [[]]


def test_holidays_are_the_countrys() -> None:
    found = hours_told.days(danish("Mo-Su 08:00-18:00; PH off"), date(2026, 12, 24), 3)
    assert found is not None
    assert [(day.holiday, bool(day.spans)) for day in found] == [(False, True), (True, False), (True, False)]
    assert not hours_told.is_holiday("XX", date(2026, 12, 25))
    assert hours_told.speaks_of_holidays("Mo-Fr 08:00-18:00; PH off")
    assert not hours_told.speaks_of_holidays('Mo-Fr 08:00-18:00 "PH on request"')
