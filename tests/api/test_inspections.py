"""Inspections over HTTP."""

from typing import Any

import pytest
from tests import world
from tests.api.test_receipts import Trip, refused
from tests.service import Service


@pytest.fixture
def trip(service: Service) -> Trip:
    made = Trip(service, "inspection")
    made.client.post("/v1/receipts", {"sscc": made.bag.sscc, "parcels": [made.tag], "complete": True}, 200)
    return made


def wish(trip: Trip, **differs: Any) -> dict[str, Any]:
    return {"unit": trip.made.units[0].id, "condition": "as_new", "disposition": "restock"} | differs


def test_the_unit_is_answered_and_its_money_is_due(trip: Trip) -> None:
    unit = trip.client.post("/v1/inspections", wish(trip, reduction=900), 200)
    assert (unit["id"], unit["status"], unit["disposition"]) == (trip.made.units[0].id, "inspected", "restock")
    assert trip.client.post("/v1/inspections", wish(trip, reduction=900), 200) == unit
    assert trip.client.get(f"/v1/returns/{trip.made.id}")["money"]["amount"] == 8000
    response = trip.client.call("POST", "/v1/inspections", wish(trip))
    refused(response, 409, "unit-already-inspected")


@pytest.mark.parametrize(
    ("differs", "pointer"),
    [
        ({"unit": "unt_1"}, "/unit"),
        ({"condition": "shiny"}, "/condition"),
        ({"disposition": "keep"}, "/disposition"),
        ({"reduction": -1}, "/reduction"),
        ({"reduction": 8901}, "/reduction"),
        ({"reduction": 10**30}, "/reduction"),
        ({"reduction": 1.5}, "/reduction"),
        ({"note": "x" * 2001}, "/note"),
        ({"note": "\0"}, "/note"),
    ],
)
def test_the_wrong_shape_names_its_field(trip: Trip, differs: dict[str, Any], pointer: str) -> None:
    document = refused(trip.client.call("POST", "/v1/inspections", wish(trip, **differs)), 422, "invalid-request")
    assert [error["pointer"] for error in document["errors"]] == [pointer]


def test_units_of_others_and_units_on_their_way_are_refused(service: Service, trip: Trip) -> None:
    stranger = service.client(world.make_retailer(trip.db).api_key)
    refused(stranger.call("POST", "/v1/inspections", wish(trip)), 404, "not-found")
    waiting = world.make_return(trip.db, trip.retailer)
    response = trip.client.call("POST", "/v1/inspections", wish(trip, unit=waiting.units[0].id))
    refused(response, 409, "unit-not-received")
