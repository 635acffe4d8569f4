"""OpenStreetMap through an Overpass server: parcel lockers, post offices, post partners and shops that take parcels in.

Its dirt: an answer 200 that ends with the remark that the query broke off, places without a country (the query is made
per country, so that is known), ways with a centre instead of a position, places that are private, disused or only hand
parcels out.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from dropoff.kernel.json_array import ArrayReader, Element
from dropoff.kernel.textfile import FileInvalid, text_chunks
from dropoff.ports.fetching import Request, check_url, fetched, host_of
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

ROWS = 1_000
PARCEL_KEYS = ("parcel_mail_in", "post_office:parcel_from", "post_office:parcel_to", "post_office:parcel_mail_in")
"""A shop with one of these takes parcels in."""
_NO = frozenset(("no", "none", "disused", "abandoned"))
_YES = frozenset(("yes", "true", "1"))
_WHEELCHAIR = {"yes": True, "designated": True, "no": False}
"""`limited` is neither."""
_KILOGRAMS = re.compile(r"(\d{1,4}(?:[.,]\d{1,3})?)\s*kg", re.IGNORECASE | re.ASCII)
"""Without a unit the map means tonnes, and mappers of lockers often something else."""


class OsmSettings(msgspec.Struct, frozen=True):
    countries: str
    """ISO codes between commas, for example `DK,SE`: one query each."""
    url: str = "https://overpass-api.de/api/interpreter"
    patience_s: float = 300
    """Overpass thinks before it says the first byte."""


class OpenStreetMap:
    def __init__(self, settings: OsmSettings, countries: tuple[str, ...]) -> None:
        self._settings, self._countries = settings, countries

    @property
    def host(self) -> str:
        return host_of(self._settings.url)

    def pages(self, cursor: str | None) -> Iterator[Page]:
        """The cursor is the country that comes next; within a country the answer is read from its start."""
        if cursor is not None and cursor not in self._countries:
            raise Malformed("the cursor belongs to other settings")
        start = 0 if cursor is None else self._countries.index(cursor)
        seen: set[str] = set()
        for at, country in enumerate(self._countries[start:], start):
            request = Request(
                url=self._settings.url,
                method="POST",
                body=query(country, int(self._settings.patience_s)).encode(),
                headers={"Content-Type": "text/plain; charset=utf-8"},
                patience_s=self._settings.patience_s,
            )
            with fetched(request) as path:
                after = self._countries[at + 1] if at + 1 < len(self._countries) else None
                yield from self._country_pages(path, country, seen, after)

    def _country_pages(self, path: Path, country: str, seen: set[str], after: str | None) -> Iterator[Page]:
        reader = ArrayReader(text_chunks(path), "elements")
        rows: list[Point | LeftOut] = []
        try:
            for element in reader:
                row = read_element(element, country)
                if row.id is None or row.id not in seen:
                    seen.add(row.id or "")
                    rows.append(row)
                if len(rows) == ROWS:
                    yield Page(rows=tuple(rows))
                    rows.clear()
        except FileInvalid as error:
            raise Malformed(f"{self.host} gave no whole Overpass answer. {error}") from None
        remark = reader.frame.get("remark")
        if remark:
            # Overpass says 200 first and only at the end that it ran out of time or memory.
            raise Unavailable(f"{self.host} broke off: {' '.join(str(remark).split())[:200]}")
        yield Page(rows=tuple(rows), cursor=after)


def query(country: str, timeout_s: int) -> str:
    shops = "".join(f'nwr["{key}"](area.here);' for key in PARCEL_KEYS)
    return (
        f"[out:json][timeout:{timeout_s}];"
        f'area["ISO3166-1"="{country}"]["admin_level"="2"]->.here;'
        '(nwr["amenity"~"^(parcel_locker|post_office)$"](area.here);'
        f'nwr["post_office"="post_partner"](area.here);{shops});'
        "out tags center;"
    )


def read_element(element: Element, country: str) -> Point | LeftOut:
    item = element.value
    if element.reason is not None:
        return LeftOut(id=None, reason=element.reason, detail=element.detail, gone=False)
    if not isinstance(item, dict) or not isinstance(item.get("tags"), dict):
        return LeftOut(id=None, reason="not_an_object", detail="The element has no tags.", gone=False)
    ident = f"{item.get('type')}/{item.get('id')}"
    tags = {key: value for key, value in item["tags"].items() if isinstance(key, str) and isinstance(value, str)}
    kind = _kind(tags)
    if (why := _why_not(tags, kind)) is not None:
        return LeftOut(id=ident, reason=why[0], detail=why[1])
    centre = item["center"] if isinstance(item.get("center"), dict) else item
    return Point(
        id=ident,
        name=_name(tags),
        kind=kind,
        operator=tags.get("operator") or tags.get("brand") or tags.get("network"),
        street=_street(tags),
        postcode=tags.get("addr:postcode"),
        city=tags.get("addr:city") or tags.get("addr:place"),
        country=tags.get("addr:country", country).upper(),
        opening_hours=tags.get("opening_hours"),
        accepts=["parcel"],
        phone=tags.get("phone") or tags.get("contact:phone"),
        url=tags.get("website") or tags.get("contact:website"),
        carriers=_carriers(tags, kind),
        step_free=_WHEELCHAIR.get(tags.get("wheelchair", "")),
        max_weight_g=_max_weight(tags.get("maxweight", "")),
        photo_url=tags["image"] if tags.get("image", "").startswith("https://") else None,
        access_note=tags.get("description") if kind == "locker" else None,
        lat=centre.get("lat"),
        lon=centre.get("lon"),
        repaired=("encoding",) if element.repaired else (),
    )


def _kind(tags: Mapping[str, str]) -> str | None:
    if tags.get("amenity") == "parcel_locker":
        return "locker"
    if tags.get("post_office") == "post_partner" or ("shop" in tags and _takes_parcels(tags)):
        return "store"
    if tags.get("amenity") == "post_office":
        return "post_office"
    return "store" if _takes_parcels(tags) else None


def _carriers(tags: Mapping[str, str], kind: str | None) -> list[str] | None:
    """Those that the parcel tags name; a locker or a post office without such names is its operator's."""
    named = [name.strip() for key in PARCEL_KEYS for name in tags.get(key, "").split(";")]
    found = [name for name in named if name and name.casefold() not in _YES | _NO | {"only"}]
    if not found and kind != "store":
        owner = tags.get("operator") or tags.get("brand") or tags.get("network") or ""
        found = [name.strip() for name in owner.split(";") if name.strip()]
    return list(dict.fromkeys(found)) or None


