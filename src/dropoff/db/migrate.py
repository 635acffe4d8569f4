"""Brings a database to the newest revision, one process at a time.

Most starts find it there already. So that these cost nothing, the migration tool is loaded only for a database that is
not.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from dropoff.db.engines import is_sqlite, migration_engine
from dropoff.settings import Misconfigured

if TYPE_CHECKING:
    from alembic.config import Config

FOLDER = Path(__file__).with_name("migrations")
LOCK_KEY = 0x64726F70
"""PostgreSQL advisory lock: several servers that start together migrate once."""
NEWER = "Most likely a newer version made it: install that one, or put the backup back."


def config() -> Config:
    from alembic.config import Config

    conf = Config()
    conf.set_main_option("script_location", str(FOLDER))
    return conf


def newest() -> str:
    """The revision of the last file: each one's name begins with its revision, and they count up."""
    return max(path.name.partition("_")[0] for path in (FOLDER / "versions").glob("[0-9]*_*.py"))


def upgrade(url: str, revision: str = "head") -> None:
    """Raises `Misconfigured` when there is no database to bring there, or one that a newer version made."""
    try:
        _upgrade(url, revision)
    except (sa.exc.DBAPIError, sa.exc.ArgumentError, ValueError, OSError) as error:
        cause = getattr(error, "orig", None) or error
        told = str(cause).strip().split("\n", 1)[0]
        raise Misconfigured(f"DROPOFF_DATABASE_URL: the database cannot be opened or upgraded: {told}") from error


def _upgrade(url: str, revision: str) -> None:
    engine = migration_engine(url)
    try:
        with engine.connect() as connection, _alone(connection, url):
            if revision != "head" or pending(connection):
                _migrate(connection, revision)
    finally:
        engine.dispose()


def _migrate(connection: sa.Connection, revision: str) -> None:
    from alembic import command
    from alembic.util import CommandError

    conf = config()
    conf.attributes["connection"] = connection
    try:
        command.upgrade(conf, revision)
    except CommandError as error:
        raise Misconfigured(f"the database cannot be brought to this version's revision: {error}. {NEWER}") from error
    connection.commit()


def pending(connection: sa.Connection) -> bool:
    return _current(connection) != newest()


def _current(connection: sa.Connection) -> str | None:
    begun = sa.inspect(connection).has_table("alembic_version")
    row = connection.execute(sa.text("SELECT version_num FROM alembic_version")).first() if begun else None
    connection.rollback()
    return row.version_num if row else None


@contextmanager
def _alone(connection: sa.Connection, url: str) -> Iterator[None]:
    if not is_sqlite(url):
        connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": LOCK_KEY})
        connection.commit()
        try:
            yield
        finally:
            connection.rollback()
            connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), {"key": LOCK_KEY})
            connection.commit()
        return
    database = connection.engine.url.database
    assert database, "an SQLite database lives in a file"
    with Path(f"{database}.migrate.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
