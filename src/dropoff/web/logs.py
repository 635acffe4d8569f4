"""Structured logs: one JSON object a line on standard error, without bodies, paths, codes or names."""

import logging
import os
import sys
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


_encode = msgspec.json.Encoder().encode


def tell_request(line: RequestLine) -> None:
    """The line of each answer goes straight out: through the logging machinery it took longer than many answers."""
    with suppress(OSError):
        os.write(2, _encode(line) + b"\n")


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
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for noisy in ("httpx", "httpcore", "alembic", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
