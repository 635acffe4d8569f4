"""The objects of one array in a huge JSON document, one by one, in bounded memory.

The document is an object with the array under one of its keys, as GeoJSON has it under `features` and Overpass under
`elements`. It is cut at the array's elements first and each is parsed alone: a NaN, a number of 5,000 digits, an
element of 300 MB or a slip of syntax costs that element and not the document. One that ends early is refused whole.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from dropoff.kernel.textfile import FileInvalid, has_wrong_bytes, mend_bytes

ELEMENT_MAX = 1 << 20
"""Characters of one element; a longer one is skipped unread and told as broken."""
FRAME_MAX = 1 << 20
"""Characters of everything around the elements."""
DEPTH_MAX = 64

_STRUCTURE = re.compile(r'["\[\]{}]')
_IN_STRING = re.compile(r'["\\]')
_BLANK = re.compile(r"[ \t\r\n]*")
_SCALAR_END = re.compile(r"[,\]}\s]")
_KEY_REACH = 200
_DECODER = json.JSONDecoder(strict=False)


class Element(msgspec.Struct, frozen=True):
    """`reason` and `detail` are set instead of a value when it cannot be read: `row_too_large` or `row_malformed`."""

    index: int
    value: Any = None
    repaired: bool = False
    """Whether bytes that are no UTF-8 had to be mended."""
    reason: str | None = None
    detail: str = ""


class ArrayReader:
    """Iterate once over the elements; then `frame` is the document with that array left empty."""

    def __init__(self, chunks: Iterator[str], key: str) -> None:
        self._source = _Source(chunks)
        self._key = key
        self._is_key = re.compile(rf'"{re.escape(key)}"[ \t\r\n]*:[ \t\r\n]*\Z')
        self.frame: dict[str, Any] = {}

    def __iter__(self) -> Iterator[Element]:
        """Raises `FileInvalid` when the document has no such array or ends before its end."""
        before = self._frame_before()
        index = 0
        while (element := _next_element(self._source, index)) is not None:
            yield _read(index, element)
            index += 1
        self.frame = _parse_frame(before + "[]" + _frame_after(self._source))

    def _frame_before(self) -> str:
        """Everything up to the bracket that opens the array; the source then stands behind it."""
        source = self._source
        if source.peek() != "{":
            raise FileInvalid("It does not begin with a JSON object.")
        marks, depth, scanned = _Marks(), 0, source.at
        while True:
            text = source.buffer
            for mark, behind in marks.of(text, scanned):
                if mark == "[" and depth == 1 and self._is_key.search(text[max(0, behind - _KEY_REACH) : behind - 1]):
                    before, source.at = text[source.at : behind - 1], behind
                    return before
                depth += _step(mark)
                if depth == 0:
                    raise FileInvalid(f"It has no array `{self._key}`.")
            scanned = len(text) - source.at
            if len(text) > FRAME_MAX or not source.more():
                raise FileInvalid(f"It ends, or goes on for too long, before its `{self._key}` begin.")


class _Unread:
    """Stands for an element that was skipped; `why` is told."""

    def __init__(self, why: str) -> None:
        self.why = why


class _Parsed:
    def __init__(self, value: Any) -> None:
        self.value = value


def _read(index: int, element: "str | _Parsed | _Unread") -> Element:
    if isinstance(element, _Parsed):
        return Element(index, element.value)
    if isinstance(element, _Unread):
        return Element(index, reason="row_too_large", detail=element.why)
    wrong = has_wrong_bytes(element)
    try:
        return Element(index, _DECODER.decode(mend_bytes(element) if wrong else element), wrong)
    except (ValueError, RecursionError) as error:
        why = error.msg if isinstance(error, json.JSONDecodeError) else "a number is out of bounds"
        return Element(index, reason="row_malformed", detail=f"The row is no valid JSON: {why}.")


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


def _frame_after(source: _Source) -> str:
    parts = [source.buffer[source.at :]]
    source.at = len(source.buffer)
    while source.more():
        parts.append(source.buffer)
        source.at = len(source.buffer)
        if sum(map(len, parts)) > FRAME_MAX:
            raise FileInvalid("Too much follows the rows.")
    return "".join(parts)


def _parse_frame(frame: str) -> dict[str, Any]:
    try:
        document = _DECODER.decode(mend_bytes(frame))
    except (ValueError, RecursionError):
        raise FileInvalid("It is cut off, or is no valid JSON around its rows.") from None
    if not isinstance(document, dict):
        raise FileInvalid("It is no JSON object.")
    return document


def _next_element(source: _Source, index: int) -> "str | _Parsed | _Unread | None":
    """The next element's text or value; None at the end of the array."""
    following = source.peek()
    if index > 0 and following == ",":
        source.at += 1
        following = source.peek()
    elif index > 0 and following not in ("]", ""):
        raise FileInvalid(f"A comma is missing before the row with index {index}.")
    if following == "]":
        source.at += 1
        return None
    if following == "":
        raise FileInvalid(f"It is cut off before the row with index {index}.")
    if following in "{[":
        return _quick(source) or _slow(source, index)
    return _slow(source, index) if following == '"' else _scalar(source, index)


def _quick(source: _Source) -> _Parsed | None:
    """Most elements lie whole in the buffer and are parsed in one go."""
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
        if length <= ELEMENT_MAX:
            kept.append(source.buffer[source.at :])
        else:
            kept.clear()
        source.at = len(source.buffer)
        if not source.more():
            raise FileInvalid(f"It is cut off inside the row with index {index}.")


def _unread(length: int, deepest: int) -> _Unread | None:
    if length > ELEMENT_MAX:
        return _Unread(f"The row has {length} characters; {ELEMENT_MAX} is the most.")
    if deepest > DEPTH_MAX:
        return _Unread(f"The row is nested {deepest} deep; {DEPTH_MAX} is the most.")
    return None


def _scalar(source: _Source, index: int) -> str:
    """A number or a word where an element should be."""
    while (match := _SCALAR_END.search(source.buffer, source.at)) is None:
        if len(source.buffer) - source.at > FRAME_MAX or not source.more():
            raise FileInvalid(f"It is cut off inside the row with index {index}.")
    start, source.at = source.at, match.start()
    if start == source.at:
        raise FileInvalid(f"Something that is no JSON stands at the row with index {index}.")
    return source.buffer[start : source.at]
