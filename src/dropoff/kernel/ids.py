"""Ids that sort by time: a prefix that names the kind, then a UUIDv7 (RFC 9562) in Crockford base32."""

import secrets
import threading
import time
from datetime import datetime

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ID_PATTERN = r"^[a-z]{3}_[0-9A-HJKMNP-TV-Z]{26}$"


class _Clock:
    """UUIDv7 that only grows within a process: two made in the same millisecond sort in the order they were made."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def uuid7(self) -> int:
        with self._lock:
            millis = time.time_ns() // 1_000_000
            value = (millis << 80) | (7 << 76) | (secrets.randbits(12) << 64) | (2 << 62) | secrets.randbits(62)
            self._last = max(value, self._last + 1)
            return self._last


_clock = _Clock()


def crockford(number: int, length: int) -> str:
    """The lowest `5 * length` bits of a number as Crockford base32, most significant first."""
    return "".join(CROCKFORD[(number >> shift) & 31] for shift in range(5 * (length - 1), -1, -5))


def first_id(prefix: str, at: datetime) -> str:
    """Every id made at this moment or later sorts behind it, every earlier one before."""
    return f"{prefix}_{crockford(int(at.timestamp() * 1000) << 80, 26)}"


def new_id(prefix: str) -> str:
    """For example `ret_06E5ZJ3YV8QZ3M0T9K1X7B2C4D`."""
    return f"{prefix}_{crockford(_clock.uuid7(), 26)}"
