"""A location file comes into force: read and cleaned in a thread, staged in chunks, then one short transaction.

A file that cannot be read to its end changes nothing. The same file again changes nothing either, for a place is known
by its source and its external id and its content by a hash.
"""

import logging
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from dropoff.db import Database, Tx
from dropoff.events.log import Event, append
from dropoff.kernel.errors import Problem, invalid
from dropoff.kernel.ids import new_id
from dropoff.kernel.textfile import FileInvalid
from dropoff.network import hours, import_store
from dropoff.network.cleaning import Cleaned, RawRow, Rejected, clean
from dropoff.network.csvfile import read_csv
from dropoff.network.folding import fold, fold_postcode
from dropoff.network.geojson import read_geojson

FileKind = Literal["geojson", "csv"]
CHUNK: Final = 500
ABANDONED_AFTER: Final = timedelta(hours=6)
WAKE: Final = "network"
SOURCE_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$"

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


class ImportCommand(msgspec.Struct, frozen=True, kw_only=True):
    import_id: str
    source: str
    replace: bool
    at: datetime
    actor: str


def kind_of(path: Path) -> FileKind:
    return "csv" if path.suffix.lower() == ".csv" else "geojson"


def import_file(
    db: Database,
    path: Path,
    kind: FileKind,
    source: str,
    *,
    replace: bool,
    at: datetime,
    actor: str = "operator:cli",
) -> ImportReport | Problem:
    """Blocks for as long as it takes: for a thread or a command, never on the event loop."""
    if not re.match(SOURCE_PATTERN, source):
        return invalid("?source", "The source's name has 1 to 60 characters of A-Z, a-z, 0-9, `.`, `_` and `-`.")
    command = ImportCommand(import_id=new_id("imp"), source=source, replace=replace, at=at, actor=actor)
    db.write_sync(sweep, at)
    db.write_sync(import_store.begin, command.import_id, source, at)
    try:
        staging = _Staging(db, command.import_id)
        for row in read_csv(path) if kind == "csv" else read_geojson(path):
            staging.take(row)
        staging.flush()
        return db.write_sync(put_in_force, command, staging.rejected, staging.repaired)
    except FileInvalid as error:
        db.write_sync(import_store.finish, command.import_id, "failed", {"detail": str(error)}, at)
        return Problem("location-file-invalid", f"{error} Nothing was changed.")
    except BaseException:
        _abandon(db, command)
        raise


def put_in_force(tx: Tx, command: ImportCommand, rejected: list[Rejected], repaired: list[Repaired]) -> ImportReport:
    revision = import_store.lock_network(tx) + 1
    if not import_store.is_staging(tx, command.import_id):
        raise RuntimeError("the staged rows were swept away before they came into force")
    import_id, source, at = command.import_id, command.source, command.at
    unchanged = import_store.count_unchanged(tx, import_id, source)
    updated = import_store.update_changed(tx, import_id, source, revision, at)
    created = import_store.insert_new(tx, import_id, source, revision, at)
    removed = 0
    if command.replace:
        spared = {row.external_id for row in rejected if row.external_id is not None}
        removed = import_store.remove_missing(tx, import_id, source, spared, revision, at)
    if created or updated or removed:
        import_store.set_revision(tx, revision)
        tx.wake(WAKE)
    report = ImportReport(created, updated, unchanged, removed, rejected, repaired)
    import_store.finish(tx, import_id, "done", msgspec.to_builtins(report), at)
    _tell(tx, command, report)
    return report


def sweep(tx: Tx, at: datetime) -> int:
    """Empties the stage of imports whose process died. Answers how many."""
    dead = import_store.abandoned(tx, at - ABANDONED_AFTER)
    for import_id in dead:
        import_store.finish(tx, import_id, "failed", {"detail": "The process ended while reading the file."}, at)
    return len(dead)


class _Staging:
    """Cleans rows and stages them by the chunk; what was refused or repaired is remembered for the report."""

    def __init__(self, db: Database, import_id: str) -> None:
        self._db = db
        self._import_id = import_id
        self._waiting: list[dict[str, Any]] = []
        self._seen: set[bytes] = set()
        self.rejected: list[Rejected] = []
        self.repaired: list[Repaired] = []

    def take(self, row: RawRow | Rejected) -> None:
        outcome = clean(row) if isinstance(row, RawRow) else row
        if isinstance(outcome, Cleaned) and not self._is_first(outcome.external_id):
            told = "The file has this id on an earlier row, which was taken."
            outcome = Rejected(outcome.index, outcome.external_id, "duplicate_id", told)
        if isinstance(outcome, Rejected):
            self.rejected.append(outcome)
            return
        if outcome.repaired:
            self.repaired.append(Repaired(outcome.index, outcome.external_id, outcome.repaired))
        self._waiting.append(_stage_row(self._import_id, outcome))
        if len(self._waiting) >= CHUNK:
            self.flush()

    def flush(self) -> None:
        self._db.write_sync(import_store.stage, self._waiting)
        self._waiting = []

    def _is_first(self, external_id: str) -> bool:
        """A digest a row keeps a file of millions of rows small in memory."""
        digest = blake2b(external_id.encode(), digest_size=16).digest()
        if digest in self._seen:
            return False
        self._seen.add(digest)
        return True


def _stage_row(import_id: str, place: Cleaned) -> dict[str, Any]:
    row: dict[str, Any] = {name: value for name, value in _fields(place) if name not in ("index", "repaired")}
    return row | {
        "import_id": import_id,
        "id": new_id("loc"),
        "accepts": list(place.accepts),
        "hours_known": place.opening_hours is not None and hours.is_hours(place.opening_hours),
        "content_hash": place.content_hash().hex(),
        "place_key": fold(place.city or ""),
        "postcode_key": fold_postcode(place.postcode or ""),
    }


def _fields(place: Cleaned) -> Iterator[tuple[str, Any]]:
    for name in place.__struct_fields__:
        value = getattr(place, name)
        yield name, "" if value is None else value


def _tell(tx: Tx, command: ImportCommand, report: ImportReport) -> None:
    data = {
        "source": command.source,
        "created": report.created,
        "updated": report.updated,
        "unchanged": report.unchanged,
        "removed": report.removed,
        "rejected": len(report.rejected),
        "repaired": len(report.repaired),
    }
    append(
        tx,
        Event(
            type="network.imported",
            actor=command.actor,
            at=command.at,
            live=True,
            objects={"import": command.import_id},
            data=data,
        ),
    )


def _abandon(db: Database, command: ImportCommand) -> None:
    """Whatever went wrong is raised on; the stage is emptied first, and if even that fails, by the next sweep."""
    try:
        told = {"detail": "The import broke off."}
        db.write_sync(import_store.finish, command.import_id, "failed", told, command.at)
    except Exception:
        log.warning("the stage of a failed import was left for the sweep", exc_info=True)
