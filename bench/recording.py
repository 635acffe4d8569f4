"""Records the SQL that the service sends for one request, so that a floor can send the very same statements.

A floor with hand-written statements would drift from the service and flatter one of them. What is recorded for one
request is rewritten for every other: ids and hashes become fresh ones, or those that the floor knows for that request.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import sqlalchemy as sa

from dropoff.db import Database
from dropoff.kernel.ids import new_id

_CHANGING = re.compile(r"\b([a-z]{3}_)[0-9A-HJKMNP-TV-Z]{26}\b|\b[0-9a-f]{64}\b")
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


def rewrite(statements: list[Statement], known: Known) -> list[Statement]:
    """The statements for another request. `known` grows by the fresh ids, for the request that follows on this one."""

    def one(found: re.Match[str]) -> str:
        old = found.group(0)
        if old not in known:
            fresh = hashlib.sha256(f"{old}{len(known)}{id(known)}{new_id('xxx')}".encode()).hexdigest()
            known[old] = new_id(found.group(1)[:-1]) if found.group(1) else fresh
        return known[old]

    texts = {old: new for old, new in known.items() if not _CHANGING.fullmatch(old)}
    swap = _swapper(texts)
    return [
        (sql, tuple(_CHANGING.sub(one, swap(value)) if isinstance(value, str) else value for value in values))
        for sql, values in statements
    ]


def _swapper(texts: Known) -> Callable[[str], str]:
    if not texts:
        return lambda value: value
    pattern = re.compile("|".join(rf"\b{re.escape(old)}\b" for old in texts))
    return lambda value: pattern.sub(lambda found: texts[found.group(0)], value)
