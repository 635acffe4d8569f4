"""The finder's addresses: pins for the map, whose pictures the page may load, who may keep an answer."""

import json
import re
import threading
from pathlib import Path

import pytest
from tests.service import Service, running

from dropoff.kernel.clock import now
from dropoff.network import loads
from dropoff.settings import Misconfigured, load

TILES = "https://{s}.tiles.example.org/{z}/{x}/{y}.png © The mapmakers"


def places(service: Service, *positions: tuple[float, float], **changes: str) -> None:
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [lon, lat]},
            "properties": {"id": f"{lat},{lon}", "name": f"Kiosk {lat}", "kind": "store", "country": "GL", **changes},
        }
        for lat, lon in positions
    ]
    body = json.dumps({"type": "FeatureCollection", "features": features}).encode()
    source = f"find{abs(hash(positions))}"
    answer = service.operator.call(
        "POST",
        f"/v1/location-imports?source={source}",
        key=None,
        content=body,
        headers={"Content-Type": "application/geo+json"},
    )
    assert answer.status_code == 200
    for _ in range(1200):
        if service.public.get("/v1/locations", near=f"{positions[0][0]},{positions[0][1]}", radius_m=5)["items"]:
            return
        threading.Event().wait(0.05)
    raise AssertionError("the import never reached the search")


def pins(service: Service, **asked: object):
    return service.public.call("GET", "/find/pins", params=asked)


def test_pins_are_the_places_in_view(service: Service) -> None:
    places(service, (70.1, -50.1), (70.2, -50.2), opening_hours="24/7")
    found = pins(service, near="70.1,-50.1", radius=1000)
    (pin,) = found.json()["pins"]
    assert found.json()["all"] is True
    assert (pin["name"], pin["opening"], pin["tone"]) == ("Kiosk 70.1", "Open day and night", "good")
    assert len(pins(service, near="70.15,-50.15", radius=20_000).json()["pins"]) == 2
    assert pins(service, near="70.1,-50.1", radius=1000, kind="locker").json()["pins"] == []


@pytest.mark.parametrize("asked", [{}, {"near": "1,1"}, {"near": "x", "radius": "5"}, {"near": "1,1", "radius": "-1"}])
def test_an_odd_question_gets_no_pins(service: Service, asked: dict[str, str]) -> None:
    answer = pins(service, **asked)
    assert (answer.status_code, answer.json()["pins"]) == (422, [])


def test_more_places_than_the_map_takes_are_the_nearest_ones(service: Service) -> None:
    places(service, *[(75 + number / 1000, -55.0) for number in range(201)])
    found = pins(service, near="75,-55", radius=100_000).json()
    assert (len(found["pins"]), found["all"]) == (200, False)
    assert "Kiosk 75.2" not in {pin["name"] for pin in found["pins"]}


def test_show_more_leads_on_and_ends(service: Service) -> None:
    places(service, *[(77 + number / 1000, -60.0) for number in range(21)])
    first = service.public.call("GET", "/find", params={"near": "77,-60"}).text
    assert first.count('class="place"') == 20
    (more,) = re.findall(r'href="(/find[^"]*page=2#p21)"', first)
    second = service.public.call("GET", more.replace("&amp;", "&").split("#")[0]).text
    assert 'id="p21"' in second


def test_a_full_place_is_shown_as_such_unless_nobody_wants_to_see_it(service: Service) -> None:
    places(service, (72.0, -52.0), (72.01, -52.0), opening_hours="24/7")
    items = service.public.get("/v1/locations", near="72,-52", radius_m=5000)["items"]
    assert [item["evidence"]["free"] for item in items] == [None, None]
    service.operator.post(f"/v1/locations/{items[0]['id']}/stock", {"capacity": 0, "printer": "broken"}, 200)
    for _ in range(100):
        if service.public.get("/v1/locations", near="72,-52", limit=1)["items"][0]["evidence"]["free"] == "full":
            break
        threading.Event().wait(0.05)
    page = service.public.call("GET", "/find", params={"near": "72,-52"}).text
    assert page.count('class="place"') == 2
    assert re.search(r"chip--bad[^>]*>Full, as of today \d\d:\d0<", page)
    assert "Not full" in page
    assert service.public.call("GET", "/find", params={"near": "72,-52", "room": "1"}).text.count('class="place"') == 1
    assert len(service.public.get("/v1/locations", near="72,-52", radius_m=5000, has_room="true")["items"]) == 1
    one = service.public.call("GET", f"/points/{items[0]['id']}").text
    assert "Cannot print labels at the moment" in one
    assert "As of today" in one
    assert "Lately" not in service.public.call("GET", f"/points/{items[1]['id']}").text


