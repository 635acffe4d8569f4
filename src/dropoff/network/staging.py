"""Rows of a file or a source are cleaned and staged by the chunk; what was refused or repaired is told beside them.

Memory does not grow with the file: which ids were met before is asked of the stage. The last chunk of a page carries
the page's cursor, so that after a crash nothing is lost and nothing is told twice.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from dropoff.db import Database, Tx
from dropoff.kernel.ids import new_id
from dropoff.network import hours, import_store
from dropoff.network.cleaning import Cleaned, RawRow, Rejected, clean
from dropoff.network.folding import fold, fold_postcode, words_of
from dropoff.network.import_store import Told

CHUNK: Final = 500
DUPLICATE: Final = "The file has this id on an earlier row, which was taken."


class TakenOver(Exception):
    """Another process reads this import now, or it was ended."""


class _Waiting(msgspec.Struct, frozen=True):
    index: int
    repaired: tuple[str, ...]
    values: dict[str, Any]


class Staging:
    """`repeats_told`: whether a row that repeats an earlier one word for word is told. A file should not have any; the
    pages of a source overlap."""

    def __init__(
        self,
        db: Database,
        import_id: str,
        runner: str,
        *,
        repeats_told: bool = True,
        rows_read: int = 0,
        chunk: int | None = None,
    ) -> None:
        self._db, self._import_id, self._runner = db, import_id, runner
        self._chunk = chunk or CHUNK
        self._repeats_told = repeats_told
        self._waiting: list[_Waiting] = []
        self._told: list[Told] = []
        self.rows_read = rows_read

    def take(self, row: RawRow | Rejected) -> None:
        outcome = clean(row) if isinstance(row, RawRow) else row
        if isinstance(outcome, Rejected):
            self.leave_out(outcome, spared=outcome.external_id is not None)
            return
        values = stage_row(self._import_id, outcome)
        self._waiting.append(_Waiting(outcome.index, outcome.repaired, values))
        self._counted()

    def leave_out(self, row: Rejected, *, spared: bool) -> None:
        """`spared`: the place it names stays in the network as it is."""
        self._told.append(_rejected(row, spared))
        self._counted()

    def _counted(self) -> None:
        self.rows_read += 1
        if len(self._waiting) + len(self._told) >= self._chunk:
            self.flush()

    def flush(self, cursor: str | None = None) -> None:
        """Raises `TakenOver` when the import is not this runner's any more."""
        waiting, told, rows_read = self._waiting, self._told, self.rows_read
        self._waiting, self._told = [], []
        if not self._db.write_sync(self._store, waiting, told, rows_read, cursor):
            raise TakenOver

    def _store(self, tx: Tx, waiting: list[_Waiting], told: list[Told], rows_read: int, cursor: str | None) -> bool:
        if not import_store.progress(tx, self._import_id, self._runner, rows_read, cursor):
            return False
        known = import_store.staged(tx, self._import_id, [row.values["external_id"] for row in waiting])
        fresh, told = [], list(told)
        for row in waiting:
            external_id, content = row.values["external_id"], row.values["content_hash"]
            if external_id not in known:
                known[external_id] = content
                fresh.append(row.values)
                if row.repaired:
                    told.append(Told(row.index, "repaired", external_id, fields=row.repaired))
            elif self._repeats_told or known[external_id] != content:
                told.append(_rejected(Rejected(row.index, external_id, "duplicate_id", DUPLICATE), spared=False))
        import_store.stage(tx, fresh)
        import_store.tell(tx, self._import_id, told)
        return True


def _rejected(row: Rejected, spared: bool) -> Told:
    return Told(row.index, "rejected", row.external_id, row.reason[:60], row.detail[:500], spared=spared)


def stage_row(import_id: str, place: Cleaned) -> dict[str, Any]:
    row: dict[str, Any] = {name: value for name, value in _fields(place) if name not in ("index", "facts", "repaired")}
    facts = msgspec.structs.asdict(place.facts)
    row |= {name: list(value) if isinstance(value, tuple) else value for name, value in facts.items()}
    row |= {
        "import_id": import_id,
        "id": new_id("loc"),
        "accepts": list(place.accepts),
        "hours_known": place.opening_hours is not None and hours.is_hours(place.opening_hours),
        "content_hash": place.content_hash().hex(),
        "place_key": fold(place.city or ""),
        "postcode_key": fold_postcode(place.postcode or ""),
    }
    return row | {"words": words_of(row)}


def _fields(place: Cleaned) -> Iterator[tuple[str, Any]]:
    for name in place.__struct_fields__:
        value = getattr(place, name)
        yield name, "" if value is None else value
