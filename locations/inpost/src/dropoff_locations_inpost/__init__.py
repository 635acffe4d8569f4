"""InPost's points API: `GET /v1/points?page=…&per_page=…`, lockers and counters of many countries.

Its dirt: records that are planned, switched off or tests; hours once as text, once as minutes since midnight in which
0 to 0 means closed, once as that structure again as JSON in a string, and in the words of whoever typed them. Its
`easy_access_zone` says that the low compartments of a locker may be asked for, and nothing of the way to it.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from dropoff.kernel.osm_hours import Week, compose, read_structure, read_words
from dropoff.ports.fetching import Request, check_url, fetch_json, host_of
from dropoff.ports.locations import LeftOut, Malformed, Misconfigured, Page, Point, read_settings, setting_prefix

PER_PAGE_MAX = 1_000
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_TEST = re.compile(r"TEST", re.IGNORECASE)
_BY_DAY = re.compile(r"(MON|TUE|WED|THU|FRI|SAT|SUN)\|([^|;]*)\|([^|;]*)\|?(?:;|$)")


class InPostSettings(msgspec.Struct, frozen=True):
    url: str = "https://api-global-points.easypack24.net/v1/points"
    countries: str = ""
    """ISO codes between commas; empty: whatever the address gives."""
    per_page: int = 500
    patience_s: float = 30


class InPost:
    def __init__(self, settings: InPostSettings) -> None:
        self._settings = settings
        self._countries = tuple(filter(None, settings.countries.replace(" ", "").upper().split(","))) or ("",)

    @property
    def host(self) -> str:
        return host_of(self._settings.url)

    def pages(self, cursor: str | None) -> Iterator[Page]:
        """The cursor is `COUNTRY:PAGE`, the page that comes next."""
        start, number = _read_cursor(cursor, self._countries)
        for country in self._countries[start:]:
            last = False
            while not last:
                items, total = self._page(country, number)
                last = number >= total
                number = 1 if last else number + 1
                after = f"{country}:{number}" if not last else self._country_after(country)
                yield Page(rows=tuple(_rows(items)), cursor=after)

    def _country_after(self, country: str) -> str | None:
        at = self._countries.index(country) + 1
        return f"{self._countries[at]}:1" if at < len(self._countries) else None

    def _page(self, country: str, number: int) -> tuple[list[Any], int]:
        query: dict[str, Any] = {"page": number, "per_page": self._settings.per_page}
        if country:
            query["country"] = country
        request = Request(url=self._settings.url, query=query, patience_s=self._settings.patience_s)
        answer = fetch_json(request)
        if not isinstance(answer, dict) or not isinstance(answer.get("items"), list):
            raise Malformed(f"{self.host} answered without a list `items`")
        page, total = answer.get("page"), answer.get("total_pages")
        if not isinstance(page, int) or not isinstance(total, int) or page != number:
            raise Malformed(f"{self.host} answered with page {page!r} of {total!r} when page {number} was asked")
        return answer["items"], total


def _read_cursor(cursor: str | None, countries: tuple[str, ...]) -> tuple[int, int]:
    if cursor is None:
        return 0, 1
    country, _, number = cursor.rpartition(":")
    if country not in countries or not number.isdigit():
        raise Malformed("the cursor belongs to other settings")
    return countries.index(country), int(number)


def _rows(items: list[Any]) -> Iterator[Point | LeftOut]:
    seen: set[str] = set()
    for item in items:
        row = read_point(item)
        if row.id is None or row.id not in seen:
            seen.add(row.id or "")
            yield row


def read_point(item: Any) -> Point | LeftOut:
    """A place, or why the record is none."""
    if not isinstance(item, dict):
        return LeftOut(id=None, reason="not_an_object", detail="The record is not an object.", gone=False)
    name, country, status = item.get("name"), item.get("country"), item.get("status")
    ident = f"{country}/{name}" if isinstance(name, str) and name and isinstance(country, str) else None
    if ident is None:
        return LeftOut(id=None, reason="id_missing", detail="The record has no name or no country.", gone=False)
    if _TEST.search(str(name)) or _is_test_address(item):
        return LeftOut(id=ident, reason="test_record", detail="The record is a test.")
    if status != "Operating":
        return LeftOut(id=ident, reason="not_operating", detail=f"The status is {str(status)[:40]}, not Operating.")
    functions, kinds = _texts(item.get("functions")), _texts(item.get("type"))
    if functions and not functions & {"parcel_send", "parcel_reverse_return_send"}:
        return LeftOut(id=ident, reason="no_drop_off", detail="Parcels can be fetched there, not handed in.")
    address, position = _dict(item.get("address_details")), _dict(item.get("location"))
    locker = "parcel_locker" in kinds
    hours, read = _hours(item)
    return Point(
        id=ident,
        name=f"InPost {name}" if locker else _text(item.get("location_description_1")) or f"InPost {name}",
        kind="locker" if locker else "store",
        operator="InPost",
        street=_street(address, _dict(item.get("address"))),
        postcode=address.get("post_code"),
        city=address.get("city"),
        country=country,
        opening_hours=hours,
        accepts=["parcel"],
        phone=item.get("phone_number"),
        carriers=["InPost"],
        has_printer=item["print_in_store"] if isinstance(item.get("print_in_store"), bool) else None,
        photo_url=_text(item.get("image_url")),
        access_note=_text(item.get("location_description")),
        lat=position.get("latitude"),
        lon=position.get("longitude"),
        repaired=("opening_hours",) if read else (),
    )


def _is_test_address(item: dict[str, Any]) -> bool:
    lines = _dict(item.get("address")).values()
    return any(
        isinstance(line, str) and re.fullmatch(r"(?:[\d-]+\s+)?test", line.strip(), re.IGNORECASE) for line in lines
    )


def _street(details: dict[str, Any], lines: dict[str, Any]) -> str | None:
    street, number = _text(details.get("street")), _text(details.get("building_number"))
    if street is None:
        return _text(lines.get("line1"))
    return f"{street} {number}" if number and number not in street.split() else street


def _hours(item: dict[str, Any]) -> tuple[str | None, bool]:
    """OSM hours or the text as it is, and whether local words were read. The structure goes before the text, which
    people type."""
    text = item.get("opening_hours")
    extended = item.get("operating_hours_extended")
    week = _minutes(extended)
    if week and any(week.values()):
        return compose(week, _closures(item.get("unavailability_periods"))), isinstance(extended, str)
    if not isinstance(text, str) or not text.strip():
        return ("24/7" if item.get("location_247") is True else None), False
    week = _by_day(text) or read_words(text, str(item.get("country")))
    said = compose(week, _closures(item.get("unavailability_periods"))) if week else None
    return (said, True) if said is not None else (text, False)


def _minutes(value: Any) -> Week | None:
    """`{"customer": {"monday": [{"start": 540, "end": 1080}], …}}`, also as JSON in a string."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    return read_structure(_dict(value).get("customer"))


