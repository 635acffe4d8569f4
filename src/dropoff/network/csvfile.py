"""A CSV file of locations on disk → rows, one by one, in bounded memory."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dropoff.kernel.csv_table import Row, read_table
from dropoff.network.cleaning import RawRow, Rejected
from dropoff.network.positions import number

REQUIRED = ("id", "name", "kind", "country", "lat", "lon")


def read_csv(path: Path) -> Iterator[RawRow | Rejected]:
    """Raises `FileInvalid` when there is no usable header or the file ends before its end."""
    return (_row(row) for row in read_table(path, REQUIRED))


def _row(row: Row) -> RawRow | Rejected:
    if row.cells is None:
        return Rejected(row.index, None, "row_malformed", row.detail)
    fields = dict(row.cells)
    coordinates = [_coordinate(fields.pop("lon")), _coordinate(fields.pop("lat"))]
    geometry = None if coordinates == ["", ""] else {"type": "Point", "coordinates": coordinates}
    return RawRow(row.index, fields, geometry, None, ("encoding",) if row.repaired else ())


def _coordinate(cell: str) -> Any:
    """In CSV every number is text, so reading one is no repair."""
    found = number(cell)
    return cell.strip() if found is None else found[0]
