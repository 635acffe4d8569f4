"""A photo from a till, made harmless: opened, turned upright, made smaller and written anew, so that nothing of the
file itself is kept: no position, no camera, no comment, no hidden second file. Pure.
"""

import io
from typing import Final

import msgspec
from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS: Final = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
PIXELS_MAX: Final = 40_000_000
"""Looked at before anything is unpacked: a small file may claim to be enormous."""
SIDE_MAX: Final = 1600
QUALITY: Final = 80


class Picture(msgspec.Struct, frozen=True):
    """A JPEG."""

    body: bytes
    width: int
    height: int


def redraw(raw: bytes, content_type: str) -> Picture | str:
    """The picture, or in a sentence why it cannot be taken."""
    try:
        with Image.open(io.BytesIO(raw), formats=[FORMATS[content_type]]) as opened:
            if opened.width * opened.height > PIXELS_MAX:
                return f"The photo has more than {PIXELS_MAX // 1_000_000} million points. Take a smaller one."
            opened.draft("RGB", (SIDE_MAX, SIDE_MAX))  # a JPEG is unpacked no larger than it is needed
            upright = ImageOps.exif_transpose(opened).convert("RGB")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError, EOFError):
        return "This is no photo that can be read. Take it again."
    upright.thumbnail((SIDE_MAX, SIDE_MAX))
    # Only the points themselves: what the file said beside them stays behind.
    bare = Image.new("RGB", upright.size)
    bare.paste(upright)
    out = io.BytesIO()
    bare.save(out, "JPEG", quality=QUALITY, optimize=True)
    return Picture(out.getvalue(), bare.width, bare.height)
