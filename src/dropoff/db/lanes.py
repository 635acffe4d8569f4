"""The write lane: one thread, one connection, many callers per commit.

It takes what waits, runs the callers' functions in one transaction, commits once and then answers. A caller that fails
never harms its neighbours: the group rolls back and is halved until the culprit stands alone. A caller's function may
therefore run several times and must have no effect outside its transaction.
"""

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import sqlalchemy as sa

from dropoff.db.tx import Tx

GROUP_MAX = 128
QUEUE_MAX = 2048
CONTENTION_S = 5.0
"""How long a caller that meets locked rows is tried again before it is answered `Contended`."""

log = logging.getLogger("dropoff.db")


class Overloaded(Exception):
    """The queue is full: nothing was written, come back later."""


class Contended(Exception):
    """Others held the rows for longer than `CONTENTION_S`: nothing was written."""


class CommitUncertain(Exception):
    """The connection broke while committing: the write may or may not stand. Repeating with the same key tells."""


class Call:
    __slots__ = ("args", "fn", "future", "give_up_at", "not_before")

    def __init__(self, fn: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self.fn, self.args = fn, args
        self.future: Future[Any] = Future()
        # Once queued it runs: a client that hangs up must not leave the question open whether it was written.
        self.future.set_running_or_notify_cancel()
        self.give_up_at = time.monotonic() + CONTENTION_S
        self.not_before = 0.0


class WriteLane:
    def __init__(self, engine: sa.Engine, on_wake: Callable[[str], None]) -> None:
        self._engine = engine
        self._on_wake = on_wake
        self._ready: deque[Call] = deque()
        self._later: list[Call] = []
        self._condition = threading.Condition()
        self._closing = False
        self._connection: sa.Connection | None = None
        self._thread = threading.Thread(target=self._run, name="dropoff-write-lane", daemon=True)
        self._thread.start()

    def submit(self, fn: Callable[..., Any], *args: Any) -> "Future[Any]":
        call = Call(fn, args)
        with self._condition:
            if self._closing:
                raise RuntimeError("the write lane is closed")
            if len(self._ready) + len(self._later) >= QUEUE_MAX:
                raise Overloaded
            self._ready.append(call)
            self._condition.notify()
        return call.future

    def close(self) -> None:
        """Answers all that was taken, then ends."""
        with self._condition:
            self._closing = True
            self._condition.notify()
        self._thread.join()

    def _run(self) -> None:
        while (group := self._next_group()) is not None:
            try:
                self._serve(group)
            except BaseException as error:  # noqa: BLE001 - the lane must outlive every fault of one group
                log.exception("write lane")
                for call in group:
                    if not call.future.done():
                        call.future.set_exception(error)
        self._disconnect()

    def _next_group(self) -> list[Call] | None:
        with self._condition:
            while True:
                now = time.monotonic()
                self._ready.extend(call for call in self._later if call.not_before <= now)
                self._later = [call for call in self._later if call.not_before > now]
                if self._ready:
                    return [self._ready.popleft() for _ in range(min(GROUP_MAX, len(self._ready)))]
                if self._closing and not self._later:
                    return None
                pause = min((call.not_before for call in self._later), default=None)
                self._condition.wait(None if pause is None else max(0.0, pause - now))

    def _serve(self, group: list[Call]) -> None:
        try:
            results, wakes = self._attempt(group)
        except CommitUncertain as error:
            for call in group:
                call.future.set_exception(error)
            return
        except Exception as error:  # noqa: BLE001 - sorted below: again, apart, or the caller's own fault
            if len(group) > 1:
                middle = len(group) // 2
                self._serve(group[:middle])
                self._serve(group[middle:])
            elif is_contention(error) or is_disconnect(error):
                self._again(group[0], error)
            else:
                group[0].future.set_exception(error)
            return
        for name in wakes:
            self._on_wake(name)
        for call, result in zip(group, results, strict=True):
            call.future.set_result(result)

    def _attempt(self, group: list[Call]) -> tuple[list[Any], set[str]]:
        connection = self._connect()
        try:
            transaction = connection.begin()
            try:
                tx = Tx(connection)
                results = [call.fn(tx, *call.args) for call in group]
                if tx.dialect == "postgresql":
                    for name in sorted(tx.wakes):
                        connection.execute(sa.text("SELECT pg_notify('dropoff', :name)"), {"name": name})
            except BaseException:
                transaction.rollback()
                raise
            self._commit(transaction)
        except Exception as error:
            if is_disconnect(error) or isinstance(error, CommitUncertain):
                self._disconnect()
            raise
        return results, tx.wakes

    def _commit(self, transaction: sa.RootTransaction) -> None:
        try:
            transaction.commit()
        except Exception as error:
            if is_disconnect(error):
                raise CommitUncertain from error
            transaction.rollback()
            raise

    def _again(self, call: Call, error: Exception) -> None:
        now = time.monotonic()
        if now >= call.give_up_at:
            call.future.set_exception(Contended() if is_contention(error) else error)
            return
        call.not_before = now + random.uniform(0.002, 0.02)  # noqa: S311 - spreads rivals, guards nothing
        with self._condition:
            self._later.append(call)

    def _connect(self) -> sa.Connection:
        if self._connection is None or self._connection.closed or self._connection.invalidated:
            self._disconnect()
            self._connection = self._engine.connect()
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            try:
                self._connection.invalidate()
                self._connection.close()
            except sa.exc.SQLAlchemyError:
                log.info("closing a broken connection failed")
            self._connection = None


def is_contention(error: BaseException) -> bool:
    """Deadlock, lock time-out, serialization failure, or SQLite's busy."""
    if not isinstance(error, sa.exc.DBAPIError):
        return False
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return state in {"40P01", "55P03", "40001"}
    return "database is locked" in str(error.orig) or "database table is locked" in str(error.orig)


def is_disconnect(error: BaseException) -> bool:
    if isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated:
        return True
    if isinstance(error, sa.exc.OperationalError):
        # A server that shuts down answers 57P01…57P03; one that is down has no state at all.
        state = getattr(error.orig, "sqlstate", None)
        return (state or "").startswith(("57P", "08")) or (state is None and "connection" in str(error.orig))
    return False
