"""Statements that are built once and then run on the driver's own cursor.

Building a statement, finding its compiled form and wrapping its result costs SQLAlchemy some 0.2 ms for each use, many
times what the database needs for it. A store therefore holds its hot statements as `Prepared`, with `bindparam` where
values go; each is compiled once for each number of values in its lists. What is sent is what Core would send.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.sql import visitors

LIST_MAX = 16
"""Statements with longer lists are Core's: otherwise every length would be kept for ever."""

T = TypeVar("T")
Processor = Callable[[Any], Any]


class Form:
    """One statement for one database, with lists of certain lengths."""

    __slots__ = ("_answer", "_columns", "_count", "_dialect", "_lists", "_names", "_positional", "_slots", "sql")

    def __init__(self, statement: sa.Executable, dialect: sa.Dialect, values: Mapping[str, Any]) -> None:
        compiled: Any = statement.compile(dialect=dialect)  # type: ignore[attr-defined]
        assert not [*compiled.insert_prefetch, *compiled.update_prefetch], "a default made in Python is Core's to make"
        wanted = {name for name, bind in compiled.binds.items() if bind.required}
        if wanted != values.keys():
            raise TypeError(f"values for {sorted(values)}, parameters {sorted(wanted)}: {compiled}")
        expanded = compiled.construct_expanded_state(values)
        self.sql: str = expanded.statement
        self._dialect = dialect
        self._count = len(values)
        self._positional = expanded.positiontup is not None
        self._names: list[str] = [*(expanded.positiontup or expanded.parameters)]
        self._lists = [(name, parts) for name, parts in expanded.parameter_expansion.items() if name in values]
        given = {*values, *(part for _, parts in self._lists for part in parts)}
        whole = {part: name for name, parts in expanded.parameter_expansion.items() for part in parts}
        self._slots: list[tuple[str, Processor | None, Any]] = []
        for name in self._names:
            process = compiled.binds[whole.get(name, name)].type.dialect_impl(dialect).bind_processor(dialect)
            if name in given:
                self._slots.append((name, process, None))
            else:  # a value that stands in the statement: it is always the same
                value = expanded.parameters[name]
                self._slots.append(("", None, process(value) if process else value))
        self._columns: list[Any] = list(getattr(statement, "exported_columns", ()))
        self._answer: tuple[Any, Any, Any] | None = None

    @property
    def answers(self) -> bool:
        return bool(self._columns)

    def bind(self, values: Mapping[str, Any]) -> Any:
        """As the driver wants them. A missing one is a KeyError, one too many a TypeError."""
        if len(values) != self._count:
            raise TypeError(f"{sorted(values)} are not the values of {self.sql}")
        if self._lists:
            flat = dict(values)
            for name, parts in self._lists:
                flat.update(zip(parts, values[name], strict=True))
            values = flat
        found = [
            (process(values[name]) if process is not None else values[name]) if name else fixed
            for name, process, fixed in self._slots
        ]
        return found if self._positional else dict(zip(self._names, found, strict=True))

    def rows(self, raw: Iterable[Sequence[Any]], codes: Callable[[], list[Any]]) -> list[sa.Row[Any]]:
        """`codes`: the driver's own names of the columns' types, asked for once."""
        if self._answer is None:
            dialect = self._dialect
            kinds = zip(self._columns, codes(), strict=True)
            processors: list[Any] = [c.type.dialect_impl(dialect).result_processor(dialect, code) for c, code in kinds]
            metadata = SimpleResultMetaData([column.key for column in self._columns])
            self._answer = metadata, processors if any(processors) else None, metadata._key_to_index
        parent, process, index = self._answer
        return [sa.Row(parent, process, index, row) for row in raw]


class Prepared:
    """Held by a store as a constant. `bindparam("name")` stands for a value, `bindparam("names", expanding=True)` for
    the list of an IN."""

    __slots__ = ("_forms", "_lists", "changes", "statement", "touches")

    def __init__(self, statement: sa.Executable) -> None:
        assert not isinstance(statement, sa.Delete), "what waits to be written may point to what it takes away"
        self.statement = statement
        self._forms: dict[tuple[Any, ...], Form] = {}
        self._lists = sorted(_lists(statement))
        changed: sa.Table | None = getattr(statement, "table", None)
        self.changes = None if changed is None else changed.fullname
        """The table it writes to; None for a question."""
        self.touches = frozenset({*named(statement), *(() if changed is None else reach(changed))})
        """Rows of these tables decide what it does or answers."""

    def form(self, dialect: sa.Dialect, values: Mapping[str, Any]) -> Form | None:
        """None: its lists are too long to be worth a form of their own."""
        lengths = tuple(len(values[name]) for name in self._lists)
        key = (dialect.name, *lengths)
        form = self._forms.get(key)
        if form is None and max(lengths, default=0) <= LIST_MAX:
            form = self._forms[key] = Form(self.statement, dialect, values)
        return form


def into(table: sa.Table, *names: str) -> dict[str, sa.BindParameter[Any]]:
    """For `values(…)`: each of these columns gets the value of its own name."""
    return {name: sa.bindparam(name, type_=table.c[name].type) for name in names}


def structs(kind: Callable[..., T], rows: Iterable[Any]) -> list[T]:
    """Rows whose columns stand in the order of the struct's fields."""
    return [kind(*row) for row in rows]


def struct(kind: Callable[..., T], row: Any) -> T | None:
    return None if row is None else kind(*row)


def reach(table: sa.Table) -> set[str]:
    """The tables that a new row of this one depends on: its own, and those that its foreign keys point to."""
    return {table.fullname, *(key.target_fullname.rpartition(".")[0] for key in table.foreign_keys)}


def named(statement: sa.Executable) -> set[str]:
    """The tables that stand in it; none for a text."""
    return {element.fullname for element in visitors.iterate(_element(statement)) if isinstance(element, sa.Table)}


def _element(statement: Any) -> sa.ClauseElement:
    assert isinstance(statement, sa.ClauseElement)
    return statement


def _lists(statement: sa.Executable) -> set[str]:
    binds = (e for e in visitors.iterate(_element(statement)) if isinstance(e, sa.BindParameter))
    return {bind.key for bind in binds if bind.expanding and bind.required}
