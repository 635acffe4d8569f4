"""A place is found however it is typed: what fits goes before what begins so, and that before what was mistyped."""

import random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dropoff.network.gazetteer import TYPO_MIN, FoundPlace, Gazetteer
from dropoff.network.gazetteer_building import Row, packed, unpacked
from dropoff.network.gazetteer_spelling import POSTCODE_MAX, name_keys, plain, spellings

COUNTRIES = (None, "DK", "SE")


def row(postcode: str, name: str, country: str = "DK", lat: float = 56.0, lon: float = 10.0, region: str = "") -> Row:
    return Row(country, postcode, name, region, lat, lon)


def first(found: list[FoundPlace]) -> tuple[str, str] | None:
    return (found[0].label, found[0].match) if found else None


SPELT = [
    *[(text, "København, DK") for text in ("København", "KØBENHAVN", "kobenhavn", "Koebenhavn", "Köbenhavn")],
    *[(text, "København, DK") for text in ("Copenhagen", "Kopenhagen", "Köpenhamn", "Kööpenhamina", "Kopenhaga")],
    *[(text, "Aarhus, DK") for text in ("Aarhus", "Århus", "A\u030arhus", "arhus", "AARHUS")],
    *[(text, "Aabenraa, DK") for text in ("Aabenraa", "Åbenrå", "abenra", "ÅBENRÅ")],
    *[(text, "Tromsø, NO") for text in ("Tromsø", "Tromsö", "Tromso", "Tromsoe")],
    *[(text, "Kristiansand S, NO") for text in ("Kristiansand", "kristiansand s")],
    *[(text, "Malmö, SE") for text in ("Malmö", "Malmø", "malmo", "Malmoe", "Malmo\u0308")],
    *[(text, "Göteborg, SE") for text in ("Göteborg", "Goteborg", "Goeteborg", "Gothenburg")],
    *[(text, "Umeå, SE") for text in ("Umeå", "umea", "Umeaa", "Uumaja")],
    *[(text, "Turku, FI") for text in ("Turku", "Åbo", "Aabo", "åbo")],
    *[(text, "Jyväskylä, FI") for text in ("Jyväskylä", "jyvaskyla", "Jyvaeskylae")],
    *[(text, "Vaasa, FI") for text in ("Vaasa", "Vasa")],
    *[(text, "München, DE") for text in ("München", "Munchen", "Muenchen", "Munich", "Monachium")],
    *[(text, "Köln, DE") for text in ("Köln", "Koln", "Koeln", "Cologne", "Kolonia")],
    *[
        (text, "Großräschen, DE")
        for text in ("Großräschen", "Grossräschen", "grossraeschen", "GROSSRÄSCHEN", "GROẞRÄSCHEN")
    ],
    *[(text, "Wien, AT") for text in ("Wien", "Vienna", "Wiedeń")],
    *[(text, "Łódź, PL") for text in ("Łódź", "lodz", "LODZ", "Łodz")],
    *[(text, "Warszawa, PL") for text in ("Warszawa", "Warsaw", "Warschau")],
    *[(text, "Gdańsk, PL") for text in ("Gdańsk", "gdansk", "Danzig")],
    *[(text, "London, GB") for text in ("London", "Londyn", "Lontoo")],
    *[(text, "Vilnius, LT") for text in ("Vilnius", "Wilno")],
]


