"""Places kept by hand over HTTP: added, edited, paused, closed, and what their hours come to. On both databases."""

import json
import secrets
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.api.test_counter_api import Shop
from tests.service import Service

HOURS = "Mo-Fr 09:00-18:00; PH off"


@pytest.fixture
def source() -> str:
    return f"hand-{secrets.token_hex(4)}"


def new(**changes: Any) -> dict[str, Any]:
    spot = {"lat": -70 - secrets.randbelow(10**6) / 10**6, "lon": secrets.randbelow(10**8) / 10**6}
    place = {"name": "Kiosk", "kind": "store", "address": {"country": "DE", "city": "Bremen"}, "position": spot}
    return place | {"opening_hours": HOURS} | changes


def bring(service: Service, source: str, *places: dict[str, Any], replace: bool = True) -> Any:
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [13.4, 52.5]},
            "properties": {"id": "1", "name": "Kiosk", "kind": "store", "country": "DE"} | place,
        }
        for place in places
    ]
    answer = service.operator.call(
        "POST",
        f"/v1/location-imports?source={source}&replace={str(replace).lower()}",
        content=json.dumps({"type": "FeatureCollection", "features": features}),
        headers={"Content-Type": "application/geo+json"},
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def change(service: Service, place: str, body: Any, status: int = 200) -> Any:
    answer = service.operator.call("PATCH", f"/v1/locations/{place}", body)
    assert answer.status_code == status, answer.text
    return answer.json()


def near(service: Service, place: dict[str, Any]) -> list[str]:
    spot = place["position"]
    found = service.public.get("/v1/locations", near=f"{spot['lat']},{spot['lon']}", radius_m=50)
    return [item["id"] for item in found["items"]]


def wait_until(service: Service, place: dict[str, Any], *, found: bool) -> None:
    deadline = time.monotonic() + 10
    while (place["id"] in near(service, place)) is not found:
        assert time.monotonic() < deadline, "no search learnt of it"
        time.sleep(0.02)


def hand_in(shop: Shop, asked: Any) -> Any:
    return shop.till.post("/v1/counter/hand-ins", asked, 200)


def test_full_and_silent_places_are_listed(service: Service, source: str) -> None:
    full, other = (service.operator.post("/v1/locations", new(source=source)) for _ in range(2))
    service.operator.post(f"/v1/locations/{full['id']}/stock", {"capacity": 0}, 200)

    def listed(**asked: Any) -> list[str]:
        return [item["id"] for item in service.operator.get("/v1/locations", source=source, **asked)["items"]]

    assert listed() == [full["id"], other["id"]]
    assert listed(full="true") == [full["id"]]
    assert listed(silent_days=1) == [], "both are new today"
    wrong = service.operator.call("GET", "/v1/locations?silent_days=0")
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "?silent_days")


def test_a_place_is_added_once_and_found(service: Service) -> None:
    sent = new(phone="+49 421", accepts=["box_free"], carriers=["DHL"], max_size_mm=[100, 300, 200])
    first = service.operator.call("POST", "/v1/locations", sent, key="one-place")
    again = service.operator.call("POST", "/v1/locations", sent, key="one-place")
    assert (first.status_code, again.status_code) == (201, 201), first.text
    assert again.headers["idempotency-replayed"] == "true"
    made = first.json()
    assert again.json() == made
    assert (made["source"], made["external_id"], made["state"]) == ("manual", made["id"], "active")
    assert (made["zone"], made["max_size_mm"], made["carriers"]) == (made["zone"], [300, 200, 100], ["dhl"])
    wait_until(service, made, found=True)
    assert service.operator.get(f"/v1/locations/{made['id']}") == made
    assert "overrides" not in service.public.get(f"/v1/locations/{made['id']}")


