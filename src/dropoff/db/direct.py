"""The driver's cursor beneath an SQLAlchemy connection, in the connection's own transaction.

SQLAlchemy sees nothing of what runs here, so its errors are made here: what is raised, and what a broken connection
leads to, is the same as if Core had sent the statement.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa


class Direct:
    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._cursor: Any = None
        assert connection.dialect.dbapi is not None, "an engine has a driver"
        self._fault: type[Exception] = connection.dialect.dbapi.Error

    def rows(self, sql: str, values: Any) -> list[Any]:
        cursor = self._cursor or self._open()
        try:
            cursor.execute(sql, values)
            found: list[Any] = cursor.fetchall()
        except self._fault as error:
            raise self._told(sql, values, error) from error
        return found

    def codes(self) -> list[Any]:
        """Of the columns that came last: the driver's names of their types."""
        return [column[1] for column in self._cursor.description]

    def count(self, sql: str, values: Any = ()) -> int:
        """How many rows it touched."""
        cursor = self._cursor or self._open()
        try:
            cursor.execute(sql, values)
        except self._fault as error:
            raise self._told(sql, values, error) from error
        return int(cursor.rowcount)

    def count_many(self, sql: str, values: Sequence[Any]) -> int:
        """The statement once for each of the values; how many rows were touched in all."""
        cursor = self._cursor or self._open()
        try:
            cursor.executemany(sql, values)
        except self._fault as error:
            raise self._told(sql, values, error) from error
        return int(cursor.rowcount)

    def _open(self) -> Any:
        self._cursor = self._connection.connection.cursor()
        return self._cursor

    def _told(self, sql: str, values: Any, error: Exception) -> BaseException:
        dialect = self._connection.dialect
        lost = dialect.is_disconnect(error, self._connection.connection.dbapi_connection, self._cursor)  # type: ignore[arg-type]
        told = sa.exc.DBAPIError.instance(
            sql,
            values,
            error,
            self._fault,
            hide_parameters=True,
            connection_invalidated=lost,
            dialect=dialect,
        )
        if lost:
            self._cursor = None
            self._connection.invalidate(error)
        return told
