import sqlalchemy as sa

from dropoff.db import Database


def test_a_fresh_database_answers(db: Database) -> None:
    assert db.read_sync(lambda tx: tx.first(sa.text("SELECT count(*) FROM event"))) == (0,)
