"""What a shopper sees and does with the link of a return, on a phone, without any script."""

import re
from typing import Any

import httpx
import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Page, expect


def headline(page: Page):
    return page.get_by_role("heading", level=1)


def path_of(issued: dict[str, Any]) -> str:
    return f"/p/{issued['pass']['code']}"


@pytest.fixture
def issued(world) -> dict[str, Any]:
    retailer, _ = world.retailer()
    return world.issue(retailer)


def hand_in(world, issued: dict[str, Any], count: int) -> dict[str, Any]:
    """At a till of its own, over the API."""
    device = world.post(world.operator, f"/v1/locations/{world.locations['spaeti']}/devices", {"name": "API till"})
    with httpx.Client(base_url=world.base_url, trust_env=False) as client:
        token = client.post("/v1/devices/pair", json={"pairing_code": device["pairing_code"]}).json()["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        units = [unit["id"] for unit in issued["units"][:count]]
        body = {"pass": issued["pass"]["code"], "parcels": [{"tag": world.tag(), "units": units}]}
        left = [{"unit": unit["id"], "reason": "too_large"} for unit in issued["units"][count:]]
        return world.post(
            client, "/v1/counter/hand-ins", {**body, "refused": left, "scanned_at": "2026-01-01T00:00:00Z"}
        )


def test_the_pass_page_shows_a_code_that_scans_and_nothing_personal(
    visit: Page, issued: dict[str, Any], scheme: str, tmp_path
) -> None:
    visit.emulate_media(color_scheme=scheme)
    visit.goto(path_of(issued))
    expect(headline(visit)).to_have_text("Ready to hand in")
    shot = tmp_path / "pass.png"
    visit.screenshot(path=shot)
    (found,) = zxingcpp.read_barcodes(Image.open(shot))
    assert found.text == issued["pass"]["url"]
    short = issued["pass"]["short_code"]
    expect(visit.get_by_text(f"{short[:4]}-{short[4:8]}-{short[8:]}")).to_be_visible()
    content = visit.content()
    assert "degård" not in content
    assert "aesa" not in content
    assert "<script" not in content


def test_the_address_in_the_qr_is_the_page(visit: Page, issued: dict[str, Any]) -> None:
    visit.goto(f"/P/{issued['pass']['code']}")
    expect(headline(visit)).to_have_text("Ready to hand in")
    visit.goto(path_of(issued).lower())
    expect(headline(visit)).to_have_text("Ready to hand in")


def test_places_near_are_filled_from_the_orders_postcode_and_another_city_can_be_asked(
    visit: Page, issued: dict[str, Any]
) -> None:
    visit.goto(path_of(issued))
    expect(visit.get_by_label("Postcode or city")).to_have_value("10119")
    near = visit.locator("#near")
    expect(near.get_by_role("listitem").first).to_contain_text("Späti am Rosenthaler Platz")
    expect(near.get_by_role("listitem").first).to_contain_text("Open day and night")
    expect(near.get_by_role("listitem").filter(has_text="Paketladen")).to_contain_text("Hours unknown")
    visit.get_by_label("Postcode or city").fill("Atlantis")
    visit.get_by_role("button", name="Find").click()
    expect(near.get_by_role("status")).to_contain_text("We know no place in Atlantis")
    visit.get_by_label("Postcode or city").fill("berlin")
    visit.get_by_role("button", name="Find").click()
    expect(near.get_by_role("listitem")).to_have_count(3)


def test_after_a_hand_in_the_page_says_who_holds_what_and_when_the_money_comes(
    visit: Page, world, issued: dict[str, Any]
) -> None:
    verdict = hand_in(world, issued, 2)
    assert verdict["verdict"] == "accepted", verdict
    visit.goto(path_of(issued))
    expect(headline(visit)).to_have_text("2 of 3 handed in")
    money = visit.locator(".money")
    expect(money).to_contain_text("178.00 EUR")
    expect(money).to_contain_text(re.compile(r"by \w{3} \d+ \w+"))
    expect(money).to_contain_text("Späti am Rosenthaler Platz")
    expect(visit.locator(".timeline")).to_contain_text("Handed in")
    expect(visit.get_by_role("link", name="Cancel this return")).to_have_count(0)

    visit.get_by_role("link", name="Your receipt").click()
    expect(headline(visit)).to_have_text("Handed in")
    visit.goto(verdict["receipt"]["url"])
    expect(headline(visit)).to_have_text("Handed in")
    expect(visit.get_by_text("Späti am Rosenthaler Platz, Torstraße 125, 10119 Berlin")).to_be_visible()
    expect(visit.get_by_text("Too large")).to_be_visible()
    as_json = visit.request.get(verdict["receipt"]["url"], headers={"accept": "application/json"}).json()
    assert as_json["hand_in"] == verdict["hand_in"]


def test_more_time_keeps_the_code(visit: Page, world, issued: dict[str, Any]) -> None:
    visit.goto(path_of(issued))
    expect(visit.get_by_role("link", name="Cancel this return")).to_be_visible()
    # Weeks are left: a button that gives nothing would only waste a tap.
    expect(visit.get_by_role("link", name="I need more time")).to_have_count(0)
    world.age(issued, 2)
    visit.goto(path_of(issued))
    visit.get_by_role("link", name="I need more time").click()
    visit.get_by_role("button", name="Yes, keep it open longer").click()
    expect(headline(visit)).to_have_text("Ready to hand in")
    expect(visit.get_by_role("status").first).to_be_visible()


def test_cancelling_asks_for_order_and_mail_and_ends_with_a_next_step(visit: Page, issued: dict[str, Any]) -> None:
    visit.goto(path_of(issued))
    visit.get_by_role("link", name="Cancel this return").click()
    visit.get_by_role("button", name="Yes, cancel the return").click()
    expect(visit.get_by_role("alert")).to_contain_text("Type the order number.")
    visit.get_by_label("Order number").fill("SO-WRONG")
    visit.get_by_label("E-mail of the order").fill("aesa@example.org")
    visit.get_by_role("button", name="Yes, cancel the return").click()
    expect(visit.get_by_role("alert")).to_contain_text("do not belong to this return")
    visit.get_by_label("Order number").fill(issued["order"])
    visit.get_by_role("button", name="Yes, cancel the return").click()
    expect(headline(visit)).to_have_text("This return is cancelled")
    expect(visit.get_by_text("Start a new return at Nordlys.")).to_be_visible()
    expect(visit.locator(".ticket__qr")).to_have_count(0)


def test_an_unknown_code_can_be_typed_again(visit: Page, issued: dict[str, Any]) -> None:
    answer = visit.goto("/p/0000000000000000")
    assert answer is not None
    assert answer.status == 404
    expect(headline(visit)).to_have_text("We do not know this code")
    visit.get_by_label("Code of your return").fill(issued["pass"]["url"])
    visit.get_by_role("button", name="Open my return").click()
    expect(headline(visit)).to_have_text("Ready to hand in")


def test_pictures_are_kept_by_their_etag(world, issued: dict[str, Any]) -> None:
    with httpx.Client(trust_env=False) as client:
        for url in issued["pass"]["qr"].values():
            first = client.get(url)
            assert first.status_code == 200
            assert "immutable" in first.headers["cache-control"]
            again = client.get(url, headers={"if-none-match": first.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")
        assert client.get(f"{world.base_url}/p/NO/qr.png").status_code == 404
