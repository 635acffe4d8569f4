"""SQL that puts staged rows in force: a claim on the source, the comparison with the network, and the changes, each in
pieces that hold the write lane for a moment only."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from dropoff.db import Tx
from dropoff.db.schema import db_now, insert
from dropoff.network import override_store, word_store
from dropoff.network.tables import (
    location,
    location_import,
    location_import_row,
    location_source,
    location_stage,
    network_revision,
)

_LEFT = ("closed", "removed")
"""What an operator closed is not the source's to remove, or it would come back open once the source has it again."""
_CONTENT = [c.name for c in location_stage.c if c.name not in ("import_id", "external_id", "id", "verdict")]


class Weight(msgspec.Struct, frozen=True):
    """What an import would do. `lost`: places of the source that the public could not find any more, of `held` that the
    source has in the network now."""

    created: int
    updated: int
    unchanged: int
    removed: int
    lost: int
    held: int


def claim(tx: Tx, source: str, import_id: str, lease_s: float) -> bool:
    """False while another import of that source is at it."""
    free = sa.or_(
        location_source.c.claimed_by.is_(None),
        location_source.c.claimed_by == import_id,
        location_source.c.claimed_until < db_now(),
    )
    taking = sa.update(location_source).where(location_source.c.name == source, free)
    return tx.count(taking.values(claimed_by=import_id, claimed_until=db_now(lease_s))) == 1


def keep_claim(tx: Tx, source: str, import_id: str, lease_s: float) -> bool:
    """Beside each change that needs the claim; False when it ran out and another took it."""
    mine = sa.and_(location_source.c.name == source, location_source.c.claimed_by == import_id)
    tx.change(sa.update(location_import).where(location_import.c.id == import_id).values(touched_at=db_now()))
    return tx.count(sa.update(location_source).where(mine).values(claimed_until=db_now(lease_s))) == 1


def end_claim(tx: Tx, source: str, import_id: str) -> None:
    mine = sa.and_(location_source.c.name == source, location_source.c.claimed_by == import_id)
    tx.change(sa.update(location_source).where(mine).values(claimed_by=None, claimed_until=None))


def lock_network(tx: Tx) -> int:
    """The revision in force, held until the end of the transaction: changes of the network follow one another."""
    tx.change(insert(network_revision).values(id=1, revision=0).on_conflict_do_nothing())
    row = tx.first(sa.select(network_revision.c.revision).with_for_update())
    assert row is not None, "the row was just made sure of"
    return int(row.revision)


def set_revision(tx: Tx, revision: int) -> None:
    tx.change(sa.update(network_revision).values(revision=revision))


def learn_sizes(tx: Tx) -> None:
    """For PostgreSQL, which has seen the stage empty and would read all of it again for each place that it joins."""
    tx.change(sa.text("ANALYZE location_stage, location_import_row"))


def compare(tx: Tx, import_id: str, source: str, after: str, limit: int) -> str | None:
    """Gives the staged rows behind that external id their verdict; the last of them, or None when there was none."""
    mine = location_stage.c.import_id == import_id
    some = (
        sa.select(location_stage.c.external_id)
        .where(mine, location_stage.c.external_id > after)
        .order_by(location_stage.c.external_id)
        .limit(limit)
        .subquery()
    )
    row = tx.first(sa.select(sa.func.max(some.c.external_id)))
    if row is None or row[0] is None:
        return None
    same = sa.and_(location.c.content_hash == location_stage.c.content_hash, location.c.state != "removed")
    known = (
        sa.select(sa.case((same, "same"), else_="changed"))
        .where(location.c.source == source, location.c.external_id == location_stage.c.external_id)
        .scalar_subquery()
    )
    part = sa.and_(mine, location_stage.c.external_id > after, location_stage.c.external_id <= row[0])
    tx.change(sa.update(location_stage).where(part).values(verdict=sa.func.coalesce(known, "new")))
    return str(row[0])


def weigh(tx: Tx, import_id: str, source: str, replaces: bool) -> Weight:
    counted = sa.select(location_stage.c.verdict, sa.func.count().label("rows"))
    mine = counted.where(location_stage.c.import_id == import_id).group_by(location_stage.c.verdict)
    by_verdict = {row.verdict: int(row.rows) for row in tx.read(mine)}
    public = sa.and_(location.c.live.is_(True), location.c.kind != "hub")
    gone = _count(tx, sa.select(sa.func.count()).where(_missing(import_id, source))) if replaces else 0
    lost = _count(tx, sa.select(sa.func.count()).where(_missing(import_id, source), public)) if replaces else 0
    hidden = sa.or_(location_stage.c.live.is_(False), location_stage.c.kind == "hub")
    dark = sa.select(sa.func.count()).where(
        location_stage.c.import_id == import_id,
        location_stage.c.verdict == "changed",
        hidden,
        location.c.source == source,
        location.c.external_id == location_stage.c.external_id,
        location.c.state.not_in(_LEFT),
        public,
    )
    held = sa.select(sa.func.count()).where(location.c.source == source, location.c.state.not_in(_LEFT), public)
    return Weight(
        created=by_verdict.get("new", 0),
        updated=by_verdict.get("changed", 0),
        unchanged=by_verdict.get("same", 0),
        removed=gone,
        lost=lost + _count(tx, dark),
        held=_count(tx, held),
    )


