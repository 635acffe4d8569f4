"""Rows that were appended and are not written yet."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from dropoff.db.prepared import Prepared, into, reach

Row = dict[str, Any]
Names = tuple[str, ...]


class Waiting:
    def __init__(self) -> None:
        self._rows: dict[tuple[sa.Table, Names], list[Row]] = {}
        self.tables: set[str] = set()

    def add(self, table: sa.Table, row: Mapping[str, Any]) -> None:
        self._rows.setdefault((table, tuple(row)), []).append(dict(row))
        self.tables.add(table.fullname)

    def copy(self) -> "Waiting":
        twin = Waiting()
        twin._rows = {key: list(rows) for key, rows in self._rows.items()}
        twin.tables = set(self.tables)
        return twin

    def statements(self) -> Iterator[tuple[Prepared, list[Row]]]:
        """Parents before the children that point to them; rows of one table in the order in which they came."""
        for key in _in_order(tuple(self._rows)):
            yield _insert(*key), self._rows[key]


@lru_cache(maxsize=1024)
def _in_order(keys: tuple[tuple[sa.Table, Names], ...]) -> list[tuple[sa.Table, Names]]:
    ordered: list[tuple[sa.Table, Names]] = []

    def place(key: tuple[sa.Table, Names]) -> None:
        if key in ordered:
            return
        parents = reach(key[0]) - {key[0].fullname}
        for other in keys:
            if other[0].fullname in parents:
                place(other)
        ordered.append(key)

    for key in keys:
        place(key)
    return ordered


@lru_cache(maxsize=1024)
def _insert(table: sa.Table, names: Names) -> Prepared:
    # Inline: nobody asks for a number that the database gives the row.
    return Prepared(table.insert().inline().values(into(table, *names)))
