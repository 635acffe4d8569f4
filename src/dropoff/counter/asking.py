"""What a till asks when it takes things in: the shape of the question, and what makes no sense whatever the database
holds."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from dropoff.counter.rolls import Override
from dropoff.counter.rules import RefusedUnitReason
from dropoff.kernel import tags
from dropoff.kernel.errors import Problem, invalid
from dropoff.web.schema import Code, Time, WeightG

UnitRef = Annotated[str, Meta(min_length=1, max_length=60)]
TookMs = Annotated[int, Meta(ge=0, le=3_600_000)]


class ParcelIn(msgspec.Struct, frozen=True):
    tag: Code
    units: Annotated[tuple[UnitRef, ...], Meta(max_length=200)] = ()
    weight_g: WeightG | None = None
    packing: Literal["sealed", "box_free"] | None = None
    """A closed parcel that nobody looked into, or things that the clerk saw."""
    override: Override | None = None


class RefusedIn(msgspec.Struct, frozen=True):
    unit: UnitRef
    reason: RefusedUnitReason


class HandIn(msgspec.Struct, frozen=True, kw_only=True):
    pass_text: Code = msgspec.field(name="pass")
    """As scanned, or the short code as typed; of a visit too, with units of one of its returns."""
    parcels: Annotated[tuple[ParcelIn, ...], Meta(max_length=50)]
    refused: Annotated[tuple[RefusedIn, ...], Meta(max_length=200)] = ()
    everything: bool = False
    """All that this pass still has is in the one parcel, which names no units: a till without a network knows none."""
    container: Code | None = None
    """Its id or its SSCC as scanned; `auto`: the open one that goes there, else a new bag; without one the parcels wait
    loose."""
    scanned_at: Time
    device_now: Time | None = None
    """What the device's clock says while this is sent (the header `Device-Time`): a clock that is wrong is set right by
    it, by hours or by years."""
    clerk: Annotated[str, Meta(max_length=40)] | None = None
    """Who stood there (`clk_…`), as a till without a network noted it; else the shift that is open at the till."""
    took_ms: TookMs | None = None
    """Counter time: from the first scan until this was sent, by the till's own clock."""

    @property
    def taken(self) -> list[str]:
        return [unit for parcel in self.parcels for unit in parcel.units]

    @property
    def overridden(self) -> dict[str, str]:
        """Why the clerk takes a tag from elsewhere, by tag."""
        return {tags.fold_tag(one.tag): one.override.reason for one in self.parcels if one.override is not None}

    @property
    def named(self) -> list[str]:
        return self.taken + [one.unit for one in self.refused]


def shape_problem(data: HandIn) -> Problem | None:
    """What makes no sense in itself, whatever the database holds."""
    if not data.parcels and not data.refused:
        return invalid("/parcels", "A hand-in takes something or refuses something.")
    if data.everything and (len(data.parcels) != 1 or data.parcels[0].units or data.refused):
        return invalid("/everything", "Everything is one parcel that names no units, and nothing is refused.")
    for number, parcel in enumerate(data.parcels):
        if not parcel.units and not data.everything:
            return invalid(f"/parcels/{number}/units", "Name at least one unit.")
    named = [
        (f"/parcels/{n}/units/{p}", unit) for n, one in enumerate(data.parcels) for p, unit in enumerate(one.units)
    ]
    named += [(f"/refused/{n}/unit", one.unit) for n, one in enumerate(data.refused)]
    seen: set[str] = set()
    for pointer, unit in named:
        if unit in seen:
            return invalid(pointer, "The unit is named twice.")
        seen.add(unit)
    return None