def test_the_same_id_of_a_source_is_one_place(service: Service, source: str) -> None:
    made = service.operator.post("/v1/locations", new(source=source, external_id="x1"))
    twice = service.operator.call("POST", "/v1/locations", new(source=source, external_id="x1"))
    assert twice.status_code == 409
    assert twice.json()["data"] == {"location": made["id"]}


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"name": "  "}, "/name"),
        ({"kind": "shop"}, "/kind"),
        ({"address": {"country": "DEU"}}, "/address/country"),
        ({"address": {"country": "DE", "street": "x" * 201}}, "/address/street"),
        ({"position": {"lat": 0, "lon": 0}}, "/position"),
        ({"position": {"lat": 95, "lon": 200}}, "/position"),
        ({"accepts": ["?"]}, "/accepts"),
        ({"max_weight_g": 0}, "/max_weight_g"),
        ({"photo_url": "http://x.example/a.png"}, "/photo_url"),
        ({"live": "perhaps"}, "/live"),
        ({"source": "with blanks"}, "/source"),
    ],
)
def test_what_an_import_would_lose_is_refused_with_its_field(service: Service, wrong: Any, pointer: str) -> None:
    answer = service.operator.call("POST", "/v1/locations", new(**wrong))
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_a_field_set_by_hand_outlives_syncs_until_it_is_given_back(service: Service, source: str) -> None:
    bring(service, source, {"opening_hours": "24/7", "phone": "1", "city": "Bremen"})
    place = service.operator.get("/v1/locations", source=source)["items"][0]["id"]
    edited = change(service, place, {"opening_hours": HOURS, "address": {"city": "Oldenburg"}})
    assert (edited["opening_hours"], edited["address"]["city"], edited["phone"]) == (HOURS, "Oldenburg", "1")
    assert {one["field"]: one["source_value"] for one in edited["overrides"]} == {
        "opening_hours": "24/7",
        "city": "Bremen",
    }
    assert change(service, place, {"opening_hours": HOURS}) == edited, "asked again, nothing changes"

    report = bring(service, source, {"opening_hours": "Mo-Su 07:00-23:00", "phone": "2", "city": "Bremen"})
    assert report["updated"] == 1
    synced = service.operator.get(f"/v1/locations/{place}")
    assert (synced["opening_hours"], synced["address"]["city"], synced["phone"]) == (HOURS, "Oldenburg", "2")
    said = {one["field"]: one["source_value"] for one in synced["overrides"]}
    assert said == {"opening_hours": "Mo-Su 07:00-23:00", "city": "Bremen"}
    assert bring(service, source, {"opening_hours": "Mo-Su 07:00-23:00", "phone": "2", "city": "Bremen"})["unchanged"]

    back = service.operator.call("DELETE", f"/v1/locations/{place}/overrides/opening_hours").json()
    assert (back["opening_hours"], [one["field"] for one in back["overrides"]]) == ("Mo-Su 07:00-23:00", ["city"])
    assert service.operator.call("DELETE", f"/v1/locations/{place}/overrides/opening_hours").json() == back
    # Saying what the source says gives a field back, too.
    assert change(service, place, {"address": {"city": "Bremen"}})["overrides"] == []
    assert service.operator.call("DELETE", f"/v1/locations/{place}/overrides/state").status_code == 404
    # A source that loses the place and has it again finds it as it was kept.
    change(service, place, {"phone": "3"})
    bring(service, source)
    assert service.operator.call("PATCH", f"/v1/locations/{place}", {"phone": "4"}).status_code == 409
    bring(service, source, {"phone": "5"})
    assert service.operator.get(f"/v1/locations/{place}")["phone"] == "3"


def test_null_empties_and_what_is_left_out_stays(service: Service) -> None:
    made = service.operator.post("/v1/locations", new(phone="1", url="https://x.example", step_free=True))
    edited = change(service, made["id"], {"phone": None, "step_free": None, "name": "Kiosk &amp; Co"})
    assert (edited["phone"], edited["step_free"], edited["name"]) == (None, None, "Kiosk & Co")
    assert (edited["url"], edited["opening_hours"], edited["overrides"]) == ("https://x.example", HOURS, [])
    refused = change(service, made["id"], {"address": {"country": "XX"}}, 422)
    assert refused["errors"][0]["pointer"] == "/address/country"
    assert change(service, "loc_nothing", {"name": "x"}, 404)
    moved = change(service, made["id"], {"position": {"lat": 40.71, "lon": -74.0}, "address": {"country": "US"}})
    assert moved["zone"] == "America/New_York"


def test_a_paused_place_is_nowhere_found_and_comes_back(service: Service) -> None:
    made = service.operator.post("/v1/locations", new())
    wait_until(service, made, found=True)
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    path = f"/v1/locations/{made['id']}"
    paused = service.operator.post(f"{path}/pause", {"until": until, "reason": "Water in the cellar"}, 200)
    assert (paused["state"], paused["pause"]["reason"]) == ("paused", "Water in the cellar")
    wait_until(service, made, found=False)
    assert service.operator.post(f"{path}/resume", None, 200)["pause"] is None
    wait_until(service, made, found=True)
    late = service.operator.call("POST", f"{path}/pause", {"until": "2020-01-01T00:00:00Z"})
    assert (late.status_code, late.json()["errors"][0]["pointer"]) == (422, "/until")


def test_a_closing_place_tells_what_must_be_fetched(service: Service) -> None:
    shop = Shop(service)
    asked = shop.ask(shop.give_back())
    assert hand_in(shop, asked)["verdict"] == "accepted"
    closed = service.operator.post(f"/v1/locations/{shop.location}/close", {"reason": "The shop moved"}, 200)
    assert (closed["state"], closed["left_here"]["parcels"]) == ("closed", 1)
    assert asked["parcels"][0]["tag"] in json.dumps(closed["left_here"])
    again = service.operator.post(f"/v1/locations/{shop.location}/close", None, 200)
    assert again == closed
    assert service.operator.call("POST", f"/v1/locations/{shop.location}/pause", {}).status_code == 409
    late = shop.ask(shop.give_back())
    assert hand_in(shop, late)["reason"] == "location_paused"
    assert service.operator.post(f"/v1/locations/{shop.location}/reopen", None, 200)["state"] == "active"
    assert hand_in(shop, late)["verdict"] == "accepted"


