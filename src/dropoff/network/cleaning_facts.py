"""What a row tells of a place beside its name, position and hours → facts.

None of it decides whether a place stands: what cannot be read is left unknown and told as repaired; the place stays.
"""

import re
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from dropoff.network.cleaning_text import RAW_MAX, clean_text
from dropoff.network.facts import WEIGHT_MAX_G, WORD_MAX, WORDS_MAX, Box, Facts, box, box_of, word
from dropoff.network.positions import number

URL_MAX: Final = 500
NOTE_MAX: Final = 200
_TRUE, _FALSE = frozenset(("true", "1", "yes")), frozenset(("false", "0", "no"))
_SEPARATORS: Final = re.compile(r"[,;|]")
_URL: Final = re.compile(r"[!-~]+")
"""As URLs are sent: what is not ASCII or is a blank should have been escaped."""


class Told(msgspec.Struct, frozen=True):
    facts: Facts
    photo_url: str | None
    access_note: str | None
    repaired: tuple[str, ...]
    """Fields of which something was not taken."""


def read(properties: dict[str, Any], accepts: tuple[str, ...]) -> Told:
    """`accepts` may hold the words `step_free` and `printer`, as files did before there were facts."""
    reader = _Reader(properties)
    step_free, has_printer = reader.flag("step_free"), reader.flag("has_printer")
    facts = Facts(
        carriers=reader.words("carriers"),
        step_free=True if step_free is None and "step_free" in accepts else step_free,
        has_printer=True if has_printer is None and "printer" in accepts else has_printer,
        max_weight_g=reader.weight("max_weight_g"),
        max_size_mm=reader.size("max_size_mm"),
        refuses=reader.words("refuses"),
    )
    return Told(facts, reader.secure_url("photo_url"), reader.note("access_note"), tuple(reader.repaired))


class _Reader:
    def __init__(self, properties: dict[str, Any]) -> None:
        self._properties = properties
        self.repaired: dict[str, None] = {}

    def _raw(self, field: str) -> Any:
        """None when nothing is said."""
        raw = self._properties.get(field)
        if isinstance(raw, str):
            raw = raw[:RAW_MAX].strip()
        return None if raw in ("", [], ()) else raw

    def _mended(self, field: str) -> None:
        self.repaired[field] = None

    def words(self, field: str) -> tuple[str, ...] | None:
        """A list, or one text between commas, semicolons or bars. A word that cannot be read is left out."""
        raw = self._raw(field)
        if raw is None:
            return None
        given: Iterable[Any] = _SEPARATORS.split(clean_text(raw)) if isinstance(raw, str) else raw
        if not isinstance(given, list) or len(given) > WORDS_MAX:
            self._mended(field)
            return None
        given = [one for one in given if one not in ("", None)]
        read = [word(one) if isinstance(one, str) and len(one) <= 2 * WORD_MAX else "" for one in given]
        if "" in read:
            self._mended(field)
        return tuple(sorted(set(filter(None, read)))) or None

    def flag(self, field: str) -> bool | None:
        raw = self._raw(field)
        if raw is None or isinstance(raw, bool):
            return raw
        said = raw.casefold() if isinstance(raw, str) else str(raw) if raw in (0, 1) else ""
        if said in _TRUE or said in _FALSE:
            return said in _TRUE
        self._mended(field)
        return None

    def weight(self, field: str) -> int | None:
        """Whole grams, as a number or as its digits."""
        raw = self._raw(field)
        if raw is None:
            return None
        read = number(raw)
        if read is not None and read[0] == int(read[0]) and 1 <= read[0] <= WEIGHT_MAX_G:
            return int(read[0])
        self._mended(field)
        return None

    def size(self, field: str) -> Box | None:
        """Three whole millimetres as a list or as `600x400x300`, in any order."""
        raw = self._raw(field)
        if raw is None:
            return None
        read = box_of(raw) if isinstance(raw, str) else _box_in(raw)
        if read is None:
            self._mended(field)
        return read

    def secure_url(self, field: str) -> str | None:
        raw = self._raw(field)
        if raw is None:
            return None
        if isinstance(raw, str) and len(raw) <= URL_MAX and _URL.fullmatch(raw) and _is_secure(raw):
            return raw
        self._mended(field)
        return None

    def note(self, field: str) -> str | None:
        """A longer one is cut: how to reach a place is at its beginning."""
        raw = self._raw(field)
        if raw is None:
            return None
        text = clean_text(raw) if isinstance(raw, str) else ""
        if text != raw or len(text) > NOTE_MAX:
            self._mended(field)
        return (text if len(text) <= NOTE_MAX else text[: NOTE_MAX - 1].rstrip() + "…") or None


def _box_in(raw: Any) -> Box | None:
    sides = [number(side) for side in raw] if isinstance(raw, list) and len(raw) == 3 else []
    whole = [int(side[0]) for side in sides if side is not None and side[0] == int(side[0])]
    return box(*whole) if len(whole) == 3 else None


def _is_secure(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and bool(parts.hostname) and parts.username is None
    except ValueError:
        return False
