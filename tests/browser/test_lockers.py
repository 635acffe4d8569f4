"""A shopper at a bank of lockers, on a small phone, with a bank that runs as a process of its own."""

import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from tests.browser.conftest import without_script
from tests.browser.test_pages import COLOURS, RULES, SMALL_TARGETS, signed_in

OVER_THEIR_FIELD = """[...document.querySelectorAll(".choice")].filter(choice => choice.getBoundingClientRect().right >
    choice.closest("fieldset").getBoundingClientRect().right + 0.5).map(choice => choice.textContent.trim())"""


class Bank:
    """The process, and hands at its doors."""

    def __init__(self, folder: Path, compartments: str = "S:2,L:1") -> None:
        self._compartments = compartments
        with closing(socket.create_server(("127.0.0.1", 0))) as probe:
            self.port = int(probe.getsockname()[1])
        self._file = folder / "doors.json"
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "dropoff.cli", "simulate-lockers", "--port", str(self.port)]
        command += ["--bank", "b", "--compartments", self._compartments, "--state", str(self._file)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        assert "Lockers b at" in self.process.stdout.readline()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(30)
        if self.process.stdout:
            self.process.stdout.close()

    def act(self, number: str, action: str) -> None:
        with httpx.Client(base_url=self.url, trust_env=False) as http:
            assert http.post(f"/doors/{number}", data={"action": action}).status_code == 303

    def fault(self, kind: str) -> None:
        with httpx.Client(base_url=self.url, trust_env=False) as http:
            assert http.post("/faults", data={"kind": kind}).status_code == 303


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    made = Bank(tmp_path_factory.mktemp("bank"))
    yield made
    made.kill()


@pytest.fixture(scope="module")
def locker(world: Any, bank: Bank) -> str:
    return connected(world, bank)


def connected(world: Any, bank: Bank) -> str:
    """The id of a place with this bank."""
    feature = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [13.4, 52.53]},
        "properties": {
            "id": "nordbox",
            "name": "Nordbox am Platz",
            "kind": "locker",
            "country": "DE",
            "city": "Berlin",
        },
    }
    headers = {"Content-Type": "application/geo+json"}
    body = {"type": "FeatureCollection", "features": [feature]}
    world.operator.post("/v1/location-imports?source=boxes", json=body, headers=headers).raise_for_status()
    (place,) = world.operator.get("/v1/locations", params={"source": "boxes"}).raise_for_status().json()["items"]
    settings = {"bank": "b", "settings": {"url": bank.url}}
    world.operator.put(f"/v1/locations/{place['id']}/lockers", json=settings).raise_for_status()
    return str(place["id"])


def issue(world: Any) -> str:
    retailer, _ = world.retailer()
    return f"/p/{world.issue(retailer)['pass']['code']}"


def heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(text))


def fits(page: Page, name: str) -> None:
    """At 320 px."""
    assert page.evaluate("document.documentElement.scrollWidth") <= 320, name
    assert page.evaluate(SMALL_TARGETS) == [], name


def looks_right(page: Page, shots: Path, name: str) -> None:
    """Light and dark."""
    fits(page, name)
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    found = Axe().run(page, options=RULES)
    assert found.violations_count == 0, found.generate_report()
    page.screenshot(path=shots / f"{name}.png", full_page=True)
    page.emulate_media(color_scheme="dark")
    assert page.evaluate("async rules => (await axe.run(document, rules)).violations", COLOURS) == [], name
    page.screenshot(path=shots / f"{name}-dark.png", full_page=True)


def test_a_return_goes_into_a_locker(visit: Page, world: Any, bank: Bank, locker: str, tmp_path: Path) -> None:
    visit.set_viewport_size({"width": 320, "height": 640})
    path = issue(world)
    visit.goto(path)
    visit.get_by_role("link", name="Hand it in at a locker").click()
    expect(visit.get_by_role("listitem").filter(has_text="Nordbox am Platz")).to_contain_text("Room now")
    fits(visit, "choose-locker")
    visit.get_by_role("link", name="I am here").click()
    visit.get_by_label("Small").check()
    looks_right(visit, tmp_path, "choose-size")
    assert visit.evaluate(OVER_THEIR_FIELD) == []
    visit.get_by_label("Wollsocken").uncheck()
    visit.get_by_role("button", name="Hold a compartment").click()
    heading(visit, "Compartment 1 is yours")
    fits(visit, "reserved")
    visit.goto(path)
    visit.get_by_role("link", name="Go on at the locker").click()
    visit.get_by_role("button", name="Open the door").click()
    heading(visit, "Door 1 is open")
    looks_right(visit, tmp_path, "open")
    bank.act("1", "put_in")
    heading(visit, "Handed in")  # by itself: the script asks
    fits(visit, "handed-in")
    visit.get_by_role("link", name="Your receipt").click()
    expect(visit.get_by_text("Nordbox am Platz").first).to_be_visible()
    visit.goto(f"{path}/locker")
    visit.get_by_role("link", name="Hand in the rest").click()
    heading(visit, "Hand it in at a locker")
    expect(visit.get_by_label("Wollsocken")).to_have_count(0)  # the only thing left needs no choice


