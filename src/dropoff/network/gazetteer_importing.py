"""A gazetteer file comes into force: read to its end first, then stored in chunks, then one short transaction.

A file replaces what was known of the countries it holds; other countries stay. What it would lose too much of stays
too, until the operator says so.
"""

import logging
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from dropoff.db import Database, Tx
from dropoff.events.log import Event, append
from dropoff.kernel.errors import Problem, invalid
from dropoff.kernel.ids import new_id
from dropoff.network import gazetteer_store as store
from dropoff.network.gazetteer_building import Row
from dropoff.network.gazetteer_reading import WRONG_TOLD, GazetteerInvalid, Wrong, read_gazetteer

CHUNK: Final = 2_000
TOLD_EVERY: Final = 100_000
LOSS_MAX: Final = 0.2
"""A country that would lose a larger share of its codes: most likely half a file."""
ABANDONED_AFTER: Final = timedelta(hours=6)
GEONAMES: Final = "GeoNames (https://www.geonames.org), CC BY 4.0"
ATTRIBUTION_MAX: Final = 300
WAKE: Final = "gazetteer"

log = logging.getLogger("dropoff.network")


class GazetteerCommand(msgspec.Struct, frozen=True, kw_only=True):
    """`replace`: countries that the file does not hold are forgotten. `accept_loss`: even if much is lost."""

    replace: bool = False
    accept_loss: bool = False
    attribution: str = GEONAMES
    at: datetime
    actor: str = "operator:cli"


class GazetteerReport(msgspec.Struct, frozen=True):
    """Codes by country; `left_out` rows could not be read, the first of them are in `wrong`."""

    codes: dict[str, int]
    forgotten: list[str]
    left_out: int
    wrong: list[Wrong]


def import_gazetteer(
    db: Database, path: Path, command: GazetteerCommand, tell: Callable[[str], None]
) -> GazetteerReport | Problem:
    """Blocks for as long as it takes: for a thread or a command. `tell` is told how far it is."""
    if not command.attribution.strip() or len(command.attribution) > ATTRIBUTION_MAX:
        return invalid("?attribution", f"The attribution has 1 to {ATTRIBUTION_MAX} characters.")
    db.write_sync(sweep, command.at)
    import_id = new_id("gaz")
    try:
        codes, wrong = _read_through(path, tell)
        refusal = None if command.accept_loss else _loss(db.read_sync(store.codes_in_force), codes, command)
        if refusal is not None:
            return refusal
        db.write_sync(store.begin, import_id, path.name[:200], command.attribution.strip(), command.at)
        _store(db, path, import_id, tell)
        report = db.write_sync(put_in_force, import_id, command, codes, wrong)
    except GazetteerInvalid as error:
        _abandon(db, import_id, command.at, str(error))
        return Problem("gazetteer-file-invalid", f"{error} Nothing was changed.")
    except BaseException:
        _abandon(db, import_id, command.at, "The import broke off.")
        raise
    try:
        clear_away(db)
    except Exception:
        log.warning("the rows of the old gazetteer were left for the sweep", exc_info=True)
    return report


def _read_through(path: Path, tell: Callable[[str], None]) -> tuple[dict[str, int], list[Wrong]]:
    """A file that is wrong at its end never reaches the database."""
    codes: Counter[str] = Counter()
    wrong: list[Wrong] = []
    for number, row in enumerate(read_gazetteer(path, wrong.append), 1):
        codes[row.country] += 1
        if number % TOLD_EVERY == 0:
            tell(f"{number:,} rows read")
    tell(f"{codes.total():,} rows read to the end")
    return dict(sorted(codes.items())), wrong


def _store(db: Database, path: Path, import_id: str, tell: Callable[[str], None]) -> None:
    waiting: list[Row] = []
    stored = 0
    for row in read_gazetteer(path, lambda _: None):
        waiting.append(row)
        if len(waiting) == CHUNK:
            db.write_sync(store.add, import_id, stored, waiting)
            stored, waiting = stored + CHUNK, []
            if stored % TOLD_EVERY == 0:
                tell(f"{stored:,} rows stored")
    db.write_sync(store.add, import_id, stored, waiting)
    tell(f"{stored + len(waiting):,} rows stored")


def _loss(in_force: dict[str, int], codes: dict[str, int], command: GazetteerCommand) -> Problem | None:
    lost = {
        country: (known, codes.get(country, 0))
        for country, known in in_force.items()
        if (country in codes or command.replace) and codes.get(country, 0) < (1 - LOSS_MAX) * known
    }
    if not lost:
        return None
    told = ", ".join(f"{country} from {known:,} to {new:,}" for country, (known, new) in sorted(lost.items()))
    detail = f"The file has far fewer codes than are in force: {told}. Nothing was changed."
    return Problem("gazetteer-shrinks", detail, data={"countries": {c: list(counts) for c, counts in lost.items()}})


def put_in_force(
    tx: Tx, import_id: str, command: GazetteerCommand, codes: dict[str, int], wrong: list[Wrong]
) -> GazetteerReport:
    revision = store.lock(tx) + 1
    if not store.is_staging(tx, import_id):
        raise RuntimeError("the rows were swept away before they came into force")
    forgotten = sorted(set(store.codes_in_force(tx)) - set(codes)) if command.replace else []
    store.put_in_force(tx, import_id, codes, only=command.replace)
    store.set_revision(tx, revision)
    report = GazetteerReport(codes, forgotten, len(wrong), wrong[:WRONG_TOLD])
    store.finish(tx, import_id, "done", msgspec.to_builtins(report), command.at)
    data = {"codes": sum(codes.values()), "countries": sorted(codes), "forgotten": forgotten}
    objects = {"import": import_id}
    append(
        tx,
        Event(type="gazetteer.imported", actor=command.actor, at=command.at, live=True, objects=objects, data=data),
    )
    tx.wake(WAKE)
    return report


def sweep(tx: Tx, at: datetime) -> int:
    """Ends imports whose process died; what they stored is cleared away afterwards. Answers how many."""
    dead = store.abandoned(tx, at - ABANDONED_AFTER)
    for import_id in dead:
        store.finish(tx, import_id, "failed", {"detail": "The process ended while storing the file."}, at)
    return len(dead)


def clear_away(db: Database) -> None:
    """Deletes what no country is answered from, a page in each transaction: nobody waits for it."""
    for shelf in db.read_sync(store.shelves):
        for first in range(0, max(shelf.stored, 1), store.PAGE):
            db.write_sync(store.clear, shelf, first)
        db.write_sync(store.cleared, shelf)


def _abandon(db: Database, import_id: str, at: datetime, detail: str) -> None:
    """What went wrong is told by the caller; should even this fail, the next sweep does it."""
    try:
        db.write_sync(store.finish, import_id, "failed", {"detail": detail}, at)
        clear_away(db)
    except Exception:
        log.warning("rows of a failed import were left for the sweep", exc_info=True)
