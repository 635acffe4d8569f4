"""Ids that sort by time: a prefix that names the kind, then a UUIDv7 (RFC 9562) in Crockford base32."""

import os
import threading
import time
from datetime import datetime

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [first + second for first in CROCKFORD for second in CROCKFORD]
_DRAWN = 64
ID_PATTERN = r"^[a-z]{3}_[0-9A-HJKMNP-TV-Z]{26}$"


class _Clock:
    """UUIDv7 that only grows within a process: two made in the same millisecond sort in the order they were made."""

    def __init__(self) -> None:
        self._last = 0
        self.start_anew()

    def start_anew(self) -> None:
        """After a fork: two processes never share random bits."""
        self._lock = threading.Lock()
        self._random = b""
        self._used = 0

    def uuid7(self) -> int:
        with self._lock:
            millis = time.time_ns() // 1_000_000
            random = self._draw()
            high, low = random >> 68, random & (1 << 62) - 1
            self._last = max((millis << 80) | (7 << 76) | (high << 64) | (2 << 62) | low, self._last + 1)
            return self._last

    def _draw(self) -> int:
        """80 of the system's random bits. Drawn for many ids at once: each call to the system lets go of the
        interpreter, and a busy server waits long to get it back."""
        if self._used == len(self._random):
            self._random, self._used = os.urandom(10 * _DRAWN), 0
        start, self._used = self._used, self._used + 10
        return int.from_bytes(self._random[start : self._used])


_clock = _Clock()
os.register_at_fork(after_in_child=_clock.start_anew)


def crockford(number: int, length: int) -> str:
    """The lowest `5 * length` bits of a number as Crockford base32, most significant first."""
    pairs = [_PAIRS[number >> shift & 1023] for shift in range(10 * ((length - 1) // 2), -1, -10)]
    return "".join(pairs)[-length:]


def first_id(prefix: str, at: datetime) -> str:
    """Every id made at this moment or later sorts behind it, every earlier one before."""
    return f"{prefix}_{crockford(int(at.timestamp() * 1000) << 80, 26)}"


def new_id(prefix: str) -> str:
    """For example `ret_06E5ZJ3YV8QZ3M0T9K1X7B2C4D`."""
    return f"{prefix}_{crockford(_clock.uuid7(), 26)}"
