"""A gazetteer file on disk → rows of postal codes, one by one, in bounded memory.

Three kinds are known by their content: GeoNames' ZIP with one text file in it, that text itself (tab-separated, no
header), and CSV with the header `country,postcode,place,admin1,lat,lon`; the last two also packed by gzip. What is
wrong with the file as a whole raises `GazetteerInvalid`; a wrong row is told and left out.
"""

import csv
import gzip
import html
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, cast

import msgspec

from dropoff.network.gazetteer_building import Row
from dropoff.network.gazetteer_spelling import postcode_key
from dropoff.network.positions import number

FILE_MAX: Final = 1 << 30
TEXT_MAX: Final = 1 << 30
"""Bytes once unpacked. All countries of GeoNames, with every full postcode, are a quarter of that."""
ROWS_MAX: Final = 5_000_000
LINE_MAX: Final = 1 << 14
HEADER: Final = ("country", "postcode", "place", "admin1", "lat", "lon")
COLUMNS: Final = (0, 1, 2, 3, 9, 10)
"""Where GeoNames has country, postcode, place, first region, latitude and longitude."""
COLUMNS_MIN: Final = 11
WRONG_MIN: Final = 10
WRONG_SHARE: Final = 0.01
"""More wrong rows than both: then it is some other file."""
WRONG_TOLD: Final = 20
NAME_MAX, POSTCODE_TEXT_MAX, REGION_MAX = 200, 20, 100


class GazetteerInvalid(Exception):
    """The file as a whole cannot be taken; the message says why."""


class Wrong(msgspec.Struct, frozen=True):
    line: int
    detail: str


def read_gazetteer(path: Path, wrong: Callable[[Wrong], None]) -> Iterator[Row]:
    """`wrong` is told each row that is left out."""
    if path.stat().st_size > FILE_MAX:
        raise GazetteerInvalid(f"The file is larger than {FILE_MAX >> 30} GiB.")
    try:
        with _opened(path) as (file, packed):
            yield from _rows(_Lines(file, packed), wrong)
    except (EOFError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error) as error:
        raise GazetteerInvalid(f"The packed file is damaged or cut off: {error}.") from None
    except (NotImplementedError, RuntimeError) as error:
        # Raised by zipfile for ways of packing and of encrypting that it does not know.
        raise GazetteerInvalid(f"The ZIP cannot be opened: {error}.") from None


@contextmanager
def _opened(path: Path) -> Iterator[tuple[IO[bytes], bool]]:
    """And whether it is packed: then its end is known to be its end."""
    with path.open("rb") as file:
        magic = file.read(4)
    if magic.startswith(b"PK"):
        with zipfile.ZipFile(path) as archive, archive.open(_member(archive)) as inside:
            yield inside, True
    elif magic.startswith(b"\x1f\x8b"):
        with gzip.open(path) as unpacked:
            yield cast(IO[bytes], unpacked), True
    else:
        with path.open("rb") as file:
            yield file, False