def _count(tx: Tx, query: sa.Select[Any]) -> int:
    row = tx.first(query)
    return int(row[0]) if row else 0


def _missing(import_id: str, source: str) -> sa.ColumnElement[bool]:
    """In the network and not in the import; a row of it that was refused still vouches for its place."""
    is_staged = sa.exists().where(
        location_stage.c.import_id == import_id, location_stage.c.external_id == location.c.external_id
    )
    is_spared = sa.exists().where(
        location_import_row.c.import_id == import_id,
        location_import_row.c.external_id == location.c.external_id,
        location_import_row.c.spared.is_(True),
    )
    return sa.and_(location.c.source == source, location.c.state.not_in(_LEFT), ~is_staged, ~is_spared)


def start_applying(tx: Tx, import_id: str, weight: Weight) -> bool:
    """False when the import ended meanwhile."""
    values = {"state": "applying", "touched_at": db_now()} | {
        name: getattr(weight, name) for name in ("created", "updated", "unchanged", "removed")
    }
    ready = sa.and_(location_import.c.id == import_id, location_import.c.state.in_(("staging", "applying")))
    return tx.count(sa.update(location_import).where(ready).values(values)) == 1


def missing_ids(tx: Tx, import_id: str, source: str, after: str, limit: int) -> list[str]:
    """Of places that the import does not hold, in order; asked outside the write lane, since it may take long."""
    query = sa.select(location.c.id).where(_missing(import_id, source), location.c.id > after)
    return [row.id for row in tx.read(query.order_by(location.c.id).limit(limit))]


def remove(tx: Tx, import_id: str, source: str, ids: Sequence[str], revision: int, at: datetime) -> None:
    """Marks them as removed, if they are still missing."""
    values = {"state": "removed", "revision": revision, "updated_at": at}
    tx.change(sa.update(location).where(location.c.id.in_(ids), _missing(import_id, source)).values(values))


def apply_some(tx: Tx, import_id: str, source: str, revision: int, at: datetime, limit: int) -> int:
    """New and changed rows, so many at a time. Answers how many."""
    waiting = sa.select(location_stage.c.external_id, location_stage.c.verdict).where(
        location_stage.c.import_id == import_id, location_stage.c.verdict.in_(("new", "changed"))
    )
    rows = tx.read(waiting.limit(limit))
    new = [row.external_id for row in rows if row.verdict == "new"]
    changed = [row.external_id for row in rows if row.verdict == "changed"]
    before = word_store.words_at(tx, source, changed)
    if changed:
        _update(tx, import_id, source, changed, revision, at)
    if new:
        _insert(tx, import_id, source, new, revision, at)
    if rows:
        both = location_stage.c.external_id.in_([*new, *changed])
        tx.change(sa.update(location_stage).where(location_stage.c.import_id == import_id, both).values(verdict="done"))
        word_store.note(tx, before, word_store.words_at(tx, source, [*new, *changed]))
    return len(rows)


def _update(tx: Tx, import_id: str, source: str, ids: Sequence[str], revision: int, at: datetime) -> None:
    """A place that had been removed comes back; one that is paused or closed by hand stays so, also when its source had
    lost it meanwhile. What an operator set of it holds."""
    kept = override_store.kept_by_hand(tx, source, ids)
    back = sa.case((location.c.paused_by.is_not(None), "paused"), else_="active")
    state = sa.case((location.c.state == "removed", back), else_=location.c.state)
    values: dict[str, Any] = {name: location_stage.c[name] for name in _CONTENT}
    values |= {"state": state, "revision": revision, "updated_at": at}
    tx.change(
        sa.update(location)
        .values(values)
        .where(
            location_stage.c.import_id == import_id,
            location_stage.c.external_id.in_(ids),
            location.c.source == source,
            location.c.external_id == location_stage.c.external_id,
        )
    )
    override_store.put_back(tx, kept)


def _insert(tx: Tx, import_id: str, source: str, ids: Sequence[str], revision: int, at: datetime) -> None:
    names = ["id", "external_id", *_CONTENT]
    fresh = sa.select(
        *[location_stage.c[name] for name in names],
        sa.literal(source),
        sa.literal("active"),
        sa.literal(revision, sa.BigInteger),
        sa.literal(at, location.c.created_at.type),
        sa.literal(at, location.c.updated_at.type),
    ).where(location_stage.c.import_id == import_id, location_stage.c.external_id.in_(ids))
    columns = [*names, "source", "state", "revision", "created_at", "updated_at"]
    tx.change(insert(location).from_select(columns, fresh).on_conflict_do_nothing())


def would_change(tx: Tx, import_id: str, source: str, replaces: bool, limit: int) -> list[tuple[str, str, str]]:
    """(outcome, external id, name) of what an import would do, the first of each kind."""
    found: list[tuple[str, str, str]] = []
    for verdict, outcome in (("new", "create"), ("changed", "update")):
        query = sa.select(location_stage.c.external_id, location_stage.c.name).where(
            location_stage.c.import_id == import_id, location_stage.c.verdict == verdict
        )
        rows = tx.read(query.order_by(location_stage.c.external_id).limit(limit))
        found += [(outcome, row.external_id, row.name) for row in rows]
    if replaces:
        gone = sa.select(location.c.external_id, location.c.name).where(_missing(import_id, source))
        rows = tx.read(gone.order_by(location.c.external_id).limit(limit))
        found += [("remove", row.external_id, row.name) for row in rows]
    return found
