"""A source of places is pulled page by page into the stage and then put in force like a file.

The page's cursor is kept with the page's rows, so a pull that broke off goes on where it stopped, in this process or in
another. Nothing of a pull is in force before its end; one that would take too many places away is held by the brake.
"""

import contextlib
import logging
import queue
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final

import msgspec

from dropoff.db import Database, Tx
from dropoff.events.log import Event, append
from dropoff.kernel.errors import Problem
from dropoff.kernel.ids import new_id
from dropoff.network import applying, import_store
from dropoff.network.cleaning import TEXT_MAX, RawRow, Rejected
from dropoff.network.cleaning_text import clean_text
from dropoff.network.import_store import Import
from dropoff.network.staging import Staging, TakenOver
from dropoff.plugins import InstalledSource
from dropoff.ports.locations import (
    PAGE_ROWS_MAX,
    LeftOut,
    Malformed,
    Misconfigured,
    Page,
    Point,
    SourceError,
    Unavailable,
    read_pages,
)

SILENT_S: Final = 60.0
"""A reader without a sign of life for so long is dead, and another goes on in its place."""
HEARTBEAT_S: Final = 10.0
LOOK_S: Final = 0.5
"""How often a reader that waits looks whether it is to stop."""
_PROPERTIES: Final = tuple(f for f in Point.__struct_fields__ if f not in ("lat", "lon", "geometry", "repaired"))

log = logging.getLogger("dropoff.network")


class SyncCommand(msgspec.Struct, frozen=True, kw_only=True):
    """`runner`: who reads, as NAME/NUMBER. The next number of a name goes on at once where the last stopped, another
    name when that one fell silent."""

    at: datetime
    actor: str = "operator:cli"
    runner: str
    trial: bool = False


class Paused(Exception):
    """The pull stopped because it was asked to; the next call goes on where it stopped."""


def _never() -> bool:
    return False


def sync(
    db: Database, installed: InstalledSource, command: SyncCommand, is_stopping: Callable[[], bool] = _never
) -> Import | Problem:
    """Blocks for as long as it takes: for a job or a command.

    Raises `Unavailable` when the source does not answer now, and `Paused`: what was read stays, and the next call goes
    on. A `Problem` is an end: the source is malformed or misconfigured, or another process is reading it.
    """
    found = _begin(db, installed, command)
    if isinstance(found, Problem):
        return found
    try:
        with _heartbeat(db, found.id, command.runner):
            _pull(db, installed, found, command.runner, is_stopping)
        return applying.settle(db, found.id, command.at)
    except (Malformed, Misconfigured) as error:
        detail = clean_text(str(error))
        applying.fail(db, found.id, detail, command.at)
        code = "location-source-malformed" if isinstance(error, Malformed) else "location-source-misconfigured"
        return Problem(code, f"{detail}. Nothing was changed.", data={"import": found.id})
    except (Unavailable, Paused):
        db.write_sync(import_store.leave, found.id, command.runner)
        raise
    except TakenOver:
        return Problem("location-source-busy", "Another process took this sync over.", retry_after_s=60)
    except applying.ClaimLost:
        return _ended(db, found.id)


def _ended(db: Database, import_id: str) -> Import | Problem:
    found = db.read_sync(import_store.find, import_id)
    return found if found is not None else Problem("location-source-busy", retry_after_s=60)


def _begin(db: Database, installed: InstalledSource, command: SyncCommand) -> Import | Problem:
    """A new sync of the source, or the one that broke off."""
    import_id = new_id("imp")
    row: dict[str, Any] = {
        "id": import_id,
        "source": installed.name,
        "kind": "trial" if command.trial else "sync",
        "replaces": True,
        "host": installed.source.host[:200],
        "runner": command.runner,
        "actor": command.actor,
        "created_at": command.at,
    }
    if db.write_sync(import_store.begin, row):
        db.write_sync(import_store.mark_tried, installed.name, installed.source.host[:200], command.at)
        return _existing(db, import_id)
    running = db.read_sync(import_store.running_sync, installed.name)
    busy = Problem("location-source-busy", "A sync of this source is running already.", retry_after_s=60)
    if running is None or running.state != "staging":
        return busy
    if not db.write_sync(import_store.take_over, running, command.runner, SILENT_S):
        return busy
    if (running.kind == "trial") != command.trial:
        # One that only tries and one that counts cannot be each other's continuation.
        applying.fail(db, running.id, "Another sync was started instead.", command.at)
        return _begin(db, installed, command)
    if running.cursor is None:
        # It is read from its start again. What was staged may have changed there since, and would look like repeats.
        applying.forget_rows(db, running.id)
    return _existing(db, running.id)


def _existing(db: Database, import_id: str) -> Import | Problem:
    found = db.read_sync(import_store.find, import_id)
    return found if found is not None else Problem("location-source-busy", retry_after_s=60)


def _pull(
    db: Database, installed: InstalledSource, found: Import, runner: str, is_stopping: Callable[[], bool]
) -> None:
    # A page is staged whole and with its cursor, so that what is read again after a break has its old row numbers.
    rows_read = found.rows_read if found.cursor is not None else 0
    staging = Staging(db, found.id, runner, repeats_told=False, rows_read=rows_read, chunk=PAGE_ROWS_MAX + 1)
    for page in _pages(installed, found.cursor, is_stopping):
        for row in page.rows:
            _take(staging, row)
        if not page.complete:  # places may be missing, so none is taken for gone
            db.write_sync(import_store.set_replaces, found.id, False)
        staging.flush(page.cursor)
        if is_stopping():
            raise Paused


