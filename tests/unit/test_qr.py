"""The pass's QR code: any scanner reads every code, in every mask, as PNG and as SVG."""

import io
import random
import re
import zlib

import pytest
import zxingcpp
from PIL import Image, ImageDraw

from dropoff.returns import qr

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
BASE = "https://returns.example"


def some_codes(count: int) -> list[str]:
    chance = random.Random(1702)
    codes = ["".join(chance.choices(CROCKFORD, k=16)) for _ in range(count)]
    return ["0" * 16, "Z" * 16, "1" * 16, *codes]


def read(picture: Image.Image) -> list[tuple[str, str]]:
    found = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormat.QRCode)
    return [(code.text, code.ec_level) for code in found]


def read_png(body: bytes) -> list[tuple[str, str]]:
    return read(Image.open(io.BytesIO(body)))


def draw_svg(body: bytes, scale: int = 8) -> Image.Image:
    """Draws our own run-length dialect of SVG: a white square, then horizontal runs."""
    text = body.decode()
    side = int(re.search(r'viewBox="0 0 (\d+) \1"', text)[1])
    picture = Image.new("L", (side * scale, side * scale), 255)
    pen = ImageDraw.Draw(picture)
    for x, y, length in re.findall(r"M(\d+) (\d+)\.5h(\d+)", text):
        left, top = int(x) * scale, int(y) * scale
        pen.rectangle((left, top, left + int(length) * scale - 1, top + scale - 1), fill=0)
    return picture


def test_what_the_pass_says_is_upper_case_and_the_address_of_the_page() -> None:
    assert qr.pass_text("https://returns.example/", "7kq39xmb4trc0000") == "HTTPS://RETURNS.EXAMPLE/P/7KQ39XMB4TRC0000"


def test_every_pass_decodes_to_its_own_text_as_png_and_svg() -> None:
    for code in some_codes(150):
        text = qr.pass_text(BASE, code)
        assert read_png(qr.pass_png(text).body) == [(text, "M")]
        assert read(draw_svg(qr.pass_svg(text).body)) == [(text, "M")]


@pytest.mark.parametrize("mask", range(8))
def test_every_mask_decodes(mask: int) -> None:
    for code in some_codes(40):
        text = qr.pass_text(BASE, code)
        rows = qr.modules(text, mask)
        assert read_png(qr.png(rows)) == [(text, "M")]
        assert read(draw_svg(qr.svg(rows))) == [(text, "M")]


def test_the_symbol_is_version_3_whatever_the_code() -> None:
    for code in some_codes(20):
        assert len(qr.modules(qr.pass_text(BASE, code))) == 29


def test_a_long_host_name_takes_a_larger_version_instead_of_failing() -> None:
    text = qr.pass_text("https://" + "a-very-long-label." * 6 + "example", "0" * 16)
    assert len(qr.modules(text)) > 29
    assert read_png(qr.pass_png(text).body) == [(text, "M")]


def test_the_quiet_zone_is_four_white_modules_on_every_side() -> None:
    picture = Image.open(io.BytesIO(qr.pass_png("HTTPS://X.EXAMPLE/P/0").body)).convert("L")
    module = qr.PIXELS_PER_MODULE
    left, top, right, bottom = picture.point(lambda value: 255 - value).getbbox()
    assert (left, top) == (4 * module, 4 * module)
    assert (right, bottom) == (picture.width - 4 * module, picture.height - 4 * module)


def test_the_png_is_small_and_one_bit_deep() -> None:
    body = qr.pass_png(qr.pass_text(BASE, "7KQ39XMB4TRC0000")).body
    assert body[24] == 1, "bit depth"
    assert len(body) < 700
    assert zlib.crc32(body[12:29]) == int.from_bytes(body[29:33]), "the header's own checksum"


def test_the_etag_is_strong_and_changes_with_the_text() -> None:
    one, same, other = (qr.pass_png(qr.pass_text(BASE, code)) for code in ("A" * 16, "A" * 16, "B" * 16))
    assert one == same
    assert one.etag != other.etag
    assert re.fullmatch(r'"[0-9a-f]+"', one.etag)
    assert one.etag != qr.pass_svg(qr.pass_text(BASE, "A" * 16)).etag


def test_a_picture_is_drawn_once_and_then_kept() -> None:
    text = qr.pass_text(BASE, "C" * 16)
    assert qr.pass_png(text) is qr.pass_png(text)
    assert qr.pass_png.cache_info().maxsize == qr.KEPT


def test_a_whole_document_fits_a_large_picture_up_to_a_length() -> None:
    text = "".join(random.Random(7).choices(CROCKFORD.lower(), k=qr.LARGE_BYTES))
    assert qr.fits_large(text)
    assert not qr.fits_large(f"{text}x")
    assert read(draw_svg(qr.large_svg(text).body, 4)) == [(text, "L")]
