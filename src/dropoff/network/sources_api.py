"""Sources of places over HTTP, for operators: what is set up, a sync asked for, and what imports and syncs tell."""

import re
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import Meta

from dropoff.access.guards import for_operator
from dropoff.access.principal import principal
from dropoff.db import Tx
from dropoff.events.jobs import enqueue
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem, invalid
from dropoff.network import import_reports, sources_jobs, syncing
from dropoff.network.import_reports import ImportPage, ImportRowPage, ImportView, SourceList
from dropoff.web.answers import read, write
from dropoff.web.body import query
from dropoff.web.openapi import doc
from dropoff.web.problems import problem_response
from dropoff.web.schema import Limit

TOLD: Final = ("rejected", "repaired", "create", "update", "remove")
_CURSOR: Final = re.compile(r"(\d{1,15})\.([a-z]{1,15})", re.ASCII)


class ImportListQuery(msgspec.Struct, frozen=True):
    """The newest first."""

    source: Annotated[str, Meta(max_length=60)] | None = None
    state: Literal["staging", "held", "applying", "done", "failed"] | None = None
    limit: Limit = 50
    after: Annotated[str, Meta(max_length=40)] = ""


class RowQuery(msgspec.Struct, frozen=True):
    """`create`, `update` and `remove` are told by a trial."""

    outcome: Literal["rejected", "repaired", "create", "update", "remove"] | None = None
    limit: Limit = 200
    after: Annotated[str, Meta(max_length=40)] = ""


class SyncQuery(msgspec.Struct, frozen=True):
    dry_run: bool = False
    """True: only tell what would change."""


class SyncAsked(msgspec.Struct, frozen=True):
    """A worker takes it up; see the imports of that source."""

    source: str
    dry_run: bool


@get(
    "/v1/location-imports",
    guards=[for_operator],
    opt=doc("List imports and syncs of places", query=ImportListQuery, answer=ImportPage),
)
async def list_imports(request: Request[Any, Any, Any]) -> ASGIResponse:
    wanted = query(request, ImportListQuery)
    return await read(request, import_reports.page, wanted.source, wanted.state, wanted.after, wanted.limit)


@get(
    "/v1/location-imports/{import_id:str}",
    guards=[for_operator],
    opt=doc("Read an import: how far it is, what it did", answer=ImportView, problems=("not-found",)),
)
async def get_import(request: Request[Any, Any, Any], import_id: FromPath[str]) -> ASGIResponse:
    return await read(request, import_reports.view, import_id)


@get(
    "/v1/location-imports/{import_id:str}/rows",
    guards=[for_operator],
    opt=doc("List the rows that an import told of", query=RowQuery, answer=ImportRowPage, problems=("not-found",)),
)
async def list_import_rows(request: Request[Any, Any, Any], import_id: FromPath[str]) -> ASGIResponse:
    wanted = query(request, RowQuery)
    after = row_cursor(wanted.after)
    if after is None:
        return problem_response(request, invalid("?after", "This is no cursor that the list has answered."))
    outcomes = TOLD if wanted.outcome is None else (wanted.outcome,)
    return await read(request, import_reports.rows, import_id, outcomes, after, wanted.limit)


def row_cursor(text: str) -> tuple[int, str] | None:
    """None when it is none of ours; the start for an empty one."""
    cursor = _CURSOR.fullmatch(text)
    if cursor is None:
        return None if text else (-1, "")
    return int(cursor[1]), cursor[2]


@post(
    "/v1/location-imports/{import_id:str}/release",
    guards=[for_operator],
    status_code=200,
    opt=doc(
        "Put a held import in force",
        answer=ImportView,
        key="optional",
        problems=("not-found", "location-import-not-held", "location-source-busy"),
    ),
)
async def release_import(request: Request[Any, Any, Any], import_id: FromPath[str]) -> ASGIResponse:
    return await write(request, release, import_id, principal(request).actor)


def release(tx: Tx, import_id: str, actor: str) -> ImportView | Problem:
    refused = syncing.let_go(tx, import_id, actor)
    if refused is not None:
        return refused
    enqueue(tx, sources_jobs.RELEASE, {"import": import_id})
    return import_reports.view(tx, import_id)


@post(
    "/v1/location-imports/{import_id:str}/drop",
    guards=[for_operator],
    status_code=200,
    opt=doc(
        "Drop a held import: nothing was changed, and nothing will be",
        answer=ImportView,
        key="optional",
        problems=("not-found", "location-import-not-held"),
    ),
)
async def drop_import(request: Request[Any, Any, Any], import_id: FromPath[str]) -> ASGIResponse:
    return await write(request, _drop, import_id, now(), principal(request).actor)


def _drop(tx: Tx, import_id: str, at: datetime, actor: str) -> ImportView | Problem:
    refused = syncing.drop_held(tx, import_id, at, actor)
    return import_reports.view(tx, import_id) if refused is None else refused


@get(
    "/v1/location-sources",
    guards=[for_operator],
    opt=doc("List where places come from", answer=SourceList),
)
async def list_sources(request: Request[Any, Any, Any]) -> ASGIResponse:
    return await read(request, import_reports.sources, request.app.state.context.plugins)


@post(
    "/v1/location-sources/{source:str}/sync",
    guards=[for_operator],
    status_code=202,
    opt=doc(
        "Ask for a sync of a source",
        query=SyncQuery,
        answer=SyncAsked,
        status=202,
        key="optional",
        problems=("location-source-unknown",),
    ),
)
async def sync_source(request: Request[Any, Any, Any], source: FromPath[str]) -> ASGIResponse:
    wanted = query(request, SyncQuery)
    if source not in request.app.state.context.plugins.sources:
        return problem_response(request, Problem("location-source-unknown", "No such source is set up here."))
    return await write(request, _ask, source, wanted.dry_run, principal(request).actor, status=202)


def _ask(tx: Tx, name: str, dry_run: bool, actor: str) -> SyncAsked:
    sources_jobs.enqueue_sync(tx, name, None, actor, dry_run)
    return SyncAsked(name, dry_run)


HANDLERS: Final[list[Any]] = [
    list_imports,
    get_import,
    list_import_rows,
    release_import,
    drop_import,
    list_sources,
    sync_source,
]
