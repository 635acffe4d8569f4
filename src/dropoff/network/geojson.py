"""A GeoJSON FeatureCollection on disk → rows, one by one, in bounded memory.

The file is cut at its features first and each feature is parsed alone: a NaN, a number of 5,000 digits, a feature of
300 MB or a slip of syntax costs that row and not the file. A file that ends early is refused as a whole.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dropoff.network.cleaning import RawRow, Rejected
from dropoff.network.textfile import FileInvalid, has_wrong_bytes, mend_bytes, text_chunks

FEATURE_MAX = 1 << 20
"""Characters of one feature; a longer one is skipped unread and told as rejected."""
FRAME_MAX = 1 << 20
"""Characters of everything around the features."""
DEPTH_MAX = 64

_STRUCTURE = re.compile(r'["\[\]{}]')
_IN_STRING = re.compile(r'["\\]')
_BLANK = re.compile(r"[ \t\r\n]*")
_SCALAR_END = re.compile(r"[,\]}\s]")
_FEATURES_KEY = re.compile(r'"features"[ \t\r\n]*:[ \t\r\n]*\Z')
_KEY_REACH = 200
_DECODER = json.JSONDecoder(strict=False)


class _Unread:
    """Stands for a feature that was skipped; `why` is a rejection's detail."""

    def __init__(self, why: str) -> None:
        self.why = why


class _Parsed:
    def __init__(self, value: Any) -> None:
        self.value = value


def read_geojson(path: Path) -> Iterator[RawRow | Rejected]:
    """Raises `FileInvalid` when the file is no FeatureCollection or ends before its end."""
    source = _Source(text_chunks(path))
    before = _frame_before(source)
    index = 0
    while (element := _next_element(source, index)) is not None:
        yield _row(index, element)
        index += 1
    _check_frame(before + "[]" + _frame_after(source))


def _row(index: int, element: "str | _Parsed | _Unread") -> RawRow | Rejected:
    if isinstance(element, _Unread):
        return Rejected(index, None, "row_too_large", element.why)
    repaired: tuple[str, ...] = ()
    if isinstance(element, _Parsed):
        feature = element.value
    else:
        if has_wrong_bytes(element):
            element, repaired = mend_bytes(element), ("encoding",)
        try:
            feature = _DECODER.decode(element)
        except (ValueError, RecursionError) as error:
            why = error.msg if isinstance(error, json.JSONDecodeError) else "a number is out of bounds"
            return Rejected(index, None, "row_malformed", f"The feature is no valid JSON: {why}.")
    if not isinstance(feature, dict):
        return Rejected(index, None, "not_an_object", "The feature is not an object.")
    return RawRow(index, feature.get("properties"), feature.get("geometry"), feature.get("id"), repaired)


class _Source:
    """What was read and not yet used, with a place in it."""

    def __init__(self, chunks: Iterator[str]) -> None:
        self._chunks = chunks
        self.buffer = ""
        self.at = 0

    def more(self) -> bool:
        chunk = next(self._chunks, None)
        if chunk is None:
            return False
        self.buffer = self.buffer[self.at :] + chunk
        self.at = 0
        return True

    def peek(self) -> str:
        """The next character that is no blank, or nothing at the file's end."""
        while True:
            blank = _BLANK.match(self.buffer, self.at)
            self.at = blank.end() if blank else self.at
            if self.at < len(self.buffer):
                return self.buffer[self.at]
            if not self.more():
                return ""


class _Marks:
    """Brackets and string ends of a text that comes in pieces; what stands inside strings is passed over."""

    def __init__(self) -> None:
        self._in_string = False
        self._escaped = False

    def of(self, text: str, at: int) -> Iterator[tuple[str, int]]:
        """Each mark with the place behind it; the next piece goes on where this one stopped."""
        while at < len(text):
            if self._escaped:
                self._escaped = False
                at += 1
            match = (_IN_STRING if self._in_string else _STRUCTURE).search(text, at)
            if match is None:
                return
            at = match.end()
            if match[0] == "\\":
                self._escaped = True
            elif match[0] != '"':
                yield match[0], at
            else:
                self._in_string = not self._in_string
                if not self._in_string:
                    yield match[0], at


def _step(mark: str) -> int:
    return 1 if mark in "[{" else -1 if mark in "]}" else 0


