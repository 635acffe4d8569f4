"""Which countries there are and each one's first zone, from the tables of the `tzdata` package.

`zone.tab` puts a country's most populous zone first where geography allows; `zone1970.tab` would give Denmark Berlin's.
"""

from functools import cache
from importlib.resources import files
from zoneinfo import available_timezones


@cache
def first_zones() -> dict[str, str]:
    """ISO 3166 alpha-2 code to IANA zone."""
    zones: dict[str, str] = {}
    for line in files("tzdata").joinpath("zoneinfo", "zone.tab").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            country, _, zone = line.split("\t")[:3]
            zones.setdefault(country, zone)
    return zones


def first_zone(country: str) -> str | None:
    """None when there is no such country."""
    return first_zones().get(country)


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def is_zone(name: str) -> bool:
    return name in _zones()
