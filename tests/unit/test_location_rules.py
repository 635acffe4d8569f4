"""What may be done with a place in which state, and what closures make of its hours. Pure rules."""

from datetime import UTC, date, datetime
from itertools import product

import pytest

from dropoff.kernel.errors import Problem
from dropoff.network import closures, hours
from dropoff.network.closures import NewClosure, expression_with, problem_of
from dropoff.network.hours_told import Hours, days
from dropoff.network.rules import LOCATION_MOVES

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


def opens(expression: str, first: str, count: int) -> list[str | None]:
    told = days(Hours(expression, "Europe/Berlin", "DE"), date.fromisoformat(first), count)
    assert told is not None
    spans = [None if day.spans is None else day.spans for day in told]
    return [None if day is None else ",".join(f"{a:%H:%M}-{b:%H:%M}" for a, b in day) or "off" for day in spans]


def test_the_later_closure_holds_and_the_usual_hours_come_back() -> None:
    summer = [closure("2026-07-01", "2026-07-03"), closure("2026-07-02", "2026-07-02", "10:00-12:00")]
    said = expression_with("Mo-Fr 09:00-18:00; PH off", summer, is_known=True)
    assert opens(said, "2026-06-30", 5) == ["09:00-18:00", "off", "10:00-12:00", "off", "off"]
    assert opens(said, "2026-07-06", 1) == ["09:00-18:00"]
    # A closure goes before a fallback, and before what holds on public holidays.
    christmas = [closure("2026-12-25", "2026-12-25", "10:00-11:00")]
    said = expression_with('Mo-Fr 09:00-18:00; PH off || "by appointment"', christmas, is_known=True)
    assert opens(said, "2026-12-25", 1) == ["10:00-11:00"]


def test_closures_of_a_place_whose_hours_nobody_knows_are_known() -> None:
    said = expression_with("after lunch", [closure("2026-07-01", "2026-07-01")], is_known=False)
    assert hours.is_hours(said)
    assert opens(said, "2026-06-30", 3) == [None, "off", None]
    assert expression_with("after lunch", [], is_known=False) == "after lunch"


def test_a_day_begins_by_the_clock_of_the_place() -> None:
    late = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
    assert closures.today_at(late, "Europe/Berlin") == date(2026, 7, 2)
    assert closures.today_at(late, "America/New_York") == date(2026, 7, 1)
