"""The operator's imports and sources: a file brought in, syncs asked for and compared, what they tell, held ones freed.

A page that waits reads itself anew; no script is needed.
"""

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import anyio.to_thread
import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from dropoff.access.guards import check_form_token
from dropoff.access.principal import principal
from dropoff.db import Tx
from dropoff.kernel.clock import now
from dropoff.kernel.errors import PROBLEMS, Problem
from dropoff.network import import_reports, importing, sources_api, sources_jobs, syncing
from dropoff.network.import_api import FILE_MAX, ImportQuery, Running, to_disk
from dropoff.network.import_reports import ImportRow, ImportSummary, SourceView
from dropoff.network.pages_operator import Head, head, read_form
from dropoff.web import words
from dropoff.web.languages import N_, _, ngettext
from dropoff.web.problems import Refused
from dropoff.web.shell import page, render, see_other

SHOWN: Final = 30
ROWS_SHOWN: Final = 100
ENDINGS: Final = tuple(kind + packed for kind in (".geojson", ".json", ".csv") for packed in ("", ".gz", ".zip"))
FIELDS_MAX: Final = 4_000
"""Of the form's fields before the file, together."""
STATES: Final = {
    "staging": (N_("Being read"), "wait"),
    "applying": (N_("Coming into force"), "wait"),
    "held": (N_("Held: look at it"), "bad"),
    "done": (N_("Done"), "good"),
    "failed": (N_("Failed"), "bad"),
}
KINDS: Final = {"file": N_("File"), "sync": N_("Sync"), "trial": N_("Comparison")}
REASON_WORDS: Final = {"rejected": N_("refused"), "repaired": N_("repaired")}
CHANGES: Final = {"create": N_("new"), "update": N_("changed"), "remove": N_("gone")}
UTC_ZONE: Final = "UTC"


class Line(msgspec.Struct, frozen=True):
    url: str
    source: str
    kind: str
    state: str
    tone: str
    when: str
    told: str


class ListView(msgspec.Struct, frozen=True):
    head: Head
    imports: list[Line]
    more: str
    errors: tuple[tuple[str, str], ...]
    source: str
    sources: tuple[str, ...]


class OneView(msgspec.Struct, frozen=True):
    head: Head
    line: Line
    id: str
    detail: str
    is_running: bool
    is_held: bool
    is_trial: bool
    counts: tuple[tuple[str, int], ...]
    rows: list[tuple[str, str, str]]
    """What happened, to which row, and why."""
    more: str


class SourceLine(msgspec.Struct, frozen=True):
    name: str
    what: str
    set_up: bool
    when: str
    held: str


class SourcesView(msgspec.Struct, frozen=True):
    head: Head
    sources: list[SourceLine]


@get("/imports", include_in_schema=False)
async def list_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    return await _list_page(request, (), request.query_params.get("source", "")[:60])


async def _list_page(
    request: Request[Any, Any, Any], errors: tuple[tuple[str, str], ...], source: str, status: int = 200
) -> ASGIResponse:
    context, after = request.app.state.context, request.query_params.get("after", "")[:40]
    found = await context.db.read(import_reports.page, None, None, after, SHOWN)
    known = await context.db.read(import_reports.sources, context.plugins)
    view = ListView(
        head=head(request, "imports"),
        imports=[_line(one, now()) for one in found.items],
        more=f"/network/imports?after={found.next}" if found.next else "",
        errors=errors,
        source=source,
        sources=tuple(one.name for one in known.items),
    )
    return page(render("network/imports.html", view), status)


def _line(found: ImportSummary, at: datetime) -> Line:
    state, tone = STATES[found.state]
    changed = [f"{count} {word}" for word, count in _counts(found) if count]
    told = ", ".join(changed) or (found.detail if found.state == "failed" else _("nothing changed"))
    if found.state in ("staging", "applying"):
        told = ngettext("%(num)d row read", "%(num)d rows read", found.progress.rows_read)
    when = words.first_capital(words.at(found.created_at, UTC_ZONE, at))
    return Line(f"/network/imports/{found.id}", found.source, KINDS[found.kind], state, tone, f"{when} UTC", told)


