"""What a fault of ours writes into the log is where it happened, never whom it met."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from dropoff.db import Database
from dropoff.returns.tables import order
from dropoff.web.logs import told


def test_a_refused_row_stays_out_of_the_log(db: Database) -> None:
    row = {"id": "ord_1", "retailer_id": "rtl_1", "reference": "SO-77", "shopper_name": "Æsa Ødegård", "live": True}
    row |= {"currency": "DKK", "content_hash": "x", "created_at": datetime.now(UTC)}  # no placed_at
    with pytest.raises(sa.exc.IntegrityError) as refused:
        db.write_sync(lambda tx: tx.change(sa.insert(order).values(row)))
    text = told(refused.value)
    assert "placed_at" in text
    assert "IntegrityError" in text
    assert "test_logs.py" in text
    for personal in ("Æsa", "SO-77"):
        assert personal not in text


def test_what_an_error_came_of_is_told_first() -> None:
    lines = "outer", "with a row behind"

    def fail() -> None:
        try:
            raise KeyError("inner")
        except KeyError as error:
            raise ValueError("\n".join(lines)) from error

    with pytest.raises(ValueError, match="outer") as raised:
        fail()
    text = told(raised.value)
    assert text.index("builtins.KeyError: 'inner'") < text.index("builtins.ValueError: outer")
    assert lines[1] not in text
    assert told(None) == ""
