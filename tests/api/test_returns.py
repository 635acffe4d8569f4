"""Returns and passes over HTTP."""

import json
from typing import Any

import pytest
from tests.api.retailer_world import issued, new_order, new_retailer, new_return, open_retailer, pointer, problem
from tests.service import Client, Service

from dropoff.kernel import codes


@pytest.fixture
def retailer(service: Service) -> Client:
    return open_retailer(service)


def test_a_return_is_issued_with_its_pass(service: Service, retailer: Client) -> None:
    made = issued(retailer, {"sku": "JACKET", "quantity": 2, "reason": "too_small"}, {"sku": "SOCKS"})
    assert made["status"] == "issued"
    assert [(u["sku"], u["status"], u["custody"], u["resolution"], u["wanted"]) for u in made["units"]] == [
        ("JACKET", "expected", "expected", "open", "refund"),
        ("JACKET", "expected", "expected", "open", "refund"),
        ("SOCKS", "expected", "expected", "open", "refund"),
    ]
    assert [u["reason"] for u in made["units"]] == ["too_small", "too_small", "not_stated"]
    shown = made["pass"]
    assert codes.is_code(shown["code"])
    assert codes.is_short_code(shown["short_code"])
    assert shown["url"] == f"{service.base_url}/P/{shown['code']}".upper()
    assert shown["qr"]["png"] == f"{service.base_url}/p/{shown['code']}/qr.png"
    money = made["money"]
    assert {money[name] for name in ("amount", "paid")} == {0}
    assert (money["currency"], money["expected"], money["due_by"]) == ("EUR", 19090, None)
    assert money["next"] == {"kind": "hand_in", "at": made["last_day_at"]}
    assert retailer.get(f"/v1/returns/{made['id']}") == made
    assert retailer.get("/v1/returns", order="SO-1", status="issued")["items"] == [made]


def test_a_repeated_key_answers_the_stored_return(retailer: Client) -> None:
    retailer.post("/v1/orders", new_order())
    wish = new_return({"sku": "JACKET"})
    first = retailer.call("POST", "/v1/returns", wish, key="same-key")
    again = retailer.call("POST", "/v1/returns", wish, key="same-key")
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    other = retailer.call("POST", "/v1/returns", new_return({"sku": "SOCKS"}), key="same-key")
    problem(other, 422, "idempotency-key-reused")
    assert len(retailer.get("/v1/returns")["items"]) == 1


def test_the_pass_and_its_pictures_are_found_in_either_case(service: Service, retailer: Client) -> None:
    code = issued(retailer)["pass"]["code"]
    for path in (f"/p/{code}", f"/P/{code.lower()}"):
        for tail in ("", "/qr.png", "/qr.svg"):
            assert service.public.call("GET", path + tail).status_code == 200, path + tail


def test_a_refusal_keeps_its_key_and_a_misshapen_request_frees_it(retailer: Client) -> None:
    wish = new_return({"sku": "JACKET"})
    for _ in range(2):
        refused = retailer.call("POST", "/v1/returns", wish, key="too-early")
        problem(refused, 404, "order-not-found")
    assert refused.headers["idempotency-replayed"] == "true"
    retailer.post("/v1/orders", new_order())
    assert pointer(retailer.call("POST", "/v1/returns", new_return({"sku": "NONE"}), key="typo")) == "/units/0/sku"
    assert retailer.call("POST", "/v1/returns", wish, key="typo").status_code == 201


def test_refusals_say_which_units_are_free(retailer: Client) -> None:
    issued(retailer, {"sku": "JACKET"})
    refusal = retailer.call("POST", "/v1/returns", new_return({"sku": "JACKET", "quantity": 2}))
    document = problem(refusal, 409, "units-already-returned")
    assert document["data"]["units"] == [{"sku": "JACKET", "wanted": 2, "free": 1}]
    missing = retailer.call("POST", "/v1/returns", new_return(order="NO-SUCH"))
    assert problem(missing, 404, "order-not-found")["data"] == {"order": "NO-SUCH"}


