"""Geocoding services that geopy knows, spoken to by our own HTTP client with a bound on time and size.

Imported only when the operator named one.
"""

import asyncio
import math
import ssl
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import SplitResult

import httpx
import msgspec
from geopy import exc
from geopy.adapters import AdapterHTTPError, BaseAsyncAdapter
from geopy.geocoders import Nominatim, Pelias, Photon

from dropoff.network.geocoding import Failed, Spot

TIMEOUT_S: Final = 3.0
BODY_MAX: Final = 1 << 20
LABEL_MAX: Final = 200
PAUSE_S: Final = 15.0
REFUSED_PAUSE_S: Final = 300.0
"""After a refusal that does not say how long it lasts."""
OSM: Final = "© OpenStreetMap contributors (https://www.openstreetmap.org/copyright)"


class Kind(msgspec.Struct, frozen=True):
    """How one of geopy's services is made, told the country, and credited."""

    make: Callable[..., Any]
    arguments: Callable[[str | None], dict[str, Any]]
    country: Callable[[dict[str, Any]], str]
    attribution: str


KINDS: Final = {
    "nominatim": Kind(
        Nominatim,
        lambda country: {"country_codes": country, "addressdetails": True},
        lambda raw: str(raw["address"]["country_code"]),
        f"Nominatim, {OSM}",
    ),
    "photon": Kind(Photon, lambda _: {}, lambda raw: str(raw["properties"]["countrycode"]), f"Photon, {OSM}"),
    "pelias": Kind(
        Pelias,
        lambda country: {"countries": [country] if country else None},
        lambda raw: str(raw["properties"]["country_code"]),
        f"Pelias, {OSM}",
    ),
}
"""By the name in the settings. Services that want a key of their own are not among them."""


class Service:
    def __init__(self, name: str, url: SplitResult, user_agent: str) -> None:
        self._kind = KINDS[name]
        self.attribution = self._kind.attribution
        self._client = self._kind.make(
            scheme=url.scheme,
            domain=url.netloc + url.path,
            user_agent=user_agent,
            timeout=TIMEOUT_S,
            adapter_factory=_Adapter,
        )

    async def ask(self, text: str, country: str | None) -> Spot | None:
        """None when it knows no such place. Raises `Failed` and nothing else, whatever it answers."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                found = await self._client.geocode(text, exactly_one=False, **self._kind.arguments(country))
            return self._best(found or [], country)
        except Exception as error:
            raise Failed(type(error).__name__, _pause_s(error)) from error

    def _best(self, found: list[Any], country: str | None) -> Spot | None:
        """The first with a position that lies in the country, as far as the service tells."""
        for location in found:
            lat, lon = location.latitude, location.longitude
            is_position = math.isfinite(lat) and math.isfinite(lon) and abs(lat) <= 90 and abs(lon) <= 180
            if is_position and (country is None or self._country(location.raw) in ("", country)):
                return Spot(lat, lon, str(location.address)[:LABEL_MAX])
        return None

    def _country(self, raw: dict[str, Any]) -> str:
        try:
            return self._kind.country(raw).upper()
        except (KeyError, TypeError):
            return ""


def _pause_s(error: Exception) -> float:
    """How long the service should be left alone."""
    if isinstance(error, exc.GeocoderRateLimited):
        return max(error.retry_after or REFUSED_PAUSE_S, PAUSE_S)
    refused = (exc.GeocoderInsufficientPrivileges, exc.GeocoderAuthenticationFailure, exc.GeocoderQuotaExceeded)
    if isinstance(error, refused):
        return REFUSED_PAUSE_S
    # One question that it cannot stand says nothing of the next.
    return 0.0 if isinstance(error, exc.GeocoderQueryError) else PAUSE_S


class _Adapter(BaseAsyncAdapter):  # type: ignore[misc]
    _tls: ssl.SSLContext | None = None

    async def get_json(self, url: str, *, timeout: float, headers: dict[str, str]) -> Any:
        text = await self.get_text(url, timeout=timeout, headers=headers)
        try:
            return msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise exc.GeocoderParseError("no JSON") from error

    async def get_text(self, url: str, *, timeout: float, headers: dict[str, str]) -> bytes:
        if _Adapter._tls is None:
            _Adapter._tls = httpx.create_ssl_context()
        # Packed answers could unpack to any size.
        plain = headers | {"Accept-Encoding": "identity", "Accept": "application/json"}
        try:
            async with (
                httpx.AsyncClient(timeout=timeout, verify=_Adapter._tls) as client,
                client.stream("GET", url, headers=plain) as response,
            ):
                if response.status_code != 200:
                    told = {name.lower(): value for name, value in response.headers.items()}
                    # Without its body, which geopy would write into the log.
                    raise AdapterHTTPError("refused", status_code=response.status_code, headers=told, text="")
                body = b""
                async for piece in response.aiter_raw():
                    body += piece
                    if len(body) > BODY_MAX:
                        raise exc.GeocoderServiceError("the answer is too long")
                return body
        except httpx.TimeoutException as error:
            raise exc.GeocoderTimedOut("no answer in time") from error
        except httpx.HTTPError as error:
            raise exc.GeocoderUnavailable("not reached") from error
