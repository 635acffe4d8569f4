"""A CSV file of locations on disk → rows, one by one, in bounded memory.

RFC 4180 with a header line; a semicolon or a tab is taken as the separator when the header is written with it. A
row that does not fit the header is rejected alone; a file that ends inside a quoted field or inside its last row is
refused.
"""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from dropoff.network.cleaning import RawRow, Rejected
from dropoff.network.positions import number
from dropoff.network.textfile import FileInvalid, has_wrong_bytes, mend_bytes, open_text

FIELD_MAX = 1 << 20
LINE_MAX = 1 << 22
REQUIRED = ("id", "name", "kind", "country", "lat", "lon")
COLUMNS_MAX = 200
SEPARATORS = (",", ";", "\t")


def read_csv(path: Path) -> Iterator[RawRow | Rejected]:
    """Raises `FileInvalid` when there is no usable header or the file ends before its end."""
    csv.field_size_limit(FIELD_MAX)
    with open_text(path) as file:
        yield from _rows(_Lines(file))


def _rows(lines: "_Lines") -> Iterator[RawRow | Rejected]:
    header, separator = _header(lines)
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
            yield Rejected(index, None, "row_malformed", f"Line {lines.count} is no valid CSV: {error}.")
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


def _header(lines: _Lines) -> tuple[list[str], str]:
    first = next(lines, "")
    for separator in SEPARATORS:
        try:
            cells = next(csv.reader([first], delimiter=separator), [])
        except csv.Error:
            break
        header = [mend_bytes(cell).strip().casefold() for cell in cells]
        if "id" in header and len(header) <= COLUMNS_MAX:
            if missing := [name for name in REQUIRED if name not in header]:
                raise FileInvalid(f"The header has no column {', '.join(missing)}.")
            if len(set(header)) < len(header):
                raise FileInvalid("The header names a column twice.")
            return header, separator
    raise FileInvalid(f"The first line must be a header with the columns {', '.join(REQUIRED)}.")


def _row(index: int, header: list[str], cells: list[str]) -> RawRow | Rejected:
    if len(cells) != len(header):
        told = f"The row has {len(cells)} fields; the header has {len(header)}."
        return Rejected(index, None, "row_malformed", told)
    repaired: tuple[str, ...] = ()
    if any(has_wrong_bytes(cell) for cell in cells):
        cells, repaired = [mend_bytes(cell) for cell in cells], ("encoding",)
    fields = dict(zip(header, cells, strict=True))
    coordinates = [_coordinate(fields.pop("lon")), _coordinate(fields.pop("lat"))]
    geometry = None if coordinates == ["", ""] else {"type": "Point", "coordinates": coordinates}
    return RawRow(index, fields, geometry, None, repaired)


def _coordinate(cell: str) -> Any:
    """In CSV every number is text, so reading one is no repair."""
    found = number(cell)
    return cell.strip() if found is None else found[0]
