"""SQL of tags. They come last in the lock order that `store` tells."""

from collections.abc import Collection, Mapping
from datetime import datetime

import sqlalchemy as sa

from dropoff.counter.tables import container, parcel, tag
from dropoff.db import Prepared, Tx, into
from dropoff.db.schema import insert

_USED_TAGS = Prepared(sa.select(tag.c.tag).where(tag.c.tag.in_(sa.bindparam("tags", expanding=True))))
_ATTACH = Prepared(
    insert(tag)
    .values(**into(tag, "tag", "parcel_id", "roll_id", "attached_at"))
    .on_conflict_do_nothing(index_elements=[tag.c.tag])
    .returning(tag.c.tag)
)


def used_tags(tx: Tx, tags: Collection[str]) -> set[str]:
    return {row.tag for row in tx.read(_USED_TAGS, tags=list(tags))}


def attach_tags(tx: Tx, parcel_of: dict[str, str], roll_of: Mapping[str, str], at: datetime) -> set[str]:
    """Takes each tag for its parcel and answers those that were free. One statement each, in order, so that two tills
    with the same two tags never wait for each other. `roll_of`: the roll of each tag that stands on one."""
    taken = set()
    for text in sorted(parcel_of):
        rows = tx.change(_ATTACH, tag=text, parcel_id=parcel_of[text], roll_id=roll_of.get(text), attached_at=at)
        taken |= {row.tag for row in rows}
    return taken


def change_tag(tx: Tx, parcel_id: str, text: str) -> None:
    """The tag that the parcel carries from now on; the caller takes it for the parcel and voids the others."""
    tx.change(sa.update(parcel).where(parcel.c.id == parcel_id).values(tag=text))


def tags_near(tx: Tx, location_id: str, live: bool, limit: int) -> list[str]:
    """Of parcels that lie at a place, loose or in a container, or in a container on its way there."""
    here = sa.select(parcel.c.tag).where(
        parcel.c.location_id == location_id,
        parcel.c.container_id.is_(None),
        parcel.c.live == live,
        parcel.c.status.in_(("tagged", "at_hub")),
    )
    coming = sa.and_(
        container.c.next_kind == "hub", container.c.next_id == location_id, container.c.status == "handed_over"
    )
    inside = (
        sa.select(parcel.c.tag)
        .join(container, container.c.id == parcel.c.container_id)
        .where(
            sa.or_(container.c.location_id == location_id, coming),
            parcel.c.live == live,
            parcel.c.status.in_(("in_container", "in_transit")),
        )
    )
    return [row.tag for row in tx.read(here.union(inside).limit(limit))]


def void_tags(tx: Tx, parcel_ids: Collection[str], at: datetime) -> None:
    tx.change(sa.update(tag).where(tag.c.parcel_id.in_(parcel_ids), tag.c.void_at.is_(None)).values(void_at=at))
