"""What can be read of imports and syncs afterwards: how far they are, what they did, and every row they told of."""

from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from dropoff.db import Tx
from dropoff.kernel.errors import Problem
from dropoff.network import import_store
from dropoff.network.cleaning import Rejected
from dropoff.network.import_store import Import, Told
from dropoff.network.importing import ImportReport, Repaired, rejected, repaired
from dropoff.plugins import PluginRegistry

ROWS_SHOWN: Final = 1_000
"""Refused and repaired rows that an import's own view names; all of them are under `rows`."""


class Progress(msgspec.Struct, frozen=True):
    rows_read: int
    rejected: int
    repaired: int


class ImportSummary(msgspec.Struct, frozen=True, kw_only=True):
    """`state`: `staging` (being read), `applying` (coming into force), `held` (by the brake), `done`, `failed`. A
    `trial` changes nothing: its counts say what would be."""

    id: str
    source: str
    kind: Literal["file", "sync", "trial"]
    state: str
    detail: str
    replace: bool
    host: str | None
    actor: str
    created_at: datetime
    ended_at: datetime | None
    progress: Progress
    created: int
    updated: int
    unchanged: int
    removed: int


class ImportView(ImportSummary, frozen=True, kw_only=True):
    """`report` is there once the import has ended; its lists are cut at 1,000 rows."""

    report: ImportReport | None
    would: list["WouldChange"]
    """On a trial: places that would be created, updated or removed, the first of each."""


class WouldChange(msgspec.Struct, frozen=True):
    change: Literal["create", "update", "remove"]
    external_id: str
    name: str


class ImportPage(msgspec.Struct, frozen=True):
    items: list[ImportSummary]
    next: str | None


class ImportRow(msgspec.Struct, frozen=True):
    index: int
    outcome: str
    external_id: str | None
    reason: str
    detail: str
    fields: tuple[str, ...]


class ImportRowPage(msgspec.Struct, frozen=True):
    items: list[ImportRow]
    next: str | None


class SourceView(msgspec.Struct, frozen=True, kw_only=True):
    """Where places come from. `set_up`: a plug-in of this process can sync it."""

    name: str
    set_up: bool
    plugin: str | None
    host: str | None
    every_s: float | None
    tried_at: datetime | None
    synced_at: datetime | None
    held_import: str | None


class SourceList(msgspec.Struct, frozen=True):
    items: list[SourceView]
    next: None = None


def view(tx: Tx, import_id: str) -> ImportView | Problem:
    found = import_store.find(tx, import_id)
    if found is None:
        return Problem("not-found", "There is no such import.")
    counts = import_store.told_counts(tx, [import_id])
    return ImportView(
        **_fields(found, counts),
        report=_report(tx, found) if found.state in ("held", "done") and found.kind != "trial" else None,
        would=[
            WouldChange(row.outcome, row.external_id or "", row.detail)
            for row in import_store.told(tx, import_id, ("create", "update", "remove"), (-1, ""), 3 * ROWS_SHOWN)
            if row.outcome in ("create", "update", "remove")
        ],
    )


def page(tx: Tx, source: str | None, state: str | None, before: str, limit: int) -> ImportPage:
    """The newest first."""
    found = import_store.listed(tx, source, state, before, limit + 1)
    shown = found[:limit]
    counts = import_store.told_counts(tx, [one.id for one in shown])
    items = [ImportSummary(**_fields(one, counts)) for one in shown]
    return ImportPage(items, shown[-1].id if len(found) > limit else None)


def rows(tx: Tx, import_id: str, outcomes: tuple[str, ...], after: tuple[int, str], limit: int) -> Any:
    if import_store.find(tx, import_id) is None:
        return Problem("not-found", "There is no such import.")
    found = import_store.told(tx, import_id, outcomes, after, limit + 1)
    shown = found[:limit]
    last = f"{shown[-1].row_index}.{shown[-1].outcome}" if len(found) > limit else None
    return ImportRowPage([_row(one) for one in shown], last)


def sources(tx: Tx, plugins: PluginRegistry) -> SourceList:
    known = {source.name: source for source in import_store.sources(tx)}
    held = {found.source: found.id for found in import_store.listed(tx, None, "held", "", 1_000)}
    items = []
    for name in sorted({*known, *plugins.sources}):
        stored, installed = known.get(name), plugins.sources.get(name)
        items.append(
            SourceView(
                name=name,
                set_up=installed is not None,
                plugin=installed.plugin if installed else None,
                host=stored.host if stored and stored.host else installed.source.host if installed else None,
                every_s=installed.every_s if installed else None,
                tried_at=stored.tried_at if stored else None,
                synced_at=stored.synced_at if stored else None,
                held_import=held.get(name),
            )
        )
    return SourceList(items)


def _fields(found: Import, counts: dict[tuple[str, str], int]) -> dict[str, Any]:
    same = [name for name in ImportSummary.__struct_fields__ if name not in ("replace", "progress")]
    told = [counts.get((found.id, outcome), 0) for outcome in ("rejected", "repaired")]
    return {name: getattr(found, name) for name in same} | {
        "replace": found.replaces,
        "progress": Progress(found.rows_read, *told),
    }


def _report(tx: Tx, found: Import) -> ImportReport:
    def told(outcome: str) -> list[Told]:
        return import_store.told(tx, found.id, (outcome,), (-1, ""), ROWS_SHOWN)

    refused: list[Rejected] = [rejected(row) for row in told("rejected")]
    mended: list[Repaired] = [repaired(row) for row in told("repaired")]
    return ImportReport(found.created, found.updated, found.unchanged, found.removed, refused, mended)


def _row(row: Told) -> ImportRow:
    return ImportRow(row.row_index, row.outcome, row.external_id, row.reason, row.detail, row.fields)
