"""A file on disk as a stream of text, whatever its encoding.

UTF-8 with or without a byte order mark, UTF-16 and UTF-32 are read as they are. A byte that is no UTF-8 comes through
as a lone surrogate and is mended row by row, so that one wrong byte neither loses a row nor spoils its neighbours.
"""

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

CHUNK = 1 << 16
_WRONG_BYTE = re.compile("[\udc80-\udcff]")
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class FileInvalid(Exception):
    """The file as a whole cannot be read to its end; nothing of it may be put in force."""


def open_text(path: Path, encoding: str = "") -> TextIO:
    """Line ends come through as they are. `encoding`: what somebody said it is; nothing is guessed then."""
    if encoding:
        return path.open(encoding=encoding, errors="replace", newline="")
    with path.open("rb") as file:
        encoding = _encoding(file.read(4))
    errors = "surrogateescape" if encoding.startswith("utf-8") else "replace"
    return path.open(encoding=encoding, errors=errors, newline="")


def text_chunks(path: Path, encoding: str = "") -> Iterator[str]:
    with open_text(path, encoding) as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _encoding(head: bytes) -> str:
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    # Both formats begin with an ASCII character, so the zero byte beside it tells an unmarked UTF-16.
    if len(head) >= 2 and (head[0] == 0) != (head[1] == 0):
        return "utf-16-be" if head[0] == 0 else "utf-16-le"
    return "utf-8"


def has_wrong_bytes(text: str) -> bool:
    return not text.isascii() and _WRONG_BYTE.search(text) is not None


def mend_bytes(text: str) -> str:
    """Bytes that are no UTF-8 are read as Windows-1252, the encoding that such files nearly always have."""
    return _WRONG_BYTE.sub(lambda match: _western(ord(match[0]) - 0xDC00), text)


def _western(byte: int) -> str:
    try:
        return bytes((byte,)).decode("cp1252")
    except UnicodeDecodeError:
        return chr(byte)
