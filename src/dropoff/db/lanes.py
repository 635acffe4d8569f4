"""The write lane: one thread, one connection, many callers per commit.

It takes what waits, runs the callers' functions in one transaction, commits once and then answers. A caller that fails
never harms its neighbours: the group is rolled back and split until the culprit stands alone. A caller's function may
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
from psycopg.pq import TransactionStatus

from dropoff.db.faults import (
    CommitUncertain,
    Contended,
    Overloaded,
    SwallowedError,
    Unavailable,
    Unwritable,
    is_contention,
    is_disconnect,
    is_unwritable,
)
from dropoff.db.tx import Tx

GROUP_MAX = 128
QUEUE_MAX = 2048
RETRIES_MIN = 8
"""Callers that met locked rows go first and fail first, but few at a time: each may hold the lane for a lock time-out
and the fresh callers wait behind it. More at a time as long as they get through."""
LOCKS_MET_MAX = 4
"""After so many lock time-outs in one group the rest waits as well: it most likely wants the same rows."""
PATIENCE_S = 5.0
"""How long a caller that meets locked rows, or no database, is tried again before it is told so."""
SQLITE_PATIENCE_S = 20.0
"""Longer, since on SQLite the lock is the whole database's and an import may rightly hold it for seconds."""

UNWRITABLE_S = 10.0

log = logging.getLogger("dropoff.db")


class Call:
    __slots__ = ("alone", "args", "fn", "future", "give_up_at", "not_before", "tries")

    def __init__(self, fn: Callable[..., Any], args: tuple[Any, ...], patience_s: float) -> None:
        self.fn, self.args = fn, args
        self.future: Future[Any] = Future()
        # Once queued it runs: a client that hangs up must not leave the question open whether it was written.
        self.future.set_running_or_notify_cancel()
        self.give_up_at = time.monotonic() + patience_s
        self.not_before = 0.0
        self.tries = 0
        self.alone = False
        """Set when the connection broke under its group: should it be the cause, it takes nobody with it again."""


