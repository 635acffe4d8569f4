"""Hours of sources become OSM text; what is not surely understood stays unknown."""

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropoff.kernel.osm_hours import Week, clock, compose, interval, read_structure, read_words
from dropoff.network import hours


def said(text: str, country: str = "") -> str | None:
    week = read_words(text, country)
    return compose(week) if week else None


@pytest.mark.parametrize(
    ("text", "osm"),
    [
        ("PN-SB 8-20, ND 10:00-16:00", "Mo-Sa 08:00-20:00; Su 10:00-16:00"),
        ("PN-ND 06-22", "Mo-Su 06:00-22:00"),
        ("Pn-Pt 8-18, Sob 8-14, Niedz nieczynne", "Mo-Fr 08:00-18:00; Sa 08:00-14:00"),
        ("E-L 10-20", "Mo-Sa 10:00-20:00"),
        ("E-R 9:00-18:00; L 10-15; P suletud", "Mo-Fr 09:00-18:00; Sa 10:00-15:00"),
        ("Lun-ven 9h-18h30", "Mo-Fr 09:00-18:30"),
        ("Lun-Ven: 09:00-13:00, 15:30-19:30; Sab 9-13", "Mo-Fr 09:00-13:00,15:30-19:30; Sa 09:00-13:00"),
        ("L/Ma/Me/J/V 9-19,S 8-14", "Mo-Fr 09:00-19:00; Sa 08:00-14:00"),
        ("L/Ma/Me/J/V, 7-18", "Mo-Fr 07:00-18:00"),
        ("L/Ma/Me/J/V 9-18:30,S 8:30-13", "Mo-Fr 09:00-18:30; Sa 08:30-13:00"),
        ("L-V 9-14", "Mo-Fr 09:00-14:00"),
        ("Ma-pe 10-18", "Mo-Fr 10:00-18:00"),
        ("man-fre 8.00-16.00, lør 9.00-13.00", "Mo-Fr 08:00-16:00; Sa 09:00-13:00"),
        ("mån-fre 10-18", "Mo-Fr 10:00-18:00"),
        ("montag bis freitag von 9 bis 18 Uhr", "Mo-Fr 09:00-18:00"),
        ("Po-Pá 8-18", "Mo-Fr 08:00-18:00"),
        ("Pr-Pn 9-18", "Mo-Fr 09:00-18:00"),
        ("I-V 8-16", "Mo-Fr 08:00-16:00"),
        ("Mo, Mi 9-12 14-18", "Mo,We 09:00-12:00,14:00-18:00"),
        ("Sa-Mo 9-12", "Mo,Sa-Su 09:00-12:00"),
        ("Fr 18-2", "Fr 18:00-26:00"),
    ],
)
def test_local_words_are_read(text: str, osm: str) -> None:
    assert said(text) == osm
    assert hours.is_hours(osm)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "8-20",  # on which days?
        "ring the bell",
        "Mo-Fr",
        "Mo-Fr 9",
        "Mo-Fr 9-",
        "Mo-Fr 25-26",
        "Mo-Fr 9-18, Mo 20-22",  # added to Monday, or instead?
        "M-F 8-5",  # a twelve-hour clock
        "Mon-Fri 9am-5pm",
        "Mo-Fr 09:00-18:00; PH off",  # OSM already
        "Mo-Fr 9-18 außer Feiertage",
        "Di-Sa 9-12",  # from Tuesday in German, from Sunday in French
        "x" * 10_000,
    ],
)
def test_what_is_not_surely_understood_is_not_read(text: str) -> None:
    assert read_words(text) is None


def test_the_countrys_language_goes_first() -> None:
    assert said("Di-Sa 9-12", "DE") == "Tu-Sa 09:00-12:00"
    assert said("L/Ma/Me/J/V 9-19", "DE") == "Mo-Fr 09:00-19:00"


