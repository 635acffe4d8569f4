"""SQL of imports and syncs: their rows wait in `location_stage`, what is told of single rows stands in
`location_import_row`. How staged rows come into force stands in `applying_store`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from dropoff.db import Tx
from dropoff.db.schema import db_now, insert
from dropoff.network.tables import location_import, location_import_row, location_source, location_stage

Kind = Literal["file", "sync", "trial"]
RUNNING = ("staging", "applying")
STAGES_OF = ("staging", "held", "applying")
"""States in which an import still needs its stage."""


class Import(msgspec.Struct, frozen=True):
    id: str
    source: str
    kind: Kind
    state: str
    replaces: bool
    released: bool
    host: str | None
    cursor: str | None
    runner: str | None
    rows_read: int
    created: int
    updated: int
    unchanged: int
    removed: int
    detail: str
    actor: str
    created_at: datetime
    touched_at: datetime
    ended_at: datetime | None


class Told(msgspec.Struct, frozen=True):
    """What is told of one row."""

    row_index: int
    outcome: Literal["rejected", "repaired", "create", "update", "remove"]
    external_id: str | None = None
    reason: str = ""
    detail: str = ""
    fields: tuple[str, ...] = ()
    spared: bool = False


class Source(msgspec.Struct, frozen=True):
    name: str
    host: str | None
    tried_at: datetime | None
    synced_at: datetime | None


_import_columns = [location_import.c[name] for name in Import.__struct_fields__]
_told_columns = [location_import_row.c[name] for name in Told.__struct_fields__]
_source_columns = [location_source.c[name] for name in Source.__struct_fields__]


def _import(row: Any) -> Import:
    return Import(*row)


def _source(row: Any) -> Source:
    return Source(*row)


def begin(tx: Tx, row: dict[str, Any]) -> bool:
    """False when a sync of that source is running."""
    values = {
        "state": "staging",
        "released": False,
        "rows_read": 0,
        "created": 0,
        "updated": 0,
        "unchanged": 0,
        "removed": 0,
        "detail": "",
        "touched_at": db_now(),
    }
    fresh = insert(location_import).values(**(values | row)).on_conflict_do_nothing().returning(location_import.c.id)
    made = bool(tx.change(fresh))
    if made:
        tx.change(insert(location_source).values(name=row["source"]).on_conflict_do_nothing())
    return made


def find(tx: Tx, import_id: str) -> Import | None:
    row = tx.first(sa.select(*_import_columns).where(location_import.c.id == import_id))
    return _import(row) if row else None


def running_sync(tx: Tx, source: str) -> Import | None:
    query = sa.select(*_import_columns).where(
        location_import.c.source == source, location_import.c.kind != "file", location_import.c.state.in_(RUNNING)
    )
    row = tx.first(query)
    return _import(row) if row else None


def in_state(tx: Tx, source: str, state: str, but: str = "") -> list[Import]:
    """The oldest first."""
    query = sa.select(*_import_columns).where(
        location_import.c.source == source, location_import.c.state == state, location_import.c.id != but
    )
    return [_import(row) for row in tx.read(query.order_by(location_import.c.id))]


def take_over(tx: Tx, found: Import, runner: str, silent_s: float) -> bool:
    """The import is that runner's when it was its already (the same name, another number), or nobody's, or that of one
    who gave no sign of life for so long. False: another reads it."""
    name, slash, _ = runner.rpartition("/")
    mine = location_import.c.runner.startswith(f"{name}/", autoescape=True) if slash else sa.false()
    silent = location_import.c.touched_at < db_now(-silent_s)
    held = sa.and_(location_import.c.id == found.id, location_import.c.state == "staging")
    nobodys = location_import.c.runner.is_(None)
    taking = sa.update(location_import).where(held, sa.or_(mine, nobodys, silent))
    return tx.count(taking.values(runner=runner, touched_at=db_now())) == 1


def touch(tx: Tx, import_id: str, runner: str) -> bool:
    """False when another took over, or the import came to its end."""
    return tx.count(sa.update(location_import).where(_read_by(import_id, runner)).values(touched_at=db_now())) == 1


def leave(tx: Tx, import_id: str, runner: str) -> None:
    """Stops reading for now; whoever comes next goes on at once."""
    tx.change(sa.update(location_import).where(_read_by(import_id, runner)).values(runner=None, touched_at=db_now()))


def progress(tx: Tx, import_id: str, runner: str, rows_read: int, cursor: str | None) -> bool:
    """Beside the rows of the same transaction; `cursor` None leaves the old one. False as in `touch`."""
    values: dict[str, Any] = {"rows_read": rows_read, "touched_at": db_now()}
    if cursor is not None:
        values["cursor"] = cursor
    return tx.count(sa.update(location_import).where(_read_by(import_id, runner)).values(values)) == 1


def _read_by(import_id: str, runner: str) -> sa.ColumnElement[bool]:
    return sa.and_(
        location_import.c.id == import_id, location_import.c.runner == runner, location_import.c.state == "staging"
    )


def set_replaces(tx: Tx, import_id: str, replaces: bool) -> None:
    tx.change(sa.update(location_import).where(location_import.c.id == import_id).values(replaces=replaces))


def staged(tx: Tx, import_id: str, external_ids: Sequence[str]) -> dict[str, str]:
    """Content hash by external id."""
    query = sa.select(location_stage.c.external_id, location_stage.c.content_hash).where(
        location_stage.c.import_id == import_id, location_stage.c.external_id.in_(external_ids)
    )
    return {row.external_id: row.content_hash for row in tx.read(query)}


def stage(tx: Tx, rows: list[dict[str, Any]]) -> None:
    tx.append_many(location_stage, rows)


def tell(tx: Tx, import_id: str, told: Sequence[Told]) -> None:
    """A page that is read again after a break tells the same again: once is kept."""
    for start in range(0, len(told), 500):
        rows = [msgspec.structs.asdict(one) | {"import_id": import_id} for one in told[start : start + 500]]
        tx.change(insert(location_import_row).values(rows).on_conflict_do_nothing())


def told(tx: Tx, import_id: str, outcomes: Sequence[str], after: tuple[int, str], limit: int) -> list[Told]:
    """Behind (row index, outcome), in that order."""
    columns = (location_import_row.c.row_index, location_import_row.c.outcome)
    query = sa.select(*_told_columns).where(
        location_import_row.c.import_id == import_id,
        location_import_row.c.outcome.in_(outcomes),
        sa.tuple_(*columns) > sa.tuple_(*(sa.literal(value) for value in after)),
    )
    return [_told(row) for row in tx.read(query.order_by(*columns).limit(limit))]


def _told(row: Any) -> Told:
    return Told(**(dict(row._mapping) | {"fields": tuple(row.fields)}))


def told_counts(tx: Tx, import_ids: Sequence[str]) -> dict[tuple[str, str], int]:
    """By import and outcome."""
    names = (location_import_row.c.import_id, location_import_row.c.outcome)
    query = sa.select(*names, sa.func.count().label("rows")).where(names[0].in_(import_ids)).group_by(*names)
    return {(row.import_id, row.outcome): int(row.rows) for row in tx.read(query)}


def reasons(tx: Tx, import_id: str) -> list[tuple[str, int]]:
    """Why rows were refused, the most frequent first."""
    mine = sa.and_(location_import_row.c.import_id == import_id, location_import_row.c.outcome == "rejected")
    count = sa.func.count().label("rows")
    query = sa.select(location_import_row.c.reason, count).where(mine).group_by(location_import_row.c.reason)
    return [(row.reason, int(row.rows)) for row in tx.read(query.order_by(count.desc(), location_import_row.c.reason))]


def finish(tx: Tx, import_id: str, state: str, detail: str, at: datetime, counts: dict[str, int] | None = None) -> bool:
    """Ends the import, or holds it; False when it had ended. Its stage is dropped apart, in pieces."""
    values: dict[str, Any] = {"state": state, "detail": detail[:500], "touched_at": db_now()} | (counts or {})
    if state != "held":
        values["ended_at"] = at
    running = sa.and_(location_import.c.id == import_id, location_import.c.state.in_(STAGES_OF))
    return tx.count(sa.update(location_import).where(running).values(values)) == 1


def release(tx: Tx, import_id: str, actor: str) -> bool:
    """A held import goes on, past the brake. False when it is not held any more. It is compared anew, for the network
    may have changed while it was held."""
    held = sa.and_(location_import.c.id == import_id, location_import.c.state == "held")
    values = {"state": "applying", "released": True, "actor": actor, "touched_at": db_now()}
    return tx.count(sa.update(location_import).where(held).values(values)) == 1


def drop_stage(tx: Tx, import_id: str, limit: int) -> int:
    some = sa.select(location_stage.c.external_id).where(location_stage.c.import_id == import_id).limit(limit)
    gone = sa.delete(location_stage).where(
        location_stage.c.import_id == import_id, location_stage.c.external_id.in_(some.scalar_subquery())
    )
    return tx.count(gone)


def drop_told(tx: Tx, import_id: str, limit: int) -> int:
    some = sa.select(location_import_row.c.row_index).where(location_import_row.c.import_id == import_id).limit(limit)
    gone = sa.delete(location_import_row).where(
        location_import_row.c.import_id == import_id, location_import_row.c.row_index.in_(some.scalar_subquery())
    )
    return tx.count(gone)


def left_stages(tx: Tx) -> list[str]:
    """Imports that ended and still have rows in the stage, because a process died between the two."""
    used = sa.exists().where(location_stage.c.import_id == location_import.c.id)
    query = sa.select(location_import.c.id).where(location_import.c.state.not_in(STAGES_OF), used)
    return [row.id for row in tx.read(query)]


def silent(tx: Tx, state: str, silent_s: float, kinds: Sequence[str]) -> list[Import]:
    query = sa.select(*_import_columns).where(
        location_import.c.state == state,
        location_import.c.kind.in_(kinds),
        location_import.c.touched_at < db_now(-silent_s),
    )
    return [_import(row) for row in tx.read(query)]


def delete_old(tx: Tx, ended_before: datetime, limit: int) -> int:
    """With all that they tell; the last of each source stay."""
    newer = location_import.alias()
    latest = sa.exists().where(newer.c.source == location_import.c.source, newer.c.id > location_import.c.id)
    old = (
        sa.select(location_import.c.id)
        .where(location_import.c.state.not_in(STAGES_OF), location_import.c.ended_at < ended_before, latest)
        .limit(limit)
    )
    return tx.count(sa.delete(location_import).where(location_import.c.id.in_(old.scalar_subquery())))


def listed(tx: Tx, source: str | None, state: str | None, before: str, limit: int) -> list[Import]:
    """The newest first."""
    query = sa.select(*_import_columns).order_by(location_import.c.id.desc()).limit(limit)
    for column, value in ((location_import.c.source, source), (location_import.c.state, state)):
        query = query if value is None else query.where(column == value)
    return [_import(row) for row in tx.read(query.where(location_import.c.id < before) if before else query)]


def sources(tx: Tx) -> list[Source]:
    return [_source(row) for row in tx.read(sa.select(*_source_columns).order_by(location_source.c.name))]


def mark_tried(tx: Tx, source: str, host: str, at: datetime) -> None:
    row = insert(location_source).values(name=source, host=host, tried_at=at)
    tx.change(row.on_conflict_do_update(index_elements=["name"], set_={"host": host, "tried_at": at}))


def mark_synced(tx: Tx, source: str, at: datetime) -> None:
    tx.change(sa.update(location_source).where(location_source.c.name == source).values(synced_at=at))
