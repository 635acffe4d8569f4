"""Redis and PostgreSQL with PostGIS, for the finder's rows: found where they are installed, started, and filled with
the same places.

    apt-get install redis-server postgresql postgresql-15-postgis-3

Each runs on a socket in a folder of its own and is stopped and removed with it. Whatever helps them is done ahead and
not charged to them: answers lie ready as JSON, and who is open is looked up in a table.
"""

import asyncio
import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import psycopg
import redis

from bench.nearby_world import KINDS, OPERATORS, Network, rows
from dropoff.network.nearby_columns import operator_key
from dropoff.network.nearby_place import Place, fragment

GEO: Final = "geo"
PIECES: Final = "pieces"
REDIS: Final = "Redis GEOSEARCH"
POSTGIS: Final = "PostGIS KNN"
_AT_ONCE: Final = 5_000
START_S: Final = 60
REDIS_LAT_MAX: Final = 85.05
"""Nearer to the poles Redis holds no place and takes no question."""
_TABLE: Final = """
CREATE EXTENSION postgis;
CREATE TABLE place (
    position geography(Point, 4326) NOT NULL, kind text NOT NULL, operator text NOT NULL, box_free boolean NOT NULL,
    hours smallint NOT NULL, piece bytea NOT NULL
);
"""
_INDICES: Final = """
CREATE INDEX place_position ON place USING gist (position);
CREATE INDEX place_kind ON place (kind, operator);
VACUUM ANALYZE place;
"""


class Peer(msgspec.Struct, frozen=True):
    name: str
    url: str


def narrowed(kind: str, operator: str, box_free: bool) -> str:
    """Redis filters nothing: each combination is a set of its own, as one would do there."""
    return f"{GEO}:{kind}:{operator_key(operator)}:{int(box_free)}"


def member(number: int, hours: int) -> str:
    return f"{number}:{hours}"


@contextlib.contextmanager
def peers(made: Network) -> Iterator[list[Peer]]:
    """Those that are installed, filled."""
    with contextlib.ExitStack() as running:
        found = []
        if (program := shutil.which("redis-server")) is not None:
            found.append(Peer(REDIS, running.enter_context(_redis(program, made))))
        if (programs := _postgres_programs()) is not None:
            found.append(Peer(POSTGIS, running.enter_context(_postgis(programs, made))))
        yield found


def pieces(made: Network) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Each place as a row, and its ready JSON, as the service's own index has it."""
    for row in rows(made):
        fields = {name: row[name] for name in Place.__struct_fields__ if name in row}
        place = Place(**fields | {"hours_known": True, "accepts": tuple(msgspec.json.decode(row["accepts"]))})
        yield row, fragment(place)


@contextlib.contextmanager
def _folder(owner: str | None) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="bench-peer-"))
    try:
        if owner is not None:
            shutil.chown(folder, owner)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _redis(program: str, made: Network) -> Iterator[str]:
    with _folder(None) as folder:
        socket = folder / "redis.sock"
        options = ["--port", "0", "--unixsocket", str(socket), "--save", "", "--appendonly", "no", "--dir", str(folder)]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([program, *options], stdout=log, stderr=log)
        try:
            with contextlib.closing(redis.Redis(unix_socket_path=str(socket))) as client:
                _until(lambda: bool(client.ping()), redis.ConnectionError)
                _fill_redis(client, made)
            yield f"unix://{socket}"
        finally:
            process.terminate()
            process.wait(30)


def _fill_redis(client: Any, made: Network) -> None:
    hours = made.hours.tolist()
    pipe = client.pipeline(transaction=False)
    for number, (row, piece) in enumerate(pieces(made)):
        if abs(row["lat"]) <= REDIS_LAT_MAX:
            name = member(number, hours[number])
            where = (row["lon"], row["lat"], name)
            pipe.geoadd(GEO, where)
            pipe.geoadd(narrowed(row["kind"], row["operator"], "box_free" in row["accepts"]), where)
            pipe.hset(PIECES, name, piece)
        if number % _AT_ONCE == _AT_ONCE - 1:
            pipe.execute()
    pipe.execute()


