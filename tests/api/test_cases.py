"""Cases over HTTP: the operator sees all, a retailer its own; each is resolved once."""

import time
from typing import Any

import pytest
from tests import world
from tests.api.test_receipts import Trip, refused, till_client
from tests.service import Service

from dropoff.cases import service as cases


@pytest.fixture
def trip(service: Service) -> Trip:
    return Trip(service)


def missing_and_unexpected(trip: Trip) -> list[str]:
    sent = {"sscc": trip.bag.sscc, "parcels": ["STRANGER8"], "complete": True}
    found: list[str] = trip.client.post("/v1/receipts", sent, 200)["cases"]
    return found


def test_lists_by_state_and_kind(service: Service, trip: Trip) -> None:
    missing, unexpected = missing_and_unexpected(trip)

    def ids(client: Any, **query: Any) -> list[str]:
        return [item["id"] for item in client.get("/v1/cases", **query)["items"]]

    assert ids(trip.client) == [unexpected, missing]
    assert ids(trip.client, kind="missing") == [missing]
    assert ids(trip.client, limit=1, after=unexpected) == [missing]
    assert set(ids(service.operator, state="open", limit=200)) >= {missing, unexpected}
    assert ids(service.client(world.make_retailer(trip.db).api_key)) == []
    service.operator.post(f"/v1/cases/{missing}/resolve", {"outcome": "explained"}, 200)
    assert ids(trip.client, state="open") == [unexpected]
    assert ids(trip.client, state="resolved") == [missing]


@pytest.mark.parametrize("query", [{"state": "new"}, {"kind": "odd"}, {"limit": "0"}, {"limit": "201"}])
def test_a_wrong_query_names_its_parameter(service: Service, query: dict[str, str]) -> None:
    document = refused(service.operator.call("GET", "/v1/cases", params=query), 422, "invalid-request")
    assert [error["pointer"] for error in document["errors"]] == [f"?{next(iter(query))}"]


def test_resolved_once_by_who_may(service: Service, trip: Trip) -> None:
    missing, unexpected = missing_and_unexpected(trip)
    stranger = service.client(world.make_retailer(trip.db).api_key)
    path = f"/v1/cases/{missing}/resolve"
    refused(stranger.call("POST", path, {"outcome": "found"}), 404, "not-found")
    refused(stranger.call("GET", f"/v1/cases/{missing}"), 404, "not-found")
    refused(trip.client.call("POST", path, {"outcome": "found"}), 403, "forbidden")
    refused(till_client(service, trip.shop).call("POST", path, {"outcome": "found"}), 403, "forbidden")
    refused(service.operator.call("POST", path, {"outcome": "eaten"}), 422, "invalid-request")
    numbered = service.operator.call("POST", path, {"outcome": "found", "tracking_number": "ACME-1"})
    refused(numbered, 422, "invalid-request")
    done = service.operator.post(path, {"outcome": "written_off", "note": "Paid for."}, 200)
    assert (done["state"], done["outcome"], done["note"]) == ("resolved", "written_off", "Paid for.")
    assert service.operator.post(path, {"outcome": "written_off"}, 200) == done
    refused(service.operator.call("POST", path, {"outcome": "found"}), 409, "case-already-resolved")
    refused(service.operator.call("POST", "/v1/cases/cas_1/resolve", {"outcome": "found"}), 404, "not-found")
    mine = trip.client.post(f"/v1/cases/{unexpected}/resolve", {"outcome": "explained"}, 200)
    assert mine["outcome"] == "explained"


def test_a_booking_in_doubt_is_resolved_with_its_number(service: Service, trip: Trip) -> None:
    about = ("booking_unknown", trip.bag.sscc, {"shipment": "shp_1"}, "Nobody knows.", None, trip.shop.id)
    case_id = trip.db.write_sync(cases.open_case, *about, True, world.NOW, "system")
    path = f"/v1/cases/{case_id}/resolve"
    document = refused(service.operator.call("POST", path, {"outcome": "found"}), 422, "invalid-request")
    assert [error["pointer"] for error in document["errors"]] == ["/tracking_number"]
    done = service.operator.post(path, {"outcome": "found", "tracking_number": "ACME-1"}, 200)
    assert done["objects"] == {"shipment": "shp_1", "tracking_number": "ACME-1"}


def test_lost_reaches_the_units_through_the_log(service: Service, trip: Trip) -> None:
    missing, _ = missing_and_unexpected(trip)
    service.operator.post(f"/v1/cases/{missing}/resolve", {"outcome": "lost"}, 200)
    deadline = time.monotonic() + 60
    custody = set()
    while custody != {"lost"} and time.monotonic() < deadline:
        custody = {unit["custody"] for unit in trip.client.get(f"/v1/returns/{trip.made.id}")["units"]}
    assert custody == {"lost"}
    assert trip.client.get(f"/v1/returns/{trip.made.id}")["money"]["amount"] == 17800
