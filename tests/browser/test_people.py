"""The people at the counter: the shop's own page, and what it shows to whom."""

from playwright.sync_api import Page, expect
from tests.browser.conftest import OPERATOR_KEY
from tests.browser.test_pages import RULES, SMALL_TARGETS, Axe, paired
from tests.browser.test_till import scan


def look(page: Page) -> None:
    """Accessible, and fit for a small phone."""
    found = Axe().run(page, options=RULES)
    assert found.violations_count == 0, found.generate_report()
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert page.evaluate(SMALL_TARGETS) == []


def test_a_customer_whose_pass_has_run_out_gets_help(visit: Page, world) -> None:
    paired(visit, world)
    retailer, _ = world.retailer()
    issued = world.issue(retailer)
    visit.get_by_role("textbox").first.fill(issued["pass"]["url"])
    visit.keyboard.press("Enter")
    visit.get_by_role("link", name="This customer needs help").click()
    visit.get_by_role("button", name="Ask for help").click()
    expect(visit.get_by_role("alert")).to_contain_text("Say what is wrong.")
    look(visit)
    visit.get_by_label("The pass has run out").check()
    visit.get_by_role("button", name="Ask for help").click()
    expect(visit.get_by_role("heading", level=1)).to_have_text("Somebody looks into it")
    (case,) = retailer.get("/v1/cases?kind=help").json()["items"]
    assert case["objects"] == {"reason": "pass_expired", "return": issued["id"]}


def sign_in(page: Page) -> None:
    page.goto("/login")
    page.get_by_label("Key").fill(OPERATOR_KEY)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")


def test_the_operator_sets_a_rate_and_the_shop_reads_what_it_earned(visit: Page, world) -> None:
    sign_in(visit)
    visit.goto(f"/network/places/{world.locations['spaeti']}/earnings")
    amount = visit.get_by_label("For each parcel")
    amount.fill("a lot")
    visit.get_by_role("button", name="Set the rate").click()
    expect(visit.get_by_role("alert")).to_be_visible()
    look(visit)
    amount.fill("0.25")
    visit.get_by_role("button", name="Set the rate").click()
    expect(visit.get_by_text("0.25 EUR a parcel")).to_be_visible()
    visit.context.clear_cookies()
    paired(visit, world)
    retailer, _ = world.retailer()
    scan(visit, world.issue(retailer)["pass"]["url"])
    scan(visit, world.tag())
    visit.goto("/till/earnings")
    expect(visit.get_by_role("row", name="Total")).to_contain_text("EUR")
    look(visit)
    paper = visit.context.request.get(str(visit.get_by_role("link", name="PDF").get_attribute("href")))
    assert paper.body().startswith(b"%PDF-")


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
