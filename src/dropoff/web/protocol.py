"""What a connection may send before anything of ours has looked at it. uvicorn alone keeps headers of any length and
waits for the rest of a request for ever, so that one client could take all memory or every connection."""

import asyncio
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    HEADER_VALUE_RE,
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

HEAD_MAX: Final = 64 * 1024
"""Of a request line with its headers, and of what frames a body: chunk sizes, extensions, trailers."""
PATIENCE_S: Final = 20.0
SLOWEST: Final = 500
"""Bytes a second, over `PATIENCE_S`. A location file of 1 GiB may take hours, but it must come."""

_TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-security-policy: default-src 'none'\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
)


TAKES_READY_HEAD: Final = "dropoff.ready_head"
"""In a request's `extensions`: its response may bring headers that are ready bytes, under this name."""


def ready_head(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Headers that are the same in every answer, written once."""
    return b"".join(b"%b: %b\r\n" % header for header in headers)


class QuickCycle(RequestResponseCycle):
    """Writes an answer of known length in one piece, and its headers without looking at each by itself: with a dozen of
    them that took longer than finding a place. Whatever is not that plain goes uvicorn's own way."""

    _head: bytes | None = None

    async def send(self, message: Any) -> None:
        if self._head is not None and message["type"] != "http.response.start":
            await self._send_body(message)
            return
        self._head = None  # after a fault another answer takes the place of one that never went out
        ready = message.pop(TAKES_READY_HEAD, b"")
        if not self.response_started and not self.disconnected and message["type"] == "http.response.start":
            self._head = self._plain_head(message, ready)
            if self._head is not None:
                return
            if ready:
                pairs = [line.split(b": ", 1) for line in ready.split(b"\r\n") if line]
                message["headers"] = [*message["headers"], *map(tuple, pairs)]
        await super().send(message)

    def _plain_head(self, message: Any, ready: bytes) -> bytes | None:
        """None when there is anything about it that uvicorn should decide."""
        length = None
        parts = [STATUS_LINE[message["status"]]]
        for name, value in (*self.default_headers, *message["headers"]):
            if name == b"content-length":
                length = value
                line: bytes | None = b"content-length: %b\r\n" % value
            elif name in _ALIKE:
                line = _known_line(name, value)
            else:
                line = _plain_line(name, value)
            if line is None:
                return None
            parts.append(line)
        if length is None or not length.isdigit() or not self.keep_alive or self.scope["method"] == "HEAD":
            return None
        parts += ready, b"\r\n"
        self._length = int(length)
        return b"".join(parts)

    async def _send_body(self, message: Any) -> None:
        head, self._head = self._head, None
        assert head is not None
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        self.response_started, self.waiting_for_100_continue, self.chunked_encoding = True, False, False
        body = message.get("body", b"")
        if message["type"] != "http.response.body" or message.get("more_body") or len(body) != self._length:
            self.expected_content_length = self._length
            self.transport.write(head)
            await super().send(message)
            return
        if len(body) <= _TOGETHER_MAX:
            self.transport.write(head + body)
        else:
            self.transport.write(head)
            self.transport.write(body)
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:  # the server is about to stop
            self.transport.close()
        self.on_response()


_DECIDES: Final = (b"connection", b"content-length", b"transfer-encoding")
_TOGETHER_MAX: Final = 1 << 16
"""Copying more than this costs more than a second write."""


_ALIKE: Final = frozenset((b"cache-control", b"content-type", b"date", b"vary"))
"""The same in many answers, so each is checked once. Cookies and addresses are nothing to keep."""


def _plain_line(name: bytes, value: bytes) -> bytes | None:
    """None for what uvicorn should look at."""
    name = name.lower()
    if name in _DECIDES or HEADER_RE.search(name) or HEADER_VALUE_RE.search(value):
        return None
    return b"%b: %b\r\n" % (name, value)


_known_line: Final = lru_cache(maxsize=256)(_plain_line)


class BoundedProtocol(HttpToolsProtocol):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._frame = 0
        self._came = 0
        self._reading = False
        self._watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._begin_watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_watch()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._came += len(data)
        self._frame += len(data)
        super().data_received(data)
        if self._frame > HEAD_MAX and not self.transport.is_closing():
            if self.cycle is None or self.cycle.response_complete:
                self.transport.write(_TOO_LARGE)
            self.transport.close()
        # What came whole, as nearly all does, needs no watch.
        if self._reading and self._watch is None and not self.transport.is_closing():
            self._begin_watch()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {TAKES_READY_HEAD: {}}
        self._frame = 0
        self._reading = True

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        cycle.__class__ = QuickCycle  # uvicorn makes it, and has no setting for another
        super()._start_asgi_task(cycle, app)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._frame = 0

    def on_body(self, body: bytes) -> None:
        # A body counts against its frame, so that many chunks are fine and nothing but chunks is not.
        self._frame = max(self._frame - 2 * len(body), -HEAD_MAX)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._reading = False
        self._end_watch()
        super().on_message_complete()

    def _begin_watch(self) -> None:
        self._came = 0
        self._watch = self.loop.call_later(PATIENCE_S, self._look)

    def _end_watch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def _look(self) -> None:
        # While reading is paused it is us who are slow.
        if self._came < SLOWEST * PATIENCE_S and not self.flow.read_paused:
            self.transport.close()
        else:
            self._begin_watch()
