"""Tags, heads of rolls and bag labels are read back by a scanner as exactly what they say, from PDF and from ZPL."""

import re

import pypdfium2
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st

from dropoff.counter import printed
from dropoff.counter.label_layouts import BAG_SIZE, TAG_SIZE, TooSmall, bag_sheet, tag_sheet
from dropoff.counter.printed import Printed
from dropoff.counter.reading import read
from dropoff.drawing import printing
from dropoff.drawing.marks import Bars, Box, Sheet, Text, modules, text_width
from dropoff.kernel import gs1, tags


def decoded(pdf: bytes) -> list[list[tuple[str, str]]]:
    """By page; the paper's own resolution of 300 dpi."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        images = [page.render(scale=300 / 72).to_pil() for page in document]
    finally:
        document.close()
    return [[(one.symbology_identifier, one.text) for one in zxingcpp.read_barcodes(image)] for image in images]


def test_a_roll_of_tags_is_its_head_and_then_each_tag() -> None:
    roll = Printed(995, 4, "T")
    pages = decoded(printed.draw([roll], TAG_SIZE, ".pdf"))
    every = [tags.make_tag(number) for number in range(995, 999)]
    assert pages == [[("]C0", tags.roll_head(every[0], every[-1]))], *([("]C0", tag)] for tag in every)]
    assert read(pages[0][0][1]).roll == (every[0], every[-1])


def test_bag_labels_are_gs1_128_with_the_sscc_alone() -> None:
    pages = decoded(printed.draw([Printed(7, 2, "5712345")], BAG_SIZE, ".pdf"))
    assert pages == [[("]C1", f"(00){gs1.nth_sscc('5712345', number)}")] for number in (7, 8)]


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**9 - 1), st.sampled_from([(60, 25), (50, 20), (40, 15), (80, 40)]))
def test_a_tag_is_read_at_every_size(number: int, size: tuple[float, float]) -> None:
    tag = tags.make_tag(number)
    assert decoded(printing.to_pdf([tag_sheet(tag, size)])) == [[("]C0", tag)]]


def test_zpl_says_the_same_numbers_in_code_128() -> None:
    zpl = printed.draw([Printed(5, 2, "T")], TAG_SIZE, ".zpl").decode()
    assert zpl.count("^XA") == zpl.count("^XZ") == 3
    first, last = tags.make_tag(5), tags.make_tag(6)
    assert re.findall(r"\^BCN,\d+,N,N,N,A\^FD(.*?)\^FS", zpl) == [first + last, first, last]
    bags = printed.draw([Printed(5, 1, "5712345")], BAG_SIZE, ".zpl").decode()
    assert f"^FD>;>800{gs1.nth_sscc('5712345', 5)}^FS" in bags


def test_what_is_read_by_people_stands_on_it() -> None:
    sscc = gs1.nth_sscc("5712345", 42)
    shown = [mark.text for mark in bag_sheet(sscc).marks if isinstance(mark, Text)]
    assert shown == ["BAG", sscc[-4:], gs1.human_readable_sscc(sscc)]
    example = [mark.text for mark in bag_sheet(gs1.nth_sscc("9521321", 1)).marks if isinstance(mark, Text)]
    assert any("NOT FOR REAL GOODS" in text for text in example)
    assert [m.text for m in tag_sheet(tags.make_tag(3)).marks if isinstance(m, Text)] == [tags.make_tag(3)]


@pytest.mark.parametrize("sheet", [*Printed(1, 2, "T").sheets(TAG_SIZE), *Printed(1, 1, "9521321").sheets(BAG_SIZE)])
def test_nothing_leaves_the_label_and_bars_keep_their_quiet_zone(sheet: Sheet) -> None:
    for mark in sheet.marks:
        if isinstance(mark, Box):
            assert mark.x >= 0
            assert mark.x + mark.width <= sheet.width
            assert mark.y + mark.height <= sheet.height
        elif isinstance(mark, Bars):
            assert mark.x >= 10 * mark.module
            assert mark.x + modules(mark.text, mark.gs1) * mark.module <= sheet.width - 10 * mark.module + 1e-6
        else:
            assert text_width(mark.text, mark.size, mark.bold) <= sheet.width
            assert 0 < mark.y < sheet.height


def test_a_label_without_room_for_its_bars_is_refused() -> None:
    with pytest.raises(TooSmall, match="33 mm wide"):
        printed.probe("tags", (30, 25))
    with pytest.raises(TooSmall):
        printed.probe("sscc", (60, 25))
    with pytest.raises(ValueError, match="valid SSCC"):
        bag_sheet("095213210000000002")
