"""Every page, in light and dark: WCAG 2.2 AA by axe, no sideways scrolling at 320 px, targets for fingers."""

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from tests.browser.conftest import pair, without_script

from dropoff.kernel import gs1

RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
}
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
"""All that the dark scheme changes."""
SMALL_TARGETS = """() => [...document.querySelectorAll('a, button, input:not([type=hidden]), select, summary')]
  .filter(e => e.checkVisibility() && !e.classList.contains('skip'))
  .map(e => [e, (e.closest('label.choice') || e).getBoundingClientRect()])
  .filter(([e, box]) => box.height < 43.5 && getComputedStyle(e).display !== 'inline')
  .map(([e]) => e.outerHTML.slice(0, 120))"""


def scan(page: Page, text: str) -> None:
    page.get_by_role("textbox").first.fill(text)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def open_bag(page: Page) -> None:
    """The bag that the large answer names."""
    number = re.search(r"\d{4}", page.get_by_text("Put it into").inner_text())[0]
    page.get_by_role("link", name=f"Bag {number}", exact=True).click()
    expect(page.get_by_role("button", name="Seal the bag")).to_be_visible()


def shopper(page: Page, world, more: str = "") -> None:
    retailer, _ = world.retailer()
    page.goto(f"/p/{world.issue(retailer)['pass']['code']}{more}")


def paired(page: Page, world) -> None:
    without_script(page)
    page.goto(world.pairing_url())
    page.get_by_role("button", name="Yes, this is the till").click()
    page.wait_for_url("**/till")


def till_pass(page: Page, world) -> None:
    paired(page, world)
    retailer, _ = world.retailer()
    scan(page, world.issue(retailer)["pass"]["url"])
    page.get_by_label("Wollsocken", exact=True).uncheck()
    page.get_by_role("button", name="Another parcel").click()
    expect(page.get_by_label("Tag of parcel 2")).to_be_visible()


def till_missing(page: Page, world) -> None:
    till_pass(page, world)
    page.get_by_role("button", name="Take it in").click()
    expect(page.get_by_role("alert")).to_be_visible()


def till_taken(page: Page, world) -> None:
    paired(page, world)
    retailer, _ = world.retailer()
    scan(page, world.issue(retailer)["pass"]["url"])
    page.get_by_label("Scan the tag").fill(world.tag())
    page.get_by_role("button", name="Take it in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Taken in")


def till_bag(page: Page, world) -> None:
    till_taken(page, world)
    open_bag(page)


def till_sealed(page: Page, world) -> None:
    till_bag(page, world)
    page.get_by_role("button", name="Seal the bag").click()
    page.get_by_text("Open it again").click()
    expect(page.get_by_label("Why?")).to_be_visible()


def till_parcel(page: Page, world) -> None:
    till_bag(page, world)
    page.get_by_role("link", name=re.compile(r"^T[0-9A-F]{6}")).first.click()
    expect(page.get_by_role("heading", name=re.compile("^Parcel"))).to_be_visible()


def till_label(page: Page, world) -> None:
    till_parcel(page, world)
    page.get_by_role("button", name="Print its label again").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def till_tags(page: Page, world) -> None:
    paired(page, world)
    page.goto("/till/tags")
    page.get_by_role("button", name="Give me a code").click()
    expect(page.get_by_role("heading", name="Write this on the parcel, large")).to_be_visible()


def till_handover(page: Page, world) -> None:
    till_sealed(page, world)
    page.goto("/till/handover")


def till_foreign(page: Page, world) -> None:
    paired(page, world)
    scan(page, "1Z999AA10123456784")


def till_new_label(page: Page, world) -> None:
    paired(page, world)
    scan(page, gs1.nth_sscc("9521321", 800_001))
    expect(page.get_by_role("button", name="Open a bag with it")).to_be_visible()


