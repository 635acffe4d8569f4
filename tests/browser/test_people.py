"""The people at the counter: the shop's own page, and what it shows to whom."""

import io
import re

import httpx
import zxingcpp
from PIL import Image
from playwright.sync_api import Page, expect
from tests.browser.conftest import OPERATOR_KEY, without_script
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
    visit.context.clear_cookies(name="dropoff_session")
    paired(visit, world)
    retailer, _ = world.retailer()
    scan(visit, world.issue(retailer)["pass"]["url"])
    scan(visit, world.tag())
    visit.goto("/till/earnings")
    expect(visit.get_by_role("row", name="Total")).to_contain_text("EUR")
    look(visit)
    paper = visit.context.request.get(str(visit.get_by_role("link", name="PDF").get_attribute("href")))
    assert paper.body().startswith(b"%PDF-")
    sign_in(visit)
    visit.goto(f"/network/places/{world.locations['spaeti']}/earnings")
    look(visit)  # with lines in the statement


def place_of_its_own(world) -> str:
    """No other test's till stands there."""
    place = {
        "name": "Schichtkiosk",
        "kind": "store",
        "address": {"country": "DE"},
        "position": {"lat": 50.1, "lon": 8.6},
    }
    return str(world.post(world.operator, "/v1/locations", place)["id"])


def test_a_shift_begins_by_pin_changes_by_badge_and_a_lock_loses_no_hand_in(visit: Page, world) -> None:
    place = place_of_its_own(world)
    sign_in(visit)
    visit.goto(f"/network/places/{place}/people")
    visit.get_by_label("First name or nickname").fill("Anna")
    visit.get_by_label("Initials").fill("an")
    visit.get_by_label("PIN", exact=True).fill("12")
    visit.get_by_role("button", name="Add", exact=True).click()
    expect(visit.get_by_role("alert")).to_contain_text("4 to 6 digits")
    expect(visit.get_by_label("Initials")).to_have_value("an")
    look(visit)
    visit.get_by_label("PIN", exact=True).fill("4711")
    visit.get_by_role("button", name="Add", exact=True).click()
    visit.get_by_label("First name or nickname").fill("Bo")
    visit.get_by_label("Initials").fill("bo")
    visit.get_by_label("Make a badge").check()
    visit.get_by_role("button", name="Add", exact=True).click()
    badge = visit.get_by_text(re.compile("^CLERK")).inner_text()
    look(visit)

    visit.context.clear_cookies(name="dropoff_session")
    without_script(visit)
    visit.goto(world.pairing_url(place))
    visit.get_by_role("button", name="Yes, this is the till").click()
    expect(visit.get_by_role("heading", level=1)).to_have_text("Who is there?")
    visit.get_by_label("Anna").check()
    visit.get_by_label("PIN", exact=True).fill("0000")
    visit.get_by_role("button", name="Here I am").click()
    expect(visit.get_by_role("alert")).to_be_visible()
    look(visit)
    visit.get_by_label("Anna").check()
    visit.get_by_label("PIN", exact=True).fill("4711")
    visit.get_by_role("button", name="Here I am").click()
    expect(visit.get_by_role("heading", level=1)).to_have_text("Hello, Anna")
    expect(visit.get_by_text("0 waiting · 0 bags open · 0 problems")).to_be_visible()

    retailer, _ = world.retailer()
    issued = world.issue(retailer)
    scan(visit, issued["pass"]["url"])
    # Meanwhile the shift ended, as it does when another clerk ends it or the till locks.
    cookies = {one["name"]: one["value"] for one in visit.context.cookies()}
    csrf = visit.locator("input[name=csrf_token]").first.get_attribute("value")
    with httpx.Client(base_url=world.base_url, trust_env=False, cookies=cookies) as beside:
        beside.post("/v1/counter/shift/end", json={}, headers={"X-CSRF-Token": csrf}).raise_for_status()
    scan(visit, world.tag())
    expect(visit.get_by_role("heading", level=1)).to_have_text("Who is there?")
    expect(visit.get_by_text("What you were doing is kept")).to_be_visible()
    visit.get_by_label("PIN", exact=True).fill("4711")
    visit.get_by_label("Anna").check()
    visit.get_by_role("button", name="Here I am").click()
    expect(visit.get_by_role("heading", level=1)).to_have_text("Taken in")
    assert retailer.get(f"/v1/returns/{issued['id']}").json()["status"] == "handed_in"

    visit.goto("/till")
    scan(visit, badge)
    expect(visit.get_by_role("heading", level=1)).to_have_text("Hello, Bo")
    visit.goto("/till/shift")
    expect(visit.get_by_role("listitem").filter(has_text="Taken in")).to_contain_text("AN")
    look(visit)
    visit.get_by_label("A note to whoever comes next").fill("Bag 4 is full")
    visit.get_by_role("button", name="End the shift").click()
    expect(visit.get_by_text("Bag 4 is full")).to_be_visible()


