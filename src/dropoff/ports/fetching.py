"""HTTP for sources of drop-off points: one request, its answer on disk, everything bounded and every failure one of the
three kinds of `ports.locations`.

Made of the standard library, so that a source needs nothing else. It follows no redirects (a key would go along) and
uses no proxy. A request that may be repeated is all it is for: sources only read.
"""

import contextlib
import http.client
import json
import math
import socket
import ssl
import tempfile
import threading
import zlib
from collections.abc import Iterator
from email.message import Message
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlencode, urlsplit

import msgspec

from dropoff.kernel.textfile import FileInvalid, mend_bytes, text_chunks
from dropoff.ports.locations import Malformed, Misconfigured, Unavailable

BODY_MAX = 1 << 30
JSON_MAX = 64 << 20
PATIENCE_S = 30.0
DEADLINE_S = 600.0
RETRY_AFTER_MAX_S = 86_400.0
_CHUNK = 1 << 16
_TOLD = 200


class Request(msgspec.Struct, frozen=True, kw_only=True):
    url: str
    query: dict[str, Any] = {}
    method: str = "GET"
    headers: dict[str, str] = {}
    body: bytes | None = None
    patience_s: float = PATIENCE_S
    """How long a connection, or the next piece of an answer, is waited for."""
    deadline_s: float = DEADLINE_S
    """How long the whole answer may take, however steadily it drips."""
    body_max: int = BODY_MAX
    """Bytes, unpacked."""


def host_of(url: str) -> str:
    return urlsplit(url).hostname or ""


def check_url(setting: str, url: str) -> str:
    """The address, or `Misconfigured` with the setting's name."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise Misconfigured(f"{setting} must be an address like https://host/path, without a user in it")
    return url


@contextlib.contextmanager
def fetched(request: Request) -> Iterator[Path]:
    """The body of an answer 200 as a file, unpacked; deleted at the end of the block.

    Raises `Unavailable` (no connection, time-out, broken off, 429, 5xx), `Misconfigured` (any other 3xx or 4xx) and
    `Malformed` (too large, badly packed, or HTML).
    """
    with tempfile.NamedTemporaryFile(prefix="dropoff-source-") as file:
        _fetch(request, file)
        file.flush()
        yield Path(file.name)


def fetch_json(request: Request) -> Any:
    """The whole answer decoded; for pages of some megabytes. Wrong bytes are read as Windows-1252."""
    with fetched(msgspec.structs.replace(request, body_max=min(request.body_max, JSON_MAX))) as path:
        try:
            text = mend_bytes("".join(text_chunks(path)))
            return json.loads(text, strict=False)
        except (ValueError, RecursionError, FileInvalid):
            raise Malformed(f"{host_of(request.url)} answered with something that is no whole JSON") from None


def _fetch(request: Request, into: IO[bytes]) -> None:
    host = host_of(request.url)
    connection = _connection(request)
    # A socket's time-out starts anew with each byte, so a deadline needs somebody who pulls the plug.
    late = threading.Event()
    watch = threading.Timer(request.deadline_s, _cut, (connection, late))
    watch.daemon = True
    watch.start()
    try:
        parts = urlsplit(request.url)
        query = "&".join(part for part in (parts.query, urlencode(request.query)) if part)
        target = (parts.path or "/") + (f"?{query}" if query else "")
        headers = {"Accept": "application/json, */*;q=0.5", "Accept-Encoding": "gzip", "User-Agent": "dropoff"}
        connection.request(request.method, target, body=request.body, headers=headers | request.headers)
        answer = connection.getresponse()
        _check_status(answer, host)
        _copy(answer, into, request, late)
    except TimeoutError as error:
        raise Unavailable(f"{host} did not answer in time") from error
    except ssl.SSLCertVerificationError as error:
        raise Misconfigured(f"{host} has no valid certificate: {error.verify_message}") from error
    except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
        # The last two are what http.client says when the connection is closed under it.
        if late.is_set():
            raise Unavailable(f"{host} did not answer in time") from error
        raise Unavailable(f"no whole answer from {host}: {type(error).__name__}") from error
    finally:
        watch.cancel()
        connection.close()


def _connection(request: Request) -> http.client.HTTPConnection:
    parts = urlsplit(request.url)
    try:
        port, kind = parts.port, http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        return kind(parts.hostname or "", port, timeout=request.patience_s)
    except (ValueError, http.client.InvalidURL) as error:
        raise Misconfigured(f"the address cannot be used: {error}") from error


def _cut(connection: http.client.HTTPConnection, late: threading.Event) -> None:
    late.set()
    if connection.sock is not None:
        with contextlib.suppress(OSError):
            connection.sock.shutdown(socket.SHUT_RDWR)


def _check_status(answer: http.client.HTTPResponse, host: str) -> None:
    status = answer.status
    if status == 200:
        return
    if status == 429 or status >= 500:
        raise Unavailable(f"{host} answered {status}", retry_after_s=retry_after_s(answer.headers))
    if status in (401, 403):
        raise Misconfigured(f"{host} answered {status}: check the key")
    if 300 <= status < 400:
        raise Misconfigured(f"{host} answered {status}: it is elsewhere now, at {answer.headers.get('location', '?')}")
    said = answer.read(_TOLD).decode("utf-8", "replace")
    raise Misconfigured(f"{host} answered {status}: {' '.join(said.split())}")


def _copy(answer: http.client.HTTPResponse, into: IO[bytes], request: Request, late: threading.Event) -> None:
    host, most = host_of(request.url), request.body_max
    packed = answer.headers.get("content-encoding", "identity").strip().casefold() in ("gzip", "x-gzip")
    unpack = zlib.decompressobj(wbits=31) if packed else None
    size = 0
    while not late.is_set() and (piece := answer.read1(_CHUNK)):
        for part in _unpacked(unpack, piece, host):
            if size == 0 and part.lstrip()[:1] == b"<":
                raise Malformed(f"{host} answered with HTML or XML")
            size += len(part)
            if size > most:
                raise Malformed(f"{host} answered with more than {most} bytes")
            into.write(part)
    if late.is_set():
        raise TimeoutError
    if unpack is not None and not unpack.eof:
        raise Unavailable(f"no whole answer from {host}: the packed answer has no end")
    if answer.length:
        raise Unavailable(f"no whole answer from {host}: {answer.length} bytes are missing")


def _unpacked(unpack: Any, piece: bytes, host: str) -> Iterator[bytes]:
    """In bounded pieces, whatever a small packed one holds."""
    if unpack is None:
        yield piece
        return
    try:
        while piece:
            yield unpack.decompress(piece, 1 << 20)
            piece = unpack.unconsumed_tail
    except zlib.error as error:
        raise Malformed(f"{host} answered with something that cannot be unpacked: {error}") from error


def retry_after_s(headers: Message) -> float | None:
    """Retry-After in seconds; a date counts from the source's own Date header."""
    value = (headers.get("retry-after") or "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value), RETRY_AFTER_MAX_S)
    try:
        wait = (parsedate_to_datetime(value) - parsedate_to_datetime(headers["date"])).total_seconds()
    except (ValueError, KeyError, TypeError):
        return None
    return max(0.0, min(wait, RETRY_AFTER_MAX_S)) if math.isfinite(wait) else None
