"""The operator keeps the network by pages alone: no script, light and dark, at 320 px."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from tests.browser.test_pages import COLOURS, RULES, SMALL_TARGETS

WIDE = {"width": 1280, "height": 900}


def look(page: Page) -> None:
    """The page as it stands is for everyone."""
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    found = Axe().run(page, options=RULES)
    assert found.violations_count == 0, found.generate_report()
    page.emulate_media(color_scheme="dark")
    assert page.evaluate("async rules => (await axe.run(document, rules)).violations", COLOURS) == []
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320, page.url
    assert page.evaluate(SMALL_TARGETS) == [], page.url
    page.set_viewport_size(WIDE)


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()
    page.wait_for_load_state()


@pytest.fixture
def operator(visit: Page, world) -> Page:
    visit.goto("/network/places?q=nobody")
    visit.get_by_label("Key").fill(world.operator.headers["authorization"].removeprefix("Bearer "))
    visit.get_by_role("button", name="Sign in").click()
    visit.wait_for_url("**/network/places?q=nobody")
    return visit


def test_a_place_is_added_changed_paused_and_closed(operator: Page, world) -> None:
    expect(operator.get_by_role("heading", name="No place fits")).to_be_visible()
    look(operator)
    operator.goto("/network/places/new")
    operator.get_by_label("Name", exact=True).fill("Laden am Hafen")
    press(operator, "Save")
    expect(operator.get_by_role("alert")).to_contain_text("a latitude and a longitude")
    look(operator)
    operator.get_by_label("Country").fill("de")
    operator.get_by_label("Position").fill("54.3, 10.14")
    operator.get_by_label("Town").fill("Kiel")
    operator.get_by_label("Opening hours").fill("Mo-Fr 09:00-18:00; PH off")
    press(operator, "Save")
    expect(operator.get_by_role("heading", level=1)).to_have_text("Laden am Hafen")
    place = operator.url
    look(operator)

    operator.get_by_role("link", name="Change the hours").click()
    operator.get_by_label("The usual hours").fill("Mo-Su 20:00-02:00")
    press(operator, "Show two weeks")
    expect(operator.get_by_role("row").nth(1)).to_contain_text("20:00–02:00")
    look(operator)
    assert "09:00-18:00" in str(world.operator.get(f"/v1/locations/{place.rpartition('/')[2]}").json()), "not saved yet"
    press(operator, "Save these hours")
    expect(operator.get_by_role("table")).to_contain_text("20:00–02:00")

    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    operator.get_by_label("First day").fill(tomorrow)
    operator.get_by_label("Last day").fill("2020-01-01")
    operator.get_by_label("Open then").fill("10:00-14:00")
    operator.locator("#closure-reason").fill("Inventory")
    press(operator, "Enter")
    expect(operator.get_by_role("alert")).to_contain_text("a day that is not over")
    expect(operator.get_by_label("First day")).to_have_value(tomorrow)
    expect(operator.get_by_label("Last day")).to_have_value("2020-01-01")
    expect(operator.get_by_label("Open then")).to_have_value("10:00-14:00")
    expect(operator.locator("#closure-reason")).to_have_value("Inventory")
    expect(operator.get_by_label("Why").first).to_have_value("", timeout=1_000)
    look(operator)
    operator.get_by_label("Last day").fill(tomorrow)
    press(operator, "Enter")
    expect(operator.locator(".hours__note").first).to_have_text("Inventory")

    operator.get_by_label("Until").fill((datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M"))
    press(operator, "Pause this place")
    expect(operator.locator(".notice--wait")).to_contain_text("Paused by the operator. Until")
    look(operator)
    press(operator, "Take things in again")
    operator.get_by_text("Close for good").click()
    press(operator, "Close this place")
    press(operator, "Reopen this place")
    expect(operator.get_by_text("Takes things in", exact=True)).to_be_visible()
    expect(operator.locator(".timeline li").first).to_contain_text("Reopened by the operator")
    operator.goto("/network/places?q=hafen&state=active")
    expect(operator.get_by_role("link", name="Laden am Hafen")).to_be_visible()
    look(operator)


def test_a_file_is_compared_before_it_comes_into_force(operator: Page, world, tmp_path) -> None:
    def features(count: int, hours: str) -> dict:
        return {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "geometry": {"type": "Point", "coordinates": [10.1 + number / 100, 54.3]},
                    "properties": {"id": str(number), "name": f"Kiosk {number}", "kind": "store", "country": "DE"}
                    | {"opening_hours": hours},
                }
                for number in range(count)
            ]
            + [{"type": "Feature", "geometry": None, "properties": {"id": "broken", "name": "x"}}],
        }

    def send(*, compare: bool) -> None:
        operator.goto("/network/imports")
        operator.get_by_label("Name of the source").fill("hafen")
        operator.get_by_label("Only compare").set_checked(compare)
        operator.get_by_label("File", exact=True).set_input_files(path)
        press(operator, "Send")
        expect(operator.get_by_text("Done", exact=True)).to_be_visible(timeout=20_000)

    path = tmp_path / "hafen.geojson"
    path.write_text(json.dumps(features(3, "24/7")))
    operator.goto("/network/imports")
    press(operator, "Send")
    expect(operator.get_by_role("alert")).to_contain_text("Choose a file")
    look(operator)
    send(compare=True)
    expect(operator.locator(".sums")).to_contain_text("3 new")
    expect(operator.get_by_role("table")).to_contain_text("refused")
    look(operator)
    assert world.operator.get("/v1/locations", params={"source": "hafen"}).json()["items"] == []
    send(compare=False)
    held = world.operator.get("/v1/locations", params={"source": "hafen"}).json()["items"]
    assert len(held) == 3

    # A field set by hand stays, is shown as such, and goes back.
    operator.goto(f"/network/places/{held[0]['id']}/edit")
    operator.get_by_label("Phone").fill("+49 431")
    press(operator, "Save")
    expect(operator.get_by_text("Set by hand. The source says: nothing")).to_be_visible()
    look(operator)
    press(operator, "Give back Phone")
    expect(operator.get_by_text("Set by hand")).to_have_count(0)
    operator.goto("/network/sources")
    expect(operator.get_by_role("link", name="hafen", exact=True)).to_be_visible()
    look(operator)


def test_an_upload_without_its_token_writes_nothing(operator: Page, world) -> None:
    fields = {"source": "forged", "file": {"name": "x.csv", "mimeType": "text/csv", "buffer": b"id,name\n"}}
    answer = operator.request.post("/network/uploads", multipart={"csrf_token": "0" * 64} | fields)
    assert answer.status == 403
    assert operator.request.post("/network/uploads", multipart=fields).status == 403
    sources = world.operator.get("/v1/location-sources").json()["items"]
    assert "forged" not in [source["name"] for source in sources]


def test_a_till_pauses_intake_and_takes_it_up_again(visit: Page, world) -> None:
    place = world.post(
        world.operator,
        "/v1/locations",
        {"name": "Voller Laden", "kind": "store", "address": {"country": "DE"}, "position": {"lat": 54.0, "lon": 10.0}},
    )
    visit.goto(world.pairing_url(place["id"]))
    visit.get_by_role("button", name="Yes, this is the till").click()
    visit.wait_for_url("**/till")
    visit.locator("summary", has_text="Pause intake").click()
    visit.get_by_label("For how long?").select_option("day")
    visit.get_by_role("button", name="Pause intake").click()
    expect(visit.get_by_role("heading", level=1)).to_have_text("Intake is paused")
    look(visit)
    assert world.operator.get(f"/v1/locations/{place['id']}").json()["state"] == "paused"
    visit.get_by_role("button", name="Take things in again").click()
    expect(visit.get_by_role("heading", level=1)).to_have_text("Intake is open again")
    world.post(world.operator, f"/v1/locations/{place['id']}/pause", {"reason": "Audit"})
    visit.goto("/till")
    expect(visit.get_by_role("heading", name="This place is paused")).to_be_visible()
    expect(visit.get_by_role("button", name="Take things in again")).to_have_count(0)


def test_full_and_silent_places_are_listed_and_on_the_map(operator: Page, world) -> None:
    place = {"kind": "store", "address": {"country": "DE"}, "position": {"lat": 53.9, "lon": 9.9}}
    full = world.post(world.operator, "/v1/locations", {"name": "Volles Lager"} | place)
    world.post(world.operator, f"/v1/locations/{full['id']}/stock", {"capacity": 0})
    operator.goto("/network/places?q=Volles+Lager")
    operator.get_by_label("Full or silent").select_option("full")
    press(operator, "Show")
    expect(operator.get_by_role("link", name="Volles Lager")).to_be_visible()
    look(operator)
    operator.get_by_role("link", name="See them on a map").click()
    item = operator.locator(".place", has_text="Volles Lager")
    expect(item).to_contain_text("Full: 0 of 0")
    look(operator)
    operator.reload()
    operator.get_by_role("button", name="Volles Lager, Full: 0 of 0").press("Enter")
    link = operator.locator(".leaflet-popup").get_by_role("link", name="Volles Lager")
    expect(link).to_have_attribute("href", f"/network/places/{full['id']}")
    link.click()
    expect(operator.get_by_role("heading", level=1)).to_have_text("Volles Lager")
    operator.get_by_label("Room for how many parcels?").fill("many")
    press(operator, "Save the room")
    expect(operator.get_by_role("alert")).to_contain_text("a whole number of parcels")
    operator.get_by_label("Room for how many parcels?").fill("30")
    press(operator, "Save the room")
    expect(operator.get_by_text("30 of 30")).to_be_visible()
    operator.goto("/network/watch?only=full")
    expect(operator.locator(".place", has_text="Volles Lager")).to_have_count(0)
    look(operator)