def _member(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    found = [
        info
        for info in archive.infolist()
        if info.filename.lower().endswith((".txt", ".csv")) and "readme" not in info.filename.lower()
    ]
    if len(found) != 1:
        raise GazetteerInvalid(f"The ZIP holds {len(found)} text files; GeoNames has one in each, beside its readme.")
    return found[0]


class _Lines:
    """Lines of text without their ends, counted from 1."""

    def __init__(self, file: IO[bytes], packed: bool) -> None:
        self._file, self._packed = file, packed
        self._size = 0
        self.count = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._file.readline(LINE_MAX)
        if not line:
            raise StopIteration
        self.count += 1
        self._size += len(line)
        if self._size > TEXT_MAX:
            raise GazetteerInvalid(f"Unpacked, the file is larger than {TEXT_MAX >> 30} GiB.")
        if not line.endswith(b"\n"):
            self._refuse_end(line)
        if b"\0" in line:
            raise GazetteerInvalid(f"Line {self.count} is no text: it holds a zero byte. The file must be UTF-8.")
        try:
            return line.decode("utf-8-sig" if self.count == 1 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            raise GazetteerInvalid(f"Line {self.count} is not UTF-8, the encoding that GeoNames uses.") from None

    def _refuse_end(self, line: bytes) -> None:
        if len(line) == LINE_MAX:
            raise GazetteerInvalid(f"Line {self.count} is longer than {LINE_MAX} bytes.")
        if not self._packed:
            raise GazetteerInvalid(f"The file is cut off: its last line, {self.count}, has no end.")


def _rows(lines: _Lines, wrong: Callable[[Wrong], None]) -> Iterator[Row]:
    first = next(lines, "")
    _refuse_other_kinds(first)
    if tuple(cell.strip().casefold() for cell in first.split(",")) == HEADER:
        cells = _csv_cells(lines)
    else:
        cells = _text_cells(first, lines)
    rows = misses = 0
    for row in cells:
        found = _row(row) if isinstance(row, list) else row
        if isinstance(found, Row):
            rows += 1
            if rows > ROWS_MAX:
                raise GazetteerInvalid(f"The file has more than {ROWS_MAX:,} rows.")
            yield found
        else:
            misses += 1
            told = Wrong(lines.count, found)
            wrong(told)
            if misses > WRONG_MIN and misses > WRONG_SHARE * max(rows, 10_000):
                raise GazetteerInvalid(_too_many(misses, rows, told))
    if not rows or (misses > WRONG_MIN and misses > WRONG_SHARE * rows):
        raise GazetteerInvalid(_too_many(misses, rows, None))


def _too_many(misses: int, rows: int, last: Wrong | None) -> str:
    if not misses:
        return "The file is empty."
    told = f" Line {last.line}: {last.detail}" if last else ""
    return f"This is no gazetteer: of {misses + rows:,} rows, {misses:,} cannot be read.{told}"


def _refuse_other_kinds(first: str) -> None:
    start = first.lstrip()[:200].casefold()
    if start.startswith("<"):
        raise GazetteerInvalid("This is a web page, no gazetteer: perhaps the download answered with an error.")
    if start.startswith(("{", "[")):
        raise GazetteerInvalid("This is JSON, no gazetteer. Use GeoNames' postal-code files.")


def _csv_cells(lines: _Lines) -> Iterator[list[str] | str]:
    rows = csv.reader(lines, strict=True)
    while True:
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield f"The row is no valid CSV: {error}."
            continue
        if cells:
            yield cells if len(cells) == len(HEADER) else f"The row has {len(cells)} fields instead of {len(HEADER)}."


def _text_cells(first: str, lines: _Lines) -> Iterator[list[str] | str]:
    line: str | None = first
    while line is not None:
        cells = line.split("\t")
        if len(cells) >= COLUMNS_MIN:
            yield [cells[column] for column in COLUMNS]
        elif line.strip():
            yield f"The row has {len(cells)} fields between tabs instead of 12."
        line = next(lines, None)


def _row(cells: list[str]) -> Row | str:
    """A row, or what is wrong with it."""
    country, postcode, name, region = (_clean(cell) for cell in cells[:4])
    lat, lon = number(cells[4]), number(cells[5])
    if not (len(country) == 2 and country.isascii() and country.isalpha()):
        return f"`{country[:20]}` is no code of a country."
    if not postcode_key(postcode) or len(postcode) > POSTCODE_TEXT_MAX:
        return f"`{postcode[:40]}` is no postcode."
    if len(name) > NAME_MAX:
        return f"The name of the place has {len(name)} characters; {NAME_MAX} are taken."
    if lat is None or lon is None or not (-90 <= lat[0] <= 90 and -180 <= lon[0] <= 180):
        return f"`{cells[4][:20]}, {cells[5][:20]}` is no position."
    if lat[0] == 0 and lon[0] == 0:
        return "0, 0 lies in the sea; it stands for a position that nobody knew."
    return Row(country.upper(), postcode, name, region[:REGION_MAX], lat[0], lon[0])


def _clean(text: str) -> str:
    if text.isascii() and text.isprintable() and "&" not in text:
        return text.strip()
    text = html.unescape(text)
    if "Ã" in text or "Â" in text:
        text = _read_twice(text)
    text = "".join(" " if unicodedata.category(c).startswith(("C", "Z")) else c for c in text)
    return unicodedata.normalize("NFC", " ".join(text.split()))


def _read_twice(text: str) -> str:
    """`KÃ¶ln`, UTF-8 that someone read as Windows-1252, is Köln."""
    try:
        return text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return text