def till_counts_differ(page: Page, world) -> None:
    till_handover(page, world)
    page.locator('[name="take"]').first.check()
    page.get_by_label("The driver counts").fill("7")
    page.get_by_role("button", name="Hand over").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The counts differ")


def till_broken_seal(page: Page, world) -> None:
    till_handover(page, world)
    page.locator('[name="broken"]').last.check()
    page.get_by_role("button", name="Hand over").click()
    expect(page.get_by_role("heading", name="Stays here")).to_be_visible()


def till_lost(page: Page, world) -> None:
    paired(page, world)
    page.context.clear_cookies()
    scan(page, "anything")
    expect(page.get_by_role("alert")).to_contain_text("Nothing was stored")


def pass_cancelled(page: Page, world) -> None:
    retailer, _ = world.retailer()
    issued = world.issue(retailer)
    world.post(retailer, f"/v1/returns/{issued['id']}/cancel", {})
    page.goto(f"/p/{issued['pass']['code']}")
    expect(page.get_by_role("heading", level=1)).to_have_text("This return is cancelled")


def pass_expired(page: Page, world) -> None:
    retailer, _ = world.retailer()
    issued = world.issue(retailer)
    world.age(issued, -2)
    page.goto(f"/p/{issued['pass']['code']}")
    expect(page.get_by_role("heading", level=1)).to_have_text("The code has run out")


def pass_renew(page: Page, world) -> None:
    retailer, _ = world.retailer()
    issued = world.issue(retailer)
    world.age(issued, 2)
    page.goto(f"/p/{issued['pass']['code']}/renew")
    expect(page.get_by_role("button", name="Yes, keep it open longer")).to_be_visible()


def pass_handed_in(page: Page, world) -> None:
    retailer, _ = world.retailer()
    issued = world.issue(retailer)
    paired(page, world)
    scan(page, issued["pass"]["url"])
    page.get_by_label("Wollsocken", exact=True).uncheck()
    page.get_by_label("Why not?").and_(page.locator("select:visible")).select_option("wet_or_leaking")
    page.get_by_label("Scan the tag").fill(world.tag())
    page.get_by_role("button", name="Take it in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Taken in")
    page.goto(f"/p/{issued['pass']['code']}")
    expect(page.locator(".timeline")).to_contain_text("Wollsocken (wet or leaking)")


def receipt(page: Page, world) -> None:
    pass_handed_in(page, world)
    page.get_by_role("link", name="Your receipt").click()
    expect(page.get_by_text("Wet or leaking")).to_be_visible()


def verified(page: Page, world) -> None:
    receipt(page, world)
    page.get_by_role("button", name="Check it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This receipt is genuine")


def not_verified(page: Page, _: object) -> None:
    page.goto("/verify")
    page.get_by_label("Or its text").fill("eyJhbGciOiJFZERTQSJ9.e30.AAAA")
    page.get_by_role("button", name="Check it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This is no receipt")


def visit_of_two(page: Page, world) -> None:
    """Two shops' returns under one code: the first by its page, the second by its short code."""
    retailer, _ = world.retailer()
    page.goto(f"/p/{world.issue(retailer)['pass']['code']}")
    page.get_by_role("button", name="Bring it under one code").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("One code for all")
    other, _ = world.retailer("Sydvest")
    page.get_by_label("Its code").fill(world.issue(other, "Zelt")["pass"]["short_code"].lower())
    page.get_by_role("button", name="Add it").click()
    expect(page.locator(".ticket__count")).to_have_text("6 things, 2 returns")


def visit_mistyped(page: Page, world) -> None:
    visit_of_two(page, world)
    page.get_by_label("Its code").fill("2346-789A-BCDE")
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("alert")).to_contain_text("No return has this code")


def visit_empty(page: Page, world) -> None:
    visit_of_two(page, world)
    for _ in range(2):
        page.get_by_role("button", name="Leave it out").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("No return under this code")


