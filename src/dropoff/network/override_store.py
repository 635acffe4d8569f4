"""SQL of single places' fields: set by hand, kept by hand when their source is synced, and given back to it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from dropoff.db import Tx
from dropoff.db.schema import insert
from dropoff.network import word_store
from dropoff.network.location_fields import ALL_COLUMNS, Override, stored
from dropoff.network.tables import location, location_override, location_source

_content = [location.c[name] for name in ALL_COLUMNS]
_override = [location_override.c[name] for name in Override.__struct_fields__]


def content(tx: Tx, location_id: str) -> dict[str, Any] | None:
    """Every column that a source or an operator fills in, with the id and who tells of the place."""
    about = (location.c.id, location.c.source, location.c.external_id, location.c.state, location.c.live)
    row = tx.first(sa.select(*about, *_content).where(location.c.id == location_id))
    return dict(row._mapping) if row else None


def set_fields(tx: Tx, location_id: str, values: dict[str, Any], revision: int, at: datetime) -> None:
    changed = values | {"revision": revision, "updated_at": at}
    tx.change(sa.update(location).where(location.c.id == location_id).values(changed))
    word_store.refresh(tx, location_id)


def add_location(tx: Tx, row: dict[str, Any]) -> bool:
    """False when the source has a place with that external id."""
    tx.change(insert(location_source).values(name=row["source"]).on_conflict_do_nothing())
    fresh = insert(location).values(row).on_conflict_do_nothing().returning(location.c.id)
    if not tx.change(fresh):
        return False
    word_store.note(tx, {}, {row["id"]: row["words"]})
    return True


def overrides(tx: Tx, location_id: str) -> dict[str, Override]:
    """By field."""
    query = sa.select(*_override).where(location_override.c.location_id == location_id)
    return {row.field: _override_of(row) for row in tx.read(query.order_by(location_override.c.field))}


def _override_of(row: Any) -> Override:
    return Override(*row)


def put(tx: Tx, override: Override) -> None:
    values = {name: getattr(override, name) for name in Override.__struct_fields__}
    changed = {name: values[name] for name in ("source_value", "made_at", "made_by")}
    row = insert(location_override).values(values)
    tx.change(row.on_conflict_do_update(index_elements=["location_id", "field"], set_=changed))


def drop(tx: Tx, location_id: str, field: str) -> None:
    tx.change(sa.delete(location_override).where(_of(location_id, field)))


def _of(location_id: str, field: str) -> sa.ColumnElement[bool]:
    return sa.and_(location_override.c.location_id == location_id, location_override.c.field == field)


Kept = dict[str, tuple[list[str], dict[str, Any]]]
"""Place → its fields set by hand, and what it holds."""


def kept_by_hand(tx: Tx, source: str, external_ids: Sequence[str]) -> Kept:
    """Of those places that are about to take what their source says."""
    query = (
        sa.select(location_override.c.location_id, location_override.c.field, *_content)
        .join(location, location.c.id == location_override.c.location_id)
        .where(location.c.source == source, location.c.external_id.in_(external_ids))
    )
    kept: Kept = {}
    for row in tx.read(query):
        fields, _ = kept.setdefault(row.location_id, ([], dict(row._mapping)))
        fields.append(row.field)
    return kept


def put_back(tx: Tx, kept: Kept) -> None:
    """The fields set by hand hold again; what the source says of them now is noted beside."""
    for location_id, (fields, before) in kept.items():
        said = content(tx, location_id)
        assert said is not None, "it was just changed"
        values: dict[str, Any] = {}
        for field in fields:
            values |= stored(field, before)
            noted = sa.update(location_override).where(_of(location_id, field))
            tx.change(noted.values(source_value=stored(field, said)))
        tx.change(sa.update(location).where(location.c.id == location_id).values(values))
        word_store.reword(tx, location_id)
