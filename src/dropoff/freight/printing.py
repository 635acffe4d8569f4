"""Draws the marks of `labels.layout` as PDF, PNG and ZPL. Pure: bytes out, nothing else."""

import io
import threading
from collections.abc import Sequence
from functools import cache

from PIL import Image, ImageDraw
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from dropoff.freight.labels import (
    BAR_HEIGHT_MM,
    HEIGHT_MM,
    MODULE_MM,
    WIDTH_MM,
    Bars,
    Box,
    LabelContent,
    Text,
    bar_widths,
    font,
    font_path,
    layout,
)

PNG_DPI = 300
_PNG_MODULE = 6  # pixels
_ZPL_DOTS = 8  # per millimetre: 203 dpi, the commonest printer
_FONTS = {False: "Lato", True: "Lato-Bold"}
_drawing = threading.Lock()


def to_pdf(labels: Sequence[LabelContent]) -> bytes:
    """One page per label. The fonts are embedded as subsets, so any printer has every letter."""
    out = io.BytesIO()
    with _drawing:  # reportlab counts subset glyphs on the shared font objects
        _register_fonts()
        canvas = Canvas(out, pagesize=(WIDTH_MM * mm, HEIGHT_MM * mm), invariant=True, pageCompression=1)
        canvas.setTitle("Labels")
        for label in labels:
            for mark in layout(label):
                _draw_pdf(canvas, mark)
            canvas.showPage()
        canvas.save()
    return out.getvalue()


@cache
def _register_fonts() -> None:
    for bold, name in _FONTS.items():
        pdfmetrics.registerFont(TTFont(name, font_path(bold)))


def _draw_pdf(canvas: Canvas, mark: Text | Box | Bars) -> None:
    """PDF counts from the bottom; the marks from the top."""
    if isinstance(mark, Box):
        canvas.rect(mark.x * mm, (HEIGHT_MM - mark.y - mark.height) * mm, mark.width * mm, mark.height * mm, 0, 1)
    elif isinstance(mark, Bars):
        left = round(mark.x / MODULE_MM) * MODULE_MM  # on the grid, so that edges fall between dots
        for start, width in bar_widths(mark.sscc):
            x = left + start * MODULE_MM
            y = HEIGHT_MM - mark.y - BAR_HEIGHT_MM
            canvas.rect(x * mm, y * mm, width * MODULE_MM * mm, BAR_HEIGHT_MM * mm, 0, 1)
    else:
        canvas.setFont(_FONTS[mark.bold], mark.size * mm)
        canvas.setFillGray(1 if mark.white else 0)
        draw = {"right": canvas.drawRightString, "centre": canvas.drawCentredString}.get(mark.align, canvas.drawString)
        draw(mark.x * mm, (HEIGHT_MM - mark.y) * mm, mark.text)
        canvas.setFillGray(0)


def to_png(label: LabelContent) -> bytes:
    """300 dpi, grey, 4 by 6 inches."""
    scale = PNG_DPI / 25.4
    image = Image.new("L", (round(WIDTH_MM * scale), round(HEIGHT_MM * scale)), 255)
    draw = ImageDraw.Draw(image)
    for mark in layout(label):
        if isinstance(mark, Box):
            left, top = round(mark.x * scale), round(mark.y * scale)
            width, height = max(2, round(mark.width * scale)), max(2, round(mark.height * scale))
            draw.rectangle((left, top, left + width - 1, top + height - 1), fill=0)
        elif isinstance(mark, Bars):
            _draw_bars(draw, mark, image.width, scale)
        else:
            anchor = {"right": "rs", "centre": "ms"}.get(mark.align, "ls")
            place = (mark.x * scale, mark.y * scale)
            draw.text(
                place, mark.text, 255 if mark.white else 0, font(mark.bold, round(mark.size * scale)), anchor=anchor
            )
    out = io.BytesIO()
    image.save(out, "PNG", dpi=(PNG_DPI, PNG_DPI))
    return out.getvalue()


def _draw_bars(draw: ImageDraw.ImageDraw, mark: Bars, page_width: int, scale: float) -> None:
    bars = bar_widths(mark.sscc)
    modules = bars[-1][0] + bars[-1][1]
    left, top = (page_width - modules * _PNG_MODULE) // 2, round(mark.y * scale)
    for start, width in bars:
        x = left + start * _PNG_MODULE
        draw.rectangle((x, top, x + width * _PNG_MODULE - 1, top + round(BAR_HEIGHT_MM * scale) - 1), fill=0)


def to_zpl(labels: Sequence[LabelContent]) -> bytes:
    """For Zebra and compatible printers at 203 dpi: one `^XA…^XZ` per label, text in UTF-8 (`^CI28`)."""
    return "".join(_zpl_label(label) for label in labels).encode()


def _zpl_label(label: LabelContent) -> str:
    width, height = round(WIDTH_MM * _ZPL_DOTS), round(HEIGHT_MM * _ZPL_DOTS)
    lines = ["^XA", "^CI28", f"^PW{width}", f"^LL{height}", "^LH0,0"]
    lines += [_zpl_mark(mark) for mark in layout(label)]
    return "\n".join([*lines, "^XZ", ""])


def _zpl_mark(mark: Text | Box | Bars) -> str:
    if isinstance(mark, Box):
        width, height = max(1, round(mark.width * _ZPL_DOTS)), max(1, round(mark.height * _ZPL_DOTS))
        return f"^FO{_dots(mark.x)},{_dots(mark.y)}^GB{width},{height},{min(width, height)}^FS"
    if isinstance(mark, Bars):
        # Subset C (>;) with FNC1 (>8) in front is what makes Code 128 a GS1-128; no line of text below, ours is there.
        module, height = _dots(MODULE_MM), _dots(BAR_HEIGHT_MM)
        return f"^FO{_dots(mark.x)},{_dots(mark.y)}^BY{module}^BCN,{height},N,N,N,N^FD>;>800{mark.sscc}^FS"
    return _zpl_text_mark(mark)


def _zpl_text_mark(mark: Text) -> str:
    """`^FT` counts from the baseline, `^FR` prints white on black, `^FB` aligns within a block from the left edge."""
    size, x, y = _dots(mark.size), _dots(mark.x), _dots(mark.y)
    style = f"{'^FR' if mark.white else ''}^A0N,{size},{size}"
    data = f"^FH^FD{zpl_text(mark.text)}^FS"
    if mark.align == "right":
        return f"^FT0,{y}{style}^FB{x},1,0,R{data}"
    if mark.align == "centre":
        return f"^FT0,{y}{style}^FB{2 * x},1,0,C{data}"
    return f"^FT{x},{y}{style}{data}"


def _dots(millimetres: float) -> int:
    return round(millimetres * _ZPL_DOTS)


def zpl_text(text: str) -> str:
    """Field data after `^FH`: what begins a command (`^`, `~`), the escape itself and control signs as
    `_XX`."""
    return "".join(
        f"_{ord(sign):02X}" if sign in "^~_\\" else " " if ord(sign) < 32 or ord(sign) == 127 else sign for sign in text
    )
