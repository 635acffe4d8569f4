"""A transaction as stores see it: three verbs, a savepoint, and a list of who wants to be woken after the commit."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa


class Savepoint:
    """Says whether the block's changes stay. A refusal that found its guards half taken rolls back and goes on."""

    def __init__(self) -> None:
        self.rolled_back = False

    def rollback(self) -> None:
        self.rolled_back = True


class Tx:
    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self.dialect = connection.dialect.name
        self.wakes: set[str] = set()

    def read(self, statement: sa.Executable) -> list[sa.Row[Any]]:
        return list(self._connection.execute(statement).all())

    def first(self, statement: sa.Executable) -> sa.Row[Any] | None:
        return self._connection.execute(statement).first()

    def change(self, statement: sa.Executable) -> list[sa.Row[Any]]:
        """Runs at once and answers the rows of RETURNING, so that it can guard: no row means "not yours to take"."""
        result = self._connection.execute(statement)
        return list(result.all()) if result.returns_rows else []

    def count(self, statement: sa.Executable) -> int:
        """Like `change`, but answers how many rows it touched."""
        return int(self._connection.execute(statement).rowcount)

    def append(self, table: sa.Table, row: Mapping[str, Any]) -> None:
        """A pure insert with ids made by the caller; nothing in this transaction may depend on when it runs."""
        self._connection.execute(table.insert(), dict(row))

    def append_many(self, table: sa.Table, rows: list[dict[str, Any]]) -> None:
        if rows:
            self._connection.execute(table.insert(), rows)

    @contextmanager
    def savepoint(self) -> Iterator[Savepoint]:
        nested = self._connection.begin_nested()
        mark = Savepoint()
        try:
            yield mark
        except BaseException:
            nested.rollback()
            raise
        if mark.rolled_back:
            nested.rollback()
        else:
            nested.commit()

    def wake(self, name: str) -> None:
        """After the commit, whoever listens for this name is woken, in this process and in the others."""
        self.wakes.add(name)
