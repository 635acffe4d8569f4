"""A unit's two state tables, a return's derived status, and the window of a pass."""

from datetime import UTC, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dropoff.returns import rules
from dropoff.returns.rules import (
    CUSTODY,
    CUSTODY_TRANSITIONS,
    RESOLUTION,
    RESOLUTION_TRANSITIONS,
    SETTLED,
    IllegalMove,
    edge,
    falls_due,
    move,
    return_status,
    unit_status,
)

CUSTODY_EVENTS = ("hand_in", "undo", "depart", "receive", "inspect", "lose", "cancel", "expire")
RESOLUTION_EVENTS = ("fall_due", "withdraw", "refund", "exchange", "credit", "reject")

# As the public contract tells them (API.md, "Unit"), written down a second time.
PUBLIC_CUSTODY = {
    "expected": {"hand_in": "handed_in", "cancel": "cancelled", "expire": "expired"},
    "handed_in": {"undo": "expected", "depart": "in_transit", "receive": "received", "lose": "lost"},
    "in_transit": {"receive": "received", "lose": "lost"},
    "received": {"inspect": "inspected"},
    "lost": {"receive": "received"},
}
PUBLIC_RESOLUTION = {
    "open": {"fall_due": "due", "reject": "rejected"},
    "due": {
        "withdraw": "open",
        "refund": "refunded",
        "exchange": "exchanged",
        "credit": "credited",
        "reject": "rejected",
    },
}


@pytest.mark.parametrize(("state", "event"), list(product(CUSTODY, CUSTODY_EVENTS)))
def test_every_custody_edge_is_the_contract_s_and_no_other_exists(state: str, event: str) -> None:
    wanted = PUBLIC_CUSTODY.get(state, {}).get(event)
    if wanted is None:
        with pytest.raises(IllegalMove, match=f"{event}.*{state}"):
            move(CUSTODY_TRANSITIONS, state, event)
    else:
        assert move(CUSTODY_TRANSITIONS, state, event) == wanted


@pytest.mark.parametrize(("state", "event"), list(product(RESOLUTION, RESOLUTION_EVENTS)))
def test_every_resolution_edge_is_the_contract_s_and_no_other_exists(state: str, event: str) -> None:
    wanted = PUBLIC_RESOLUTION.get(state, {}).get(event)
    if wanted is None:
        with pytest.raises(IllegalMove, match=f"{event}.*{state}"):
            move(RESOLUTION_TRANSITIONS, state, event)
    else:
        assert move(RESOLUTION_TRANSITIONS, state, event) == wanted


@pytest.mark.parametrize(
    ("table", "events"), [(CUSTODY_TRANSITIONS, CUSTODY_EVENTS), (RESOLUTION_TRANSITIONS, RESOLUTION_EVENTS)]
)
def test_an_event_leads_to_one_state_so_that_one_guarded_update_makes_it(
    table: dict[tuple[str, str], str], events: tuple[str, ...]
) -> None:
    assert {event for _, event in table} == set(events)
    for event in events:
        sources, target = edge(table, event)
        assert sources
        assert all(table[source, event] == target for source in sources)
    with pytest.raises(IllegalMove):
        edge(table, "teleport")


@pytest.mark.parametrize(("custody", "resolution"), list(product(CUSTODY, RESOLUTION)))
def test_a_unit_s_status_is_its_resolution_once_settled(custody: str, resolution: str) -> None:
    settled = resolution in ("refunded", "exchanged", "credited", "rejected")
    assert unit_status(custody, resolution) == (resolution if settled else custody)


E, H, T, R, I, L = (  # noqa: E741 - states of one unit, to write returns as words
    ("expected", "open"),
    ("handed_in", "open"),
    ("in_transit", "due"),
    ("received", "due"),
    ("inspected", "due"),
    ("lost", "due"),
)
GONE, OUT, PAID, KEPT = ("cancelled", "open"), ("expired", "open"), ("inspected", "refunded"), ("expected", "refunded")


@pytest.mark.parametrize(
    ("units", "status"),
    [
        ([E], "issued"),
        ([E, E, GONE], "issued"),
        ([E, H], "partly_handed_in"),
        ([E, R], "partly_handed_in"),
        ([E, PAID], "partly_handed_in"),
        ([H, H], "handed_in"),
        ([H, GONE], "handed_in"),
        ([T, R], "handed_in"),
        ([H, OUT], "handed_in"),
        ([R, I, L], "received"),
        ([R, PAID], "received"),
        ([R, GONE, OUT], "received"),
        ([PAID, PAID], "resolved"),
        ([PAID, GONE, OUT], "resolved"),
        ([KEPT], "resolved"),
        ([("handed_in", "refunded")], "resolved"),
        ([GONE, GONE], "cancelled"),
        ([OUT, OUT], "expired"),
        ([GONE, OUT], "expired"),
    ],
)
def test_a_return_s_status_follows_from_its_units(units: list[tuple[str, str]], status: str) -> None:
    assert return_status(units) == status
    assert return_status(units[::-1]) == status


@given(st.lists(st.tuples(st.sampled_from(CUSTODY), st.sampled_from(RESOLUTION)), min_size=1, max_size=6))
def test_a_status_is_always_one_of_the_list(units: list[tuple[str, str]]) -> None:
    assert return_status(units) in rules.RETURN_STATUS


def test_money_falls_due_at_the_policy_s_event_and_never_waits_for_one_that_was_missed() -> None:
    events = ("hand_in", "depart", "receive", "inspect")
    for refund_at, first in (("hand_in", 0), ("receipt", 2), ("inspection", 3)):
        assert [falls_due(refund_at, event) for event in events] == [place >= first for place in range(4)]
        assert falls_due(refund_at, "lose"), "the shopper handed it in: the loss is not the shopper's"
        assert not any(falls_due(refund_at, event) for event in ("undo", "cancel", "expire"))


