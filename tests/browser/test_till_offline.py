"""A till without a network: it notes, says so, and sends when it can. Nothing is called taken in before the service
said so. The network is cut by the browser itself; the service runs on."""

import json
import re

import httpx
import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import pair
from tests.browser.test_till_script import fast_mode, headline, scan, unit_states


@pytest.fixture
def ready(desk: Page) -> Page:
    """A till in fast mode whose service worker and list of passes are in place; passes made later are not in it."""
    fast_mode(desk)
    return desk


def prepared(page: Page) -> None:
    """The list is fetched anew, and the service worker holds the shell."""
    page.evaluate(
        """async () => {
          await navigator.serviceWorker.ready;
          const open = indexedDB.open("dropoff till");
          const db = await new Promise(done => open.onsuccess = () => done(open.result));
          await new Promise(done => {
            const change = db.transaction("held", "readwrite");
            change.objectStore("held").delete("listed");
            change.oncomplete = done;
          });
          db.close();
        }"""
    )
    page.reload()
    expect(page.locator("#till[data-listed]")).to_be_attached()


def unsent(page: Page):
    return page.locator("#unsent")


def note(page: Page, issued: dict, tag: str) -> None:
    scan(page, issued["pass"]["url"])
    expect(headline(page)).to_have_text("3 things")
    scan(page, tag)
    expect(headline(page)).to_have_text("Noted, will be sent")


def online(page: Page) -> None:
    page.context.set_offline(False)
    page.evaluate("dispatchEvent(new Event('online'))")


def handed_in(retailer, issued: dict) -> list[dict]:
    events = retailer.get("/v1/events").json()["items"]
    return [one for one in events if one["type"] == "parcel.handed_in" and one["data"]["return"] == issued["id"]]


def test_a_day_without_a_network(ready: Page, world) -> None:
    retailer, _ = world.retailer()
    issued = [world.issue(retailer) for _ in range(3)]
    prepared(ready)
    ready.context.set_offline(True)
    tags = [world.tag() for _ in issued]
    note(ready, issued[0], tags[0])
    expect(unsent(ready)).to_contain_text("Noted here, not sent yet: 1 hand-in")
    expect(ready.get_by_text("Taken in", exact=True)).to_have_count(0)
    assert unit_states(retailer, issued[0]) == ["expected"] * 3

    # The browser is closed and opened again: the shell comes from the device, and so does what was noted.
    ready.reload()
    expect(ready.get_by_text("No network").first).to_be_visible()
    expect(ready.get_by_text(re.compile("Rosenthaler"))).to_be_visible()
    expect(unsent(ready)).to_contain_text("1 hand-in")
    scan(ready, issued[0]["pass"]["url"])
    expect(headline(ready)).to_have_text("Noted before")
    short = issued[1]["pass"]["short_code"]
    scan(ready, f"{short[:4]}-{short[4:8]}-{short[8:]}")
    expect(headline(ready)).to_have_text("3 things")
    scan(ready, tags[1])
    expect(headline(ready)).to_have_text("Noted, will be sent")
    note(ready, issued[2], tags[2])
    expect(unsent(ready)).to_contain_text("3 hand-ins")

    online(ready)
    expect(ready.get_by_role("link", name="Driver is here")).to_be_visible()  # the real page again
    expect(ready.get_by_text("Not in a bag yet")).to_be_visible()
    expect(unsent(ready)).to_be_empty()
    for one in issued:
        assert unit_states(retailer, one) == ["handed_in"] * 3
    told = [one for issue in issued for one in handed_in(retailer, issue)]
    assert [one["data"]["tag"] for one in sorted(told, key=lambda one: one["id"])] == tags, (
        "in the order they were noted"
    )


