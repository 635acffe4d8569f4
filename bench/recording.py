"""Records the SQL that the service sends for one request, so that a floor can send the very same statements.

A floor with hand-written statements would drift from the service and flatter one of them. What is recorded for one
request is rewritten for every other: ids and hashes become fresh ones, or those that the floor knows for that request.
"""

import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import sqlalchemy as sa

from dropoff.db import Database
from dropoff.kernel.ids import new_id

_CHANGING = re.compile(r"\b[a-z]{3}_[0-9A-HJKMNP-TV-Z]{26}\b|\b[0-9a-f]{64}\b")
_NAMED = re.compile(r"%\((\w+)\)s")

Statement = tuple[str, tuple[Any, ...]]
Known = dict[str, str]
"""What stands in the recorded request → what stands for it in another one."""


@contextmanager
def recorded(db: Database) -> Iterator[list[Statement]]:
    """Statements that the database's lanes send inside the block, without the BEGIN that every transaction has."""
    found: list[Statement] = []

    def note(_c: Any, _cur: Any, statement: str, parameters: Any, _ctx: Any, many: bool) -> None:
        if not statement.startswith("BEGIN"):
            found.extend(_plain(statement, row) for row in (parameters if many else [parameters]))

    engines = (db._write_engine, db._read_engine)
    for engine in engines:
        sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        for engine in engines:
            sa.event.remove(engine, "before_cursor_execute", note)


def _plain(statement: str, parameters: Any) -> Statement:
    """In the driver's own words: `?` for sqlite3 as it comes, `$1` for asyncpg instead of psycopg's names."""
    if not isinstance(parameters, dict):
        return statement, tuple(_value(value) for value in parameters)
    order: dict[str, int] = {}
    text = _NAMED.sub(lambda name: f"${order.setdefault(name.group(1), len(order) + 1)}", statement)
    return text.replace("%%", "%"), tuple(_value(parameters[name]) for name in order)


def _value(value: Any) -> Any:
    """psycopg wraps JSON; asyncpg takes its text."""
    wrapped = getattr(value, "obj", value)
    return msgspec.json.encode(wrapped).decode() if isinstance(wrapped, dict | list) else wrapped


class Script:
    """Recorded statements, taken apart once so that writing them for another request is cheap."""

    def __init__(self, statements: list[Statement], texts: Iterable[str]) -> None:
        """`texts` are words beside ids and hashes that differ between requests: the order's reference, the tag."""
        words = "|".join(rf"\b{re.escape(text)}\b" for text in texts)
        self._token = re.compile(f"{words}|{_CHANGING.pattern}" if words else _CHANGING.pattern)
        self._statements = [(sql, values, self._slots(values)) for sql, values in statements]

    def _slots(self, values: tuple[Any, ...]) -> list[tuple[int, list[str], list[str]]]:
        """Which values hold tokens: their place, the tokens, and the texts between these."""
        found = []
        for place, value in enumerate(values):
            tokens = [token.group(0) for token in self._token.finditer(value)] if isinstance(value, str) else []
            if tokens:
                found.append((place, tokens, re.split("|".join(map(re.escape, set(tokens))), value)))
        return found

    def rewrite(self, known: Known) -> list[Statement]:
        """The statements for another request. `known` grows by the fresh ids, for the request that follows on it."""
        written = []
        for sql, values, slots in self._statements:
            changed = list(values)
            for place, tokens, between in slots:
                parts = [between[0]]
                for token, text in zip(tokens, between[1:], strict=True):
                    parts += (known.get(token) or _fresh(token, known), text)
                changed[place] = "".join(parts)
            written.append((sql, tuple(changed)))
        return written


def _fresh(token: str, known: Known) -> str:
    prefix = token[:3] if token[3:4] == "_" else ""
    known[token] = new_id(prefix) if prefix else secrets.token_hex(32)
    return known[token]