def test_places_in_use_come_first_by_a_plain_link(service: Service) -> None:
    places(service, (74.0, -52.0), (74.001, -52.0), opening_hours="24/7")
    near, far = service.public.get("/v1/locations", near="74,-52", radius_m=5000)["items"]
    assert "Lately used first" not in service.public.call("GET", "/find", params={"near": "74,-52"}).text
    at = now()
    service.context.db.write_sync(lambda tx: loads.count(tx, far["id"], True, 1, at, hand_in_at=at))
    for _ in range(100):
        page = service.public.call("GET", "/find", params={"near": "74,-52"}).text
        if "Lately used first" in page:
            break
        threading.Event().wait(0.05)
    (link,) = re.findall(r'href="(/find[^"]*prefer=proven)"', page)
    assert page.index(near["id"]) < page.index(far["id"])
    turned = service.public.call("GET", link.replace("&amp;", "&")).text
    assert turned.index(far["id"]) < turned.index(near["id"])
    assert "go before others up to 300 m nearer" in turned
    assert "the farthest 110 m away" in turned


def test_a_guess_is_told_as_one(service: Service) -> None:
    places(service, (78.2, 15.6), country="SJ", city="Longyearbyen")
    for _ in range(100):
        page = service.public.call("GET", "/find", params={"q": "Lingyearbyen"}).text
        if "Places near Longyearbyen" in page:
            break
        threading.Event().wait(0.05)
    assert "Nothing is called “Lingyearbyen”. Did you mean this one?" in page
    assert "Did you mean" not in service.public.call("GET", "/find", params={"q": "Longyearbyen"}).text


def test_a_place_is_kept_for_a_minute_and_where_somebody_stands_is_kept_nowhere(service: Service) -> None:
    assert service.public.call("GET", "/find").headers["cache-control"] == "public, max-age=60"
    somewhere = service.public.call("GET", "/find", params={"near": "70,-50"})
    assert somewhere.headers["cache-control"] == "no-store"
    assert somewhere.headers["x-robots-tag"] == "noindex"


def test_nothing_is_shown_from_elsewhere_unless_the_operator_says_so(service: Service) -> None:
    for path in ("/", "/find"):
        assert "img-src 'self' data:;" in service.public.call("GET", path).headers["content-security-policy"]
    assert "data-outline=" in service.public.call("GET", "/find").text


def test_the_tiles_host_is_allowed_on_the_finder_alone(sqlite_template: Path, tmp_path: Path) -> None:
    path = tmp_path / "dropoff.sqlite3"
    path.write_bytes(sqlite_template.read_bytes())
    with running(f"sqlite:///{path}", tmp_path, DROPOFF_MAP_TILES=TILES) as service:
        found = service.public.call("GET", "/find")
        home = service.public.call("GET", "/")
    hosts = " ".join(f"https://{letter}.tiles.example.org" for letter in "abc")
    assert f"img-src 'self' data: {hosts};" in found.headers["content-security-policy"]
    assert "example.org" not in home.headers["content-security-policy"]
    assert "https://{s}.tiles.example.org/{z}/{x}/{y}.png" in found.text
    assert "© The mapmakers" in found.text
    assert "data-outline" not in found.text


@pytest.mark.parametrize(
    "wrong",
    ["tiles.example.org/{z}/{x}/{y}.png", "https://a.example/{z}/{x}.png", "https://a'; script-src *;/{z}/{x}/{y}"],
)
def test_tiles_that_cannot_be_are_refused_at_start(wrong: str, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="DROPOFF_MAP_TILES"):
        load({"DROPOFF_DATA": str(tmp_path), "DROPOFF_MAP_TILES": wrong})