def till_visit(page: Page, world) -> None:
    visit_of_two(page, world)
    code = page.url.partition("/v/")[2][:16]
    paired(page, world)
    scan(page, f"{world.base_url}/V/{code}")
    expect(page.get_by_role("heading", level=1)).to_have_text("6 things in 2 returns")


def till_visit_next(page: Page, world) -> None:
    till_visit(page, world)
    page.get_by_role("link", name="Take in Nordlys").click()
    page.get_by_label("Wollsocken", exact=True).uncheck()
    page.get_by_label("Why not?").and_(page.locator("select:visible")).select_option("prohibited")
    page.get_by_label("Scan the tag").fill(world.tag())
    page.get_by_role("button", name="Take it in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Taken in")
    expect(page.get_by_role("heading", name="Still to come: 4 things in 2 returns")).to_be_visible()
    expect(page.get_by_role("img", name="QR code of the receipt")).to_be_visible()


def till_photo(page: Page, world) -> None:
    till_taken(page, world)
    page.get_by_role("link", name="Something is damaged? Take a photo").click()
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_role("alert")).to_contain_text("Take a photo, or choose one.")


def signed_in(page: Page, world) -> None:
    page.goto("/login")
    page.get_by_label("Key").fill(world.operator.headers["authorization"].removeprefix("Bearer "))
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="The network", exact=True)).to_be_visible()


def counter_times(page: Page, world) -> None:
    till_taken_by_script(page, world)
    page.context.clear_cookies()
    signed_in(page, world)
    page.get_by_role("link", name="Counter time").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Counter time")
    expect(page.get_by_role("heading", name="By place")).to_be_visible()


def till_open_pass(page: Page, world) -> None:
    """With the script: one thing is unticked, and its reason waits for a tap."""
    pair(page, world)
    retailer, _ = world.retailer()
    expect(page.locator("#till[data-scripted]")).to_be_attached()
    page.keyboard.type(world.issue(retailer)["pass"]["url"])
    page.keyboard.press("Enter")
    page.locator("#desk").get_by_text("Wollsocken").click()
    expect(page.get_by_role("button", name="Wet or leaking")).to_be_visible()


def till_taken_by_script(page: Page, world) -> None:
    till_open_pass(page, world)
    page.keyboard.type(world.tag())
    page.keyboard.press("Enter")
    expect(page.locator("#desk").get_by_role("heading", level=1)).to_have_text("Taken in")


def till_wrong_tag(page: Page, world) -> None:
    till_open_pass(page, world)
    page.keyboard.type("1Z999AA10123456784")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("UPS")


def till_noted(page: Page, world) -> None:
    """Without an answer from the service: two hand-ins are noted. What passes by a service worker, a test cannot
    catch."""
    page.add_init_script("delete Navigator.prototype.serviceWorker")
    page.route("**/till/passes.bin", lambda asked: asked.abort())
    pair(page, world)
    retailer, _ = world.retailer()
    issued = [world.issue(retailer) for _ in range(2)]
    expect(page.locator("#till[data-scripted]")).to_be_attached()
    page.route("**/v1/**", lambda asked: asked.abort())
    page.route("**/till/session.json", lambda asked: asked.abort())
    for one in issued:
        page.keyboard.insert_text(one["pass"]["url"])
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Note it all the same").click()
        page.get_by_role("button", name="Sealed parcel").click()
        page.keyboard.insert_text(world.tag())
        page.keyboard.press("Enter")
        expect(page.locator("#desk").get_by_role("heading", level=1)).to_have_text("Noted, will be sent")
    expect(page.locator("#unsent")).to_contain_text("2 hand-ins")


