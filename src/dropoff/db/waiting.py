"""Rows that were appended and are not written yet."""

from collections.abc import Iterator, Mapping, Sequence, Set
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from dropoff.db.prepared import Prepared, into, reach
from dropoff.db.schema import insert

Row = Mapping[str, Any]
Names = tuple[str, ...]
Kind = tuple[sa.Table, Names]
"""Rows of one table that name the same columns."""

VALUES_MAX = 50
"""In one INSERT of several rows; psycopg takes the text of longer ones apart each time anew."""


class Waiting:
    def __init__(self, rows: dict[Kind, list[Row]] | None = None) -> None:
        self._rows: dict[Kind, list[Row]] = {} if rows is None else rows
        self.tables = {table.fullname for table, _ in self._rows}

    def add(self, table: sa.Table, row: Row) -> None:
        self._rows.setdefault((table, tuple(row)), []).append(dict(row))
        self.tables.add(table.fullname)

    def copy(self) -> "Waiting":
        return Waiting({kind: list(rows) for kind, rows in self._rows.items()})

    def take(self, needed: Set[str] | None) -> "list[tuple[Kind, list[Row]]]":
        """What is to be written now, parents before the children that point to them: the rows of the needed tables
        with their own parents, or all."""
        kinds = _in_order(tuple(self._rows), None if needed is None else frozenset(needed & self.tables))
        taken = [(kind, self._rows.pop(kind)) for kind in kinds]
        self.tables = {table.fullname for table, _ in self._rows}
        return taken


def inserts(kind: Kind, rows: Sequence[Row], *, several: bool, ignore: bool) -> Iterator[tuple[Prepared, list[Row]]]:
    """Statements with their rows of values. `several`: some rows in one statement, for a driver to which each statement
    is a message; otherwise one statement for any number of rows. `ignore`: leaves out rows that are in the way."""
    table, names = kind
    if not several:
        yield _insert(table, names, 1, ignore), list(rows)
        return
    size = max(1, VALUES_MAX // len(names))
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        values = part[0] if len(part) == 1 else {_nth(n, name): row[name] for n, row in enumerate(part) for name in row}
        yield _insert(table, names, len(part), ignore), [values]


@lru_cache(maxsize=2048)
def _in_order(kinds: tuple[Kind, ...], needed: frozenset[str] | None) -> list[Kind]:
    ordered: list[Kind] = []

    def place(kind: Kind) -> None:
        if kind in ordered:
            return
        parents = reach(kind[0]) - {kind[0].fullname}
        for other in kinds:
            if other[0].fullname in parents:
                place(other)
        ordered.append(kind)

    for kind in kinds:
        if needed is None or kind[0].fullname in needed:
            place(kind)
    return ordered


@lru_cache(maxsize=2048)
def _insert(table: sa.Table, names: Names, count: int, ignore: bool) -> Prepared:
    # Inline: nobody asks for a number that the database gives the row.
    statement = insert(table).inline()
    if count == 1:
        statement = statement.values(into(table, *names))
    else:
        rows = range(count)
        statement = statement.values(
            [{name: sa.bindparam(_nth(n, name), type_=table.c[name].type) for name in names} for n in rows]
        )
    return Prepared(statement.on_conflict_do_nothing() if ignore else statement)


def _nth(number: int, name: str) -> str:
    return f"row{number}_{name}"
