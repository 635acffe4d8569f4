"""What can stand on a label: text, filled boxes and Code 128 symbols, in millimetres from the upper left corner."""

from functools import cache
from importlib.resources import files
from itertools import pairwise

import msgspec
from PIL import ImageFont
from reportlab.graphics.barcode.code128 import Code128

QUIET_MODULES = 10
"""The blank on both sides that Code 128 asks for."""


class Text(msgspec.Struct, frozen=True):
    """Text with its baseline at `y` from the top; `size` is the font's height in millimetres."""

    x: float
    y: float
    size: float
    text: str
    bold: bool = False
    white: bool = False
    align: str = "left"


class Box(msgspec.Struct, frozen=True):
    """A filled rectangle; a thin one is a line."""

    x: float
    y: float
    width: float
    height: float


class Bars(msgspec.Struct, frozen=True):
    """A Code 128 symbol from `x`, its quiet zones outside; with `gs1` a GS1-128 of element strings."""

    x: float
    y: float
    text: str
    module: float
    """The narrowest bar."""
    height: float
    gs1: bool = False


Mark = Text | Box | Bars


class Sheet(msgspec.Struct, frozen=True):
    """One label."""

    width: float
    height: float
    marks: list[Mark]


@cache
def bar_widths(text: str, gs1: bool) -> tuple[tuple[int, int], ...]:
    """The symbol's bars as (first module, modules); `gs1` puts FNC1 in front."""
    symbol = Code128(f"\xf1{text}" if gs1 else text, quiet=0)
    symbol.validate()
    symbol.encode()
    symbol.decompose()
    edges = [0]
    for sign in symbol.decomposed:
        edges.append(edges[-1] + ord(sign.upper()) - ord("A") + 1)
    return tuple((start, end - start) for start, end in list(pairwise(edges))[::2])


def modules(text: str, gs1: bool = False) -> int:
    """How wide the symbol is."""
    start, width = bar_widths(text, gs1)[-1]
    return start + width


def fitted(
    x: float,
    y: float,
    size: float,
    text: str,
    *,
    room: float,
    align: str = "left",
    bold: bool = False,
    white: bool = False,
) -> Text:
    """The text as large as the room allows, down to 60 %; what is still too long ends in an ellipsis."""
    shrunk = max(size * 0.6, min(size, size * room / max(text_width(text, size, bold), 0.1)))
    while len(text) > 1 and text_width(text, shrunk, bold) > room + 0.01:
        text = text[:-2].rstrip() + "…"
    return Text(x, y, shrunk, text, bold, white, align)


def text_width(text: str, size: float, bold: bool) -> float:
    """In millimetres, as the embedded font runs."""
    return font(bold, 100).getlength(text) * size / 100


@cache
def font(bold: bool, pixels: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(font_path(bold), pixels, layout_engine=ImageFont.Layout.BASIC)


def font_path(bold: bool) -> str:
    """Lato, under the SIL Open Font Licence: it has the letters of every European language."""
    return str(files("fontpkg_lato") / "files" / f"Lato-{'Bold' if bold else 'Regular'}.ttf")
