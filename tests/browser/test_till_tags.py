"""The till's tags: a torn one replaced, a label on paper in its own size, a code by hand, a roll registered."""

import os
import re

import pypdfium2
import zxingcpp
from playwright.sync_api import Page, expect

from dropoff.kernel import tags


def headline(page: Page):
    return page.get_by_role("heading", level=1)


def take_in(page: Page, world, tag: str) -> None:
    retailer, _ = world.retailer()
    page.get_by_label("Scan a pass, a tag or a bag").fill(world.issue(retailer)["pass"]["url"])
    page.keyboard.press("Enter")
    page.get_by_label("Scan the tag").fill(tag)
    page.get_by_role("button", name="Take it in").click()
    expect(headline(page)).to_have_text("Taken in")


def shot(page: Page, name: str) -> None:
    if folder := os.environ.get("DROPOFF_SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def test_a_torn_tag_its_label_a_code_by_hand_and_a_roll(till: Page, world) -> None:
    old, new = world.tag(), world.tag()
    take_in(till, world, old)
    till.goto(f"/till/parcels/{old}")
    till.get_by_text("Torn tag? Give it another").click()
    till.get_by_label("Scan the new tag").fill(new)
    shot(till, "retag")
    till.get_by_role("button", name="This is its tag now").click()
    expect(headline(till).first).to_have_text("New tag, same parcel")
    shot(till, "retagged")
    till.goto(f"/till/parcels/{old}")
    expect(till.get_by_text(f"The parcel carries {new} now.")).to_be_visible()

    till.get_by_role("button", name="Print its label again").click()
    expect(headline(till)).to_contain_text(new)
    shot(till, "label")
    document = pypdfium2.PdfDocument(till.pdf(prefer_css_page_size=True))
    (page,) = list(document)
    assert [round(side / 72 * 25.4) for side in page.get_size()] == [60, 25]
    assert [found.text for found in zxingcpp.read_barcodes(page.render(scale=300 / 72).to_pil())] == [new]
    document.close()

    till.goto("/till/tags")
    till.get_by_role("button", name="Give me a code").click()
    code = till.locator(".written__code").inner_text()
    assert tags.is_written(tags.fold_tag(code))
    shot(till, "written")
    first, last = tags.make_tag(900_000_100), tags.make_tag(900_000_119)
    till.get_by_label("Head of the roll, or its first tag").fill(tags.roll_head(first, last))
    till.get_by_role("button", name="Register it here").click()
    expect(headline(till).first).to_have_text("Roll registered")
    expect(till.get_by_text("Few tags left")).to_be_visible()
    shot(till, "tags")
    till.goto("/till")
    expect(till.get_by_role("link", name=re.compile("20 tags left"))).to_be_visible()
    shot(till, "home")
