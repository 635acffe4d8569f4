"""Open now is told in the place's own zone with its country's holidays, and unknown beats wrong."""

import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropoff.network.hours import is_around_the_clock, is_hours, open_now


def at(text: str, zone: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def berlin(expression: str, moment: datetime) -> bool | None:
    return open_now(expression, "Europe/Berlin", "DE", None, moment)


def test_hours_are_the_places_own_not_the_servers() -> None:
    moment = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)  # a Monday
    assert open_now("Mo-Fr 09:00-17:00", "Europe/Berlin", "DE", None, moment) is True
    assert open_now("Mo-Fr 09:00-17:00", "Europe/London", "GB", None, moment) is False
    assert open_now("Mo-Fr 09:00-17:00", "Pacific/Auckland", "NZ", None, moment) is False


def test_public_holidays_of_the_country_count() -> None:
    expression = "Mo-Sa 08:00-20:00; PH off"
    unity_day = at("2026-10-03T12:00", "Europe/Berlin")  # a Saturday; a holiday in Germany alone
    assert open_now(expression, "Europe/Berlin", "DE", None, unity_day) is False
    assert open_now(expression, "Europe/Warsaw", "PL", None, unity_day) is True


def test_a_country_without_a_calendar_makes_holiday_rules_unknown() -> None:
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert open_now("Mo-Su 08:00-20:00; PH off", "Antarctica/McMurdo", "AQ", None, noon) is None
    assert open_now("24/7", "Antarctica/McMurdo", "AQ", None, noon) is True


def test_school_holidays_are_in_no_calendar_and_so_unknown() -> None:
    noon = at("2026-11-23T12:00", "Europe/Berlin")
    assert berlin("Mo-Fr 08:00-18:00; SH off", noon) is None
    assert berlin('Mo-Fr 08:00-18:00 "not in SH"', noon) is True


@pytest.mark.parametrize("text", ["", "MON|-|-;", "PN-SB 06-21", "Mo 25:00-26:00", "(" * 900, "\x00", "Mo" * 600])
def test_what_cannot_be_parsed_is_unknown(text: str) -> None:
    assert berlin(text, datetime(2026, 11, 23, tzinfo=UTC)) is None
    assert not is_hours(text)


def test_an_expression_beyond_the_cap_is_never_parsed() -> None:
    rule = "Mo 10:00-11:00"
    assert is_hours("; ".join([rule] * 60))
    assert not is_hours("; ".join([rule] * 70))


def test_an_unknown_zone_is_unknown() -> None:
    assert open_now("24/7", "Mars/Olympus", "DE", None, datetime(2026, 1, 1, tzinfo=UTC)) is None


def test_the_night_when_an_hour_comes_twice() -> None:
    # 25 October 2026, Berlin: 02:00 to 03:00 passes twice. A bar that closes at 02:30 closes twice on the wall clock.
    expression = "Sa 20:00-26:30"
    first_ten_past_two = datetime(2026, 10, 25, 0, 10, tzinfo=UTC)
    assert [berlin(expression, first_ten_past_two + timedelta(minutes=m)) for m in (0, 30, 60, 90)] == [
        True,
        False,
        True,
        False,
    ]
    # A shop that opens at eight opens an hour later by UTC than the day before.
    assert berlin("08:00-20:00", datetime(2026, 10, 24, 6, 30, tzinfo=UTC)) is True
    assert berlin("08:00-20:00", datetime(2026, 10, 25, 6, 30, tzinfo=UTC)) is False


def test_the_night_when_an_hour_is_missing() -> None:
    before, after = datetime(2026, 3, 29, 0, 59, tzinfo=UTC), datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    assert berlin("Su 00:00-03:00", before) is True
    assert berlin("Su 00:00-03:00", after) is False
    assert berlin("Su 03:00-04:00", after) is True


def test_hours_that_follow_the_sun_need_the_position() -> None:
    evening = datetime(2026, 6, 21, 21, 0, tzinfo=UTC)
    place = ("sunrise-sunset", "Europe/Oslo", "NO")
    assert open_now(*place, (63.43, 10.40), evening) is True  # Trondheim
    assert open_now(*place, (59.91, 10.75), evening) is False  # Oslo
    assert open_now(*place, (69.65, 18.96), evening) is None  # Tromsø: the sun does not set at all
    assert open_now(*place, None, evening) is None


def test_unknown_stays_unknown_where_the_hours_say_so() -> None:
    assert berlin("Mo-Su unknown", datetime(2026, 11, 23, tzinfo=UTC)) is None


@given(
    start=st.integers(0, 23),
    length=st.integers(1, 23),
    weekday=st.integers(0, 6),
    moment=st.integers(1_577_836_800, 2_051_222_400).map(lambda s: datetime.fromtimestamp(s, UTC)),
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Etc/UTC"]),
)
def test_a_weekly_rule_holds_by_the_wall_clock(
    start: int, length: int, weekday: int, moment: datetime, zone: str
) -> None:
    day = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")[weekday]
    local = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    opened = [
        datetime.combine(local.date() - timedelta(days=back), datetime.min.time()) + timedelta(hours=start)
        for back in (0, 1)
        if (local.date() - timedelta(days=back)).weekday() == weekday
    ]
    wanted = any(begin <= local < begin + timedelta(hours=length) for begin in opened)
    expression = f"{day} {start:02}:00-{start + length:02}:00"
    assert open_now(expression, zone, "US", None, moment) is wanted


def test_threads_may_share_the_patterns() -> None:
    moments = [datetime(2026, 11, 23, hour % 24, tzinfo=UTC) for hour in range(400)]
    with ThreadPoolExecutor(4) as threads:
        told = list(threads.map(lambda moment: berlin("Mo-Su 09:00-17:00", moment), moments))
    assert told == [9 <= (moment.hour + 1) % 24 < 17 for moment in moments]


def test_nearly_all_real_hours_are_understood(shared_data: Path) -> None:
    with gzip.open(shared_data / "data" / "handover_points.geojson.gz") as file:
        features = json.load(file)["features"]
    texts = [f["properties"]["opening_hours"] for f in features if "opening_hours" in f["properties"]]
    assert sum(map(is_hours, texts)) >= 0.995 * len(texts)


@pytest.mark.parametrize("text", ["24", "7-24", "Mo 00-24", "24/5", "00-23", "0-24 except Sunday", "2424h"])
def test_what_is_not_round_the_clock_is_not_taken_for_it(text: str) -> None:
    assert not is_around_the_clock(text)
