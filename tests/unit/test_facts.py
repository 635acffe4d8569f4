"""What a place is and takes: read from a row or left unknown, and who may come with what."""

from typing import Any

import pytest
from tests.unit.test_network_cleaning import kept

from dropoff.network.facts import UNTOLD, Facts, Needs, box_of, meets, word


@pytest.mark.parametrize(
    ("given", "fact"),
    [
        ({"carriers": ["GLS", "Post Nord", "gls"]}, {"carriers": ("gls", "post_nord")}),
        ({"carriers": "dhl; Øst & Vest | UPS"}, {"carriers": ("dhl", "ost_vest", "ups")}),
        ({"refuses": "Batteries, liquids"}, {"refuses": ("batteries", "liquids")}),
        ({"step_free": True}, {"step_free": True}),
        ({"step_free": "No"}, {"step_free": False}),
        ({"has_printer": 1}, {"has_printer": True}),
        ({"has_printer": "false"}, {"has_printer": False}),
        ({"max_weight_g": 20_000}, {"max_weight_g": 20_000}),
        ({"max_weight_g": "20000"}, {"max_weight_g": 20_000}),
        ({"max_weight_g": 20_000.0}, {"max_weight_g": 20_000}),
        ({"max_size_mm": [400, 600, 300]}, {"max_size_mm": (600, 400, 300)}),
        ({"max_size_mm": "300 x 400 X 600"}, {"max_size_mm": (600, 400, 300)}),
        ({"max_size_mm": "300×400×600"}, {"max_size_mm": (600, 400, 300)}),
        ({"accepts": ["parcel", "step_free"]}, {"step_free": True}),
        ({"accepts": "printer", "has_printer": False}, {"has_printer": False}),
        ({"carriers": [], "refuses": "", "step_free": "", "max_size_mm": [], "max_weight_g": None}, {}),
    ],
)
def test_a_fact_is_read(given: dict[str, Any], fact: dict[str, Any]) -> None:
    place = kept(**given)
    assert place.facts == Facts(**fact)
    assert place.repaired == ()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("carriers", {"name": "gls"}),
        ("carriers", 7),
        ("carriers", ["??"]),
        ("carriers", [f"c{number}" for number in range(33)]),
        ("carriers", ["c" * 90]),
        ("step_free", "limited"),
        ("step_free", 2),
        ("step_free", ["yes"]),
        ("has_printer", "on Tuesdays"),
        ("max_weight_g", 0),
        ("max_weight_g", -5),
        ("max_weight_g", "25 kg"),
        ("max_weight_g", 10**10),
        ("max_weight_g", True),
        ("max_weight_g", 0.5),
        ("max_weight_g", float("inf")),
        ("max_size_mm", [600, 400]),
        ("max_size_mm", [600, 400, 0]),
        ("max_size_mm", [600, 400, {}]),
        ("max_size_mm", "large"),
        ("max_size_mm", "600x400x999999"),
        ("refuses", "!!"),
        ("photo_url", "http://pictures.example/1.jpg"),
        ("photo_url", "https://pictures.example/" + "a" * 500),
        ("photo_url", "https://"),
        ("photo_url", "https://user:pw@pictures.example/"),
        ("photo_url", "https://[pictures"),
        ("photo_url", "https://pictures.example/a b"),
        ("photo_url", "javascript:alert(1)"),
        ("photo_url", ["https://pictures.example/1.jpg"]),
        ("access_note", {"en": "by track 1"}),
        ("access_note", "\0\0"),
    ],
)
def test_what_cannot_be_read_is_unknown_and_told_and_the_place_stays(field: str, value: Any) -> None:
    place = kept(**{field: value})
    assert place.facts == UNTOLD
    assert (place.photo_url, place.access_note) == (None, None)
    assert place.repaired == (field,)


def test_what_can_be_read_of_a_list_is_kept() -> None:
    place = kept(carriers=["gls", 7, "??"])
    assert (place.facts.carriers, place.repaired) == (("gls",), ("carriers",))


def test_a_picture_and_a_way_in_are_kept() -> None:
    place = kept(photo_url="https://pictures.example/%C3%B8.jpg?w=1", access_note="inside the station, by track 1")
    assert (place.photo_url, place.access_note) == (
        "https://pictures.example/%C3%B8.jpg?w=1",
        "inside the station, by track 1",
    )
    assert place.repaired == ()
    long = kept(access_note="by track 1 &amp; " + "x" * 300)
    assert long.access_note is not None
    assert (len(long.access_note), long.access_note[:14], long.access_note[-1]) == (200, "by track 1 & x", "…")
    assert long.repaired == ("access_note",)


def test_the_content_is_the_same_as_before_there_were_facts() -> None:
    """Else the first import after an upgrade would rewrite the whole network."""
    plain = kept(street="Torstr. 1", opening_hours="24/7")
    assert plain.content_hash().hex() == "bde0b737cf7266c0771ea4b75352628e"
    for said in ({"step_free": False}, {"access_note": "by track 1"}, {"photo_url": "https://pictures.example/1"}):
        assert kept(street="Torstr. 1", opening_hours="24/7", **said).content_hash() != plain.content_hash()


KNOWN = Facts(("gls",), True, False, 5_000, (600, 400, 300), ("batteries",))


@pytest.mark.parametrize(
    ("needs", "known", "unknown"),
    [
        (Needs(), True, True),
        (Needs(carriers=frozenset({"gls", "ups"})), True, False),
        (Needs(carriers=frozenset({"ups"})), False, False),
        (Needs(step_free=True), True, False),
        (Needs(printer=True), False, False),
        (Needs(weight_g=5_000), True, True),
        (Needs(weight_g=5_001), False, True),
        (Needs(size_mm=(600, 400, 300)), True, True),
        (Needs(size_mm=(600, 400, 301)), False, True),
        (Needs(categories=frozenset({"liquids"})), True, True),
        (Needs(categories=frozenset({"batteries", "liquids"})), False, True),
    ],
)
def test_a_wish_needs_a_yes_and_a_limit_needs_a_no(needs: Needs, known: bool, unknown: bool) -> None:
    assert meets(KNOWN, needs) is known
    assert meets(UNTOLD, needs) is unknown


def test_boxes_and_words() -> None:
    assert box_of("200x400x300") == (400, 300, 200)
    assert [box_of(text) for text in ("", "1x2", "1x2x3x4", "0x2x3", "ax2x3", "1,2,3")] == [None] * 6
    assert [word(text) for text in ("Post Nord", "DHL-Express", "Łódź", "  ", "+")] == [
        "post_nord",
        "dhl_express",
        "lodz",
        "",
        "",
    ]
