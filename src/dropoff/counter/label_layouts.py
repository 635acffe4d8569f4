"""What stands on the labels of a counter: tags, the heads of their rolls, bags. Pure; `dropoff.drawing` prints them.

Sizes are in millimetres. Bars are as wide as the label lets them be, in whole dots of a printer of 203 dpi.
"""

from typing import Final

from dropoff.drawing.marks import QUIET_MODULES, Bars, Box, Mark, Sheet, Text, fitted, modules
from dropoff.kernel import gs1, tags

DOT: Final = 1 / 8
NARROWEST: Final = 2 * DOT
WIDEST: Final = 4 * DOT
GS1_NARROWEST: Final = 3 * DOT
"""GS1 wants 0.495 mm on logistic labels; a label of this house that leaves no room gets a little less, never half."""
TAG_SIZE: Final = (60.0, 25.0)
BAG_SIZE: Final = (100.0, 60.0)
SIZE_MAX: Final = 300.0
_EDGE: Final = 1.5


class TooSmall(ValueError):
    """The symbol does not fit on a label of this size."""


def tag_sheet(tag: str, size: tuple[float, float] = TAG_SIZE) -> Sheet:
    """The bars, and below them the same to read and to type."""
    width, height = size
    shown = tags.format_written(tag) if tags.is_written(tag) else tag
    text = min(height * 0.26, 9.0)
    marks = _symbol(tag, width, _EDGE, height - text - 2 * _EDGE - 1, NARROWEST)
    return Sheet(width, height, [*marks, _line(width, height - _EDGE - text * 0.15, text, shown)])


def head_sheet(first: str, last: str, count: int, size: tuple[float, float] = TAG_SIZE) -> Sheet:
    """The first label of a roll: scanned at a till it registers the whole roll there."""
    width, height = size
    band, text = min(height * 0.24, 8.0), min(height * 0.14, 5.0)
    marks: list[Mark] = [
        Box(0, 0, width, band),
        fitted(
            width / 2, band * 0.72, band * 0.62, f"ROLL OF {count}: SCAN AT THE TILL", room=width - 4, align="centre",
            bold=True, white=True,
        ),
    ]  # fmt: skip
    marks += _symbol(tags.roll_head(first, last), width, band + 1, height - band - text - _EDGE - 2.5, NARROWEST)
    return Sheet(width, height, [*marks, _line(width, height - _EDGE, text, f"{first} – {last}")])


def bag_sheet(sscc: str, size: tuple[float, float] = BAG_SIZE) -> Sheet:
    """A GS1-128 with AI 00 alone; its last four digits large, as the till calls the bag."""
    width, height = size
    if not gs1.is_sscc(sscc):
        raise ValueError("only a valid SSCC is printed")
    top, text = min(height * 0.2, 14.0), min(height * 0.09, 6.0)
    marks: list[Mark] = [
        Text(_EDGE + 2, top * 0.8, top * 0.5, "BAG", bold=True),
        Text(width - _EDGE - 2, top * 0.9, top, sscc[-4:], bold=True, align="right"),
    ]
    warning = 0.0
    if gs1.is_example_prefix(sscc[1:]):
        warning = text
        marks += [
            Box(0, height - warning, width, warning),
            fitted(
                width / 2, height - warning * 0.25, warning * 0.7, "EXAMPLE NUMBER (GS1 952…): NOT FOR REAL GOODS",
                room=width - 4, align="centre", bold=True, white=True,
            ),
        ]  # fmt: skip
    bars = height - top - text - warning - 4
    marks += _symbol(f"00{sscc}", width, top + 1.5, bars, GS1_NARROWEST, gs1_symbol=True)
    return Sheet(width, height, [*marks, _line(width, height - warning - 1.5, text, gs1.human_readable_sscc(sscc))])


def _symbol(
    text: str, width: float, top: float, height: float, narrowest: float, *, gs1_symbol: bool = False
) -> list[Mark]:
    wide = modules(text, gs1_symbol)
    dots = int(min(WIDEST, width / (wide + 2 * QUIET_MODULES)) / DOT + 1e-9)
    if dots * DOT < narrowest or height < 5:
        least = (wide + 2 * QUIET_MODULES) * narrowest
        raise TooSmall(f"These bars need a label at least {least:.0f} mm wide and some 5 mm of height for them.")
    module = dots * DOT
    return [Bars((width - wide * module) / 2, top, text, module, height, gs1_symbol)]


def _line(width: float, y: float, size: float, text: str) -> Text:
    return fitted(width / 2, y, size, text, room=width - 2 * _EDGE, align="centre", bold=True)