def test_a_till_pauses_its_own_place(service: Service) -> None:
    shop = Shop(service)
    paused = shop.till.post("/v1/counter/pause", {"reason": "full"}, 200)
    assert (paused["verdict"], paused["state"], paused["own"], paused["until"]) == ("accepted", "paused", True, None)
    assert shop.till.post("/v1/counter/pause", None, 200)["verdict"] == "already"
    assert hand_in(shop, shop.ask(shop.give_back()))["reason"] == "location_paused"
    kept = service.operator.get(f"/v1/locations/{shop.location}")
    assert (kept["state"], kept["pause"]["by"].split(":")[0]) == ("paused", "device")
    assert shop.till.post("/v1/counter/resume", None, 200)["verdict"] == "accepted"
    assert shop.till.post("/v1/counter/resume", None, 200)["verdict"] == "already"
    service.operator.post(f"/v1/locations/{shop.location}/pause", None, 200)
    refused = shop.till.post("/v1/counter/resume", None, 200)
    assert (refused["verdict"], refused["reason"], refused["own"]) == ("refused", "location_paused", False)


def test_closures_are_entered_listed_and_taken_back(service: Service) -> None:
    place = service.operator.post("/v1/locations", new())["id"]
    today = datetime.now(UTC).date()
    first, last = today + timedelta(days=1), today + timedelta(days=3)
    wanted = {"first_day": first.isoformat(), "last_day": last.isoformat(), "reason": "Summer"}
    path = f"/v1/locations/{place}/closures"
    made = service.operator.post(path, wanted)
    assert (made["location"], made["hours"], made["last_day"]) == (place, "off", last.isoformat())
    assert service.operator.get(path)["items"] == [made]
    wrong = service.operator.call("POST", path, wanted | {"hours": "Mo off"})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/hours")
    days = service.operator.get(f"/v1/locations/{place}/hours", **{"from": first.isoformat()}, days=4)["days"]
    assert [day["spans"] for day in days[:3]] == [[], [], []]
    assert [day["closure"] for day in days] == [made["id"]] * 3 + [None]
    assert service.operator.call("DELETE", f"/v1/closures/{made['id']}").json()["removed_at"]
    assert service.operator.get(path)["items"] == []


def test_hours_are_looked_at_before_they_are_saved(service: Service) -> None:
    spot = {"position": {"lat": 53.08, "lon": 8.8}}
    place = service.operator.post("/v1/locations", new(**spot))["id"]
    year = datetime.now(UTC).year
    path = f"/v1/locations/{place}/hours"
    holiday = service.operator.get(path, **{"from": f"{year}-12-25"}, days=1)["days"][0]
    assert (holiday["holiday"], holiday["spans"]) == (True, [])
    # The last Sunday of October: clocks are put back in the night that begins on Saturday.
    sunday = max(datetime(year, 10, day, tzinfo=UTC).date() for day in range(25, 32) if _is_sunday(year, day))
    saturday = (sunday - timedelta(days=1)).isoformat()
    asked = {"from": saturday, "days": 2, "opening_hours": "Sa-Su 20:00-02:00"}
    told = service.operator.get(path, **asked)
    assert told["known"]
    assert [(day["weekday"], day["clocks"], day["spans"]) for day in told["days"]] == [
        ("Sa", None, [{"opens": "20:00", "closes": "02:00"}]),
        ("Su", "back", [{"opens": "20:00", "closes": "02:00"}]),
    ]
    assert service.operator.get(path)["opening_hours"] == HOURS, "nothing was saved"
    unknown = service.operator.get(path, opening_hours="after lunch")
    assert (unknown["known"], unknown["days"][0]["spans"], len(unknown["days"])) == (False, None, 14)
    assert service.operator.get(path, opening_hours="24h")["days"][0]["spans"] == [
        {"opens": "00:00", "closes": "24:00"}
    ]
    assert service.operator.call("GET", path, params={"days": 63}).status_code == 422
    assert service.operator.call("GET", path, params={"from": "1999-01-01"}).status_code == 422


def _is_sunday(year: int, day: int) -> bool:
    return datetime(year, 10, day, tzinfo=UTC).weekday() == 6


def test_only_operators_keep_places(service: Service) -> None:
    shop = Shop(service)
    for client in (shop.till, shop.retailer):
        assert client.call("POST", "/v1/locations", new()).status_code == 403
        assert client.call("PATCH", f"/v1/locations/{shop.location}", {"name": "Mine"}).status_code == 403
        for verb in ("pause", "resume", "close", "reopen", "closures"):
            assert client.call("POST", f"/v1/locations/{shop.location}/{verb}", {}).status_code == 403
        assert client.call("GET", f"/v1/locations/{shop.location}/hours").status_code == 403
    assert shop.retailer.call("POST", "/v1/counter/pause", {}).status_code == 403
    assert service.operator.get(f"/v1/locations/{shop.location}")["state"] == "active"
