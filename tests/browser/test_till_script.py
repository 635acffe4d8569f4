"""The till with its script: pass, tag, done. Scans are typed as a hand scanner types them; taps are counted."""

import re

import pytest
from playwright.sync_api import Page, expect


def headline(page: Page):
    return page.locator("#desk").get_by_role("heading", level=1)


def scan(page: Page, text: str, end: str = "Enter") -> None:
    """What a scanner does: it types into whatever has the focus. `end` is what it sends then, if anything. With an end
    the text comes at once, for on a busy machine the test itself may type as slowly as a hand."""
    if end:
        page.keyboard.insert_text(text)
        page.keyboard.press(end)
    else:
        page.keyboard.type(text)


def scan_field(page: Page):
    return page.get_by_label("Scan a pass, a tag or a bag")


def fast_mode(page: Page) -> None:
    page.get_by_label("Fast mode").check()
    scan_field(page).focus()


def unit_states(retailer, issued: dict) -> list[str]:
    return sorted(unit["status"] for unit in retailer.get(f"/v1/returns/{issued['id']}").json()["units"])


@pytest.mark.parametrize("end", ["Enter", "Tab", ""])
def test_a_sealed_parcel_needs_two_scans_and_no_tap(desk: Page, world, end: str) -> None:
    retailer, _ = world.retailer()
    issued = world.issue(retailer)
    fast_mode(desk)
    tag = world.tag()
    scan(desk, issued["pass"]["url"], end)
    expect(headline(desk)).to_have_text("3 things for Nordlys")
    scan(desk, tag, end)
    expect(headline(desk)).to_have_text("Taken in")
    expect(desk.get_by_text(f"3 things in tag {tag}.").first).to_be_visible()
    expect(desk.locator("#desk").get_by_text(re.compile(r"Put it into"))).to_be_visible()
    expect(scan_field(desk)).to_be_focused()
    assert unit_states(retailer, issued) == ["handed_in"] * 3
    assert desk.url.endswith("/till"), "nothing of the pass is in the address"
    # What stands beside it is the server's, drawn again.
    expect(desk.get_by_alt_text("QR code of the receipt")).to_be_visible()
    expect(desk.locator("#till-side .bag").first).to_contain_text(re.compile(r"\d parcels?"))


def test_the_next_customer_may_be_scanned_before_the_answer_is_there(desk: Page, world) -> None:
    """Four scans in one breath, on a slow line: each waits for its turn, and none is lost."""
    retailer, _ = world.retailer()
    first, second = world.issue(retailer), world.issue(retailer)
    fast_mode(desk)
    tags = [world.tag(), world.tag()]
    for text in (first["pass"]["url"], tags[0], second["pass"]["url"], tags[1]):
        scan(desk, text)
    expect(desk.locator("#desk").get_by_text(re.compile("3 things in tag " + tags[1]))).to_be_visible()
    for issued in (first, second):
        assert unit_states(retailer, issued) == ["handed_in"] * 3


def test_things_that_were_looked_at_take_one_tap_and_what_is_missing_another(desk: Page, world) -> None:
    retailer, _ = world.retailer()
    issued = world.issue(retailer)
    scan(desk, issued["pass"]["url"])
    desk.get_by_role("button", name="All here").click()
    expect(scan_field(desk)).to_be_focused()
    scan(desk, world.tag())
    expect(headline(desk)).to_have_text("Taken in")

    issued = world.issue(retailer)
    scan(desk, issued["pass"]["url"])
    desk.locator("#desk").get_by_text("Wollsocken").click()
    desk.get_by_role("button", name="Wet or leaking").click()
    expect(desk.get_by_role("button", name="Wet or leaking")).to_have_attribute("aria-pressed", "true")
    scan(desk, world.tag())
    expect(headline(desk)).to_have_text("Taken in")
    expect(desk.locator("#desk").get_by_text("1 thing goes back with the customer.")).to_be_visible()
    assert unit_states(retailer, issued) == ["expected", "handed_in", "handed_in"]
    (told,) = [
        one
        for one in retailer.get("/v1/events").json()["items"]
        if one["data"].get("return") == issued["id"] and one["type"] == "parcel.handed_in"
    ]
    assert [one["reason"] for one in told["data"]["refused"]] == ["wet_or_leaking"]


def test_a_tag_before_the_look_waits_for_one_tap(desk: Page, world) -> None:
    retailer, _ = world.retailer()
    issued = world.issue(retailer)
    scan(desk, issued["pass"]["url"])
    scan(desk, world.tag())
    expect(desk.get_by_text("Is it all there?")).to_be_visible()
    assert unit_states(retailer, issued) == ["expected"] * 3
    desk.get_by_role("button", name="Sealed parcel").click()
    expect(headline(desk)).to_have_text("Taken in")


