"""Every scanner reads the exact SSCC as GS1-128 from all three forms of a label, and every European name is printed."""

import io
import re

import msgspec
import pypdfium2
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dropoff.drawing.marks import Bars, Box, Text, bar_widths, text_width
from dropoff.drawing.printing import zpl_text
from dropoff.freight.files import to_pdf, to_png, to_zpl
from dropoff.freight.labels import HEIGHT_MM, MODULE_MM, WIDTH_MM, LabelAddress, LabelContent, layout
from dropoff.kernel.gs1 import EXAMPLE_PREFIX, nth_sscc

REAL = "5712345"
ssccs = st.integers(0, 10**10 - 1).map(lambda number: nth_sscc(REAL, number))


def label(**changes: object) -> LabelContent:
    made = LabelContent(
        sscc=nth_sscc(REAL, 42),
        position=1,
        total=3,
        carrier="courier",
        service="standard",
        origin=LabelAddress("Kiosk Nørrebro", "Nørrebrogade 112", "2200", "København N", "DK"),
        ship_to=LabelAddress("Łódź Zwroty", "ul. Źródlana 3", "90-001", "Łódź", "PL"),
        departs="Fri 20 Nov 17:00",
        kind="bag",
        parcel_count=12,
        weight_g=8420,
        seal="SEAL-1",
        tracking_number="COIW6U6ABY5BXU",
    )
    return msgspec.structs.replace(made, **changes)


def read(image: Image.Image) -> list[tuple[str, str]]:
    return [(found.symbology_identifier, found.text) for found in zxingcpp.read_barcodes(image)]


def pages(pdf: bytes) -> list[Image.Image]:
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [page.render(scale=300 / 72).to_pil() for page in document]
    finally:
        document.close()


def pdf_text(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    try:
        return "\n".join(page.get_textpage().get_text_range() for page in document)
    finally:
        document.close()


@settings(max_examples=15, deadline=None)
@given(ssccs)
def test_png_reads_as_gs1_128_with_exactly_the_sscc(sscc: str) -> None:
    image = Image.open(io.BytesIO(to_png(label(sscc=sscc))))
    assert read(image) == [("]C1", f"(00){sscc}")]


@settings(max_examples=10, deadline=None)
@given(ssccs)
def test_pdf_reads_as_gs1_128_with_exactly_the_sscc(sscc: str) -> None:
    (page,) = pages(to_pdf([label(sscc=sscc)]))
    assert read(page) == [("]C1", f"(00){sscc}")]


def test_a_pdf_has_one_page_per_container_in_order() -> None:
    numbers = [nth_sscc(REAL, n) for n in range(3)]
    made = [label(sscc=sscc, position=at, total=3) for at, sscc in enumerate(numbers, 1)]
    assert [read(page)[0][1] for page in pages(to_pdf(made))] == [f"(00){sscc}" for sscc in numbers]


def test_zpl_prints_a_gs1_128_of_the_sscc() -> None:
    zpl = to_zpl([label(), label(position=2)]).decode()
    assert zpl.startswith("^XA")
    assert zpl.count("^XA") == zpl.count("^XZ") == 2
    fields = re.findall(r"\^BY(\d+)\^BCN,(\d+),N,N,N,N\^FD(.*?)\^FS", zpl)
    # Subset C, then FNC1, then AI 00 and the number: what Zebra's manual asks for.
    assert fields == [("4", "272", f">;>800{label().sscc}")] * 2


def test_names_of_every_european_alphabet_are_printed_in_all_three() -> None:
    names = ("Łódź", "Ærøskøbing", "Tromsø", "Győr", "Česká Lípa", "Čačak", "Iași", "Αθήνα", "София", "Åre", "Groß")
    for name in names:
        made = label(ship_to=LabelAddress(name, name, "1", name, "PL"))
        assert pdf_text(to_pdf([made])).count(name) == 3, name
        assert to_zpl([made]).decode().count(name) == 3
        missing = label(ship_to=LabelAddress("\ufffe" * len(name), name, "1", name, "PL"))
        assert to_png(made) != to_png(missing)


def test_zpl_text_cannot_break_out_of_its_field() -> None:
    evil = "A^XZ~JR_41\\&\x1b\n"
    zpl = to_zpl([label(ship_to=LabelAddress(evil, evil, "1", "C", "DK"), seal="^FS~HS")]).decode()
    assert zpl.count("^XZ") == 1
    assert "~" not in zpl
    assert zpl_text(evil) == "A_5EXZ_7EJR_5F41_5C&  "


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=200), st.text(max_size=200))
def test_nothing_ever_leaves_the_label(name: str, street: str) -> None:
    address = LabelAddress(name, street, street[:20], name, "DK")
    for mark in layout(label(origin=address, ship_to=address, seal=name, tracking_number=street, service=name)):
        if isinstance(mark, Box):
            assert 0 <= mark.x <= WIDTH_MM + 0.01 - mark.width
            assert 0 <= mark.y <= HEIGHT_MM - mark.height
        elif isinstance(mark, Text):
            width = text_width(mark.text, mark.size, mark.bold)
            left = mark.x - {"left": 0, "centre": width / 2, "right": width}[mark.align]
            assert 0 <= left <= WIDTH_MM - width, mark
            assert 0 < mark.y < HEIGHT_MM
        else:
            assert isinstance(mark, Bars)


def test_bars_have_the_width_and_quiet_zone_gs1_asks_for() -> None:
    bars = bar_widths(f"00{label().sscc}", gs1=True)
    width_mm = (bars[-1][0] + bars[-1][1]) * MODULE_MM
    assert width_mm == pytest.approx(156 * 0.508)
    assert (WIDTH_MM - width_mm) / 2 >= 10 * MODULE_MM


def test_a_wrong_check_digit_is_never_printed() -> None:
    with pytest.raises(ValueError, match="valid SSCC"):
        to_png(label(sscc="371234500000000429"[:17] + "0"))


def test_the_example_prefix_and_a_test_say_so_on_the_label() -> None:
    assert "EXAMPLE" not in pdf_text(to_pdf([label()]))
    assert "EXAMPLE NUMBER" in pdf_text(to_pdf([label(sscc=nth_sscc(EXAMPLE_PREFIX, 1))]))
    assert "TEST SHIPMENT" in pdf_text(to_pdf([label(live=False)]))


def test_the_label_says_what_a_warehouse_looks_for() -> None:
    text = pdf_text(to_pdf([label()]))
    for told in ("COURIER STANDARD", "1 of 3", "SEAL-1", "12 parcels", "8.5 kg", "COIW6U6ABY5BXU", "Kiosk Nørrebro"):
        assert told in text
    assert "(00) 0 57123450 00000042" in text


def test_the_same_label_has_the_same_bytes() -> None:
    assert to_pdf([label()]) == to_pdf([label()])
    assert to_png(label()) == to_png(label())
