"""One database for a process: `write` through the lane, `read` on snapshots, and wakes between processes."""

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Concatenate, ParamSpec, TypeVar

import psycopg
import sqlalchemy as sa

from dropoff.db.engines import is_sqlite, normal_url, read_engine, write_engine
from dropoff.db.lanes import WriteLane
from dropoff.db.tx import Tx

P = ParamSpec("P")
T = TypeVar("T")
READERS = 4
SYNC_TIMEOUT_S = 60.0

log = logging.getLogger("dropoff.db")


class Database:
    """Functions given to `write` and `read` are plain and synchronous; their first argument is a `Tx`."""

    def __init__(self, url: str, *, listen: bool = True) -> None:
        self.url = url
        self.is_sqlite = is_sqlite(url)
        self._listeners: dict[str, list[Callable[[], None]]] = {}
        self._read_engine = read_engine(url, READERS)
        self._write_engine = write_engine(url)
        self._lane = WriteLane(self._write_engine, self._woken)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="dropoff-read")
        self._closing = threading.Event()
        self._notifications: threading.Thread | None = None
        if listen and not self.is_sqlite:
            self._notifications = threading.Thread(target=self._listen, name="dropoff-listen", daemon=True)
            self._notifications.start()

    async def write(self, fn: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        assert not kwargs, "arguments travel in the command"
        result: T = await asyncio.wrap_future(self._lane.submit(fn, *args))
        return result

    async def read(self, fn: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        assert not kwargs, "arguments travel in the command"
        return await asyncio.wrap_future(self._readers.submit(self._read, fn, args))

    def submit(self, fn: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        assert not kwargs, "arguments travel in the command"
        return self._lane.submit(fn, *args)

    def write_sync(self, fn: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """For threads of their own (jobs, imports, commands); never on the event loop or inside a transaction."""
        assert not kwargs, "arguments travel in the command"
        result: T = self._lane.submit(fn, *args).result(SYNC_TIMEOUT_S)
        return result

    def read_sync(self, fn: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        assert not kwargs, "arguments travel in the command"
        return self._read(fn, args)

    def _read(self, fn: Callable[..., T], args: tuple[Any, ...]) -> T:
        with self._read_engine.connect() as connection, connection.begin():
            return fn(Tx(connection), *args)

    def on_wake(self, name: str, listener: Callable[[], None]) -> None:
        """The listener is called from other threads after each commit that said `tx.wake(name)`; it must not block."""
        self._listeners.setdefault(name, []).append(listener)

    def _woken(self, name: str) -> None:
        for listener in self._listeners.get(name, []):
            listener()

    def _listen(self) -> None:
        """A missed notification costs a poll interval, never work: consumers look by themselves as well."""
        conninfo = normal_url(self.url).replace("postgresql+psycopg://", "postgresql://", 1)
        while not self._closing.is_set():
            try:
                with psycopg.connect(conninfo, autocommit=True, connect_timeout=10) as connection:
                    connection.execute("LISTEN dropoff")
                    while not self._closing.is_set():
                        for notice in connection.notifies(timeout=0.5):
                            self._woken(notice.payload)
            except psycopg.Error as error:
                log.info("listening for wakes stopped, again in a second: %s", type(error).__name__)
                self._closing.wait(1.0)

    def check(self) -> None:
        """Raises when the database does not answer."""
        self.read_sync(lambda tx: tx.read(sa.text("SELECT 1")))

    def close(self) -> None:
        self._closing.set()
        self._lane.close()
        self._readers.shutdown()
        if self._notifications is not None:
            self._notifications.join()
        self._read_engine.dispose()
        self._write_engine.dispose()
