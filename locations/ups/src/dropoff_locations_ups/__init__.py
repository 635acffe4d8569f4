"""UPS Locator v3: access points, searched around positions, at most fifty answers each.

Its dirt: hours as `930`, `1700` and `0` for midnight with Sunday as day 1, presence-only indicators, texts where
numbers are meant, an object where there is one and a list where there are several, location ids that must not be shown.
"""

import base64
import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from dropoff.kernel.osm_hours import Week, compose, interval
from dropoff.ports.fetching import Request, check_url, fetch_json, host_of
from dropoff.ports.locations import (
    LeftOut,
    Malformed,
    Misconfigured,
    Page,
    Point,
    Unavailable,
    read_settings,
    setting_prefix,
)
from dropoff.ports.searching import Answers, Area, parse_areas, search_pages

LIMIT = 50
SMALLEST_M = 5_000.0
"""The Locator takes whole kilometres from 5 to 150."""
LARGEST_M = 150_000.0
ACCESS_POINTS = "64"
_REGULAR_HOURS = "10"
_ACTIVE = "01"
_NONE_FOUND = "350201"
_TOKEN_MARGIN_S = 60.0


class UpsSettings(msgspec.Struct, frozen=True):
    client_id: str
    client_secret: str
    around: str
    """`LATITUDE,LONGITUDE,RADIUS_M; …`"""
    country: str
    """ISO code of what is searched."""
    url: str = "https://onlinetools.ups.com"
    patience_s: float = 30


class Ups:
    def __init__(self, settings: UpsSettings, areas: tuple[Area, ...]) -> None:
        self._settings, self._areas = settings, areas
        self._token, self._token_until = "", 0.0

    @property
    def host(self) -> str:
        return host_of(self._settings.url)

    def pages(self, cursor: str | None) -> Iterator[Page]:
        return search_pages(self._areas, SMALLEST_M, self._search, cursor)

    def _search(self, area: Area) -> Answers:
        answer = fetch_json(
            Request(
                url=f"{self._settings.url.rstrip('/')}/api/locations/v3/search/availabilities/{ACCESS_POINTS}",
                query={"Locale": "en_US"},
                method="POST",
                body=json.dumps(search_body(area, self._settings.country)).encode(),
                headers={"Authorization": f"Bearer {self._bearer()}", "Content-Type": "application/json"},
                patience_s=self._settings.patience_s,
            )
        )
        places = self._places(answer)
        return Answers(tuple(read_place(place) for place in places), full=len(places) >= LIMIT)

    def _places(self, answer: Any) -> list[Any]:
        found = _dict(answer).get("LocatorResponse")
        if not isinstance(found, dict):
            raise Malformed(f"{self.host} answered without a LocatorResponse")
        response = _dict(found.get("Response"))
        if str(response.get("ResponseStatusCode")) == "1":
            return _list(_dict(found.get("SearchResults")).get("DropLocation"))
        error = _dict(response.get("Error"))
        code, said = str(error.get("ErrorCode")), str(error.get("ErrorDescription"))[:200]
        if code == _NONE_FOUND:
            return []
        if str(error.get("ErrorSeverity")).casefold().startswith("transient"):
            wait = str(error.get("MinimumRetrySeconds", ""))
            raise Unavailable(f"{self.host}: {said}", retry_after_s=float(wait) if wait.isdigit() else None)
        raise Malformed(f"{self.host} answered with error {code}: {said}")

    def _bearer(self) -> str:
        if time.monotonic() >= self._token_until:
            pair = f"{quote(self._settings.client_id)}:{quote(self._settings.client_secret)}"
            answer = fetch_json(
                Request(
                    url=f"{self._settings.url.rstrip('/')}/security/v1/oauth/token",
                    method="POST",
                    body=b"grant_type=client_credentials",
                    headers={
                        "Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}",
                        "Content-Type": "application/x-www-form-urlencoded",
                    },
                    patience_s=self._settings.patience_s,
                )
            )
            token, ends_in = _dict(answer).get("access_token"), str(_dict(answer).get("expires_in", ""))
            if not isinstance(token, str) or not token:
                raise Malformed(f"{self.host} gave no access token")
            self._token = token
            self._token_until = time.monotonic() + (float(ends_in) if ends_in.isdigit() else 0.0) - _TOKEN_MARGIN_S
        return self._token