def wrong_key(page: Page, _: object) -> None:
    page.goto("/login")
    page.get_by_label("Key").fill("op_wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("That did not work")


def find_on_a_map(page: Page, _: object) -> None:
    page.goto("/find?near=52.5316,13.3889")
    page.get_by_role("button", name="Show the map").click()
    page.get_by_role("button", name=re.compile("^Paketladen")).press("Enter")
    expect(page.locator(".leaflet-popup")).to_be_visible()


def find_more_filters(page: Page, _: object) -> None:
    page.goto("/find?near=52.5316,13.3889&weight_g=10000")
    page.get_by_text("More filters").click()


def find_suggestions(page: Page, _: object) -> None:
    page.goto("/find")
    page.get_by_role("combobox").press_sequentially("ber")
    expect(page.get_by_role("option").first).to_be_visible()
    page.get_by_role("combobox").press("ArrowDown")


PAGES: dict[str, Callable[[Page, object], object]] = {
    "home": lambda page, _: page.goto("/"),
    "home signed in": signed_in,
    "login refused": wrong_key,
    "login": lambda page, _: page.goto("/login"),
    "problems": lambda page, _: page.goto("/problems"),
    "problem": lambda page, _: page.goto("/problems/not-found"),
    "not found": lambda page, _: page.goto("/nothing/here"),
    "pass": shopper,
    "pass cancelled": pass_cancelled,
    "pass expired": pass_expired,
    "pass handed in": pass_handed_in,
    "pass without a place": lambda page, world: shopper(page, world, "?q=Atlantis"),
    "receipt": receipt,
    "receipt verified": verified,
    "receipt not verified": not_verified,
    "receipt to verify": lambda page, _: page.goto("/verify"),
    "receipt unknown": lambda page, _: page.goto("/r/nothing"),
    "pass renew": pass_renew,
    "pass with all its time": lambda page, world: shopper(page, world, "/renew"),
    "pass cancel": lambda page, world: shopper(page, world, "/cancel"),
    "visit": lambda page, _: page.goto("/visit"),
    "visit of two": visit_of_two,
    "visit mistyped": visit_mistyped,
    "visit empty": visit_empty,
    "till photo": till_photo,
    "till visit": till_visit,
    "till visit next": till_visit_next,
    "pass unknown": lambda page, _: page.goto("/p/0000000000000000"),
    "pairing used": lambda page, _: page.goto("/pair/0000-0000-0000-0000"),
    "find": lambda page, _: page.goto("/find"),
    "find places": lambda page, _: page.goto("/find?q=10115&open=now"),
    "find on a map": find_on_a_map,
    "find more filters": find_more_filters,
    "find nothing": lambda page, _: page.goto("/find?q=Atlantis"),
    "find suggestions": find_suggestions,
    "point": lambda page, world: page.goto(f"/points/{world.locations['spaeti']}"),
    "point gone": lambda page, _: page.goto("/points/loc_nothing"),
    "pairing": lambda page, world: page.goto(world.pairing_url()),
    "unpaired": lambda page, _: page.goto("/till"),
    "till": paired,
    "till pass": till_pass,
    "till missing tag": till_missing,
    "till taken": till_taken,
    "till bag": till_bag,
    "till sealed bag": till_sealed,
    "till parcel": till_parcel,
    "till handover": till_handover,
    "till foreign": till_foreign,
    "till label": till_label,
    "till tags": till_tags,
    "till new label": till_new_label,
    "till counts differ": till_counts_differ,
    "till broken seal": till_broken_seal,
    "till lost": till_lost,
    "till with script: open pass": till_open_pass,
    "till with script: taken": till_taken_by_script,
    "till with script: wrong tag": till_wrong_tag,
    "till without a network": till_noted,
    "till's shell": lambda page, _: page.goto("/till/shell"),
    "counter times": counter_times,
}


def fits_everywhere(page: Page) -> None:
    """Axe in light and dark, on a phone, on a till, and on a till zoomed to 200 %; no sideways scrolling at 320 px,
    targets for fingers."""
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.set_viewport_size({"width": 320, "height": 640})
    found = Axe().run(page, options=RULES)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert page.evaluate(SMALL_TARGETS) == []
    # The first run left axe in the page: half a megabyte that need not travel twice.
    for width, height in ((512, 384), (1024, 768)):
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("async rules => (await axe.run(document, rules)).violations", RULES) == []
    page.emulate_media(color_scheme="dark")
    assert page.evaluate("async rules => (await axe.run(document, rules)).violations", COLOURS) == []
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="light")


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_accessible_and_fits_a_small_phone(name: str, visit: Page, world) -> None:
    PAGES[name](visit, world)
    if name.startswith("till"):
        fits_everywhere(visit)
        return
    visit.emulate_media(color_scheme="light", reduced_motion="reduce")
    found = Axe().run(visit, options=RULES)
    assert found.violations_count == 0, found.generate_report()
    visit.emulate_media(color_scheme="dark")
    # The first run left axe in the page: half a megabyte that need not travel twice.
    assert visit.evaluate("async rules => (await axe.run(document, rules)).violations", COLOURS) == []
    visit.set_viewport_size({"width": 320, "height": 640})
    assert visit.evaluate("document.documentElement.scrollWidth") <= 320
    assert visit.evaluate(SMALL_TARGETS) == []