def test_a_scripted_till_that_locks_finds_its_table_again_and_a_badge_changes_the_clerk(visit: Page, world) -> None:
    place = place_of_its_own(world)
    world.post(world.operator, f"/v1/locations/{place}/clerks", {"name": "Anna", "initials": "AN", "pin": "4711"})
    bo = world.post(world.operator, f"/v1/locations/{place}/clerks", {"name": "Bo", "initials": "BO", "badge": True})
    world.operator.put(f"/v1/locations/{place}/staff-rules", json={"lock_after_min": 1}).raise_for_status()
    visit.clock.install()
    visit.goto(world.pairing_url(place))
    visit.get_by_role("button", name="Yes, this is the till").click()
    visit.get_by_label("Anna").check()
    visit.get_by_label("PIN", exact=True).fill("4711")
    visit.get_by_role("button", name="Here I am").click()
    expect(visit.locator("#till[data-scripted]")).to_have_attribute("data-lock", "60")
    retailer, _ = world.retailer()
    issued = world.issue(retailer)
    visit.keyboard.type(issued["pass"]["url"])
    visit.keyboard.press("Enter")
    expect(visit.get_by_role("button", name="All here")).to_be_visible()
    visit.clock.fast_forward(61_000)
    expect(visit.get_by_role("heading", level=1)).to_contain_text("Anna")
    visit.goto("/till")
    expect(visit.get_by_role("button", name="All here")).to_be_visible()
    visit.keyboard.type(bo["badge"])
    visit.keyboard.press("Enter")
    expect(visit.get_by_role("link", name="Shift: BO")).to_be_visible()
    visit.get_by_role("button", name="All here").click()
    visit.keyboard.type(world.tag())
    visit.keyboard.press("Enter")
    expect(visit.get_by_role("heading", level=1, name="Taken in")).to_be_visible()


def test_a_till_is_added_by_a_code_that_it_scans_and_told_when_it_is_revoked(visit: Page, world) -> None:
    place = place_of_its_own(world)
    sign_in(visit)
    visit.goto(f"/network/places/{place}/tills")
    visit.get_by_role("textbox", name="Name").fill("")
    visit.get_by_role("button", name="Add and show its code").click()
    expect(visit.get_by_role("alert")).to_be_visible()
    look(visit)
    visit.get_by_role("textbox", name="Name").fill("Counter 1")
    visit.get_by_role("button", name="Add and show its code").click()
    look(visit)
    seen = Image.open(io.BytesIO(visit.locator("svg[width='220']").screenshot()))
    (code,) = zxingcpp.read_barcodes(seen)
    assert code.text == visit.get_by_role("link", name="/pair/").get_attribute("href")

    operator = visit.context.storage_state()
    visit.context.clear_cookies(name="dropoff_session")
    visit.goto(f"{code.text}?lang=en")
    visit.get_by_role("button", name="Yes, this is the till").click()
    expect(visit.get_by_role("textbox").first).to_be_focused()
    till = visit.context.storage_state()
    visit.context.clear_cookies(name="dropoff_session")
    visit.context.add_cookies(operator["cookies"])
    visit.goto(f"/network/places/{place}/tills")
    visit.get_by_role("button", name="Revoke Counter 1").click()
    expect(visit.get_by_text("revoked today")).to_be_visible()
    visit.context.clear_cookies(name="dropoff_session")
    visit.context.add_cookies(till["cookies"])
    visit.goto("/till")
    expect(visit.get_by_role("heading", level=1)).to_have_text("This device is no till yet")


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
    visit.goto("/till/store?lang=de")
    expect(visit.get_by_role("heading", level=1)).to_have_text("Unser Shop")
    visit.set_viewport_size({"width": 320, "height": 640})
    edges = "[...document.querySelectorAll('.card')].map(card => card.getBoundingClientRect().right)"
    assert len(set(visit.evaluate(edges))) == 1, "long German words push no card over the edge of a small phone"
