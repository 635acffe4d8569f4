"""`dropoff print-bridge`: takes a label from the till's page and hands it to the label printer beside the till.

A browser may neither open a socket nor a device. This little program runs on the till's own machine, listens on the
loopback address alone, and takes jobs from one origin that knows the pairing token. It knows nothing of the service and
needs nothing but Python's own library.
"""

import hmac
import http.server
import json
import os
import secrets
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

PORT: Final = 9109
JOB_MAX: Final = 1_000_000
PRINTER_PORT: Final = 9100
"""Where label printers listen for raw jobs."""
TIMEOUT_S: Final = 10.0


class Printer(Protocol):
    name: str

    def send(self, job: bytes) -> None:
        """Raises `OSError` when the printer does not take it."""


class NetworkPrinter:
    def __init__(self, host: str, port: int = PRINTER_PORT, timeout_s: float = TIMEOUT_S) -> None:
        self.name = f"{host}:{port}"
        self._address, self._timeout_s = (host, port), timeout_s

    def send(self, job: bytes) -> None:
        with socket.create_connection(self._address, self._timeout_s) as connection:
            connection.sendall(job)
            # The printer reads to the end; without this a reset may swallow the label's last lines.
            connection.shutdown(socket.SHUT_WR)


class DevicePrinter:
    """A USB printer as the system shows it, for example `/dev/usb/lp0`, or a file."""

    def __init__(self, path: Path) -> None:
        self.name, self._path = str(path), path

    def send(self, job: bytes) -> None:
        with open(os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "wb", buffering=0) as device:
            device.write(job)


def printer_of(text: str) -> Printer:
    """`192.0.2.7`, `printer.local:9100`, or the path of a device."""
    if text.startswith(("/", "./", "\\\\")):
        return DevicePrinter(Path(text))
    host, _, port = text.rpartition(":") if text.count(":") == 1 else (text, "", "")
    if not host or (port and not port.isdigit()):
        raise ValueError("a printer is a host, host:port, or the path of a device")
    return NetworkPrinter(host, int(port) if port else PRINTER_PORT)


def origin_of(text: str) -> str:
    """The part of an address that a browser calls its origin."""
    parts = urlsplit(text.strip().rstrip("/"))
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path or parts.query:
        raise ValueError("an origin is https:// and the host of the service, without a path")
    return f"{parts.scheme}://{parts.netloc}".lower()


def token_in(path: Path) -> str:
    """The pairing token: made once, so that the till stays paired when the bridge starts again."""
    try:
        token = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        token = secrets.token_hex(8)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as made:
            made.write(f"{token}\n")
    if len(token) < 12:
        raise ValueError(f"the token in {path} is too short to keep anyone out")
    return token


class Bridge(http.server.ThreadingHTTPServer):
    """Listens on 127.0.0.1 alone."""

    daemon_threads = True

    def __init__(self, port: int, printer: Printer, origin: str, token: str, told: Callable[[str], None]) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.printer, self.origin, self.token, self.told = printer, origin, token, told
        self.one_at_a_time = threading.Lock()

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Bridge
    protocol_version = "HTTP/1.1"
    timeout = TIMEOUT_S

    def do_OPTIONS(self) -> None:
        """The browser asks before it sends: only our page hears yes."""
        self._answer(204 if self._is_from_our_page() else 403, None)

    def do_GET(self) -> None:
        if self._may_ask():
            self._answer(200, {"printer": self.server.printer.name})

    def do_POST(self) -> None:
        if not self._may_ask():
            return
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > JOB_MAX:
            self._answer(413, {"detail": "A job has at most 1 MB and says how long it is."})
            return
        job = self.rfile.read(int(length))
        if self.path != "/print" or not job.lstrip().startswith(b"^XA"):
            self._answer(422, {"detail": "POST /print takes ZPL, from ^XA to ^XZ."})
            return
        try:
            with self.server.one_at_a_time:
                self.server.printer.send(job)
        except OSError as error:
            self.server.told(f"{self.server.printer.name}: {error}")
            self._answer(502, {"detail": f"The printer does not answer: {error.strerror or error}."})
            return
        self.server.told(f"printed {len(job)} bytes")
        self._answer(200, {"printed": True})

    def _is_from_our_page(self) -> bool:
        # The host, so that no other name was made to point here.
        hosts = {f"{name}:{self.server.port}" for name in ("127.0.0.1", "localhost")}
        return self.headers.get("Origin", "").lower() == self.server.origin and self.headers.get("Host") in hosts

    def _may_ask(self) -> bool:
        if not self._is_from_our_page():
            self._answer(403, {"detail": "This bridge prints for one origin, and that is another."})
            return False
        sent = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(sent.encode(), self.server.token.encode()):
            self._answer(401, {"detail": "The pairing token is another."})
            return False
        return True

    def _answer(self, status: int, told: dict[str, object] | None) -> None:
        body = json.dumps(told).encode() if told is not None else b""
        self.send_response(status)
        self.send_header("Access-Control-Allow-Origin", self.server.origin)
        self.send_header("Access-Control-Allow-Methods", "GET, POST")
        self.send_header("Access-Control-Allow-Headers", "authorization, content-type")
        self.send_header("Access-Control-Allow-Private-Network", "true")
        self.send_header("Access-Control-Max-Age", "600")
        self.send_header("Vary", "Origin")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if status >= 400:
            self.close_connection = True  # what was not read must not be taken for the next question
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """A job's words are told by `told`; a request's line would hold nothing more."""
