"""What is told to everybody of what happens at a place, and which place is proven. Pure.

Coarse on purpose: a rival who asks every minute must not be able to count a shop's parcels. Moments are told to ten
minutes, room and tags in words.
"""

from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple, Protocol

import msgspec

COARSE_MIN: Final = 10
DAY_MIN: Final = 24 * 60
TOLD_FOR_DAYS: Final = 30
"""Tags and printer that nobody has told of for longer are unknown again."""
PROVEN_MIN: Final = 14 * DAY_MIN
"""A place is proven while a hand-in was taken or a driver came within two weeks."""
UNPROVEN_M: Final = 300.0
"""Where proven places are preferred, an unproven one ranks as if it were so much farther."""
FEW_TAGS: Final = 20

FREE: Final = (None, "free", "nearly_full", "full")
TAGS: Final = (None, "enough", "few", "none")
PRINTER: Final = (None, "ready", "empty", "broken", "none")
FULL: Final = FREE.index("full")


class Evidence(msgspec.Struct, frozen=True):
    """Null is unknown. `as_of`: when anything of it was last heard. Moments are rounded down to ten minutes."""

    hand_in_at: datetime | None = None
    """The last hand-in taken there."""
    driver_at: datetime | None = None
    """The last visit of a driver."""
    free: Literal["free", "nearly_full", "full"] | None = None
    tags: Literal["enough", "few", "none"] | None = None
    printer: Literal["ready", "empty", "broken", "none"] | None = None
    as_of: datetime | None = None


NOTHING: Final = Evidence()


class Counted(Protocol):
    """What is asked of a `Load` here."""

    @property
    def waiting(self) -> int: ...
    @property
    def waiting_at(self) -> datetime: ...
    @property
    def capacity(self) -> int | None: ...
    @property
    def capacity_at(self) -> datetime | None: ...
    @property
    def hand_in_at(self) -> datetime | None: ...
    @property
    def driver_at(self) -> datetime | None: ...
    @property
    def tags(self) -> int | None: ...
    @property
    def tags_at(self) -> datetime | None: ...
    @property
    def printer(self) -> str | None: ...
    @property
    def printer_at(self) -> datetime | None: ...


class Marks(NamedTuple):
    """The same as small numbers: minutes since 1970, 0 for never; places in `FREE`, `TAGS` and `PRINTER`."""

    hand_in: int = 0
    driver: int = 0
    free: int = 0
    tags: int = 0
    tags_told: int = 0
    printer: int = 0
    printer_told: int = 0
    heard: int = 0


def marks_of(load: Counted) -> Marks:
    told = (load.waiting_at, load.capacity_at, load.hand_in_at, load.driver_at, load.tags_at, load.printer_at)
    return Marks(
        hand_in=_minute(load.hand_in_at),
        driver=_minute(load.driver_at),
        free=_free(load.waiting, load.capacity),
        tags=_tags(load.tags),
        tags_told=_minute(load.tags_at),
        printer=PRINTER.index(load.printer) if load.printer in PRINTER else 0,
        printer_told=_minute(load.printer_at),
        heard=max(map(_minute, told)),
    )


def evidence_of(marks: Marks, day: int) -> Evidence:
    """`day`: today, since 1970. By the day it changes by itself."""

    def is_old(told: int) -> bool:
        return told // DAY_MIN + TOLD_FOR_DAYS < day

    return Evidence(
        hand_in_at=_moment(marks.hand_in),
        driver_at=_moment(marks.driver),
        free=FREE[marks.free],
        tags=None if is_old(marks.tags_told) else TAGS[marks.tags],
        printer=None if is_old(marks.printer_told) else PRINTER[marks.printer],
        as_of=_moment(marks.heard),
    )


def is_proven(marks: Marks, minute: int) -> bool:
    return max(marks.hand_in, marks.driver) >= minute - PROVEN_MIN


def score(metres: float, *, proven: bool) -> float:
    """What places are ranked by where proven ones are preferred, the smallest first."""
    return metres if proven else metres + UNPROVEN_M


def _free(waiting: int, capacity: int | None) -> int:
    if capacity is None:
        return 0
    word = "full" if waiting >= capacity else "nearly_full" if 5 * waiting >= 4 * capacity else "free"
    return FREE.index(word)


def _tags(left: int | None) -> int:
    if left is None:
        return 0
    return TAGS.index("none" if left == 0 else "few" if left <= FEW_TAGS else "enough")


def _minute(at: datetime | None) -> int:
    return 0 if at is None else max(0, int(at.timestamp() // 60)) // COARSE_MIN * COARSE_MIN


def _moment(minute: int) -> datetime | None:
    return datetime.fromtimestamp(minute * 60, UTC) if minute else None
