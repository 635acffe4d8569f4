"""The till by typing alone, as a hand scanner does: every field already has the focus, every scan ends with Enter."""

import io
import re

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from tests.browser.conftest import without_script

from dropoff.kernel import gs1


def scan(page: Page, text: str) -> None:
    """What a scanner does: it types into whatever has the focus, then sends Enter. The clerk waits for the answer."""
    expect(page.locator("input:focus")).to_have_count(1)
    page.keyboard.type(text)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def open_bag(page: Page) -> None:
    """The bag that the large answer names."""
    number = re.search(r"\d{4}", page.get_by_text("Put it into").inner_text())[0]
    page.get_by_role("link", name=f"Bag {number}", exact=True).click()
    expect(page.get_by_role("button", name="Seal the bag")).to_be_visible()


def short_code(issued: dict) -> str:
    code = issued["pass"]["short_code"]
    return f"{code[:4]}-{code[4:8]}-{code[8:]}"


def headline(page: Page):
    return page.get_by_role("heading", level=1)


def field_with_focus(page: Page) -> str:
    return str(page.evaluate("document.activeElement.name || ''"))


def test_a_whole_hand_in_by_two_scans_and_no_mouse(till: Page, world) -> None:
    retailer, _ = world.retailer()
    issued = world.issue(retailer)
    tag = world.tag()
    expect(till.get_by_label("Scan a pass, a tag or a bag")).to_be_focused()

    scan(till, issued["pass"]["url"])
    expect(headline(till)).to_have_text("3 things for Nordlys")
    for box in till.get_by_role("checkbox").all():
        expect(box).to_be_checked()
    expect(till.get_by_label("Scan the tag")).to_be_focused()
    assert issued["pass"]["code"] not in till.url

    scan(till, tag.lower())
    expect(headline(till)).to_have_text("Taken in")
    expect(till.get_by_text(f"3 things in tag {tag}.")).to_be_visible()
    expect(till.get_by_text(re.compile(r"Put it into (bag \d{4}|a new bag. Write \d{4} on it)"))).to_be_visible()
    expect(till.get_by_label("Scan a pass, a tag or a bag")).to_be_focused()
    status = retailer.get(f"/v1/returns/{issued['id']}").json()["status"]
    assert status == "handed_in"

    scan(till, short_code(issued))
    expect(headline(till)).to_have_text("Already taken in")


def test_a_double_read_of_the_pass_is_no_tag(till: Page, world) -> None:
    retailer, _ = world.retailer()
    issued = world.issue(retailer)
    scan(till, issued["pass"]["url"])
    expect(till.get_by_label("Scan the tag")).to_be_focused()
    scan(till, issued["pass"]["url"])
    expect(headline(till)).to_have_text("3 things for Nordlys")
    expect(till.get_by_label("Scan the tag")).to_have_value("")
    scan(till, world.tag())
    expect(headline(till)).to_have_text("Taken in")


def test_a_double_read_without_enter_between_is_one_read(till: Page, world) -> None:
    """A scanner that sends nothing at the end: the clerk presses the button."""
    retailer, _ = world.retailer()
    issued = world.issue(retailer)
    till.keyboard.type(issued["pass"]["url"] * 2)
    till.get_by_role("button", name="Go", exact=True).click()
    expect(headline(till)).to_have_text("3 things for Nordlys")
    tag = f"{world.tag()}X7"
    till.keyboard.type(tag * 2)
    till.get_by_role("button", name="Take it in").click()
    expect(till.get_by_text(f"3 things in tag {tag}.")).to_be_visible()
    scan(till, tag)
    # The tag read once more does not push the answer aside.
    expect(headline(till)).to_have_text("Taken in")


def test_a_nordic_or_german_keyboard_changes_nothing(till: Page, world) -> None:
    retailer, _ = world.retailer()
    swapped = str.maketrans({":": "Ö", "/": "-", "Y": "Z", "Z": "Y"})
    scan(till, world.issue(retailer)["pass"]["url"].translate(swapped))
    expect(headline(till)).to_have_text("3 things for Nordlys")


def test_going_back_after_a_hand_in_shows_an_answer_and_no_error_of_the_browser(till: Page, world) -> None:
    retailer, _ = world.retailer()
    issued = world.issue(retailer)
    scan(till, issued["pass"]["url"])
    till.get_by_role("button", name="Another parcel").click()
    expect(till.get_by_label("Tag of parcel 2")).to_be_visible()
    assert issued["pass"]["code"] not in till.url + till.content()
    till.get_by_label("Tag of parcel 1").fill(world.tag())
    till.get_by_label("Tag of parcel 1").press("Enter")
    expect(headline(till)).to_have_text("Taken in")
    till.go_back()
    expect(till.get_by_label("Tag of parcel 2")).to_be_visible()
    till.go_back()
    expect(headline(till)).to_have_text("Already taken in")
    expect(till.get_by_label("Scan a pass, a tag or a bag")).to_be_focused()


