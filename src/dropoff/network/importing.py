"""A location file comes into force: read and cleaned in a thread, staged in chunks, then put in force.

A file that cannot be read to its end changes nothing. The same file again changes nothing either, for a place is known
by its source and its external id and its content by a hash.
"""

import contextlib
import logging
import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from dropoff.db import Database
from dropoff.kernel.errors import Problem, invalid
from dropoff.kernel.ids import new_id
from dropoff.kernel.packed import unpacked
from dropoff.kernel.textfile import FileInvalid
from dropoff.network import applying, import_store
from dropoff.network.cleaning import Rejected
from dropoff.network.csvfile import read_csv
from dropoff.network.geojson import read_geojson
from dropoff.network.import_store import Told
from dropoff.network.staging import Staging

FileKind = Literal["geojson", "csv"]
FILE_MAX: Final = 1 << 30
"""Bytes, packed and unpacked."""
LARGE_ROWS: Final = 20_000
"""A file with more rows is not waited for over HTTP."""
SILENT_FILE_S: Final = 900.0
SILENT_SYNC_S: Final = 86_400.0
"""A sync that waits for its source goes on hours later; a file is gone with the process that read it."""
HELD_FOR: Final = timedelta(days=30)
KEPT_FOR: Final = timedelta(days=90)
WAKE: Final = applying.WAKE
SOURCE_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$"
UPLOADS: Final = "import-*.part"
_UPLOAD_KEPT_S: Final = 86_400

log = logging.getLogger("dropoff.network")


class Repaired(msgspec.Struct, frozen=True):
    index: int
    external_id: str
    fields: tuple[str, ...]


class ImportReport(msgspec.Struct, frozen=True):
    """Every row of the file is counted once: as created, updated, unchanged or rejected."""

    created: int
    updated: int
    unchanged: int
    removed: int
    rejected: list[Rejected]
    repaired: list[Repaired]


def _nobody(_: str) -> None:
    """Told, and leaves it."""


class Moments(msgspec.Struct, frozen=True):
    """Who is told the import's id, and when: as soon as it has begun, and when the file has more than `LARGE_ROWS`
    rows."""

    begun: Callable[[str], None] = _nobody
    large: Callable[[str], None] = _nobody


NOBODY: Final = Moments()


def kind_of(path: Path) -> FileKind:
    """By its name, packed or not."""
    return "csv" if path.name.lower().removesuffix(".gz").removesuffix(".zip").endswith(".csv") else "geojson"


def is_source_name(text: str) -> bool:
    return re.match(SOURCE_PATTERN, text) is not None


def import_file(
    db: Database,
    path: Path,
    kind: FileKind,
    source: str,
    *,
    replace: bool,
    at: datetime,
    actor: str = "operator:cli",
    when: Moments = NOBODY,
) -> ImportReport | Problem:
    """Blocks for as long as it takes: for a thread or a command, never on the event loop."""
    return _bring(db, path, kind, _first_row("file", source, replace, actor, at), when)


def try_file(
    db: Database,
    path: Path,
    kind: FileKind,
    source: str,
    *,
    replace: bool,
    at: datetime,
    actor: str = "operator:cli",
    when: Moments = NOBODY,
) -> ImportReport | Problem:
    """The same, but nothing changes: the counts, and the import's own rows, say what would."""
    return _bring(db, path, kind, _first_row("trial", source, replace, actor, at), when)


