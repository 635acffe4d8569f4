"""The finder and a place's own page, as they come: everything works without script."""

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

NORDBAHNHOF = "52.53160,13.38890"


@pytest.fixture
def plain(chromium: Browser, served: str) -> Iterator[Page]:
    """A phone that runs no script."""
    context = chromium.new_context(
        base_url=served, viewport={"width": 390, "height": 844}, java_script_enabled=False, locale="en-GB"
    )
    yield context.new_page()
    context.close()


def places(page: Page):
    return page.locator(".place")


def search(page: Page, text: str) -> None:
    page.get_by_label("Postcode or town").fill(text)
    page.get_by_role("button", name="Find", exact=True).click()


def test_from_the_front_page_to_the_nearest_place(plain: Page, world) -> None:
    plain.goto("/")
    plain.get_by_role("link", name="Find a place near you").click()
    expect(plain.get_by_role("heading", name="Where are you?")).to_be_visible()
    search(plain, "10115")
    expect(plain.get_by_role("heading", level=1)).to_have_text(re.compile("^Places near 10115"))
    expect(places(plain)).to_have_count(3)
    first = places(plain).filter(has_text="Späti")
    expect(first).to_contain_text("Open day and night")
    expect(first).to_contain_text("Shop")
    expect(first).to_contain_text("Torstraße 125, 10119 Berlin")
    expect(first).to_contain_text(re.compile(r"\d+0 m|\d\.\d km"))
    expect(first).to_contain_text(re.compile(r"about \d+ min walk"))
    expect(places(plain).filter(has_text="Paketladen")).to_contain_text("Hours unknown")
    expect(places(plain).filter(has_text="Kiosk")).to_contain_text("Opens tomorrow 00:00")
    first.get_by_role("heading").get_by_role("link").click()
    expect(plain.get_by_role("heading", level=1)).to_have_text("Späti am Rosenthaler Platz")


def test_filters_are_links_and_can_be_taken_away(plain: Page, world) -> None:
    plain.goto(f"/find?near={NORDBAHNHOF}")
    expect(plain.get_by_role("heading", level=1)).to_have_text("Places near you")
    expect(places(plain).first).to_contain_text("Paketladen")
    plain.get_by_role("link", name="Open now").click()
    expect(places(plain)).to_have_count(1)
    plain.get_by_role("link", name="Open now").click()
    expect(places(plain)).to_have_count(3)


def test_what_one_brings_is_chosen_from_what_is_folded_away(plain: Page, world) -> None:
    plain.goto(f"/find?near={NORDBAHNHOF}")
    expect(plain.get_by_role("link", name="Up to 10 kg")).to_be_hidden()
    plain.get_by_text("More filters").click()
    plain.get_by_role("link", name="Up to 10 kg").click()
    expect(places(plain)).to_have_count(2)
    expect(places(plain).filter(has_text="Paketladen")).to_have_count(0)
    expect(plain.get_by_role("link", name="Up to 10 kg is on")).to_be_visible()
    plain.get_by_text("More filters").click()
    plain.get_by_role("link", name="Step-free").click()
    expect(places(plain)).to_have_count(1)
    plain.get_by_role("link", name="Up to 10 kg is on").first.click()
    plain.get_by_role("link", name="Step-free is on").first.click()
    expect(places(plain)).to_have_count(3)


def test_a_place_says_what_it_takes_and_how_to_reach_it(plain: Page, world) -> None:
    plain.goto(f"/find?near={NORDBAHNHOF}&step_free=true")
    places(plain).get_by_role("heading").get_by_role("link").click()
    for text in ("Up to 20 kg", "Up to 60 × 40 × 30 cm large", "Not: batteries", "Prints labels"):
        expect(plain.get_by_role("main")).to_contain_text(text)
    for text in ("Through the yard, second door", "No steps at the door", "DHL and GLS"):
        expect(plain.get_by_role("main")).to_contain_text(text)
    picture = plain.get_by_role("link", name="See a picture of it")
    expect(picture).to_have_attribute("href", "https://pictures.example/spaeti.jpg")


def test_a_search_keeps_the_filters(plain: Page, world) -> None:
    plain.goto(f"/find?near={NORDBAHNHOF}&open=now")
    search(plain, "Berlin")
    expect(places(plain)).to_have_count(1)
    expect(plain).to_have_url(re.compile("open=now"))


def test_what_is_not_found_has_a_next_step(plain: Page, world) -> None:
    plain.goto("/find?q=Atlantis")
    expect(plain.get_by_role("status")).to_contain_text("We know no place called “Atlantis”")
    plain.goto("/find?near=48.2,16.37")
    expect(plain.get_by_role("status").first).to_contain_text("No place near here yet")
    expect(plain.get_by_role("status").first).to_contain_text(re.compile(r"\d+ km away"))
    plain.goto(f"/find?near={NORDBAHNHOF}&kind=post_office")
    expect(plain.get_by_role("status")).to_contain_text("No place is like that")
    plain.get_by_role("link", name="Show all places").click()
    expect(places(plain)).to_have_count(3)


@pytest.mark.parametrize(
    "asked", ["near=x", "near=91,0", "page=-1&q=berlin", "page=99999&q=berlin", "kind=%00&near=1,1", "q=%F0%9F%93%A6"]
)
def test_an_odd_address_is_no_fault(asked: str, plain: Page, world) -> None:
    answer = plain.goto(f"/find?{asked}")
    assert answer is not None
    assert answer.status == 200


def test_a_place_tells_its_week_and_itself(plain: Page, world) -> None:
    plain.goto(f"/points/{world.locations['spaeti']}")
    expect(plain.get_by_role("row")).to_have_count(8)
    expect(plain.get_by_role("row").filter(has_text="Today")).to_contain_text("Day and night")
    expect(plain.get_by_text("Torstraße 125")).to_be_visible()
    way = plain.get_by_role("link", name="Directions").get_attribute("href")
    assert "52.52970%2C13.40140" in way
    own = f"{world.base_url}/points/{world.locations['spaeti']}"
    assert plain.locator("link[rel=canonical]").get_attribute("href") == own
    told = json.loads(plain.locator("script[type='application/ld+json']").text_content())
    assert (told["@type"], told["url"], told["name"]) == ("Store", own, "Späti am Rosenthaler Platz")
    assert told["address"]["addressCountry"] == "DE"
    assert len(told["openingHoursSpecification"]) == 7
    plain.get_by_role("link", name="Other places near here").click()
    expect(places(plain).first).to_contain_text("Späti")


def test_hours_nobody_can_read_stand_in_the_places_own_words(plain: Page, world) -> None:
    plain.goto(f"/points/{world.locations['laden']}")
    expect(plain.get_by_text("Nobody has told us when this place is open")).to_be_visible()
    expect(plain.get_by_text("“after lunch”")).to_be_visible()


def test_what_is_no_place_for_shoppers_is_not_found(plain: Page, world) -> None:
    for path in ("/points/loc_nothing", f"/points/{world.hub()}"):
        answer = plain.goto(path)
        assert answer is not None
        assert answer.status == 404
        expect(plain.get_by_role("link", name="Find another place")).to_be_visible()


def test_a_pass_leads_to_its_counters_in_the_finder(plain: Page, world) -> None:
    retailer, _ = world.retailer()
    plain.goto(f"/p/{world.issue(retailer)['pass']['code']}")
    plain.get_by_role("link", name="See them on a map").click()
    expect(plain.get_by_role("heading", level=1)).to_have_text(re.compile("^Places near 10119"))
    expect(places(plain).first).to_contain_text("Späti")
