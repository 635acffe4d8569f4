"""Where webhooks may go. The address that is really connected to is checked, at the moment of connecting, so neither
odd notations nor names that change their meaning (DNS rebinding) lead into the operator's own network.
"""

import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import httpcore
import httpx

IP = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_GLOBAL6 = ipaddress.IPv6Network("2000::/3")
_REFUSED6 = [ipaddress.IPv6Network(n) for n in ("2001::/23", "2001:db8::/32", "3fff::/20")]
_REFUSED4 = [ipaddress.IPv4Network(n) for n in ("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24")]
_LABEL = re.compile(r"^(?!-)[a-z0-9_-]{1,63}(?<!-)$", re.IGNORECASE)
_NUMBER = re.compile(r"^(0x[0-9a-f]*|\d+)$", re.IGNORECASE)
_INNER = (".localhost", ".local", ".internal", ".lan", ".home.arpa")


class Refused(Exception):
    """The target is not one that webhooks may go to."""


def check_url(url: str, *, allow_private: bool = False) -> str | None:
    """What is wrong with the URL as written; None: nothing. Where its name leads, only connecting shows."""
    if any(c.isspace() or not c.isprintable() for c in url) or "\\" in url:
        return "The URL holds a blank or a character that does not belong there."
    try:
        parts = urlsplit(url)
        port = parts.port
        host = parts.hostname or ""
    except ValueError:
        return "The URL cannot be read."
    if parts.scheme not in ("http", "https"):
        return "The URL must begin with https:// or http://."
    if "@" in parts.netloc:
        return "The URL must not hold a user name or password."
    if parts.fragment:
        return "The URL must not hold a fragment."
    if not allow_private and port is not None and port not in (80, 443) and port < 1024:
        return "The port must be 80, 443 or from 1024 on."
    if port == 0:
        return "The port cannot be 0."
    return _check_host(host, allow_private)


def _check_host(host: str, allow_private: bool) -> str | None:
    if ":" in host:
        return _check_literal(host, allow_private)
    try:
        ascii_host = host.encode("idna").decode() if not host.isascii() else host
    except UnicodeError:
        return "The host name cannot be read."
    labels = ascii_host.rstrip(".").split(".")
    if len(ascii_host) > 253 or not all(_LABEL.match(label) for label in labels):
        return "The host name cannot be read."
    if _NUMBER.match(labels[-1]):
        # No top-level domain is a number: it is an address, and only its one usual spelling is taken.
        return _check_literal(ascii_host, allow_private)
    if not allow_private and (len(labels) == 1 or f".{'.'.join(labels).lower()}".endswith(_INNER)):
        return "The host must be a public name."
    return None


def _check_literal(host: str, allow_private: bool) -> str | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "The address must be written in the usual way, such as 203.0.113.7 or [2001:db8::7]."
    if allow_private or is_public(address):
        return None
    return "The address is not a public one."


def is_public(address: IP) -> bool:
    """Whether a stranger may have us connect to it: global unicast, by whatever notation or tunnel it is written."""
    if isinstance(address, ipaddress.IPv4Address):
        refused = any(address in network for network in _REFUSED4)
        return address.is_global and not (address.is_multicast or address.is_reserved or refused)
    if address.scope_id is not None:
        return False
    if address.ipv4_mapped is not None:
        return is_public(address.ipv4_mapped)
    if address in _NAT64:
        return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    if address.sixtofour is not None:
        return is_public(address.sixtofour)
    if address not in _GLOBAL6 or any(address in network for network in _REFUSED6):
        return False
    return address.is_global and not address.is_multicast


def resolve(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Deadline(threading.local):
    """One for the whole exchange: time-outs of single reads would let a server drip for hours."""

    at: float | None = None
    """By the monotonic clock; none: there is no end."""

    def left(self, timeout: float | None) -> float | None:
        if self.at is None:
            return timeout
        left = self.at - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the time for the whole exchange is over")
        return left if timeout is None else min(left, timeout)


class CheckedBackend(httpcore.NetworkBackend):
    """Resolves, checks every address, and connects to one it has checked; TLS and Host keep the name."""

    def __init__(self, deadline: Deadline, *, allow_private: bool = False) -> None:
        self._deadline = deadline
        self._allow_private = allow_private
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            addresses = resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"the name cannot be resolved: {error}") from error
        if not self._allow_private and not all(is_public(ipaddress.ip_address(text)) for text in addresses):
            # One private address among public ones is already someone's trick: none is used.
            raise Refused("the name leads to an address that is not public")
        failure: Exception = httpcore.ConnectError("the name has no address")
        for address in addresses:
            try:
                stream = self._plain.connect_tcp(
                    address, port, self._deadline.left(timeout), local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return TimedStream(stream, self._deadline)
        raise failure

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        raise Refused("webhooks go over the network")

    def sleep(self, seconds: float) -> None:
        self._plain.sleep(seconds)


class TimedStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        tls = self._stream.start_tls(ssl_context, server_hostname, self._deadline.left(timeout))
        return TimedStream(tls, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def connections(
    deadline: Deadline, *, allow_private: bool, most: int = 20, tls: ssl.SSLContext | None = None
) -> httpcore.ConnectionPool:
    """Knows no redirects and no proxies (a proxy would connect for us, unchecked)."""
    return httpcore.ConnectionPool(
        ssl_context=tls or httpx.create_ssl_context(trust_env=False),
        max_connections=most,
        max_keepalive_connections=most,
        keepalive_expiry=10.0,
        network_backend=CheckedBackend(deadline, allow_private=allow_private),
    )
