"""Location files over HTTP: streamed to disk, read in a thread, in force in one go."""

import contextlib
import logging
import os
import tempfile
import threading
from collections.abc import AsyncIterator
from concurrent.futures import Future
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
from dropoff.network.importing import SOURCE_PATTERN, ImportReport, Moments
from dropoff.web.answers import answer
from dropoff.web.body import query
from dropoff.web.openapi import doc
from dropoff.web.problems import Refused, problem_response

FILE_MAX: Final = importing.FILE_MAX
_WRITE_AT_ONCE: Final = 1 << 20
_FILE_TYPES: Final[dict[str, importing.FileKind]] = {
    "application/geo+json": "geojson",
    "application/json": "geojson",
    "text/csv": "csv",
}
_ENCODINGS: Final = ("identity", "gzip", "x-gzip")
"""Packed files are known by their content."""

log = logging.getLogger("dropoff.network")


class ImportQuery(msgspec.Struct, frozen=True):
    source: Annotated[str, Meta(pattern=SOURCE_PATTERN)]
    replace: bool = False


class ImportStarted(msgspec.Struct, frozen=True):
    """The file is large: read `url` for how far it is and, in the end, for its report."""

    id: str
    url: str


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
        also=((202, ImportStarted),),
        problems=("location-file-invalid", "location-source-busy"),
    ),
)
async def import_locations(request: Request[Any, Any, Any]) -> ASGIResponse:
    wanted = query(request, ImportQuery)
    content_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    kind = _FILE_TYPES.get(content_type)
    if kind is None or request.headers.get("content-encoding", "identity") not in _ENCODINGS:
        raise Refused(Problem("unsupported-media-type"))
    context = request.app.state.context
    path = await _on_disk(request, context.settings.data)
    running = Running(context, path, kind, wanted, principal(request).actor)
    outcome = await anyio.to_thread.run_sync(running.wait, abandon_on_cancel=True)
    if isinstance(outcome, str):
        url = f"{context.settings.base_url}/v1/location-imports/{outcome}"
        return answer(ImportStarted(outcome, url), 202, headers={"Location": url})
    return problem_response(request, outcome) if isinstance(outcome, Problem) else answer(outcome)


class Running:
    """An import in a thread of its own, which outlives the request: a caller that hangs up does not stop it, and one
    with a large file is answered before its end."""

    def __init__(
        self,
        context: Any,
        path: Path,
        kind: importing.FileKind,
        wanted: ImportQuery,
        actor: str,
        *,
        trial: bool = False,
        waits: bool = True,
    ) -> None:
        """`waits` False: answered as soon as the import has an id, for whoever comes back to look."""
        self._context, self._path, self._kind, self._wanted, self._actor = context, path, kind, wanted, actor
        self._trial, self._waits = trial, waits
        self._outcome: Future[ImportReport | Problem | str] = Future()
        threading.Thread(target=self._run, name="dropoff-import", daemon=True).start()

    def wait(self) -> ImportReport | Problem | str:
        """The report; or the import's id, when the file is large or nobody waits for it."""
        return self._outcome.result()

    def _run(self) -> None:
        try:
            answer = self._outcome.set_result
            bring = importing.try_file if self._trial else importing.import_file
            report = bring(
                self._context.db,
                self._path,
                self._kind,
                self._wanted.source,
                replace=self._wanted.replace,
                at=now(),
                actor=self._actor,
                when=Moments(large=answer) if self._waits else Moments(begun=answer),
            )
            self._path.unlink(missing_ok=True)
            # The others follow by themselves; whoever asks this server next finds the file in force. Should that fail,
            # the file is in force all the same, and this server's own refresher tries again.
            with contextlib.suppress(Exception):
                refreshing.refresh(self._context.db, self._context.nearby)
            if not self._outcome.done():
                self._outcome.set_result(report)
        except BaseException as error:
            if self._outcome.done():
                log.exception("an import that was answered already broke off")
            else:
                self._outcome.set_exception(error)
        finally:
            self._path.unlink(missing_ok=True)


async def _on_disk(request: Request[Any, Any, Any], folder: Path) -> Path:
    if int(request.headers.get("content-length") or 0) > FILE_MAX:
        raise Refused(Problem("body-too-large"))
    return await to_disk(request.stream(), folder)


async def to_disk(pieces: AsyncIterator[bytes], folder: Path) -> Path:
    """What comes as a file: it is never held in memory, whatever its size. Raises `Refused` when it is too large."""
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix="import-", suffix=".part", dir=folder)
    path = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            size, waiting = 0, bytearray()
            async for piece in pieces:
                size += len(piece)
                if size > FILE_MAX:
                    raise Refused(Problem("body-too-large"))
                waiting += piece
                if len(waiting) >= _WRITE_AT_ONCE:
                    await anyio.to_thread.run_sync(file.write, bytes(waiting))
                    waiting.clear()
            await anyio.to_thread.run_sync(file.write, bytes(waiting))
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


HANDLERS: Final = [import_locations]
