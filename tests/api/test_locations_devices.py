"""Tills are paired once, by code or by link, and end when they are revoked."""

import json
import secrets
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import sqlalchemy as sa
from tests.service import Service

from dropoff.network.tables import device


@pytest.fixture
def store(service: Service) -> str:
    source = f"tills-{secrets.token_hex(4)}"
    feature = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [10.0, 59.0]},
        "properties": {"id": "1", "name": "Kiosk", "kind": "store", "country": "NO", "city": "Horten"},
    }
    service.operator.call(
        "POST",
        "/v1/location-imports",
        params={"source": source},
        headers={"Content-Type": "application/geo+json"},
        content=json.dumps({"type": "FeatureCollection", "features": [feature]}),
    )
    ident: str = service.operator.get("/v1/locations", source=source)["items"][0]["id"]
    return ident


def pair(service: Service, code: str) -> httpx.Response:
    return service.public.call("POST", "/v1/devices/pair", {"pairing_code": code})


def test_a_code_pairs_once_and_then_is_gone(service: Service, store: str) -> None:
    made = service.operator.post(f"/v1/locations/{store}/devices", {"name": "Till 1"})
    assert made["pairing_url"] == f"{service.base_url}/pair/{made['pairing_code']}"
    first = pair(service, made["pairing_code"].lower().replace("-", " "))
    assert first.status_code == 200, first.text
    paired = first.json()
    assert (paired["device"], paired["location"], paired["live"]) == (made["id"], store, True)
    second = pair(service, made["pairing_code"])
    assert second.status_code == 410
    assert second.json()["type"].endswith("/problems/pairing-code-used")
    assert pair(service, "0000-0000-0000-0000").status_code == 404


def test_of_64_who_send_one_code_one_gets_the_token(service: Service, store: str) -> None:
    code = service.operator.post(f"/v1/locations/{store}/devices", {"name": "Till"})["pairing_code"]
    with ThreadPoolExecutor(16) as threads:
        statuses = [answer.status_code for answer in threads.map(lambda _: pair(service, code), range(64))]
    assert sorted(statuses) == [200] + [410] * 63


def test_a_pairing_code_is_kept_only_as_a_hash_and_ends(service: Service, store: str) -> None:
    made = service.operator.post(f"/v1/locations/{store}/devices", {"name": "Till"})
    db = service.context.db
    row = db.read_sync(lambda tx: tx.first(sa.select(device).where(device.c.id == made["id"])))
    assert row is not None
    assert made["pairing_code"] not in str(row)
    ended = sa.update(device).where(device.c.id == made["id"]).values(pairing_expires_at=row.created_at)
    db.write_sync(lambda tx: tx.change(ended))
    assert pair(service, made["pairing_code"]).status_code == 410


def test_a_revoked_till_is_out(service: Service, store: str) -> None:
    made = service.operator.post(f"/v1/locations/{store}/devices", {"name": "Till"})
    till = service.client(pair(service, made["pairing_code"]).json()["token"])
    assert till.call("GET", "/v1/lanes").status_code == 403
    revoked = service.operator.call("DELETE", f"/v1/devices/{made['id']}")
    assert revoked.json()["revoked_at"]
    assert till.call("GET", "/v1/lanes").status_code == 401
    assert service.operator.call("DELETE", f"/v1/devices/{made['id']}").status_code == 200
    assert service.operator.call("DELETE", "/v1/devices/dev_nothing").status_code == 404


def test_a_code_of_a_revoked_till_pairs_nothing(service: Service, store: str) -> None:
    made = service.operator.post(f"/v1/locations/{store}/devices", {"name": "Till"})
    service.operator.call("DELETE", f"/v1/devices/{made['id']}")
    assert pair(service, made["pairing_code"]).status_code == 410


def test_tills_are_listed_without_their_secrets(service: Service, store: str) -> None:
    made = service.operator.post(f"/v1/locations/{store}/devices", {"name": "Till", "live": False})
    listed = service.operator.get(f"/v1/locations/{store}/devices")["items"]
    assert [(item["id"], item["live"], item["paired_at"]) for item in listed] == [(made["id"], False, None)]
    assert made["pairing_code"] not in json.dumps(listed)
    assert service.operator.call("GET", "/v1/locations/loc_nothing/devices").status_code == 404
    assert service.operator.call("POST", "/v1/locations/loc_nothing/devices", {"name": "x"}).status_code == 404


def test_the_pairing_link_asks_first_and_then_makes_the_browser_the_till(service: Service, store: str) -> None:
    made = service.operator.post(f"/v1/locations/{store}/devices", {"name": "Till 7"})
    with httpx.Client(base_url=service.base_url, trust_env=False) as browser:
        for _ in range(2):  # a link preview opens it as well, and uses nothing up
            asked = browser.get(f"/pair/{made['pairing_code']}")
            assert asked.status_code == 200
            assert "Till 7" in asked.text
            assert "Horten" in asked.text
        foreign = browser.post(f"/pair/{made['pairing_code']}", headers={"Sec-Fetch-Site": "cross-site"})
        assert foreign.status_code == 403
        done = browser.post(f"/pair/{made['pairing_code']}")
        assert (done.status_code, done.headers["location"]) == (303, "/till")
        assert "HttpOnly" in done.headers["set-cookie"]
        assert "SameSite=Strict" in done.headers["set-cookie"]
        assert browser.get("/v1/lanes").status_code == 403
        assert browser.get(f"/pair/{made['pairing_code']}").status_code == 410
    assert pair(service, made["pairing_code"]).status_code == 410


def test_a_wrong_link_says_so(service: Service) -> None:
    with httpx.Client(base_url=service.base_url, trust_env=False) as browser:
        assert browser.get("/pair/0000-0000-0000-0000").status_code == 404
        assert browser.post("/pair/0000-0000-0000-0000").status_code == 404


def test_a_till_that_is_too_old_is_told_so_and_its_code_stays_good(service: Service) -> None:
    place = service.operator.post(
        "/v1/locations",
        {"name": "K", "kind": "store", "address": {"country": "DE"}, "position": {"lat": 51.4, "lon": 9.4}},
    )
    made = service.operator.post(f"/v1/locations/{place['id']}/devices", {"name": "Till"})
    asked = {"pairing_code": made["pairing_code"]}
    old = service.public.call("POST", "/v1/devices/pair", {**asked, "protocol": 0})
    assert (old.status_code, old.json()["type"].rpartition("/")[2]) == (426, "till-too-old")
    paired = service.public.call("POST", "/v1/devices/pair", {**asked, "protocol": 1}).json()
    assert (paired["protocol"], paired["protocol_oldest"]) == (1, 1)
    till = service.client(paired["token"])
    refused = till.call("GET", "/v1/counter/state", headers={"X-Till-Protocol": "0"})
    assert (refused.status_code, refused.json()["data"]["oldest"]) == (426, 1)
    for spoken in ("1", "2", "nonsense", ""):
        assert till.call("GET", "/v1/counter/state", headers={"X-Till-Protocol": spoken}).status_code == 200
