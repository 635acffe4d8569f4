"""Answers written in one piece are, byte by byte, those that uvicorn writes by itself."""

import asyncio
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from dropoff.web.protocol import TAKES_READY_HEAD, BoundedProtocol

LENGTH = (b"content-length", b"5")
TYPE = (b"content-type", b"text/plain")
ANSWERS: dict[str, list[dict[str, Any]]] = {
    "/plain": [{"status": 200, "headers": [TYPE, LENGTH]}, {"body": b"hello"}],
    "/capitals": [{"status": 200, "headers": [(b"Content-Length", b"5")]}, {"body": b"hello"}],
    "/empty": [{"status": 204, "headers": []}, {}],
    "/moved": [{"status": 303, "headers": [(b"location", b"/plain"), (b"content-length", b"0")]}, {"body": b""}],
    "/unknown-length": [{"status": 200, "headers": [TYPE]}, {"body": b"hel", "more_body": True}, {"body": b"lo"}],
    "/in-two": [{"status": 200, "headers": [LENGTH]}, {"body": b"hel", "more_body": True}, {"body": b"lo"}],
    "/large": [{"status": 200, "headers": [(b"content-length", b"300000")]}, {"body": b"x" * 300_000}],
    "/close": [{"status": 200, "headers": [LENGTH, (b"connection", b"close")]}, {"body": b"hello"}],
    "/short": [{"status": 200, "headers": [LENGTH]}, {"body": b"hell"}],
    "/long": [{"status": 200, "headers": [LENGTH]}, {"body": b"hello!"}],
    "/no-number": [{"status": 200, "headers": [(b"content-length", b"x")]}, {"body": b"hello"}],
    "/split": [{"status": 200, "headers": [LENGTH, (b"x-a", b"b\r\nset-cookie: c")]}, {"body": b"hello"}],
    "/name": [{"status": 200, "headers": [LENGTH, (b"x\r\na", b"b")]}, {"body": b"hello"}],
    "/nothing": [],
}


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["path"] == "/fault":
        await send({"type": "http.response.start", "status": 200, "headers": [LENGTH]})
        raise RuntimeError("after its head")
    for kind, message in zip(("start", "body", "body"), ANSWERS[scope["path"]], strict=False):
        await send({"type": f"http.response.{kind}", **message})


async def with_ready_head(scope: Any, receive: Any, send: Any) -> None:
    assert TAKES_READY_HEAD in scope["extensions"]
    headers = [LENGTH] if scope["path"] == "/plain" else []
    await send({"type": "http.response.start", "status": 200, "headers": headers, TAKES_READY_HEAD: b"x-a: b\r\n"})
    await send({"type": "http.response.body", "body": b"hello"})


@contextmanager
def served(protocol: type[asyncio.Protocol], application: Any = app) -> Iterator[int]:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        config = uvicorn.Config(application, http=protocol, ws="none", lifespan="off", log_config=None)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(10)


def asked(port: int, *requests: bytes) -> bytes:
    """What comes back for these, sent at once, until the connection ends; the date left out."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=20)) as connection:
        connection.sendall(b"".join(requests))
        got = b""
        while chunk := connection.recv(1 << 20):
            got += chunk
    return re.sub(rb"date: [^\r]*\r\n", b"", got)


def request(path: str, method: str = "GET", *, last: bool = True, version: str = "1.1") -> bytes:
    return f"{method} {path} HTTP/{version}\r\nHost: a\r\n{'Connection: close' if last else 'X: y'}\r\n\r\n".encode()


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[int, int]]:
    with ExitStack() as servers:
        yield servers.enter_context(served(BoundedProtocol)), servers.enter_context(served(HttpToolsProtocol))


@pytest.mark.parametrize("path", ANSWERS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_answers_are_uvicorns(both: tuple[int, int], path: str, method: str) -> None:
    ours, theirs = both
    last = request("/plain")
    for requests in (
        [request(path, method)],
        [request(path, method, last=False), last],
        [last.replace(b"1.1", b"1.0")],
    ):
        got, wanted = asked(ours, *requests), asked(theirs, *requests)
        # Where an answer turns out wrong, uvicorn has sent its head already; ours may tell of the fault instead.
        assert got == wanted or (path in ("/short", "/long") and b" 200 " not in wanted.partition(b"hello")[2])


def test_a_fault_before_the_body_is_told_as_one(both: tuple[int, int]) -> None:
    got = asked(both[0], request("/fault", last=False))
    assert got.startswith(b"HTTP/1.1 500 ")
    assert got.count(b"HTTP/1.1") == 1


def test_a_ready_head_stands_in_every_kind_of_answer() -> None:
    with served(BoundedProtocol, with_ready_head) as port:
        for path in ("/plain", "/unknown-length"):
            for method in ("GET", "HEAD"):
                assert asked(port, request(path, method)).partition(b"\r\n\r\n")[0].count(b"x-a: b") == 1