@given(st.text(max_size=60) | st.from_regex(r"[A-Za-zÆØÅ/,-]{1,8} [0-9:.h, -]{1,20}", fullmatch=True))
def test_whatever_is_read_is_osm(text: str) -> None:
    week = read_words(text)
    if week:
        osm = compose(week)
        assert osm is not None
        assert hours.is_hours(osm), f"{text!r} became {osm!r}"


@pytest.mark.parametrize(
    ("pair", "span"),
    [
        ((0, 0), None),
        ((540, 540), None),
        ((540, 1080), (540, 1080)),
        ((300, 0), (300, 1440)),
        ((0, 1439), (0, 1440)),
        ((1, 1439), (1, 1440)),
        ((1320, 120), (1320, 1560)),
        ((-1, 5), None),
        ((0, 1441), None),
        ((1440, 60), None),
    ],
)
def test_pairs_of_minutes(pair: tuple[int, int], span: tuple[int, int] | None) -> None:
    assert interval(*pair) == span


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("9", 540),
        ("09:30", 570),
        ("9.30", 570),
        ("9h30", 570),
        ("9h", 540),
        ("0930", 570),
        ("24:00", 1440),
        ("09:30:00", 570),
        ("24:30", None),
        ("9:60", None),
        ("", None),
        ("nine", None),
    ],
)
def test_clocks(text: str, minutes: int | None) -> None:
    assert clock(text) == minutes


@pytest.mark.parametrize(
    ("value", "osm"),
    [
        ({"monday": [{"start": 540, "end": 1080}], "sunday": [{"start": 0, "end": 0}]}, "Mo 09:00-18:00"),
        ({"Mo": "9-18", "Di": "geschlossen"}, "Mo 09:00-18:00"),
        ({"mon": [{"open": "09:00", "close": "18:00"}], "tue": None}, "Mo 09:00-18:00"),
        ({"monday": [{"from": "9", "to": "12"}, {"from": "14", "to": "18"}]}, "Mo 09:00-12:00,14:00-18:00"),
    ],
)
def test_structures_are_read_also_in_a_string(value: Any, osm: str) -> None:
    for given_as in (value, json.dumps(value)):
        week = read_structure(given_as)
        assert week is not None
        assert compose(week) == osm


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        [],
        "{",
        "Mo 9-18",
        {"someday": []},
        {"monday": [{"start": "x", "end": 9}]},
        {"monday": [{"start": True, "end": 9}]},
        {"monday": [7]},
        {"monday": "all day"},
        {"mon": "9-18", "monday": "9-12"},
        "[" * 100_000,
    ],
)
def test_other_structures_are_not(value: Any) -> None:
    assert read_structure(value) is None


def test_days_alike_are_told_together() -> None:
    day, short = [(540, 1080)], [(540, 720)]
    week: Week = {0: day, 1: day, 2: short, 3: day, 4: day, 5: short}
    assert compose(week) == "Mo-Tu,Th-Fr 09:00-18:00; We,Sa 09:00-12:00"
    assert compose({day: [(0, 1440)] for day in range(7)}) == "24/7"
    assert compose({0: [(540, 720), (700, 900), (900, 960)]}) == "Mo 09:00-16:00"


def test_a_place_that_is_never_open_has_unknown_hours() -> None:
    assert compose({}) is None
    assert compose({day: [] for day in range(7)}, [(date(2026, 12, 24), date(2026, 12, 26))]) is None


def test_closures_follow_the_week() -> None:
    periods = [(date(2026, 12, 24), date(2027, 1, 2)), (date(2026, 5, 1), date(2026, 5, 1))]
    osm = compose({0: [(540, 1080)]}, [*periods, *periods])
    assert osm == "Mo 09:00-18:00; 2026 May 01 off; 2026 Dec 24-2027 Jan 02 off"
    assert hours.is_hours(osm)


spans = st.tuples(st.integers(0, 1439), st.integers(1, 1439)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(st.dictionaries(st.integers(0, 6), st.lists(spans, max_size=3)))
def test_every_week_composes_to_osm(week: Week) -> None:
    osm = compose(week)
    assert (osm is None) == (not any(week.values()))
    assert osm is None or hours.is_hours(osm)
