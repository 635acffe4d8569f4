"""Engines with the settings without which each database loses data or waits for ever."""

from typing import Any

import msgspec
import sqlalchemy as sa

LOCK_TIMEOUT_MS = 20
"""How long a write lane on PostgreSQL waits for a row. Short, because the lane serves everyone behind the waiting
caller; without it two processes on 50 hot rows stood at 16 calls a second."""

SQLITE_BUSY_TIMEOUT_MS = 2_000
SQLITE_START_TIMEOUT_MS = 60_000
STATEMENT_TIMEOUT_MS = 60_000
"""For writes: waiting for others has its own, short limit, so what takes long works, as an import does."""
READ_TIMEOUT_MS = 15_000
STATEMENTS_KEPT = 500
"""How many prepared statements a connection keeps. With the drivers' own limits (100 and 128) the hot ones of a mixed
load push each other out and are prepared again and again."""
IDLE_TIMEOUT_MS = 30_000
"""Ends the transaction of a process that stands still or is cut off, and frees its rows."""


def _json_dumps(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _create(url: str, **kwargs: Any) -> sa.Engine:
    # Parameters hold personal data: errors and logs show statements without them.
    return sa.create_engine(
        url, hide_parameters=True, json_serializer=_json_dumps, json_deserializer=msgspec.json.decode, **kwargs
    )


def normal_url(url: str) -> str:
    """Names the driver: `postgres://` and `postgresql://` both mean psycopg 3."""
    for prefix in ("postgres://", "postgresql://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url[len(prefix) :]
    return url


def driver_url(url: str) -> str:
    """For the bare driver, which knows no SQLAlchemy names."""
    return normal_url(url).replace("postgresql+psycopg://", "postgresql://", 1)


def is_sqlite(url: str) -> bool:
    return url.startswith("sqlite")


def write_engine(url: str) -> sa.Engine:
    """For one lane: one connection at a time. On SQLite a transaction takes the write lock at its start, since a
    deferred one that reads and then writes loses updates silently."""
    url = normal_url(url)
    if not is_sqlite(url):
        options = (
            f"-c lock_timeout={LOCK_TIMEOUT_MS} -c statement_timeout={STATEMENT_TIMEOUT_MS} "
            f"-c idle_in_transaction_session_timeout={IDLE_TIMEOUT_MS}"
        )
        connect = {"options": options, "connect_timeout": 10}
        engine = _create(url, pool_size=1, max_overflow=0, connect_args=connect)

        @sa.event.listens_for(engine, "connect")
        def _settings(connection: Any, _record: Any) -> None:
            connection.prepared_max = STATEMENTS_KEPT

        return engine
    return _sqlite(url, begin="BEGIN IMMEDIATE", pool_size=1)


def read_engine(url: str, connections: int) -> sa.Engine:
    """Read-only snapshots: what one function reads belongs to one moment."""
    url = normal_url(url)
    if not is_sqlite(url):
        options = f"-c default_transaction_read_only=on -c statement_timeout={READ_TIMEOUT_MS}"
        return _create(
            url,
            pool_size=connections,
            max_overflow=0,
            pool_pre_ping=True,
            isolation_level="REPEATABLE READ",
            connect_args={"options": options, "connect_timeout": 10},
        )
    return _sqlite(url, begin="BEGIN", pool_size=connections, pragmas=("query_only=ON",))


def migration_engine(url: str) -> sa.Engine:
    """Foreign keys are off on SQLite: its batch rebuild of a table would delete the rows that point to it."""
    url = normal_url(url)
    if not is_sqlite(url):
        return _create(url, poolclass=sa.NullPool)
    # Whoever starts while another process imports or migrates waits for it.
    return _sqlite(url, begin="BEGIN IMMEDIATE", foreign_keys=False, pool_size=1, busy_ms=SQLITE_START_TIMEOUT_MS)


def _sqlite(
    url: str,
    *,
    begin: str,
    pool_size: int,
    foreign_keys: bool = True,
    pragmas: tuple[str, ...] = (),
    busy_ms: int = SQLITE_BUSY_TIMEOUT_MS,
) -> sa.Engine:
    engine = _create(
        url,
        poolclass=sa.QueuePool,
        pool_size=pool_size,
        max_overflow=0,
        connect_args={
            "isolation_level": None,
            "check_same_thread": False,
            "cached_statements": STATEMENTS_KEPT,
            "timeout": busy_ms / 1000,
        },
    )

    @sa.event.listens_for(engine, "connect")
    def _settings(connection: Any, _record: Any) -> None:
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            f"foreign_keys={'ON' if foreign_keys else 'OFF'}",
            *pragmas,
        ):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