def test_a_code_that_is_in_no_list_is_noted_only_by_a_tap(ready: Page, world) -> None:
    retailer, _ = world.retailer()
    prepared(ready)
    issued = world.issue(retailer)  # after the list
    ready.context.set_offline(True)
    scan(ready, issued["pass"]["url"])
    expect(headline(ready)).to_have_text("We cannot look this code up")
    ready.get_by_role("button", name="Note it all the same").click()
    expect(headline(ready)).to_have_text("All of it")
    scan(ready, world.tag())
    expect(headline(ready)).to_have_text("Noted, will be sent")
    scan(ready, "T0000000017")
    expect(headline(ready)).to_have_text("No network")
    online(ready)
    expect(unsent(ready)).to_be_empty()
    assert unit_states(retailer, issued) == ["handed_in"] * 3


def test_a_lost_answer_is_noted_and_taken_in_once(visit: Page, world) -> None:
    # What passes by a service worker, a test cannot catch.
    visit.add_init_script("delete Navigator.prototype.serviceWorker")
    pair(visit, world)
    expect(visit.locator("#till[data-scripted]")).to_be_attached()
    ready = visit
    fast_mode(ready)
    retailer, _ = world.retailer()
    issued = world.issue(retailer)
    scan(ready, issued["pass"]["url"])
    expect(headline(ready)).to_have_text("3 things for Nordlys")
    lost: list[int] = []

    def lose_the_answer(route) -> None:
        lost.append(route.fetch().status)
        route.abort()

    ready.route("**/v1/counter/hand-ins", lose_the_answer, times=1)
    scan(ready, world.tag())
    expect(headline(ready)).to_have_text("Noted, will be sent")
    assert lost == [200], "it was taken in, and only the answer was lost"
    ready.get_by_role("button", name="Send now").click()
    # It lies in a bag by the books: the clerk is told which.
    expect(unsent(ready)).to_contain_text(re.compile(r"is taken in now. Put it into bag \d{4}"))
    ready.get_by_role("button", name="Seen").click()
    expect(unsent(ready)).to_be_empty()
    assert len(handed_in(retailer, issued)) == 1


def poison(page: Page, body: dict) -> None:
    """An entry as a former version, or a broken disk, might have left it, at the head of the queue."""
    page.evaluate(
        """async text => {
          const open = indexedDB.open("dropoff till");
          const db = await new Promise(done => open.onsuccess = () => done(open.result));
          const change = db.transaction("entries", "readwrite");
          change.objectStore("entries").add(JSON.parse(text));
          await new Promise(done => change.oncomplete = done);
          db.close();
        }""",
        json.dumps(body),
    )


def test_a_poisoned_entry_is_parked_in_sight_and_the_rest_flows(ready: Page, world) -> None:
    retailer, _ = world.retailer()
    used, issued = world.issue(retailer), world.issue(retailer)
    prepared(ready)
    ready.context.set_offline(True)
    bad = {"key": "bad-1", "location": "", "pass": "X", "tag": "TBAD", "state": "wait", "reason": None}
    poison(ready, {**bad, "body": {"pass": "", "parcels": "none"}})
    note(ready, used, world.tag())
    note(ready, issued, world.tag())
    world.post(retailer, f"/v1/returns/{used['id']}/cancel", {})
    online(ready)
    expect(unsent(ready)).to_contain_text("These need somebody")
    expect(unsent(ready)).to_contain_text("TBAD: the service cannot read it.")
    expect(unsent(ready)).to_contain_text("is not taken in: This return is cancelled")
    expect(unsent(ready)).not_to_contain_text("not sent yet")
    assert unit_states(retailer, issued) == ["handed_in"] * 3
    for _ in range(2):
        ready.get_by_role("button", name="Seen").first.click()
    expect(unsent(ready)).to_be_empty()


def test_a_till_that_lost_its_session_keeps_what_it_noted(ready: Page, world) -> None:
    retailer, _ = world.retailer()
    issued = world.issue(retailer)
    prepared(ready)
    ready.context.set_offline(True)
    note(ready, issued, world.tag())
    ready.context.clear_cookies()
    online(ready)
    expect(unsent(ready)).to_contain_text("has to be paired again")
    assert unit_states(retailer, issued) == ["expected"] * 3
    pair(ready, world)
    expect(unsent(ready)).to_be_empty()
    expect(ready.get_by_text("Not in a bag yet")).to_be_visible()
    assert unit_states(retailer, issued) == ["handed_in"] * 3


