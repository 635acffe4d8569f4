"""What a compartment may become, and what the bank's words mean for it."""

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from dropoff.lockers import rules
from dropoff.lockers.rules import Facts, has_left, judge
from dropoff.ports.locker import Compartment, Reservation

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


def found(door: str = "shut", inside: bool | None = None, *, opened: bool = True) -> Reservation:
    compartment: Any = Compartment(number="4", size="small", state="reserved", door=door, inside=inside)  # type: ignore[arg-type]
    return Reservation(reference="R", compartment=compartment, opened=opened)


def test_every_edge_starts_and_ends_in_a_state_and_every_event_has_one_end() -> None:
    for state, end in zip([state for state, _ in rules.TRANSITIONS], rules.TRANSITIONS.values(), strict=True):
        assert {state, end} <= set(rules.DEPOSIT_STATES)
    for event in {event for _, event in rules.TRANSITIONS}:
        assert rules.target(event) in rules.DEPOSIT_STATES
        assert rules.sources(event)


def test_what_ended_moves_no_more_and_what_holds_a_door_cannot_simply_end() -> None:
    for state, event in product(rules.DEPOSIT_STATES, {event for _, event in rules.TRANSITIONS}):
        end = rules.TRANSITIONS.get((state, event))
        if state in rules.ENDED:
            assert end is None, "nothing comes back"
        if state in ("open", "deposited"):
            assert end not in ("expired", "released", "refused"), "something may lie in it"
    reachable = {"reserving"}
    for _ in rules.DEPOSIT_STATES:
        reachable |= {end for (state, _), end in rules.TRANSITIONS.items() if state in reachable}
    assert reachable == set(rules.DEPOSIT_STATES)


@pytest.mark.parametrize(
    ("state", "seen", "confirmed", "means"),
    [
        ("open", found("open", False), False, "wait"),
        ("open", found("open", True), True, "wait"),  # in, but the door stands open: nothing is accepted
        ("open", found("unknown", True), True, "wait"),
        ("open", found("shut", True), False, "deposit"),
        ("open", found("shut", False), True, "shut_empty"),  # the bank knows better than the shopper
        ("open", found("shut", None), False, "ask"),
        ("open", found("shut", None), True, "deposit"),
        ("open", found("unknown", None), False, "wait"),
        ("open", found("unknown", None), True, "deposit"),  # a bank that senses nothing at all
        ("open", None, False, "block"),
        ("opening", None, False, "expire"),
        ("opening", found("open"), False, "opened"),
        ("opening", found("shut", True), False, "opened"),  # it was open, and is shut already
        ("opening", found("shut", opened=False), False, "wait"),
    ],
)
def test_what_a_look_means(state: str, seen: Reservation | None, confirmed: bool, means: str) -> None:
    assert judge(Facts(state, NOW, confirmed), seen, NOW + timedelta(seconds=5)) == means


def test_an_order_to_open_that_never_arrived_is_given_up_after_a_while() -> None:
    late = NOW + rules.OPENING_TAKES
    assert judge(Facts("opening", NOW), found("shut", opened=False), late) == "stay_shut"


@pytest.mark.parametrize(
    ("status", "here", "kind", "left"),
    [
        ("tagged", True, None, False),
        ("in_container", True, "parcel", False),  # its own logistic unit lies there until the driver takes it
        ("in_container", True, "bag", True),
        ("in_transit", False, "parcel", True),
        ("received", False, None, True),
        ("void", True, None, True),
        ("at_hub", False, None, True),
    ],
)
def test_when_a_parcel_has_left_its_compartment(status: str, here: bool, kind: str | None, left: bool) -> None:
    assert has_left(status, here, kind) is left