def _postgres_programs() -> Path | None:
    """The newest PostgreSQL of the system that has PostGIS."""
    found = []
    for programs in Path("/usr/lib/postgresql").glob("*/bin"):
        version = programs.parent.name
        if Path(f"/usr/share/postgresql/{version}/extension/postgis.control").exists() and version.isdigit():
            found.append((int(version), programs))
    return max(found)[1] if found else None


@contextlib.contextmanager
def _postgis(programs: Path, made: Network) -> Iterator[str]:
    # PostgreSQL refuses to run as root.
    owner = "postgres" if os.geteuid() == 0 else None
    with _folder(owner) as folder:
        data = folder / "data"

        def run(program: str, *arguments: str) -> None:
            command = [str(programs / program), *arguments]
            who = {"user": owner, "group": pwd.getpwnam(owner).pw_gid, "extra_groups": []} if owner else {}
            with (folder / "out").open("ab") as out:
                subprocess.run(command, cwd=folder, stdout=out, stderr=out, check=True, timeout=300, **who)

        run("initdb", "-D", str(data), "-U", "bench", "-A", "trust", "-E", "UTF8", "--no-locale")
        settings = f"-k {folder} -c listen_addresses= -c shared_buffers=256MB -c fsync=off -c jit=off"
        run("pg_ctl", "-D", str(data), "-w", "-t", str(START_S), "-l", str(folder / "log"), "-o", settings, "start")
        try:
            url = f"postgresql://bench@/postgres?host={folder}"
            with psycopg.connect(url, autocommit=True) as connection:
                _fill_postgis(connection, made)
            yield url
        finally:
            run("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")


def _fill_postgis(connection: "psycopg.Connection[Any]", made: Network) -> None:
    connection.execute(_TABLE.encode())
    hours = made.hours.tolist()
    columns = "position, kind, operator, box_free, hours, piece"
    with connection.cursor().copy(f"COPY place ({columns}) FROM STDIN".encode()) as copy:
        for number, (row, piece) in enumerate(pieces(made)):
            where = f"SRID=4326;POINT({row['lon']!r} {row['lat']!r})"
            box_free = "box_free" in row["accepts"]
            copy.write_row((where, row["kind"], operator_key(row["operator"]), box_free, hours[number], piece))
    for statement in _INDICES.strip().splitlines():
        connection.execute(statement.encode())


def _until(true: Any, not_yet: type[Exception]) -> None:
    until = time.monotonic() + START_S
    while True:
        with contextlib.suppress(not_yet):
            if true():
                return
        if time.monotonic() > until:
            raise RuntimeError("a peer does not start")
        time.sleep(0.05)


async def near_by_redis(
    client: Any, here: tuple[float, float], limit: int, wanted: "Narrow"
) -> list[tuple[float, str]]:
    """Distances and members, nearest first. A radius must be named, so it grows until there are enough."""
    lat, lon = here
    if abs(lat) > REDIS_LAT_MAX:
        return []
    radius = 2_000.0
    while True:
        asked = [
            client.geosearch(
                key, longitude=lon, latitude=lat, radius=radius, unit="m", sort="ASC", count=wanted.asked(limit),
                withdist=True,
            )
            for key in wanted.keys
        ]  # fmt: skip
        parts = await asyncio.gather(*asked)
        found = [(float(far), name.decode()) for part in parts for name, far in part]
        if len(parts) > 1:
            found.sort()
        if wanted.open_ones is not None:
            found = [hit for hit in found if wanted.open_ones[int(hit[1].rpartition(":")[2])]]
        if len(found) >= limit or radius > 20_000_000:
            return found[:limit]
        radius *= 4


class Narrow(msgspec.Struct, frozen=True):
    """The filters of a question, as Redis needs them."""

    keys: tuple[str, ...]
    open_ones: list[bool] | None

    def asked(self, limit: int) -> int:
        return limit if self.open_ones is None else 4 * limit


def keys_of(kinds: frozenset[str], operators: frozenset[str], box_free: bool) -> tuple[str, ...]:
    if not kinds and not operators and not box_free:
        return (GEO,)
    return tuple(
        narrowed(kind, operator, free)
        for kind in KINDS
        if not kinds or kind in kinds
        for operator in OPERATORS
        if not operators or operator_key(operator) in operators
        for free in ((True,) if box_free else (True, False))
    )
