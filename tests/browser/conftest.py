"""A served application with a small world made through its own API, and Debian's Chromium to look at it.

Without Chromium the tests of this folder are skipped but one, which fails and names the command that is missing: so
the rest of a run is still worth reading.
"""

import itertools
import os
import socket
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

expect.set_options(timeout=30_000)  # a busy machine is no defect
CHROMIUM = Path(os.environ.get("DROPOFF_TEST_CHROMIUM", "/usr/bin/chromium"))
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
OPERATOR_KEY = "op_for-browser-tests-only"
BERLIN = [
    ("spaeti", "Späti am Rosenthaler Platz", 52.5297, 13.4014, "10119", "Torstraße 125", "24/7"),
    ("kiosk", "Kiosk Mitte", 52.5309, 13.3840, "10115", "Chausseestraße 8", "Mo-Su 00:00-00:01"),
    ("laden", "Paketladen Nordbahnhof", 52.5316, 13.3889, "10115", "Invalidenstraße 130", "after lunch"),
]
FACTS: dict[str, dict[str, Any]] = {
    "spaeti": {
        "step_free": True,
        "has_printer": True,
        "max_weight_g": 20_000,
        "max_size_mm": [600, 400, 300],
        "refuses": ["batteries"],
        "carriers": ["dhl", "gls"],
        "photo_url": "https://pictures.example/spaeti.jpg",
        "access_note": "Through the yard, second door",
    },
    "laden": {"max_weight_g": 5_000},
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here not in item.path.parents:
            continue
        item.add_marker(pytest.mark.browser)
        if not CHROMIUM.exists() and item.name != "test_chromium_is_installed":
            item.add_marker(pytest.mark.skip(reason=f"{CHROMIUM} is missing"))


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    return CHROMIUM


class World:
    """What the network, a retailer and a till did before the browser comes. Every call is one of the public API."""

    def __init__(self, base_url: str, database: Path) -> None:
        self.base_url = base_url
        self._database = database
        self._clients: list[httpx.Client] = []
        self.operator = self._client(OPERATOR_KEY)
        self._numbers = itertools.count(1)
        self._run = uuid.uuid4().hex[:6].upper()
        self.locations = self._locations()

    def _client(self, key: str) -> httpx.Client:
        headers = {"Authorization": f"Bearer {key}"}
        client = httpx.Client(base_url=self.base_url, headers=headers, timeout=30, trust_env=False)
        self._clients.append(client)
        return client

    def close(self) -> None:
        for client in self._clients:
            client.close()

    def _locations(self) -> dict[str, str]:
        features = [
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [lon, lat]},
                "properties": {
                    "id": key,
                    "name": name,
                    "kind": "store",
                    "country": "DE",
                    "street": street,
                    "postcode": postcode,
                    "city": "Berlin",
                    "opening_hours": hours,
                    **FACTS.get(key, {}),
                },
            }
            for key, name, lat, lon, postcode, street, hours in BERLIN
        ]
        headers = {"Content-Type": "application/geo+json"}
        body = {"type": "FeatureCollection", "features": features}
        path = "/v1/location-imports?source=browser"
        self.operator.post(path, json=body, headers=headers).raise_for_status()
        found: dict[str, str] = {}
        deadline = time.monotonic() + 60
        while len(found) < len(BERLIN):
            assert time.monotonic() < deadline, "the import never reached the search"
            answer = self.operator.get("/v1/locations", params={"near": "52.53,13.39", "limit": 10})
            found = {item["external_id"]: item["id"] for item in answer.raise_for_status().json()["items"]}
            time.sleep(0.05)
        return found

    def hub(self) -> str:
        """The id of a place where no shopper goes."""
        return self._hidden("hubs", {"id": "hub", "name": "Hub", "kind": "hub", "country": "DE"})

    def test_place(self) -> str:
        """The id of a place for test returns."""
        return self._hidden(
            "tests", {"id": "test", "name": "Teststand", "kind": "store", "country": "DE", "live": False}
        )

    def _hidden(self, source: str, properties: dict[str, Any]) -> str:
        place = {"type": "Point", "coordinates": [13.3, 52.5]}
        feature = {"type": "Feature", "geometry": place, "properties": properties}
        self.operator.post(
            f"/v1/location-imports?source={source}",
            json={"type": "FeatureCollection", "features": [feature]},
            headers={"Content-Type": "application/geo+json"},
        ).raise_for_status()
        held = self.operator.get("/v1/locations", params={"source": source}).raise_for_status().json()["items"]
        return str(held[0]["id"])

    def post(self, client: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = client.post(path, json=body, headers={"Idempotency-Key": str(uuid.uuid4())})
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
        made: dict[str, Any] = answer.json()
        return made

    def retailer(
        self, name: str = "Nordlys", country: str = "DE", **policy: Any
    ) -> tuple[httpx.Client, dict[str, Any]]:
        number = f"{self._run.lower()}-{next(self._numbers)}"
        made = self.post(
            self.operator,
            "/v1/retailers",
            {
                "name": name,
                "slug": f"nordlys-{number}",
                "country": "DE",
                "currency": "EUR",
                "locale": "de",
                "return_address": {
                    "name": "Nordlys Retouren",
                    "street": "Lagerstraße 1",
                    "postcode": "10115",
                    "city": "Berlin",
                    "country": country,
                },
                "policy": {"window_days": 30, "refund_at": "hand_in", "resolutions": ["refund"], **policy},
            },
        )
        return self._client(made["api_key"]), made

    def issue(self, retailer: httpx.Client, jacket: str = "Regenjacke") -> dict[str, Any]:
        """A return of two jackets and a pair of socks; `order` is its order's reference."""
        reference = f"SO-{self._run}-{next(self._numbers)}"
        delivered = (datetime.now(UTC) - timedelta(days=3)).isoformat()
        lines = [
            {"sku": "JACKET-38", "title": jacket, "variant": "38", "quantity": 2, "unit_price": 8900},
            {"sku": "SOCKS", "title": "Wollsocken", "quantity": 1, "unit_price": 1290},
        ]
        shopper = {"name": "Æsa Ødegård", "email": "aesa@example.org", "postcode": "10119", "country": "DE"}
        order = {"reference": reference, "placed_at": delivered, "delivered_at": delivered, "currency": "EUR"}
        self.post(retailer, "/v1/orders", {**order, "shopper": shopper, "lines": lines})
        units = [
            {"sku": "JACKET-38", "quantity": 2, "reason": "too_small", "resolution": "refund"},
            {"sku": "SOCKS", "resolution": "refund"},
        ]
        return {**self.post(retailer, "/v1/returns", {"order": reference, "units": units}), "order": reference}

    def age(self, issued: dict[str, Any], days_left: int) -> None:
        """The one thing that no call can do: make weeks go by. With -2 the pass has run out."""
        day = datetime.now(UTC) + timedelta(days=days_left)
        last_day, end = (f"{moment:%Y-%m-%dT%H:%M:%S.000Z}" for moment in (day, day + timedelta(days=1)))
        with closing(sqlite3.connect(self._database, timeout=10)) as database, database:
            database.execute(
                "UPDATE return SET last_day_at = ?, expires_at = ? WHERE id = ?", (last_day, end, issued["id"])
            )

    def pairing_url(self, location: str = "") -> str:
        number = next(self._numbers)
        place = location or self.locations["spaeti"]
        device = self.post(self.operator, f"/v1/locations/{place}/devices", {"name": f"Till {number}"})
        # In Berlin a till speaks German by itself; these tests read English.
        return f"{device['pairing_url']}?lang=en"

    def counter(self, location: str) -> httpx.Client:
        """A till of this place without a browser."""
        made = self.post(self.operator, f"/v1/locations/{location}/devices", {"name": f"Till {next(self._numbers)}"})
        paired = self.post(self.operator, "/v1/devices/pair", {"pairing_code": made["pairing_code"]})
        return self._client(paired["token"])

    def sealed_bag(self, counter: httpx.Client, issued: dict[str, Any], seal: str | None = None) -> str:
        """The SSCC of a bag that holds what was issued."""
        bag = self.post(counter, "/v1/counter/containers", {"kind": "bag"})
        parcel = {"tag": self.tag(), "units": [unit["id"] for unit in issued["units"]], "weight_g": 1400}
        moment = datetime.now(UTC).isoformat()
        asked = {"pass": issued["pass"]["url"], "parcels": [parcel], "container": bag["id"], "scanned_at": moment}
        taken = self.post(counter, "/v1/counter/hand-ins", asked)
        assert taken["verdict"] == "accepted", taken
        self.post(counter, f"/v1/counter/containers/{bag['id']}/seal", {"seal": seal})
        return str(bag["sscc"])

    def book(self, retailer: httpx.Client, sscc: str) -> dict[str, Any]:
        """Runs the next cut-off and waits until the bag's shipment is booked."""
        as_of = (datetime.now(UTC) + timedelta(hours=26)).isoformat()
        self.post(self.operator, "/v1/consolidation-runs", {"as_of": as_of})
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            for one in retailer.get("/v1/shipments").raise_for_status().json()["items"]:
                if one["status"] == "booked" and sscc in [held["sscc"] for held in one["containers"]]:
                    booked: dict[str, Any] = one
                    return booked
            time.sleep(0.1)
        raise AssertionError(f"no shipment of {sscc} was booked")

    def tag(self) -> str:
        return f"T{self._run}{next(self._numbers):03}"


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of the served process."""
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="session")
def served(data: Path) -> Iterator[str]:
    """The base URL of a process of its own, as `dropoff serve` starts it."""
    with serving(data) as url:
        yield url


@contextmanager
def serving(data: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DROPOFF_")}
    environment |= {
        "DROPOFF_DATA": str(data),
        "DROPOFF_BASE_URL": url,
        "DROPOFF_OPERATOR_KEY": OPERATOR_KEY,
        "DROPOFF_LOG_LEVEL": "warning",
    }
    command = [sys.executable, "-m", "dropoff.cli", "serve", "--port", str(port)]
    with (data / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 60
        with httpx.Client(trust_env=False) as client:
            while not _answers(client, f"{url}/health/ready"):
                assert process.poll() is None, (data / "log").read_text()
                assert time.monotonic() < deadline, (data / "log").read_text()
                time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def _answers(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(url).is_success
    except httpx.TransportError:
        return False


@pytest.fixture(scope="session")
def world(served: str, data: Path) -> Iterator[World]:
    with closing(World(served, data / "dropoff.sqlite3")) as made:
        yield made


# A module, not a session: while Playwright runs, this thread has an event loop, which other tests do not expect.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Complaints(list[str]):
    """What the browser complained about: blocked by the policy, not found, broken."""

    def watch(self, context: BrowserContext) -> None:
        context.on("console", self._note)
        context.on("weberror", lambda error: self.append(str(error.error)))

    def _note(self, message: ConsoleMessage) -> None:
        # A page that is meant to answer 4xx is no complaint, nor is a line that a test cut; what is said then is under
        # test.
        meant = ("status of 4", "net::ERR_FAILED", "net::ERR_INTERNET_DISCONNECTED")
        if message.type in ("error", "warning") and not any(text in message.text for text in meant):
            self.append(message.text)


@pytest.fixture
def visit(chromium: Browser, served: str) -> Iterator[Page]:
    """A fresh profile on a phone; at the end nothing may have been blocked or broken."""
    context = chromium.new_context(base_url=served, viewport={"width": 390, "height": 844})
    complaints = Complaints()
    complaints.watch(context)
    yield context.new_page()
    context.close()
    assert complaints == []


def without_script(page: Page) -> None:
    """A browser that is too old for the till's script: the plain page has to do."""
    page.add_init_script("delete Crypto.prototype.randomUUID")


def pair(page: Page, world: World, location: str = "") -> None:
    page.goto(world.pairing_url(location))
    page.get_by_role("button", name="Yes, this is the till").click()
    page.wait_for_url("**/till")


@pytest.fixture
def till(visit: Page, world: World) -> Page:
    """A paired till on its front page, by forms alone."""
    without_script(visit)
    pair(visit, world)
    return visit


@pytest.fixture
def desk(visit: Page, world: World) -> Page:
    """A paired till on its front page, with its script."""
    pair(visit, world)
    expect(visit.locator("#till[data-scripted]")).to_be_attached()
    return visit
