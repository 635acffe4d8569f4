"""Payments over HTTP: refunds, exchanges, credits."""

from typing import Any

import pytest
from tests.api.retailer_world import issued, open_retailer, pointer, problem
from tests.service import Client, Service


@pytest.fixture
def retailer(service: Service) -> Client:
    return open_retailer(service)


def refund_of(made: Any, amount: int, reference: str = "RF-1", **changes: Any) -> dict[str, Any]:
    units = [unit["id"] for unit in made["units"]]
    return {"units": units, "amount": amount, "currency": "EUR", "reference": reference, **changes}


def test_a_refund_settles_its_units(retailer: Client) -> None:
    made = issued(retailer, {"sku": "JACKET", "quantity": 2})
    paid = retailer.post(f"/v1/returns/{made['id']}/refunds", refund_of(made, 17800))
    assert (paid["return"], paid["reference"], paid["amount"]) == (made["id"], "RF-1", 17800)
    assert [(unit["amount"], unit["status"]) for unit in paid["units"]] == [(8900, "refunded")] * 2
    now = retailer.get(f"/v1/returns/{made['id']}")
    assert (now["status"], {unit["status"] for unit in now["units"]}) == ("resolved", {"refunded"})
    assert (now["money"]["amount"], now["money"]["paid"]) == (0, 17800)


def test_a_refund_needs_a_key_and_is_unique_by_key_and_by_reference(retailer: Client) -> None:
    made = issued(retailer, {"sku": "JACKET", "quantity": 2})
    path = f"/v1/returns/{made['id']}/refunds"
    problem(retailer.call("POST", path, refund_of(made, 5000), key=None), 400, "idempotency-key-missing")
    first = retailer.call("POST", path, refund_of(made, 5000), key="pay-once")
    by_key = retailer.call("POST", path, refund_of(made, 5000), key="pay-once")
    assert by_key.headers["idempotency-replayed"] == "true"
    by_reference = retailer.call("POST", path, refund_of(made, 5000), key="another-key")
    assert first.status_code == by_key.status_code == by_reference.status_code == 201
    assert first.json() == by_key.json() == by_reference.json()
    problem(retailer.call("POST", path, refund_of(made, 5001)), 409, "refund-reference-reused")
    equal = retailer.post(path, refund_of(made, 5000, "RF-2"))
    assert equal["money"]["paid"] == 10000
    exceeding = problem(retailer.call("POST", path, refund_of(made, 7801, "RF-3")), 409, "refund-exceeds-price")
    assert exceeding["data"] == {"refundable": 7800, "currency": "EUR"}


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"amount": 0}, "/amount"),
        ({"amount": -5}, "/amount"),
        ({"amount": 10**13}, "/amount"),
        ({"amount": 12.5}, "/amount"),
        ({"currency": "SEK"}, "/currency"),
        ({"reference": ""}, "/reference"),
        ({"reference": "a\0"}, "/reference"),
        ({"units": []}, "/units"),
        ({"units": ["unt_nonsense"]}, "/units/0"),
        ({"units": ["unt_01JD0000000000000000000000"]}, "/units/0"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_paid(retailer: Client, changes: dict[str, Any], where: str) -> None:
    made = issued(retailer)
    response = retailer.call("POST", f"/v1/returns/{made['id']}/refunds", {**refund_of(made, 1290), **changes})
    assert pointer(response) == where
    assert retailer.get(f"/v1/returns/{made['id']}")["money"]["paid"] == 0


def test_a_final_refund_below_the_price_settles(retailer: Client) -> None:
    made = issued(retailer)
    paid = retailer.post(f"/v1/returns/{made['id']}/refunds", refund_of(made, 1000, final=True))
    assert (paid["units"][0]["status"], paid["money"]["amount"], paid["money"]["paid"]) == ("refunded", 0, 1000)


def test_exchanges_and_credits_settle_too(retailer: Client) -> None:
    made = issued(retailer, {"sku": "JACKET", "resolution": "exchange"}, {"sku": "SOCKS", "resolution": "store_credit"})
    jacket, socks = (unit["id"] for unit in made["units"])
    path = f"/v1/returns/{made['id']}"
    sent = retailer.post(f"{path}/exchanges", {"units": [jacket], "order_reference": "SO-2"})
    assert [unit["status"] for unit in sent["units"]] == ["exchanged"]
    given = retailer.post(f"{path}/credits", {"units": [socks], "amount": 1500, "code": "GC-77"})
    assert [unit["status"] for unit in given["units"]] == ["credited"]
    assert given["money"]["amount"] == 0
    refusal = retailer.call("POST", f"{path}/refunds", refund_of(made, 100))
    assert problem(refusal, 409, "refund-not-due")["data"]["units"] == {jacket: "exchanged", socks: "credited"}
    assert retailer.get(path)["status"] == "resolved"


def test_a_cancelled_return_takes_no_refund(retailer: Client) -> None:
    made = issued(retailer)
    retailer.post(f"/v1/returns/{made['id']}/cancel", status=200)
    problem(retailer.call("POST", f"/v1/returns/{made['id']}/refunds", refund_of(made, 1290)), 409, "refund-not-due")
