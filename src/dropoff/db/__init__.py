"""The database: engines, read and write lanes, sealed values, migrations. Knows no business."""

from dropoff.db.database import Database
from dropoff.db.faults import CommitUncertain, Contended, NotWritten, Overloaded, Unavailable, Unwritable
from dropoff.db.prepared import Prepared, into, struct, structs
from dropoff.db.tx import Tx

__all__ = [
    "CommitUncertain",
    "Contended",
    "Database",
    "NotWritten",
    "Overloaded",
    "Prepared",
    "Tx",
    "Unavailable",
    "Unwritable",
    "into",
    "struct",
    "structs",
]