def test_what_another_till_took_meanwhile_leaves_the_rest_on_the_form(till: Page, world) -> None:
    retailer, _ = world.retailer()
    issued = world.issue(retailer)
    scan(till, issued["pass"]["url"])
    device = world.post(world.operator, f"/v1/locations/{world.locations['kiosk']}/devices", {"name": "Faster"})
    with httpx.Client(base_url=world.base_url, trust_env=False) as other:
        token = other.post("/v1/devices/pair", json={"pairing_code": device["pairing_code"]}).json()["token"]
        other.headers["Authorization"] = f"Bearer {token}"
        parcel = {"tag": world.tag(), "units": [issued["units"][0]["id"]]}
        said = {
            "pass": issued["pass"]["code"],
            "parcels": [parcel],
            "refused": [],
            "scanned_at": "2026-01-01T00:00:00Z",
        }
        assert world.post(other, "/v1/counter/hand-ins", said)["verdict"] == "accepted"
    tag = world.tag()
    scan(till, tag)
    expect(headline(till)).to_have_text("Part of it came before")
    expect(till.get_by_role("checkbox")).to_have_count(2)
    # The tag is in its field already; the button has the focus, so that a second scan of it adds nothing.
    expect(till.get_by_label("Scan the tag")).to_have_value(tag)
    expect(till.get_by_role("button", name="Take it in")).to_be_focused()
    till.keyboard.press("Enter")
    expect(till.get_by_text(f"2 things in tag {tag}.")).to_be_visible()


def test_a_bag_that_was_sealed_meanwhile_gives_way_to_the_likely_one(till: Page, world) -> None:
    retailer, _ = world.retailer()
    scan(till, world.issue(retailer)["pass"]["url"])
    scan(till, world.tag())
    expect(headline(till)).to_have_text("Taken in")
    scan(till, world.issue(retailer)["pass"]["url"])
    chosen = till.locator('[name="container"]:checked').get_attribute("value")
    beside = till.context.new_page()
    beside.goto(f"/till/containers/{chosen}")
    beside.get_by_role("button", name="Seal the bag").click()
    expect(headline(beside).first).to_have_text("Sealed")
    beside.close()
    scan(till, world.tag())
    expect(headline(till)).to_have_text("This bag is closed")
    expect(till.get_by_label("A new bag")).to_be_checked()
    till.get_by_role("button", name="Take it in").click()
    expect(headline(till)).to_have_text("Taken in")


def test_a_till_that_lost_its_session_says_that_nothing_was_stored(till: Page, world) -> None:
    retailer, _ = world.retailer()
    issued = world.issue(retailer)
    scan(till, issued["pass"]["url"])
    till.context.clear_cookies()
    scan(till, world.tag())
    expect(till.get_by_role("alert")).to_contain_text("Nothing was stored")
    assert retailer.get(f"/v1/returns/{issued['id']}").json()["status"] == "issued"


def test_a_fresh_bag_label_opens_its_bag(till: Page) -> None:
    sscc = gs1.nth_sscc("9521321", 700_001)
    scan(till, f"]C100{sscc}")
    expect(headline(till)).to_have_text("A new bag label")
    till.get_by_role("button", name="Open a bag with it").click()
    expect(headline(till).first).to_have_text(f"Bag {sscc[-4:]} is open")
    expect(till.get_by_label("Put a parcel in")).to_be_focused()
    till.goto("/till")
    till.get_by_role("button", name="Open a new bag").click()
    expect(till.get_by_text(re.compile(r"Write \d{4} on the bag"))).to_be_visible()


def test_a_test_till_says_so_and_takes_no_real_code(visit: Page, world) -> None:
    without_script(visit)
    visit.goto(world.pairing_url(world.test_place()))
    visit.get_by_role("button", name="Yes, this is the till").click()
    expect(visit.get_by_text("Test till")).to_be_visible()
    retailer, _ = world.retailer()
    scan(visit, world.issue(retailer)["pass"]["url"])
    expect(headline(visit)).to_have_text("Test and real do not mix")