def _bring(db: Database, path: Path, kind: FileKind, row: dict[str, Any], when: Moments) -> ImportReport | Problem:
    import_id, source, at = row["id"], row["source"], row["created_at"]
    if not is_source_name(source):
        return invalid("?source", "The source's name has 1 to 60 characters of A-Z, a-z, 0-9, `.`, `_` and `-`.")
    if not db.write_sync(import_store.begin, row):
        return Problem("location-source-busy", "A sync of this source is running.", retry_after_s=60)
    when.begun(import_id)
    try:
        _stage_file(db, path, kind, import_id, when)
        applying.settle(db, import_id, at)
        return report_of(db, import_id)
    except FileInvalid as error:
        applying.fail(db, import_id, str(error), at)
        return Problem("location-file-invalid", f"{error} Nothing was changed.")
    except applying.SourceBusy:
        applying.fail(db, import_id, "Another import of this source was coming into force for too long.", at)
        return Problem("location-source-busy", retry_after_s=60)
    except BaseException:
        with contextlib.suppress(Exception):  # the fault itself is raised on; what is left, the next sweep clears away
            _abandon(db, import_id, at)
        raise


def _first_row(kind: str, source: str, replace: bool, actor: str, at: datetime) -> dict[str, Any]:
    import_id = new_id("imp")
    row: dict[str, Any] = {"id": import_id, "source": source, "kind": kind, "replaces": replace, "actor": actor}
    return row | {"created_at": at, "runner": import_id}


def _stage_file(db: Database, path: Path, kind: FileKind, import_id: str, when: Moments) -> None:
    staging = Staging(db, import_id, import_id)
    with unpacked(path, FILE_MAX) as plain:
        for row in read_csv(plain) if kind == "csv" else read_geojson(plain):
            staging.take(row)
            if staging.rows_read == LARGE_ROWS + 1:
                when.large(import_id)
    staging.flush()


def _abandon(db: Database, import_id: str, at: datetime) -> None:
    found = db.read_sync(import_store.find, import_id)
    # One that had begun to come into force is brought to its end by the next sweep.
    if found is not None and found.state == "staging":
        applying.fail(db, import_id, "The import broke off.", at)


def report_of(db: Database, import_id: str, limit: int = LARGE_ROWS) -> ImportReport:
    """With at most so many refused, and so many repaired rows."""
    found = db.read_sync(import_store.find, import_id)
    assert found is not None, "the import was just made"
    return ImportReport(
        found.created,
        found.updated,
        found.unchanged,
        found.removed,
        [rejected(row) for row in db.read_sync(import_store.told, import_id, ("rejected",), (-1, ""), limit)],
        [repaired(row) for row in db.read_sync(import_store.told, import_id, ("repaired",), (-1, ""), limit)],
    )


def rejected(row: Told) -> Rejected:
    return Rejected(row.row_index, row.external_id, row.reason, row.detail)


def repaired(row: Told) -> Repaired:
    return Repaired(row.row_index, row.external_id or "", row.fields)


def sweep(db: Database, at: datetime) -> int:
    """Ends imports whose process died, finishes those that had begun to come into force, forgets old ones. Answers how
    many were ended."""
    ended = 0
    for state, silent_s, kinds, told in (
        ("staging", SILENT_FILE_S, ("file",), "The process ended while reading the file."),
        ("staging", SILENT_SYNC_S, ("sync", "trial"), "Nobody went on reading the source."),
        ("held", HELD_FOR.total_seconds(), ("sync",), "Nobody released it."),
    ):
        for found in db.read_sync(import_store.silent, state, silent_s, kinds):
            applying.fail(db, found.id, told, at)
            ended += 1
    ended += finish_dead(db, at)
    applying.clear_away(db)
    while db.write_sync(import_store.delete_old, at - KEPT_FOR, 1) == 1:
        pass
    return ended


def finish_dead(db: Database, at: datetime) -> int:
    """Imports whose process died while they came into force. Answers how many."""
    finished = 0
    for found in db.read_sync(import_store.silent, "applying", 2 * applying.LEASE_S, ("file", "sync", "trial")):
        with contextlib.suppress(applying.ClaimLost, applying.SourceBusy):
            applying.settle(db, found.id, at, patience_s=0)
            finished += 1
    return finished


def clear_uploads(folder: Path) -> None:
    """Files of processes that were killed while receiving them."""
    for path in folder.glob(UPLOADS):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _UPLOAD_KEPT_S:
                path.unlink()
