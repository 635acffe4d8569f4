"""The mark as a picture for home screens, drawn once in each size that is asked for."""

import io
from functools import lru_cache
from typing import Final

from PIL import Image, ImageDraw

SIZES: Final = (180, 192, 512)
INK, TAPE, PAPER = "#0b3f59", "#ffc93c", "#ffffff"


@lru_cache(maxsize=len(SIZES))
def icon_png(size: int) -> bytes:
    """Full bleed with the mark in the middle, so that any mask of a device fits."""
    fine = size * 4
    image = Image.new("RGB", (fine, fine), INK)
    draw = ImageDraw.Draw(image)

    def line(colour: str, *points: tuple[float, float]) -> None:
        unit = fine / 32
        # The mark's own drawing is 32 wide; on an icon it stands a little smaller.
        placed = [(16 * unit + (x - 16) * unit * 0.8, 16 * unit + (y - 16) * unit * 0.8) for x, y in points]
        draw.line(placed, fill=colour, width=round(2.6 * unit), joint="curve")
        for x, y in (placed[0], placed[-1]):
            draw.ellipse((x - 1.3 * unit, y - 1.3 * unit, x + 1.3 * unit, y + 1.3 * unit), fill=colour)

    line(PAPER, (7, 15.5), (9, 25), (23, 25), (25, 15.5))
    line(TAPE, (16, 6), (16, 16))
    line(TAPE, (11.5, 11.8), (16, 16.3), (20.5, 11.8))
    out = io.BytesIO()
    image.resize((size, size), Image.Resampling.LANCZOS).save(out, "PNG", optimize=True)
    return out.getvalue()
