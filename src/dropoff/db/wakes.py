"""Wakes: after a commit, whoever waits for a name looks at once, in this process and, on PostgreSQL, in the others.

A wake is a hint. A lost one costs a poll interval, never work, so wakes travel outside the transactions: NOTIFY in a
transaction takes one lock for the whole database until its commit is on disk, and the lanes of all processes would
queue behind it.
"""

import logging
import selectors
import socket
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress

import psycopg

CHANNEL = "dropoff"
PAUSE_S = 0.005
"""Between two notifications of one process: a burst of commits is told once."""

log = logging.getLogger("dropoff.db")


class Wakes:
    def __init__(self, conninfo: str | None) -> None:
        """Without a connection string wakes stay in the process."""
        self._listeners: dict[str, list[Callable[[], None]]] = {}
        self._untold: set[str] = set()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._bell, self._ear = socket.socketpair()
        self._bell.setblocking(False)
        self._thread: threading.Thread | None = None
        if conninfo is not None:
            self._thread = threading.Thread(target=self._run, args=(conninfo,), name="dropoff-wakes", daemon=True)
            self._thread.start()

    def listen(self, name: str, listener: Callable[[], None]) -> None:
        self._listeners.setdefault(name, []).append(listener)

    def say(self, names: Iterable[str]) -> None:
        for name in names:
            self._hear(name)
        if self._thread is not None:
            with self._lock:
                self._untold.update(names)
            self._ring()

    def close(self) -> None:
        self._closing.set()
        self._ring()
        if self._thread is not None:
            self._thread.join()
        self._bell.close()
        self._ear.close()

    def _ring(self) -> None:
        with suppress(BlockingIOError):  # it rings already
            self._bell.send(b"!")

    def _hear(self, name: str) -> None:
        for listener in self._listeners.get(name, []):
            try:
                listener()
            except Exception:
                log.exception("a listener for %s failed", name)

    def _run(self, conninfo: str) -> None:
        while not self._closing.is_set():
            try:
                with psycopg.connect(conninfo, autocommit=True, connect_timeout=10) as connection:
                    self._exchange(connection)
            except psycopg.Error as error:
                log.info("no wakes from other processes, again in a second: %s", type(error).__name__)
                self._closing.wait(1.0)

    def _exchange(self, connection: psycopg.Connection) -> None:
        own = connection.info.backend_pid
        connection.execute(f"LISTEN {CHANNEL}")
        with selectors.DefaultSelector() as selector:
            selector.register(connection.fileno(), selectors.EVENT_READ, "server")
            selector.register(self._ear, selectors.EVENT_READ, "bell")
            while not self._closing.is_set():
                for key, _events in selector.select(timeout=30):
                    if key.data == "bell":
                        self._ear.recv(4096)
                        self._tell(connection)
                        self._closing.wait(PAUSE_S)
                for notice in connection.notifies(timeout=0):
                    if notice.pid != own:  # this process has heard it from its own lane
                        self._hear(notice.payload)

    def _tell(self, connection: psycopg.Connection) -> None:
        with self._lock:
            names, self._untold = sorted(self._untold), set()
        if names:
            connection.execute("SELECT pg_notify(%s, name) FROM unnest(%s::text[]) AS name", (CHANNEL, names))
