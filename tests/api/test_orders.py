"""Orders over HTTP, and everything that must not come in."""

import json
from typing import Any

import pytest
from tests.api.retailer_world import LINES, new_order, open_retailer, pointer, problem
from tests.service import Client, Service


@pytest.fixture(scope="module")
def retailer(service: Service) -> Client:
    return open_retailer(service)


def test_an_order_is_told_and_shown_without_its_shopper(retailer: Client) -> None:
    made = retailer.post("/v1/orders", new_order("SHOWN"))
    assert [line["quantity"] for line in made["lines"]] == [2, 1]
    assert all(line["id"].startswith("orl_") for line in made["lines"])
    assert retailer.get("/v1/orders/SHOWN") == made
    assert retailer.get(f"/v1/orders/{made['id']}") == made
    assert "degård" not in json.dumps(made, ensure_ascii=False)


def test_the_same_order_again_is_the_stored_one(retailer: Client) -> None:
    order = new_order("TWICE")
    made = retailer.post("/v1/orders", order)
    assert retailer.post("/v1/orders", order) == made
    other = retailer.call("POST", "/v1/orders", {**order, "lines": LINES[:1]})
    assert problem(other, 409, "order-exists")["data"]["id"] == made["id"]


def with_line(**changes: Any) -> dict[str, Any]:
    return {"lines": [LINES[0], {**LINES[1], **changes}]}


SHOPPER = {"name": "A", "email": "a@example.org"}

WRONG = [
    ({"currency": "SEK"}, "/currency"),
    ({"currency": "euro"}, "/currency"),
    ({"placed_at": "2026-11-01T10:00:00"}, "/placed_at"),
    ({"delivered_at": "2026-11-01 10:00"}, "/delivered_at"),
    ({"placed_at": "0001-01-01T00:00:00Z"}, "/placed_at"),
    ({"delivered_at": "9999-12-31T23:59:59Z"}, "/delivered_at"),
    ({"reference": ""}, "/reference"),
    ({"reference": "a\0b"}, "/reference"),
    ({"reference": "x" * 201}, "/reference"),
    ({"lines": []}, "/lines"),
    ({"lines": [LINES[0]] * 501}, "/lines"),
    (with_line(quantity=0), "/lines/1/quantity"),
    (with_line(quantity=1001), "/lines/1/quantity"),
    (with_line(quantity=1.5), "/lines/1/quantity"),
    (with_line(quantity=True), "/lines/1/quantity"),
    (with_line(unit_price=-1), "/lines/1/unit_price"),
    (with_line(unit_price=10**12 + 1), "/lines/1/unit_price"),
    (with_line(unit_price=10**400), "/lines/1/unit_price"),
    (with_line(unit_price="1290"), "/lines/1/unit_price"),
    (with_line(title="ok\0"), "/lines/1/title"),
    (with_line(sku=" "), "/lines/1/sku"),
    (with_line(image_url="javascript:alert(1)"), "/lines/1/image_url"),
    (with_line(weight_g=-5), "/lines/1/weight_g"),
    ({"shopper": {**SHOPPER, "email": "nobody"}}, "/shopper/email"),
    ({"shopper": {"email": "a@example.org"}}, "/shopper/name"),
    ({"shopper": None}, "/shopper"),
]


@pytest.mark.parametrize(
    ("changes", "where"), WRONG, ids=[f"{number}{where}" for number, (_, where) in enumerate(WRONG)]
)
def test_what_is_wrong_is_named_and_nothing_is_written(retailer: Client, changes: dict[str, Any], where: str) -> None:
    order = new_order("WRONG")
    # Raw, since the client would refuse to write some of it.
    raw = json.dumps({**order, **changes})
    response = retailer.call("POST", "/v1/orders", content=raw, headers={"Content-Type": "application/json"})
    assert pointer(response) == where
    problem(retailer.call("GET", "/v1/orders/WRONG"), 404, "not-found")


@pytest.mark.parametrize("half", [r"\ud800", r"\udfff", r"a\ud83d b"])
def test_half_a_surrogate_pair_is_refused(retailer: Client, half: str) -> None:
    raw = json.dumps(new_order("HALF")).replace("Wollsocken", half)
    response = retailer.call("POST", "/v1/orders", content=raw, headers={"Content-Type": "application/json"})
    problem(response, 422, "invalid-request")
    problem(retailer.call("GET", "/v1/orders/HALF"), 404, "not-found")


def test_a_whole_surrogate_pair_is_a_character(retailer: Client) -> None:
    raw = json.dumps(new_order("WHOLE")).replace("Wollsocken", r"\ud83e\udde6")
    response = retailer.call("POST", "/v1/orders", content=raw, headers={"Content-Type": "application/json"})
    assert response.status_code == 201, response.text
    assert response.json()["lines"][1]["title"] == "\N{SOCKS}"


@pytest.mark.parametrize(
    ("raw", "content_type", "status", "code"),
    [
        (b'{"reference": ', "application/json", 422, "invalid-request"),
        (b"\xff\xfe", "application/json", 422, "invalid-request"),
        (b"", "application/json", 422, "invalid-request"),
        (b"null", "application/json", 422, "invalid-request"),
        (b"[" * 100_000, "application/json", 422, "invalid-request"),
        (b'{"lines":' * 50_000, "application/json", 422, "invalid-request"),
        (b'{"placed_at": ' + b"9" * 5000 + b"}", "application/json", 422, "invalid-request"),
        (b"reference=SO-1", "application/x-www-form-urlencoded", 415, "unsupported-media-type"),
        (b"<order/>", "text/xml", 415, "unsupported-media-type"),
        (b" " * 10_000_000, "application/json", 413, "body-too-large"),
    ],
    ids=["cut", "utf-16", "empty", "null", "deep", "deep-object", "digits", "form", "xml", "10-mb"],
)
def test_a_body_that_is_no_order_is_refused(
    retailer: Client, raw: bytes, content_type: str, status: int, code: str
) -> None:
    response = retailer.call("POST", "/v1/orders", content=raw, headers={"Content-Type": content_type})
    problem(response, status, code)


def test_orders_are_the_retailer_s_alone(service: Service, retailer: Client) -> None:
    made = retailer.post("/v1/orders", new_order("MINE"))
    other = open_retailer(service)
    for known in ("MINE", made["id"]):
        problem(other.call("GET", f"/v1/orders/{known}"), 404, "not-found")
    problem(service.public.call("POST", "/v1/orders", new_order()), 401, "unauthenticated")
    problem(service.operator.call("POST", "/v1/orders", new_order()), 403, "forbidden")
    assert other.post("/v1/orders", new_order("MINE"))["id"] != made["id"], "references are each retailer's own"