def search_body(area: Area, country: str) -> dict[str, Any]:
    """The geocode decides; the address beside it is only what the schema asks for, as its texts may not be empty."""
    address = dict.fromkeys(("AddressLine", "PoliticalDivision2", "PoliticalDivision1", "PostcodePrimaryLow"), "-")
    return {
        "LocatorRequest": {
            "Request": {"RequestAction": "Locator"},
            "OriginAddress": {
                "Geocode": {"Latitude": _degrees(area.lat), "Longitude": _degrees(area.lon)},
                "AddressKeyFormat": address | {"CountryCode": country},
            },
            "Translate": {"Locale": "en_US"},
            "UnitOfMeasurement": {"Code": "KM"},
            "LocationSearchCriteria": {
                "MaximumListSize": str(LIMIT),
                "SearchRadius": str(max(5, min(150, -(-round(area.radius_m) // 1000)))),
                "AccessPointSearch": {"AccessPointStatus": _ACTIVE},
            },
            "SortCriteria": {"SortType": "01"},
        }
    }


def _degrees(value: float) -> str:
    """Exactly fifteen characters, as the schema has it."""
    return f"{value:.14f}"[:15]


def read_place(item: Any) -> Point | LeftOut:
    about = _dict(_dict(item).get("AccessPointInformation"))
    ident = _ident(_dict(item), about)
    if ident is None:
        return LeftOut(id=None, reason="id_missing", detail="The record has no id.", gone=False)
    status = str(_dict(about.get("AccessPointStatus")).get("Code", _ACTIVE))
    if status != _ACTIVE:
        return LeftOut(id=ident, reason="not_operating", detail=f"The access point's status is {status[:2]}.")
    address, position = _dict(item.get("AddressKeyFormat")), _dict(item.get("Geocode"))
    phones = _list(item.get("PhoneNumber"))
    shown = str(item.get("DisplayPhoneNumberIndicator", "1")) != "0"
    return Point(
        id=ident,
        name=address.get("ConsigneeName"),
        kind="locker" if _is_locker(about) else "store",
        operator="UPS",
        street=address.get("AddressLine"),
        postcode=address.get("PostcodePrimaryLow"),
        city=address.get("PoliticalDivision2"),
        country=address.get("CountryCode"),
        opening_hours=_hours(item.get("OperatingHours")),
        accepts=["parcel"],
        phone=str(phones[0]) if phones and shown else None,
        url=item.get("HomePageURL"),
        carriers=["UPS"],
        photo_url=_picture(item, about),
        access_note=_last_steps(item),
        lat=position.get("Latitude"),
        lon=position.get("Longitude"),
    )


def _ident(item: dict[str, Any], about: dict[str, Any]) -> str | None:
    """The public id; else a digest, because UPS asks not to expose its location ids."""
    public, own = about.get("PublicAccessPointID"), item.get("LocationID")
    if isinstance(public, str) and public:
        return public
    return hashlib.sha256(str(own).encode()).hexdigest()[:24] if own else None


def _picture(item: dict[str, Any], about: dict[str, Any]) -> str | None:
    """The secure address; the other one is none for a page that is secure itself."""
    given = (_dict(item.get("LocationImage")).get("SecureURL"), about.get("ImageURL"))
    return next((url for url in given if isinstance(url, str) and url.startswith("https://")), None)


def _last_steps(item: dict[str, Any]) -> str | None:
    """Of "the last fifty feet": in the locale that was asked for, else as the place wrote them."""
    for one in _list(item.get("LocalizedInstruction")):
        if isinstance(said := _dict(one).get("Last50ftInstruction"), str) and said.strip():
            return said.strip()
    pieces = [part for one in _list(item.get("SpecialInstructions")) for part in _list(_dict(one).get("Segment"))]
    return " ".join(part.strip() for part in pieces if isinstance(part, str)).strip() or None


def _is_locker(about: dict[str, Any]) -> bool:
    classes = _list(_dict(about.get("BusinessClassificationList")).get("BusinessClassification"))
    return any("locker" in str(_dict(one).get("Description")).casefold() for one in classes)


def _hours(value: Any) -> str | None:
    regular = [
        _dict(one)
        for one in _list(_dict(value).get("StandardHours"))
        if str(_dict(one).get("HoursType")) == _REGULAR_HOURS
    ]
    week: Week = {}
    for day in (_dict(day) for one in regular for day in _list(one.get("DayOfWeek"))):
        number = str(day.get("Day"))
        if number not in "1234567" or len(number) != 1:
            return None
        # Presence is what counts; some answers also spell it out.
        if "Open24HoursIndicator" in day and str(day["Open24HoursIndicator"]).casefold() != "false":
            found = [(0, 1440)]
        elif "ClosedIndicator" in day:
            found = []
        else:
            spans = zip(_list(day.get("OpenHours")), _list(day.get("CloseHours")), strict=False)
            read = [_span(start, end) for start, end in spans]
            if not read or None in read:
                return None
            found = [pair for one in read if one is not None for pair in one]
        week.setdefault((int(number) + 5) % 7, []).extend(found)
    return compose(week)


def _span(start: Any, end: Any) -> list[tuple[int, int]] | None:
    """Nothing when it means closed; None when it cannot be read."""
    opens, closes = _minutes(start), _minutes(end)
    if opens is None or closes is None:
        return None
    pair = interval(opens, closes)
    return [] if pair is None else [pair]


def _minutes(value: Any) -> int | None:
    text = str(value)
    if not text.isascii() or not text.isdigit() or int(text) % 100 >= 60 or int(text) > 2400:
        return None
    return int(text) // 100 * 60 + int(text) % 100


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    """One object stands for a list of one."""
    return value if isinstance(value, list) else [] if value is None else [value]


def connect(name: str, environment: Mapping[str, str]) -> Ups:
    settings, prefix = read_settings(name, environment, UpsSettings), setting_prefix(name)
    check_url(f"{prefix}URL", settings.url)
    if len(settings.country) != 2 or not settings.country.isalpha():
        raise Misconfigured(f"{prefix}COUNTRY must be an ISO code of two letters")
    areas = parse_areas(f"{prefix}AROUND", settings.around, SMALLEST_M, LARGEST_M)
    return Ups(msgspec.structs.replace(settings, country=settings.country.upper()), areas)
