"""A shopper at a bank of lockers: one parcel, one door, and nothing accepted before the bank itself says that it is in.
The bank is a simulated one over real HTTP."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from tests.counter_world import BASE_URL, NOW, PREFIX, World

from dropoff.cases import service as cases
from dropoff.cases.service import Resolve
from dropoff.cases.store import Filter
from dropoff.counter import service as counter
from dropoff.db import Database
from dropoff.db.vault import Vault
from dropoff.events import cursors
from dropoff.kernel.errors import Problem
from dropoff.locker_bank.client import connect
from dropoff.locker_bank.serving import BankServer
from dropoff.locker_bank.simulated import Answer, Fault, SimulatedBank, doors_of
from dropoff.lockers import deposits, driving, jobs, rules, store
from dropoff.lockers.deposits import Begin
from dropoff.lockers.service import BankView, DepositRow, NewBank, confirm, lying
from dropoff.lockers.service import connect as connect_bank
from dropoff.lockers.service import disconnect as disconnect_bank
from dropoff.network import location_states
from dropoff.network.location_states import NewPause
from dropoff.plugins import PluginRegistry
from dropoff.returns import service as returns
from dropoff.returns.service import ReturnView

SECRET = "a-secret-for-tests-only-0123456789"


class Lockers:
    """A place with a bank, and hands at its doors."""

    def __init__(self, db: Database, folder: Path, compartments: str, *, has_sensors: bool = True) -> None:
        self.world = World(db, folder)
        self.db = db
        self.bank = SimulatedBank("b", doors_of(compartments), has_sensors=has_sensors, clock=lambda: self.clock)
        self.clock = NOW.timestamp()
        self.server = BankServer(self.bank)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()
        self.of: Any = SimpleNamespace(
            db=db,
            vault=Vault(SECRET),
            plugins=PluginRegistry(lockers={"http": connect}),
            passes=self.world.passes,
            settings=SimpleNamespace(base_url=BASE_URL),
        )
        self.place = self.world.place(kind="locker")
        assert isinstance(self.connect(), BankView)

    def connect(self) -> BankView | Problem:
        new = NewBank(bank="b", settings={"url": self.server.url, "timeout_s": "3"})
        checked = driving.check(self.of, new)
        assert not isinstance(checked, Problem), checked
        return self.db.write_sync(connect_bank, self.place, checked, BASE_URL, NOW, "operator:test")

    def power_off(self) -> None:
        """Its state stays, its line is dead."""
        self.server.shutdown()
        self.server.server_close()

    def power_on(self) -> None:
        self.server = BankServer(self.bank, self.server.server_port)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    def ask(self, made: ReturnView, size: str = "small", at: datetime = NOW, **more: Any) -> DepositRow | Problem:
        asked = Begin(location=self.place, size=size, **more)  # type: ignore[arg-type]
        return driving.reserve(self.of, made.pass_.code, asked, at)

    def reserve(self, made: ReturnView, size: str = "small", at: datetime = NOW) -> DepositRow:
        row = self.ask(made, size, at)
        assert not isinstance(row, Problem), row
        return row

    def open(self, row: DepositRow, at: datetime = NOW) -> DepositRow:
        opened = driving.open_door(self.of, row, at)
        assert not isinstance(opened, Problem), opened
        return opened

    def settle(self, row: DepositRow, seconds: float) -> DepositRow:
        return driving.settle(self.of, row, NOW + timedelta(seconds=seconds))

    def hands(self, row: DepositRow, action: str) -> None:
        assert self.bank.act(str(row.compartment), action)

    def stands(self, row: DepositRow) -> DepositRow:
        found = self.db.read_sync(store.find_deposit, row.id)
        assert found is not None
        return found

    def problems(self) -> list[str]:
        """What somebody has to look into."""
        found = self.db.read_sync(cases.list_cases, Filter(state="open")).items
        return [str(case.objects["why"]) for case in found if case.kind == "locker_problem"]

    def resolve(self) -> None:
        for case in self.db.read_sync(cases.list_cases, Filter(state="open")).items:
            done = Resolve(case_id=case.id, outcome="explained", note=None, at=NOW, actor="operator:test")
            assert not isinstance(self.db.write_sync(cases.resolve, done), Problem)
        self.consume()

    def consume(self) -> None:
        (consumer,) = jobs.consumers(None)
        self.db.write_sync(cursors.install, [consumer])
        while self.db.write_sync(cursors.consume, consumer):
            pass

    def follow(self, seconds: float) -> None:
        self.clock = NOW.timestamp() + seconds
        driving.follow(self.of, NOW + timedelta(seconds=seconds))

    def custody(self, made: ReturnView) -> set[str]:
        return {unit.custody for unit in self.db.read_sync(returns.units_of, made.id)}


@pytest.fixture
def lockers(db: Database, tmp_path: Path) -> Iterator[Lockers]:
    made = Lockers(db, tmp_path, "S:1,L:1")
    yield made
    made.power_off()


def test_a_parcel_is_taken_in_as_at_a_counter_once_the_door_is_shut_behind_it(lockers: Lockers) -> None:
    made = lockers.world.give_back(units=2)
    row = lockers.reserve(made)
    assert (row.state, row.compartment) == ("reserved", "1")
    assert lockers.reserve(made).id == row.id, "a second tap is the same compartment"
    row = lockers.open(row)
    assert row.state == "open"
    assert lockers.settle(row, 2).state == "open"
    assert lockers.custody(made) == {"expected"}, "an open door takes nothing in"
    lockers.hands(row, "put_in")
    row = lockers.settle(row, 4)
    assert (row.state, lockers.custody(made)) == ("deposited", {"handed_in"})
    (handed_in,) = lockers.world.events("parcel.handed_in")
    assert handed_in["data"]["units"] == [unit.id for unit in made.units]
    assert handed_in["objects"]["hand_in"] == row.hand_in_id
    for step in ("reserved", "opened", "deposited"):
        (one,) = lockers.world.events(f"locker.{step}")
        assert (one["objects"]["compartment"], one["retailer_id"]) == ("1", None)
    receipts = lockers.db.read_sync(counter.receipts_of, made.id)
    assert [one.hand_in for one in receipts] == [row.hand_in_id]
    (here,) = lockers.db.read_sync(lying, lockers.place, True)
    assert (here.compartment, here.tag) == ("1", handed_in["data"]["tag"])
    assert str(here.tag).startswith("W"), "a code to be written on the parcel"

    # Emptied: the tag goes into a bag, and the compartment back to the bank.
    till = lockers.world.till(lockers.place)
    bag = lockers.world.bag(till)
    packed = lockers.db.write_sync(counter.pack_parcel, till, bag.id, counter.PackIn(str(here.tag)), NOW)
    assert packed.verdict == "accepted"
    lockers.consume()
    assert lockers.stands(row).state == "collected"
    lockers.follow(60)
    assert lockers.stands(row).freed_at is None, "it was bagged by its code alone: the bank still senses it"
    assert lockers.problems() == ["not_empty"]
    lockers.bank.state.doors[0].is_open = True
    lockers.hands(row, "take_out")
    lockers.follow(90)
    assert lockers.stands(row).freed_at is not None
    assert lockers.problems() == []
    assert {door.state for door in lockers.bank.state.doors} == {"free"}


def test_of_two_shoppers_one_gets_the_last_compartment_and_the_same_pass_twice_one_door(lockers: Lockers) -> None:
    first, second = lockers.world.give_back(), lockers.world.give_back()
    with ThreadPoolExecutor(4) as pool:
        rows = list(pool.map(lambda made: lockers.reserve(made, "large"), [first, second, first, second]))
    assert sorted({(row.return_id, lockers.settle(row, 5).state) for row in rows}, key=lambda one: one[1]) == [
        (next(row.return_id for row in rows if lockers.stands(row).state == "refused"), "refused"),
        (next(row.return_id for row in rows if lockers.stands(row).state == "reserved"), "reserved"),
    ]
    assert next(row.reason for row in map(lockers.stands, rows) if row.state == "refused") == "full"
    winner = next(lockers.stands(row) for row in rows if lockers.stands(row).state == "reserved")
    with ThreadPoolExecutor(3) as pool:
        opened = list(pool.map(lambda _: lockers.open(winner).state, range(3)))
    assert set(opened) <= {"open", "opening"}
    assert [door.is_open for door in lockers.bank.state.doors] == [False, True]


def test_a_reservation_ends_in_the_answer_and_by_the_job(lockers: Lockers) -> None:
    one, two = (lockers.reserve(lockers.world.give_back(), size) for size in ("small", "large"))
    assert lockers.settle(one, 14 * 60).state == "reserved"
    assert lockers.settle(one, 15 * 60).state == "expired"
    lockers.follow(15 * 60)
    assert lockers.stands(two).state == "expired"
    lockers.follow(15 * 60 + 15)
    assert {door.state for door in lockers.bank.state.doors} == {"free"}
    assert lockers.db.read_sync(store.kept, ("expired",), 9) == []


def test_opened_and_left_empty_may_be_tried_again_or_given_up(lockers: Lockers) -> None:
    made = lockers.world.give_back()
    row = lockers.open(lockers.reserve(made))
    lockers.hands(row, "shut")
    row = lockers.settle(row, 3)
    assert (row.state, row.reason) == ("reserved", "empty")
    row = lockers.open(row, NOW + timedelta(seconds=5))
    assert row.state == "open"
    lockers.hands(row, "shut")
    row = driving.give_up(lockers.of, lockers.settle(row, 9), NOW + timedelta(seconds=10))
    assert (row.state, row.freed_at is not None) == ("released", True)
    assert lockers.custody(made) == {"expected"}


def test_a_used_compartment_is_replaced_and_somebody_has_to_look(lockers: Lockers) -> None:
    made = lockers.world.give_back()
    row = lockers.reserve(made)
    lockers.hands(row, "leave_junk")
    other = lockers.open(row)
    assert (other.state, other.compartment, other.reason) == ("reserved", "2", "occupied")
    assert (lockers.stands(row).state, lockers.problems()) == ("blocked", ["occupied"])
    lockers.bank.hold_fault(Fault("jam"))
    third = lockers.open(other, NOW + timedelta(seconds=9))
    assert (third.state, third.reason) == ("refused", "full")
    assert sorted(lockers.problems()) == ["jammed", "occupied"]
    lockers.resolve()
    assert {lockers.stands(one).state for one in (row, other)} == {"cleared"}


def test_a_door_that_is_not_shut_is_told_to_somebody_once(lockers: Lockers) -> None:
    made = lockers.world.give_back()
    row = lockers.open(lockers.reserve(made))
    lockers.follow(4 * 60)
    assert lockers.problems() == []
    lockers.follow(6 * 60)
    lockers.follow(7 * 60)
    assert lockers.problems() == ["door"]
    lockers.hands(row, "put_in")
    lockers.follow(8 * 60)
    assert (lockers.stands(row).state, lockers.problems()) == ("deposited", [])


def test_an_answer_that_is_lost_after_the_door_opened_opens_no_second_one(lockers: Lockers) -> None:
    made = lockers.world.give_back()
    lockers.bank.hold_fault(Fault("drop_answer"))
    row = lockers.reserve(made)
    assert row.state == "reserving"
    row = lockers.settle(row, 2)
    assert (row.state, row.compartment) == ("reserved", "1")
    lockers.bank.hold_fault(Fault("drop_answer"))
    row = lockers.open(row, NOW + timedelta(seconds=3))
    assert row.state == "opening"
    assert lockers.settle(row, 5).state == "open"
    assert [door.is_open for door in lockers.bank.state.doors] == [True, False]


def test_a_process_that_dies_around_the_call_leaves_an_intent_that_is_settled_by_looking(lockers: Lockers) -> None:
    """The order to open is committed before the bank is asked: it reached the bank, or it did not."""
    reached, lost = (lockers.reserve(lockers.world.give_back(), size) for size in ("small", "large"))
    for row in (reached, lost):
        assert lockers.db.write_sync(deposits.tell_open, row.id, NOW) is not None
    lockers.bank.answer("POST", f"/banks/b/reservations/{reached.reference}/open", b"")
    lockers.follow(5)
    assert (lockers.stands(reached).state, lockers.stands(lost).state) == ("open", "opening")
    lockers.follow(30)
    assert (lockers.stands(lost).state, lockers.stands(lost).reason) == ("reserved", "unavailable")
    assert [door.is_open for door in lockers.bank.state.doors] == [True, False]
    lockers.hands(reached, "put_in")
    lockers.follow(40)
    parcel = lockers.stands(reached).parcel_id
    assert parcel is not None

    # It leaves as a logistic unit of its own: until the driver has it, it lies behind its door.
    unit = lockers.db.write_sync(counter.make_logistic_unit, parcel, PREFIX, NOW)
    assert unit is not None
    lockers.follow(60)
    assert lockers.stands(reached).state == "deposited"
    lockers.db.write_sync(counter.depart_container, unit.id, NOW, "device:x", "courier", None)
    lockers.follow(80)
    assert lockers.stands(reached).state == "collected"


def test_a_bank_without_power_accepts_nothing_until_it_is_sure(lockers: Lockers) -> None:
    made, late = lockers.world.give_back(), lockers.world.give_back()
    row = lockers.open(lockers.reserve(made))
    lockers.hands(row, "put_in")
    lockers.power_off()
    row = lockers.settle(row, 3)
    assert (row.state, row.reason, lockers.custody(made)) == ("open", "silent", {"expected"})
    refused = lockers.reserve(late)
    assert (refused.state, refused.reason, refused.freed_at) == ("refused", "unavailable", NOW)
    bank = lockers.db.read_sync(store.bank_at, lockers.place)
    assert bank is not None
    assert str(bank.problem).startswith("Unavailable")
    lockers.power_on()
    lockers.follow(600)
    assert (lockers.stands(row).state, lockers.custody(made)) == ("deposited", {"handed_in"})
    bank = lockers.db.read_sync(store.bank_at, lockers.place)
    assert bank is not None
    assert bank.problem is None
    assert driving.look_at_bank(lockers.of, bank, NOW)


def test_where_the_bank_cannot_tell_the_shopper_says_that_it_is_in(db: Database, tmp_path: Path) -> None:
    lockers = Lockers(db, tmp_path, "S:2", has_sensors=False)
    try:
        row = lockers.open(lockers.reserve(lockers.world.give_back()))
        db.write_sync(confirm, row.id, NOW)
        assert lockers.settle(row, 2).state == "open", "whatever is said, the door stands open"
        lockers.hands(row, "put_in")
        assert lockers.settle(lockers.stands(row), 4).state == "deposited"
        other = lockers.open(lockers.reserve(lockers.world.give_back()))
        lockers.hands(other, "shut")
        assert lockers.settle(other, 2).reason == "ask"
        third = driving.report_occupied(lockers.of, lockers.stands(other), NOW)
        assert not isinstance(third, Problem)
        assert (third.reason, lockers.stands(other).state) == ("full", "blocked")
    finally:
        lockers.power_off()


def test_what_may_not_be_handed_in_gets_no_compartment_and_a_stranded_one_a_person(lockers: Lockers) -> None:
    made = lockers.world.give_back()
    late = lockers.ask(made, at=NOW + timedelta(days=400))
    assert isinstance(late, Problem)
    assert late.data == {"reason": "pass_expired"}
    assert isinstance(driving.reserve(lockers.of, made.pass_.code, Begin(location="loc_x", size="small"), NOW), Problem)
    row = lockers.open(lockers.reserve(made))
    done = lockers.world.hand_in(lockers.world.till(), lockers.world.ask(made))
    assert done.verdict == "accepted"
    lockers.hands(row, "put_in")
    row = lockers.settle(row, 5)
    assert (row.state, row.reason, lockers.problems()) == ("blocked", "already", ["already"])
    again = lockers.ask(made)
    assert isinstance(again, Problem)
    assert again.data == {"reason": "already"}
    lockers.db.write_sync(location_states.pause, lockers.place, NewPause(), NOW, "operator:test")
    paused = lockers.ask(lockers.world.give_back())
    assert isinstance(paused, Problem)
    assert paused.data == {"reason": "location_paused"}


def test_what_was_handed_in_elsewhere_opens_no_door(lockers: Lockers) -> None:
    made = lockers.world.give_back()
    row = lockers.reserve(made)
    assert lockers.world.hand_in(lockers.world.till(), lockers.world.ask(made)).verdict == "accepted"
    assert lockers.open(row).state == "expired"
    assert [door.is_open for door in lockers.bank.state.doors] == [False, False]


def test_a_bank_with_something_in_it_is_not_disconnected(lockers: Lockers) -> None:
    row = lockers.reserve(lockers.world.give_back())
    assert isinstance(lockers.db.write_sync(disconnect_bank, lockers.place, NOW, "operator:test"), Problem)
    assert isinstance(lockers.connect(), BankView), "its address may change"
    driving.give_up(lockers.of, row, NOW)
    assert isinstance(lockers.db.write_sync(disconnect_bank, lockers.place, NOW, "operator:test"), BankView)
    assert isinstance(driving.check(lockers.of, NewBank(adapter="x", bank="b", settings={})), Problem)
    lockers.connect()
    assert lockers.reserve(lockers.world.give_back()).state == "reserved"


def test_a_dead_bank_is_disconnected_once_nothing_of_ours_is_in_it(lockers: Lockers) -> None:
    row = lockers.reserve(lockers.world.give_back())
    lockers.power_off()
    assert lockers.settle(row, 15 * 60).state == "expired"
    assert lockers.stands(row).freed_at is None, "the bank has not heard of it"
    assert isinstance(lockers.db.write_sync(disconnect_bank, lockers.place, NOW, "operator:test"), BankView)
    assert lockers.stands(row).freed_at is not None, "and is not asked any more"
    lockers.power_on()


def test_many_parcels_that_lie_in_lockers_hide_none_that_is_put_in(lockers: Lockers) -> None:
    lying_there = lockers.open(lockers.reserve(lockers.world.give_back()))
    lockers.hands(lying_there, "put_in")
    assert lockers.settle(lying_there, 3).state == "deposited"
    row = lockers.open(lockers.reserve(lockers.world.give_back(), "large"))
    lockers.hands(row, "put_in")
    driving.follow(lockers.of, NOW + timedelta(seconds=30), limit=1)
    assert lockers.stands(row).state == "deposited"


def test_a_place_that_was_paused_meanwhile_opens_no_door(lockers: Lockers) -> None:
    row = lockers.reserve(lockers.world.give_back())
    lockers.db.write_sync(location_states.pause, lockers.place, NewPause(), NOW, "operator:test")
    refused = driving.open_door(lockers.of, row, NOW)
    assert isinstance(refused, Problem)
    assert refused.data == {"reason": "location_paused"}
    assert lockers.stands(row).state == "expired"
    assert not any(door.is_open for door in lockers.bank.state.doors)


def test_a_thing_that_is_named_twice_goes_in_once(lockers: Lockers) -> None:
    made = lockers.world.give_back(units=2)
    row = lockers.ask(made, units=(made.units[0].id, made.units[0].id))
    assert isinstance(row, DepositRow)
    row = lockers.open(row)
    lockers.hands(row, "put_in")
    assert lockers.settle(row, 3).state == "deposited"
    assert sorted(unit.custody for unit in lockers.db.read_sync(returns.units_of, made.id)) == ["expected", "handed_in"]


def test_one_shopper_cannot_have_a_whole_bank_held_back(db: Database, tmp_path: Path) -> None:
    lockers = Lockers(db, tmp_path, "S:6")
    try:
        row: DepositRow | Problem = lockers.reserve(lockers.world.give_back())
        for _ in range(rules.REPORTS_A_DAY):
            assert isinstance(row, DepositRow)
            row = driving.report_occupied(lockers.of, lockers.open(row), NOW)
        assert isinstance(row, DepositRow)
        opened = lockers.open(row)
        refused = driving.report_occupied(lockers.of, opened, NOW)
        assert isinstance(refused, Problem)
        assert refused.data == {"reason": "too_often"}
        assert lockers.stands(opened).state == "open"
    finally:
        lockers.power_off()


def test_what_no_door_is_called_and_no_message_says_is_not_kept(lockers: Lockers, monkeypatch: Any) -> None:
    """PostgreSQL keeps no NUL: one bank's nonsense would stop the look at all others."""
    told = lockers.bank._told
    monkeypatch.setattr(lockers.bank, "_told", lambda door: msgspec.structs.replace(told(door), number="1\x00\n" * 9))
    row = lockers.reserve(lockers.world.give_back())
    assert (row.state, row.compartment) == ("reserved", "1" * 9)
    bank = lockers.db.read_sync(store.bank_at, lockers.place)
    assert bank is not None
    assert driving.look_at_bank(lockers.of, bank, NOW)
    message = b'{"reason": "other", "message": "a\\u0000b"}'
    monkeypatch.setattr(lockers.bank, "_answer", lambda *_: Answer(409, message))
    assert not driving.look_at_bank(lockers.of, bank, NOW)
    bank = lockers.db.read_sync(store.bank_at, lockers.place)
    assert bank is not None
    assert bank.problem == "Rejected: ab"
