"""Ids that sort by time: a prefix that names the kind, then a UUIDv7 (RFC 9562) in Crockford base32."""

import secrets
import threading
import time

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ID_PATTERN = r"^[a-z]{3}_[0-9A-HJKMNP-TV-Z]{26}$"

_lock = threading.Lock()
_last = 0


def _uuid7() -> int:
    """Monotonic within a process: two ids made in the same millisecond still sort in the order they were made."""
    global _last
    with _lock:
        millis = time.time_ns() // 1_000_000
        value = (millis << 80) | (7 << 76) | (secrets.randbits(12) << 64) | (2 << 62) | secrets.randbits(62)
        if value <= _last:
            value = _last + 1
        _last = value
    return value


def crockford(number: int, length: int) -> str:
    """The lowest `5 * length` bits of a number as Crockford base32, most significant first."""
    return "".join(CROCKFORD[(number >> shift) & 31] for shift in range(5 * (length - 1), -1, -5))


def new_id(prefix: str) -> str:
    """For example `ret_06E5ZJ3YV8QZ3M0T9K1X7B2C4D`."""
    return f"{prefix}_{crockford(_uuid7(), 26)}"
