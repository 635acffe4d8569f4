"""Where the command that checks a receipt gets the network's keys from: a file, or an address."""

from pathlib import Path
from typing import Final

import httpx
import msgspec

from dropoff.counter.signed import KeySet

KEYS_MAX: Final = 1_000_000
TIMEOUT_S: Final = 10
WELL_KNOWN: Final = "/.well-known/dropoff-keys.json"


class NoKeys(Exception):
    """The message says why, in a sentence."""


def read_keys(source: str) -> KeySet:
    """Raises `NoKeys`."""
    raw = _fetch(source) if source.startswith(("http://", "https://")) else _read(Path(source))
    try:
        return msgspec.json.decode(raw, type=KeySet)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise NoKeys(f"{source} holds no keys of a network; they are at https://HOST{WELL_KNOWN}.") from None


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(KEYS_MAX)
    except OSError as error:
        raise NoKeys(f"the keys in {path} cannot be read: {error.strerror}.") from None


def _fetch(url: str) -> bytes:
    try:
        with httpx.stream("GET", url, timeout=TIMEOUT_S, follow_redirects=False) as response:
            if response.status_code != 200:
                raise NoKeys(f"{url} answered {response.status_code}.")
            raw = b""
            for part in response.iter_bytes():
                raw += part
                if len(raw) > KEYS_MAX:
                    raise NoKeys(f"{url} answers more than keys.")
            return raw
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NoKeys(f"{url} cannot be asked: {type(error).__name__}.") from None
