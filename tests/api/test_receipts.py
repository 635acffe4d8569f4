"""Receipts, hub intakes and the till's state over HTTP: shapes, tenants, keys, replays."""

from typing import Any

import httpx
import pytest
from tests import world
from tests.service import Client, Service

from dropoff.network.store import Location
from dropoff.retailers.service import NewRetailerView


class Trip:
    """A bag of one retailer on its way, in a running service."""

    def __init__(self, service: Service, refund_at: str = "receipt") -> None:
        self.db = service.context.db
        self.shop = world.make_location(self.db)
        self.till = world.make_device(self.db, self.shop)
        self.retailer: NewRetailerView = world.make_retailer(self.db, refund_at)
        self.client = service.client(self.retailer.api_key)
        self.made = world.make_return(self.db, self.retailer)
        self.bag, (self.tag,) = world.bag_on_its_way(self.db, self.till, [self.made])


@pytest.fixture
def trip(service: Service) -> Trip:
    return Trip(service)


def till_client(service: Service, place: Location) -> Client:
    code = service.operator.post(f"/v1/locations/{place.id}/devices", {"name": "Till"})["pairing_code"]
    paired = service.public.call("POST", "/v1/devices/pair", {"pairing_code": code}).json()
    return service.client(paired["token"])


def refused(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"].startswith("application/problem+json")
    document: dict[str, Any] = response.json()
    assert document["type"].endswith(f"/problems/{code}"), document
    return document


def test_a_receipt_with_a_difference(trip: Trip) -> None:
    sent = {"sscc": f"]C100{trip.bag.sscc}", "parcels": [trip.tag, "STRANGER9"], "complete": True}
    answer = trip.client.post("/v1/receipts", sent, 200)
    assert (answer["received"], answer["missing"], answer["unexpected"]) == ([trip.tag], [], ["STRANGER9"])
    (case,) = answer["cases"]
    assert trip.client.get(f"/v1/cases/{case}")["kind"] == "unexpected"
    assert trip.client.post("/v1/receipts", sent, 200) == answer, "a fresh key, the same content"
    money = trip.client.get(f"/v1/returns/{trip.made.id}")["money"]
    assert (money["amount"], money["held_by"]) == (17800, trip.retailer.name)
    assert money["due_by"]


def test_a_repeated_key_replays_the_answer(trip: Trip) -> None:
    sent = {"sscc": trip.bag.sscc, "parcels": [trip.tag], "complete": True}
    first = trip.client.call("POST", "/v1/receipts", sent, key="one")
    again = trip.client.call("POST", "/v1/receipts", sent, key="one")
    assert (again.json(), again.headers.get("idempotency-replayed")) == (first.json(), "true")
    other = trip.client.call("POST", "/v1/receipts", {**sent, "parcels": []}, key="one")
    refused(other, 422, "idempotency-key-reused")


def test_without_complete_nothing_is_declared_missing(trip: Trip) -> None:
    answer = trip.client.post("/v1/receipts", {"sscc": trip.bag.sscc, "parcels": []}, 200)
    assert (answer["missing"], answer["cases"]) == ([trip.tag], [])


def test_another_tenants_container_is_not_found(service: Service, trip: Trip) -> None:
    stranger = service.client(world.make_retailer(trip.db).api_key)
    refused(stranger.call("POST", "/v1/receipts", {"sscc": trip.bag.sscc, "parcels": [trip.tag]}), 404, "not-found")
    assert {unit.custody for unit in world.units_of(trip.db, trip.made)} == {"in_transit"}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"parcels": []}, "/sscc"),
        ({"sscc": "1"}, "/parcels"),
        ({"sscc": "1", "parcels": "TAG00001"}, "/parcels"),
        ({"sscc": "1", "parcels": [""]}, "/parcels/0"),
        ({"sscc": "1", "parcels": [" \t"]}, "/parcels/0"),
        ({"sscc": "1", "parcels": ["T" * 61]}, "/parcels/0"),
        ({"sscc": "1", "parcels": [f"TAG{n:05}" for n in range(1001)]}, "/parcels"),
        ({"sscc": "1", "parcels": ["TAG\u0000001"]}, "/parcels/0"),
        ({"sscc": "1", "parcels": [1]}, "/parcels/0"),
        ({"sscc": "1", "parcels": [], "complete": "yes"}, "/complete"),
        ({"sscc": "1" * 2001, "parcels": []}, "/sscc"),
    ],
)
def test_the_wrong_shape_names_its_field(trip: Trip, body: dict[str, Any], pointer: str) -> None:
    document = refused(trip.client.call("POST", "/v1/receipts", body), 422, "invalid-request")
    assert [error["pointer"] for error in document["errors"]] == [pointer]


def test_each_route_is_for_its_role(service: Service, trip: Trip) -> None:
    till = till_client(service, trip.shop)
    sent = {"sscc": trip.bag.sscc, "parcels": [trip.tag]}
    for client, status, code in (
        (service.public, 401, "unauthenticated"),
        (till, 403, "forbidden"),
        (service.operator, 403, "forbidden"),
    ):
        refused(client.call("POST", "/v1/receipts", sent), status, code)
        refused(client.call("POST", "/v1/inspections", {}), status, code)
    for path in ("/v1/counter/intakes", "/v1/counter/state"):
        method = "POST" if path.endswith("intakes") else "GET"
        refused(trip.client.call(method, path), 403, "forbidden")


def test_a_hub_takes_in_over_http(service: Service) -> None:
    db = service.context.db
    shop, hub = world.make_location(db), world.make_location(db, "hub")
    retailer = world.make_retailer(db, "receipt")
    world.make_lane(db, origin=shop, hub=hub)
    world.make_lane(db, origin=hub, retailer=retailer)
    made = world.make_return(db, retailer)
    bag, (tag,) = world.bag_on_its_way(db, world.make_device(db, shop), [made])
    scanner = till_client(service, hub)
    answer = scanner.post("/v1/counter/intakes", {"sscc": bag.sscc, "parcels": [tag], "complete": True}, 200)
    assert (answer["verdict"], answer["received"], answer["cases"]) == ("accepted", [tag], [])
    state = scanner.get("/v1/counter/state")
    assert [parcel["tag"] for parcel in state["waiting"]] == [tag]
    assert state["counts"] == {"open": 0, "sealed": 0, "waiting": 1, "pickups": 1, "problems": 0}
    shop_till = till_client(service, shop)
    no = shop_till.post("/v1/counter/intakes", {"sscc": bag.sscc, "parcels": [tag]}, 200)
    assert (no["verdict"], no["reason"]) == ("refused", "wrong_location")
    assert shop_till.get("/v1/counter/state")["waiting"] == []
