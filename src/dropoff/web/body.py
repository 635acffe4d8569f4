"""Reading what was sent: typed, bounded, and answered with a pointer to the field that is wrong."""

import hashlib
import json
import re
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from litestar import Request

from dropoff.kernel.errors import FieldError, Problem, invalid
from dropoff.web.problems import Refused

T = TypeVar("T")
UNSTORABLE = "The text holds a NUL character, half a surrogate pair or bytes that are not UTF-8."
_PATH = re.compile(r" - at `(?:key in )?\$(.*?)`$", re.DOTALL)
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")


async def body(request: Request[Any, Any, Any], kind: type[T]) -> T:
    """The JSON body as `kind`. Raises `Refused`: 415, 413, or 422 with a pointer."""
    content_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    nothing = not content_type and not await request.body()  # as where every field may be left out
    if not nothing and content_type != "application/json" and not content_type.endswith("+json"):
        raise Refused(Problem("unsupported-media-type"))
    data = decode(b"{}" if nothing else await request.body(), kind)
    request.state.fingerprint = hashlib.sha256(msgspec.json.encode(data)).hexdigest()
    return data


def decode(raw: bytes, kind: type[T]) -> T:
    try:
        data = msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        raise Refused(_problem(str(error))) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(_unreadable(raw, error)) from None
    # PostgreSQL cannot store NUL, and no text of ours needs it. Looked for only when the bytes hint at it.
    if b"\\u0000" in raw or b"\\uD" in raw or b"\\ud" in raw:
        bad = _unstorable(msgspec.to_builtins(data), "")
        if bad is not None:
            raise Refused(invalid(bad, UNSTORABLE))
    return data


def _unreadable(raw: bytes, error: Exception) -> Problem:
    """The strict reader stops at such a text without saying where it stands; the lenient one reads on."""
    try:
        bad = _unstorable(json.loads(raw.decode("utf-8", "surrogateescape"), strict=False), "")
    except (ValueError, RecursionError):
        bad = None
    if bad is not None:
        return invalid(bad, UNSTORABLE)
    detail = "nested too deeply" if isinstance(error, RecursionError) else str(error)[:200]
    return invalid("", f"The body is no JSON that can be read: {detail}.")


def query(request: Request[Any, Any, Any], kind: type[T]) -> T:
    """The query string as `kind`; the pointer of an error is `?name`."""
    return parsed_query(request.scope.get("query_string", b""), kind)


def parsed_query(raw: bytes, kind: type[T]) -> T:
    try:
        text = raw.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=50, errors="strict")
    except (UnicodeDecodeError, ValueError):
        raise Refused(invalid("?", "The query string cannot be read.")) from None
    values = dict(pairs)
    for name, value in values.items():
        if "\0" in value:
            raise Refused(invalid(f"?{name}", "The text holds a NUL character."))
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        problem = _problem(str(error))
        errors = tuple(FieldError("?" + e.pointer.lstrip("/"), e.detail) for e in problem.errors)
        raise Refused(Problem("invalid-request", problem.detail, errors)) from None


def _problem(message: str) -> Problem:
    """msgspec ends its message with the path: "Expected `int`, got `str` - at `$.lines[0].quantity`"."""
    found = _PATH.search(message)
    detail = message[: found.start()] if found else message
    missing = re.search(r"missing required field `([^`]+)`", detail)
    path = found.group(1) if found else ""
    pointer = "".join(f"/{name or index}" for name, index in _STEP.findall(path))
    if missing:
        pointer += f"/{missing.group(1)}"
    return Problem("invalid-request", f"{detail}.", (FieldError(pointer, f"{detail}."),))


def _unstorable(value: Any, pointer: str) -> str | None:
    if isinstance(value, str):
        return pointer if "\0" in value or any(0xD800 <= ord(c) <= 0xDFFF for c in value) else None
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else ()
    for key, child in items:
        found = _unstorable(str(key), f"{pointer}/{key}") if isinstance(value, dict) else None
        found = found or _unstorable(child, f"{pointer}/{key}")
        if found is not None:
            return found
    return None