def _max_weight(text: str) -> int | None:
    found = _KILOGRAMS.fullmatch(text.strip())
    grams = round(float(found[1].replace(",", ".")) * 1_000) if found else 0
    return grams or None


def _takes_parcels(tags: Mapping[str, str]) -> bool:
    return any(key in tags and tags[key].casefold() not in _NO for key in PARCEL_KEYS)


def _why_not(tags: Mapping[str, str], kind: str | None) -> tuple[str, str] | None:
    if kind is None or tags.get("parcel_mail_in", "").casefold() in _NO:
        return "no_drop_off", "Parcels can be fetched there, not handed in."
    if tags.get("access") in ("private", "no"):
        return "private", "The place is not for everyone."
    out = tags.get("operational_status", "").casefold() in ("closed", "broken", "out_of_order")
    if out or any(tags.get(key, "").casefold() in _YES for key in ("disused", "abandoned", "demolished", "removed")):
        return "not_operating", "The place is out of service."
    return None


def _name(tags: Mapping[str, str]) -> str | None:
    """What stands on the door; a locker usually has a brand and a number instead of a name."""
    name = tags.get("name") or tags.get("brand") or tags.get("operator") or tags.get("network")
    ref = tags.get("ref")
    if name is None or ref is None or "name" in tags or ref in name:
        return name
    return f"{name} {ref}"


def _street(tags: Mapping[str, str]) -> str | None:
    street = tags.get("addr:street") or tags.get("addr:place")
    number = tags.get("addr:housenumber")
    return f"{street} {number}" if street and number else street


def connect(name: str, environment: Mapping[str, str]) -> OpenStreetMap:
    settings = read_settings(name, environment, OsmSettings)
    prefix = setting_prefix(name)
    check_url(f"{prefix}URL", settings.url)
    countries = tuple(filter(None, settings.countries.replace(" ", "").upper().split(",")))
    if not countries or not all(len(code) == 2 and code.isascii() and code.isalpha() for code in countries):
        raise Misconfigured(f"{prefix}COUNTRIES must be ISO codes between commas, for example DK,SE")
    return OpenStreetMap(settings, tuple(dict.fromkeys(countries)))
