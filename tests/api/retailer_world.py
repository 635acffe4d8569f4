"""A retailer as its own backend sees the service: a key and plain JSON."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from tests.service import Client, Service

ADDRESS = {"name": "Nordlys", "street": "Lagerstr. 1", "postcode": "10115", "city": "Berlin", "country": "DE"}
LINES = [
    {"sku": "JACKET", "title": "Regenjacke", "quantity": 2, "unit_price": 8900},
    {"sku": "SOCKS", "title": "Wollsocken", "quantity": 1, "unit_price": 1290},
]


def new_retailer(**changes: Any) -> dict[str, Any]:
    slug = f"nordlys-{secrets.token_hex(4)}"
    policy = {"window_days": 30, "refund_at": "hand_in", "resolutions": ["refund", "exchange", "store_credit"]}
    known = {"name": "Nordlys", "slug": slug, "country": "DE", "currency": "EUR", "locale": "de"}
    return {**known, "return_address": ADDRESS, "policy": policy, **changes}


def open_retailer(service: Service, **changes: Any) -> Client:
    return service.client(service.operator.post("/v1/retailers", new_retailer(**changes))["api_key"])


def new_order(reference: str = "SO-1", **changes: Any) -> dict[str, Any]:
    delivered = (datetime.now(UTC) - timedelta(days=4)).isoformat()
    shopper = {"name": "Æsa Ødegård", "email": "aesa@example.org", "locale": "nb"}
    known = {"reference": reference, "placed_at": delivered, "delivered_at": delivered, "currency": "EUR"}
    return {**known, "shopper": shopper, "lines": LINES, **changes}


def new_return(*units: dict[str, Any], order: str = "SO-1") -> dict[str, Any]:
    return {"order": order, "units": [{"resolution": "refund", **unit} for unit in units or ({"sku": "SOCKS"},)]}


def issued(retailer: Client, *units: dict[str, Any], order: str = "SO-1") -> Any:
    retailer.post("/v1/orders", new_order(order))
    return retailer.post("/v1/returns", new_return(*units, order=order))


def problem(response: httpx.Response, status: int, code: str) -> Any:
    assert response.status_code == status, response.text
    assert response.headers["content-type"].startswith("application/problem+json")
    document = response.json()
    assert document["type"].endswith(f"/problems/{code}"), document
    return document


def pointer(response: httpx.Response) -> str:
    """Of the one field that a 422 names."""
    (error,) = problem(response, 422, response.json()["type"].rsplit("/", 1)[1])["errors"]
    assert error["detail"]
    return str(error["pointer"])
