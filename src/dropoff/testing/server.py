"""A carrier on loopback that misbehaves on demand, so that an adapter's real HTTP client is under test.

A server is given one function from request to answer: the carrier's own shapes. Faults are put in front of
the next requests; each is used once, in order. What the carrier *did* is told apart from what it *answered*:
with `after_effect` the function runs (the label is charged) and only then the answer is lost.
"""

import socket
import sys
import threading
from collections import deque
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Literal, Self

import msgspec


class Received(msgspec.Struct, frozen=True):
    """One request as it arrived. `path` holds the query too; header names are lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Answer(msgspec.Struct, frozen=True):
    status: int
    body: bytes = b""
    headers: dict[str, str] = {}


class Fault(msgspec.Struct, frozen=True):
    """What goes wrong with one request.

    `silence` never answers (the client runs into its time-out), `reset` drops the connection, `status`
    answers with that status, `malformed` answers 200 with a body that is no answer, `cut` promises more bytes
    than it sends, `slow` answers rightly after `seconds`, `hold` waits until `CarrierServer.release`.
    """

    kind: Literal["silence", "reset", "status", "malformed", "cut", "slow", "hold"]
    status: int = 500
    headers: dict[str, str] = {}
    body: bytes = b"{}"
    seconds: float = 0.2
    after_effect: bool = True
    """Whether the carrier carried the request out before it went wrong."""


class CarrierServer:
    """Runs on a free loopback port while used as a context manager."""

    def __init__(self, answers: Callable[[Received], Answer]) -> None:
        self.answers = answers
        self.received: list[Received] = []
        self.faults: deque[Fault] = deque()
        self._arrivals = threading.Condition()
        self._released = threading.Event()
        self._http = _Server(("127.0.0.1", 0), _Handler)
        self._http.carrier = self

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening; what comes next is refused. May be called twice."""
        self.release()
        self._http.shutdown()
        self._http.server_close()

    def wait_for_requests(self, count: int, timeout_s: float = 30) -> None:
        """Return once so many requests have arrived whole; raise TimeoutError if they do not."""
        with self._arrivals:
            if not self._arrivals.wait_for(lambda: len(self.received) >= count, timeout_s):
                raise TimeoutError(f"{len(self.received)} of {count} requests arrived")

    def release(self) -> None:
        """Let go of every request that is held or silent."""
        self._released.set()

    def take(self, request: Received) -> tuple[Fault | None, Answer | None]:
        """Note the request, choose its fault, and do what the carrier does. The answer is None when nothing
        was done."""
        with self._arrivals:
            fault = self.faults.popleft() if self.faults else None
            done = self.answers(request) if fault is None or fault.after_effect else None
            self.received.append(request)
            self._arrivals.notify_all()
        return fault, done

    def wait_for_release(self, timeout_s: float) -> None:
        self._released.wait(timeout_s)


class _Server(ThreadingHTTPServer):
    carrier: CarrierServer
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up in the middle may do so; anything else is a fault of the answers and is shown."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _serve(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", "0")))
        carrier = self.server.carrier
        fault, done = carrier.take(Received(self.command, self.path, headers, body))
        if fault is None:
            assert done is not None
            self._send(done)
        elif fault.kind in ("silence", "reset"):
            if fault.kind == "silence":
                carrier.wait_for_release(60)
            self._drop()
        elif fault.kind == "status":
            self._send(Answer(fault.status, fault.body, fault.headers))
        elif fault.kind == "malformed":
            self._send(Answer(200, b"<html>Welcome to the maintenance window</html>"))
        elif fault.kind == "cut":
            self._send(done or Answer(200), promise_more=1000)
            self._drop()
        else:
            carrier.wait_for_release(60 if fault.kind == "hold" else fault.seconds)
            self._send(done or Answer(500))

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - the names that http.server looks for

    def _send(self, answer: Answer, promise_more: int = 0) -> None:
        try:
            self.send_response(answer.status)
            for name, value in ({"Content-Type": "application/json"} | answer.headers).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body) + promise_more))
            self.end_headers()
            self.wfile.write(answer.body)
            self.wfile.flush()
        except OSError:
            self.close_connection = True  # the client did not wait; that is its right

    def _drop(self) -> None:
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Quiet: the tests' output belongs to the tests."""