class WriteLane:
    def __init__(self, engine: sa.Engine, on_wake: Callable[[set[str]], None]) -> None:
        self._engine = engine
        self._on_wake = on_wake
        self._patience_s = SQLITE_PATIENCE_S if engine.dialect.name == "sqlite" else PATIENCE_S
        self._ready: deque[Call] = deque()
        self._later: list[Call] = []
        self._condition = threading.Condition()
        self._closing = False
        self._retries = RETRIES_MIN
        self._locks_met = 0
        self._unwritable_until = 0.0
        self._connection: sa.Connection | None = None
        self._thread = threading.Thread(target=self._run, name="dropoff-write-lane", daemon=True)
        self._thread.start()

    def submit(self, fn: Callable[..., Any], *args: Any) -> "Future[Any]":
        if threading.current_thread() is self._thread:
            raise RuntimeError("a transaction cannot wait for another one in its own lane")
        call = Call(fn, args, self._patience_s)
        with self._condition:
            if self._closing:
                raise RuntimeError("the write lane is closed")
            if len(self._ready) + len(self._later) >= QUEUE_MAX:
                raise Overloaded
            self._ready.append(call)
            self._condition.notify()
        return call.future

    @property
    def is_writable(self) -> bool:
        """False for a while after a write met a full or read-only database; then only another try tells."""
        return time.monotonic() >= self._unwritable_until

    def close(self) -> None:
        """Answers all that was taken, then ends."""
        with self._condition:
            self._closing = True
            self._condition.notify()
        self._thread.join()

    def _run(self) -> None:
        while (group := self._next_group()) is not None:
            try:
                self._serve_all(group)
            except BaseException as error:  # the lane must outlive every fault of one group
                log.exception("write lane")
                self._disconnect()
                for call in group:
                    if not call.future.done():
                        call.future.set_exception(error)
        self._disconnect()

    def _serve_all(self, group: list[Call]) -> None:
        self._locks_met = 0
        parts = [group]
        while parts:
            if self._locks_met >= LOCKS_MET_MAX:
                for call in (call for part in parts for call in part):
                    self._later_than(call, 0.002, 0.02)
                break
            parts[:1] = self._serve(parts[0])
        self._retries = RETRIES_MIN if self._locks_met else min(2 * self._retries, GROUP_MAX)

    def _next_group(self) -> list[Call] | None:
        with self._condition:
            while True:
                now = time.monotonic()
                due = sorted((call for call in self._later if call.not_before <= now), key=lambda call: call.not_before)
                for call in reversed(due[: self._retries]):
                    self._later.remove(call)
                    self._ready.appendleft(call)
                if self._ready:
                    return self._take()
                if self._closing and not self._later:
                    return None
                pause = min((call.not_before for call in self._later), default=None)
                self._condition.wait(None if pause is None else max(0.0, pause - now))

    def _take(self) -> list[Call]:
        group = [self._ready.popleft()]
        while self._ready and len(group) < GROUP_MAX and not (group[0].alone or self._ready[0].alone):
            group.append(self._ready.popleft())
        return group

    def _serve(self, group: list[Call]) -> list[list[Call]]:
        """Answers the callers, or answers the smaller groups in which they are still to be tried, in order."""
        try:
            connection = self._connect()
            transaction = connection.begin()
        except Exception as error:  # no caller ran yet, so it is nobody's fault: all come again
            self._disconnect()
            for call in group:
                self._again(call, error)
            return []
        tx = Tx(connection, defers=True)
        results: list[Any] = []
        try:
            for call in group:
                results.append(call.fn(tx, *call.args))  # noqa: PERF401 - its length tells who failed
            tx.finish()  # the rows of all: whose cannot be written is found by halving
            if not _is_intact(connection):
                raise SwallowedError
        except Exception as error:  # sorted below: again, apart, or the caller's own fault
            self._roll_back(transaction)
            return self._split(group, error, len(results))
        except BaseException:
            self._roll_back(transaction)
            raise
        try:
            transaction.commit()
        except Exception as error:  # sorted as above
            if is_disconnect(error):
                self._disconnect()
                for call in group:
                    call.future.set_exception(_caused(CommitUncertain(), error))
                return []
            self._roll_back(transaction)
            return self._split(group, error, None)
        for call, result in zip(group, results, strict=True):
            call.future.set_result(result)
        if tx.wakes:
            self._on_wake(tx.wakes)
        return []

    def _split(self, group: list[Call], error: Exception, culprit: int | None) -> list[list[Call]]:
        """What is left to try after a rollback. Who ran when it broke is known, unless it was the commit; it is tried
        alone before it is blamed, because a neighbour's changes may have been in its way."""
        if is_disconnect(error):
            self._disconnect()
            for call in group:
                call.alone = True
                self._again(call, error)
            return []
        if is_unwritable(error):
            self._tell_unwritable(group, error)
            return []
        if culprit is None or culprit >= len(group):
            if len(group) > 1:
                middle = len(group) // 2
                return [group[:middle], group[middle:]]
            culprit = 0
        call = group[culprit]
        parts = [group[:culprit], [call], group[culprit + 1 :]]
        if is_contention(error):
            self._locks_met += 1
            self._again(call, error)
            parts[1] = []
        elif len(group) == 1:
            call.future.set_exception(error)
            parts = []
        return [part for part in parts if part]

    def _tell_unwritable(self, group: list[Call], error: Exception) -> None:
        self._disconnect()  # behind the next connection may be a server that can
        self._unwritable_until = time.monotonic() + UNWRITABLE_S
        log.error("nothing can be written: %s", str(getattr(error, "orig", error)).split("\n", 1)[0])
        for call in group:
            call.future.set_exception(_caused(Unwritable(), error))

    def _again(self, call: Call, error: Exception) -> None:
        if time.monotonic() >= call.give_up_at:
            call.future.set_exception(_caused(Contended() if is_contention(error) else Unavailable(), error))
            return
        call.tries += 1
        factor = min(2**call.tries, 16)
        self._later_than(call, 0.002 * factor, 0.02 * factor)

    def _later_than(self, call: Call, least_s: float, most_s: float) -> None:
        # The jitter spreads rivals, it guards nothing.
        call.not_before = time.monotonic() + random.uniform(least_s, most_s)  # noqa: S311
        with self._condition:
            self._later.append(call)

    def _connect(self) -> sa.Connection:
        if self._connection is None or self._connection.closed or self._connection.invalidated:
            self._disconnect()
            self._connection = self._engine.connect()
        return self._connection

    def _roll_back(self, transaction: sa.RootTransaction) -> None:
        try:
            transaction.rollback()
        except sa.exc.SQLAlchemyError as error:
            log.info("rolling back failed, the connection is given up: %s", type(error).__name__)
            self._disconnect()

    def _disconnect(self) -> None:
        if self._connection is not None:
            try:
                self._connection.invalidate()
                self._connection.close()
            except sa.exc.SQLAlchemyError:
                log.info("closing a broken connection failed")
            self._connection = None


def _is_intact(connection: sa.Connection) -> bool:
    """False when a caller caught a database error outside a savepoint: PostgreSQL answers such a COMMIT with a silent
    ROLLBACK, and everyone in the group would be told that it was written."""
    driver = connection.connection.dbapi_connection
    if connection.dialect.name == "sqlite":
        return bool(driver.in_transaction)  # type: ignore[union-attr]
    return bool(driver.info.transaction_status != TransactionStatus.INERROR)  # type: ignore[union-attr]


def _caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error