def _by_day(text: str) -> Week | None:
    """`MON|09:00-19:00|-;TUE|…`: two intervals a day, a dash for none."""
    found = list(_BY_DAY.finditer(text.strip()))
    if not found or "".join(match[0] for match in found) != text.strip():
        return None
    week: Week = {}
    for match in found:
        spans = [span for span in (match[2].strip(), match[3].strip()) if span not in ("", "-")]
        read = [read_words(f"Mo {span}") for span in spans]
        if any(day is None for day in read):
            return None
        week[_DAYS.index(next(day for day in _DAYS if day.startswith(match[1].lower())))] = [
            pair for day in read if day is not None for pair in day[0]
        ]
    return week


def _closures(value: Any) -> list[tuple[date, date]]:
    """Whole days only; the times are local midnights written in UTC, and InPost's countries lie 0 to 2 hours ahead."""
    found = []
    for period in value if isinstance(value, list) else []:
        try:
            start = datetime.fromisoformat(str(_dict(period).get("start_time")))
            end = datetime.fromisoformat(str(_dict(period).get("end_time")))
            if start.hour >= 21 or (start.hour, start.minute) == (0, 0):
                found.append(((start + timedelta(hours=3)).date(), end.date()))
        except (ValueError, TypeError, OverflowError):
            continue
    return [(first, last) for first, last in found if first <= last]


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _texts(value: Any) -> frozenset[str]:
    return frozenset(item for item in value if isinstance(item, str)) if isinstance(value, list) else frozenset()


def connect(name: str, environment: Mapping[str, str]) -> InPost:
    settings = read_settings(name, environment, InPostSettings)
    check_url(f"{setting_prefix(name)}URL", settings.url)
    if not 1 <= settings.per_page <= PER_PAGE_MAX:
        raise Misconfigured(f"{setting_prefix(name)}PER_PAGE must be 1 to {PER_PAGE_MAX}")
    return InPost(settings)