def test_the_power_goes_while_the_door_opens(visit: Page, world: Any, bank: Bank, locker: str, tmp_path: Path) -> None:
    """Without script: the page reloads itself."""
    visit.set_viewport_size({"width": 320, "height": 640})
    visit.route("**/locker*.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    visit.goto(f"/l/{locker}")
    visit.get_by_label("Code of your return").fill(issue(world).rpartition("/")[2])
    visit.get_by_role("button", name="Go on").click()
    visit.get_by_label("Small").check()
    visit.get_by_role("button", name="Hold a compartment").click()
    heading(visit, "Compartment 2 is yours")
    bank.fault("power_loss")
    visit.get_by_role("button", name="Open the door").click()
    heading(visit, "Door 2 is opening")
    visit.reload()
    expect(visit.get_by_role("alert")).to_contain_text("Nothing is handed in yet")
    looks_right(visit, tmp_path, "no-power")
    bank.kill()
    bank.start()
    bank.act("2", "put_in")
    visit.wait_for_timeout(1_100)  # a bank is asked once a second at most
    visit.reload()
    heading(visit, "Handed in")


def test_a_full_locker_names_two_others(visit: Page, world: Any, bank: Bank, locker: str) -> None:
    visit.set_viewport_size({"width": 320, "height": 640})
    taken, late = issue(world), issue(world)
    for path in (taken, late):
        visit.goto(f"{path}/locker?at={locker}")
        visit.get_by_label("Large").check()
        visit.get_by_role("button", name="Hold a compartment").click()
    expect(visit.get_by_role("status").first).to_contain_text("No compartment of that size is free")
    others = visit.locator("section").filter(has_text="Where else").get_by_role("listitem")
    expect(others).to_have_count(2)
    expect(others.first).to_contain_text("Späti am Rosenthaler Platz")
    expect(others.first).to_contain_text("Open day and night")
    fits(visit, "full")
    visit.goto(f"{taken}/locker")
    visit.get_by_role("button", name="Give it back").click()
    expect(visit.get_by_role("status").first).to_contain_text("The compartment was given back")


def test_the_operator_connects_it_and_sees_its_doors(
    visit: Page, world: Any, bank: Bank, locker: str, tmp_path: Path
) -> None:
    signed_in(visit, world)
    visit.set_viewport_size({"width": 320, "height": 640})
    visit.goto(f"/network/places/{locker}")
    visit.get_by_role("link", name="Compartments").click()
    visit.get_by_label("Name of the bank").fill("b")
    visit.get_by_label("Settings").fill("http://nowhere")
    visit.get_by_role("button", name="Change how it is reached").click()
    expect(visit.get_by_role("alert")).to_contain_text("Each line is NAME=VALUE")
    visit.get_by_label("Settings").fill("url=http://127.0.0.1:9")
    visit.get_by_role("button", name="Change how it is reached").click()
    expect(visit.get_by_role("alert")).to_contain_text("no connection")
    visit.get_by_label("Settings").fill(f"url={bank.url}\nkey=")
    visit.get_by_role("button", name="Change how it is reached").click()
    compartments = visit.get_by_role("heading", name="Compartments")
    doors = visit.locator("section").filter(has=compartments).get_by_role("listitem")
    expect(doors).to_have_count(3)
    expect(doors.first).to_contain_text("To be fetched")
    looks_right(visit, tmp_path, "bank")


def test_whoever_empties_it_is_told_what_to_write(
    visit: Page, world: Any, bank: Bank, locker: str, tmp_path: Path
) -> None:
    without_script(visit)
    visit.goto(world.pairing_url(locker))
    visit.get_by_role("button", name="Yes, this is the till").click()
    visit.wait_for_url("**/till")
    visit.set_viewport_size({"width": 320, "height": 640})
    visit.get_by_role("link", name=re.compile("to be emptied")).click()
    lines = visit.locator("section").filter(has_text="To be emptied").get_by_role("listitem")
    before = lines.count()
    lines.filter(has_text="Door 1").get_by_role("button", name="Open").click()
    heading(visit, "Door 1 is open")
    looks_right(visit, tmp_path, "emptying")
    bank.act("1", "take_out")
    visit.get_by_role("link", name="Put it in a bag").click()
    visit.get_by_role("button", name="Put it in").click()
    expect(visit.get_by_role("status").first).to_be_visible()
    with httpx.Client(base_url=bank.url, trust_env=False) as http:
        deadline = time.monotonic() + 30
        while "reserved" in (doors := http.get("/banks/b").json()["compartments"])[0]["state"]:
            assert time.monotonic() < deadline, doors
            time.sleep(0.1)  # between two looks
    visit.goto("/till/lockers")
    expect(visit.get_by_role("button", name="Open")).to_have_count(before - 1)
