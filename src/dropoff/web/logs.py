"""Structured logs: one JSON object a line on standard error, without bodies, paths, codes or names."""

import asyncio
import logging
import os
import sys
import time
import traceback
from contextlib import suppress
from functools import lru_cache
from typing import Any

import msgspec
import structlog

ERRORS_MAX = 10
_WRITE_MAX = 4_096
"""So much is written to a pipe in one piece, whoever else writes to it."""


class RequestLines:
    """The line of each answer, beside the logging machinery, in which it took longer than many answers. What is told
    within one turn of the event loop goes out together, at its end."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []
        self._second, self._date = 0, b""

    def tell(self, request_id: str, method: str, route: str, status: int, ms: float, who: str) -> None:
        at = time.time()
        second = int(at)
        if second != self._second:
            self._second, self._date = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)).encode()
        facts = _facts(method, route, status, who), request_id.encode(), ms, self._date, (at - second) * 1e3
        self._waiting.append(b'{%b,"request_id":"%b","ms":%.1f,"timestamp":"%b.%03dZ"}\n' % facts)
        if len(self._waiting) == 1:
            self._soon()

    def _soon(self) -> None:
        try:
            asyncio.get_running_loop().call_soon(self.flush)
        except RuntimeError:  # no loop runs, so nobody is kept waiting
            self.flush()

    def flush(self) -> None:
        lines, self._waiting = self._waiting, []
        some: list[bytes] = []
        size = 0
        for line in [*lines, b""]:
            if some and (size + len(line) > _WRITE_MAX or not line):
                with suppress(OSError):
                    os.write(2, b"".join(some))
                some, size = [], 0
            some.append(line)
            size += len(line)


@lru_cache(maxsize=4_096)
def _facts(method: str, route: str, status: int, who: str) -> bytes:
    facts = {"event": "request", "level": "info", "logger": "dropoff.request"}
    return msgspec.json.encode(facts | {"method": method, "route": route, "status": status, "who": who})[1:-1]


def told(error: BaseException | None) -> str:
    """The traceback with one line of each error: in the lines behind, a database tells the row that it refused, and
    that may be a person."""
    parts: list[str] = []
    while error is not None and len(parts) < ERRORS_MAX:
        text = str(error).strip().split("\n", 1)[0]
        frames = "".join(traceback.format_tb(error.__traceback__))
        parts.append(f"{frames}{type(error).__module__}.{type(error).__qualname__}: {text}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n\nThat came of:\n".join(reversed(parts))


def configure(level: str) -> None:
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.ExceptionRenderer(lambda exc_info: told(exc_info[1])),
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for noisy in ("httpx", "httpcore", "alembic", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
