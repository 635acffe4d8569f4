"""A CSV table on disk → rows by column name, one by one, in bounded memory.

RFC 4180 with a header line; a semicolon or a tab is taken as the separator when the header is written with it. A row
that does not fit the header is told alone; a table that ends inside a quoted field or inside its last row is refused.
"""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TextIO

import msgspec

from dropoff.kernel.textfile import FileInvalid, has_wrong_bytes, mend_bytes, open_text

FIELD_MAX = 1 << 20
LINE_MAX = 1 << 22
COLUMNS_MAX = 200
SEPARATORS = (",", ";", "\t")


class Row(msgspec.Struct, frozen=True):
    """`detail` says why there are no cells."""

    index: int
    cells: dict[str, str] | None
    repaired: bool = False
    """Whether bytes that are no UTF-8 had to be mended."""
    detail: str = ""


def read_table(
    path: Path, required: tuple[str, ...], named: Mapping[str, str] | None = None, encoding: str = ""
) -> Iterator[Row]:
    """`named`: what the table calls a column → what the caller does; others keep their names, in lower case.
    `encoding`: when somebody said what it is.

    Raises `FileInvalid` when there is no usable header or the table ends before its end.
    """
    csv.field_size_limit(FIELD_MAX)
    names = {theirs.strip().casefold(): ours for theirs, ours in (named or {}).items()}
    with open_text(path, encoding) as file:
        yield from _rows(_Lines(file), required, names)


def _rows(lines: "_Lines", required: tuple[str, ...], names: Mapping[str, str]) -> Iterator[Row]:
    header, separator = _header(lines, required, names)
    rows = csv.reader(lines, delimiter=separator, strict=True)
    index = 0
    while True:
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            if lines.ended or "field limit" in str(error):
                raise FileInvalid(f"The file ends inside a quoted field, near line {lines.count}.") from None
            yield Row(index, None, detail=f"Line {lines.count} is no valid CSV: {error}.")
            index += 1
            continue
        if not cells:
            continue
        if len(cells) < len(header) and lines.cut_off():
            raise FileInvalid(f"The file is cut off inside its last row, line {lines.count}.")
        yield _row(index, header, cells)
        index += 1


class _Lines:
    """The file's lines with their ends, which the CSV reader needs inside quotes."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._last = ""
        self.count = 0
        self.ended = False

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._file.readline(LINE_MAX)
        if len(line) == LINE_MAX:
            raise FileInvalid(f"Line {self.count + 1} is longer than {LINE_MAX} characters.")
        if not line:
            self.ended = True
            raise StopIteration
        self.count += 1
        self._last = line
        return line

    def cut_off(self) -> bool:
        """Whether the line just read has no end, as only a file's last line may."""
        return not self._last.endswith(("\n", "\r"))


def _header(lines: _Lines, required: tuple[str, ...], names: Mapping[str, str]) -> tuple[list[str], str]:
    first = next(lines, "")
    for separator in SEPARATORS:
        try:
            cells = next(csv.reader([first], delimiter=separator), [])
        except csv.Error:
            break
        theirs = [mend_bytes(cell).strip().casefold() for cell in cells]
        # A column of theirs that happens to be called as one of ours is not it when another one is named for it.
        taken = {names[name] for name in theirs if name in names}
        header = [names.get(name, f"their {name}" if name in taken else name) for name in theirs]
        if "id" in header and len(header) <= COLUMNS_MAX:
            if missing := [name for name in required if name not in header]:
                raise FileInvalid(f"The header has no column {', '.join(missing)}.")
            if len(set(header)) < len(header):
                raise FileInvalid("The header names a column twice.")
            return header, separator
    raise FileInvalid(f"The first line must be a header with the columns {', '.join(required)}.")


def _row(index: int, header: list[str], cells: list[str]) -> Row:
    if len(cells) != len(header):
        return Row(index, None, detail=f"The row has {len(cells)} fields; the header has {len(header)}.")
    wrong = any(has_wrong_bytes(cell) for cell in cells)
    if wrong:
        cells = [mend_bytes(cell) for cell in cells]
    return Row(index, dict(zip(header, cells, strict=True)), wrong)
