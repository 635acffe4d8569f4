"""The database: engines, read and write lanes, sealed values, migrations. Knows no business."""

from dropoff.db.database import Database
from dropoff.db.tx import Tx

__all__ = ["Database", "Tx"]
