"""Brings a database to the newest revision, one process at a time."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from dropoff.db.engines import is_sqlite, migration_engine
from dropoff.settings import Misconfigured

LOCK_KEY = 0x64726F70
"""PostgreSQL advisory lock: several servers that start together migrate once."""
NEWER = "Most likely a newer version made it: install that one, or put the backup back."


def config() -> Config:
    conf = Config()
    conf.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    return conf


def upgrade(url: str, revision: str = "head") -> None:
    """Raises `Misconfigured` when there is no database to bring there, or one that a newer version made."""
    try:
        _upgrade(url, revision)
    except CommandError as error:
        raise Misconfigured(f"the database cannot be brought to this version's revision: {error}. {NEWER}") from error
    except (sa.exc.DBAPIError, sa.exc.ArgumentError, ValueError, OSError) as error:
        cause = getattr(error, "orig", None) or error
        told = str(cause).strip().split("\n", 1)[0]
        raise Misconfigured(f"DROPOFF_DATABASE_URL: the database cannot be opened or upgraded: {told}") from error


def _upgrade(url: str, revision: str) -> None:
    engine = migration_engine(url)
    try:
        with engine.connect() as connection, _alone(connection, url):
            if _current(connection) == ScriptDirectory.from_config(config()).get_current_head() == revision:
                return
            conf = config()
            conf.attributes["connection"] = connection
            command.upgrade(conf, revision)
            connection.commit()
    finally:
        engine.dispose()


def pending(connection: sa.Connection) -> bool:
    return _current(connection) != ScriptDirectory.from_config(config()).get_current_head()


def _current(connection: sa.Connection) -> str | None:
    revision = MigrationContext.configure(connection).get_current_revision()
    connection.rollback()
    return revision


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
