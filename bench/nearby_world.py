"""A made-up network of any size, the same in every run: places crowd around cities as real ones do."""

import contextlib
import itertools
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from dropoff.db.migrate import upgrade
from dropoff.kernel.ids import CROCKFORD

SEED: Final = 20_261_122
CITIES: Final = 3_000
ENDS: Final = ((89.99, 0.0), (-16.8, 179.99))
"""Two of the cities: at the pole and across the antimeridian."""
PATTERNS: Final = 2_500
KINDS: Final = ("locker", "store", "post_office")
OPERATORS: Final = ("Swift", "Nordpost", "", *(f"Operator {number}" for number in range(30)))
WRITTEN_AT: Final = "2026-11-22T00:00:00.000Z"
FOUR: Final = "&kind=locker&accepts=box_free&operator=swift&open_at=2026-11-23T17:30:00Z"
"""Kind, what it takes, whose it is, open on a Monday at half past six: about 3.7 % pass."""


class Network(msgspec.Struct, frozen=True):
    lat: Any
    lon: Any
    city: Any
    kind: Any
    operator: Any
    hours: Any
    box_free: Any

    def __len__(self) -> int:
        return len(self.lat)

    def near(self, count: int, seed: int, spread: float = 0.01) -> list[tuple[float, float]]:
        """Where people ask from: about a kilometre from some place."""
        chance = np.random.default_rng([SEED, seed])
        at = chance.integers(0, len(self), count)
        lats = self.lat[at] + chance.normal(0, spread, count)
        lons = self.lon[at] + chance.normal(0, spread, count)
        lats, lons = _on_earth(lats, lons)
        return list(zip(np.round(lats, 6).tolist(), np.round(lons, 6).tolist(), strict=True))


def network(count: int) -> Network:
    chance = np.random.default_rng(SEED)
    centres = np.column_stack([chance.uniform(37, 66, CITIES), chance.uniform(-9, 30, CITIES)])
    centres[100:102] = ENDS
    size = 1 / np.arange(1, CITIES + 1) ** 0.8
    city = chance.choice(CITIES, count, p=size / size.sum())
    # Larger cities are wider.
    spread = 0.02 + 0.08 * (size[city] ** 0.5)
    lat = centres[city, 0] + chance.normal(0, 1, count) * spread
    lon = centres[city, 1] + chance.normal(0, 1, count) * spread * 1.7
    lat, lon = _on_earth(lat, lon)
    return Network(
        lat=np.round(lat, 6),
        lon=np.round(lon, 6),
        city=city,
        kind=chance.choice(len(KINDS), count, p=[0.3, 0.55, 0.15]),
        operator=chance.choice(len(OPERATORS), count, p=[0.4, 0.2, 0.1, *[0.01] * 30]),
        hours=np.minimum((chance.pareto(0.7, count) * 3).astype(np.int64), PATTERNS - 1),
        box_free=chance.random(count) < 0.42,
    )


def _on_earth(lat: Any, lon: Any) -> tuple[Any, Any]:
    """Who goes on beyond the pole comes down on the other side."""
    beyond = lat > 90
    return np.where(beyond, 180 - lat, lat), (lon + 180 * beyond + 180) % 360 - 180


def pattern(number: int) -> str:
    """The frequent ones first, as in real networks: a few patterns cover most places."""
    if number % 7 == 0:
        return "24/7"
    opens, closes = 6 + number % 5, 17 + number % 6
    first, last = number // 5 % 12 * 5, number // 60 % 12 * 5
    weekend = f"; Sa {8 + number % 3:02}:00-{13 + number // 144 % 7}:00" if number % 3 else ""
    return f"Mo-Fr {opens:02}:{first:02}-{closes}:{last:02}{weekend}; PH off"


def ident(number: int) -> str:
    """In the order of a network that grew at random, not along the map."""
    digits, rest = [], number * 7_919 + (number * 2_654_435_761 % 2**32) * 2**40
    for _ in range(26):
        rest, digit = divmod(rest, 32)
        digits.append(CROCKFORD[digit])
    return "loc_" + "".join(digits)


def row(number: int, values: tuple[Any, ...], pattern: str) -> dict[str, Any]:
    lat, lon, city, kind, operator, _, box_free = values
    return {
        "id": ident(number),
        "source": "bench",
        "external_id": f"p{number}",
        "name": f"Corner shop {number}",
        "kind": KINDS[kind],
        "operator": OPERATORS[operator],
        "street": f"{('Main', 'Station', 'Market', 'Church')[number % 4]} Street {number % 180}",
        "postcode": f"{10_000 + city * 17 + number % 17}",
        "city": f"City {city}",
        "country": "DE",
        "phone": "",
        "url": "",
        "lat": lat,
        "lon": lon,
        "zone": "Europe/Berlin",
        "opening_hours": pattern,
        "hours_known": 1,
        "accepts": '["parcel","box_free"]' if box_free else '["parcel"]',
        "live": 1,
        "state": "active",
        "content_hash": f"{number:064x}",
        "place_key": f"city {city}",
        "postcode_key": f"{10_000 + city * 17 + number % 17}",
        "revision": 1,
        "created_at": WRITTEN_AT,
        "updated_at": WRITTEN_AT,
    }


def rows(made: Network) -> Iterator[dict[str, Any]]:
    hours = [pattern(number) for number in range(PATTERNS)]
    columns = [getattr(made, name).tolist() for name in made.__struct_fields__]
    for number, values in enumerate(zip(*columns, strict=True)):
        yield row(number, values, hours[values[5]])


def fill(path: Path, made: Network) -> str:
    """Writes the places past the import, which would check each of them. Answers the database's URL."""
    url = f"sqlite:///{path}"
    upgrade(url)
    every = rows(made)
    first = next(every)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in ("synchronous=OFF", "journal_mode=MEMORY", "cache_size=-200000"):
            connection.execute(f"PRAGMA {pragma}")
        names = list(first)
        insertion = f"INSERT INTO location ({', '.join(names)}) VALUES ({', '.join(f':{name}' for name in names)})"
        connection.execute("BEGIN")
        connection.executemany(insertion, itertools.chain([first], every))
        connection.execute("INSERT INTO network_revision (id, revision) VALUES (1, 1)")
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode=WAL")
    return url


def change(path: Path, which: str, what: str) -> int:
    """An SQL change of places, as a new revision of the network, by another process than any server's."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=20)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        (revision,) = connection.execute("SELECT revision + 1 FROM network_revision").fetchone()
        connection.execute(f"UPDATE location SET revision = {revision}, {what} WHERE {which}")
        connection.execute(f"UPDATE network_revision SET revision = {revision}")
        connection.execute("COMMIT")
    return int(revision)