@pytest.mark.parametrize(("text", "label"), SPELT)
def test_a_town_is_known_in_every_spelling(real: Gazetteer, text: str, label: str) -> None:
    assert first(real.search(text)) == (label, "exact")


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("8000", "8000 Aarhus C, DK"),
        ("DK-8000", "8000 Aarhus C, DK"),
        ("dk 8000", "8000 Aarhus C, DK"),
        ("DK8000 Aarhus", "8000 Aarhus C, DK"),
        ("8000 Aarhus", "8000 Aarhus C, DK"),
        ("8000 Århus C", "8000 Aarhus C, DK"),
        ("8000 Aarhus C, Danmark", "8000 Aarhus C, DK"),
        ("Aarhus 8000", "8000 Aarhus C, DK"),
        ("Nørregade 5, 8000 Aarhus C", "8000 Aarhus C, DK"),
        ("111 22", "111 22 Stockholm, SE"),
        ("S-111 22", "111 22 Stockholm, SE"),
        ("SE-11122", "111 22 Stockholm, SE"),
        ("11122 stockholm", "111 22 Stockholm, SE"),
        ("N-0150 Oslo", "0150 Oslo, NO"),
        ("0150 Oslo", "0150 Oslo, NO"),
        ("D-10115", "10115 Berlin, DE"),
        ("10115 Berlin, Germany", "10115 Berlin, DE"),
        ("90-354", "90-354 Łódź, PL"),
        ("90354 lodz", "90-354 Łódź, PL"),
        ("A-1020", "1020 Wien, Leopoldstadt, AT"),
        ("1020 Wien", "1020 Wien, Leopoldstadt, AT"),
        ("LV-1010", "LV-1010 Riga, LV"),
        ("1010 Rīga", "LV-1010 Riga, LV"),
        ("SW1A 2AA", "SW1A Westminster Abbey, GB"),
        ("sw1a", "SW1A Westminster Abbey, GB"),
        ("FIN-90530", "90530 Oulu, FI"),
    ],
)
def test_a_postcode_is_known_however_it_is_written(real: Gazetteer, text: str, label: str) -> None:
    assert first(real.search(text)) == (label, "exact")


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Wien, Österreich", "Wien, AT"),
        ("Wien AT", "Wien, AT"),
        ("Nørregade 5, Aarhus", "Aarhus, DK"),
        ("Aigen, Salzburg", "Aigen, Salzburg, AT"),
        ("Aigen, Salzburg, AT", "Aigen, Salzburg, AT"),
        ("Frankfurt (Oder)", "Frankfurt (Oder), DE"),
        ("Stockholm Sverige", "Stockholm, SE"),
    ],
)
def test_a_region_or_a_country_may_stand_behind(real: Gazetteer, text: str, label: str) -> None:
    assert first(real.search(text)) == (label, "exact")


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Kobenhvn", "København, DK"),
        ("Købenahvn", "København, DK"),
        ("Københsvn", "København, DK"),
        ("Stokholm", "Stockholm, SE"),
        ("Sttockholm", "Stockholm, SE"),
        ("Düsseldrof", "Düsseldorf, DE"),
        ("Helsniki", "Helsinki, FI"),
        ("Warszwa", "Warszawa, PL"),
        ("xslo", "Oslo, NO"),
    ],
)
def test_one_slip_is_forgiven(real: Gazetteer, text: str, label: str) -> None:
    assert first(real.search(text)) == (label, "typo")


def test_suggestions_begin_with_the_biggest(real: Gazetteer) -> None:
    assert first(real.search("Frankfurt")) == ("Frankfurt am Main, DE", "prefix")
    assert [place.label for place in real.search("stock", limit=1)] == ["Stockholm, SE"]
    assert [place.country for place in real.search("Ber", limit=2)] == ["DE", "NO"]
    assert first(real.search("stokh")) == ("Stockholm, SE", "typo")
    assert first(real.search("Leopoldst")) == ("Wien, Leopoldstadt, AT", "prefix")


def test_a_country_keeps_the_others_out(real: Gazetteer) -> None:
    assert {place.country for place in real.search("1010", limit=20)} == {"AT", "DK", "LV"}
    assert [place.label for place in real.search("1010", "AT")] == ["1010 Wien, Innere Stadt, AT"]
    assert {place.country for place in real.search("ber", "NO", limit=20)} == {"NO"}
    assert real.search("DK-8000", "DE") == []
    assert real.search("Aarhus", "XX") == []


def test_a_label_leads_back_to_its_place(real: Gazetteer) -> None:
    chance = random.Random(11)
    for start in "aeiourstlnkbøäł12345678":
        for place in real.search(start + chance.choice("aeio"), limit=10) + real.search(start, limit=10):
            again = real.search(place.label, limit=1)[0]
            assert (again.label, again.match) == (place.label, "exact")


def test_every_code_of_the_file_is_found_by_itself(real: Gazetteer) -> None:
    assert len(real) == 73_082
    chance = random.Random(5)
    for start in range(10, 100):
        for place in chance.sample(found := real.search(str(start), limit=50), min(3, len(found))):
            assert place.postcode is not None
            [alone] = real.search(place.postcode, place.country)[:1]
            assert (alone.postcode, alone.country, alone.match) == (place.postcode, place.country, "exact")


def test_a_town_lies_among_its_codes_and_not_where_a_namesake_is() -> None:
    places = Gazetteer.of(
        [
            row("1000", "Neustadt", "DE", 50.0, 8.0, "Hessen"),
            row("1001", "Neustadt", "DE", 50.02, 8.0, "Hessen"),
            row("9000", "Neustadt", "DE", 54.0, 10.0, "Holstein"),
        ]
    )
    found = places.search("neustadt")
    assert [(place.label, place.size) for place in found] == [
        ("Neustadt, Hessen, DE", 2),
        ("Neustadt, Holstein, DE", 1),
    ]
    assert (found[0].lat, found[0].lon) == pytest.approx((50.01, 8.0))
    assert (found[0].postcode, found[1].postcode) == (None, "9000")
    assert [place.region for place in places.search("Neustadt, Holstein, DE", limit=1)] == ["Holstein"]


