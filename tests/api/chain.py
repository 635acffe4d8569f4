"""A network made over HTTP: two shops, two places with a till each, and one return that has gone the whole way."""

import secrets
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.service import Client, Service


def stamp(**ago: float) -> str:
    return (datetime.now(UTC) - timedelta(**ago)).isoformat()


def point(external_id: str, lat: float, lon: float, **more: Any) -> dict[str, Any]:
    properties = {"id": external_id, "name": f"Kiosk {external_id}", "kind": "store", "country": "DK", **more}
    return {"type": "Feature", "geometry": {"type": "Point", "coordinates": [lon, lat]}, "properties": properties}


def import_points(service: Service, source: str, *points: dict[str, Any]) -> list[str]:
    """Ids of the places, in order."""
    report = service.operator.call(
        "POST",
        f"/v1/location-imports?source={source}",
        {"type": "FeatureCollection", "features": list(points)},
        key=None,
        headers={"Content-Type": "application/geo+json"},
    )
    assert report.status_code == 200, report.text
    ids = []
    for one in points:
        lon, lat = one["geometry"]["coordinates"]
        ids.append(_find(service, one["properties"]["id"], f"{lat},{lon}"))
    return ids


def _find(service: Service, external_id: str, near: str) -> str:
    for _ in range(1200):
        for item in service.public.get("/v1/locations", near=near, limit=20)["items"]:
            if item["external_id"] == external_id:
                return str(item["id"])
        time.sleep(0.05)  # between two looks, not instead of one
    raise AssertionError(f"{external_id} is in no search after a minute")


def retailer(service: Service, **more: Any) -> tuple[str, Client]:
    slug = secrets.token_hex(5)
    address = {"name": "Warehouse", "street": "Lagervej 1", "postcode": "2650", "city": "Hvidovre", "country": "DK"}
    policy = {"window_days": 30, "refund_at": "inspection", "resolutions": ["refund", "exchange", "store_credit"]}
    shape = {
        "name": f"Shop {slug}",
        "slug": slug,
        "country": "DK",
        "currency": "DKK",
        "locale": "da",
        "return_address": address,
        "policy": policy,
    }
    made = service.operator.post("/v1/retailers", shape | more)
    return made["id"], service.client(made["api_key"])


def till(service: Service, location_id: str) -> tuple[str, Client]:
    device = service.operator.post(f"/v1/locations/{location_id}/devices", {"name": "Till"})
    paired = service.public.post("/v1/devices/pair", {"pairing_code": device["pairing_code"]}, 200)
    return device["id"], service.client(paired["token"])


def order(reference: str = "", **more: Any) -> dict[str, Any]:
    return {
        "reference": reference or f"SO-{secrets.token_hex(4)}",
        "placed_at": stamp(days=3),
        "currency": "DKK",
        "shopper": {"name": "Æsa Ødegård", "email": "aesa@example.org", "postcode": "1550", "country": "DK"},
        "lines": [
            {"sku": "JACKET", "title": "Rain jacket", "quantity": 2, "unit_price": 89900},
            {"sku": "SOCKS", "title": "Wool socks", "quantity": 1, "unit_price": 9900},
        ],
        **more,
    }


def wish(reference: str, *skus: str) -> dict[str, Any]:
    units = [{"sku": sku, "reason": "too_small", "resolution": "refund"} for sku in skus]
    return {"order": reference, "units": units}


def issue(client: Client, *skus: str) -> dict[str, Any]:
    """A fresh order of three things and a return of some of them."""
    made = client.post("/v1/orders", order())
    result: dict[str, Any] = client.post("/v1/returns", wish(made["reference"], *(skus or ("JACKET",))))
    return result


def tag() -> str:
    return f"X{secrets.token_hex(6).upper()}Y"  # 14 characters: no pass, no short code, no number of ours


def hand_in(till: Client, made: dict[str, Any], container: str | None = None, **more: Any) -> dict[str, Any]:
    """All units of a return in one parcel. Answers the verdict, with the tag added."""
    used = tag()
    body = {
        "pass": made["pass"]["url"],
        "parcels": [{"tag": used, "units": [unit["id"] for unit in made["units"]]}],
        "refused": [],
        "container": container,
        "scanned_at": stamp(),
        **more,
    }
    answer = till.post("/v1/counter/hand-ins", body, 200)
    return answer | {"tag": used}


class Chain:
    """One shop, one place, one till, and a bag on its way: every kind of object has an id here."""

    def __init__(self, service: Service) -> None:
        self.service = service
        near = (55.6761, 12.5683), (55.6861, 12.5783)
        self.places = import_points(
            service,
            f"chain-{secrets.token_hex(3)}",
            *(point(f"{secrets.token_hex(3)}-{number}", lat, lon) for number, (lat, lon) in enumerate(near)),
        )
        self.retailer_id, self.shop = retailer(service)
        self.device_id, self.till = till(service, self.places[0])
        self.lane = service.operator.post("/v1/lanes", self.lane_body())
        self.travelling = issue(self.shop)
        self.bag = self.till.post("/v1/counter/containers", {"kind": "bag"})
        self.verdict = hand_in(self.till, self.travelling, self.bag["id"])
        assert self.verdict["verdict"] == "accepted", self.verdict
        sealed = self.till.post(f"/v1/counter/containers/{self.bag['id']}/seal", {"seal": "S-1"}, 200)
        assert sealed["verdict"] == "accepted", sealed
        as_of = (datetime.now(UTC) + timedelta(hours=26)).isoformat()
        self.run = service.operator.post("/v1/consolidation-runs", {"as_of": as_of})
        self.shipment = self.shop.get("/v1/shipments")["items"][0]

    def lane_body(self) -> dict[str, Any]:
        return {
            "origin": {"location": self.places[0]},
            "destination": {"retailer": self.retailer_id},
            "carrier": "courier",
            "service": "standard",
            "days": "Mo-Su",
            "cutoff": "23:59",
            "transit_days": 1,
        }
