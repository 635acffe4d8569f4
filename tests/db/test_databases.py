"""What the tests stand on: a PostgreSQL database that another test had is as a fresh one, or is not handed out."""

from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest
from tests import databases, world

from dropoff.db import Database
from dropoff.db.engines import driver_url

pytestmark = pytest.mark.postgres


def rows_and_last(url: str) -> tuple[int, int]:
    """Of all tables that a filled world has rows in, and of the counter that events are numbered by."""
    with psycopg.connect(driver_url(url)) as connection:
        names = ("event", "location", "retailer", '"order"', "unit")
        counts = [connection.execute(f"SELECT count(*) FROM {name}".encode()).fetchone() for name in names]
        used = connection.execute("SELECT count(last_value) FROM pg_sequences").fetchone()
    return sum(row[0] for row in counts if row), used[0] if used else 0


def ends(lent: Iterator[str]) -> None:
    assert next(lent, None) is None


def test_it_is_emptied_or_dropped(postgres_url: str, postgres_template: str) -> None:
    lent = databases.fresh(postgres_url, postgres_template)
    url = next(lent)
    before = rows_and_last(url)
    with closing(Database(url)) as db:
        world.make_location(db)
        world.make_return(db, world.make_retailer(db))
    assert rows_and_last(url) > before
    ends(lent)
    again = databases.fresh(postgres_url, postgres_template)
    assert next(again) == url, "it is handed out again"
    assert rows_and_last(url) == before == (0, 0)
    with psycopg.connect(driver_url(url), autocommit=True) as connection:
        connection.execute("CREATE INDEX one_more ON event (id)")
    ends(again)
    other = databases.fresh(postgres_url, postgres_template)
    assert next(other) != url, "it is not what it was"
    ends(other)
