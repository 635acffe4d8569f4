"""What every `tables.py` is written with: one MetaData, and column types that mean the same on both databases."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import insert as insert  # noqa: PLC0414 - compiles on SQLite too
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import functions

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

SQLITE_TIME = "%Y-%m-%dT%H:%M:%fZ"


class Timestamp(sa.types.TypeDecorator[datetime]):
    """An aware UTC datetime: TIMESTAMPTZ on PostgreSQL, sortable text with milliseconds on SQLite."""

    impl = sa.String(24)
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> Any:
        kind = postgresql.TIMESTAMP(timezone=True) if dialect.name == "postgresql" else sa.String(24)
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone means another moment on every machine")
        if dialect.name == "postgresql":
            return value
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if isinstance(value, datetime) else datetime.fromisoformat(value)


Json = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
Serial = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""A 64-bit number the database may count up by itself (SQLite does so for INTEGER only)."""


def id_column(name: str = "id", **kwargs: Any) -> sa.Column[str]:
    """An id as `kernel.ids.new_id` makes it, as the primary key."""
    return sa.Column(name, sa.String(30), primary_key=True, **kwargs)


def ref(name: str, target: str, **kwargs: Any) -> sa.Column[str]:
    """A reference to another table's id; not null unless said."""
    kwargs.setdefault("nullable", False)
    return sa.Column(name, sa.String(30), sa.ForeignKey(target), **kwargs)


def text(name: str, length: int, **kwargs: Any) -> sa.Column[str]:
    kwargs.setdefault("nullable", False)
    return sa.Column(name, sa.String(length), **kwargs)


def at(name: str, **kwargs: Any) -> sa.Column[datetime]:
    kwargs.setdefault("nullable", False)
    return sa.Column(name, Timestamp, **kwargs)


def live_column() -> sa.Column[bool]:
    return sa.Column("live", sa.Boolean, nullable=False)


def one_of(column: str, values: tuple[str, ...]) -> sa.CheckConstraint:
    """Keeps a closed list closed, whoever writes."""
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=column)


class db_now(functions.GenericFunction[datetime]):  # noqa: N801 - reads as an SQL function
    """The database's own clock, `offset_s` seconds away: leases and backoff of all machines follow one clock.

    On PostgreSQL it stands still within one statement, without which no index would serve a comparison with it."""

    type = Timestamp()
    inherit_cache = True

    def __init__(self, offset_s: float = 0) -> None:
        super().__init__(sa.literal(float(offset_s), sa.Float))


@compiles(db_now, "postgresql")
def _db_now_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    offset = compiler.process(element.clauses, **kw)
    return f"(statement_timestamp() + make_interval(secs => {offset}))"


@compiles(db_now, "sqlite")
def _db_now_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    offset = compiler.process(element.clauses, **kw)
    return f"strftime('{SQLITE_TIME}', 'now', printf('%+.3f seconds', {offset}))"


class current_xid(functions.GenericFunction[int]):  # noqa: N801 - reads as an SQL function
    """The number of the running transaction on PostgreSQL; 0 on SQLite, where there is one writer at a time."""

    type = sa.BigInteger()
    inherit_cache = True


@compiles(current_xid, "postgresql")
def _current_xid_postgresql(_element: Any, _compiler: Any, **_kw: Any) -> str:
    return "pg_current_xact_id()::text::bigint"


@compiles(current_xid, "sqlite")
def _current_xid_sqlite(_element: Any, _compiler: Any, **_kw: Any) -> str:
    return "0"


class settled_below(functions.GenericFunction[int]):  # noqa: N801 - reads as an SQL function
    """Every transaction of this database with a lower number has ended: what it wrote is visible, or never will be.

    Numbers are the whole server's. One that is still running counts unless it is seen to belong to another database,
    so that a long transaction next door does not hold up this one's events."""

    type = sa.BigInteger()
    inherit_cache = True


@compiles(settled_below, "postgresql")
def _settled_below_postgresql(_element: Any, _compiler: Any, **_kw: Any) -> str:
    # Running are those of the snapshot that this very statement reads with. Backends know the low half of the number.
    return (
        "least((SELECT coalesce(min(running::text::bigint), pg_snapshot_xmax(pg_current_snapshot())::text::bigint)"
        " FROM pg_snapshot_xip(pg_current_snapshot()) AS running"
        " WHERE NOT EXISTS (SELECT 1 FROM pg_stat_activity AS elsewhere"
        " WHERE elsewhere.datname <> current_database()"
        " AND elsewhere.backend_xid::text::bigint = mod(running::text::bigint, 4294967296))),"
        " pg_current_xact_id_if_assigned()::text::bigint)"
    )


@compiles(settled_below, "sqlite")
def _settled_below_sqlite(_element: Any, _compiler: Any, **_kw: Any) -> str:
    return "1"
