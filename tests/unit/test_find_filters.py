"""The finder's filters as links, facts in words, and what a return asks of a place."""

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.unit.test_nearby import place

from dropoff.network.facts import UNTOLD, Facts, Needs
from dropoff.network.nearby import Snapshot
from dropoff.network.places import Place as Found
from dropoff.shopper import find_facts, find_filters
from dropoff.shopper.find_filters import Around, Filters
from dropoff.shopper.find_pages import _filters
from dropoff.shopper.service import places_near

AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
ALL = Filters(
    kinds=frozenset({"locker", "store"}),
    accepts=frozenset({"box_free"}),
    open_now=True,
    prefer_proven=True,
    needs=Needs(
        frozenset({"gls", "post_nord"}), True, True, 6_000, (750, 500, 300), frozenset({"batteries", "liquids"})
    ),
)


def test_filters_are_links_that_turn_themselves() -> None:
    where = {"q": "Aarhus C", "near": "", "country": "DK"}
    on = Filters(kinds=frozenset({"locker"}), open_now=True, needs=Needs(printer=True))
    around = Around(kinds=("locker", "store"), accepts=("box_free",), step_free=True)
    found = find_filters.choices(where, on, around, hours=True)
    assert [(choice.text, choice.on) for choice in found] == [
        ("Open now", True),
        ("Open when you arrive", False),
        ("Shops", False),
        ("Parcel lockers", True),
    ]
    assert found[0].url == "/find?q=Aarhus+C&country=DK&kind=locker&printer=true"
    assert found[1].url == "/find?q=Aarhus+C&country=DK&kind=locker&open=arrival&printer=true", "instead of now"
    assert found[2].url == "/find?q=Aarhus+C&country=DK&kind=locker%2Cstore&open=now&printer=true"
    room = find_filters.choices(where, Filters(has_room=True), Around(), hours=False)
    assert [(choice.text, choice.on, choice.url) for choice in room] == [
        ("Not full", True, "/find?q=Aarhus+C&country=DK")
    ]
    used = find_filters.choices(where, Filters(), Around(), hours=False, used=True)
    assert [(choice.text, choice.url) for choice in used] == [
        ("Lately used first", "/find?q=Aarhus+C&country=DK&prefer=proven")
    ]
    place, packed = find_filters.groups(where, on, around)
    assert (place.title, packed.title) == ("At the place", "How it is packed")
    assert [(choice.text, choice.on) for choice in place.choices] == [("Step-free", False), ("Prints labels", True)]
    assert [choice.text for choice in packed.choices] == ["Without a box"]
    assert place.choices[0].url == "/find?q=Aarhus+C&country=DK&kind=locker&open=now&step_free=true&printer=true"
    assert place.choices[1].url == "/find?q=Aarhus+C&country=DK&kind=locker&open=now"


def test_only_filters_that_choose_something_are_shown() -> None:
    found = find_filters.choices({"q": "x"}, Filters(), Around(kinds=("store",)), hours=True)
    assert [choice.text for choice in found] == ["Open now", "Open when you arrive"]
    assert find_filters.choices({"q": "x"}, Filters(), Around(), hours=False) == ()
    assert find_filters.groups({"q": "x"}, Filters(), Around(facts=(UNTOLD, UNTOLD))) == ()
    alone = Around(facts=(Facts(carriers=("gls",)), UNTOLD))
    assert find_filters.groups({"q": "x"}, Filters(), alone) == (), "one carrier is no choice"


def test_what_few_need_stands_in_groups() -> None:
    around = Around(facts=(Facts(("gls", "ups"), None, None, 20_000, (600, 400, 400), ("tyres", "batteries")), UNTOLD))
    on = Filters(needs=Needs(weight_g=5_000))
    groups = find_filters.groups({"q": "x"}, on, around)
    assert [(group.title, [choice.text for choice in group.choices]) for group in groups] == [
        ("How heavy it is", ["Up to 2 kg", "Up to 5 kg", "Up to 10 kg", "Up to 20 kg", "Up to 30 kg"]),
        ("How large it is", ["Shoe box", "Moving box", "Suitcase"]),
        ("What is in it", ["Batteries", "Tyres"]),
        ("Who collects there", ["GLS", "UPS"]),
    ]
    heavy, large, inside, collects = groups
    assert [choice.on for choice in heavy.choices] == [False, True, False, False, False]
    assert heavy.choices[1].url == "/find?q=x", "a second click takes it back"
    assert large.choices[0].url == "/find?q=x&weight_g=5000&size_mm=350x250x150"
    assert inside.choices[1].url == "/find?q=x&weight_g=5000&category=tyres"
    assert collects.choices[0].url == "/find?q=x&weight_g=5000&carrier=gls"


