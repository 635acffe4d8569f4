"""The most frequent question, answered before the framework looks at it: finding a place is quicker than routing.

Only what is plain is answered here. Whatever is unusual, wrong or slow goes on to the handler in `search_api`, which
answers the same to what is plain, byte by byte.
"""

import re
import time
from functools import lru_cache
from itertools import chain
from typing import Any, Final

from litestar.types import ASGIApp, Receive, Send

from dropoff.network.nearby import Nearby, Snapshot
from dropoff.network.nearby_ranking import Found, Slow
from dropoff.network.search_query import LIMIT_MAX, Filters, SearchQuery, filters_of
from dropoff.web.body import parsed_query
from dropoff.web.problems import Refused

PATH: Final = "/v1/locations"
_PLAIN: Final = re.compile(rb"near=(-?\d{1,2}(?:\.\d{1,15})?)(?:,|%2C)(-?\d{1,3}(?:\.\d{1,15})?)(?:&(.*))?", re.DOTALL)


class Door:
    """An ASGI application around another one."""

    def __init__(self, app: ASGIApp, nearby: Nearby) -> None:
        self._app = app
        self._nearby = nearby

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "GET":
            told = plainly(self._nearby.snapshot, scope["query_string"], int(time.time()) // 60)
            if told is not None:
                scope["path_template"] = PATH
                await send(_start(len(told)))
                await send({"type": "http.response.body", "body": told, "more_body": False})
                return
        await self._app(scope, receive, send)


def plainly(snapshot: Snapshot, query_string: bytes, minute: int) -> bytes | None:
    """The answer; None when the question is not plain."""
    asked = _PLAIN.fullmatch(query_string)
    if asked is None:
        return None
    here = float(asked[1]), float(asked[2])
    if not (-90.0 <= here[0] <= 90.0 and -180.0 <= here[1] <= 180.0):
        return None
    try:
        filters = _filters(asked[3] or b"")
        if filters is None:
            return None
        found = snapshot.ask(filters.question(here, minute, patient=False))
    except (Refused, Slow):
        return None
    return told(snapshot, found, here, minute)


@lru_cache(maxsize=1_024)
def _filters(query_string: bytes) -> Filters | None:
    """Remembered: people stand everywhere, but they want the same few things. None when `near` comes once more."""
    asked = parsed_query(query_string, SearchQuery)
    return filters_of(asked) if asked.near is None else None


def told(snapshot: Snapshot, found: Found, here: tuple[float, float], minute: int) -> bytes:
    """`FoundLocations` as JSON, put together from ready pieces: encoding it would take longer than finding it."""
    refs = found.refs
    columns = (snapshot.pieces(refs), found.metres, snapshot.openings(refs, minute), snapshot.evidence(refs, minute))
    return _frame(len(refs)) % (*chain.from_iterable(zip(*columns, strict=True)), *here)


@lru_cache(maxsize=LIMIT_MAX + 1)
def _frame(count: int) -> bytes:
    item = b'%b,"distance_m":%.1f,%b,"evidence":%b}'
    return b'{"items":[' + b",".join([item] * count) + b'],"near":{"lat":%a,"lon":%a},"next":null}'


def _start(length: int) -> Any:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % length)]
    return {"type": "http.response.start", "status": 200, "headers": headers}
