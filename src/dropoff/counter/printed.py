"""Rolls of tags and pre-printed bag labels: their numbers are drawn from the database, so none is ever printed twice,
whatever becomes of the print."""

from collections.abc import Callable, Iterator
from datetime import datetime

import msgspec

from dropoff.counter import rolls, store_rolls
from dropoff.counter.label_layouts import bag_sheet, head_sheet, tag_sheet
from dropoff.db import Tx
from dropoff.drawing import printing
from dropoff.drawing.marks import Sheet
from dropoff.kernel import gs1, tags
from dropoff.kernel.errors import Problem, not_found
from dropoff.kernel.ids import new_id
from dropoff.kernel.tags import OURS, TagNumber
from dropoff.network import service as network

PRINT_MAX = 100_000


class Printed(msgspec.Struct, frozen=True):
    """A run of numbers: one roll, or one batch of bag labels."""

    first: int
    count: int
    prefix: str
    """The GS1 prefix; `T` for tags."""
    roll: str | None = None
    """Its roll, when it was registered at a place."""

    @property
    def first_text(self) -> str:
        return _text(self.prefix, self.first)

    @property
    def last_text(self) -> str:
        return _text(self.prefix, self.first + self.count - 1)

    def sheets(self, size: tuple[float, float]) -> Iterator[Sheet]:
        """For a roll of tags its head first."""
        every = (_text(self.prefix, number) for number in range(self.first, self.first + self.count))
        if self.prefix != store_rolls.TAGS:
            yield from (bag_sheet(sscc, size) for sscc in every)
            return
        if self.count > 1:
            yield head_sheet(self.first_text, self.last_text, self.count, size)
        yield from (tag_sheet(tag, size) for tag in every)


def _text(prefix: str, number: int) -> str:
    return tags.make_tag(number) if prefix == store_rolls.TAGS else gs1.nth_sscc(prefix, number)


def draw_tags(
    tx: Tx, count: int, per_roll: int, location_id: str | None, at: datetime, actor: str
) -> list[Printed] | Problem:
    """Rolls of at most `per_roll` tags, each registered at the location when one is given."""
    if location_id is not None and network.location(tx, location_id) is None:
        return not_found("location")
    store_rolls.lock_rolls(tx)
    drawn = []
    while count:
        size = min(count, per_roll)
        first = _draw_unused(tx, size)
        roll = None
        if location_id is not None:
            roll = rolls.add(tx, TagNumber(*OURS, first), first + size - 1, location_id, at, actor).id
        drawn.append(Printed(first, size, store_rolls.TAGS, roll))
        count -= size
    return drawn


def _draw_unused(tx: Tx, size: int) -> int:
    """Passes over tags that came to parcels or to a roll from elsewhere, whose number nobody drew here."""
    while True:
        first = store_rolls.draw_serials(tx, store_rolls.TAGS, size)
        wanted, last = TagNumber(*OURS, first), first + size - 1
        if store_rolls.overlapping(tx, wanted, last) is None and not store_rolls.used_in(tx, wanted, last):
            return first


def draw_bag_labels(
    tx: Tx, prefix: str, count: int, location_id: str | None, at: datetime, actor: str
) -> list[Printed] | Problem:
    """From the serials that bags are numbered with: a bag that the server numbers never gets one of these."""
    if location_id is not None and network.location(tx, location_id) is None:
        return not_found("location")
    first = store_rolls.draw_serials(tx, prefix, count)
    row = {
        "id": new_id("lbl"),
        "prefix": prefix,
        "first": first,
        "last": first + count - 1,
        "location_id": location_id,
        "printed_at": at,
        "printed_by": actor,
    }
    store_rolls.insert_label_range(tx, row)
    return [Printed(first, count, prefix)]


def probe(kind: str, size: tuple[float, float]) -> None:
    """Raises `TooSmall` before a number is drawn when such a label has no room for its bars."""
    if kind == "tags":
        tag_sheet(tags.make_tag(0), size)
        head_sheet(tags.make_tag(0), tags.make_tag(1), 2, size)
    else:
        bag_sheet(gs1.nth_sscc(gs1.EXAMPLE_PREFIX, 0), size)


def file_name(kind: str, drawn: list[Printed]) -> str:
    return f"{kind}-{drawn[0].first_text}-{drawn[-1].last_text}.pdf"


def draw(
    drawn: list[Printed], size: tuple[float, float], suffix: str, told: Callable[[int], None] | None = None
) -> bytes:
    """As `.pdf` or `.zpl`. `told` hears how many labels are done."""
    sheets = (sheet for run in drawn for sheet in run.sheets(size))
    return printing.to_zpl(sheets, told) if suffix == ".zpl" else printing.to_pdf(sheets, "Labels", told)