def test_what_is_on_can_be_turned_off_wherever_one_is() -> None:
    groups = find_filters.groups({}, ALL, Around())
    on = [choice.text for group in groups for choice in group.choices if choice.on]
    assert on == [
        "Step-free",
        "Prints labels",
        "Without a box",
        "Up to 6 kg",
        "Suitcase",
        "Batteries",
        "Liquids",
        "GLS",
        "Post Nord",
    ]


def test_an_address_says_what_its_filters_are() -> None:
    asked = {name: value for name, [value] in parse_qs(urlsplit(find_filters.address({}, ALL)).query).items()}
    assert _filters(asked) == ALL
    odd = {"weight_g": "9" * 30, "size_mm": "big", "step_free": "perhaps", "carrier": "!,,", "category": " "}
    assert _filters(odd) == Filters()


@pytest.mark.parametrize(
    ("grams", "asked", "limit"),
    [(800, "800 g", "800 g"), (1_800, "1.8 kg", "1.8 kg"), (1_801, "1.9 kg", "1.8 kg"), (20_000, "20 kg", "20 kg")],
)
def test_a_weight_is_rounded_to_the_safe_side(grams: int, asked: str, limit: str) -> None:
    assert (find_facts.weight(grams), find_facts.limit(grams)) == (asked, limit)


def test_a_return_asks_for_its_heaviest_thing_and_for_every_category() -> None:
    needs = find_facts.needs_of([(250, None), (4_200, "Home > Furniture"), (None, "Batteries & Power"), (None, "")])
    assert needs == Needs(weight_g=4_200, categories=frozenset({"home", "furniture", "batteries", "power"}))
    assert find_facts.needed(needs) == "4.2 kg, batteries, furniture, home or power"
    assert find_facts.needs_of([(None, None)]) == Needs()
    assert find_facts.needed(Needs()) == ""


class TestNearThePass:
    HERE = Found(52.0, 13.0, "Ort", "exact", "")

    def near(self, needs: Needs, *facts: Facts) -> tuple[list[str], str, str]:
        places = [place(n, 52 + n / 1_000, 13, facts=one) for n, one in enumerate(facts)]
        view = places_near(Snapshot.of(1, places), "Ort", self.HERE, needs, AT)
        return [one.name for one in view.places], view.needed, view.message

    def test_counters_known_not_to_take_it_are_left_out_and_that_is_said(self) -> None:
        known = (Facts(max_weight_g=5_000), UNTOLD, Facts(refuses=("furniture",)), Facts(max_weight_g=20_000))
        assert self.near(Needs(weight_g=6_000), *known) == (["Place 1", "Place 2", "Place 3"], "6 kg", "")
        both = Needs(weight_g=6_000, categories=frozenset({"furniture"}))
        assert self.near(both, *known) == (["Place 1", "Place 3"], "6 kg or furniture", "")

    def test_nothing_is_said_where_it_makes_no_difference(self) -> None:
        assert self.near(Needs(weight_g=300), UNTOLD, Facts(max_weight_g=5_000)) == (["Place 0", "Place 1"], "", "")

    def test_when_no_counter_takes_it_the_page_says_whom_to_ask(self) -> None:
        told = "No counter we know takes 30 kg. Ask the retailer how to send it back."
        assert self.near(Needs(weight_g=30_000), Facts(max_weight_g=5_000)) == ([], "", told)

    def test_the_finder_asks_the_same(self) -> None:
        view = places_near(Snapshot.of(1, [place(1, 52, 13)]), "Ort", self.HERE, Needs(weight_g=6_000), AT)
        assert view.finder == "/find?q=Ort&kind=post_office%2Cstore&weight_g=6000"
