"""The finder with script: the map beside the list, "near me", suggestions. Nothing is asked of another host."""

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect

HERE = "/find?near=52.53160,13.38890"
PIN = re.compile("^Paketladen Nordbahnhof, Hours unknown")


@pytest.fixture
def wide(chromium: Browser, served: str) -> Iterator[BrowserContext]:
    """A desk, where the map comes by itself."""
    size = {"width": 1280, "height": 900}
    context = chromium.new_context(base_url=served, viewport=size, reduced_motion="reduce")
    yield context
    context.close()


def pin(page: Page):
    return page.get_by_role("button", name=PIN)


def line(page: Page):
    return page.locator(".place", has_text="Paketladen")


def test_list_and_map_are_in_step(wide: BrowserContext, world) -> None:
    page = wide.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(HERE)
    expect(page.get_by_role("region", name="Map of places")).to_be_visible()
    box = pin(page).bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= 24
    here = page.locator(".map__here").bounding_box()
    assert here is not None
    tip = (box["x"] + box["width"] / 2, box["y"] + box["width"] * (0.5 + 0.5**0.5))
    middle = (here["x"] + here["width"] / 2, here["y"] + here["height"] / 2)
    assert tip == pytest.approx(middle, abs=2), "we stand where this place is"
    line(page).hover()
    expect(pin(page)).to_have_class(re.compile("pin--on"))
    page.mouse.move(5, 5)
    expect(pin(page)).not_to_have_class(re.compile("pin--on"))
    for key in ("Enter", " "):
        pin(page).press(key)
        popup = page.locator(".leaflet-popup")
        expect(popup).to_contain_text("Invalidenstraße 130")
        expect(line(page)).to_have_class(re.compile("place--on"))
        expect(popup.get_by_role("link", name="Paketladen Nordbahnhof")).to_be_focused()
        page.keyboard.press("Escape")
        expect(popup).to_have_count(0)
        expect(pin(page)).to_be_focused()
        expect(line(page)).not_to_have_class(re.compile("place--on"))
    pin(page).press("Enter")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Paketladen Nordbahnhof")
    assert all(url.startswith((world.base_url, "data:")) for url in asked)


def test_places_close_together_are_one_button_that_zooms_in(wide: BrowserContext, world) -> None:
    page = wide.new_page()
    page.goto(HERE)
    expect(pin(page)).to_be_visible()
    for _ in range(4):
        page.get_by_role("button", name="Zoom out").click()
    together = page.get_by_role("button", name="3 places here; zoom in")
    together.press("Enter")
    expect(together).to_have_count(0)
    expect(page.locator(".pin").first).to_be_visible()


def test_buttons_of_a_full_map_do_not_lie_on_one_another(wide: BrowserContext, world) -> None:
    steps = range(8)
    pins = [
        {"id": f"loc_{x}_{y}", "lat": 52.51 + y / 600, "lon": 13.36 + x / 400, "name": "Kiosk", "kind": "store"}
        | {"address": "Berlin", "opening": "Open now", "tone": "good"}
        for x in steps
        for y in steps
    ]
    page = wide.new_page()
    page.route("**/find/pins?*", lambda route: route.fulfill(json={"pins": pins, "all": True}))
    page.goto(HERE)
    page.get_by_role("button", name="Zoom out").click()
    expect(page.locator(".cluster").first).to_be_visible()
    found = Axe().run(page, context=".map", options={"runOnly": ["target-size"]})
    assert found.violations_count == 0, found.generate_report()


def test_the_list_comes_before_the_map_for_those_who_walk_by_the_keyboard(wide: BrowserContext, world) -> None:
    page = wide.new_page()
    page.goto(HERE)
    expect(pin(page)).to_be_visible()
    first = page.locator(".place a, .map [tabindex='0'], .map a").first
    assert first.evaluate("element => !!element.closest('.place')")


