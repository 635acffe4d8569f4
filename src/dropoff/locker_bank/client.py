"""The adapter `http`: a bank of lockers that speaks dropoff's protocol."""

import ssl
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from dropoff.ports.locker import (
    REASONS,
    Compartment,
    Misconfigured,
    Reason,
    Rejected,
    Reservation,
    Unavailable,
    Unknown,
    Wanted,
    read_bank_settings,
)

ANSWER_MAX: Final = 1_000_000
T = TypeVar("T")


@lru_cache(maxsize=1)
def _trusted() -> ssl.SSLContext:
    """Made once: it costs more than most calls."""
    return httpx.create_ssl_context(trust_env=False)


class HttpBankSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    url: str
    key: str = ""
    timeout_s: float = 5


class Told(msgspec.Struct, frozen=True):
    status: int
    content: bytes


class _All(msgspec.Struct, frozen=True):
    compartments: tuple[Compartment, ...]


class _Refusal(msgspec.Struct, frozen=True):
    reason: str = "other"
    message: str = ""


class HttpBank:
    def __init__(self, bank: str, settings: HttpBankSettings) -> None:
        if not settings.url.startswith(("http://", "https://")):
            raise Misconfigured("url begins with http:// or https://")
        if not (settings.key.isascii() and settings.key.isprintable()):
            raise Misconfigured("key holds signs that no header carries")
        self._base = f"{settings.url.rstrip('/')}/banks/{quote(bank, safe='')}"
        self._headers = {"Authorization": f"Bearer {settings.key}"} if settings.key else {}
        self._timeout_s = max(0.1, min(settings.timeout_s, 30.0))

    def compartments(self) -> tuple[Compartment, ...]:
        return _read(self._ask("GET", ""), _All).compartments

    def reserve(self, wanted: Wanted) -> Reservation:
        body = {"size": wanted.size, "keep_s": wanted.keep_s}
        return _own(self._ask("PUT", f"/reservations/{wanted.reference}", body), wanted.reference)

    def find(self, reference: str) -> Reservation | None:
        try:
            return _own(self._ask("GET", f"/reservations/{reference}"), reference)
        except Rejected as error:
            if error.reason in ("unknown_reference", "expired"):
                return None
            raise Unavailable(str(error)) from error
        except Unknown as error:
            raise Unavailable(str(error)) from error  # a look can always be taken again

    def open(self, reference: str) -> Reservation:
        return _own(self._ask("POST", f"/reservations/{reference}/open"), reference)

    def release(self, reference: str) -> None:
        self._ask("DELETE", f"/reservations/{reference}")

    def _ask(self, method: str, path: str, body: Any = None) -> Told:
        # A connection of its own for each call: one that the bank has just closed would end as *unknown* for no reason.
        try:
            with (
                httpx.Client(
                    timeout=self._timeout_s, trust_env=False, headers=self._headers, verify=_trusted()
                ) as client,
                client.stream(method, self._base + path, json=body) as told,
            ):
                answer = Told(told.status_code, _bounded(told, self._timeout_s))
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Unavailable(f"no connection: {error}") from error
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise Misconfigured(f"the address is of no use: {error}") from error
        except httpx.TransportError as error:
            raise Unknown(f"no answer: {type(error).__name__}") from error
        return _judged(answer)


def connect(bank: str, settings: Mapping[str, str]) -> HttpBank:
    return HttpBank(bank, read_bank_settings(settings, HttpBankSettings))


def _bounded(told: httpx.Response, timeout_s: float) -> bytes:
    """The whole answer, if it is none that never ends."""
    content, end = bytearray(), time.monotonic() + 2 * timeout_s
    for piece in told.iter_bytes():
        content += piece
        if len(content) > ANSWER_MAX or time.monotonic() > end:
            raise Unknown("the answer has no end")
    return bytes(content)


def _judged(answer: Told) -> Told:
    """Every answer of a bank is one of these; what is none of them is *unknown*."""
    status = answer.status
    if status in (200, 201, 204):
        return answer
    if status in (401, 403):
        raise Misconfigured(f"the bank answered {status}: check the key")
    if status in (429, 503):
        raise Unavailable(f"the bank answered {status}")
    if status in (404, 409, 410, 422):
        refusal = _refusal(answer)
        if status == 404 and refusal.reason == "unknown_bank":
            raise Misconfigured("the bank has another name")
        reason: Reason = next((known for known in REASONS if known == refusal.reason), "other")
        raise Rejected(reason, refusal.message or f"the bank answered {status}")
    raise Unknown(f"the bank answered {status}")


def _refusal(answer: Told) -> _Refusal:
    try:
        return msgspec.json.decode(answer.content, type=_Refusal)
    except ValueError:
        return _Refusal()


def _read(answer: Told, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(answer.content, type=shape)
    except ValueError as error:
        raise Unknown(f"the answer makes no sense: {error}") from error


def _own(answer: Told, reference: str) -> Reservation:
    """A bank that answers another reservation has not understood: its door is not to be told to anybody."""
    told = _read(answer, Reservation)
    if told.reference != reference:
        raise Unknown("the bank answers another reservation")
    return told
