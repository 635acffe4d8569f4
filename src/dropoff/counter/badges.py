"""How a clerk is told from another: a PIN, hashed slowly, or a badge. Pure."""

import hashlib
import hmac
import re
import secrets
from typing import Final

PIN: Final = r"^[0-9]{4,6}$(?!\n)"
INITIALS: Final = r"^[^\W\d_]{1,4}$(?!\n)"
"""`$` alone lets a line's end follow."""
_SIGNS: Final = "23456789BCDFGHJKMNPRSTVX"
"""No vowels, nothing that looks like another, and no letter that keyboard layouts swap."""
_BADGE: Final = re.compile(rf"CLERK([{_SIGNS}]{{20}})", re.ASCII)
_N, _R, _P = 1 << 14, 8, 1
"""scrypt: 16 MB and tens of milliseconds for each try (RFC 7914's interactive setting)."""


def new_badge() -> str:
    """What stands on a badge: 92 bits, longer than any tag, so that it is taken for nothing else."""
    return "CLERK" + "".join(secrets.choice(_SIGNS) for _ in range(20))


def read_badge(text: str) -> str | None:
    """The badge, whatever the scanner made of its letters; None when it is none."""
    found = _BADGE.fullmatch(text.strip().upper())
    return found[0] if found else None


def hash_pin(pin: str, salt: bytes | None = None) -> str:
    """Salt and hash in hex. Takes long on purpose: never in a transaction."""
    salt = salt or secrets.token_bytes(16)
    return f"{salt.hex()}:{hashlib.scrypt(pin.encode(), salt=salt, n=_N, r=_R, p=_P, dklen=32).hex()}"


def is_pin(pin: str, stored: str) -> bool:
    salt = bytes.fromhex(stored.partition(":")[0])
    return hmac.compare_digest(hash_pin(pin, salt), stored)


def shows(name: str) -> bool:
    """One line, no control characters."""
    return bool(name.strip()) and name.isprintable()
