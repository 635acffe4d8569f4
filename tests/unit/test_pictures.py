"""Photos from tills are drawn anew: small, upright, and without anything that the file said beside its points."""

import io
import struct
import zlib

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from dropoff.counter.pictures import FORMATS, PIXELS_MAX, SIDE_MAX, Picture, redraw

SECRET = b"Aase Hansen was here"


def photo(kind: str, size: tuple[int, int] = (400, 300), **more: object) -> bytes:
    image = Image.new("RGB", size, "white")
    image.paste("red", (0, 0, size[0] // 2, size[1] // 2))
    out = io.BytesIO()
    image.save(out, FORMATS[kind], **more)
    return out.getvalue()


def exif() -> Image.Exif:
    data = Image.Exif()
    data[0x0112] = 6  # lies on its side
    data[0x010E] = SECRET.decode()
    data.get_ifd(0x8825)[1] = "N"
    return data


@pytest.mark.parametrize("kind", FORMATS)
def test_what_the_file_says_beside_its_points_is_gone(kind: str) -> None:
    more: dict[str, object] = {"exif": exif()}
    if kind == "image/png":
        info = PngInfo()
        info.add_text("Comment", SECRET.decode())
        more["pnginfo"] = info
    raw = photo(kind, **more) + SECRET
    assert SECRET in raw
    found = redraw(raw, kind)
    assert isinstance(found, Picture)
    assert SECRET not in found.body
    with Image.open(io.BytesIO(found.body)) as image:
        assert image.format == "JPEG"
        assert not image.getexif()
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        assert image.size == (found.width, found.height) == (300, 400), "it stands upright"
        red, green, _ = image.getpixel((280, 20))
        assert (red > 200, green < 60) == (True, True)


def test_a_large_photo_becomes_small() -> None:
    found = redraw(photo("image/jpeg", (4000, 3000)), "image/jpeg")
    assert isinstance(found, Picture)
    assert (found.width, found.height) == (SIDE_MAX, 1200)
    assert len(found.body) < 500_000


def _bomb() -> bytes:
    """A PNG of a few hundred bytes that would unpack to 30 gigabytes."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        pytest.param(b"", "image/jpeg", id="nothing"),
        pytest.param(b"<svg onload='x'/>", "image/png", id="another thing"),
        pytest.param(photo("image/png"), "image/jpeg", id="not what it is called"),
        pytest.param(photo("image/jpeg")[:400], "image/jpeg", id="cut off"),
        pytest.param(photo("image/png")[:100], "image/png", id="cut off too"),
        pytest.param(_bomb(), "image/png", id="a bomb"),
        pytest.param(photo("image/png", (8001, 5000)), "image/png", id="too many points"),
    ],
)
def test_what_is_no_photo_is_refused_in_a_sentence(raw: bytes, kind: str) -> None:
    assert PIXELS_MAX < 8001 * 5000
    found = redraw(raw, kind)
    assert isinstance(found, str)
    assert found.endswith(".")
