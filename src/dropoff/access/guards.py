"""Lets the right roles in. A bearer token or a session cookie becomes one `Principal` on the request.

No or bad credentials are 401, a good one of the wrong role 403. Whose object it is, the queries decide (404).
A cookie's unsafe requests carry the CSRF token, as a header or a form field.
"""

import contextlib
import hmac
import ipaddress
import time
from typing import Any
from urllib.parse import parse_qsl

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.exceptions import ClientException
from litestar.handlers import BaseRouteHandler

from dropoff.access import service
from dropoff.access.principal import Principal, remember
from dropoff.access.protocol import why_not_spoken
from dropoff.db.vault import Vault, token_hash
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem
from dropoff.web.middleware import set_caller
from dropoff.web.problems import Refused

COOKIE = "dropoff_session"
CACHE_S = 2.0
"""How long a process trusts what it looked up: a revoked key ends within this time on every server."""
CACHE_MAX = 10_000
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

Connection = ASGIConnection[Any, Any, Any, Any]


class PrincipalCache:
    def __init__(self) -> None:
        self._known: dict[str, tuple[float, Principal]] = {}

    def get(self, hashed: str) -> Principal | None:
        found = self._known.get(hashed)
        return found[1] if found and found[0] > time.monotonic() else None

    def put(self, hashed: str, who: Principal) -> None:
        if len(self._known) >= CACHE_MAX:
            self._known.clear()
        self._known[hashed] = (time.monotonic() + CACHE_S, who)

    def forget(self) -> None:
        """After a revocation in this process."""
        self._known.clear()


def session_token(connection: Connection) -> str | None:
    """Read by hand: the library's parser raises at a neighbour's cookie with a name that it does not like."""
    for part in connection.headers.get("cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE:
            return value or None
    return None


def session_cookie(token: str, *, https: bool, max_age_s: int) -> str:
    """The value of a Set-Cookie header; an empty token ends the session in the browser."""
    secure = "; Secure" if https else ""
    return f"{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={max_age_s if token else 0}{secure}"


def csrf_token(vault: Vault, session: str) -> str:
    return vault.derive("csrf", session).hex()


def source_of(connection: Connection) -> str:
    """Where a call comes from, for counting its guesses: a keyed hash of the address, of IPv6 the network's."""
    host = connection.client.host if connection.client else ""
    with contextlib.suppress(ValueError):  # behind a socket file there is no address
        wide = 64 if ipaddress.ip_address(host).version == 6 else 32
        host = str(ipaddress.ip_network((host, wide), strict=False))
    return str(connection.app.state.context.vault.derive("source", host).hex())


async def authenticate(connection: Connection, *, reads_form: bool = True) -> Principal | None:
    """The caller; None without credentials. Raises `Refused` for bad ones and a cookie without its CSRF token.
    `reads_form` False leaves the token to a handler that reads its form bit by bit: see `check_form_token`."""
    context = connection.app.state.context
    header = connection.headers.get("authorization", "")
    if header:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Refused(Problem("unauthenticated", "Send `Authorization: Bearer KEY`."))
        who = await _look_up(context, token_hash(token.strip()), by_session=False)
        if who is None:
            raise Refused(Problem("unauthenticated", "This key is not known or was revoked."))
    else:
        session = session_token(connection)
        who = await _look_up(context, token_hash(session), by_session=True) if session else None
        if session is None or who is None:
            return None
        if reads_form and isinstance(connection, Request) and connection.method not in SAFE:
            await _check_csrf(connection, csrf_token(context.vault, session))
    remember(connection, who)
    set_caller(connection.scope, who.actor)
    return who


async def _look_up(context: Any, hashed: str, *, by_session: bool) -> Principal | None:
    cache: PrincipalCache = context.principals
    who = cache.get(hashed)
    if who is None:
        if by_session:
            who = await context.db.read(service.find_by_session, hashed, now())
        else:
            who = await context.db.read(service.find_by_token, hashed)
        if who is not None:
            cache.put(hashed, who)
    return who


async def _check_csrf(connection: Connection, wanted: str) -> None:
    sent = connection.headers.get("x-csrf-token", "")
    if not sent and isinstance(connection, Request):
        sent = dict(await form_fields(connection)).get("csrf_token", "")
    _compare(sent, wanted)


def check_form_token(connection: Connection, sent: str) -> None:
    """For a caller with a cookie, before anything of the form is used. Raises `Refused`."""
    session = session_token(connection)
    _compare(sent, csrf_token(connection.app.state.context.vault, session or ""))


def _compare(sent: str, wanted: str) -> None:
    if not hmac.compare_digest(sent.encode(), wanted.encode()):
        raise Refused(Problem("csrf-failed"))


async def form_fields(request: Request[Any, Any, Any]) -> list[tuple[str, str]]:
    """Texts of a form, in order, repeated ones too; none for any content type that is no form's."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return await _multipart_texts(request)
    if kind != "application/x-www-form-urlencoded":
        return []
    try:
        text = (await request.body()).decode("ascii")
        fields = parse_qsl(text, keep_blank_values=True, max_num_fields=2000, errors="strict")
    except (UnicodeDecodeError, ValueError):
        raise Refused(Problem("invalid-request", "The form cannot be read.")) from None
    if any("\0" in value for _, value in fields):
        raise Refused(Problem("invalid-request", "The form holds a NUL character."))
    return fields


async def _multipart_texts(request: Request[Any, Any, Any]) -> list[tuple[str, str]]:
    try:
        form = await request.form()
    except ClientException as error:
        if error.status_code == 413:
            raise
        raise Refused(Problem("invalid-request", "The form cannot be read.")) from None
    texts = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    if any("\0" in value for _, value in texts):
        raise Refused(Problem("invalid-request", "The form holds a NUL character."))
    return texts


async def _let_in(connection: Connection, *roles: str) -> None:
    who = await authenticate(connection)
    if who is None:
        raise Refused(Problem("unauthenticated"))
    if who.role not in roles:
        raise Refused(Problem("forbidden", f"This route is for {' and '.join(roles)}; the key is of a {who.role}."))


def refuse_old_till(connection: Connection) -> None:
    """Before its question is read: a clear word instead of an answer that it takes for something else."""
    problem = why_not_spoken(connection)
    if problem is not None:
        raise Refused(problem)


async def for_operator(connection: Connection, _: BaseRouteHandler) -> None:
    await _let_in(connection, "operator")


async def for_retailer(connection: Connection, _: BaseRouteHandler) -> None:
    await _let_in(connection, "retailer")


async def for_device(connection: Connection, _: BaseRouteHandler) -> None:
    await _let_in(connection, "device")
    refuse_old_till(connection)


async def for_operator_or_device(connection: Connection, _: BaseRouteHandler) -> None:
    await _let_in(connection, "operator", "device")


async def for_retailer_or_operator(connection: Connection, _: BaseRouteHandler) -> None:
    await _let_in(connection, "retailer", "operator")


async def for_retailer_or_device(connection: Connection, _: BaseRouteHandler) -> None:
    await _let_in(connection, "retailer", "device")


async def for_anyone_known(connection: Connection, _: BaseRouteHandler) -> None:
    await _let_in(connection, "operator", "retailer", "device")