def test_one_thing_stays_and_two_go_in_parcels_of_their_own(till: Page, world) -> None:
    retailer, _ = world.retailer()
    issued = world.issue(retailer)
    scan(till, short_code(issued))
    till.get_by_label("Wollsocken", exact=True).uncheck()
    till.get_by_label("Why not?").and_(till.locator("select:visible")).select_option("wet_or_leaking")
    till.get_by_role("button", name="Another parcel").click()
    expect(till.get_by_label("Wollsocken", exact=True)).not_to_be_checked()
    till.get_by_role("group", name="Which parcel? Regenjacke").nth(1).get_by_label("Parcel 2").check()
    till.get_by_label("Tag of parcel 1").fill(world.tag())
    till.get_by_label("Tag of parcel 2").fill(world.tag())
    till.get_by_label("No bag for now").check()
    till.get_by_role("button", name="Take it in").click()
    expect(headline(till)).to_have_text("Taken in")
    expect(till.get_by_text("1 thing goes back with the customer.")).to_be_visible()
    expect(till.get_by_text("It is in no bag yet")).to_be_visible()
    units = retailer.get(f"/v1/returns/{issued['id']}").json()["units"]
    assert sorted(unit["status"] for unit in units) == ["expected", "handed_in", "handed_in"]
    assert len({unit["parcel"] for unit in units}) == 3


def test_a_used_tag_asks_for_another_and_keeps_the_rest(till: Page, world) -> None:
    retailer, _ = world.retailer()
    used = world.tag()
    scan(till, world.issue(retailer)["pass"]["url"])
    scan(till, used)
    expect(headline(till)).to_have_text("Taken in")
    scan(till, world.issue(retailer)["pass"]["url"])
    till.get_by_label("Wollsocken", exact=True).uncheck()
    till.get_by_label("Scan the tag").focus()
    scan(till, used)
    expect(headline(till)).to_have_text("Tag used before")
    expect(till.get_by_label("Wollsocken", exact=True)).not_to_be_checked()
    expect(till.get_by_label("Scan the tag")).to_be_focused()
    expect(till.get_by_label("Scan the tag")).to_have_value("")
    scan(till, world.tag())
    expect(headline(till)).to_have_text("Taken in")


def test_a_missing_tag_is_said_at_its_field(till: Page, world) -> None:
    retailer, _ = world.retailer()
    scan(till, world.issue(retailer)["pass"]["url"])
    expect(till.get_by_label("Scan the tag")).to_be_focused()  # a page is loaded before it has given the focus
    till.keyboard.press("Enter")
    expect(till.get_by_role("alert")).to_contain_text("Scan the tag of the parcel.")
    expect(till.get_by_label("Scan the tag")).to_have_attribute("aria-invalid", "true")
    expect(till.get_by_label("Scan the tag")).to_be_focused()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1Z999AA10123456784", "This is a UPS label"),
        ("RR123456785NO", "This is a label of a postal service"),
        ("<b>hi</b>", "We do not know this"),
        ("T0000000017", "A fresh tag"),
        ("0000000000000000", "We do not know this code"),
    ],
)
def test_any_scan_gets_an_answer_and_the_focus_back(till: Page, text: str, said: str) -> None:
    scan(till, text)
    expect(headline(till)).to_have_text(said)
    expect(till.get_by_label("Scan a pass, a tag or a bag")).to_be_focused()


def test_undo_gives_the_things_back(till: Page, world) -> None:
    retailer, _ = world.retailer()
    issued = world.issue(retailer)
    scan(till, issued["pass"]["url"])
    scan(till, world.tag())
    expect(headline(till)).to_have_text("Taken in")
    till.get_by_role("button", name="Undo").click()
    expect(headline(till)).to_have_text("Taken back")
    assert retailer.get(f"/v1/returns/{issued['id']}").json()["status"] == "issued"
    expect(till.get_by_role("button", name="Undo")).to_have_count(0)


def test_a_form_sent_twice_takes_in_once(till: Page, world) -> None:
    """A second tap on a slow day, or a reload of the answer."""
    retailer, _ = world.retailer()
    issued = world.issue(retailer)
    scan(till, issued["pass"]["url"])
    till.get_by_label("Scan the tag").fill(world.tag())
    till.get_by_label("No bag for now").check()
    sent = till.evaluate("new URLSearchParams(new FormData(document.querySelector('form.till'))).toString()")
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answers = [till.request.post("/till/hand-ins", data=sent, headers=headers) for _ in range(2)]
    assert answers[0].url == answers[1].url
    assert "hand_in=" in answers[0].url
    told = retailer.get("/v1/events").json()["items"]
    assert [one["type"] for one in told].count("parcel.handed_in") == 1


def test_a_loose_parcel_goes_into_a_bag_is_sealed_and_opened_again(till: Page, world) -> None:
    retailer, _ = world.retailer()
    scan(till, world.issue(retailer)["pass"]["url"])
    tag = world.tag()
    till.get_by_label("No bag for now").check()
    till.get_by_label("Scan the tag").focus()
    scan(till, tag)
    expect(headline(till)).to_have_text("Taken in")

    scan(till, tag)
    expect(till.get_by_role("heading", name=f"Parcel {tag}")).to_be_visible()
    till.get_by_label("A new bag").check()
    till.get_by_role("button", name="Put it in").click()
    expect(headline(till).first).to_have_text("It is in")

    till.get_by_label("Seal number").fill("S-1")
    till.get_by_role("button", name="Seal the bag").click()
    expect(headline(till).first).to_have_text("Sealed")

    till.get_by_text("Open it again").click()
    till.get_by_label("Why?").fill("One more parcel")
    till.get_by_role("button", name="Break the seal").click()
    expect(headline(till).first).to_have_text("Open again")