def test_long_words_break_instead_of_pushing_the_page_aside(visit: Page, world) -> None:
    retailer, _ = world.retailer("Herrenausstattungsgesellschaft Donaudampfschifffahrt & Söhne")
    issued = world.issue(retailer, "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz")
    visit.set_viewport_size({"width": 320, "height": 640})
    visit.goto(f"/p/{issued['pass']['code']}")
    assert visit.evaluate("document.documentElement.scrollWidth") <= 320
    paired(visit, world)
    scan(visit, issued["pass"]["url"])
    visit.get_by_label("Wollsocken", exact=True).uncheck()
    assert visit.evaluate("document.documentElement.scrollWidth") <= 320


def test_a_pass_page_costs_little(visit: Page, world) -> None:
    sizes = []
    visit.on("response", lambda answer: sizes.append(len(answer.body())))
    shopper(visit, world)
    visit.wait_for_load_state("networkidle")
    assert len(sizes) <= 6
    assert sum(sizes) < 60_000


def test_sign_in_and_out_with_a_key(visit: Page, world) -> None:
    visit.goto("/login?next=//evil.example")
    visit.get_by_label("Key").fill("op_wrong")
    visit.get_by_role("button", name="Sign in").click()
    expect(visit.get_by_role("alert")).to_contain_text("This key is not known")
    visit.get_by_label("Key").fill(world.operator.headers["authorization"].removeprefix("Bearer "))
    visit.get_by_role("button", name="Sign in").click()
    expect(visit.get_by_role("heading", name="The network", exact=True)).to_be_visible()
    assert visit.url == f"{world.base_url}/"
    (cookie,) = visit.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert visit.request.get("/v1/retailers").ok
    visit.get_by_role("button", name="Sign out").click()
    expect(visit.get_by_role("link", name="Sign in")).to_be_visible()
    assert visit.request.get("/v1/retailers").status == 401


def test_a_pairing_link_works_once(visit: Page, world) -> None:
    url = world.pairing_url()
    visit.goto(url)
    expect(visit.get_by_text("Späti am Rosenthaler Platz")).to_be_visible()
    visit.get_by_role("button", name="Yes, this is the till").click()
    expect(visit.get_by_label("Scan a pass, a tag or a bag")).to_be_focused()
    answer = visit.goto(url)
    assert answer is not None
    assert answer.status == 410
    expect(visit.get_by_role("heading", level=1)).to_have_text("This link does not pair any more")


def test_the_pass_prints_as_the_ticket_alone(visit: Page, world) -> None:
    shopper(visit, world)
    visit.emulate_media(media="print")
    expect(visit.locator(".ticket__qr")).to_be_visible()
    expect(visit.locator("#near")).to_be_hidden()
    expect(visit.get_by_role("link", name="Cancel this return")).to_be_hidden()
