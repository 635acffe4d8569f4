"""Who is spoken to in which language, decided once for each request: what was asked for by a link (`?lang=`), else what
this browser kept of that (a cookie), else what the browser says. A till and a return know more: `prefer`, `suggest`."""

from contextvars import ContextVar
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from dropoff.web import languages

COOKIE: Final = "dropoff_language"
KEPT_S: Final = 365 * 24 * 3600
PARAMETER: Final = "lang"
QUERY_MAX: Final = 2_000
"""A longer question is not carried into the links of the switch."""
NOBODY, BROWSER, PERSON = 0, 1, 2
_SAYS_SOMETHING: Final = (b"text/html", b"application/json")


class Choice(msgspec.Struct, frozen=True):
    """`by`: who chose it. `address`: where a switch leads, to which the language is added."""

    by: int = NOBODY
    address: str = "?"


_NONE: Final = Choice()
_CHOICE: ContextVar[Choice] = ContextVar("choice", default=_NONE)


def is_chosen() -> bool:
    """By a person, in this browser: nothing else is asked then."""
    return _CHOICE.get().by == PERSON


def prefer(tag: str | None) -> None:
    """What a place's country or a setting says: it goes before the browser's own, after a person's choice."""
    _unless(PERSON, tag)


def suggest(*tags: str | None) -> None:
    """For whoever's browser says nothing that we speak: the first of these that we do."""
    for tag in tags:
        if tag and languages.known(tag):
            _unless(BROWSER, tag)
            return


def _unless(by: int, tag: str | None) -> None:
    found = languages.known(tag) if tag else None
    if found is not None and _CHOICE.get().by < by:
        languages.speak(found)


def switch() -> list[tuple[str, str, str, bool]]:
    """Of each language: its tag, its own name, the link that changes to it, and whether it is spoken now."""
    address, spoken = _CHOICE.get().address, languages.language()
    return [(tag, name, f"{address}{PARAMETER}={tag}", tag == spoken) for tag, name in languages.LANGUAGES.items()]


class Speaker:
    """Around the pages only: a program's answers are in English, and its calls pay nothing for this."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self.app = app
        self.secure = "; Secure" if https else ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["path"].startswith("/v1/"):
            await self.app(scope, receive, send)
            return
        asked = _asked(scope)
        spoken, by = _chosen(scope, asked)
        languages.speak(spoken)
        _CHOICE.set(Choice(by, _address(scope)))

        async def send_with_language(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._tell(message, asked)
            await send(message)

        await self.app(scope, receive, send_with_language)

    def _tell(self, message: Any, asked: str | None) -> None:
        headers = message["headers"]
        kind = next((value for name, value in headers if name.lower() == b"content-type"), b"")
        if kind.startswith(_SAYS_SOMETHING):
            headers = [*headers, (b"vary", b"Accept-Language, Cookie")]
        if kind.startswith(b"text/html"):
            headers = [*headers, (b"content-language", languages.language().encode())]
        if asked is not None:
            # A cookie goes to one browser: no cache may hand it on.
            cookie = f"{COOKIE}={asked}; Path=/; HttpOnly; SameSite=Lax; Max-Age={KEPT_S}{self.secure}"
            headers = [one for one in headers if one[0].lower() != b"cache-control"]
            headers += [(b"cache-control", b"no-store"), (b"set-cookie", cookie.encode())]
        message["headers"] = headers


def _asked(scope: Any) -> str | None:
    if b"lang=" not in scope["query_string"]:
        return None
    return languages.known(dict(_question(scope)).get(PARAMETER, ""))


def _chosen(scope: Any, asked: str | None) -> tuple[str, int]:
    if asked is not None:
        return asked, PERSON
    accepted = b""
    for name, value in scope["headers"]:
        if name == b"cookie":
            kept = _kept(value.decode("latin-1"))
            if kept is not None:
                return kept, PERSON
        elif name == b"accept-language":
            accepted = value
    found = languages.accepted(accepted.decode("latin-1"))
    return (found, BROWSER) if found is not None else (languages.SOURCE, NOBODY)


def _kept(cookies: str) -> str | None:
    for part in cookies.split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE:
            return languages.known(value)
    return None


def _question(scope: Any) -> list[tuple[str, str]]:
    try:
        text = scope["query_string"][:QUERY_MAX].decode("ascii")
        return parse_qsl(text, keep_blank_values=True, max_num_fields=100)
    except ValueError:
        return []


def _address(scope: Any) -> str:
    """Of this page again. What answered a form has no page of its own: then the one that the form stands on."""
    if scope["method"] == "POST":
        parts = scope["path"].split("/")
        return "/till?" if parts[1:2] == ["till"] else "./?" if parts[1:2] == ["v"] else "?"
    held = [field for field in _question(scope) if field[0] != PARAMETER]
    return f"?{urlencode(held)}&" if held else "?"
