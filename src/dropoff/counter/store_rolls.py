"""SQL of rolls of tags and of labels printed beforehand. Rolls come last in the lock order that `store` tells, behind
the tags."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from dropoff.counter.tables import label_range, sscc_serial, tag, tag_roll
from dropoff.db import Prepared, Tx
from dropoff.db.schema import insert
from dropoff.kernel import gs1
from dropoff.kernel.tags import TagNumber, tag_number

TAGS = "T"
"""The row of `sscc_serial` that counts tags; company prefixes are digits."""
_CHUNK = 500


class Roll(msgspec.Struct, frozen=True):
    id: str
    location_id: str
    stem: str
    width: int
    first: int
    last: int
    used: int
    registered_at: datetime
    registered_by: str
    retired_at: datetime | None
    low_at: datetime | None

    @property
    def count(self) -> int:
        return self.last - self.first + 1

    @property
    def left(self) -> int:
        return self.count - self.used

    def holds(self, number: TagNumber) -> bool:
        return (self.stem, self.width) == (number.stem, number.width) and self.first <= number.number <= self.last

    def tag(self, number: int) -> str:
        return TagNumber(self.stem, self.width, number).tag()


_COLUMNS = [tag_roll.c[name] for name in Roll.__struct_fields__]
_ANY = Prepared(sa.select(tag_roll.c.id).where(tag_roll.c.retired_at.is_(None)).limit(1))
_AT = Prepared(
    sa.select(*_COLUMNS)
    .where(tag_roll.c.location_id == sa.bindparam("location_id"), tag_roll.c.retired_at.is_(None))
    .order_by(tag_roll.c.id)
)
_HOLDING = Prepared(
    sa.select(*_COLUMNS).where(
        tag_roll.c.stem == sa.bindparam("stem"),
        tag_roll.c.width == sa.bindparam("width"),
        tag_roll.c.first <= sa.bindparam("number"),
        tag_roll.c.last >= sa.bindparam("number"),
        tag_roll.c.retired_at.is_(None),
    )
)


def _roll(row: sa.Row[Any]) -> Roll:
    return Roll(**row._mapping)


def any_rolls(tx: Tx) -> bool:
    """Whether any place has one; most questions end here."""
    return bool(tx.once(_ANY))


def rolls_at(tx: Tx, location_id: str) -> list[Roll]:
    """Those in use there, oldest first."""
    return [_roll(row) for row in tx.read(_AT, location_id=location_id)]


def roll_holding(tx: Tx, number: TagNumber) -> Roll | None:
    """The roll in use that has this tag, wherever it is."""
    row = tx.first(_HOLDING, stem=number.stem, width=number.width, number=number.number)
    return _roll(row) if row else None


def find_roll(tx: Tx, roll_id: str) -> Roll | None:
    row = tx.first(sa.select(*_COLUMNS).where(tag_roll.c.id == roll_id))
    return _roll(row) if row else None


def list_rolls(tx: Tx, location_id: str | None, *, retired: bool, after: str, limit: int) -> list[Roll]:
    query = sa.select(*_COLUMNS).where(tag_roll.c.id > after).order_by(tag_roll.c.id).limit(limit)
    if location_id is not None:
        query = query.where(tag_roll.c.location_id == location_id)
    if not retired:
        query = query.where(tag_roll.c.retired_at.is_(None))
    return [_roll(row) for row in tx.read(query)]


def lock_rolls(tx: Tx) -> None:
    """Whoever registers rolls or draws numbers for them waits here for the other: ranges never overlap."""
    tx.change(
        insert(sscc_serial)
        .values(prefix=TAGS, next=0)
        .on_conflict_do_update(index_elements=[sscc_serial.c.prefix], set_={"next": sscc_serial.c.next})
    )


def overlapping(tx: Tx, wanted: TagNumber, last: int) -> Roll | None:
    """A roll in use that has one of these tags already."""
    query = sa.select(*_COLUMNS).where(
        tag_roll.c.stem == wanted.stem,
        tag_roll.c.width == wanted.width,
        tag_roll.c.first <= last,
        tag_roll.c.last >= wanted.number,
        tag_roll.c.retired_at.is_(None),
    )
    row = tx.first(query)
    return _roll(row) if row else None


def insert_roll(tx: Tx, roll: Roll) -> None:
    tx.append(tag_roll, msgspec.structs.asdict(roll))


def move_roll(tx: Tx, roll_id: str, location_id: str) -> Roll | None:
    statement = (
        sa.update(tag_roll)
        .where(tag_roll.c.id == roll_id, tag_roll.c.retired_at.is_(None))
        .values(location_id=location_id, low_at=None)
        .returning(*_COLUMNS)
    )
    rows = tx.change(statement)
    return _roll(rows[0]) if rows else None


def retire_roll(tx: Tx, roll_id: str, at: datetime) -> Roll | None:
    statement = (
        sa.update(tag_roll)
        .where(tag_roll.c.id == roll_id, tag_roll.c.retired_at.is_(None))
        .values(retired_at=at)
        .returning(*_COLUMNS)
    )
    rows = tx.change(statement)
    return _roll(rows[0]) if rows else None


def count_used(tx: Tx, roll_ids: Mapping[str, int]) -> None:
    """Adds to each roll how many of its tags went on parcels just now; in order of their ids."""
    for roll_id in sorted(roll_ids):
        tx.change(sa.update(tag_roll).where(tag_roll.c.id == roll_id).values(used=tag_roll.c.used + roll_ids[roll_id]))


def mark_low(tx: Tx, location_id: str, at: datetime) -> bool:
    """True once, until a fresh roll comes: of two tills that take the twentieth last tag together one tells it."""
    statement = (
        sa.update(tag_roll)
        .where(tag_roll.c.location_id == location_id, tag_roll.c.retired_at.is_(None), tag_roll.c.low_at.is_(None))
        .values(low_at=at)
        .returning(tag_roll.c.id)
    )
    return bool(tx.change(statement))


def used_in(tx: Tx, wanted: TagNumber, last: int) -> list[str]:
    """Tags of this range that were ever on a parcel and stand on no roll in use."""
    ends = (wanted.tag(), TagNumber(wanted.stem, wanted.width, last).tag())
    # By text first, which the primary key serves; every database sorts digits alike.
    rows = tx.read(sa.select(tag.c.tag).where(tag.c.tag.between(*ends)))
    found = []
    for row in rows:
        number = tag_number(row.tag)
        if number is not None and (number.stem, number.width) == (wanted.stem, wanted.width):
            found += [row.tag] if wanted.number <= number.number <= last else []
    return found


def adopt(tx: Tx, roll_id: str, tags: list[str]) -> None:
    """Tags that were used before their roll was registered."""
    for start in range(0, len(tags), _CHUNK):
        tx.change(sa.update(tag).where(tag.c.tag.in_(tags[start : start + _CHUNK])).values(roll_id=roll_id))


def draw_serials(tx: Tx, prefix: str, count: int) -> int:
    """The first of so many running numbers of a prefix; never the same twice, whoever draws at the same time."""
    statement = (
        insert(sscc_serial)
        .values(prefix=prefix, next=count)
        .on_conflict_do_update(index_elements=[sscc_serial.c.prefix], set_={"next": sscc_serial.c.next + count})
        .returning(sscc_serial.c.next)
    )
    return int(tx.change(statement)[0].next) - count


def insert_label_range(tx: Tx, row: dict[str, Any]) -> None:
    tx.append(label_range, row)


def is_printed(tx: Tx, sscc: str) -> bool:
    """Whether a bag label with this number was printed beforehand, under whatever prefix was ours then."""
    numbers = [gs1.split_sscc(sscc, length) for length in gs1.PREFIX_LENGTHS]
    held = [
        sa.and_(label_range.c.prefix == prefix, label_range.c.first <= number, label_range.c.last >= number)
        for prefix, number in numbers
    ]
    return tx.first(sa.select(label_range.c.id).where(sa.or_(*held)).limit(1)) is not None
