"""Structured logs: one JSON object a line on standard error, without bodies, paths, codes or names."""

import logging
import os
import sys
import traceback
from contextlib import suppress
from datetime import datetime
from typing import Any

import msgspec
import structlog

from dropoff.kernel.clock import now


class RequestLine(msgspec.Struct):
    request_id: str
    method: str
    route: str
    status: int
    ms: float
    who: str
    event: str = "request"
    level: str = "info"
    logger: str = "dropoff.request"
    timestamp: datetime = msgspec.field(default_factory=now)


ERRORS_MAX = 10
_encode = msgspec.json.Encoder().encode


def tell_request(line: RequestLine) -> None:
    """The line of each answer goes straight out: through the logging machinery it took longer than many answers."""
    with suppress(OSError):
        os.write(2, _encode(line) + b"\n")


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
