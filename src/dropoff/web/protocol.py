"""What a connection may send before anything of ours has looked at it. uvicorn alone keeps headers of any length and
waits for the rest of a request for ever, so that one client could take all memory or every connection."""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_MAX: Final = 64 * 1024
"""Of a request line with its headers, and of what frames a body: chunk sizes, extensions, trailers."""
PATIENCE_S: Final = 20.0
SLOWEST: Final = 500
"""Bytes a second, over `PATIENCE_S`. A location file of 1 GiB may take hours, but it must come."""

_TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-security-policy: default-src 'none'\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
)


class BoundedProtocol(HttpToolsProtocol):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._frame = 0
        self._came = 0
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

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._frame = 0
        if self._watch is None:
            self._begin_watch()

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._frame = 0

    def on_body(self, body: bytes) -> None:
        # A body counts against its frame, so that many chunks are fine and nothing but chunks is not.
        self._frame = max(self._frame - 2 * len(body), -HEAD_MAX)
        super().on_body(body)

    def on_message_complete(self) -> None:
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