@pytest.mark.parametrize(
    ("unit", "where"),
    [
        ({"sku": "HAT"}, "/units/0/sku"),
        ({"sku": "SOCKS", "quantity": 2}, "/units/0/quantity"),
        ({"sku": "SOCKS", "quantity": 0}, "/units/0/quantity"),
        ({"sku": "SOCKS", "quantity": 10**30}, "/units/0/quantity"),
        ({"sku": "SOCKS", "reason": "because"}, "/units/0/reason"),
        ({"sku": "SOCKS", "resolution": "money"}, "/units/0/resolution"),
        ({"sku": "SOCKS", "comment": "x" * 1001}, "/units/0/comment"),
        ({"sku": "SOCKS", "comment": "\0"}, "/units/0/comment"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_written(retailer: Client, unit: dict[str, Any], where: str) -> None:
    retailer.post("/v1/orders", new_order())
    assert pointer(retailer.call("POST", "/v1/returns", new_return(unit))) == where
    assert retailer.get("/v1/returns")["items"] == []


def test_outside_the_window_no_return_is_made(retailer: Client) -> None:
    long_ago = "2024-01-01T12:00:00Z"
    retailer.post("/v1/orders", new_order("OLD", placed_at=long_ago, delivered_at=long_ago))
    refusal = retailer.call("POST", "/v1/returns", new_return(order="OLD"))
    assert problem(refusal, 409, "return-window-closed")["data"] == {"closed_at": "2024-01-31T22:59:59.000Z"}


def test_what_the_policy_does_not_offer_is_refused(service: Service) -> None:
    policy = {**new_retailer()["policy"], "resolutions": ["refund"]}
    retailer = open_retailer(service, policy=policy)
    retailer.post("/v1/orders", new_order())
    wish = new_return({"sku": "SOCKS", "resolution": "store_credit"})
    problem(retailer.call("POST", "/v1/returns", wish), 409, "resolution-not-offered")


def test_a_return_is_cancelled_and_its_things_are_free_again(retailer: Client) -> None:
    made = issued(retailer)
    cancelled = retailer.post(f"/v1/returns/{made['id']}/cancel", status=200)
    assert (cancelled["status"], cancelled["units"][0]["status"]) == ("cancelled", "cancelled")
    assert retailer.post(f"/v1/returns/{made['id']}/cancel", status=200) == cancelled
    assert retailer.post("/v1/returns", new_return())["id"] != made["id"]


def test_lists_refuse_what_they_do_not_know(retailer: Client) -> None:
    for params, where in (({"status": "lost"}, "?status"), ({"limit": "0"}, "?limit"), ({"limit": "9" * 30}, "?limit")):
        assert pointer(retailer.call("GET", "/v1/returns", params=params)) == where


def test_the_bearer_sees_the_status_and_nothing_personal(service: Service, retailer: Client) -> None:
    made = issued(retailer, {"sku": "SOCKS", "comment": "call me on 555-1234"})
    code = made["pass"]["code"]
    shown = service.public.get(f"/v1/passes/{code}")
    assert shown == service.public.get(f"/v1/passes/{code.lower()}")
    assert [unit["title"] for unit in shown["units"]] == ["Wollsocken"]
    assert shown["money"] == made["money"]
    assert [happening["type"] for happening in shown["timeline"]] == ["return.issued"]
    text = json.dumps(shown, ensure_ascii=False)
    for personal in ("degård", "aesa", "555-1234", "SO-1"):
        assert personal not in text


def test_no_other_code_opens_a_pass(service: Service, retailer: Client) -> None:
    made = issued(retailer)
    for wrong in ("0" * 16, made["pass"]["short_code"], made["id"], made["pass"]["code"][:-1], "%00", "%ff" * 16):
        problem(service.public.call("GET", f"/v1/passes/{wrong}"), 404, "not-found")
        problem(service.public.call("POST", f"/v1/passes/{wrong}/renew", key=None), 404, "not-found")


def test_guessing_the_order_of_a_pass_is_braked(service: Service, retailer: Client) -> None:
    code = issued(retailer)["pass"]["code"]
    for number in range(20):
        wrong = {"order": "SO-1", "email": f"guess{number}@example.org"}
        problem(service.public.call("POST", f"/v1/passes/{code}/cancel", wrong), 404, "order-not-found")
    right = {"order": "SO-1", "email": "aesa@example.org"}
    braked = service.public.call("POST", f"/v1/passes/{code}/cancel", right)
    problem(braked, 429, "too-many-requests")
    assert braked.headers["retry-after"] == "900"
    assert service.public.http.post(f"/p/{code}/cancel", data=right).status_code == 429
    problem(service.public.call("POST", f"/v1/passes/{'0' * 16}/cancel", right), 404, "not-found")


def test_a_bearer_renews_and_cancels(service: Service, retailer: Client) -> None:
    made = issued(retailer)
    code = made["pass"]["code"]
    renewed = service.public.post(f"/v1/passes/{code}/renew", status=200)
    assert renewed["pass"]["code"] == code
    assert renewed["expires_at"] >= made["pass"]["expires_at"]
    wrong = {"order": "SO-1", "email": "other@example.org"}
    problem(service.public.call("POST", f"/v1/passes/{code}/cancel", wrong), 404, "order-not-found")
    right = {"order": "SO-1", "email": "AESA@example.org"}
    assert service.public.post(f"/v1/passes/{code}/cancel", right, status=200)["status"] == "cancelled"
    problem(service.public.call("POST", f"/v1/passes/{code}/renew"), 409, "return-not-open")
    assert retailer.get(f"/v1/returns/{made['id']}")["status"] == "cancelled"


def test_tenants_are_kept_apart(service: Service, retailer: Client) -> None:
    made = issued(retailer)
    other = open_retailer(service)
    other.post("/v1/orders", new_order())
    theirs = f"/v1/returns/{made['id']}"
    refund = {"units": [made["units"][0]["id"]], "amount": 1, "currency": "EUR", "reference": "RF"}
    problem(other.call("GET", theirs), 404, "not-found")
    problem(other.call("POST", f"{theirs}/cancel"), 404, "not-found")
    problem(other.call("POST", f"{theirs}/refunds", refund), 404, "not-found")
    problem(service.public.call("GET", theirs), 401, "unauthenticated")
    problem(service.operator.call("GET", theirs), 403, "forbidden")
    assert other.get("/v1/returns", order="SO-1")["items"] == []
    assert retailer.get(theirs) == made


def test_a_test_retailer_s_returns_are_tests(service: Service) -> None:
    assert issued(open_retailer(service, live=False))["live"] is False