def test_a_town_across_the_antimeridian_lies_on_it() -> None:
    [found] = Gazetteer.of([row("1", "Taveuni", "FJ", -17, 179.95), row("2", "Taveuni", "FJ", -17, -179.85)]).search(
        "Taveuni"
    )
    assert abs(found.lon) == pytest.approx(179.95)


def test_districts_make_a_town() -> None:
    codes = [
        row("1100", "København K"),
        row("1600", "København V"),
        row("8260", "Viby J"),
        row("2000", "Frederiksberg"),
    ]
    codes += [
        row("1800", "Frederiksberg C"),
        row("1020", "Wien, Leopoldstadt", "AT"),
        row("1010", "Wien, Innere Stadt", "AT"),
    ]
    places = Gazetteer.of(codes)
    sizes = {
        text: [(p.label, p.size) for p in places.search(text) if p.match == "exact"] for text in ("København", "Viby")
    }
    assert sizes == {"København": [("København, DK", 2)], "Viby": [("Viby J, DK", 1)]}
    assert [place.label for place in places.search("Frederiksberg", limit=2)] == [
        "Frederiksberg, DK",
        "Frederiksberg C, DK",
    ]
    assert places.search("2000")[0].label == "2000 Frederiksberg, DK"
    assert first(places.search("Leopoldstadt")) == ("Wien, Leopoldstadt, AT", "prefix")


def test_a_code_without_a_name_is_found_by_itself_only() -> None:
    places = Gazetteer.of([row("SW9", "", "GB")])
    assert [place.label for place in places.search("SW9")] == ["SW9, GB"]


def test_an_unknown_code_is_taken_for_a_near_one_only() -> None:
    places = Gazetteer.of([row("8000", "Aarhus C"), row("9000", "Aalborg"), row("8010", "Aarhus C")])
    assert [place.postcode for place in places.search("8001")] == ["8000", "8010"]
    assert [place.match for place in places.search("80000")] == ["typo"]
    assert places.search("7000") == []  # would be 8000 or 9000, at the other end of the country


def test_an_empty_gazetteer_knows_nothing() -> None:
    assert Gazetteer.of(()).search("8000 Aarhus") == []
    assert len(Gazetteer.of(())) == 0


# Against brute force

LETTERS = "abos "
NAMES = st.lists(st.text(LETTERS, min_size=1, max_size=7).filter(str.strip), min_size=1, max_size=12, unique_by=plain)


def slips(one: str, other: str) -> int:
    """How many letters too many, too few, wrong or swapped; by the book."""
    table = {(i, 0): i for i in range(len(one) + 1)} | {(0, j): j for j in range(len(other) + 1)}
    for i in range(1, len(one) + 1):
        for j in range(1, len(other) + 1):
            table[i, j] = min(
                table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + (one[i - 1] != other[j - 1])
            )
            if i > 1 and j > 1 and one[i - 1] == other[j - 2] and one[i - 2] == other[j - 1]:
                table[i, j] = min(table[i, j], table[i - 2, j - 2] + 1)
    return table[len(one), len(other)]


def expected(names: list[str], text: str) -> list[tuple[int, str]]:
    """Tier and name, as the promise says: exact, beginning, slip, slip in a beginning."""
    found = []
    for name in names:
        tiers = []
        for key in name_keys(name, "SE"):
            for typed in spellings(text):
                forgiving = len(typed.replace(" ", "")) >= TYPO_MIN
                if key == typed:
                    tiers.append(0)
                elif key.startswith(typed):
                    tiers.append(1)
                elif forgiving and slips(key, typed) == 1:
                    tiers.append(2)
                elif forgiving and any(slips(key[:end], typed) <= 1 for end in range(len(key) + 1)):
                    tiers.append(3)
        if tiers:
            found.append((min(tiers), name))
    if any(tier == 0 for tier, _ in found):
        found = [(tier, name) for tier, name in found if tier < 2]
    return found


