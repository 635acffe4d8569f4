"""What the finder says, word by word."""

import calendar
from datetime import UTC, date, datetime, timedelta

import pytest

from dropoff.network import hours_told
from dropoff.network.closures import Closed
from dropoff.network.hours_told import Hours, Standing
from dropoff.shopper import find_words
from dropoff.shopper.find_words import Said

ZONE = "Europe/Copenhagen"
TUESDAY = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)  # ten o'clock there


def said(expression: str, walk: int | None = None, at: datetime = TUESDAY) -> Said:
    standing = hours_told.standing(Hours(expression, ZONE, "DK"), at)
    return find_words.opening(standing, ZONE, at, walk)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("Mo-Fr 08:00-22:00", Said("Open until 22:00", "good")),
        ("Mo-Fr 08:00-24:00", Said("Open until midnight", "good")),
        ("Tu 08:00-26:00", Said("Open until 02:00", "good")),
        ("24/7", Said("Open day and night", "good")),
        ("24/7; Nov 26 off", Said("Open until Thursday 00:00", "good")),
        ("Tu 08:00-24:00; We unknown", Said("Open now", "good")),
        ("Mo-Fr 12:00-18:00", Said("Opens 12:00", "wait")),
        ("We 09:00-18:00", Said("Opens tomorrow 09:00", "wait")),
        ("Mo 09:00-18:00", Said("Opens Monday 09:00", "wait")),
        ("Dec 4 09:00-18:00", Said("Opens Fri 4 December", "wait")),
        ("off", Said("Closed for now", "wait")),
        ("after lunch", Said("Hours unknown")),
    ],
)
def test_the_opening_state_is_a_sentence(expression: str, expected: Said) -> None:
    assert said(expression) == expected


def test_a_place_that_closes_while_one_walks_says_so() -> None:
    assert said("Mo-Fr 08:00-10:10", walk=9).text == "Open until 10:10"
    assert said("Mo-Fr 08:00-10:10", walk=10) == Said("Closes 10:10, before you are there", "bad")
    assert said("Mo-Fr 08:00-10:10", walk=None).text == "Open until 10:10"


@pytest.mark.parametrize(
    ("metres", "text"), [(0, "about 1 min walk"), (350, "about 6 min walk"), (3690, "about 60 min walk"), (3700, "")]
)
def test_the_walk(metres: float, text: str) -> None:
    assert find_words.walk(metres) == text


def test_a_closure_is_said_with_its_last_day_and_why() -> None:
    zone, july = "Europe/Copenhagen", lambda day, hour=12: datetime(2026, 7, day, hour, tzinfo=UTC)
    summer = Closed(date(2026, 7, 1), date(2026, 7, 21), "off", "summer break")
    assert find_words.closure([summer], zone, july(3)) == Said("Closed until 21 July (summer break)", "bad")
    assert find_words.closure([summer], zone, july(21, 21)) == Said("Closed today (summer break)", "bad")
    assert find_words.closure([summer], zone, july(21, 23)) is None, "there it is the 22nd"
    more = Closed(date(2026, 7, 22), date(2027, 1, 2), "off", "")
    assert find_words.closure([summer, more], zone, july(3)) == Said(
        "Closed until 2 January 2027 (summer break)", "bad"
    )
    short = Closed(date(2026, 7, 5), date(2026, 7, 5), "10:00-14:00", "inventory")
    assert find_words.closure([summer, short], zone, july(3)) == Said("Closed until 4 July (summer break)", "bad")
    assert find_words.closure([summer, short], zone, july(5)) is None, "it keeps other hours that day"
    june = datetime(2026, 6, 20, 12, tzinfo=UTC)
    assert find_words.coming_closure([summer], zone, june) == "Closed 1 July to 21 July (summer break)"
    assert find_words.coming_closure([summer], zone, june - timedelta(days=5)) == ""
    assert find_words.coming_closure([summer], zone, july(3)) == ""


def test_the_browsers_languages_tell_of_countries() -> None:
    assert find_words.countries_of("en-GB,en;q=0.9,da;q=0.8,nb-NO;q=0.7") == ("GB", "DK", "NO")
    assert find_words.countries_of("*") == find_words.countries_of("") == ()


def days(expression: str, first: date) -> tuple[hours_told.Day, ...]:
    found = hours_told.days(Hours(expression, ZONE, "DK"), first, 42)
    assert found is not None
    return found


def test_the_week_runs_from_monday_with_today_marked_and_nights_told_whole() -> None:
    week = find_words.week(
        days("Mo-Fr 08:00-12:00,13:00-18:00; Sa 20:00-02:00", date(2026, 11, 26)), speaks_of_holidays=False
    )
    assert [line.name for line in week] == list(calendar.day_name)
    assert [line.today for line in week] == [False, False, False, True, False, False, False]
    assert week[0].hours == ("08:00–12:00", "13:00–18:00")
    assert week[5].hours == ("20:00–02:00",)
    assert week[6].hours == ("Closed",)
    assert find_words.week(days("24/7", date(2026, 11, 26)), speaks_of_holidays=False)[0].hours == ("Day and night",)


def test_holidays_and_closures_of_the_next_two_weeks_are_told() -> None:
    told = days("Mo-Fr 08:00-18:00; PH off; Dec 23 08:00-12:00", date(2026, 12, 21))
    lines = find_words.exceptions(told, 14, speaks_of_holidays=True)
    assert [(line.name, line.hours, line.note) for line in lines] == [
        ("Wed 23 December", ("08:00–12:00",), "Other hours than usual"),
        ("Fri 25 December", ("Closed",), "Public holiday"),
        ("Sat 26 December", ("Closed",), "Public holiday"),
        ("Fri 1 January", ("Closed",), "Public holiday"),
    ]


def test_hours_that_do_not_speak_of_holidays_are_not_believed_on_one() -> None:
    (line,) = find_words.exceptions(days("Mo-Fr 08:00-18:00", date(2026, 12, 20)), 6, speaks_of_holidays=False)
    assert (line.hours, line.note) == (("08:00–18:00",), "Public holiday, may differ")


def test_what_is_unknown_is_said_to_be() -> None:
    assert find_words.opening(Standing(None), ZONE, TUESDAY + timedelta(days=1)).text == "Hours unknown"