def _counts(found: ImportSummary) -> tuple[tuple[str, int], ...]:
    return (
        (_("new"), found.created),
        (_("changed"), found.updated),
        (_("gone"), found.removed),
        (_("refused"), found.progress.rejected),
        (_("repaired"), found.progress.repaired),
    )


@get("/imports/{import_id:str}", include_in_schema=False)
async def import_page(request: Request[Any, Any, Any], import_id: FromPath[str]) -> ASGIResponse:
    db = request.app.state.context.db
    found = await db.read(import_reports.view, import_id)
    if isinstance(found, Problem):
        raise Refused(found)
    after = sources_api.row_cursor(request.query_params.get("after", ""))
    rows = await db.read(import_reports.rows, import_id, sources_api.TOLD, after or (-1, ""), ROWS_SHOWN)
    view = OneView(
        head=head(request, "imports"),
        line=_line(found, now()),
        id=found.id,
        detail=found.detail,
        is_running=found.state in ("staging", "applying"),
        is_held=found.state == "held",
        is_trial=found.kind == "trial",
        counts=(*_counts(found)[:3], (_("unchanged"), found.unchanged), *_counts(found)[3:]),
        rows=[_row(row) for row in rows.items],
        more=f"/network/imports/{import_id}?after={rows.next}" if rows.next else "",
    )
    return page(render("network/import.html", view))


def _row(row: ImportRow) -> tuple[str, str, str]:
    if row.outcome in CHANGES:
        return CHANGES[row.outcome], row.external_id or "", row.detail
    which = row.external_id or _("row %(number)d", number=row.index + 1)
    return REASON_WORDS[row.outcome], which, row.detail or ", ".join(row.fields)