def test_two_tabs_send_once(ready: Page, world) -> None:
    retailer, _ = world.retailer()
    issued = [world.issue(retailer) for _ in range(3)]
    prepared(ready)
    beside = ready.context.new_page()
    beside.goto("/till")
    expect(beside.locator("#till[data-scripted]")).to_be_attached()
    ready.context.set_offline(True)
    for one in issued:
        note(ready, one, world.tag())
    expect(unsent(beside)).to_contain_text("3 hand-ins")
    sent: list[str] = []
    ready.context.on("request", lambda asked: sent.append(asked.url) if asked.url.endswith("/hand-ins") else None)
    ready.context.set_offline(False)
    for page in (ready, beside):
        page.evaluate("dispatchEvent(new Event('online'))")
    for page in (ready, beside):
        expect(unsent(page)).to_be_empty()
    assert len(sent) == 3, "each was sent by one of them"
    for one in issued:
        assert len(handed_in(retailer, one)) == 1


def test_the_same_things_noted_at_two_places_are_one_hand_in_and_both_are_told(ready: Page, world) -> None:
    retailer, _ = world.retailer()
    issued = world.issue(retailer)
    prepared(ready)
    ready.context.set_offline(True)
    tag = world.tag()
    note(ready, issued, tag)
    # Another place, whose network came back first.
    device = world.post(world.operator, f"/v1/locations/{world.locations['kiosk']}/devices", {"name": "Other"})
    with httpx.Client(base_url=world.base_url, trust_env=False) as other:
        token = other.post("/v1/devices/pair", json={"pairing_code": device["pairing_code"]}).json()["token"]
        other.headers["Authorization"] = f"Bearer {token}"
        said = {
            "pass": issued["pass"]["code"],
            "parcels": [{"tag": world.tag()}],
            "everything": True,
            "scanned_at": "2024-11-27T10:00:00Z",  # a clock that is two years behind
        }
        assert world.post(other, "/v1/counter/hand-ins", said)["verdict"] == "accepted"
        online(ready)
        expect(unsent(ready)).to_contain_text(f"{tag}: it was handed in at another place before.")
        ready.goto("/till")
        expect(ready.get_by_text("were presented at this one, too").first).to_be_visible()
        told = other.get("/v1/counter/state").json()["problems"]
        assert any("presented at another place, too" in one["detail"] for one in told)
    assert len(handed_in(retailer, issued)) == 1
    assert {unit["resolution"] for unit in retailer.get(f"/v1/returns/{issued['id']}").json()["units"]} == {"due"}


def test_the_till_can_be_installed(desk: Page, world) -> None:
    link = desk.locator('link[rel="manifest"]').get_attribute("href")
    told = desk.request.get(str(link))
    assert told.headers["content-type"] == "application/manifest+json"
    manifest = told.json()
    assert (manifest["start_url"], manifest["scope"], manifest["display"]) == ("/till", "/till", "standalone")
    for one in manifest["icons"]:
        png = desk.request.get(one["src"]).body()
        assert png[:4] == b"\x89PNG"
        assert f"{int.from_bytes(png[16:20])}x{int.from_bytes(png[20:24])}" == one["sizes"]
    held = desk.evaluate(
        """async () => {
          await navigator.serviceWorker.ready;
          const names = await caches.keys();
          const requests = await (await caches.open(names[0])).keys();
          return requests.map(one => new URL(one.url).pathname);
        }"""
    )
    assert sorted(path for path in held if not path.startswith("/assets/")) == ["/till/shell"], "no page behind a login"
    with httpx.Client(base_url=world.base_url, trust_env=False) as stranger:
        assert "Späti" not in stranger.get("/till/shell").text
        assert stranger.get("/till/passes.bin").status_code == 401
        assert stranger.get("/till/session.json").status_code == 401
