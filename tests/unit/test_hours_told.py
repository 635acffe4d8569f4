"""Until when, from when, and day by day: in the place's own time, with its country's holidays, and unknown stays so."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropoff.network import hours, hours_told
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


CLOCKS_CHANGE = {
    "Europe/Copenhagen": ("DK", "2026-03-29T01:00", "2026-10-25T01:00"),
    "America/New_York": ("US", "2026-03-08T07:00", "2026-11-01T06:00"),
    "Australia/Lord_Howe": ("AU", "2026-10-03T15:30", "2026-04-04T15:00"),
    "Pacific/Auckland": ("NZ", "2026-09-26T14:00", "2026-04-04T14:00"),
    "Asia/Kolkata": ("IN", "2026-03-29T01:00", "2026-10-25T01:00"),
}
"""Zone → its country, and when (UTC) its clocks go forward and back; the last one's never do."""


@pytest.mark.parametrize("zone", [*CLOCKS_CHANGE][:-1])
def test_the_nights_when_clocks_change_everywhere(zone: str) -> None:
    for moment in CLOCKS_CHANGE[zone][1:]:
        changed = datetime.fromisoformat(moment).replace(tzinfo=UTC)
        offsets = [(changed + timedelta(seconds=s)).astimezone(ZoneInfo(zone)).utcoffset() for s in (-1, 0)]
        assert offsets[0] != offsets[1], "the table above is right"
        # Open over it, by the wall.
        start, end = (changed + timedelta(minutes=m) for m in (-75, 75))
        wall = "Mo-Su " + "-".join(f"{at.astimezone(ZoneInfo(zone)):%H:%M}" for at in (start, end))
        place = Hours(wall, zone, CLOCKS_CHANGE[zone][0])
        before = hours_told.standing(place, start - timedelta(minutes=5))
        assert (before.open_now, before.changes_at) == (False, start)
        assert hours_told.standing(place, start).changes_at == end


def test_an_hour_that_comes_twice_opens_twice() -> None:
    """25 October 2026: the wall shows 02:00 to 03:00 twice, and so does a shop that is open by the wall till 02:30."""

    def told_at(hour: int, minute: int) -> tuple[bool | None, datetime | None]:
        standing = hours_told.standing(danish("Sa 20:00-02:30"), datetime(2026, 10, 25, hour, minute, tzinfo=UTC))
        return standing.open_now, standing.changes_at

    assert told_at(0, 10) == (True, datetime(2026, 10, 25, 0, 30, tzinfo=UTC))
    assert told_at(0, 40) == (False, datetime(2026, 10, 25, 1, 0, tzinfo=UTC))
    assert told_at(1, 10) == (True, datetime(2026, 10, 25, 1, 30, tzinfo=UTC))
    assert told_at(1, 40) == (False, datetime(2026, 10, 31, 19, 0, tzinfo=UTC))


QUARTER = timedelta(minutes=15)
clock = st.integers(0, 95).map(lambda quarter: f"{quarter // 4:02}:{quarter % 4 * 15:02}")
day = st.sampled_from(["Mo", "Tu-Fr", "Sa", "Su", "Mo-Su", "PH", "Mo-Fr", "2026 Mar 28-2026 Mar 30", "2026 Oct 25"])
rule = st.one_of(
    st.tuples(day, clock, clock).filter(lambda one: one[1] != one[2]).map(lambda one: f"{one[0]} {one[1]}-{one[2]}"),
    st.tuples(day, st.sampled_from(["off", "unknown"])).map(" ".join),
    st.just("24/7"),
)
expressions = st.lists(rule, min_size=1, max_size=3).map("; ".join)


@given(expression=expressions, zone=st.sampled_from([*CLOCKS_CHANGE]), back=st.booleans(), off=st.integers(-3000, 3000))
def test_it_changes_when_told_and_not_before(expression: str, zone: str, back: bool, off: int) -> None:
    """Beside asking every quarter of an hour, around the nights when clocks change."""
    country, *changes = CLOCKS_CHANGE[zone]
    at = datetime.fromisoformat(changes[back]).replace(tzinfo=UTC) + timedelta(minutes=off)
    place = Hours(expression, zone, country)

    def is_open(moment: datetime) -> bool | None:
        return hours.open_now(expression, zone, country, None, moment)

    standing, until = hours_told.standing_until(place, at)
    assert standing.open_now == is_open(at)
    assert until > at
    quarter = at.replace(minute=at.minute // 15 * 15) + QUARTER
    while quarter < min(until, at + timedelta(days=10)):
        assert is_open(quarter) == standing.open_now, quarter
        quarter += QUARTER
    if standing.changes_at is not None:
        assert standing.open_now is not None
        assert standing.changes_at == until
        assert is_open(until) is (not standing.open_now)
        assert is_open(until - timedelta(seconds=1)) is standing.open_now
    elif not standing.stays and until < at + hours_told.AHEAD - timedelta(days=1):
        assert is_open(until) is None or standing.open_now is None


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
