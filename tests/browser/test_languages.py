"""Pages in other languages: chosen by the browser, by a link without script, by a place's country; without a network;
and long words on a small phone."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.browser.conftest import World
from tests.browser.test_pages import PAGES, SMALL_TARGETS
from tests.browser.test_till_offline import prepared
from tests.browser.test_till_script import headline, scan


@pytest.fixture
def danish(chromium: Browser, served: str) -> Iterator[Page]:
    """A phone set to Danish, whose browser runs no script."""
    context = chromium.new_context(base_url=served, locale="da-DK", java_script_enabled=False)
    yield context.new_page()
    context.close()


def language(page: Page) -> str | None:
    return page.locator("html").get_attribute("lang")


def test_a_shoppers_phone_is_answered_in_its_language_and_can_change_it_without_script(
    danish: Page, world: World
) -> None:
    issued = world.issue(world.retailer()[0])
    address = f"/p/{issued['pass']['code']}"
    answer = danish.goto(address)
    assert answer is not None
    assert answer.headers["content-language"] == language(danish) == "da"
    expect(danish.get_by_role("heading", level=1)).to_have_text("Klar til aflevering")
    expect(danish.locator(".lead")).to_contain_text(re.compile(r"senest \w+\.? \d+\. \w+\. Ingen æske"))
    expect(danish.get_by_text("3 ting", exact=True)).to_be_visible()
    expect(danish.get_by_text("267,90 €").or_(danish.get_by_text("190,90 €"))).to_be_visible()

    danish.get_by_role("navigation", name="Sprog").get_by_role("link", name="Svenska").click()
    expect(danish.get_by_role("heading", level=1)).to_have_text("Klar att lämna in")
    danish.goto("/find?q=10115")
    expect(danish.get_by_role("heading", level=1)).to_contain_text("Ställen nära 10115")
    danish.get_by_role("link", name="English").click()
    expect(danish.get_by_role("heading", level=1)).to_contain_text("Places near 10115")
    danish.goto(address)
    expect(danish.get_by_role("heading", level=1)).to_have_text("Ready to hand in")


def test_a_till_speaks_its_countrys_language_changes_it_at_once_and_keeps_it_without_a_network(
    visit: Page, world: World
) -> None:
    visit.goto(world.pairing_url().removesuffix("?lang=en"))
    visit.get_by_role("button", name="Yes, this is the till").click()
    expect(visit.get_by_label("Code, Etikett oder Beutel scannen")).to_be_focused()
    expect(visit.locator("#till[data-scripted]")).to_be_attached()
    assert language(visit) == "de"
    retailer, _ = world.retailer()
    scan(visit, world.issue(retailer)["pass"]["url"])
    expect(headline(visit)).to_have_text("3 Artikel für Nordlys")
    visit.get_by_role("button", name="Alles da").click()
    scan(visit, world.tag())
    expect(headline(visit)).to_have_text("Angenommen")

    visit.get_by_role("link", name="Norsk").click()
    expect(visit.get_by_label("Skann en kode, en merkelapp eller en pose")).to_be_focused()
    assert language(visit) == "nb"
    issued, tag = world.issue(retailer), world.tag()
    visit.get_by_label("Hurtigmodus").check()
    prepared(visit)
    visit.context.set_offline(True)
    visit.reload()
    expect(visit.get_by_text("Ikke noe nett").first).to_be_visible()
    assert language(visit) == "nb"
    scan(visit, issued["pass"]["url"])
    expect(headline(visit)).to_have_text("3 ting")
    scan(visit, tag)
    expect(headline(visit)).to_have_text("Notert, sendes senere")
    visit.context.set_offline(False)


def test_long_german_words_fit_a_small_phone(visit: Page, world: World) -> None:
    for name in ("pass handed in", "find places", "point", "till taken", "till bag"):
        visit.context.clear_cookies()
        PAGES[name](visit, world)
        visit.context.add_cookies([{"name": "dropoff_language", "value": "de", "url": world.base_url}])
        visit.reload()
        visit.set_viewport_size({"width": 320, "height": 640})
        assert language(visit) == "de", name
        assert visit.evaluate("document.documentElement.scrollWidth") <= 320, name
        assert visit.evaluate(SMALL_TARGETS) == [], name
