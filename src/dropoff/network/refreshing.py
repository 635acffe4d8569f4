"""Keeps this process's nearby index in step with the network: woken by imports, polling behind."""

import logging
import threading

from dropoff.db import Database, Tx
from dropoff.network import store
from dropoff.network.importing import WAKE
from dropoff.network.nearby import Nearby, Snapshot

POLL_S = 2.0

log = logging.getLogger("dropoff.network")


def refresh(db: Database, nearby: Nearby) -> bool:
    """Builds a new snapshot when the network's revision has moved; True when it did. One builder at a time."""
    with nearby.building:
        built = db.read_sync(_read_newer, nearby.snapshot.revision)
        if built is None:
            return False
        nearby.snapshot = built
        return True


def _read_newer(tx: Tx, known: int) -> Snapshot | None:
    # The revision is read first: places may then be newer than it says, and the next look finds that out.
    revision = store.revision(tx)
    return None if revision == known else Snapshot(revision, store.public_places(tx))


class Refresher:
    """A thread that looks at the revision at least every `POLL_S`, and at once when an import says so."""

    def __init__(self, db: Database, nearby: Nearby) -> None:
        self._db, self._nearby = db, nearby
        self._wake = threading.Event()
        self._stopping = False
        db.on_wake(WAKE, self._wake.set)
        self._thread = threading.Thread(target=self._run, name="dropoff-nearby", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping = True
        self._wake.set()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        while not self._stopping:
            try:
                refresh(self._db, self._nearby)
            except Exception:
                # The old snapshot goes on answering; the next look tries again.
                log.exception("the nearby index could not be refreshed")
            self._wake.wait(POLL_S)
            self._wake.clear()
