"""A small HTTP/1.1 client on bare sockets: at 64 connections a full client library would be what is measured."""

import asyncio
import time
from collections.abc import Sequence
from typing import cast

import msgspec

_LENGTH = b"content-length: "


class Measured(msgspec.Struct):
    seconds: float
    latencies_s: list[float]
    bodies: list[bytes]
    """In the order of the requests."""

    @property
    def rate(self) -> float:
        return len(self.latencies_s) / self.seconds

    @property
    def p50_ms(self) -> float:
        ordered = sorted(self.latencies_s)
        return ordered[len(ordered) // 2] * 1000


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._buffer = b""
        self._answered: asyncio.Future[tuple[int, bytes]] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(exc or ConnectionError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end].lower()
        at = head.index(_LENGTH) + len(_LENGTH)
        length = int(head[at:].split(b"\r", 1)[0])
        if len(self._buffer) < end + 4 + length or self._answered is None:
            return
        body = self._buffer[end + 4 : end + 4 + length]
        self._buffer = b""
        self._answered.set_result((int(head[9:12]), body))

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        assert self._transport is not None
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answered

    def close(self) -> None:
        assert self._transport is not None
        self._transport.close()


def request(method: str, path: str, token: str = "", body: bytes = b"", **headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def _run(port: int, requests: Sequence[bytes], connections: int) -> Measured:
    loop = asyncio.get_running_loop()
    opened = [
        (await loop.create_connection(_Connection, "127.0.0.1", port))[1]
        for _ in range(min(connections, len(requests)))
    ]
    turns = iter(range(len(requests)))
    latencies: list[float] = []
    bodies = [b""] * len(requests)

    async def client(connection: _Connection) -> None:
        for turn in turns:
            began = time.perf_counter()
            status, body = await connection.ask(requests[turn])
            latencies.append(time.perf_counter() - began)
            if status >= 300:
                first = requests[turn].split(b"\r\n", 1)[0].decode()
                raise RuntimeError(f"{first}: {status} {body[:300].decode(errors='replace')}")
            bodies[turn] = body

    started = time.perf_counter()
    try:
        async with asyncio.TaskGroup() as group:
            for connection in opened:
                group.create_task(client(connection))
    finally:
        for connection in opened:
            connection.close()
    return Measured(time.perf_counter() - started, latencies, bodies)


def run(port: int, requests: Sequence[bytes], connections: int) -> Measured:
    """Sends all requests, each once, over so many connections that each wait for their answer. Raises at the first
    answer that is no success: a refused request would be a fast one."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(port, requests, connections))
