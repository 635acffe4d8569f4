"""Which bag: told as large as the answer, with its fill, and what to do when it is full."""

import re

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


def _state(page: Page) -> dict:
    return page.request.get("/v1/counter/state").json()
