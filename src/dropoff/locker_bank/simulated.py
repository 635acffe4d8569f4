"""A simulated bank of lockers: doors, sensors, reservations, and everything that goes wrong with them.

`SimulatedBank` is the bank's own mind: a function from request to answer over a state that is on disk before it is
told, so that a killed process starts again with its doors as they stood. `serving` puts it behind HTTP.
"""

import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from dropoff.ports.locker import SIZES, Compartment, CompartmentState, Reservation, Size

INSIDE_MM: Final[dict[str, tuple[int, int, int]]] = {
    "small": (380, 80, 640),
    "medium": (380, 190, 640),
    "large": (380, 410, 640),
}
"""Width, height and depth, as most banks on the street have them."""
FAULTS: Final = ("slow", "drop_answer", "unavailable", "jam", "power_loss")
ACTIONS: Final = ("put_in", "shut", "take_out", "leave_junk")
REMEMBERED: Final = 200


class Door(msgspec.Struct, kw_only=True):
    number: str
    size: Size
    is_open: bool = False
    inside: bool = False
    broken: bool = False
    reference: str | None = None
    until: float | None = None
    """When the reservation ends, if the door is not opened until then."""
    opened: bool = False

    @property
    def state(self) -> CompartmentState:
        if self.broken:
            return "out_of_order"
        if self.inside:
            return "occupied"
        if self.reference is not None:
            return "reserved"
        return "out_of_order" if self.is_open else "free"


