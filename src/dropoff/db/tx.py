"""A transaction as stores see it: a few verbs, a savepoint, and a list of who wants to be woken after the commit."""

from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from dropoff.db.direct import Direct
from dropoff.db.prepared import Prepared, named, reach
from dropoff.db.tallies import Tallies
from dropoff.db.waiting import Kind, Waiting, inserts

Statement = sa.Executable | Prepared
_PLAIN: dict[str, Any] = {}
_COUNTED = {"preserve_rowcount": True}
"""Or Core forgets how many rows an INSERT wrote."""


class Savepoint:
    """Says whether the block's changes stay. A refusal that found its guards half taken rolls back and goes on."""

    def __init__(self) -> None:
        self.rolled_back = False

    def rollback(self) -> None:
        self.rolled_back = True


class Tx:
    """Statements are `Prepared` ones, with the values for their parameters, or any that Core takes.

    What is appended waits until a statement may need it, the end of a savepoint, or `finish`; what is tallied until a
    statement reads its table, or `finish`. Whoever makes a `Tx` that defers finishes it.
    """

    def __init__(self, connection: sa.Connection, *, defers: bool = False) -> None:
        self._connection = connection
        self._dialect = connection.dialect
        self.dialect = connection.dialect.name
        self.wakes: set[str] = set()
        # Whoever listens to what Core sends hears all of it, so nothing goes past Core then.
        listened = bool(connection.engine.dispatch.before_cursor_execute)
        self._direct = None if listened else Direct(connection)
        self._defers = defers
        self._waiting = Waiting()
        self._appended = 0
        self._tallies = Tallies()
        self._known: dict[tuple[Any, ...], list[sa.Row[Any]]] = {}
        self._known_of: set[str] = set()
        self._depth = 0

    def read(self, statement: Statement, /, **values: Any) -> list[sa.Row[Any]]:
        if isinstance(statement, Prepared):
            return self._rows(statement, values)
        self._make_way_for_core(statement)
        return list(self._connection.execute(statement, values).all())

    def first(self, statement: Statement, /, **values: Any) -> sa.Row[Any] | None:
        if isinstance(statement, Prepared):
            rows = self._rows(statement, values)
            return rows[0] if rows else None
        self._make_way_for_core(statement)
        return self._connection.execute(statement, values).first()

    def once(self, statement: Prepared, /, **values: Any) -> list[sa.Row[Any]]:
        """Like `read`, but asked once in a transaction unless it changes one of the tables: for what stands still, as
        a retailer or a place does, and all callers of a group ask. Whatever others commit meanwhile comes too late for
        this group, as if it had committed after it."""
        key = (statement, *values.items())
        rows = self._known.get(key)
        if rows is None:
            rows = self._known[key] = self._rows(statement, values)
            self._known_of |= statement.touches
        return rows

    def change(self, statement: Statement, /, **values: Any) -> list[sa.Row[Any]]:
        """Runs at once and answers the rows of RETURNING, so that it can guard: no row means "not yours to take"."""
        if isinstance(statement, Prepared):
            return self._rows(statement, values)
        result = self._execute(statement, values)
        return list(result.all()) if result.returns_rows else []

    def count(self, statement: Statement, /, **values: Any) -> int:
        """Like `change`, but answers how many rows it touched."""
        if not isinstance(statement, Prepared):
            return int(self._execute(statement, values, _COUNTED).rowcount)
        self._make_way(statement)
        form = statement.form(self._dialect, values) if self._direct is not None else None
        if form is None or self._direct is None:
            return int(self._connection.execute(statement.statement, values, execution_options=_COUNTED).rowcount)
        return self._direct.count(form.sql, form.bind(values))

    def count_many(self, statement: Prepared, rows: list[dict[str, Any]]) -> int:
        """The statement once for each row of values; how many rows it touched in all."""
        if not rows:
            return 0
        self._make_way(statement)
        return self._run_many(statement, rows)

    def append(self, table: sa.Table, row: Mapping[str, Any]) -> None:
        """A pure insert with ids made by the caller; nothing in this transaction may depend on when it runs."""
        self.append_many(table, [row])

    def append_many(self, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
        for row in rows:
            self._waiting.add(table, row)
        self._appended += len(rows)
        if table.fullname in self._known_of:
            self._forget()
        if not self._defers:
            self.flush()

    def claim(self, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> int:
        """Inserts those of the rows that nothing is in the way of, at once; how many they were. All name the same
        columns."""
        if not rows:
            return 0
        self._make_way_for(table)
        return self._insert((table, tuple(rows[0])), rows, ignore=True)

    def tally(self, statement: Prepared, key: str, /, **amounts: Any) -> None:
        """Counts in a row that many count in. The statement takes `key` and the amounts; within a transaction numbers
        add up, of moments the latest holds, and it runs once for each key, at the end. It must do with the sums what it
        would do with one after the other, and answers nothing."""
        self._tallies.add(statement, key, amounts)
        if not self._defers:
            self.finish()

    def finish(self) -> None:
        """Writes all that waits."""
        self.flush()
        if self._tallies:
            self._write_tallies(None)

    def flush(self, needed: Set[str] | None = None) -> None:
        """Writes what waits of these tables, or all; parents before their children."""
        if self._waiting.tables:
            for kind, rows in self._waiting.take(needed):
                self._insert(kind, rows, ignore=False)

    @contextmanager
    def savepoint(self) -> Iterator[Savepoint]:
        mark, waiting, appended, tallies = Savepoint(), self._waiting.copy(), self._appended, self._tallies.copy()
        # Always the same names: a statement that the driver knows costs it little.
        self._depth += 1
        name = f"level_{self._depth}"
        self._say(f"SAVEPOINT {name}")
        try:
            yield mark
            if not mark.rolled_back and self._appended != appended:
                self.flush()  # what cannot be written is the block's own fault
        except BaseException:
            if not self._connection.invalidated:
                self._roll_back(name, waiting, tallies)
            raise
        finally:
            self._depth -= 1
        if mark.rolled_back:
            self._roll_back(name, waiting, tallies)
        else:
            self._say(f"RELEASE SAVEPOINT {name}")

    def wake(self, name: str) -> None:
        """After the commit, whoever listens for this name is woken, in this process and in the others."""
        self.wakes.add(name)

    def _rows(self, statement: Prepared, values: dict[str, Any]) -> list[sa.Row[Any]]:
        self._make_way(statement)
        form = statement.form(self._dialect, values) if self._direct is not None else None
        if form is None or self._direct is None:
            result = self._connection.execute(statement.statement, values)
            return list(result.all()) if result.returns_rows else []
        if form.answers:
            return form.rows(self._direct.rows(form.sql, form.bind(values)), self._direct.codes)
        self._direct.count(form.sql, form.bind(values))
        return []

    def _run_many(self, statement: Prepared, rows: Sequence[Mapping[str, Any]]) -> int:
        form = statement.form(self._dialect, rows[0]) if self._direct is not None else None
        if form is None or self._direct is None:
            return int(self._connection.execute(statement.statement, rows, execution_options=_COUNTED).rowcount)
        if len(rows) == 1:
            return self._direct.count(form.sql, form.bind(rows[0]))
        return self._direct.count_many(form.sql, [form.bind(row) for row in rows])

    def _execute(
        self, statement: sa.Executable, values: dict[str, Any], options: dict[str, Any] = _PLAIN
    ) -> sa.CursorResult[Any]:
        """A change of which nobody knows what it touches."""
        self._make_way_for_core(statement)
        self._forget()
        return self._connection.execute(statement, values, execution_options=options)

    def _make_way(self, statement: Prepared) -> None:
        if not statement.touches.isdisjoint(self._waiting.tables):
            self.flush(statement.touches)
        if self._tallies and not statement.touches.isdisjoint(self._tallies.tables):
            self._write_tallies(statement.touches)
        if statement.changes in self._known_of:
            self._forget()

    def _make_way_for_core(self, statement: sa.Executable) -> None:
        """Of a text nobody knows what it reads."""
        self.flush()
        if self._tallies:
            tables = named(statement)
            if not tables or not tables.isdisjoint(self._tallies.tables):
                self._write_tallies(tables or None)

    def _write_tallies(self, tables: Set[str] | None) -> None:
        for statement, rows in list(self._tallies.take(tables)):
            self.flush(statement.touches)
            self._run_many(statement, rows)
            if statement.changes in self._known_of:
                self._forget()

    def _make_way_for(self, table: sa.Table) -> None:
        """For rows that are written now."""
        self.flush(reach(table))
        if table.fullname in self._known_of:
            self._forget()

    def _insert(self, kind: Kind, rows: Sequence[Mapping[str, Any]], *, ignore: bool) -> int:
        several = self.dialect == "postgresql" and self._direct is not None
        statements = inserts(kind, rows, several=several, ignore=ignore)
        return sum(self._run_many(statement, values) for statement, values in statements)

    def _forget(self) -> None:
        self._known.clear()
        self._known_of.clear()

    def _roll_back(self, name: str, waiting: Waiting, tallies: Tallies) -> None:
        self._say(f"ROLLBACK TO SAVEPOINT {name}")
        self._say(f"RELEASE SAVEPOINT {name}")
        self._waiting, self._tallies = waiting, tallies  # of these, what was written inside the block is gone again
        self._forget()

    def _say(self, sql: str) -> None:
        if self._direct is not None:
            self._direct.count(sql)
        else:
            self._connection.exec_driver_sql(sql)