@post("/uploads", include_in_schema=False, request_max_body_size=None)
async def upload(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Its fields come before its file, which goes to the disk as it arrives."""
    context = request.app.state.context
    fields: dict[str, str] = {}
    try:
        path = await _received(request, fields, context.settings.data)
    except (MultipartError, UnicodeDecodeError):
        raise Refused(Problem("invalid-request", "The form cannot be read.")) from None
    source, name = fields.get("source", "").strip(), fields.get("filename", "")
    errors = _upload_errors(source, name, path)
    if errors:
        if path is not None:
            path.unlink(missing_ok=True)
        return await _list_page(request, errors, source, 422)
    assert path is not None, "a missing file is an error"
    wanted = ImportQuery(source, "replace" in fields)
    kind = importing.kind_of(Path(name))
    actor = principal(request).actor
    running = Running(context, path, kind, wanted, actor, trial="trial" in fields, waits=False)
    outcome = await anyio.to_thread.run_sync(running.wait, abandon_on_cancel=True)
    if isinstance(outcome, Problem):
        detail = outcome.detail or PROBLEMS[outcome.code].help
        return await _list_page(request, (("source", detail),), source, 409)
    return see_other(f"/network/imports/{outcome}")


def _upload_errors(source: str, name: str, path: Path | None) -> tuple[tuple[str, str], ...]:
    errors = []
    if not name or path is None:
        errors.append(("file", _("Choose a file.")))
    elif not name.lower().endswith(ENDINGS):
        errors.append(("file", _("The file's name ends in .geojson, .json or .csv; packed, in .gz or .zip behind it.")))
    if not importing.is_source_name(source):
        errors.append(("source", _("The name has letters, digits, dots and dashes, at most 60.")))
    return tuple(errors)


async def _received(request: Request[Any, Any, Any], fields: dict[str, str], folder: Path) -> Path | None:
    """The file; its name and the other fields go into `fields`. Nothing is written before the form's token is seen."""
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != "multipart/form-data" or "boundary" not in options:
        raise Refused(Problem("unsupported-media-type"))
    if int(request.headers.get("content-length") or 0) > FILE_MAX:
        raise Refused(Problem("body-too-large"))
    parts = _Parts(request, PushMultipartParser(options["boundary"], max_segment_size=FILE_MAX, header_charset="utf-8"))
    path = None
    async for segment in parts:
        if segment.filename is None:
            fields[segment.name] = await _text(parts, sum(map(len, fields.values())))
        elif path is None:
            check_form_token(request, fields.get("csrf_token", ""))
            fields["filename"] = segment.filename
            path = await to_disk(parts.content(), folder)
    check_form_token(request, fields.get("csrf_token", ""))
    return path


class _Parts:
    """Segments and their bytes, one after the other, from a body that is still on its way."""

    def __init__(self, request: Request[Any, Any, Any], parser: PushMultipartParser) -> None:
        self._events = self._parse(request, parser)
        self._ahead: Any = None

    async def _parse(self, request: Request[Any, Any, Any], parser: PushMultipartParser) -> AsyncIterator[Any]:
        async for piece in request.stream():
            for event in parser.parse(piece):
                yield event
        for event in parser.parse(b""):
            yield event

    def __aiter__(self) -> AsyncIterator[MultipartSegment]:
        return self._segments()

    async def _segments(self) -> AsyncIterator[MultipartSegment]:
        async for event in self._events:
            if isinstance(event, MultipartSegment):
                yield event

    async def content(self) -> AsyncIterator[bytes]:
        """Of the segment that came last."""
        async for event in self._events:
            if event is None:
                return
            if not isinstance(event, MultipartSegment):
                yield bytes(event)


async def _text(parts: _Parts, before: int) -> str:
    found = bytearray()
    async for piece in parts.content():
        found += piece
        if before + len(found) > FIELDS_MAX:
            raise Refused(Problem("body-too-large"))
    return found.decode().replace("\0", "")


@post("/imports/{import_id:str}/release", include_in_schema=False)
async def release(request: Request[Any, Any, Any], import_id: FromPath[str]) -> ASGIResponse:
    return await _do(request, sources_api.release, import_id, principal(request).actor, to=import_id)


@post("/imports/{import_id:str}/drop", include_in_schema=False)
async def drop(request: Request[Any, Any, Any], import_id: FromPath[str]) -> ASGIResponse:
    return await _do(request, syncing.drop_held, import_id, now(), principal(request).actor, to=import_id)


async def _do(request: Request[Any, Any, Any], fn: Callable[..., Any], *values: Any, to: str) -> ASGIResponse:
    outcome = await request.app.state.context.db.write(fn, *values)
    # It came to its end meanwhile, by another's hand or by itself: the page shows how it stands.
    if isinstance(outcome, Problem) and outcome.code != "location-import-not-held":
        raise Refused(outcome)
    return see_other(f"/network/imports/{to}")


@get("/sources", include_in_schema=False)
async def sources_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    context, at = request.app.state.context, now()
    found = await context.db.read(import_reports.sources, context.plugins)
    view = SourcesView(head(request, "sources"), [_source(one, at) for one in found.items])
    return page(render("network/sources.html", view))


def _source(found: SourceView, at: datetime) -> SourceLine:
    parts = [found.plugin or _("files"), found.host or ""]
    if found.every_s:
        parts.append(_every(found.every_s))
    when = f"{words.at(found.synced_at, UTC_ZONE, at)} UTC" if found.synced_at else ""
    held = f"/network/imports/{found.held_import}" if found.held_import else ""
    return SourceLine(found.name, " · ".join(part for part in parts if part), found.set_up, when, held)


def _every(seconds: float) -> str:
    if seconds < 3600:
        return _("every %(minutes)s min", minutes=words.short(seconds / 60))
    return ngettext("every hour", "every %(num)d hours", round(seconds / 3600))


@post("/sources/{source:str}/sync", include_in_schema=False)
async def sync(request: Request[Any, Any, Any], source: FromPath[str]) -> ASGIResponse:
    form = await read_form(request)
    if source not in request.app.state.context.plugins.sources:
        raise Refused(Problem("location-source-unknown"))
    trial, actor = bool(form.text("trial")), principal(request).actor
    await request.app.state.context.db.write(_ask, source, actor, trial)
    return see_other("/network/imports")


def _ask(tx: Tx, source: str, actor: str, trial: bool) -> None:
    sources_jobs.enqueue_sync(tx, source, None, actor, trial)


UPLOADS: Final[list[Any]] = [upload]
HANDLERS: Final[list[Any]] = [list_page, import_page, release, drop, sources_page, sync]
