"""A full disk, or a database that has become read-only: everyone is told so, nothing is half written, and it ends by
itself."""

import pytest
import sqlalchemy as sa

from dropoff.db import Database, Tx, Unwritable

filler = sa.Table("filler", sa.MetaData(), sa.Column("n", sa.Integer), sa.Column("text", sa.Text))


def make_unwritable(tx: Tx) -> None:
    """For the connection that the lane has now."""
    if tx.dialect == "sqlite":
        pages = tx.read(sa.text("PRAGMA page_count"))[0][0]
        tx.read(sa.text(f"PRAGMA max_page_count = {pages + 8}"))
    else:
        tx.change(sa.text("SET default_transaction_read_only = on"))


def fill(tx: Tx, n: int) -> None:
    tx.append(filler, {"n": n, "text": "x" * 100_000})


def test_everyone_is_told_and_it_ends_by_itself(db: Database) -> None:
    db.write_sync(lambda tx: tx.change(sa.schema.CreateTable(filler)))
    db.write_sync(make_unwritable)
    together = [db.submit(fill, n) for n in range(3)]
    for future in together[:1]:
        with pytest.raises(Unwritable):
            future.result(30)
    with pytest.raises(Unwritable):
        db.check()
    told = {n for n, future in enumerate(together) if future.exception(30) is None}
    db.write_sync(fill, 9)
    stored = {row.n for row in db.read_sync(lambda tx: tx.read(sa.select(filler.c.n)))}
    assert stored == told | {9}
