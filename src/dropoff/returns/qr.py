"""Draws a pass as a QR code: a 1-bit PNG and an SVG, both ready bytes with a strong ETag.

The picture depends on nothing but the text, so it needs no database and is safe to keep for ever. Version and
mask are fixed: searching the best of eight is two thirds of the library's time, and any mask decodes. Dark
on white with the quiet zone inside the picture, so that no theme or page can spoil it.
"""

import hashlib
import struct
import zlib
from functools import lru_cache
from typing import Final

import msgspec
from markupsafe import Markup
from qrcode.constants import ERROR_CORRECT_L, ERROR_CORRECT_M
from qrcode.exceptions import DataOverflowError
from qrcode.main import QRCode
from qrcode.util import MODE_8BIT_BYTE, MODE_ALPHA_NUM, QRData

PASS_VERSION: Final = 3
PASS_MASK: Final = 2
QUIET_ZONE: Final = 4
# One byte of a 1-bit row is one module, eight pixels wide: no bit ever has to be shifted.
PIXELS_PER_MODULE: Final = 8
KEPT: Final = 2048
LARGE_VERSION: Final = 25
LARGE_BYTES: Final = 1273
"""What a symbol of that version holds at the lowest correction. A denser one is beyond most phones' cameras."""

_ALPHANUMERIC: Final = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:")

Modules = tuple[tuple[bool, ...], ...]


class Picture(msgspec.Struct, frozen=True):
    body: bytes
    media_type: str
    etag: str


def pass_text(base_url: str, code: str) -> str:
    """What the QR says: `HTTPS://HOST/P/CODE`, upper case so that the dense alphanumeric mode applies."""
    return f"{base_url.rstrip('/')}/P/{code}".upper()


def visit_text(base_url: str, code: str) -> str:
    """The same for a visit: `HTTPS://HOST/V/CODE`."""
    return f"{base_url.rstrip('/')}/V/{code}".upper()


def modules(text: str, mask: int = PASS_MASK) -> Modules:
    """Rows of dark (true) and light modules without the quiet zone, as a version 3-M symbol.

    A text too long for version 3 (61 characters: a long host name) takes the smallest version that holds it.
    """
    mode = MODE_ALPHA_NUM if _ALPHANUMERIC.issuperset(text) else MODE_8BIT_BYTE
    data = QRData(text.encode(), mode=mode, check_data=False)
    try:
        return _symbol(data, PASS_VERSION, mask, fit=False)
    except DataOverflowError:
        return _symbol(data, PASS_VERSION, mask, fit=True)


def _symbol(data: QRData, version: int, mask: int, *, fit: bool, correction: int = ERROR_CORRECT_M) -> Modules:
    code = QRCode(version=version, error_correction=correction, border=0, mask_pattern=mask)
    code.add_data(data)
    code.make(fit=fit)
    return tuple(tuple(bool(module) for module in row) for row in code.modules)


@lru_cache(maxsize=KEPT)
def pass_png(text: str) -> Picture:
    return _picture(png(modules(text)), "image/png")


@lru_cache(maxsize=KEPT)
def pass_svg(text: str) -> Picture:
    return _picture(svg(modules(text)), "image/svg+xml")


def fits_large(text: str) -> bool:
    return len(text.encode()) <= LARGE_BYTES


@lru_cache(maxsize=64)
def large_svg(text: str) -> Picture:
    """For a whole document, shown large. It takes a tenth of a second, so not in the event loop. The text fits."""
    return _picture(svg(large_modules(text)), "image/svg+xml")


def large_modules(text: str) -> Modules:
    data = QRData(text.encode(), mode=MODE_8BIT_BYTE, check_data=False)
    return _symbol(data, PASS_VERSION, PASS_MASK, fit=True, correction=ERROR_CORRECT_L)


def symbol_svg(text: str, side: int = 220) -> Markup:
    """To stand inside a page, for what is shown once and has no address. The text beside it says the same."""
    drawn = svg(modules(text)).decode()
    return Markup(drawn.replace("<svg ", f'<svg width="{side}" height="{side}" aria-hidden="true" ', 1))  # noqa: S704


def _picture(body: bytes, media_type: str) -> Picture:
    digest = hashlib.blake2b(body, digest_size=12).hexdigest()
    return Picture(body=body, media_type=media_type, etag=f'"{digest}"')


def png(rows: Modules) -> bytes:
    """A greyscale PNG of one bit per pixel, written by hand: an image library costs more."""
    side = len(rows) + 2 * QUIET_ZONE
    margin = b"\xff" * QUIET_ZONE
    # Each scan line begins with its filter type: 0 opens a row of modules, 2 ("as above") repeats it.
    repeat = (b"\x02" + b"\x00" * side) * (PIXELS_PER_MODULE - 1)
    blank = (b"\x00" + b"\xff" * side + repeat) * QUIET_ZONE
    lines = [b"".join((b"\x00", margin, bytes(0 if dark else 255 for dark in row), margin, repeat)) for row in rows]
    pixels = side * PIXELS_PER_MODULE
    header = struct.pack(">IIBBBBB", pixels, pixels, 1, 0, 0, 0, 0)
    data = zlib.compress(b"".join((blank, *lines, blank)))
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def svg(rows: Modules) -> bytes:
    """One path whose strokes are runs of dark modules: a fifth of the size of a square for each."""
    side = len(rows) + 2 * QUIET_ZONE
    runs: list[str] = []
    for y, row in enumerate(rows):
        x = 0
        while x < len(row):
            if not row[x]:
                x += 1
                continue
            end = x
            while end < len(row) and row[end]:
                end += 1
            runs.append(f"M{x + QUIET_ZONE} {y + QUIET_ZONE}.5h{end - x}")
            x = end
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0 0h{side}v{side}H0z"/><path stroke="#000" d="{"".join(runs)}"/></svg>'
    ).encode()
