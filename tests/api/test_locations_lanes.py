"""Lanes: added with everything checked, listed, removed; hubs come in by file and serve as destinations."""

import json
import secrets
from typing import Any

import pytest
from tests.service import Service


@pytest.fixture
def places(service: Service) -> dict[str, str]:
    source = f"lanes-{secrets.token_hex(4)}"
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [10.0, 59.0]},
            "properties": {"id": kind, "name": kind, "kind": kind, "country": "NO"},
        }
        for kind in ("store", "hub")
    ]
    service.operator.call(
        "POST",
        "/v1/location-imports",
        params={"source": source},
        headers={"Content-Type": "application/geo+json"},
        content=json.dumps({"type": "FeatureCollection", "features": features}),
    )
    return {item["kind"]: item["id"] for item in service.operator.get("/v1/locations", source=source)["items"]}


def lane(places: dict[str, str], **changes: Any) -> dict[str, Any]:
    return {
        "origin": {"location": places["store"]},
        "destination": {"hub": places["hub"]},
        "carrier": "courier",
        "service": "standard",
        "days": "Mo-Fr,Su",
        "cutoff": "17:00",
    } | changes


def test_a_lane_is_added_listed_and_removed(service: Service, places: dict[str, str]) -> None:
    price = {"currency": "NOK", "per_parcel": 1200, "minimum": 5000}
    made = service.operator.post("/v1/lanes", lane(places, max_weight_g=20_000, price=price, transit_days=1))
    assert made["origin"] == {"location": places["store"]}
    assert made["destination"] == {"hub": places["hub"]}
    assert made["price"] == price
    assert made["id"] in [item["id"] for item in service.operator.get("/v1/lanes", limit=200)["items"]]
    for _ in range(2):
        assert service.operator.call("DELETE", f"/v1/lanes/{made['id']}").status_code == 200
    assert made["id"] not in [item["id"] for item in service.operator.get("/v1/lanes", limit=200)["items"]]
    assert service.operator.call("DELETE", "/v1/lanes/lan_nothing").status_code == 404


def test_a_lane_from_anywhere(service: Service, places: dict[str, str]) -> None:
    assert service.operator.post("/v1/lanes", lane(places, origin={"any": True}))["origin"] == {"any": True}


NOWHERE = "loc_00000000000000000000000000"


@pytest.mark.parametrize(
    ("changes", "status", "code", "pointer"),
    [
        ({"origin": {}}, 422, "invalid-request", "/origin"),
        ({"origin": {"location": NOWHERE, "any": True}}, 422, "invalid-request", "/origin"),
        ({"origin": {"location": NOWHERE}}, 404, "location-unknown", "/origin/location"),
        ({"origin": {"place": "x"}}, 422, "invalid-request", "/origin"),
        ({"destination": {}}, 422, "invalid-request", "/destination"),
        ({"destination": {"hub": NOWHERE}}, 404, "location-unknown", "/destination/hub"),
        (
            {"destination": {"retailer": "rtl_00000000000000000000000000"}},
            422,
            "invalid-request",
            "/destination/retailer",
        ),
        ({"carrier": "pigeon"}, 422, "carrier-unknown", "/carrier"),
        ({"service": "by-night"}, 422, "carrier-unknown", "/service"),
        ({"days": "Monday"}, 422, "invalid-request", "/days"),
        ({"cutoff": "25:00"}, 422, "invalid-request", "/cutoff"),
        ({"max_weight_g": 0}, 422, "invalid-request", "/max_weight_g"),
        ({"price": {"currency": "XXX"}}, 422, "invalid-request", "/price/currency"),
        ({"price": {"currency": "NOK", "per_kg": -1}}, 422, "invalid-request", "/price/per_kg"),
        ({"transit_days": 10**30}, 422, "invalid-request", "/transit_days"),
    ],
)
def test_a_bad_lane_is_told_by_its_field_and_not_written(
    service: Service, places: dict[str, str], changes: dict[str, Any], status: int, code: str, pointer: str
) -> None:
    before = len(service.operator.get("/v1/lanes", limit=200)["items"])
    response = service.operator.call("POST", "/v1/lanes", lane(places, **changes))
    assert response.status_code == status, response.text
    assert response.json()["type"].endswith(f"/problems/{code}")
    assert response.json()["errors"][0]["pointer"] == pointer
    assert len(service.operator.get("/v1/lanes", limit=200)["items"]) == before


def test_a_store_is_no_hub_and_a_hub_not_its_own_next_stop(service: Service, places: dict[str, str]) -> None:
    for changes in ({"destination": {"hub": places["store"]}}, {"origin": {"location": places["hub"]}}):
        response = service.operator.call("POST", "/v1/lanes", lane(places, **changes))
        assert response.json()["errors"][0]["pointer"] == "/destination/hub"


def test_lanes_are_the_operators(service: Service, places: dict[str, str]) -> None:
    assert service.public.call("GET", "/v1/lanes").status_code == 401
    assert service.public.call("POST", "/v1/lanes", lane(places)).status_code == 401
