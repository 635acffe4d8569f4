"""The adapter `http` and the simulated bank pass the kit that they ship with; the bank keeps its state when it dies."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from dropoff.locker_bank.client import HttpBank, HttpBankSettings, connect
from dropoff.locker_bank.simulated import Fault as BankFault
from dropoff.locker_bank.simulated import SimulatedBank, doors_of
from dropoff.plugins import load_plugins
from dropoff.ports.locker import LockerBank, Misconfigured, Rejected, Unavailable, Unknown
from dropoff.testing import Answer, CarrierServer, HttpLockerConformance, LockerConformance, Received
from dropoff.testing.lockers import wanted


class Simulated:
    """The bank that both kits are tried on."""

    has_sensors = True

    @pytest.fixture
    def simulated(self) -> SimulatedBank:
        self.doors = SimulatedBank("b 1", doors_of("S:1,M:1,L:1"), key="sesame", has_sensors=self.has_sensors)
        return self.doors

    @pytest.fixture
    def server(self, simulated: SimulatedBank) -> Iterator[CarrierServer]:
        def answers(asked: Received) -> Answer:
            told = simulated.answer(asked.method, asked.path, asked.body, asked.headers.get("authorization", ""))
            return Answer(told.status, told.body)

        with CarrierServer(answers) as server:
            yield server

    @pytest.fixture
    def bank(self, server: CarrierServer) -> LockerBank:
        return HttpBank("b 1", HttpBankSettings(url=server.url, key="sesame", timeout_s=1))

    def put_in(self, number: str) -> None:
        assert self.doors.act(number, "put_in")

    def take_out(self, number: str) -> None:
        assert self.doors.act(number, "take_out")


class TestHttpBank(Simulated, HttpLockerConformance):
    pass


class TestBankWithoutSensors(Simulated, LockerConformance):
    has_sensors = False


def test_a_stranger_and_a_wrong_name_are_matters_of_settings() -> None:
    bank = SimulatedBank("b1", doors_of("S:1"), key="sesame")

    def answers(asked: Received) -> Answer:
        told = bank.answer(asked.method, asked.path, asked.body, asked.headers.get("authorization", ""))
        return Answer(told.status, told.body)

    with CarrierServer(answers) as server:
        for name, key in (("b1", "guess"), ("b2", "sesame")):
            with pytest.raises(Misconfigured):
                HttpBank(name, HttpBankSettings(url=server.url, key=key)).compartments()
    unsendable = ({"url": "http://x", "key": "nøgle"}, {"url": "http://x", "key": "two\nlines"})
    for wrong in ({"url": "ftp://x"}, {"url": "http://x", "speed": "9"}, {}, *unsendable):
        with pytest.raises(Misconfigured):
            connect("b1", wrong)
    assert load_plugins({}).lockers["http"] is connect


@pytest.mark.parametrize("body", [b" " * 1_100_000, None], ids=["without an end", "of another reservation"])
def test_an_answer_that_makes_no_sense_opens_nothing(body: bytes | None) -> None:
    bank = SimulatedBank("b", doors_of("S:1"))
    other = bank.answer("PUT", "/banks/b/reservations/OTHER", b'{"size":"small","keep_s":60}').body
    with CarrierServer(lambda _: Answer(200, other if body is None else body)) as server:
        client = HttpBank("b", HttpBankSettings(url=server.url))
        for ask in (lambda: client.reserve(wanted()), lambda: client.open("MINE")):
            with pytest.raises(Unknown):
                ask()
        with pytest.raises(Unavailable):
            client.find("MINE")


def test_what_somebody_left_keeps_the_door_shut_and_a_door_jams() -> None:
    bank = SimulatedBank("b", doors_of("S:1,M:1"))
    assert bank.answer("PUT", "/banks/b/reservations/R1", b'{"size":"small","keep_s":60}').status == 200
    assert bank.act("1", "leave_junk")
    assert b'"occupied"' in bank.answer("POST", "/banks/b/reservations/R1/open", b"").body
    assert not bank.act("1", "put_in"), "nobody puts anything in through a shut door"
    assert bank.answer("PUT", "/banks/b/reservations/R2", b'{"size":"small","keep_s":60}').status == 200
    bank.hold_fault(BankFault("jam"))
    assert b'"jammed"' in bank.answer("POST", "/banks/b/reservations/R2/open", b"").body
    assert b'"full"' in bank.answer("PUT", "/banks/b/reservations/R3", b'{"size":"small","keep_s":60}').body


def start(folder: Path, port: int) -> subprocess.Popen[str]:
    """The command, once it has told that it serves."""
    command = [sys.executable, "-m", "dropoff.cli", "simulate-lockers", "--port", str(port), "--bank", "b"]
    command += ["--compartments", "S:1,L:1", "--state", str(folder / "doors.json")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert "Lockers b at" in process.stdout.readline()
    return process


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return int(listener.getsockname()[1])


def test_a_power_loss_while_a_door_opens_leaves_the_truth_on_disk(tmp_path: Path) -> None:
    port = free_port()
    bank = HttpBank("b", HttpBankSettings(url=f"http://127.0.0.1:{port}", timeout_s=10))
    process = start(tmp_path, port)
    try:
        mine, other = wanted("large"), wanted("small", keep_s=0)
        number = bank.reserve(mine).compartment.number
        bank.reserve(other)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
            assert http.post("/faults", data={"kind": "power_loss"}).status_code == 303
            assert "Door" not in http.get("/").text
            assert http.post("/faults", data={"kind": "meteor"}).status_code == 422
        with pytest.raises(Unknown):
            bank.open(mine.reference)
        assert process.wait(30) == 1
        process = start(tmp_path, port)
        found = bank.find(mine.reference)
        assert found is not None
        assert (found.compartment.number, found.compartment.door, found.opened) == (number, "open", True)
        assert bank.find(other.reference) is None, "its time was over while nobody was there"
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
            assert http.post(f"/doors/{number}", data={"action": "put_in"}).status_code == 303
            assert "something inside" in http.get("/").text
        process.kill()
        process.wait(30)
        process = start(tmp_path, port)
        with pytest.raises(Rejected, match="Something lies"):
            bank.release(mine.reference)
    finally:
        process.kill()
        process.wait(30)
        if process.stdout:
            process.stdout.close()
