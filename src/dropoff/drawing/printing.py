"""Draws sheets as PDF, PNG and ZPL. Pure: bytes out, nothing else."""

import io
import threading
from collections.abc import Callable, Iterable
from functools import cache

from PIL import Image, ImageDraw
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from dropoff.drawing.marks import Bars, Box, Mark, Sheet, Text, bar_widths, font, font_path, modules

PNG_DPI = 300
ZPL_DOTS = 8
"""Per millimetre: 203 dpi, the commonest printer."""
_FONTS = {False: "Lato", True: "Lato-Bold"}
_drawing = threading.Lock()

Told = Callable[[int], None]
"""Hears after each sheet how many are drawn."""


def to_pdf(sheets: Iterable[Sheet], title: str = "Labels", told: Told | None = None) -> bytes:
    """One page per sheet. The fonts are embedded as subsets, so any printer has every letter."""
    out = io.BytesIO()
    with _drawing:  # reportlab counts subset glyphs on the shared font objects
        _register_fonts()
        canvas = Canvas(out, invariant=True, pageCompression=1)
        canvas.setTitle(title)
        for number, sheet in enumerate(sheets, 1):
            canvas.setPageSize((sheet.width * mm, sheet.height * mm))
            for mark in sheet.marks:
                _draw_pdf(canvas, sheet, mark)
            canvas.showPage()
            if told is not None:
                told(number)
        canvas.save()
    return out.getvalue()


@cache
def _register_fonts() -> None:
    for bold, name in _FONTS.items():
        pdfmetrics.registerFont(TTFont(name, font_path(bold)))


def _draw_pdf(canvas: Canvas, sheet: Sheet, mark: Mark) -> None:
    """PDF counts from the bottom; the marks from the top."""
    if isinstance(mark, Box):
        canvas.rect(mark.x * mm, (sheet.height - mark.y - mark.height) * mm, mark.width * mm, mark.height * mm, 0, 1)
    elif isinstance(mark, Bars):
        left = round(mark.x / mark.module) * mark.module  # on the grid, so that edges fall between dots
        y = sheet.height - mark.y - mark.height
        for start, width in bar_widths(mark.text, mark.gs1):
            x = left + start * mark.module
            canvas.rect(x * mm, y * mm, width * mark.module * mm, mark.height * mm, 0, 1)
    else:
        canvas.setFont(_FONTS[mark.bold], mark.size * mm)
        canvas.setFillGray(1 if mark.white else 0)
        draw = {"right": canvas.drawRightString, "centre": canvas.drawCentredString}.get(mark.align, canvas.drawString)
        draw(mark.x * mm, (sheet.height - mark.y) * mm, mark.text)
        canvas.setFillGray(0)


def to_png(sheet: Sheet) -> bytes:
    """300 dpi, grey."""
    scale = PNG_DPI / 25.4
    image = Image.new("L", (round(sheet.width * scale), round(sheet.height * scale)), 255)
    draw = ImageDraw.Draw(image)
    for mark in sheet.marks:
        if isinstance(mark, Box):
            left, top = round(mark.x * scale), round(mark.y * scale)
            width, height = max(2, round(mark.width * scale)), max(2, round(mark.height * scale))
            draw.rectangle((left, top, left + width - 1, top + height - 1), fill=0)
        elif isinstance(mark, Bars):
            _draw_bars(draw, mark, scale)
        else:
            anchor = {"right": "rs", "centre": "ms"}.get(mark.align, "ls")
            place = (mark.x * scale, mark.y * scale)
            draw.text(
                place, mark.text, 255 if mark.white else 0, font(mark.bold, round(mark.size * scale)), anchor=anchor
            )
    out = io.BytesIO()
    image.save(out, "PNG", dpi=(PNG_DPI, PNG_DPI))
    return out.getvalue()


def _draw_bars(draw: ImageDraw.ImageDraw, mark: Bars, scale: float) -> None:
    """In whole pixels, around the middle of where it shall stand."""
    pixels, wide = max(1, round(mark.module * scale)), modules(mark.text, mark.gs1)
    left = round((mark.x + wide * mark.module / 2) * scale - wide * pixels / 2)
    top = round(mark.y * scale)
    for start, width in bar_widths(mark.text, mark.gs1):
        x = left + start * pixels
        draw.rectangle((x, top, x + width * pixels - 1, top + round(mark.height * scale) - 1), fill=0)


def to_zpl(sheets: Iterable[Sheet], told: Told | None = None) -> bytes:
    """For Zebra and compatible printers at 203 dpi: one `^XA…^XZ` per sheet, text in UTF-8 (`^CI28`)."""
    made = []
    for number, sheet in enumerate(sheets, 1):
        made.append(_zpl_sheet(sheet))
        if told is not None:
            told(number)
    return "".join(made).encode()


def _zpl_sheet(sheet: Sheet) -> str:
    lines = ["^XA", "^CI28", f"^PW{_dots(sheet.width)}", f"^LL{_dots(sheet.height)}", "^LH0,0"]
    lines += [_zpl_mark(mark) for mark in sheet.marks]
    return "\n".join([*lines, "^XZ", ""])


def _zpl_mark(mark: Mark) -> str:
    if isinstance(mark, Box):
        width, height = max(1, _dots(mark.width)), max(1, _dots(mark.height))
        return f"^FO{_dots(mark.x)},{_dots(mark.y)}^GB{width},{height},{min(width, height)}^FS"
    if isinstance(mark, Bars):
        # No line of text below: ours is there.
        begin = f"^FO{_dots(mark.x)},{_dots(mark.y)}^BY{max(1, _dots(mark.module))}^BCN,{_dots(mark.height)},N,N,N"
        # Subset C (>;) with FNC1 (>8) in front is what makes Code 128 a GS1-128; else the printer chooses subsets.
        return f"{begin},N^FD>;>8{mark.text}^FS" if mark.gs1 else f"{begin},A^FD{zpl_text(mark.text)}^FS"
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
    return round(millimetres * ZPL_DOTS)


def zpl_text(text: str) -> str:
    """Field data after `^FH`: what begins a command (`^`, `~`), the escape itself and control signs as `_XX`."""
    return "".join(
        f"_{ord(sign):02X}" if sign in "^~_\\" else " " if ord(sign) < 32 or ord(sign) == 127 else sign for sign in text
    )
