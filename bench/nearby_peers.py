"""A peer behind the same kind of handler as the service's: it reads the same question and writes the same answer.

python -m bench.nearby_peers --peer NAME --url URL --port N
"""

import argparse
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any, Final

import asyncpg
import redis.asyncio
import uvicorn
from litestar import Litestar, Request, get
from litestar.response.base import ASGIResponse

from bench import peers
from bench.nearby_world import PATTERNS, pattern
from dropoff.kernel.clock import now
from dropoff.network.nearby_filters import ANYTHING
from dropoff.network.nearby_hours import Pattern, Patterns, minute_of
from dropoff.network.search_query import Filters, SearchQuery, filters_of
from dropoff.web.body import parsed_query

_HOURS: Final = Patterns([Pattern(pattern(number), "Europe/Berlin", "DE", None) for number in range(PATTERNS)])
_NEAREST: Final = """
SELECT piece, ST_Distance(position, ST_Point($1, $2, 4326)::geography), hours FROM place
ORDER BY position <-> ST_Point($1, $2, 4326)::geography LIMIT $3
"""
_NEAREST_OF: Final = """
SELECT piece, ST_Distance(position, ST_Point($1, $2, 4326)::geography), hours FROM place
WHERE ($4::text[] IS NULL OR kind = ANY($4)) AND ($5::text[] IS NULL OR operator = ANY($5))
  AND (NOT $6 OR box_free) AND ($7::bytea IS NULL OR get_byte($7, hours) = 1)
ORDER BY position <-> ST_Point($1, $2, 4326)::geography LIMIT $3
"""
POOL: Final = 16
Row = tuple[bytes, float, int]
Asks = Callable[[tuple[float, float], Filters], Awaitable[list[Row]]]


@lru_cache(maxsize=1_024)
def _filters(query_string: bytes) -> Filters:
    return filters_of(parsed_query(query_string, SearchQuery))


@lru_cache(maxsize=64)
def _open_ones(minute: int | None) -> list[bool] | None:
    if minute is None:
        return None
    return list(_HOURS.at(minute).are_open().tolist())


@lru_cache(maxsize=2)
def _said(minute: int) -> list[bytes]:
    return _HOURS.said(list(range(PATTERNS)), minute)


async def by_redis(url: str) -> Asks:
    client = redis.asyncio.Redis.from_url(url, max_connections=64)

    async def ask(here: tuple[float, float], filters: Filters) -> list[Row]:
        wanted = filters.wanted
        keys = peers.keys_of(wanted.kinds, wanted.operators, "box_free" in wanted.accepts)
        narrow = peers.Narrow(keys, _open_ones(filters.open_at))
        found = await peers.near_by_redis(client, here, filters.limit, narrow)
        if not found:
            return []
        pieces = await client.hmget(peers.PIECES, [name for _, name in found])
        told = zip(found, pieces, strict=True)
        return [(piece, far, int(name.rpartition(":")[2])) for (far, name), piece in told]

    return ask


async def by_postgis(url: str) -> Asks:
    pool = await asyncpg.create_pool(url, min_size=POOL, max_size=POOL)

    async def ask(here: tuple[float, float], filters: Filters) -> list[Row]:
        lat, lon = here
        wanted, opens = filters.wanted, _open_ones(filters.open_at)
        if wanted == ANYTHING and opens is None:
            return [tuple(row) for row in await pool.fetch(_NEAREST, lon, lat, filters.limit)]
        narrow = (sorted(wanted.kinds) or None, sorted(wanted.operators) or None, "box_free" in wanted.accepts)
        found = await pool.fetch(_NEAREST_OF, lon, lat, filters.limit, *narrow, None if opens is None else bytes(opens))
        return [tuple(row) for row in found]

    return ask


def create_app(connect: Callable[[], Awaitable[Asks]]) -> Litestar:
    async def open_connections(app: Litestar) -> None:
        app.state.ask = await connect()

    @get("/ready")
    async def ready() -> ASGIResponse:
        return ASGIResponse(body=b"ok")

    @get("/v1/locations")
    async def nearest(request: Request[Any, Any, Any]) -> ASGIResponse:
        near, _, rest = request.scope["query_string"].partition(b"&")
        lat, lon = map(float, near.removeprefix(b"near=").split(b","))
        rows = await request.app.state.ask((lat, lon), _filters(rest))
        said = _said(minute_of(now()))
        items = b",".join([b'%b,"distance_m":%.1f,%b}' % (piece, far, said[h]) for piece, far, h in rows])
        body = b'{"items":[%b],"near":{"lat":%a,"lon":%a},"next":null}' % (items, lat, lon)
        return ASGIResponse(body=body, media_type="application/json")

    return Litestar([ready, nearest], on_startup=[open_connections], openapi_config=None, logging_config=None)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--peer", choices=[peers.REDIS, peers.POSTGIS], required=True)
    parser.add_argument("--url", required=True)
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    connect = {peers.REDIS: by_redis, peers.POSTGIS: by_postgis}[arguments.peer]
    app = create_app(lambda: connect(arguments.url))
    port: int = arguments.port
    uvicorn.run(app, host="127.0.0.1", port=port, access_log=False, log_config=None, server_header=False)


if __name__ == "__main__":
    main()
