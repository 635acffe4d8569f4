"""Which bag: told as large as the answer, with its fill, and what to do when it is full."""

import io
import re

import zxingcpp
from PIL import Image
from playwright.sync_api import Page, expect
from tests.browser.test_till_script import fast_mode, headline, scan


def lane(world, **more: object) -> None:
    path = {"carrier": "courier", "service": "standard", "days": "Mo-Su", "cutoff": "17:00"}
    world.post(world.operator, "/v1/lanes", {"origin": {"location": world.locations["spaeti"]}, **path, **more})


def test_the_bag_is_told_large_and_a_full_one_is_sealed_by_one_tap(desk: Page, world) -> None:
    nordlys, made = world.retailer()
    alpen, swiss = world.retailer("Alpen", country="CH")
    lane(world, destination={"retailer": made["id"]}, max_bag_parcels=2, max_bag_weight_g=15_000)
    fast_mode(desk)
    large = desk.locator("#desk .whichbag")
    for held in (1, 2):
        scan(desk, world.issue(nordlys)["pass"]["url"])
        scan(desk, world.tag())
        expect(headline(desk)).to_have_text("Taken in")
        expect(large).to_contain_text("Bag for Nordlys")
        expect(large).to_contain_text(f"{held} of 2 parcels")
    scan(desk, world.issue(alpen)["pass"]["url"])
    scan(desk, world.tag())
    expect(large).to_contain_text("Customs bag: Switzerland")
    expect(large).to_have_class(re.compile("whichbag--customs"))

    # The plain page says the same, and one tap seals the full bag and opens the next.
    full = desk.locator("#till-side").get_by_role("button", name="Full: seal it, open the next")
    expect(full).to_have_count(1)
    full.click()
    expect(desk.get_by_role("heading", level=1).first).to_have_text(re.compile(r"Bag \d{4} is open"))
    sealed = [one for one in _state(desk)["sealed"] if one["next"]["id"] == made["id"]]
    assert [(one["parcels"], one["bag"]) for one in sealed] == [(2, "retailer")]
    assert swiss["id"] in [one["next"]["id"] for one in _state(desk)["open"] if one["customs"] == "CH"]


def test_a_thing_too_many_begins_another_return_on_the_customers_phone(desk: Page, world) -> None:
    retailer, made = world.retailer()
    address = "https://returns.nordlys.example/start"
    world.operator.patch(f"/v1/retailers/{made['id']}", json={"portal_url": address}).raise_for_status()
    scan(desk, world.issue(retailer)["pass"]["url"])
    desk.locator("#desk").get_by_text("Something else on the table?").click()
    picture = desk.get_by_alt_text("QR code of the page where another return begins")
    expect(picture).to_be_visible()
    expect(picture).to_have_js_property("complete", True)
    drawn = Image.open(io.BytesIO(picture.screenshot()))
    found = zxingcpp.read_barcodes(drawn.resize((drawn.width * 3, drawn.height * 3)))
    assert [one.text for one in found] == [address]
    desk.get_by_role("button", name="Stop").click()

    other, _ = world.retailer("Alpen")
    scan(desk, world.issue(other)["pass"]["url"])
    desk.locator("#desk").get_by_text("Something else on the table?").click()
    expect(desk.get_by_text("the customer asks Alpen for another return")).to_be_visible()


def _state(page: Page) -> dict:
    return page.request.get("/v1/counter/state").json()
