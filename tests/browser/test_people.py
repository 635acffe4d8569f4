"""The people at the counter: the shop's own page, and what it shows to whom."""

from playwright.sync_api import Page, expect
from tests.browser.test_pages import RULES, SMALL_TARGETS, Axe, paired


def look(page: Page) -> None:
    """Accessible, and fit for a small phone."""
    found = Axe().run(page, options=RULES)
    assert found.violations_count == 0, found.generate_report()
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert page.evaluate(SMALL_TARGETS) == []


def test_a_shop_says_how_much_it_can_hold(visit: Page, world) -> None:
    paired(visit, world)
    visit.goto("/till/store")
    room = visit.get_by_label("Room for how many parcels?")
    room.fill("many")
    visit.get_by_role("button", name="Save the room").click()
    expect(visit.get_by_role("alert")).to_be_visible()
    expect(room).to_have_value("many")
    look(visit)
    room.fill("5000")
    visit.get_by_role("button", name="Save the room").click()
    expect(visit.get_by_role("status")).to_contain_text("Saved")
    expect(visit.get_by_text("of 5000 places are taken.")).to_be_visible()
