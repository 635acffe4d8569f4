"""A source of drop-off points that gives what it is told to, page by page: the example to copy from, and a stand-in for
real ones in tests."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from dropoff.ports.locations import LeftOut, Page, Point, SourceError, read_settings


class ListedPoints:
    """Its pages are cut anew at each pull, so a test may change `rows` in between. `fails` maps the number of a page to
    the error that is raised instead of it, once."""

    host = "points.example"

    def __init__(self, rows: list[Point | LeftOut], *, per_page: int = 2, resumable: bool = True) -> None:
        self.rows, self.per_page, self.resumable = rows, per_page, resumable
        self.fails: dict[int, SourceError] = {}
        self.complete = True
        self.asked: list[str | None] = []
        """The cursor of each pull."""

    def pages(self, cursor: str | None) -> Iterator[Page]:
        self.asked.append(cursor)
        start = int(cursor or 0)
        for number in range(start, max(1, -(-len(self.rows) // self.per_page))):
            if (error := self.fails.pop(number, None)) is not None:
                raise error
            rows = self.rows[number * self.per_page : (number + 1) * self.per_page]
            more = (number + 1) * self.per_page < len(self.rows)
            after = str(number + 1) if more and self.resumable else None
            yield Page(rows=tuple(rows), cursor=after, complete=self.complete)


class ListedSettings(msgspec.Struct, frozen=True):
    path: str
    """A JSON file: a list of objects with the fields of `Point`."""


def connect_listed(name: str, environment: Mapping[str, str]) -> ListedPoints:
    """The factory as an entry point would name it."""
    items: list[dict[str, Any]] = json.loads(Path(read_settings(name, environment, ListedSettings).path).read_text())
    return ListedPoints([msgspec.convert(item, Point) for item in items])
