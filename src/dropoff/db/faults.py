"""What can go wrong between a caller and the database, sorted by what the caller may do next."""

import sqlite3

import psycopg
import sqlalchemy as sa


class NotWritten(Exception):
    """Nothing was written, and the same call may succeed later: 503 with Retry-After."""


class Overloaded(NotWritten):
    """The queue is full."""


class Contended(NotWritten):
    """Others held the rows for too long."""


class Unavailable(NotWritten):
    """The database does not answer."""


class Unwritable(NotWritten):
    """The disk is full, or the database may only be read: nobody's call is at fault, and only the operator can help."""


class CommitUncertain(Exception):
    """The connection broke while committing: the write may or may not stand. Repeating with the same key tells."""


class SwallowedError(Exception):
    """A function caught a database error without a savepoint around it, which spoils its whole transaction."""


def is_contention(error: BaseException) -> bool:
    """Deadlock, lock time-out, serialization failure, or SQLite's busy."""
    cause = _driver_error(error)
    if isinstance(cause, sqlite3.Error):
        # Extended names: SQLITE_BUSY_SNAPSHOT, SQLITE_LOCKED_SHAREDCACHE …
        return getattr(cause, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
    return isinstance(cause, psycopg.Error) and cause.sqlstate in ("40P01", "55P03", "40001")


def is_unwritable(error: BaseException) -> bool:
    """No space, no right to write, or a PostgreSQL that has become a standby."""
    cause = _driver_error(error)
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorname", "").startswith(("SQLITE_FULL", "SQLITE_READONLY", "SQLITE_CANTOPEN"))
    return isinstance(cause, psycopg.Error) and cause.sqlstate in ("53100", "25006")


def is_disconnect(error: BaseException) -> bool:
    if isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated:
        return True
    cause = _driver_error(error)
    if not isinstance(cause, psycopg.OperationalError):
        return False
    # A server that shuts down answers 57P01…57P05; one that is gone has no state at all.
    return cause.sqlstate is None or cause.sqlstate.startswith(("57P", "08"))


def _driver_error(error: BaseException) -> BaseException | None:
    return error.orig if isinstance(error, sa.exc.DBAPIError) else error