def test_nothing_right_on_the_table_goes_back_without_a_tag(desk: Page, world) -> None:
    retailer, _ = world.retailer()
    issued = world.issue(retailer)
    scan(desk, issued["pass"]["url"])
    expect(headline(desk)).to_have_text("3 things for Nordlys")
    for title in desk.locator("#desk .unit__name").all():
        title.click()
    desk.get_by_role("button", name="Give all of it back").click()
    expect(headline(desk)).to_have_text("Nothing taken in")
    assert unit_states(retailer, issued) == ["expected"] * 3


def test_double_reads_swapped_layouts_and_slips_of_the_hand(desk: Page, world) -> None:
    retailer, _ = world.retailer()
    issued = world.issue(retailer)
    fast_mode(desk)
    asked: list[str] = []
    desk.on("request", lambda request: asked.append(request.url) if "/v1/counter/" in request.url else None)
    short = issued["pass"]["short_code"]
    wrong = short[:-1] + ("2" if short[-1] != "2" else "3")
    scan(desk, f"{wrong[:4]} {wrong[4:8]} {wrong[8:]}")
    expect(headline(desk)).to_have_text("One sign of the code is wrong")
    assert asked == [], "a slip is found before anything is sent"

    swapped = str.maketrans({":": "Ö", "/": "-", "Y": "Z", "Z": "Y"})
    text = issued["pass"]["url"].translate(swapped)
    scan(desk, text)
    scan(desk, text)
    expect(headline(desk)).to_have_text("3 things for Nordlys")
    scan(desk, issued["pass"]["url"])
    expect(headline(desk)).to_have_text("3 things for Nordlys")
    tag = world.tag()
    scan(desk, tag)
    scan(desk, tag)
    expect(headline(desk)).to_have_text("Taken in")
    assert [url.rpartition("/")[2] for url in asked] == ["scans", "hand-ins"]


def test_wrong_tags_are_named_and_the_pass_stays_open(desk: Page, world) -> None:
    retailer, _ = world.retailer()
    used = world.tag()
    fast_mode(desk)
    scan(desk, world.issue(retailer)["pass"]["url"])
    scan(desk, used)
    expect(headline(desk)).to_have_text("Taken in")
    scan(desk, world.issue(retailer)["pass"]["url"])
    scan(desk, used)
    expect(desk.get_by_role("alert")).to_contain_text("Tag used before")
    scan(desk, "1Z999AA10123456784")
    expect(desk.get_by_role("alert")).to_contain_text("UPS")
    scan(desk, world.issue(retailer)["pass"]["url"])
    expect(desk.get_by_role("alert")).to_contain_text("Another customer's code")
    scan(desk, world.tag())
    expect(headline(desk)).to_have_text("Taken in")


def test_what_the_script_leaves_to_the_pages(desk: Page, world) -> None:
    """Bags, parcels, and several parcels for one pass."""
    retailer, _ = world.retailer()
    issued = world.issue(retailer)
    scan(desk, issued["pass"]["url"])
    desk.get_by_role("button", name="Several parcels, another bag").click()
    expect(desk.get_by_role("button", name="Another parcel")).to_be_visible()
    assert issued["pass"]["code"] not in desk.url
    desk.goto("/till")
    fast_mode(desk)
    tag = world.tag()
    scan(desk, issued["pass"]["url"])
    scan(desk, tag)
    expect(headline(desk)).to_have_text("Taken in")
    desk.reload()
    scan(desk, tag)
    expect(desk.get_by_role("heading", name=f"Parcel {tag}")).to_be_visible()


def test_undo_and_what_is_typed_while_a_button_has_the_focus(desk: Page, world) -> None:
    retailer, _ = world.retailer()
    issued = world.issue(retailer)
    fast_mode(desk)
    scan(desk, issued["pass"]["url"])
    scan(desk, world.tag())
    expect(headline(desk)).to_have_text("Taken in")
    desk.locator("#desk").get_by_role("button", name="Undo").focus()
    desk.keyboard.press("Enter")
    expect(headline(desk)).to_have_text("Taken back")
    assert unit_states(retailer, issued) == ["expected"] * 3
    desk.get_by_role("link", name="Driver is here").focus()
    desk.keyboard.type(issued["pass"]["url"])
    desk.keyboard.press("Enter")
    expect(headline(desk)).to_have_text("3 things for Nordlys")
