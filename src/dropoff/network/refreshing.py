"""Keeps this process's nearby index in step with the network: woken by imports, polling behind.

A change is laid over the base at once: only what changed is read. Now and then another thread makes one base of both,
while answers and further changes go on. What happens at places is read beside, and moves no place.
"""

import ctypes
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from dropoff.db import Database, Tx
from dropoff.kernel.clock import now
from dropoff.network import load_store, store
from dropoff.network.evidence import marks_of
from dropoff.network.importing import WAKE
from dropoff.network.nearby import Nearby, Snapshot
from dropoff.network.nearby_hours import minute_of
from dropoff.network.nearby_place import Place
from dropoff.web import metrics

POLL_S: Final = 1.0
"""Other processes on SQLite cannot be woken: a change is in everyone's search within two seconds."""
CHANGES_MAX: Final = 250_000
"""More than so many changes since the base was made are not laid over it: all is read anew."""
PAGE: Final = 500
"""Rows read at once: a page keeps the interpreter to itself for some milliseconds, which others wait."""
MERGE_AT: Final = 5_000
MERGE_SHARE: Final = 0.005
"""`MERGE_AT` changes, or this share of the base, are merged at once; fewer wait until `MERGE_AFTER_S`."""
MERGE_AFTER_S: Final = 180.0

OVERLAP: Final = timedelta(seconds=5)
"""What was touched by the database's clock is seen when it is committed, which may be a little later: so far back is
read again."""

log = logging.getLogger("dropoff.network")


def refresh(db: Database, nearby: Nearby) -> bool:
    """Follows the network when its revision has moved; True when it did. One at a time."""
    with nearby.building:
        new = db.read_sync(_read_newer, nearby.snapshot, nearby.folder)
        if new is None:
            return False
        if new.book is not nearby.snapshot.book:
            nearby.heard_until = None
        base, nearby.snapshot = nearby.snapshot.base, new
        if base is not new.base:
            del base
            _give_back()
        log.info("nearby index: revision %d, %d places, %d of them not merged", new.revision, len(new), new.to_merge)
        return True


def hear(db: Database, nearby: Nearby) -> int:
    """Takes in what happened at places lately; how many. One at a time."""
    with nearby.building:
        book, until = nearby.snapshot.book, nearby.heard_until
        if until is None:
            count, at, after = 0, db.read_sync(load_store.database_time), ""
            while page := db.read_sync(load_store.page, after, PAGE):
                book.write((load.location_id, marks_of(load)) for load in page)
                count, after = count + len(page), page[-1].location_id
        else:
            count, at, since, behind = 0, until, until - OVERLAP, ""
            while page := db.read_sync(load_store.touched_since, since, behind, PAGE):
                book.write((load.location_id, marks_of(load)) for load in page)
                count, since, behind = count + len(page), page[-1].touched_at, page[-1].location_id
                at = max(at, since)
        nearby.heard_until = at
        nearby.snapshot.hear()
        return count


def merge(db: Database, nearby: Nearby) -> None:
    """Makes one base of the base and what lies over it. What changes meanwhile is laid over the new one."""
    old = nearby.snapshot
    merged = old.merged(nearby.folder)
    with nearby.building:
        if nearby.snapshot.base is old.base:  # else everything was read anew meanwhile
            nearby.snapshot = db.read_sync(_read_newer, merged, nearby.folder) or merged
            nearby.snapshot.hear()
            log.info("nearby index: merged, %d places", len(nearby.snapshot))
    del old, merged
    _give_back()


def _give_back() -> None:
    """The C library keeps what was freed among what is still held; glibc gives it back when told to."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


def _read_newer(tx: Tx, known: Snapshot, folder: Path | None) -> Snapshot | None:
    """All is read from one moment of the database, the revision with it."""
    revision = store.revision(tx)
    if revision == known.revision:
        return None
    # A lower revision is another database, for example a restored one.
    if known.base_revision >= 0 and revision > known.revision:
        ids = store.changed_since(tx, known.base_revision, CHANGES_MAX + 1)
        if len(ids) <= min(CHANGES_MAX, len(known.base)):
            return known.changed(revision, _changes(tx, ids), folder)
    book = known.book if revision > known.revision else None
    return Snapshot.of(revision, _all_places(tx), folder, book)


def _changes(tx: Tx, ids: list[str]) -> Iterator[tuple[Place, bool]]:
    since_day = _lately()
    for at in range(0, len(ids), PAGE):
        yield from store.places_of(tx, ids[at : at + PAGE], since_day)


def _all_places(tx: Tx) -> Iterator[Place]:
    after = ""
    since_day = _lately()
    while page := store.public_places(tx, after, PAGE, since_day):
        yield from page
        after = page[-1].id


def _lately() -> date:
    """Closures that were over by then are so in every zone."""
    return now().date() - timedelta(days=2)


class Refresher:
    """A thread that looks at the revision at least every `POLL_S`, and at once when an import says so; and one that
    merges."""

    def __init__(self, db: Database, nearby: Nearby) -> None:
        self._db, self._nearby = db, nearby
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._merging: threading.Thread | None = None
        self._merge_due = 0.0
        db.on_wake(WAKE, self._wake.set)
        self._thread = threading.Thread(target=self._run, name="dropoff-nearby", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._wake.set()
        for thread in (self._thread, self._merging):
            if thread is not None:
                thread.join(timeout=30)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                refresh(self._db, self._nearby)
                if hear(self._db, self._nearby):
                    book = self._nearby.snapshot.book
                    metrics.PLACES.labels("full").set(book.count_full())
                    metrics.PLACES.labels("silent").set(book.count_silent(minute_of(now())))
                self._merge_when_due()
            except Exception:
                # The old snapshot goes on answering; the next look tries again.
                log.exception("the nearby index could not be refreshed")
            self._wake.wait(POLL_S)
            self._wake.clear()

    def _merge_when_due(self) -> None:
        snapshot = self._nearby.snapshot
        waiting = snapshot.to_merge
        if not waiting:
            self._merge_due = time.monotonic() + MERGE_AFTER_S
            return
        idle = self._merging is None or not self._merging.is_alive()
        if idle and (waiting >= min(MERGE_AT, MERGE_SHARE * len(snapshot.base)) or time.monotonic() >= self._merge_due):
            self._merge_due = time.monotonic() + MERGE_AFTER_S
            self._merging = threading.Thread(target=self._merge, name="dropoff-nearby-merge", daemon=True)
            self._merging.start()

    def _merge(self) -> None:
        try:
            merge(self._db, self._nearby)
        except Exception:
            log.exception("the nearby index could not be merged")
