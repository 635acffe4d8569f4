"""Numbers that many callers of a group add to the same few rows, added up until the end of their transaction.

A row that everybody counts in is everybody's lock. Written once, last, and in the order of the keys, it is held for the
commit alone, two processes never wait for each other in a ring, and sixty callers cost one statement.
"""

from collections.abc import Iterator, Mapping, Set
from typing import Any

from dropoff.db.prepared import Prepared

Amounts = Mapping[str, Any]


class Tallies:
    def __init__(self, held: dict[Prepared, dict[str, Amounts]] | None = None) -> None:
        self._held: dict[Prepared, dict[str, Amounts]] = {} if held is None else held

    @property
    def tables(self) -> set[str]:
        return {statement.changes for statement in self._held if statement.changes is not None}

    def __bool__(self) -> bool:
        return bool(self._held)

    def add(self, statement: Prepared, key: str, amounts: Amounts) -> None:
        of_statement = self._held.setdefault(statement, {})
        before = of_statement.get(key)
        together = amounts if before is None else {name: _both(before[name], amounts[name]) for name in amounts}
        of_statement[key] = together

    def copy(self) -> "Tallies":
        return Tallies({statement: dict(held) for statement, held in self._held.items()})

    def take(self, tables: Set[str] | None = None) -> Iterator[tuple[Prepared, list[dict[str, Any]]]]:
        """Statements with their rows of values, in the order of the keys: those that change one of the tables, or
        all."""
        for statement in [one for one in self._held if tables is None or one.changes in tables]:
            held = self._held.pop(statement)
            yield statement, [{"key": key, **held[key]} for key in sorted(held)]


def _both(one: Any, other: Any) -> Any:
    """Numbers add up, of moments the later one holds."""
    if one is None or other is None:
        return other if one is None else one
    return one + other if isinstance(one, int) else max(one, other)
