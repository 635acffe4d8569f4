"""What every adapter for lockers must keep. Subclass the kit in the adapter's tests; each promise is one test.

class TestAcme(HttpLockerConformance):
    @pytest.fixture
    def server(self): ...       # a CarrierServer that answers as Acme's bank does, with one compartment of each size
    @pytest.fixture
    def bank(self, server): ... # the adapter, pointed at it, with patience below 2 s
    def put_in(self, number): ...   # what a shopper does: something in, door shut
    def take_out(self, number): ...  # what a driver does: all out, door shut
"""

from collections.abc import Iterator

import pytest

from dropoff.kernel.ids import new_id
from dropoff.ports.locker import (
    SIZES,
    Compartment,
    LockerBank,
    LockerError,
    Misconfigured,
    Rejected,
    Reservation,
    Size,
    Unavailable,
    Unknown,
    Wanted,
)
from dropoff.testing.server import CarrierServer, Fault


def wanted(size: Size = "small", keep_s: int = 900) -> Wanted:
    """With a fresh reference."""
    return Wanted(reference=new_id("dep").removeprefix("dep_"), size=size, keep_s=keep_s)


class LockerConformance:
    """For every adapter. The bank has one compartment of each size, all free; `has_sensors` False when it cannot tell
    what is inside."""

    has_sensors = True

    @pytest.fixture
    def bank(self) -> Iterator[LockerBank]:
        raise NotImplementedError("the adapter's tests give the bank")

    def put_in(self, number: str) -> None:
        raise NotImplementedError("the adapter's tests know how")

    def take_out(self, number: str) -> None:
        raise NotImplementedError("the adapter's tests know how")

    def test_tells_its_compartments(self, bank: LockerBank) -> None:
        doors = bank.compartments()
        assert sorted(SIZES.index(door.size) for door in doors) == [0, 1, 2]
        assert len({door.number for door in doors}) == len(doors)
        assert all(isinstance(door, Compartment) and door.number.strip() for door in doors)
        assert {door.state for door in doors} == {"free"}

    def test_a_repeated_reference_holds_one_compartment(self, bank: LockerBank) -> None:
        want = wanted()
        first, second = bank.reserve(want), bank.reserve(want)
        assert first.compartment.number == second.compartment.number
        assert first.reference == want.reference
        assert not first.opened
        assert [door.state for door in bank.compartments()].count("reserved") == 1

    def test_a_compartment_is_never_smaller_than_asked_and_full_is_said(self, bank: LockerBank) -> None:
        given = [bank.reserve(wanted("medium")).compartment.size for _ in range(2)]
        assert given == ["medium", "large"]
        with pytest.raises(Rejected) as caught:
            bank.reserve(wanted("medium"))
        assert caught.value.reason == "full"
        assert bank.reserve(wanted("small")).compartment.size == "small"

    def test_a_door_opens_for_its_reservation_and_twice_is_once(self, bank: LockerBank) -> None:
        want = wanted()
        number = bank.reserve(want).compartment.number
        for told in (bank.open(want.reference), bank.open(want.reference)):
            assert (told.compartment.number, told.compartment.door, told.opened) == (number, "open", True)
        assert [door.door for door in bank.compartments()].count("open") == 1

    def test_what_was_put_in_is_told_and_keeps_the_compartment(self, bank: LockerBank) -> None:
        want = wanted("large")
        number = bank.reserve(want).compartment.number
        bank.open(want.reference)
        self.put_in(number)
        found = bank.find(want.reference)
        assert found is not None
        assert (found.compartment.number, found.compartment.door) == (number, "shut")
        assert found.opened
        if not self.has_sensors:
            assert found.compartment.inside is None
            return
        assert found.compartment.inside is True
        with pytest.raises(Rejected) as caught:
            bank.release(want.reference)
        assert caught.value.reason == "not_empty"
        bank.open(want.reference)
        self.take_out(number)
        bank.release(want.reference)
        assert {door.state for door in bank.compartments()} == {"free"}

    def test_a_release_frees_and_may_be_repeated(self, bank: LockerBank) -> None:
        want = wanted()
        bank.reserve(want)
        bank.release(want.reference)
        bank.release(want.reference)
        assert bank.find(want.reference) is None
        assert {door.state for door in bank.compartments()} == {"free"}

    def test_what_was_never_reserved_is_not_found_and_opens_nothing(self, bank: LockerBank) -> None:
        assert bank.find(wanted().reference) is None
        with pytest.raises(Rejected) as caught:
            bank.open(wanted().reference)
        assert caught.value.reason in ("unknown_reference", "expired")
        assert "open" not in {door.door for door in bank.compartments()}

    def test_a_reservation_ends_by_itself(self, bank: LockerBank) -> None:
        want = wanted(keep_s=0)
        told = bank.reserve(want)
        assert told.expires_at is not None
        assert told.expires_at.tzinfo is not None
        assert bank.find(want.reference) is None


class HttpLockerConformance(LockerConformance):
    """For adapters that speak HTTP. The adapter's time-out must be below 2 s in tests."""

    @pytest.fixture
    def server(self) -> Iterator[CarrierServer]:
        raise NotImplementedError("the adapter's tests give the server")

    def refused(self, bank: LockerBank, server: CarrierServer, fault: Fault) -> LockerError:
        """What a reservation that meets the fault ends as; it must have been sent once."""
        server.faults.append(fault)
        before = len(server.received)
        with pytest.raises(LockerError) as caught:
            bank.reserve(wanted())
        assert len(server.received) - before == 1, "a call is sent once: only the service repeats it"
        return caught.value

    @pytest.mark.parametrize(
        "fault", [Fault("silence"), Fault("reset"), Fault("status", 500), Fault("malformed"), Fault("cut")]
    )
    def test_a_lost_answer_is_unknown(self, bank: LockerBank, server: CarrierServer, fault: Fault) -> None:
        assert isinstance(self.refused(bank, server, fault), Unknown)
        server.release()

    def test_wrong_credentials_are_a_matter_of_settings(self, bank: LockerBank, server: CarrierServer) -> None:
        assert isinstance(self.refused(bank, server, Fault("status", 401, after_effect=False)), Misconfigured)

    def test_a_bank_that_is_starting_did_nothing(self, bank: LockerBank, server: CarrierServer) -> None:
        assert isinstance(self.refused(bank, server, Fault("status", 503, after_effect=False)), Unavailable)

    def test_a_refused_connection_did_nothing(self, bank: LockerBank, server: CarrierServer) -> None:
        server.close()
        with pytest.raises(Unavailable):
            bank.open(wanted().reference)

    @pytest.mark.parametrize("fault", [Fault("reset"), Fault("status", 500), Fault("malformed")])
    def test_a_look_that_fails_says_nothing(self, bank: LockerBank, server: CarrierServer, fault: Fault) -> None:
        server.faults.append(fault)
        with pytest.raises(Unavailable):
            bank.find(wanted().reference)

    def test_a_door_that_opened_while_its_answer_was_lost_is_found_open(
        self, bank: LockerBank, server: CarrierServer
    ) -> None:
        want = wanted()
        bank.reserve(want)
        server.faults.append(Fault("reset"))
        with pytest.raises(Unknown):
            bank.open(want.reference)
        found = bank.find(want.reference)
        assert isinstance(found, Reservation)
        assert (found.opened, found.compartment.door) == (True, "open")