def test_on_a_phone_the_map_waits_to_be_asked_for(visit: Page, world) -> None:
    asked: list[str] = []
    visit.on("request", lambda request: asked.append(request.url))
    visit.goto(HERE)
    button = visit.get_by_role("button", name="Show the map")
    expect(button).to_have_attribute("aria-expanded", "false")
    visit.wait_for_load_state("networkidle")
    assert not [url for url in asked if "/map." in url or "/outline." in url]
    button.click()
    expect(pin(visit)).to_be_visible()
    visit.get_by_role("button", name="Hide the map").click()
    expect(pin(visit)).to_be_hidden()
    expect(visit.locator(".place")).to_have_count(3)


def test_who_saves_data_gets_no_map_unasked(wide: BrowserContext, world) -> None:
    wide.add_init_script("Object.defineProperty(navigator, 'connection', {value: {saveData: true}})")
    page = wide.new_page()
    page.goto(HERE)
    expect(page.get_by_role("button", name="Show the map")).to_be_visible()
    page.wait_for_load_state("networkidle")
    expect(page.locator("#map")).to_be_hidden()


def test_a_map_that_does_not_load_leaves_the_list_and_can_be_tried_again(visit: Page, world, request) -> None:
    visit.route(re.compile("/assets/map"), lambda route: route.fulfill(status=404))
    visit.goto(HERE)
    visit.get_by_role("button", name="Show the map").click()
    expect(visit.get_by_role("button", name="The map did not load. Try again")).to_be_visible()
    expect(visit.locator(".place")).to_have_count(3)
    visit.unroute(re.compile("/assets/map"))
    visit.get_by_role("button", name="Try again").click()
    expect(pin(visit)).to_be_visible()


def test_near_me_asks_the_browser(visit: Page, world) -> None:
    visit.context.grant_permissions(["geolocation"])
    visit.context.set_geolocation({"latitude": 52.52971234, "longitude": 13.40141234})
    visit.goto("/find?kind=store")
    visit.get_by_role("button", name="Near me").click()
    expect(visit.get_by_role("heading", level=1)).to_have_text("Places near you")
    expect(visit.locator(".place").first).to_contain_text("Späti")
    expect(visit).to_have_url(re.compile(r"near=52\.5297%2C13\.4014"))
    expect(visit).to_have_url(re.compile("kind=store"))


def test_near_me_refused_says_what_else_to_do(visit: Page, world) -> None:
    visit.context.clear_permissions()
    visit.goto("/find")
    visit.get_by_role("button", name="Near me").click()
    expect(visit.get_by_text("Type a postcode or a town.", exact=False).last).to_be_visible()
    expect(visit.get_by_role("button", name="Near me")).to_be_enabled()


def test_suggestions_are_walked_by_the_arrows_and_taken_by_enter(visit: Page, world) -> None:
    visit.goto("/find")
    field = visit.get_by_role("combobox", name="Postcode or town")
    expect(field).to_be_focused()
    field.press_sequentially("berl")
    option = visit.get_by_role("option", name=re.compile("^Berlin")).first
    expect(option).to_be_visible()
    expect(field).to_have_attribute("aria-expanded", "true")
    field.press("ArrowDown")
    expect(option).to_have_attribute("aria-selected", "true")
    assert field.get_attribute("aria-activedescendant") == option.get_attribute("id")
    field.press("Escape")
    expect(visit.get_by_role("listbox")).to_be_hidden()
    expect(field).to_have_value("berl")
    field.press_sequentially("i")
    expect(option).to_be_visible()
    field.press("ArrowDown")
    field.press("Enter")
    expect(visit.get_by_role("heading", level=1)).to_have_text(re.compile("^Places near Berlin"))
    expect(visit.locator(".place")).to_have_count(3)


def test_a_suggestion_is_taken_by_the_finger_too(visit: Page, world) -> None:
    visit.goto("/find")
    visit.get_by_role("combobox").press_sequentially("1011")
    visit.get_by_role("option").first.click()
    expect(visit.get_by_role("heading", level=1)).to_have_text(re.compile("^Places near 1011"))


def test_without_a_network_typing_and_sending_still_work(visit: Page, world) -> None:
    def away(route, _: Request) -> None:
        route.fulfill(status=404)

    visit.route(re.compile("/v1/places"), away)
    visit.goto("/find")
    visit.get_by_role("combobox").press_sequentially("berlin")
    visit.get_by_role("combobox").press("Enter")
    expect(visit.locator(".place")).to_have_count(3)
