"""A shop with an object of each kind, the strangers who may try them, and who is let in where."""

import io
import random
import re
import string
import threading
import time
from datetime import UTC, datetime
from typing import Any

from PIL import Image
from tests.api.chain import Chain, hand_in, issue, retailer, till
from tests.service import Client, Service

from dropoff.app import ROOMS, create_worker
from dropoff.locker_bank.serving import BankServer
from dropoff.locker_bank.simulated import SimulatedBank, doors_of
from dropoff.plugins import InstalledSource
from dropoff.testing import ListedPoints


def clerk() -> dict[str, str]:
    """Whose initials nobody else has."""
    return {"name": "Anna", "initials": "".join(random.choices(string.ascii_uppercase, k=4)), "pin": "4711"}


class Ours:
    """Shop A with an object of each kind, and the strangers who try them."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.chain = chain = Chain(service)
        self.open_return = issue(chain.shop, "SOCKS")
        handed = hand_in(chain.till, issue(chain.shop))
        bag = chain.till.post("/v1/counter/containers", {"kind": "bag"})
        arrived = hand_in(chain.till, issue(chain.shop), bag["id"])
        chain.till.post(f"/v1/counter/containers/{bag['id']}/seal", {}, 200)
        sent = {"sscc": bag["sscc"], "parcels": [arrived["tag"], "STRANGER7"], "complete": True}
        receipt = chain.shop.post("/v1/receipts", sent, 200)
        self._book()
        self.hook = chain.shop.post("/v1/webhook-endpoints", {"url": "http://127.0.0.1:9/x", "events": ["*"]})
        open_bag = chain.till.post("/v1/counter/containers", {"kind": "bag"})
        days = {name: f"{datetime.now(UTC):%Y-%m-%d}" for name in ("first_day", "last_day")}
        closed_days = service.operator.post(f"/v1/locations/{chain.places[0]}/closures", days)
        keys = service.operator.get("/v1/keys", limit=200)["items"]
        self.key = next(key["id"] for key in keys if key["retailer_id"] == chain.retailer_id)
        service.context.plugins.sources["ours"] = InstalledSource("ours", "listed", ListedPoints([]))
        self.ids = {
            "return_id": self.open_return["id"],
            "reference": self.open_return["order"],
            "shipment_id": chain.shipment["id"],
            "sscc": chain.bag["sscc"],
            "name": "all",
            "source": "ours",
            "run_id": chain.run["id"],
            "lane_id": chain.lane["id"],
            "case_id": receipt["cases"][0],
            "endpoint_id": self.hook["id"],
            "import_id": service.operator.get("/v1/location-imports", limit=1)["items"][0]["id"],
            "job_id": service.operator.get("/v1/jobs", limit=1)["items"][0]["id"],
            "key_id": self.key,
            "retailer_id": chain.retailer_id,
            "location_id": chain.places[0],
            "device_id": chain.device_id,
            "container_id": open_bag["id"],
            "hand_in_id": handed["hand_in"],
            "handover_id": self._handover(),
            "clerk_id": service.operator.post(f"/v1/locations/{chain.places[0]}/clerks", clerk())["id"],
            "roll_id": self._roll(),
            "parcel": hand_in(chain.till, issue(chain.shop))["parcels"][0][
                "id"
            ],  # one that is not taken back meanwhile
            "photo_id": self._photo(handed),
            "closure_id": closed_days["id"],
            "field": "phone",
            "deposit_id": self._deposit(),
        }
        _, self.other_shop = retailer(service)
        _, self.test_shop = retailer(service, live=False)
        _, self.other_till = till(service, chain.places[1])
        unit = self.open_return["units"][0]["id"]
        self.bodies: dict[str, Any] = {
            "/v1/retailers/{retailer_id}": {"portal_url": "https://returns.example"},
            "/v1/cases/{case_id}/resolve": {"outcome": "explained"},
            "/v1/locations/{location_id}": {"phone": "+45 12"},
            "/v1/locations/{location_id}/closures": days,
            "/v1/locations/{location_id}/clerks": clerk(),
            "/v1/locations/{location_id}/staff-rules": {"lock_after_min": 5},
            "/v1/locations/{location_id}/devices": {"name": "Another"},
            "/v1/locations/{location_id}/lockers": self.bank,
            "/v1/counter/parcels/{parcel}/retag": {"tag": "RETAGGED1", "reason": "torn"},
            "/v1/tag-rolls/{roll_id}/move": {"location": chain.places[-1]},
            "/v1/locations/{location_id}/stock": {"capacity": 5},
            "/v1/returns/{return_id}/refunds": {"units": [unit], "amount": 1, "currency": "DKK", "reference": "RF-T"},
            "/v1/returns/{return_id}/exchanges": {"units": [unit], "order_reference": "SO-T"},
            "/v1/returns/{return_id}/credits": {"units": [unit], "amount": 1, "code": "GIFT"},
            "/v1/counter/containers/{container_id}/parcels": {"tag": handed["tag"]},
            "/v1/counter/containers/{container_id}/seal": {"seal": "S-2"},
            "/v1/counter/containers/{container_id}/unseal": {"reason": "wrong one"},
        }

    def _deposit(self) -> str:
        """Something in a locker of the chain's first place, by the hands of a shopper."""
        doors = SimulatedBank("ours", doors_of("S:1"))
        server = BankServer(doors)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        place = self.chain.places[0]
        self.bank = {"bank": "ours", "settings": {"url": server.url}}
        self.service.operator.call("PATCH", f"/v1/locations/{place}", {"kind": "locker"}).raise_for_status()
        answer = self.service.operator.call("PUT", f"/v1/locations/{place}/lockers", self.bank)
        assert answer.is_success, answer.text
        path = f"/v1/passes/{issue(self.chain.shop, 'SOCKS')['pass']['code']}/locker"
        made = self.service.public.post(path, {"location": place, "size": "small"}, 200, key=None)
        assert self.service.public.post(f"{path}/open", None, 200, key=None)["state"] == "open"
        assert doors.act("1", "put_in")
        assert self.service.public.get(path)["state"] == "deposited"
        return str(made["id"])

    def _roll(self) -> str:
        """Of a place that no till of these tests stands at, for a place with a roll refuses the tags of others."""
        new = {"location": self.chain.places[-1], "first": "ROLL0001", "count": 9}
        return str(self.service.operator.post("/v1/tag-rolls", new)["id"])

    def _handover(self) -> str:
        """A driver who came and took nothing: the seal was broken."""
        named = {"containers": [{"sscc": self.chain.bag["sscc"], "seal_intact": False}]}
        return str(self.chain.till.post("/v1/counter/handovers", named, 200)["id"])

    def _photo(self, handed: dict[str, Any]) -> str:
        out = io.BytesIO()
        Image.new("RGB", (40, 30)).save(out, "JPEG")
        path = f"/v1/counter/photos?hand_in={handed['hand_in']}&unit={handed['parcels'][0]['units'][0]}"
        sent = self.chain.till.call("POST", path, content=out.getvalue(), headers={"Content-Type": "image/jpeg"})
        return str(sent.json()["id"])

    def _book(self) -> None:
        """A worker runs until the shipment has its labels, and no longer."""
        worker = create_worker(self.service.context)
        worker.start()
        try:
            for _ in range(1200):
                if self.chain.shop.get(f"/v1/shipments/{self.chain.shipment['id']}")["status"] == "booked":
                    return
                time.sleep(0.05)  # between two looks
            raise AssertionError("the shipment was not booked within a minute")
        finally:
            worker.stop()

    def strangers(self) -> dict[str, Client]:
        return {
            "nobody": self.service.public,
            "another shop": self.other_shop,
            "a test shop": self.test_shop,
            "another place's till": self.other_till,
        }

    def call(self, client: Client, method: str, path: str) -> Any:
        found = re.sub(r"\{(\w+)\}", lambda name: self.ids[name.group(1)], path)
        return client.call(method, found, self.bodies.get(path))


def roles() -> dict[tuple[str, str], list[str]]:
    """Which roles each route lets in, by the names of its guards."""
    found: dict[tuple[str, str], list[str]] = {}
    for handler in (handler for room in ROOMS for handler in room.HANDLERS):
        for path in getattr(handler, "paths", ()):
            for method in handler.http_methods:
                plain = re.sub(r"\{(\w+):\w+\}", r"{\1}", path)
                names = [guard.__name__ for guard in handler.guards or ()]
                every = ["operator", "retailer", "device"]
                found[(method, plain)] = (
                    every if "for_anyone_known" in names else [r for r in every if any(r in name for name in names)]
                )
    return found