def _frame_before(source: _Source) -> str:
    """Everything up to the bracket that opens the features; the source then stands behind it."""
    if source.peek() != "{":
        raise FileInvalid("The file is not a GeoJSON FeatureCollection: it does not begin with an object.")
    marks, depth, scanned = _Marks(), 0, source.at
    while True:
        text = source.buffer
        for mark, behind in marks.of(text, scanned):
            if mark == "[" and depth == 1 and _FEATURES_KEY.search(text[max(0, behind - _KEY_REACH) : behind - 1]):
                before, source.at = text[source.at : behind - 1], behind
                return before
            depth += _step(mark)
            if depth == 0:
                raise FileInvalid("The file is not a GeoJSON FeatureCollection: it has no array `features`.")
        scanned = len(text) - source.at
        if len(text) > FRAME_MAX or not source.more():
            raise FileInvalid("The file ends, or goes on for too long, before its `features` begin.")


def _frame_after(source: _Source) -> str:
    parts = [source.buffer[source.at :]]
    source.at = len(source.buffer)
    while source.more():
        parts.append(source.buffer)
        source.at = len(source.buffer)
        if sum(map(len, parts)) > FRAME_MAX:
            raise FileInvalid("Too much follows the features.")
    return "".join(parts)


def _check_frame(frame: str) -> None:
    try:
        collection = _DECODER.decode(mend_bytes(frame))
    except (ValueError, RecursionError):
        raise FileInvalid("The file is cut off, or is no valid JSON around its features.") from None
    if not isinstance(collection, dict) or collection.get("type") != "FeatureCollection":
        raise FileInvalid("The file's `type` is not FeatureCollection.")


def _next_element(source: _Source, index: int) -> "str | _Parsed | _Unread | None":
    """The next feature's text or value; None at the end of the array."""
    following = source.peek()
    if index > 0 and following == ",":
        source.at += 1
        following = source.peek()
    elif index > 0 and following not in ("]", ""):
        raise FileInvalid(f"A comma is missing before the feature with index {index}.")
    if following == "]":
        source.at += 1
        return None
    if following == "":
        raise FileInvalid(f"The file is cut off before the feature with index {index}.")
    if following in "{[":
        return _quick(source) or _slow(source, index)
    return _slow(source, index) if following == '"' else _scalar(source, index)


def _quick(source: _Source) -> _Parsed | None:
    """Most features lie whole in the buffer and are parsed in one go."""
    try:
        value, end = _DECODER.raw_decode(source.buffer, source.at)
    except (ValueError, RecursionError):
        return None
    if has_wrong_bytes(source.buffer[source.at : end]):
        return None
    source.at = end
    return _Parsed(value)


def _slow(source: _Source, index: int) -> str | _Unread:
    marks, depth, deepest, length = _Marks(), 0, 0, 0
    kept: list[str] = []
    while True:
        for mark, behind in marks.of(source.buffer, source.at):
            depth += _step(mark)
            deepest = max(deepest, depth)
            if depth <= 0:
                kept.append(source.buffer[source.at : behind])
                length += behind - source.at
                source.at = behind
                return _unread(length, deepest) or "".join(kept)
        length += len(source.buffer) - source.at
        if length <= FEATURE_MAX:
            kept.append(source.buffer[source.at :])
        else:
            kept.clear()
        source.at = len(source.buffer)
        if not source.more():
            raise FileInvalid(f"The file is cut off inside the feature with index {index}.")


def _unread(length: int, deepest: int) -> _Unread | None:
    if length > FEATURE_MAX:
        return _Unread(f"The feature has {length} characters; {FEATURE_MAX} is the most.")
    if deepest > DEPTH_MAX:
        return _Unread(f"The feature is nested {deepest} deep; {DEPTH_MAX} is the most.")
    return None


def _scalar(source: _Source, index: int) -> str:
    """A number or a word where a feature should be."""
    while (match := _SCALAR_END.search(source.buffer, source.at)) is None:
        if len(source.buffer) - source.at > FRAME_MAX or not source.more():
            raise FileInvalid(f"The file is cut off inside the feature with index {index}.")
    start, source.at = source.at, match.start()
    if start == source.at:
        raise FileInvalid(f"Something that is no JSON stands at the feature with index {index}.")
    return source.buffer[start : source.at]
