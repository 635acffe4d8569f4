"""The driver at the counter: bags scanned one by one, what stays and why, and a manifest that both sides keep."""

import io

import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from tests.browser.conftest import pair
from tests.browser.test_pages import fits_everywhere


def test_both_sides_keep_the_same_manifest(visit: Page, chromium: Browser, world) -> None:
    place = world.locations["laden"]
    counter = world.counter(place)
    shop, nordlys = world.retailer()
    other, _ = world.retailer("Alpen", country="CH")
    path = {"carrier": "courier", "service": "standard", "days": "Mo-Su", "cutoff": "17:00"}
    world.post(
        world.operator,
        "/v1/lanes",
        {"origin": {"location": place}, "destination": {"retailer": nordlys["id"]}, **path},
    )
    goes, stays = (world.sealed_bag(counter, world.issue(shop), seal) for seal in ("S-100", "S-200"))
    early = world.sealed_bag(counter, world.issue(other))
    world.book(shop, goes)
    pair(visit, world, place)

    visit.goto("/till/handover")
    expect(visit.get_by_text("Not booked yet", exact=False).first).to_be_visible()
    expect(visit.get_by_text("Customs bag: Switzerland")).to_be_visible()
    visit.get_by_label("Scan a bag").fill(goes)
    visit.get_by_label("Scan a bag").press("Enter")
    expect(visit.get_by_role("status")).to_contain_text("is ticked")
    visit.get_by_label(f"Why does it stay? Bag {stays[-4:]}").select_option(label="No room in the van")
    visit.get_by_label("Driver", exact=True).fill("Marek")
    visit.get_by_label("The driver counts").fill("1")
    fits_everywhere(visit)
    visit.get_by_role("button", name="Hand over").click()
    expect(visit.get_by_role("heading", level=1)).to_have_text("1 bag is with the driver")
    expect(visit.get_by_text("Driver: Marek")).to_be_visible()
    expect(visit.get_by_text("No room in the van")).to_be_visible()
    fits_everywhere(visit)

    # The driver's phone, which nobody signed in.
    picture = Image.open(io.BytesIO(visit.get_by_alt_text("QR code of the manifest").screenshot()))
    (code,) = zxingcpp.read_barcodes(picture.resize((picture.width * 3, picture.height * 3)))
    phone = chromium.new_context(viewport={"width": 390, "height": 844}).new_page()
    address = code.text.replace(world.base_url.upper(), world.base_url)
    phone.goto(address)
    expect(phone.get_by_role("heading", level=1)).to_have_text("What you took along")
    for text in (goes[-4:], "seal S-100", "Nordlys", "Both sides counted 1.", "No room in the van", early[-4:]):
        expect(phone.get_by_text(text).first).to_be_visible()
    expect(phone.get_by_text("Marek")).to_have_count(0)
    fits_everywhere(phone)
    phone.goto(address[:-1] + ("0" if address[-1] != "0" else "1"))
    expect(phone.get_by_role("heading", level=1)).to_have_text("No manifest here")
    phone.context.close()

    # A second driver on the same day; the operator sees both.
    visit.goto("/till/handover")
    expect(visit.get_by_role("link", name="Marek")).to_be_visible()
    visit.locator(f'input[name="take"][value="{stays}"]').check()
    visit.get_by_role("button", name="Hand over").click()
    expect(visit.get_by_role("heading", level=1)).to_have_text("1 bag is with the driver")
    found = world.operator.get("/v1/handovers", params={"location": place}).raise_for_status().json()["items"]
    assert [[bag["sscc"] for bag in one["bags"]] for one in found] == [[stays], [goes]]
    key = {"Authorization": world.operator.headers["authorization"]}
    office = chromium.new_context(base_url=world.base_url, extra_http_headers=key).new_page()
    office.goto("/network/handovers")
    fits_everywhere(office)
    office.locator(f'a[href="/network/handovers/{found[1]["id"]}"]').click()
    expect(office.get_by_text("Driver: Marek")).to_be_visible()
    fits_everywhere(office)
    office.context.close()
    assert shop.get("/v1/handovers").status_code == 403
