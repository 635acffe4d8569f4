"""DHL's location finder (Location Finder - Unified): searched around positions, at most fifty answers each.

Its dirt: the same place under several numbers, letter boxes among the places, hours as one record a day with `23:59`
for midnight, closures as periods.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import msgspec

from dropoff.kernel.osm_hours import Week, clock, compose, interval
from dropoff.ports.fetching import Request, check_url, fetch_json, host_of
from dropoff.ports.locations import LeftOut, Malformed, Page, Point, read_settings, setting_prefix
from dropoff.ports.searching import Answers, Area, parse_areas, search_pages

LIMIT = 50
SMALLEST_M = 250.0
LARGEST_M = 25_000.0
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_KINDS = {"locker": "locker", "postoffice": "post_office", "postbank": "post_office", "servicepoint": "store"}


class DhlSettings(msgspec.Struct, frozen=True):
    key: str
    around: str
    """`LATITUDE,LONGITUDE,RADIUS_M; …`"""
    url: str = "https://api.dhl.com/location-finder/v1"
    country: str = ""
    """ISO code, when only places of one country are wanted."""
    patience_s: float = 30


class Dhl:
    def __init__(self, settings: DhlSettings, areas: tuple[Area, ...]) -> None:
        self._settings, self._areas = settings, areas

    @property
    def host(self) -> str:
        return host_of(self._settings.url)

    def pages(self, cursor: str | None) -> Iterator[Page]:
        return search_pages(self._areas, SMALLEST_M, self._search, cursor)

    def _search(self, area: Area) -> Answers:
        query: dict[str, Any] = {
            "latitude": area.lat,
            "longitude": area.lon,
            "radius": round(area.radius_m),
            "limit": LIMIT,
        }
        if self._settings.country:
            query["countryCode"] = self._settings.country.upper()
        answer = fetch_json(
            Request(
                url=f"{self._settings.url.rstrip('/')}/find-by-geo",
                query=query,
                headers={"DHL-API-Key": self._settings.key},
                patience_s=self._settings.patience_s,
            )
        )
        places = answer.get("locations") if isinstance(answer, dict) else None
        if not isinstance(places, list):
            raise Malformed(f"{self.host} answered without a list `locations`")
        return Answers(tuple(read_location(place) for place in places), full=len(places) >= LIMIT)


def read_location(item: Any) -> Point | LeftOut:
    place, about = _dict(_dict(item).get("place")), _dict(_dict(item).get("location"))
    ident = _ident(about)
    if ident is None:
        return LeftOut(id=None, reason="id_missing", detail="The record has no location id.", gone=False)
    kind = _KINDS.get(str(about.get("type")).casefold())
    services = [service for service in item.get("serviceTypes") or [] if isinstance(service, str)]
    if kind is None:
        return LeftOut(id=ident, reason="no_parcels", detail=f"The type is {str(about.get('type'))[:40]}.")
    accepts = _accepts(services)
    if not accepts:
        return LeftOut(id=ident, reason="no_drop_off", detail="Parcels can be fetched there, not handed in.")
    address, position = _dict(place.get("address")), _dict(place.get("geo"))
    return Point(
        id=ident,
        name=item.get("name"),
        kind=kind,
        operator="DHL",
        street=address.get("streetAddress"),
        postcode=address.get("postalCode"),
        city=address.get("addressLocality"),
        country=address.get("countryCode"),
        opening_hours=_hours(item),
        accepts=accepts,
        carriers=["DHL"],
        step_free=True if "handicapped-access" in services else None,
        access_note=_dict(place.get("containedInPlace")).get("name"),
        lat=position.get("latitude"),
        lon=position.get("longitude"),
    )


def _ident(about: dict[str, Any]) -> str | None:
    """The parcel number where there is one: express counters of the same place have numbers of their own."""
    ids = [one for one in about.get("ids") or [] if isinstance(one, dict) and isinstance(one.get("locationId"), str)]
    ids.sort(key=lambda one: (one.get("provider") != "parcel", one["locationId"]))
    return str(ids[0]["locationId"]) if ids else None


def _accepts(services: list[str]) -> list[str]:
    words = []
    if any(service.startswith("parcel:drop-off") for service in services):
        words.append("parcel")
    if any(service.startswith("parcel:drop-off") and service.endswith("unlabeled") for service in services):
        words.append("label_free")
    return words


def _hours(item: dict[str, Any]) -> str | None:
    week: Week = {}
    for record in item.get("openingHours") or []:
        day = str(_dict(record).get("dayOfWeek")).rpartition("/")[2].casefold()
        start, end = clock(str(_dict(record).get("opens"))), clock(str(_dict(record).get("closes")))
        if day not in _DAYS or start is None or end is None:
            # A part of the hours would be wrong hours; what was said stays readable.
            return None
        if (found := interval(start, end)) is not None:
            week.setdefault(_DAYS.index(day), []).append(found)
    return compose(week, _closures(item.get("closurePeriods")))


def _closures(value: Any) -> list[tuple[date, date]]:
    found = []
    for period in value if isinstance(value, list) else []:
        try:
            first = date.fromisoformat(str(_dict(period).get("fromDate"))[:10])
            last = date.fromisoformat(str(_dict(period).get("toDate"))[:10])
        except ValueError:
            continue
        if first <= last:
            found.append((first, last))
    return found


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def connect(name: str, environment: Mapping[str, str]) -> Dhl:
    settings, prefix = read_settings(name, environment, DhlSettings), setting_prefix(name)
    check_url(f"{prefix}URL", settings.url)
    return Dhl(settings, parse_areas(f"{prefix}AROUND", settings.around, SMALLEST_M, LARGEST_M))
