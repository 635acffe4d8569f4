"""One plain ASGI layer around everything: request id, security headers, one log line, one metric.

It logs the route's pattern, never the path: a path may hold a pass code.
"""

import logging
import random
import time
from collections.abc import Iterable
from typing import Any

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from dropoff.web import metrics
from dropoff.web.logs import RequestLines
from dropoff.web.protocol import TAKES_READY_HEAD, ready_head


def policy(images: Iterable[str] = (), connections: Iterable[str] = (), *, wasm: bool = False) -> bytes:
    """The Content-Security-Policy. `images`: origins beside our own that a page's pictures come from; `connections`:
    those that its scripts may ask; `wasm`: this answer's script may run WebAssembly."""
    pictures = " ".join(["img-src 'self' data:", *images])
    asked = " ".join(["connect-src 'self'", *connections])
    scripts = "script-src 'self' 'wasm-unsafe-eval'" if wasm else "script-src 'self'"
    text = (
        f"default-src 'none'; style-src 'self'; {pictures}; {scripts}; font-src 'self'; {asked}; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'"
    )
    return text.encode()


HEADERS: list[tuple[bytes, bytes]] = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", policy()),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"geolocation=(self), camera=(self), microphone=()"),
]
NOT_KEPT = (b"cache-control", b"no-store")
"""Answers tell of somebody's things; those that may be kept say so themselves."""
log = logging.getLogger("dropoff.request")


def set_caller(scope: Any, who: str) -> None:
    """Told by the guard: the actor of this request, for the log line and for the scope of idempotency keys."""
    scope["dropoff_caller"] = who


def allow_images(scope: Any, origins: Iterable[str]) -> None:
    """Told by a page whose pictures come from elsewhere too, for this answer alone."""
    scope["dropoff_policy"] = policy(origins)


def allow_wasm(scope: Any) -> None:
    """Told by the answer that is the worker which reads the camera, for that answer alone."""
    scope["dropoff_policy"] = policy(wasm=True)


BRIDGE = "http://127.0.0.1:9109"
"""Where `dropoff print-bridge` listens, on the machine of whoever looks at the page."""


def allow_bridge(scope: Any) -> None:
    """Told by a page that sends labels to the printer beside it, for this answer alone."""
    scope["dropoff_policy"] = policy(connections=[BRIDGE])


def caller(scope: Any) -> str:
    return str(scope.get("dropoff_caller", "anyone"))


class Edge:
    def __init__(self, app: ASGIApp, https: bool) -> None:
        self.app = app
        self.lines = RequestLines()
        self.seen: dict[tuple[str, int], metrics.Times] = {}
        headers = HEADERS + ([(b"strict-transport-security", b"max-age=31536000")] if https else [])
        self.headers = headers
        self.ready = ready_head(headers)
        self.ready_not_kept = ready_head([*headers, NOT_KEPT])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        if "\0" in scope["path"]:
            scope["path"] = "/nul"  # no id of ours holds NUL, and PostgreSQL cannot even be asked for one
        if scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}  # the server itself leaves the body out
        started = time.perf_counter()
        # It finds a line in the log and guards nothing; the system's own randomness would cost a call to it.
        request_id = f"{random.getrandbits(64):016x}"
        status = 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._add_headers(scope, message, request_id.encode())
            await send(message)

        try:
            await self.app(scope, receive, send_with_headers)
        finally:
            self._tell(scope, status, time.perf_counter() - started, request_id)

    def _add_headers(self, scope: Any, message: Any, request_id: bytes) -> None:
        keeps = False
        for name, _ in message["headers"]:
            if name == b"cache-control" or name.lower() == b"cache-control":
                keeps = True
        wider = scope.get("dropoff_policy")
        if wider is None and TAKES_READY_HEAD in scope.get("extensions", ()):
            ready = self.ready if keeps else self.ready_not_kept
            message[TAKES_READY_HEAD] = b"%bx-request-id: %b\r\n" % (ready, request_id)
            return
        own = self.headers if keeps else [*self.headers, NOT_KEPT]
        if wider is not None:
            own = [(name, wider if name == b"content-security-policy" else value) for name, value in own]
        message["headers"] = [*message["headers"], *own, (b"x-request-id", request_id)]

    def _tell(self, scope: Any, status: int, seconds: float, request_id: str) -> None:
        route = scope.get("path_template") or "unrouted"
        kind = (route, status)
        seen = self.seen.get(kind)
        if seen is None:
            seen = self.seen[kind] = metrics.REQUESTS.of(route, f"{status // 100}xx")
        seen.observe(seconds)
        if log.isEnabledFor(logging.INFO):
            self.lines.tell(request_id, scope["method"], route, status, seconds * 1000, caller(scope))
