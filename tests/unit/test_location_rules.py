"""What may be done with a place in which state, and what closures make of its hours. Pure rules."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropoff.kernel.errors import Problem
from dropoff.network import closures, hours
from dropoff.network.closures import NewClosure, expression_with, problem_of
from dropoff.network.hours_told import Hours, days, standing
from dropoff.network.rules import LOCATION_MOVES, WEEKDAYS

TODAY = date(2026, 6, 30)
STATES = ("active", "paused", "closed", "removed")
VERBS = ("pause", "resume", "close", "reopen")


def test_every_move_is_listed_and_no_other_is_possible() -> None:
    allowed = {pair for pair in product(STATES, VERBS) if pair in LOCATION_MOVES}
    assert set(LOCATION_MOVES) == allowed
    assert {state for state, _ in allowed} == {"active", "paused", "closed"}, "a removed place is its source's"
    assert ("closed", "pause") not in allowed
    assert ("closed", "resume") not in allowed
    assert {LOCATION_MOVES[pair] for pair in allowed if pair[1] == "close"} == {"closed"}


def closure(first: str, last: str, opens: str = "off") -> NewClosure:
    return NewClosure(first_day=date.fromisoformat(first), last_day=date.fromisoformat(last), hours=opens)


@pytest.mark.parametrize(
    ("new", "pointer"),
    [
        (closure("2026-07-01", "2026-07-31"), None),
        (closure("2026-06-30", "2026-06-30", "10:00-14:00,16:00-18:00"), None),
        (closure("2026-06-01", "2026-06-30", "22:00-02:00"), None),
        (closure("2026-07-02", "2026-07-01"), "/last_day"),
        (closure("2026-06-01", "2026-06-29"), "/last_day"),
        (closure("2026-07-01", "2027-08-01"), "/last_day"),
        (closure("2029-07-01", "2029-07-02"), "/first_day"),
        (closure("2026-07-01", "2026-07-01", "closed"), "/hours"),
        (closure("2026-07-01", "2026-07-01", "Mo 10:00-14:00"), "/hours"),
        (closure("2026-07-01", "2026-07-01", "10-14"), "/hours"),
        (closure("2026-07-01", "2026-07-01", "off; 2026 Jul 01 10:00-12:00"), "/hours"),
    ],
)
def test_what_may_be_entered(new: NewClosure, pointer: str | None) -> None:
    refused = problem_of(new, TODAY)
    assert (refused.errors[0].pointer if isinstance(refused, Problem) else None) == pointer


def german(expression: str) -> Hours:
    return Hours(expression, "Europe/Berlin", "DE")


def opens(expression: str, first: str, count: int) -> list[str | None]:
    told = days(german(expression), date.fromisoformat(first), count)
    assert told is not None
    spans = [None if day.spans is None else day.spans for day in told]
    return [None if day is None else ",".join(f"{a:%H:%M}-{b:%H:%M}" for a, b in day) or "off" for day in spans]


def test_the_later_closure_holds_and_the_usual_hours_come_back() -> None:
    summer = [closure("2026-07-01", "2026-07-03"), closure("2026-07-02", "2026-07-02", "10:00-12:00")]
    said = expression_with(german("Mo-Fr 09:00-18:00; PH off"), summer, is_known=True)
    assert opens(said, "2026-06-30", 5) == ["09:00-18:00", "off", "10:00-12:00", "off", "off"]
    assert opens(said, "2026-07-06", 1) == ["09:00-18:00"]
    # A closure goes before a fallback, and before what holds on public holidays.
    christmas = [closure("2026-12-25", "2026-12-25", "10:00-11:00")]
    said = expression_with(german('Mo-Fr 09:00-18:00; PH off || "by appointment"'), christmas, is_known=True)
    assert opens(said, "2026-12-25", 1) == ["10:00-11:00"]


@pytest.mark.parametrize(
    ("usual", "held", "expected"),
    [
        # Saturday 3 January 2026 and the days around it, from the Friday on.
        ("Sa 22:00-02:00", ("2026-01-03", "2026-01-03", "off"), ["off", "off", "off"]),
        ("Mo-Su 22:00-02:00", ("2026-01-03", "2026-01-03", "off"), ["22:00-00:00", "off", "22:00-02:00"]),
        (
            "Mo-Su 22:00-02:00",
            ("2026-01-03", "2026-01-03", "10:00-14:00"),
            ["22:00-00:00", "10:00-14:00", "22:00-02:00"],
        ),
        (
            "Mo-Su 22:00-02:00",
            ("2026-01-03", "2026-01-03", "22:00-03:00"),
            ["22:00-00:00", "22:00-03:00", "22:00-02:00"],
        ),
        (
            "Mo-Fr 10:00-18:00",
            ("2026-01-03", "2026-01-04", "22:00-03:00"),
            ["10:00-18:00", "22:00-03:00", "22:00-03:00"],
        ),
        ("24/7", ("2026-01-03", "2026-01-03", "off"), ["00:00-00:00", "off", "00:00-00:00"]),
        ("sunset-02:00", ("2026-01-03", "2026-01-03", "off"), None),
    ],
)
def test_a_night_belongs_to_the_day_on_which_it_begins(
    usual: str, held: tuple[str, str, str], expected: list[str] | None
) -> None:
    place = msgspec.structs.replace(german(usual), position=(52.5, 13.4))
    said = msgspec.structs.replace(place, expression=expression_with(place, [closure(*held)], is_known=True))
    told = days(said, date(2026, 1, 2), 3)
    assert told is not None
    if expected is not None:
        assert opens(said.expression, "2026-01-02", 3) == expected
    night = datetime(2026, 1, 4, 0, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    assert standing(said, night).open_now is (held[2] == "22:00-03:00" or usual == "24/7")


CLOCKS = ("2026-03-29", "2026-10-25")
"""Sundays on which clocks are put forward and back in Berlin."""


def clock(first: int, last: int) -> st.SearchStrategy[str]:
    return st.integers(first, last).map(lambda half: f"{half // 2:02}:{half % 2 * 30:02}")


# By day, or into the next morning; no night ends when the next day begins, for then nobody can tell them apart.
span = st.tuples(clock(13, 46), st.one_of(clock(1, 12), st.just("24:00"), clock(47, 47)))
week = st.lists(st.one_of(st.none(), span), min_size=7, max_size=7)
held_days = st.tuples(st.integers(-3, 3), st.integers(0, 2), st.one_of(st.none(), span))


def test_of_closures_that_overlap_no_night_goes_on_that_never_began_and_none_is_cut() -> None:
    """The last entered counts: closed days within long nights, and long nights entered over a closed day."""
    within = [closure("2026-12-01", "2026-12-10", "20:00-02:00"), closure("2026-12-05", "2026-12-07")]
    over = [closure("2026-12-05", "2026-12-05"), closure("2026-12-01", "2026-12-10", "20:00-02:00")]
    zone = ZoneInfo("Europe/Berlin")
    for entered, closed_mornings in ((within, {1, 5, 6, 7, 8}), (over, {1})):
        said = german(expression_with(german("Mo-Su 08:00-18:00"), entered, is_known=True))
        opens = {day: standing(said, datetime(2026, 12, day, 0, 30, tzinfo=zone)).open_now for day in range(1, 12)}
        assert {day for day, is_open in opens.items() if not is_open} == closed_mornings


@settings(deadline=None, max_examples=60)
@given(week=week, held=st.lists(held_days, min_size=1, max_size=3), sunday=st.sampled_from(CLOCKS))
def test_closures_hold_from_midnight_to_midnight_and_for_the_nights_that_begin_in_them(
    week: list[tuple[str, str] | None], held: list[tuple[int, int, tuple[str, str] | None]], sunday: str
) -> None:
    """Beside what each day says by itself, around the nights in which clocks change."""
    around = date.fromisoformat(sunday)
    entered = [
        closure(str(around + timedelta(first)), str(around + timedelta(first + more)), "-".join(own) if own else "off")
        for first, more, own in held
    ]
    usual = ", ".join(f"{name} {'-'.join(own)}" for name, own in zip(WEEKDAYS, week, strict=True) if own)
    place = german(usual or "off")
    said = german(expression_with(place, entered, is_known=True))

    def of_day(day: date) -> tuple[NewClosure | None, tuple[str, str] | None]:
        """Which closure holds, and when it is open."""
        one = closures.of_day(entered, day)
        if one is None:
            return None, week[day.weekday()]
        return one, None if one.hours == "off" else (one.hours[:5], one.hours[6:])

    for number in range(-5, 7):
        day = around + timedelta(days=number)
        holds, own = of_day(day)
        held_before, night = of_day(day - timedelta(days=1))
        for half in range(48):
            wall = f"{half // 2:02}:{half % 2 * 30:02}"
            ends_here = night is not None and night[1] < night[0] and wall < night[1]
            runs_on = ends_here and (holds is None or holds is held_before)
            if ends_here and holds is not held_before and None not in (holds, held_before):
                continue  # of two closures that follow one another either may tell of that night
            opens_now = own is not None and (own[0] <= wall < own[1] if own[0] < own[1] else wall >= own[0])
            moment = datetime.combine(day, time(half // 2, half % 2 * 30), ZoneInfo("Europe/Berlin"))
            if moment.astimezone(UTC).astimezone(moment.tzinfo).replace(tzinfo=None) != moment.replace(tzinfo=None):
                continue  # the hour that the wall never shows
            told = hours.open_now(said.expression, said.zone, said.country, None, moment)
            assert told is (opens_now or runs_on), (said.expression, moment)


def test_closures_of_a_place_whose_hours_nobody_knows_are_known() -> None:
    said = expression_with(german("after lunch"), [closure("2026-07-01", "2026-07-01")], is_known=False)
    assert hours.is_hours(said)
    assert opens(said, "2026-06-30", 3) == [None, "off", None]
    assert expression_with(german("after lunch"), [], is_known=False) == "after lunch"


def test_a_day_begins_by_the_clock_of_the_place() -> None:
    late = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
    assert closures.today_at(late, "Europe/Berlin") == date(2026, 7, 2)
    assert closures.today_at(late, "America/New_York") == date(2026, 7, 1)
