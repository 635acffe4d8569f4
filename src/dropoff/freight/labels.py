"""What stands on a logistic label and where: one layout, drawn as PDF, PNG and ZPL by `dropoff.drawing`.

Pure: no database, no clock. A label is 4 by 6 inches with everything inside 100 by 146 mm, so that it also fits
A6. It names the origin, the warehouse and the goods' numbers; nothing on it is about a shopper.
"""

import msgspec

from dropoff.drawing.marks import Bars, Box, Mark, Sheet, Text, fitted, modules, text_width
from dropoff.kernel.gs1 import human_readable_sscc, is_example_prefix, is_sscc

WIDTH_MM, HEIGHT_MM = 101.6, 152.4
MODULE_MM = 25.4 / 50
"""The narrowest bar. GS1 wants 0.495 to 0.94 mm on logistic labels; a fiftieth of an inch is six dots at 300 dpi and
four at 203, so that every printer makes all bars of whole dots."""
BAR_HEIGHT_MM = 34.0
"""GS1 wants at least 31.75 mm."""
_LEFT, _RIGHT = 4.0, WIDTH_MM - 4.0


class LabelAddress(msgspec.Struct, frozen=True):
    name: str
    street: str
    postcode: str
    city: str
    country: str

    def lines(self) -> tuple[str, ...]:
        place = " ".join(part for part in (self.postcode, self.city) if part)
        return tuple(line for line in (self.street, f"{self.country}  {place}" if place else self.country) if line)


class LabelContent(msgspec.Struct, frozen=True, kw_only=True):
    """One container's label. `departs` is local text, made by the caller who knows the zone."""

    sscc: str
    position: int
    total: int
    carrier: str
    service: str
    origin: LabelAddress
    ship_to: LabelAddress
    departs: str
    kind: str
    parcel_count: int
    weight_g: int
    seal: str | None = None
    tracking_number: str | None = None
    live: bool = True


def sheet(label: LabelContent) -> Sheet:
    return Sheet(WIDTH_MM, HEIGHT_MM, layout(label))


def layout(label: LabelContent) -> list[Mark]:
    """The label from top to bottom."""
    marks = _head(label)
    marks += _address("FROM", label.origin, 18.5, 3.1, 3)
    marks += [Box(_LEFT, 35.0, _RIGHT - _LEFT, 0.3)]
    marks += _address("SHIP TO", label.ship_to, 39.0, 5.2, 5)
    marks += _facts(label)
    element = f"00{_valid(label.sscc)}"
    symbol_width = modules(element, gs1=True) * MODULE_MM
    bars_y = 96.0
    marks += [
        Text(_LEFT, 92.5, 2.4, "SSCC", bold=True),
        Bars((WIDTH_MM - symbol_width) / 2, bars_y, element, MODULE_MM, BAR_HEIGHT_MM, gs1=True),
        _line(WIDTH_MM / 2, bars_y + BAR_HEIGHT_MM + 6, 5, human_readable_sscc(label.sscc), align="centre", bold=True),
    ]
    return marks + _warning(label)


def _head(label: LabelContent) -> list[Mark]:
    count = f"{label.position} of {label.total}"
    return [
        Box(0, 0, WIDTH_MM, 14),
        _line(_LEFT, 9.3, 6.4, f"{label.carrier} {label.service}".upper(), bold=True, white=True, room=64),
        Text(_RIGHT, 9.3, 6.4, count, bold=True, white=True, align="right"),
    ]


def _address(title: str, address: LabelAddress, y: float, size: float, name_size: float) -> list[Mark]:
    marks: list[Mark] = [Text(_LEFT, y, 2.4, title, bold=True)]
    baseline = y + name_size + 0.8
    for line in _wrapped(address.name, name_size, _RIGHT - _LEFT, bold=True)[:2]:
        marks.append(_line(_LEFT, baseline, name_size, line, bold=True))
        baseline += name_size * 1.22
    for line in address.lines():
        marks.append(_line(_LEFT, baseline, size, line))
        baseline += size * 1.25
    return marks


def _facts(label: LabelContent) -> list[Mark]:
    """Two rows of three boxes with small titles."""
    parcels = f"{label.parcel_count} parcel" + ("" if label.parcel_count == 1 else "s")
    weight = f"{-(-label.weight_g // 100) / 10:.1f} kg" if label.weight_g else "not weighed"
    rows = (
        (("SHIPMENT", label.tracking_number or "-"), ("DEPARTS", label.departs), ("SEAL", label.seal or "-")),
        (("UNIT", label.kind), ("CONTENT", parcels), ("WEIGHT", weight)),
    )
    top, height, width = 68.0, 10.0, (_RIGHT - _LEFT) / 3
    marks: list[Mark] = [Box(_LEFT, top + row * height, _RIGHT - _LEFT, 0.3) for row in range(3)]
    for row, facts in enumerate(rows):
        for column, (title, value) in enumerate(facts):
            x, y = _LEFT + column * width, top + row * height
            if column:
                marks.append(Box(x - 1.5, y + 1.5, 0.2, height - 3))
            marks.append(Text(x, y + 3.6, 2.1, title, bold=True))
            marks.append(_line(x, y + 8.0, 3.6, value, room=width - 2.5))
    return marks


def _warning(label: LabelContent) -> list[Mark]:
    told = []
    if not label.live:
        told.append("TEST SHIPMENT: DO NOT SEND")
    if is_example_prefix(label.sscc[1:]):
        told.append("EXAMPLE NUMBER (GS1 952…): NOT FOR REAL GOODS")
    if not told:
        return []
    return [
        Box(_LEFT, 140, _RIGHT - _LEFT, 6.4),
        _line(
            WIDTH_MM / 2, 144.4, 3.3, "  |  ".join(told), align="centre", bold=True, white=True, room=_RIGHT - _LEFT - 4
        ),
    ]


def _line(
    x: float,
    y: float,
    size: float,
    text: str,
    *,
    room: float = _RIGHT - _LEFT,
    align: str = "left",
    bold: bool = False,
    white: bool = False,
) -> Text:
    return fitted(x, y, size, text, room=room, align=align, bold=bold, white=white)


def _wrapped(text: str, size: float, room: float, *, bold: bool) -> list[str]:
    """At most two lines broken at a blank; the second holds all the rest."""
    words = text.split()
    for split in range(len(words), 0, -1):
        first = " ".join(words[:split])
        if text_width(first, size, bold) <= room:
            return [first, " ".join(words[split:])] if split < len(words) else [first]
    return [text]


def _valid(sscc: str) -> str:
    if not is_sscc(sscc):
        raise ValueError("only a valid SSCC is printed")
    return sscc