@settings(deadline=None)
@given(NAMES, st.text(LETTERS, min_size=1, max_size=8).filter(str.strip))
def test_names_are_found_as_a_slow_search_finds_them(names: list[str], text: str) -> None:
    # Of a name with more behind it, `test_gazetteer_hard` knows what is wanted.
    head, *tail = plain(text).split()
    assume(not tail or not any(plain(name).startswith(head) for name in names))
    places = Gazetteer.of([row("", name, "SE", 10.0 + number, 20.0) for number, name in enumerate(names)])
    wanted = sorted(expected(names, text), key=lambda found: found[0])
    got = places.search(text, limit=100)
    # All are equally big, so the order of the file decides among equals.
    assert [place.name for place in got] == [name for _, name in wanted]
    assert [place.match for place in got] == [("exact", "prefix", "typo", "typo")[tier] for tier, _ in wanted]


@settings(deadline=None)
@given(NAMES, st.text(LETTERS, min_size=1, max_size=8).filter(str.strip), st.integers(1, 4))
def test_a_limit_takes_the_best(names: list[str], text: str, limit: int) -> None:
    places = Gazetteer.of([row("", name, "SE", 10.0 + number, 20.0) for number, name in enumerate(names)])
    assert places.search(text, limit=limit) == places.search(text, limit=100)[:limit]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 999), st.integers(1, 5)), min_size=1, max_size=12, unique_by=lambda t: t[0]))
def test_a_bigger_place_goes_first(towns: list[tuple[int, int]]) -> None:
    rows = [
        row(f"{number:03}{code}", f"Town {'abcdefghij'[number % 10]}{'x' * (number // 10)}", "SE", number / 20, 20.0)
        for number, codes in towns
        for code in range(codes)
    ]
    sizes = [place.size for place in Gazetteer.of(rows).search("town", limit=100)]
    assert sizes == sorted(sizes, reverse=True)
    assert sum(sizes) == len(rows)


CODES = st.lists(st.text("01a", min_size=1, max_size=5), min_size=1, max_size=12, unique=True)


@settings(deadline=None)
@given(CODES, st.text("01a", min_size=1, max_size=5))
def test_codes_are_found_as_a_slow_search_finds_them(codes: list[str], text: str) -> None:
    places = Gazetteer.of([row(code, f"Town {'abcdefghijkl'[n]}", "SE", n, 20.0) for n, code in enumerate(codes)])
    got = {(place.postcode or "").lower(): place.match for place in places.search(text, limit=100) if place.name}
    if not any(map(str.isdigit, text)):
        return  # no postcode in the eyes of the reader
    if text in codes:
        assert got == {text: "exact"}
        return
    longer = {code for code in codes if code.startswith(text)}
    near = {code for code in codes if slips(code, text) == 1 and code[:2] == text[:2] and len(text) >= TYPO_MIN}
    assert {code for code, match in got.items() if match == "prefix"} == longer
    assert {code for code, match in got.items() if match == "typo"} == near - longer


@settings(deadline=None)
@given(st.text("0123456789abcdefghijklmnopqrstuvwxyz", max_size=POSTCODE_MAX), st.text("0a9z", max_size=POSTCODE_MAX))
def test_packed_codes_sort_as_their_texts(one: str, other: str) -> None:
    assert (packed(one) < packed(other)) == (one < other)
    assert unpacked(packed(one), "#" * len(one)) == one.upper()


@settings(deadline=None)
@given(st.text(max_size=60), st.sampled_from(COUNTRIES))
def test_whatever_is_typed_is_answered(real: Gazetteer, text: str, country: str | None) -> None:
    assert len(real.search(text, country, limit=5)) <= 5


@settings(deadline=None)
@given(st.text("DKSEdk-,. 0123489AaøØßÅåé'/()", max_size=40), st.sampled_from(COUNTRIES))
def test_whatever_looks_like_an_address_is_answered(real: Gazetteer, text: str, country: str | None) -> None:
    for place in real.search(text, country, limit=5):
        assert country in (None, place.country)
        assert -90 <= place.lat <= 90
        assert -180 <= place.lon <= 180


@settings(deadline=None)
@given(st.data())
def test_a_slip_in_a_real_name_is_no_harm(real: Gazetteer, data: st.DataObject) -> None:
    name = data.draw(
        st.sampled_from(["Stockholm", "Göteborg", "Tromsø", "Helsingborg", "Szczecin", "Düsseldorf", "Rovaniemi"])
    )
    place = data.draw(st.integers(0, len(name) - 1))
    letter = data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz"))
    slip = data.draw(
        st.sampled_from(
            [
                name[:place] + name[place + 1 :],
                name[:place] + letter + name[place:],
                name[:place] + letter + name[place + 1 :],
                name[:place] + name[place + 1 : place + 2] + name[place : place + 1] + name[place + 2 :],
            ]
        )
    )
    found = real.search(slip, limit=20)
    assert name in [place.name for place in found] or found[0].match == "exact"
