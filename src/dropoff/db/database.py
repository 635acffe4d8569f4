"""One database for a process: `write` through the lane, `read` on snapshots, and wakes between processes."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Concatenate, ParamSpec, TypeVar

import sqlalchemy as sa

from dropoff.db.engines import driver_url, is_sqlite, read_engine, write_engine
from dropoff.db.faults import Unavailable, Unwritable, is_disconnect
from dropoff.db.lanes import WriteLane
from dropoff.db.tx import Tx
from dropoff.db.wakes import Wakes

P = ParamSpec("P")
T = TypeVar("T")
READERS = 4
SYNC_TIMEOUT_S = 120.0


class Database:
    """Functions given to `write` and `read` are plain and synchronous; their first argument is a `Tx`."""

    def __init__(self, url: str, *, listen: bool = True) -> None:
        self.url = url
        self.is_sqlite = is_sqlite(url)
        self._wakes = Wakes(driver_url(url) if listen and not self.is_sqlite else None)
        self._read_engine = read_engine(url, READERS)
        self._write_engine = write_engine(url)
        self._lane = WriteLane(self._write_engine, self._wakes.say)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="dropoff-read")

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
        try:
            return self._read_once(fn, args)
        except Exception as error:
            # A read has no effect, so one that met a restart of the database is simply made again.
            if not is_disconnect(error):
                raise
        try:
            return self._read_once(fn, args)
        except Exception as error:
            if is_disconnect(error):
                raise Unavailable from error
            raise

    def _read_once(self, fn: Callable[..., T], args: tuple[Any, ...]) -> T:
        with self._read_engine.connect() as connection, connection.begin():
            return fn(Tx(connection), *args)

    def on_wake(self, name: str, listener: Callable[[], None]) -> None:
        """The listener is called from other threads after each commit that said `tx.wake(name)`; it must not block."""
        self._wakes.listen(name, listener)

    def check(self) -> None:
        """Raises when the database does not answer, or could not be written lately."""
        self.read_sync(lambda tx: tx.read(sa.text("SELECT 1")))
        if not self._lane.is_writable:
            raise Unwritable

    def close(self) -> None:
        self._lane.close()
        self._readers.shutdown()
        self._wakes.close()
        self._read_engine.dispose()
        self._write_engine.dispose()
