"""Retailers over HTTP."""

from typing import Any

import pytest
from tests.api.retailer_world import new_retailer, open_retailer, pointer, problem
from tests.service import Service


def test_a_retailer_is_made_with_a_key_that_is_shown_once(service: Service) -> None:
    wanted = new_retailer(currencies=["SEK", "EUR"])
    made = service.operator.post("/v1/retailers", wanted)
    assert made["api_key"].startswith("live_")
    assert (made["currencies"], made["zone"], made["live"]) == (["EUR", "SEK"], "Europe/Berlin", True)
    assert made["policy"]["refund_days"] == 14
    shown = service.operator.get(f"/v1/retailers/{made['id']}")
    assert shown == {name: value for name, value in made.items() if name != "api_key"}
    assert service.client(made["api_key"]).get("/v1/returns") == {"items": [], "next": None}


def test_a_test_retailer_has_a_test_key(service: Service) -> None:
    made = service.operator.post("/v1/retailers", new_retailer(live=False))
    assert made["api_key"].startswith("test_")
    assert made["live"] is False


@pytest.mark.parametrize(
    ("country", "zone"), [("DK", "Europe/Copenhagen"), ("NO", "Europe/Oslo"), ("US", "America/New_York")]
)
def test_the_zone_is_the_country_s_first_unless_told(service: Service, country: str, zone: str) -> None:
    assert service.operator.post("/v1/retailers", new_retailer(country=country))["zone"] == zone
    told = service.operator.post("/v1/retailers", new_retailer(country=country, zone="Asia/Tokyo"))
    assert told["zone"] == "Asia/Tokyo"


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"country": "XX"}, "/country"),
        ({"country": "de"}, "/country"),
        ({"currency": "XYZ"}, "/currency"),
        ({"currencies": ["EUR", "ABC"]}, "/currencies/1"),
        ({"zone": "Europe/Atlantis"}, "/zone"),
        ({"slug": "Not A Slug"}, "/slug"),
        ({"name": " "}, "/name"),
        ({"name": "a\0b"}, "/name"),
        ({"locale": "de de"}, "/locale"),
        ({"policy": {"window_days": 30, "refund_at": "never", "resolutions": ["refund"]}}, "/policy/refund_at"),
        ({"policy": {"window_days": 30, "refund_at": "hand_in", "resolutions": []}}, "/policy/resolutions"),
        ({"policy": {"window_days": 10**30, "refund_at": "hand_in", "resolutions": ["refund"]}}, "/policy/window_days"),
        ({"return_address": {"name": "X"}}, "/return_address/street"),
    ],
)
def test_what_is_wrong_is_named_by_its_field(service: Service, changes: dict[str, Any], where: str) -> None:
    assert pointer(service.operator.call("POST", "/v1/retailers", new_retailer(**changes))) == where


def test_a_slug_is_taken_once(service: Service) -> None:
    wanted = new_retailer()
    service.operator.post("/v1/retailers", wanted)
    problem(service.operator.call("POST", "/v1/retailers", wanted), 409, "slug-taken")


def test_a_repeated_call_answers_the_same_key(service: Service) -> None:
    wanted = new_retailer()
    first = service.operator.call("POST", "/v1/retailers", wanted, key="retailer-once")
    again = service.operator.call("POST", "/v1/retailers", wanted, key="retailer-once")
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"


def test_retailers_are_listed_in_pages(service: Service) -> None:
    made = [service.operator.post("/v1/retailers", new_retailer())["id"] for _ in range(3)]
    seen: list[str] = []
    after = ""
    while True:
        page = service.operator.get("/v1/retailers", limit=2, after=after)
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        after = page["next"]
    assert seen[-3:] == made
    assert "api_key" not in page["items"][0]


def test_only_the_operator_makes_and_sees_retailers(service: Service) -> None:
    retailer = open_retailer(service)
    problem(retailer.call("POST", "/v1/retailers", new_retailer()), 403, "forbidden")
    problem(retailer.call("GET", "/v1/retailers"), 403, "forbidden")
    problem(service.public.call("POST", "/v1/retailers", new_retailer()), 401, "unauthenticated")
    problem(service.operator.call("GET", "/v1/retailers/rtl_NOSUCH"), 404, "not-found")
