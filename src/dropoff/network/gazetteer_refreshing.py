"""Keeps this process's gazetteer in step with the one in force: woken by imports, polling behind.

As long as none was imported, the postcodes and cities of the network itself stand in for it.
"""

import logging
import threading
import time
from typing import Final

from dropoff.db import Database, Tx
from dropoff.network import gazetteer_store, store
from dropoff.network.gazetteer import Gazetteer
from dropoff.network.gazetteer_building import Builder
from dropoff.network.gazetteer_importing import WAKE
from dropoff.network.importing import WAKE as NETWORK_WAKE
from dropoff.network.places import Places

POLL_S: Final = 2.0
"""Other processes on SQLite cannot be woken; an import must be in every server's search within ten seconds."""
REST: Final = 20
"""A network that changes all the time is read anew at most one part in so many of the time."""

log = logging.getLogger("dropoff.network")


def refresh(db: Database, places: Places) -> bool:
    """Follows the gazetteer in force; True when it was another one."""
    with places.building:
        newer = db.read_sync(_read_newer, places.gazetteer.revision)
        if newer is None:
            return False
        builder, revision, attributions = newer
        # The database is left alone while the rows are put in order.
        places.gazetteer = Gazetteer(builder.contents(), revision, "; ".join(attributions))
        return True


def refresh_own(db: Database, places: Places) -> bool:
    """Follows the network, as long as there is no gazetteer; True when it had changed."""
    with places.building:
        if len(places.gazetteer):
            places.own = Gazetteer.of(())
            return False
        newer = db.read_sync(_read_network, places.own.revision)
        if newer is None:
            return False
        builder, revision = newer
        places.own = Gazetteer(builder.contents(), revision, "")
        return True


def _read_newer(tx: Tx, known: int) -> tuple[Builder, int, list[str]] | None:
    """All from one moment of the database."""
    revision = gazetteer_store.revision(tx)
    if revision == known:
        return None
    builder = Builder()
    for row in gazetteer_store.rows_in_force(tx):
        builder.add(row)
    return builder, revision, gazetteer_store.attributions(tx)


def _read_network(tx: Tx, known: int) -> tuple[Builder, int] | None:
    revision = store.revision(tx)
    if revision == known:
        return None
    builder = Builder()
    for row in gazetteer_store.rows_of_the_network(tx):
        builder.add(row)
    return builder, revision


class GazetteerRefresher:
    """A thread; `stop()` ends it."""

    def __init__(self, db: Database, places: Places) -> None:
        self._db, self._places = db, places
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._own_due = 0.0
        for name in (WAKE, NETWORK_WAKE):
            db.on_wake(name, self._wake.set)
        self._thread = threading.Thread(target=self._run, name="dropoff-gazetteer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._wake.set()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                refresh(self._db, self._places)
                self._follow_the_network()
            except Exception:
                # The old one goes on answering; the next look tries again.
                log.exception("the gazetteer could not be refreshed")
            self._wake.wait(POLL_S)
            self._wake.clear()

    def _follow_the_network(self) -> None:
        began = time.monotonic()
        if began >= self._own_due:
            refresh_own(self._db, self._places)
            self._own_due = time.monotonic() + REST * (time.monotonic() - began)
