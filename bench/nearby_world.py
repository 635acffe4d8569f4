"""A made-up network of any size, the same in every run: places crowd around cities as real ones do."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from dropoff.db.migrate import upgrade
from dropoff.kernel.ids import CROCKFORD
from dropoff.network.folding import fold

SEED: Final = 20_261_122
CITIES: Final = 3_000
PATTERNS: Final = 2_500
KINDS: Final = ("locker", "store", "post_office")
OPERATORS: Final = ("Swift", "Nordpost", "", *(f"Operator {number}" for number in range(30)))
CHUNK: Final = 20_000
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
        return list(zip(np.round(lats, 6).tolist(), np.round(lons, 6).tolist(), strict=True))


def network(count: int) -> Network:
    chance = np.random.default_rng(SEED)
    centres = np.column_stack([chance.uniform(37, 66, CITIES), chance.uniform(-9, 30, CITIES)])
    size = 1 / np.arange(1, CITIES + 1) ** 0.8
    city = chance.choice(CITIES, count, p=size / size.sum())
    # Larger cities are wider.
    spread = 0.02 + 0.08 * (size[city] ** 0.5)
    return Network(
        lat=np.round(centres[city, 0] + chance.normal(0, 1, count) * spread, 6),
        lon=np.round(centres[city, 1] + chance.normal(0, 1, count) * spread * 1.7, 6),
        city=city,
        kind=chance.choice(len(KINDS), count, p=[0.3, 0.55, 0.15]),
        operator=chance.choice(len(OPERATORS), count, p=[0.4, 0.2, 0.1, *[0.01] * 30]),
        hours=np.minimum((chance.pareto(0.7, count) * 3).astype(np.int64), PATTERNS - 1),
        box_free=chance.random(count) < 0.42,
    )


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


def rows(made: Network) -> Iterator[tuple[Any, ...]]:
    at = datetime(2026, 11, 22, tzinfo=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    hours = [pattern(number) for number in range(PATTERNS)]
    columns = [getattr(made, name).tolist() for name in made.__struct_fields__]
    for number, (lat, lon, city, kind, operator, hour, box_free) in enumerate(zip(*columns, strict=True)):
        town, postcode = f"City {city}", f"{10_000 + city * 17 + number % 17}"
        yield (
            ident(number),
            "bench",
            f"p{number}",
            f"Corner shop {number}",
            KINDS[kind],
            OPERATORS[operator],
            f"{('Main', 'Station', 'Market', 'Church')[number % 4]} Street {number % 180}",
            postcode,
            town,
            "DE",
            "",
            "",
            lat,
            lon,
            "Europe/Berlin",
            hours[hour],
            1,
            '["parcel","box_free"]' if box_free else '["parcel"]',
            1,
            "active",
            f"{number:064x}",
            fold(town),
            postcode,
            1,
            at,
            at,
        )


def fill(path: Path, made: Network) -> str:
    """Writes the places past the import, which would check each of them. Answers the database's URL."""
    url = f"sqlite:///{path}"
    upgrade(url)
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("synchronous=OFF", "journal_mode=MEMORY", "cache_size=-200000"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("BEGIN")
    for row in _chunks(rows(made)):
        connection.executemany(f"INSERT INTO location VALUES ({', '.join('?' * 26)})", row)
    connection.execute("INSERT INTO network_revision (id, revision) VALUES (1, 1)")
    connection.execute("COMMIT")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()
    return url


def _chunks(every: Iterator[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    chunk: list[tuple[Any, ...]] = []
    for row in every:
        chunk.append(row)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    yield chunk
