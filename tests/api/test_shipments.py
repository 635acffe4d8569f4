"""From a sealed bag to the driver over HTTP: runs, shipments, labels, manifests and handovers, each for whom it is."""

import csv
import io
import json
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pypdfium2
import pytest
import zxingcpp
from PIL import Image
from tests.service import Client, Service

ADDRESS = {"name": "Łódź Retouren", "street": "Lagerstr. 1", "postcode": "10115", "city": "Berlin", "country": "DE"}


def until(probe: Callable[[], Any], seconds: float = 30) -> Any:
    """The first true answer; the worker works beside the test, so it is asked again."""
    pause = threading.Event()
    for _ in range(int(seconds / 0.05)):
        found = probe()
        if found:
            return found
        pause.wait(0.05)
    raise AssertionError(f"not within {seconds} s")


class Scene:
    """A place with a till and a lane, a retailer with one return in a sealed bag."""

    def __init__(self, service: Service, *, carrier_service: str = "standard") -> None:
        self.service = service
        self.run = secrets.token_hex(4)
        self.location = self._place()
        self.till = self.pair(self.location)
        self.retailer_id, self.retailer = self.tenant()
        service.operator.post(
            "/v1/lanes",
            {
                "origin": {"location": self.location},
                "destination": {"retailer": self.retailer_id},
                "carrier": "courier",
                "service": carrier_service,
                "days": "Mo-Su",
                "cutoff": "23:59",
                "transit_days": 1,
            },
        )
        self.bag, self.tag, self.units = self.sealed_bag()

    def _place(self) -> str:
        feature = {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [13.4, 52.5]},
            "properties": {"id": "p", "name": f"Kiosk {self.run}", "kind": "store", "country": "DE"},
        }
        self.service.operator.call(
            "POST",
            f"/v1/location-imports?source=s{self.run}",
            headers={"Content-Type": "application/geo+json"},
            content=json.dumps({"type": "FeatureCollection", "features": [feature]}),
        )
        items = self.service.operator.get("/v1/locations", source=f"s{self.run}")["items"]
        found: str = items[0]["id"]
        return found

    def pair(self, location: str) -> Client:
        device = self.service.operator.post(f"/v1/locations/{location}/devices", {"name": "Till"})
        answer = self.service.public.post("/v1/devices/pair", {"pairing_code": device["pairing_code"]}, 200)
        return self.service.client(answer["token"])

    def tenant(self) -> tuple[str, Client]:
        made = self.service.operator.post(
            "/v1/retailers",
            {
                "name": "Nordlys",
                "slug": f"n-{secrets.token_hex(4)}",
                "country": "DE",
                "currency": "EUR",
                "locale": "de",
                "return_address": ADDRESS,
                "policy": {"window_days": 30, "refund_at": "inspection", "resolutions": ["refund"]},
            },
        )
        return made["id"], self.service.client(made["api_key"])

    def sealed_bag(self) -> tuple[dict[str, Any], str, list[str]]:
        reference, at = f"SO-{secrets.token_hex(4)}", datetime.now(UTC).isoformat()
        line = {"sku": "=JACKET", "title": "Jacke", "quantity": 2, "unit_price": 8900, "weight_g": 620}
        self.retailer.post(
            "/v1/orders",
            {
                "reference": reference,
                "placed_at": at,
                "currency": "EUR",
                "shopper": {"name": "Æsa Ødegård", "email": "aesa@example.org"},
                "lines": [line],
            },
        )
        wish = {"order": reference, "units": [{"sku": "=JACKET", "quantity": 2, "resolution": "refund"}]}
        made = self.retailer.post("/v1/returns", wish)
        units = [unit["id"] for unit in made["units"]]
        bag = self.till.post("/v1/counter/containers", {"kind": "bag"})
        tag = f"T{secrets.token_hex(4).upper()}1"
        body = {
            "pass": made["pass"]["url"],
            "container": bag["id"],
            "scanned_at": at,
            "parcels": [{"tag": tag, "units": units}],
            "refused": [],
        }
        answer = self.till.post("/v1/counter/hand-ins", body, 200)
        assert answer["verdict"] == "accepted", answer
        self.till.post(f"/v1/counter/containers/{bag['id']}/seal", {"seal": "SEAL-1"}, 200)
        return bag, tag, units

    def consolidate(self, **more: Any) -> Any:
        as_of = (datetime.now(UTC) + timedelta(hours=26)).isoformat()
        return self.service.operator.post("/v1/consolidation-runs", {"as_of": as_of}, **more)

    def mine(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.retailer.get("/v1/shipments")["items"]
        return items

    def booked(self) -> dict[str, Any]:
        self.consolidate()
        return until(lambda: next((one for one in self.mine() if one["status"] == "booked"), None))  # type: ignore[no-any-return]


@pytest.fixture
def scene(service: Service) -> Scene:
    return Scene(service)


def read_codes(image: Image.Image) -> list[tuple[str, str]]:
    return [(found.symbology_identifier, found.text) for found in zxingcpp.read_barcodes(image)]


def test_a_sealed_bag_becomes_a_booked_shipment_with_labels_and_manifest(scene: Scene) -> None:
    shipment = scene.booked()
    full = scene.retailer.get(f"/v1/shipments/{shipment['id']}")
    assert full == shipment
    (held,) = full["containers"]
    assert held["sscc"] == scene.bag["sscc"]
    assert held["parcels"][0]["tag"] == scene.tag
    assert sorted(held["parcels"][0]["units"]) == sorted(scene.units)
    assert full["origin"]["location"] == scene.location
    assert full["destination"] == {"name": "Nordlys", "retailer": scene.retailer_id}
    assert full["tracking_number"].startswith("CO")

    for links in (full["labels"], held["labels"]):
        png = scene.retailer.call("GET", links["png"])
        assert png.headers["content-type"].startswith("image/png")
        assert read_codes(Image.open(io.BytesIO(png.content))) == [("]C1", f"(00){scene.bag['sscc']}")]
        document = pypdfium2.PdfDocument(scene.retailer.call("GET", links["pdf"]).content)
        assert read_codes(document[0].render(scale=300 / 72).to_pil()) == [("]C1", f"(00){scene.bag['sscc']}")]
        text = document[0].get_textpage().get_text_range()
        assert "Łódź Retouren" in text
        assert "EXAMPLE NUMBER" in text
        assert "SEAL-1" in text
        document.close()
        zpl = scene.retailer.call("GET", links["zpl"]).text
        assert f"^FD>;>800{scene.bag['sscc']}^FS" in zpl
        assert "degård" not in text + zpl


def test_the_manifest_names_every_parcel_and_no_shopper(scene: Scene) -> None:
    shipment = scene.booked()
    answer = scene.retailer.call("GET", shipment["manifest"]["csv"])
    assert answer.headers["content-type"].startswith("text/csv")
    (row,) = csv.DictReader(io.StringIO(answer.text, newline=""))
    assert (row["parcel_tag"], row["sscc"], row["units"]) == (scene.tag, scene.bag["sscc"], "2")
    assert row["skus"] == "'=JACKET =JACKET"
    told = scene.retailer.call("GET", shipment["manifest"]["json"])
    assert told.json()["containers"][0]["parcels"][0]["tag"] == scene.tag
    assert "degård" not in answer.text + told.text


def test_labels_are_for_their_retailer_the_till_they_leave_from_and_the_operator(scene: Scene) -> None:
    shipment = scene.booked()
    other_place = Scene(scene.service)
    files = [*shipment["labels"].values(), *shipment["manifest"].values()]
    files += shipment["containers"][0]["labels"].values()
    for url in [f"/v1/shipments/{shipment['id']}", *files]:
        for allowed in (scene.retailer, scene.till, scene.service.operator):
            assert allowed.call("GET", url).status_code == 200, url
        for stranger in (other_place.retailer, other_place.till):
            assert stranger.call("GET", url).status_code == 404, url
        assert scene.service.public.call("GET", url).status_code == 401
    assert [one["id"] for one in scene.till.get("/v1/shipments")["items"]] == [shipment["id"]]
    assert other_place.till.get("/v1/shipments")["items"] == []
    unknown = shipment["containers"][0]["labels"]["pdf"].replace(scene.bag["sscc"], other_place.bag["sscc"])
    assert scene.retailer.call("GET", unknown).status_code == 404


def test_only_the_operator_plans_and_cancels(scene: Scene) -> None:
    shipment = scene.booked()
    for client in (scene.retailer, scene.till):
        assert client.call("POST", "/v1/consolidation-runs", {}).status_code == 403
        assert client.call("POST", f"/v1/shipments/{shipment['id']}/cancel").status_code == 403
    assert scene.retailer.call("POST", "/v1/counter/handovers", {"containers": []}).status_code == 403
    cancelled = scene.service.operator.post(f"/v1/shipments/{shipment['id']}/cancel", status=200)
    assert cancelled["status"] == "cancelled"
    assert scene.retailer.call("GET", shipment["labels"]["pdf"]).status_code == 404
    opened = scene.till.post(f"/v1/counter/containers/{scene.bag['id']}/unseal", {"reason": "forgotten"}, 200)
    assert opened["verdict"] == "accepted"


def test_a_repeated_run_answers_the_first(scene: Scene) -> None:
    body = {"as_of": (datetime.now(UTC) + timedelta(hours=26)).isoformat()}
    key = secrets.token_hex(8)
    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(lambda _: scene.service.operator.call("POST", "/v1/consolidation-runs", body, key=key), range(4))
        )
    assert [one.status_code for one in answers] == [201] * 4
    assert len({one.json()["id"] for one in answers}) == 1
    assert sum(one.headers.get("idempotency-replayed") == "true" for one in answers) == 3
    assert all(one.json()["state"] == "done" for one in answers)
    assert all(
        [s["id"] for s in one.json()["shipments"]] == [s["id"] for s in answers[0].json()["shipments"]]
        for one in answers
    )
    shown = scene.service.operator.get(f"/v1/consolidation-runs/{answers[0].json()['id']}")
    assert shown["id"] == answers[0].json()["id"]
    reused = scene.service.operator.call("POST", "/v1/consolidation-runs", {}, key=key)
    assert reused.status_code == 422
    assert reused.json()["type"].endswith("/idempotency-key-reused")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"as_of": "2026-11-20T12:00:00"}, "/as_of"),
        ({"as_of": "9999-01-01T00:00:00Z"}, "/as_of"),
        ({"as_of": 5}, "/as_of"),
        ([], ""),
    ],
)
def test_a_run_asked_wrongly_is_told_where(service: Service, body: Any, pointer: str) -> None:
    answer = service.operator.call("POST", "/v1/consolidation-runs", body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize("query", [{"status": "lost"}, {"limit": 0}, {"limit": 10**30}, {"after": "x" * 50}])
def test_a_list_asked_wrongly_is_told_where(service: Service, query: dict[str, Any]) -> None:
    answer = service.operator.call("GET", "/v1/shipments", params=query)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == f"?{next(iter(query))}"


def test_the_handover_over_http(scene: Scene) -> None:
    shipment = scene.booked()
    body = {
        "shipment": shipment["id"],
        "containers": [{"sscc": scene.bag["sscc"], "seal_intact": True}],
        "driver": "M. K.",
    }
    differs = scene.till.post("/v1/counter/handovers", {**body, "driver_count": 2}, 200)
    assert (differs["verdict"], differs["reason"]) == ("refused", "count_differs")
    key = secrets.token_hex(8)
    answer = scene.till.post("/v1/counter/handovers", body, 200, key=key)
    assert (answer["verdict"], answer["handed_over"], answer["left_behind"]) == ("accepted", [scene.bag["sscc"]], [])
    replay = scene.till.call("POST", "/v1/counter/handovers", body, key=key)
    assert replay.headers["idempotency-replayed"] == "true"
    assert replay.json()["id"] == answer["id"]
    assert scene.till.post("/v1/counter/handovers", body, 200)["verdict"] == "already"
    assert scene.retailer.get(f"/v1/shipments/{shipment['id']}")["status"] == "handed_over"


def test_pages_of_shipments_follow_each_other(scene: Scene) -> None:
    scene.booked()
    scene.sealed_bag()
    scene.consolidate()
    first = scene.retailer.get("/v1/shipments", limit=1)
    second = scene.retailer.get("/v1/shipments", limit=1, after=first["next"])
    assert second["next"] is None
    ids = [page["items"][0]["id"] for page in (first, second)]
    assert ids == sorted(ids, reverse=True)
    until(lambda: all(one["status"] == "booked" for one in scene.mine()))
    assert len(scene.retailer.get("/v1/shipments", status="booked")["items"]) == 2
    assert scene.retailer.get("/v1/shipments", status="rejected")["items"] == []
