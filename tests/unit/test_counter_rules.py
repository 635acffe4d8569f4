"""The counter's state tables and judgements, walked whole."""

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import get_args

import msgspec
import pytest

from dropoff.counter import rules
from dropoff.counter.rules import Load, Packing, PassFacts

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
FACTS = PassFacts(
    live=True,
    last_day_at=NOW + timedelta(days=1),
    expires_at=NOW + timedelta(days=2),
    custody={"a": "expected", "b": "expected"},
)


@pytest.mark.parametrize(
    ("table", "states"),
    [
        (rules.PARCEL_TRANSITIONS, rules.PARCEL_STATES),
        (rules.CONTAINER_TRANSITIONS, rules.CONTAINER_STATES),
    ],
)
def test_every_pair_of_state_and_event_is_an_edge_or_a_fault(
    table: dict[tuple[str, str], str], states: tuple[str, ...]
) -> None:
    events = {event for _, event in table}
    for state, event in product(states, events):
        if (state, event) in table:
            assert rules.move(table, state, event) in states
            assert state in rules.sources(table, event)
        else:
            with pytest.raises(rules.IllegalMove, match=event):
                rules.move(table, state, event)


def test_nothing_comes_back_from_received_or_void() -> None:
    assert not [state for state, _ in rules.PARCEL_TRANSITIONS if state in ("received", "void")]


def test_every_refusal_has_a_sentence() -> None:
    assert all(sentence.endswith(".") for sentence in rules.REFUSALS.values())
    assert get_args(rules.RefusedUnitReason) == rules.REFUSED_UNIT_REASONS


def judge(facts: PassFacts = FACTS, named: str = "a", **more: object) -> tuple[str, str | None]:
    known = {"till_is_live": True, "scanned_at": NOW, "received_at": NOW} | more
    return rules.judge_units(facts, list(named), **known)  # type: ignore[arg-type]


def with_custody(**custody: str) -> PassFacts:
    return msgspec.structs.replace(FACTS, custody=custody)


def test_what_is_expected_is_accepted() -> None:
    assert judge() == ("accepted", None)
    assert judge(named="ab") == ("accepted", None)


@pytest.mark.parametrize("custody", ["handed_in", "in_transit", "received", "inspected", "lost"])
def test_whatever_left_the_shopper_is_already(custody: str) -> None:
    assert judge(with_custody(a=custody, b="expected"), "ab") == ("already", None)
    assert judge(with_custody(a=custody, b="expired"), "a") == ("already", None)


def test_the_order_of_refusals() -> None:
    cancelled = with_custody(a="cancelled", b="cancelled")
    late = NOW + timedelta(days=30)
    assert judge(cancelled, till_is_live=False) == ("refused", "test_mode")
    assert judge(cancelled, "x") == ("refused", "pass_cancelled")
    assert judge(cancelled, "a") == ("refused", "pass_cancelled")
    assert judge(FACTS, "x", received_at=late) == ("refused", "pass_expired")
    assert judge(FACTS, "ax") == ("refused", "unit_unknown")
    assert judge(with_custody(a="expired", b="handed_in"), "a") == ("refused", "unit_expired")
    assert judge(with_custody(a="expired", b="expected"), "a") == ("refused", "unit_expired")
    assert judge(with_custody(a="cancelled", b="expected"), "a") == ("refused", "unit_unknown")


MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("scanned", "received", "in_time"),
    [
        (FACTS.last_day_at, FACTS.last_day_at, True),
        (FACTS.expires_at, FACTS.expires_at, True),  # the last moment of grace
        (FACTS.expires_at + MINUTE, FACTS.expires_at + MINUTE, False),
        (FACTS.last_day_at, FACTS.expires_at + MINUTE, True),  # the till was offline
        (FACTS.last_day_at + MINUTE, FACTS.expires_at + MINUTE, False),  # grace is for our clock alone
        (FACTS.last_day_at, FACTS.last_day_at + rules.OFFLINE_AT_MOST, True),
        (FACTS.last_day_at, FACTS.last_day_at + rules.OFFLINE_AT_MOST + MINUTE, False),  # too long ago to be believed
        (NOW + timedelta(days=90), FACTS.last_day_at, True),  # a wrong clock takes nothing away
    ],
)
def test_when_a_hand_in_is_in_time(scanned: datetime, received: datetime, in_time: bool) -> None:
    assert rules.is_in_time(FACTS, scanned, received) is in_time
    expected = ("accepted", None) if in_time else ("refused", "pass_expired")
    assert judge(scanned_at=scanned, received_at=received) == expected


def test_a_clock_in_the_future_is_not_plausible() -> None:
    assert rules.is_plausible(NOW + rules.CLOCK_SKEW, NOW)
    assert not rules.is_plausible(NOW + rules.CLOCK_SKEW + MINUTE, NOW)


CONTAINER = Packing(status="open", live=True, location_id="here", next=("retailer", "r1"), weight_g=900)
LOAD = Load(location_id="here", live=True, next=("retailer", "r1"), weight_g=100, max_weight_g=1000)


@pytest.mark.parametrize(
    ("container", "load", "reason"),
    [
        (CONTAINER, LOAD, None),
        (msgspec.structs.replace(CONTAINER, next=None), LOAD, None),
        (CONTAINER, msgspec.structs.replace(LOAD, weight_g=101), "over_weight"),
        (CONTAINER, msgspec.structs.replace(LOAD, weight_g=10**9, max_weight_g=None), None),
        (None, LOAD, "container_unknown"),
        (msgspec.structs.replace(CONTAINER, live=False), LOAD, "test_mode"),
        (msgspec.structs.replace(CONTAINER, location_id="there"), LOAD, "wrong_location"),
        (msgspec.structs.replace(CONTAINER, location_id=None, status="handed_over"), LOAD, "container_not_open"),
        (msgspec.structs.replace(CONTAINER, status="sealed"), LOAD, "container_not_open"),
        (CONTAINER, msgspec.structs.replace(LOAD, next=("retailer", "r2")), "wrong_container"),
        (CONTAINER, msgspec.structs.replace(LOAD, next=("hub", "r1")), "wrong_container"),
    ],
)
def test_why_a_load_does_not_go_in(container: Packing | None, load: Load, reason: str | None) -> None:
    assert rules.why_not_packed(container, load) == reason


@pytest.mark.parametrize(
    ("minutes", "containers", "parcels", "reason"),
    [
        (10, [("open", False)], ["in_container"], None),
        (10, [], ["tagged"], None),
        (11, [], ["tagged"], "undo_too_late"),
        (1, [("sealed", False)], ["in_container"], "undo_too_late"),
        (1, [("sealed", True)], ["in_container"], "already_planned"),
        (11, [("sealed", True)], ["in_container"], "already_planned"),
        (1, [], ["in_transit"], "undo_too_late"),
        (1, [("open", False)], ["in_container", "received"], "undo_too_late"),
    ],
)
def test_why_a_hand_in_is_not_undone(
    minutes: int, containers: list[tuple[str, bool]], parcels: list[str], reason: str | None
) -> None:
    assert rules.why_not_undone(NOW, NOW + minutes * MINUTE, containers, parcels) == reason
