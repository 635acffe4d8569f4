"""Clients that send without end, or begin and never go on, take neither memory nor connections from the others."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
import uvicorn

from dropoff.web import protocol
from dropoff.web.protocol import HEAD_MAX, BoundedProtocol


async def echo(scope: dict, receive: object, send: object) -> None:  # type: ignore[type-arg]
    """Answers how long the body was."""
    size, more = 0, scope["type"] == "http"
    while more:
        message = await receive()  # type: ignore[operator]
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    body = str(size).encode()
    headers = [(b"connection", b"close"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})  # type: ignore[operator]
    await send({"type": "http.response.body", "body": body})  # type: ignore[operator]


@contextmanager
def served() -> Iterator[int]:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        config = uvicorn.Config(echo, http=BoundedProtocol, ws="none", lifespan="off", log_config=None)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(10)


def answer(port: int, *pieces: bytes) -> bytes:
    """What came back until the connection was closed."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=20)) as connection:
        got = b""
        try:
            for piece in pieces:
                connection.sendall(piece)
            while chunk := connection.recv(65536):
                got += chunk
        except (ConnectionResetError, BrokenPipeError):
            pass
    return got


def chunked(*pieces: bytes) -> list[bytes]:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    return [head, *(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces), b"0\r\n\r\n"]


ENDLESS = [b"a" * 65536] * 1000


@pytest.mark.parametrize(
    "pieces",
    [
        [b"GET /", *ENDLESS],
        [b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: ", *ENDLESS],
        [b"GET / HTTP/1.1\r\nHost: a\r\n", *([b"X-Many: b\r\n" * 6000] * 1000)],
        [b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;", *ENDLESS],
        [*chunked(b"ab")[:-1], b"0\r\nX-Trailer: ", *ENDLESS],
        chunked(*[b"x"] * 100_000),
    ],
    ids=["address", "header", "headers", "chunk extension", "trailer", "crumbs"],
)
def test_what_frames_a_body_is_bounded(pieces: list[bytes]) -> None:
    with served() as port:
        assert b" 200 " not in answer(port, *pieces)
        assert answer(port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").endswith(b"0")


def test_long_heads_and_large_bodies_within_the_bounds_pass() -> None:
    head = b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: %b\r\n\r\n" % (b"a" * (HEAD_MAX - 100))
    with served() as port:
        assert answer(port, head).endswith(b"0")
        assert answer(port, *chunked(*[b"y" * 4096] * 2000)).endswith(b"8192000")
        whole = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8192000\r\n\r\n"
        assert answer(port, whole, b"z" * 8192000).endswith(b"8192000")


@pytest.mark.parametrize(
    "begun",
    [b"", b"GET / HT", b"GET / HTTP/1.1\r\nX: ", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc"],
    ids=["nothing", "half a line", "half a head", "half a body"],
)
def test_what_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, begun: bytes) -> None:
    monkeypatch.setattr(protocol, "PATIENCE_S", 0.2)
    with served() as port:
        assert b" 200 " not in answer(port, begun)