class State(msgspec.Struct, kw_only=True):
    doors: list[Door]
    ended: list[str] = []
    """References whose time was over, so that they are told from those that never were."""


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What goes wrong with the next request that may suffer it: `jam` and `power_loss` wait for a door to be opened.
    With `drop_answer` all is done, and nothing answered."""

    kind: str
    seconds: float = 2


class Answer(msgspec.Struct, frozen=True):
    status: int
    body: bytes = b""
    dropped: bool = False


def doors_of(text: str) -> list[Door]:
    """`S:4,M:4,L:2`, numbered from 1. Raises `ValueError`."""
    sizes: list[Size] = []
    for part in text.split(","):
        letter, _, count = part.strip().partition(":")
        size = next((one for one in SIZES if one[0].upper() == letter.strip().upper()), None)
        if size is None or not count.strip().isdigit():
            raise ValueError("compartments are told like S:4,M:4,L:2")
        sizes += [size] * int(count)
    if not 1 <= len(sizes) <= 500:
        raise ValueError("a bank has 1 to 500 compartments")
    return [Door(number=str(number), size=size) for number, size in enumerate(sizes, 1)]


class SimulatedBank:
    """`die` is what a power loss does; tests give another. `has_sensors` False: the bank cannot tell what is inside."""

    def __init__(
        self,
        name: str,
        doors: list[Door],
        file: Path | None = None,
        *,
        key: str = "",
        has_sensors: bool = True,
        clock: Callable[[], float] = time.time,
        die: Callable[[], None] = lambda: os._exit(1),
    ) -> None:
        self.name, self.key, self.has_sensors = name, key, has_sensors
        self._file, self._clock, self._die = file, clock, die
        self._lock = threading.Lock()
        self.faults: list[Fault] = []
        kept = file is not None and file.exists()
        self.state = msgspec.json.decode(file.read_bytes(), type=State) if kept and file else State(doors=doors)
        self._save()

    # --- the protocol

    def answer(self, method: str, path: str, body: bytes, authorization: str = "") -> Answer:
        with self._lock:
            fault = self._fault("slow", "drop_answer", "unavailable")
        if fault is not None and fault.kind == "slow":
            time.sleep(fault.seconds)
        if fault is not None and fault.kind == "unavailable":
            return _refused(503, "other", "The bank is starting.")
        with self._lock:
            told = self._answer(method, path, body, authorization)
        return msgspec.structs.replace(told, dropped=fault is not None and fault.kind == "drop_answer")

    def _answer(self, method: str, path: str, body: bytes, authorization: str) -> Answer:
        if self.key and authorization != f"Bearer {self.key}":
            return _refused(401, "other", "The key is wrong.")
        parts = [unquote(part) for part in path.partition("?")[0].split("/")[1:]]
        if parts[:2] != ["banks", self.name]:
            return _refused(404, "unknown_bank", "This bank has another name.")
        self._forget_what_is_over()
        match method, parts[2:]:
            case "GET", []:
                return _ok({"bank": self.name, "compartments": [self._told(door) for door in self.state.doors]})
            case "PUT", ["reservations", reference]:
                return self._reserve(reference, body)
            case "GET", ["reservations", reference]:
                door = self._door_of(reference)
                return self._unknown(reference) if door is None else self._reserved(door)
            case "POST", ["reservations", reference, "open"]:
                return self._open(reference)
            case "DELETE", ["reservations", reference]:
                return self._release(reference)
        return _refused(404, "other", "There is no such address.")

    def _reserve(self, reference: str, body: bytes) -> Answer:
        door = self._door_of(reference)
        if door is not None:
            return self._reserved(door)
        try:
            asked = msgspec.json.decode(body, type=_Asked)
        except ValueError as error:
            return _refused(422, "other", str(error))
        fitting = [door for door in self.state.doors if SIZES.index(door.size) >= SIZES.index(asked.size)]
        free = sorted((door for door in fitting if door.state == "free"), key=lambda door: SIZES.index(door.size))
        if not free:
            return _refused(409, "full", "No compartment of this size or a larger one is free.")
        door = free[0]
        door.reference, door.until, door.opened = reference, self._clock() + asked.keep_s, False
        self._save()
        return self._reserved(door)

    def _open(self, reference: str) -> Answer:
        door = self._door_of(reference)
        if door is None:
            return self._unknown(reference)
        if self._fault("jam") is not None:
            door.broken = True
            self._save()
        if door.broken:
            return _refused(409, "jammed", f"Door {door.number} does not open.")
        if self.has_sensors and door.inside and not door.opened:
            return _refused(409, "occupied", f"Something lies in {door.number}.")
        door.is_open, door.opened, door.until = True, True, None
        self._save()
        if self._fault("power_loss") is not None:
            self._die()
            return msgspec.structs.replace(self._reserved(door), dropped=True)
        return self._reserved(door)

    def _release(self, reference: str) -> Answer:
        door = self._door_of(reference)
        if door is not None and self.has_sensors and door.inside:
            return _refused(409, "not_empty", f"Something lies in {door.number}.")
        if door is not None:
            self._free(door)
            self._save()
        return Answer(204)

    # --- what people do at the doors

    def act(self, number: str, action: str) -> bool:
        """False when that cannot be done: whoever puts something in needs an open door. `leave_junk` is what a broken
        door or a careless courier leaves behind."""
        with self._lock:
            door = next((door for door in self.state.doors if door.number == number), None)
            if door is None or action not in ACTIONS or (action != "leave_junk" and not door.is_open):
                return False
            if action == "put_in":
                door.is_open, door.inside = False, True
            elif action == "shut":
                door.is_open = False
            elif action == "take_out":
                door.is_open, door.inside = False, False
            else:
                door.inside = True
            self._save()
            return True

    def hold_fault(self, fault: Fault) -> None:
        with self._lock:
            self.faults.append(fault)

    # --- the state

    def _fault(self, *kinds: str) -> Fault | None:
        found = next((fault for fault in self.faults if fault.kind in kinds), None)
        if found is not None:
            self.faults.remove(found)
        return found

    def _forget_what_is_over(self) -> None:
        over = [door for door in self.state.doors if door.until is not None and door.until <= self._clock()]
        for door in over:
            self.state.ended = [*self.state.ended, str(door.reference)][-REMEMBERED:]
            self._free(door)
        if over:
            self._save()

    def _free(self, door: Door) -> None:
        door.reference, door.until, door.opened = None, None, False
        if not self.has_sensors:
            door.inside = False  # nobody would ever learn of it

    def _door_of(self, reference: str) -> Door | None:
        return next((door for door in self.state.doors if door.reference == reference), None)

    def _unknown(self, reference: str) -> Answer:
        if reference in self.state.ended:
            return _refused(410, "expired", "This reservation is over.")
        return _refused(404, "unknown_reference", "Nothing is reserved under this reference.")

    def _told(self, door: Door) -> Compartment:
        width, height, depth = INSIDE_MM[door.size]
        return Compartment(
            number=door.number,
            size=door.size,
            width_mm=width,
            height_mm=height,
            depth_mm=depth,
            state=door.state,
            door="open" if door.is_open else "shut",
            inside=door.inside if self.has_sensors else None,
            reference=door.reference,
        )

    def _reserved(self, door: Door) -> Answer:
        until = None if door.until is None else datetime.fromtimestamp(door.until, UTC)
        told = Reservation(
            reference=str(door.reference), compartment=self._told(door), expires_at=until, opened=door.opened
        )
        return _ok(told)

    def _save(self) -> None:
        """On disk before anybody hears of it; a file half written never takes the place of a whole one."""
        if self._file is None:
            return
        fresh = self._file.with_suffix(".new")
        with fresh.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(self.state), indent=1))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._file)


class _Asked(msgspec.Struct, frozen=True):
    size: Size
    keep_s: int


def _ok(told: Any) -> Answer:
    return Answer(200, msgspec.json.encode(told))


def _refused(status: int, reason: str, message: str) -> Answer:
    return Answer(status, msgspec.json.encode({"reason": reason, "message": message}))
