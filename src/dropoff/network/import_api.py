"""Location files over HTTP: streamed to disk, read in a thread, in force in one go."""

import contextlib
import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any, Final

import anyio.to_thread
import msgspec
from litestar import Request, post
from litestar.response.base import ASGIResponse
from msgspec import Meta

from dropoff.access.guards import for_operator
from dropoff.access.principal import principal
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem
from dropoff.network import importing, refreshing
from dropoff.network.importing import SOURCE_PATTERN, ImportReport
from dropoff.web.answers import answer
from dropoff.web.body import query
from dropoff.web.openapi import doc
from dropoff.web.problems import Refused, problem_response

FILE_MAX: Final = 1 << 30
_WRITE_AT_ONCE: Final = 1 << 20
_FILE_TYPES: Final[dict[str, importing.FileKind]] = {
    "application/geo+json": "geojson",
    "application/json": "geojson",
    "text/csv": "csv",
}


class ImportQuery(msgspec.Struct, frozen=True):
    source: Annotated[str, Meta(pattern=SOURCE_PATTERN)]
    replace: bool = False


@post(
    "/v1/location-imports",
    guards=[for_operator],
    status_code=200,
    request_max_body_size=None,
    opt=doc(
        "Bring in a file of locations",
        query=ImportQuery,
        body=bytes,
        body_types=("application/geo+json", "text/csv"),
        answer=ImportReport,
        problems=("location-file-invalid",),
    ),
)
async def import_locations(request: Request[Any, Any, Any]) -> ASGIResponse:
    wanted = query(request, ImportQuery)
    content_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    kind = _FILE_TYPES.get(content_type)
    if kind is None or request.headers.get("content-encoding", "identity") != "identity":
        raise Refused(Problem("unsupported-media-type"))
    context = request.app.state.context
    async with _on_disk(request, context.settings.data) as path:

        def work() -> ImportReport | Problem:
            report = importing.import_file(
                context.db,
                path,
                kind,
                wanted.source,
                replace=wanted.replace,
                at=now(),
                actor=principal(request).actor,
            )
            # The others follow by themselves; whoever asks this server next finds the file in force. Should that fail,
            # the file is in force all the same, and this server's own refresher tries again.
            with contextlib.suppress(Exception):
                refreshing.refresh(context.db, context.nearby)
            return report

        outcome = await anyio.to_thread.run_sync(work)
    return problem_response(request, outcome) if isinstance(outcome, Problem) else answer(outcome)


@contextlib.asynccontextmanager
async def _on_disk(request: Request[Any, Any, Any], folder: Path) -> AsyncIterator[Path]:
    """The body as a file: it is never held in memory, whatever its size."""
    if int(request.headers.get("content-length") or 0) > FILE_MAX:
        raise Refused(Problem("body-too-large"))
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix="import-", suffix=".part", dir=folder)
    path = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            size, waiting = 0, bytearray()
            async for piece in request.stream():
                size += len(piece)
                if size > FILE_MAX:
                    raise Refused(Problem("body-too-large"))
                waiting += piece
                if len(waiting) >= _WRITE_AT_ONCE:
                    await anyio.to_thread.run_sync(file.write, bytes(waiting))
                    waiting.clear()
            await anyio.to_thread.run_sync(file.write, bytes(waiting))
        yield path
    finally:
        path.unlink(missing_ok=True)


HANDLERS: Final = [import_locations]