class OneUnit(RuleBasedStateMachine):
    """Whatever happens to a thing in whatever order: it stays within the tables, and settled stays settled."""

    def __init__(self) -> None:
        super().__init__()
        self.custody, self.resolution = "expected", "open"
        self.path: list[str] = []

    @rule(data=st.data())
    def moves(self, data: st.DataObject) -> None:
        possible = [event for state, event in CUSTODY_TRANSITIONS if state == self.custody]
        if possible:
            event = data.draw(st.sampled_from(possible))
            self.custody = move(CUSTODY_TRANSITIONS, self.custody, event)
            self.path.append(event)

    @precondition(lambda self: self.resolution not in SETTLED)
    @rule(data=st.data())
    def turns(self, data: st.DataObject) -> None:
        event = data.draw(st.sampled_from([e for state, e in RESOLUTION_TRANSITIONS if state == self.resolution]))
        self.resolution = move(RESOLUTION_TRANSITIONS, self.resolution, event)

    @invariant()
    def only_what_was_handed_in_travels(self) -> None:
        if self.custody in ("in_transit", "received", "inspected", "lost"):
            assert "hand_in" in self.path
        if self.custody in ("cancelled", "expired"):
            assert self.path[-1] in ("cancel", "expire")

    @invariant()
    def settled_is_the_end(self) -> None:
        if self.resolution in SETTLED:
            assert not any(state == self.resolution for state, _ in RESOLUTION_TRANSITIONS)
            assert unit_status(self.custody, self.resolution) == self.resolution


TestOneUnit = OneUnit.TestCase


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def test_the_window_runs_from_delivery_or_else_from_the_order() -> None:
    placed, delivered = utc("2026-03-01T10:00+00:00"), utc("2026-03-05T10:00+00:00")
    assert rules.window_end(placed, None, 14, "Europe/Berlin") == utc("2026-03-15T23:59:59+01:00")
    assert rules.window_end(placed, delivered, 14, "Europe/Berlin") == utc("2026-03-19T23:59:59+01:00")


def test_days_are_those_of_the_retailer_s_zone() -> None:
    late_in_utc = utc("2026-03-01T23:30+00:00")  # already the 2nd in Berlin, still the 1st in New York
    assert rules.window_end(late_in_utc, None, 0, "Europe/Berlin") == utc("2026-03-02T23:59:59+01:00")
    assert rules.window_end(late_in_utc, None, 0, "America/New_York") == utc("2026-03-01T23:59:59-05:00")


@pytest.mark.parametrize(
    ("zone", "placed", "days", "end"),
    [
        # Clocks go forward on 29 March: the window ends at midnight there, an hour earlier in UTC.
        ("Europe/Berlin", "2026-03-20T12:00+01:00", 9, "2026-03-29T23:59:59+02:00"),
        # They go back on 25 October.
        ("Europe/Berlin", "2026-10-20T12:00+02:00", 5, "2026-10-25T23:59:59+01:00"),
        # In Cuba they go back at one in the night, so 00:00 comes twice; 23:59:59 does not.
        ("America/Havana", "2026-10-30T12:00-04:00", 2, "2026-11-01T23:59:59-05:00"),
        # In Paraguay's last autumn with summer time 23:00 to 24:00 came twice: the shopper gets the later one.
        ("America/Asuncion", "2024-03-20T12:00-03:00", 3, "2024-03-23T23:59:59-04:00"),
    ],
)
def test_the_last_second_is_right_where_clocks_change(zone: str, placed: str, days: int, end: str) -> None:
    assert rules.window_end(utc(placed), None, days, zone) == utc(end)


def test_a_pass_holds_14_days_or_as_long_as_the_window() -> None:
    issued = utc("2026-03-10T12:00+01:00")
    soon, late = utc("2026-03-12T23:59:59+01:00"), utc("2026-04-30T23:59:59+02:00")
    assert rules.last_day(soon, issued, "Europe/Berlin") == utc("2026-03-24T23:59:59+01:00")
    assert rules.last_day(late, issued, "Europe/Berlin") == late
    assert rules.expires_at(late) - late == timedelta(hours=24)


def test_a_renewal_lengthens_but_not_for_ever() -> None:
    zone, first = "Europe/Berlin", utc("2026-03-24T23:59:59+01:00")
    on_the_20th = rules.renewed_last_day(first, first, utc("2026-03-20T12:00+01:00"), zone)
    assert on_the_20th == utc("2026-04-03T23:59:59+02:00")
    assert rules.renewed_last_day(on_the_20th, first, utc("2026-03-20T13:00+01:00"), zone) == on_the_20th
    last = rules.renewed_last_day(on_the_20th, first, utc("2026-04-03T12:00+02:00"), zone)
    assert last == utc("2026-04-07T23:59:59+02:00"), "14 days after the first last day is the end"
    assert rules.renewed_last_day(first, first, utc("2026-03-01T12:00+01:00"), zone) == first, "never shorter"


@given(
    st.datetimes(datetime(2001, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.integers(0, 400),
    st.sampled_from(["Europe/Copenhagen", "America/Havana", "Pacific/Apia", "Australia/Lord_Howe", "Asia/Kathmandu"]),
)
def test_every_last_second_is_23_59_59_of_its_day(placed: datetime, days: int, zone: str) -> None:
    end = rules.window_end(placed, None, days, zone)
    local = end.astimezone(ZoneInfo(zone))
    assert (local.hour, local.minute, local.second) == (23, 59, 59)
    assert local.date() - placed.astimezone(ZoneInfo(zone)).date() == timedelta(days=days)