def test_a_sealed_bag_leaves_with_the_driver_and_the_counts_must_agree(till: Page, world) -> None:
    retailer, made = world.retailer()
    lane = {
        "origin": {"location": world.locations["spaeti"]},
        "destination": {"retailer": made["id"]},
        "carrier": "courier",
        "service": "standard",
        "days": "Mo-Su",
        "cutoff": "23:59",
    }
    world.post(world.operator, "/v1/lanes", lane)
    scan(till, world.issue(retailer)["pass"]["url"])
    till.get_by_label("A new bag").check()
    till.get_by_label("Scan the tag").focus()
    scan(till, world.tag())
    expect(headline(till)).to_have_text("Taken in")
    open_bag(till)
    sscc = till.locator(".sscc").first.inner_text()
    till.get_by_role("button", name="Seal the bag").click()
    expect(headline(till).first).to_have_text("Sealed")
    world.book(retailer, sscc)

    till.goto("/till")
    expect(till.get_by_text("Leaves with the driver").first).to_be_visible()
    label = till.get_by_role("link", name=re.compile("^Label")).first.get_attribute("href")
    assert till.request.get(str(label)).body()[:5] == b"%PDF-"

    till.get_by_role("link", name="Driver is here").click()
    expect(till.get_by_label("Scan a bag")).to_be_focused()
    till.get_by_label("Driver", exact=True).fill("M. K.")
    till.get_by_label("Driver", exact=True).press("Enter")
    # A badge's Enter hands nothing over.
    expect(till.get_by_label("The driver counts")).to_be_focused()
    till.get_by_label("Scan a bag").focus()
    scan(till, sscc)
    expect(till.get_by_role("status")).to_contain_text("is ticked")
    expect(till.locator(f'input[name="take"][value="{sscc}"]')).to_be_checked()
    scan(till, "1Z999AA10123456784")
    expect(till.get_by_role("alert")).to_contain_text("No sealed bag here has this label")
    expect(till.locator(f'input[name="take"][value="{sscc}"]')).to_be_checked()
    expect(till.get_by_label("Driver", exact=True)).to_have_value("M. K.")
    till.get_by_label("The driver counts").fill("2")
    till.get_by_role("button", name="Hand over").click()
    expect(headline(till)).to_have_text("The counts differ")
    till.get_by_role("link", name="Count again").click()
    expect(till.locator(f'input[name="take"][value="{sscc}"]')).to_be_checked()
    till.get_by_label("Driver", exact=True).fill("M. K.")
    till.get_by_label("The driver counts").fill("1")
    till.get_by_role("button", name="Hand over").click()
    expect(headline(till)).to_have_text("1 bag is with the driver")


def test_a_browser_without_pairing_is_told_how_to_become_a_till(visit: Page) -> None:
    answer = visit.goto("/till")
    assert answer is not None
    assert answer.status == 401
    expect(headline(visit)).to_have_text("This device is no till yet")


def test_a_form_without_its_token_writes_nothing(till: Page, world) -> None:
    answer = till.request.post("/till/containers", form={"kind": "bag", "key": "a-key"})
    assert answer.status == 403
    expect(till.get_by_text("No bag yet").or_(till.get_by_text("Open", exact=True)).first).to_be_visible()


def test_a_photo_of_what_is_damaged_reaches_the_retailer(till: Page, world) -> None:
    without_script(till)
    till.reload()
    retailer, _ = world.retailer()
    issued = world.issue(retailer)
    scan(till, issued["pass"]["url"])
    till.get_by_label("Scan the tag").fill(world.tag())
    till.get_by_role("button", name="Take it in").click()
    till.get_by_role("link", name="Something is damaged? Take a photo").click()
    picture = io.BytesIO()
    Image.new("RGB", (2000, 1500), "red").save(picture, "JPEG")
    till.get_by_label("Photo").set_input_files(
        {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": picture.getvalue()}
    )
    till.get_by_label("What is wrong?").fill("The seam is open.")
    till.get_by_role("button", name="Keep it").click()
    expect(till.get_by_role("heading", level=1)).to_have_text("Photo kept")
    (kept,) = retailer.get(f"/v1/returns/{issued['id']}/photos").raise_for_status().json()["items"]
    assert (kept["note"], kept["width"], kept["height"]) == ("The seam is open.", 1600, 1200)
