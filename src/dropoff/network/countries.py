"""Which country codes exist and which country a position lies in.

Both come from the `tzdata` package (ISO 3166 list, zone → country) and `tzfpy` (position → zone): one source for zones,
countries and containment, see docs/decisions/0004-country-of-a-position.md.
"""

from functools import cache
from importlib.resources import files

import tzfpy

NEAR_BORDER_DEG = 0.1
"""tzfpy's borders are simplified; within about 11 km of a border nothing is claimed about the country."""

UNKNOWN_ZONE = "Etc/UTC"


def _table(name: str) -> list[list[str]]:
    text = files("tzdata").joinpath("zoneinfo", name).read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]


@cache
def country_codes() -> frozenset[str]:
    """ISO 3166-1 alpha-2, upper case."""
    return frozenset(row[0] for row in _table("iso3166.tab"))


@cache
def _zone_countries() -> dict[str, str]:
    return {row[2]: row[0] for row in _table("zone.tab")}


@cache
def _names() -> dict[str, str]:
    return {row[0]: row[1] for row in _table("iso3166.tab")}


def country_name(code: str) -> str:
    """In English; the code itself when there is no such country."""
    return _names().get(code, code)


def zone_at(lat: float, lon: float) -> str:
    """The IANA zone of a position; at sea one of the `Etc/GMT` zones."""
    return tzfpy.get_tz(lon, lat) or UNKNOWN_ZONE


def _countries_at(lat: float, lon: float) -> set[str | None]:
    return {_zone_countries().get(zone) for zone in tzfpy.get_tzs(lon, lat)}


def lies_in(country: str, lat: float, lon: float) -> bool:
    return country in _countries_at(lat, lon)


def lies_near(country: str, lat: float, lon: float) -> bool:
    """True also a little outside the border, where a mismatch proves nothing."""
    steps = (0.0, NEAR_BORDER_DEG, -NEAR_BORDER_DEG)
    return any(
        lies_in(country, max(-90.0, min(90.0, lat + north)), (lon + east + 180.0) % 360.0 - 180.0)
        for north in steps
        for east in steps
    )
