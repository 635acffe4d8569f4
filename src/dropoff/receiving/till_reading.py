"""What a hand scanner typed, made plain: a label read twice is one label. And a pass on its way from the page that
scanned it to the page that takes its things in, sealed, so that neither address nor page holds it.
"""

import base64
import re
from datetime import datetime, timedelta
from typing import Final

import msgspec

from dropoff.db.vault import Vault, WrongSecret
from dropoff.kernel import codes

SHIFT: Final = timedelta(hours=12)
"""How long a scanned pass stays open on a till: a form may lie there over lunch."""
HALF_MIN: Final = 8
DULL: Final = 2
_SCANNED: Final = re.compile(r"text|tag(-\d+)?|c")


def is_scanned(name: str) -> bool:
    """The fields of the till's forms that scanners type into."""
    return _SCANNED.fullmatch(name) is not None


def read_once(text: str) -> str:
    """Without the second half when it says the first one again: a scanner that sends no Enter between two reads of one
    label. Short and dull texts are left alone, for a tag may say `123123` or `1000000010000000`."""
    half, odd = divmod(len(text), 2)
    doubled = not odd and text[:half].upper() == text[half:].upper()
    doubled = doubled and half >= HALF_MIN and len(set(text)) > DULL
    return text[:half] if doubled else text


class SeenPass(msgspec.Struct, frozen=True):
    code: str
    """Long or short."""
    at: datetime
    """When it was scanned."""
    return_id: str = ""
    """Of a visit's code: the return that is taken in."""


def seal_pass(vault: Vault, device_id: str, text: str, at: datetime, return_id: str = "") -> str:
    """For this till alone. `text` was found to be a pass or a visit."""
    candidates = codes.code_candidates(text)
    seen = SeenPass(codes.spoken_code(text) or (candidates[0] if candidates else ""), at, return_id)
    sealed = vault.seal(_purpose(device_id), msgspec.json.encode(seen))
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def open_pass(vault: Vault, device_id: str, sealed: str, at: datetime) -> SeenPass | None:
    """None when it is of another till, of another day, or no such thing at all."""
    try:
        plain = base64.urlsafe_b64decode(f"{sealed}{'=' * (-len(sealed) % 4)}")
        seen = msgspec.json.decode(vault.open(_purpose(device_id), plain), type=SeenPass)
    except (ValueError, WrongSecret, msgspec.MsgspecError):
        return None
    return seen if seen.at <= at < seen.at + SHIFT else None


def _purpose(device_id: str) -> str:
    return f"pass at till {device_id}"
