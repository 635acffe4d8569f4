"""SQL of imports: a file's rows wait in `location_stage`; one transaction puts them in force, set by set."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from dropoff.db import Tx
from dropoff.db.schema import insert
from dropoff.network.tables import location, location_import, location_stage, network_revision

_CONTENT = [c.name for c in location_stage.c if c.name not in ("import_id", "external_id", "id")]
_IDS_AT_ONCE = 1_000


def begin(tx: Tx, import_id: str, source: str, at: datetime) -> None:
    tx.append(location_import, {"id": import_id, "source": source, "state": "staging", "created_at": at})


def stage(tx: Tx, rows: list[dict[str, Any]]) -> None:
    tx.append_many(location_stage, rows)


def lock_network(tx: Tx) -> int:
    """The revision in force, held until the end of the transaction: changes of the network follow one another."""
    tx.change(insert(network_revision).values(id=1, revision=0).on_conflict_do_nothing())
    row = tx.first(sa.select(network_revision.c.revision).with_for_update())
    assert row is not None, "the row was just made sure of"
    return int(row.revision)


def set_revision(tx: Tx, revision: int) -> None:
    tx.change(sa.update(network_revision).values(revision=revision))


def count_unchanged(tx: Tx, import_id: str, source: str) -> int:
    same = sa.and_(_matches(import_id, source), location.c.content_hash == location_stage.c.content_hash)
    query = sa.select(sa.func.count()).where(same, location.c.state != "removed")
    row = tx.first(query)
    return int(row[0]) if row else 0


def update_changed(tx: Tx, import_id: str, source: str, revision: int, at: datetime) -> int:
    """A place that had been removed comes back; one that is paused or closed by hand stays so."""
    differs = sa.or_(location.c.content_hash != location_stage.c.content_hash, location.c.state == "removed")
    state = sa.case((location.c.state == "removed", "active"), else_=location.c.state)
    values: dict[str, Any] = {name: location_stage.c[name] for name in _CONTENT}
    values |= {"state": state, "revision": revision, "updated_at": at}
    return tx.count(sa.update(location).values(values).where(_matches(import_id, source), differs))


def insert_new(tx: Tx, import_id: str, source: str, revision: int, at: datetime) -> int:
    known = sa.exists().where(location.c.source == source, location.c.external_id == location_stage.c.external_id)
    names = ["id", "external_id", *_CONTENT]
    fresh = sa.select(
        *[location_stage.c[name] for name in names],
        sa.literal(source),
        sa.literal("active"),
        sa.literal(revision, sa.BigInteger),
        sa.literal(at, location.c.created_at.type),
        sa.literal(at, location.c.updated_at.type),
    ).where(location_stage.c.import_id == import_id, ~known)
    columns = [*names, "source", "state", "revision", "created_at", "updated_at"]
    insertion = sa.insert(location).from_select(columns, fresh)
    return tx.count(insertion.execution_options(preserve_rowcount=True))


def remove_missing(tx: Tx, import_id: str, source: str, spared: Collection[str], revision: int, at: datetime) -> int:
    """Marks as removed what the file no longer has. `spared` ids are in it, on rows that were refused."""
    staged = sa.exists().where(
        location_stage.c.import_id == import_id, location_stage.c.external_id == location.c.external_id
    )
    gone = [
        row.id
        for row in tx.read(
            sa.select(location.c.id, location.c.external_id).where(
                location.c.source == source, location.c.state != "removed", ~staged
            )
        )
        if row.external_id not in spared
    ]
    for start in range(0, len(gone), _IDS_AT_ONCE):
        chunk = gone[start : start + _IDS_AT_ONCE]
        values = {"state": "removed", "revision": revision, "updated_at": at}
        tx.change(sa.update(location).where(location.c.id.in_(chunk)).values(values))
    return len(gone)


def finish(tx: Tx, import_id: str, state: str, report: Any, at: datetime) -> None:
    """Ends the import and leaves nothing in the stage."""
    tx.change(sa.delete(location_stage).where(location_stage.c.import_id == import_id))
    tx.change(
        sa.update(location_import)
        .where(location_import.c.id == import_id, location_import.c.state == "staging")
        .values(state=state, report=report, ended_at=at)
    )


def abandoned(tx: Tx, before: datetime) -> list[str]:
    """Imports whose process died while staging."""
    query = sa.select(location_import.c.id).where(
        location_import.c.state == "staging", location_import.c.created_at < before
    )
    return [row.id for row in tx.read(query)]


def is_staging(tx: Tx, import_id: str) -> bool:
    query = sa.select(location_import.c.id).where(
        location_import.c.id == import_id, location_import.c.state == "staging"
    )
    return tx.first(query) is not None


def _matches(import_id: str, source: str) -> sa.ColumnElement[bool]:
    return sa.and_(
        location_stage.c.import_id == import_id,
        location.c.source == source,
        location.c.external_id == location_stage.c.external_id,
    )