def _pages(installed: InstalledSource, cursor: str | None, is_stopping: Callable[[], bool]) -> Iterator[Page]:
    """Read by a thread of its own, one page ahead: a process that is to end does not wait for a slow answer."""
    ready: queue.Queue[Page | BaseException | None] = queue.Queue(maxsize=1)
    over = threading.Event()

    def hand(item: Page | BaseException | None) -> None:
        while not over.is_set():
            with contextlib.suppress(queue.Full):
                ready.put(item, timeout=LOOK_S)
                return

    def read() -> None:
        try:
            for page in read_pages(installed.source, cursor):
                hand(page)
                if over.is_set():
                    return
            hand(None)
        except BaseException as error:
            hand(error)

    threading.Thread(target=read, name="dropoff-sync-reader", daemon=True).start()
    try:
        while (item := _next(ready, is_stopping)) is not None:
            if isinstance(item, BaseException):
                raise _named(installed, item)
            yield item
    finally:
        over.set()


def _next(ready: "queue.Queue[Page | BaseException | None]", is_stopping: Callable[[], bool]) -> Any:
    while True:
        with contextlib.suppress(queue.Empty):
            return ready.get(timeout=LOOK_S)
        if is_stopping():
            raise Paused


def _named(installed: InstalledSource, error: BaseException) -> BaseException:
    """A fault of a plug-in is not one of ours: it ends this sync, with its name."""
    if isinstance(error, SourceError) or not isinstance(error, Exception):
        return error
    log.error("source %s (plug-in %s) failed", installed.name, installed.plugin, exc_info=error)
    named = Malformed(f"the plug-in {installed.plugin} failed: {type(error).__name__}")
    named.__cause__ = error
    return named


def _take(staging: Staging, row: Point | LeftOut) -> None:
    index = staging.rows_read
    if isinstance(row, LeftOut):
        ident = clean_text(row.id)[: TEXT_MAX + 1] if isinstance(row.id, str) else None
        ident = ident if ident and len(ident) <= TEXT_MAX else None
        told = Rejected(index, ident, clean_text(row.reason) or "left_out", clean_text(row.detail))
        staging.leave_out(told, spared=not row.gone and ident is not None)
        return
    properties = {name: value for name in _PROPERTIES if (value := getattr(row, name)) is not None}
    properties |= {name: list(value) for name, value in properties.items() if isinstance(value, tuple)}
    geometry = row.geometry
    if geometry is None and (row.lat is not None or row.lon is not None):
        geometry = {"type": "Point", "coordinates": [row.lon, row.lat]}
    staging.take(RawRow(index, properties, geometry, None, row.repaired))


@contextlib.contextmanager
def _heartbeat(db: Database, import_id: str, runner: str) -> Iterator[None]:
    """Signs of life while a page takes its time."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(HEARTBEAT_S):
            with contextlib.suppress(Exception):  # the next beat, or the next page, tells what is wrong
                db.write_sync(import_store.touch, import_id, runner)

    thread = threading.Thread(target=beat, name="dropoff-sync-heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def let_go(tx: Tx, import_id: str, actor: str) -> Problem | None:
    """From here on the import comes into force, by whoever settles it first."""
    found = import_store.find(tx, import_id)
    if found is None:
        return Problem("not-found", "There is no such import.")
    if found.state != "held":
        return Problem("location-import-not-held", f"The import is {found.state}.")
    if import_store.running_sync(tx, found.source) is not None:
        return Problem("location-source-busy", "A sync of this source is running.", retry_after_s=60)
    if not import_store.release(tx, import_id, actor):
        return Problem("location-import-not-held", "The import was just released.")
    return None


def drop_held(tx: Tx, import_id: str, at: datetime, actor: str) -> Problem | None:
    """The held import ends without having changed anything. Its stage is cleared away by the next sweep."""
    found = import_store.find(tx, import_id)
    if found is None:
        return Problem("not-found", "There is no such import.")
    if found.state != "held" or not import_store.finish(tx, import_id, "failed", "An operator dropped it.", at):
        return Problem("location-import-not-held", f"The import is {found.state}.")
    objects = {"import": import_id}
    append(tx, Event(type="network.import_dropped", actor=actor, at=at, live=True, objects=objects))
    return None


def give_up(db: Database, source: str, error: Unavailable, at: datetime) -> None:
    """After the last attempt: what was read is dropped, the network stays as it is."""
    running = db.read_sync(import_store.running_sync, source)
    if running is not None and running.state == "staging":
        applying.fail(db, running.id, clean_text(f"{error}. It was tried for hours."), at)


def release(db: Database, import_id: str, actor: str, at: datetime) -> Import | Problem:
    """Puts a held sync in force after all. Blocks for as long as it takes."""
    refused = db.write_sync(let_go, import_id, actor)
    if refused is not None:
        return refused
    try:
        return applying.settle(db, import_id, at)
    except (applying.ClaimLost, applying.SourceBusy):
        return _ended(db, import_id)
