"""Nobody sees or changes another's things: tried on every operation of the OpenAPI document that has an id in its path.

A new route with an id is tried without a line here, unless it brings a new kind of id: then `Ours.ids` must make one.
"""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.api.chain import Chain, hand_in, issue, retailer, till
from tests.service import Client, Service, running

from dropoff.app import ROOMS, create_worker
from dropoff.db import Tx
from dropoff.db.schema import metadata

PUBLIC = {
    "/v1/locations/{location_id}": "the network is public",
    "/v1/passes/{code}": "whoever bears the code may see and renew the pass",
    "/v1/passes/{code}/renew": "as above",
    "/v1/passes/{code}/cancel": "as above, with order and e-mail",
}
WRITTEN_BY_REFUSALS = {"counter_attempt", "idempotency"}
"""Every question at a counter is kept, and so is the stored answer of a key; nothing else may change."""


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
        keys = service.operator.get("/v1/keys", limit=200)["items"]
        self.key = next(key["id"] for key in keys if key["retailer_id"] == chain.retailer_id)
        self.ids = {
            "return_id": self.open_return["id"],
            "reference": self.open_return["order"],
            "shipment_id": chain.shipment["id"],
            "sscc": chain.bag["sscc"],
            "name": "all",
            "run_id": chain.run["id"],
            "lane_id": chain.lane["id"],
            "case_id": receipt["cases"][0],
            "endpoint_id": self.hook["id"],
            "job_id": service.operator.get("/v1/jobs", limit=1)["items"][0]["id"],
            "key_id": self.key,
            "retailer_id": chain.retailer_id,
            "location_id": chain.places[0],
            "device_id": chain.device_id,
            "container_id": open_bag["id"],
            "hand_in_id": handed["hand_in"],
        }
        _, self.other_shop = retailer(service)
        _, self.test_shop = retailer(service, live=False)
        _, self.other_till = till(service, chain.places[1])
        unit = self.open_return["units"][0]["id"]
        self.bodies: dict[str, Any] = {
            "/v1/cases/{case_id}/resolve": {"outcome": "explained"},
            "/v1/locations/{location_id}/devices": {"name": "Another"},
            "/v1/returns/{return_id}/refunds": {"units": [unit], "amount": 1, "currency": "DKK", "reference": "RF-T"},
            "/v1/returns/{return_id}/exchanges": {"units": [unit], "order_reference": "SO-T"},
            "/v1/returns/{return_id}/credits": {"units": [unit], "amount": 1, "code": "GIFT"},
            "/v1/counter/containers/{container_id}/parcels": {"tag": handed["tag"]},
            "/v1/counter/containers/{container_id}/seal": {"seal": "S-2"},
            "/v1/counter/containers/{container_id}/unseal": {"reason": "wrong one"},
        }

    def _book(self) -> None:
        """A worker runs until the shipment has its labels, and no longer."""
        worker = create_worker(self.service.context)
        worker.start()
        try:
            for _ in range(200):
                if self.chain.shop.get(f"/v1/shipments/{self.chain.shipment['id']}")["status"] == "booked":
                    return
                time.sleep(0.05)  # between two looks
            raise AssertionError("the shipment was not booked within 10 s")
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


@pytest.fixture
def ours(database_url: str, tmp_path: Path) -> Iterator[Ours]:
    # Without a worker: what jobs write would look like a stranger's doing.
    with running(database_url, tmp_path / "data", worker=False) as service:
        yield Ours(service)


def operations(service: Service) -> list[tuple[str, str]]:
    """(METHOD, path) of all with an id."""
    paths = service.public.get("/schema")["paths"]
    return [(method.upper(), path) for path, methods in paths.items() if "{" in path for method in methods]


def everything(tx: Tx) -> dict[str, list[Any]]:
    kept = [table for table in metadata.sorted_tables if table.name not in WRITTEN_BY_REFUSALS]
    return {table.name: sorted(map(repr, tx.read(sa.select(table)))) for table in kept}


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


def test_strangers_find_nothing_and_change_nothing(ours: Ours) -> None:
    database = ours.service.context.db
    tried = 0
    for method, path in operations(ours.service):
        if path in PUBLIC:
            continue
        unknown = set(re.findall(r"\{(\w+)\}", path)) - set(ours.ids)
        assert not unknown, f"{path} has an id of a new kind: give `Ours.ids` one"
        for who, client in ours.strangers().items():
            before = database.read_sync(everything)
            response = ours.call(client, method, path)
            after = database.read_sync(everything)
            assert before == after, f"{who} changed something by {method} {path}"
            refused = response.status_code == 200 and response.json().get("verdict") == "refused"
            wanted = {401} if who == "nobody" else {403, 404}
            assert refused or response.status_code in wanted, f"{who}: {method} {path}: {response.status_code}"
            if not refused:
                assert response.headers["content-type"].startswith("application/problem+json")
            tried += 1
    assert tried > 100, "the document lists fewer operations than there are"


def test_roles_are_kept_apart_by_403_and_tenants_by_404(ours: Ours) -> None:
    """A wrong role is told so; another tenant's object looks as if it were not there."""
    allowed = roles()
    for method, path in operations(ours.service):
        if path in PUBLIC:
            continue
        for role, client in (("retailer", ours.other_shop), ("device", ours.other_till)):
            response = ours.call(client, method, path)
            if role not in allowed[(method, path)]:
                assert response.status_code == 403, f"{role}: {method} {path}: {response.status_code}"
            elif response.status_code != 200:
                assert response.status_code == 404, f"{role}: {method} {path}: {response.status_code}"


def test_the_owner_finds_all_of_it(ours: Ours) -> None:
    """Or the test above would pass with ids that do not exist."""
    allowed = roles()
    owners = {"operator": ours.service.operator, "retailer": ours.chain.shop, "device": ours.chain.till}
    # What ends a thing comes after what needs it; the shop's own key ends last.
    ends = ("/cancel", "/rotate", "/revoke")
    ordered = sorted(
        operations(ours.service),
        key=lambda one: ("{key_id}" in one[1], one[0] == "DELETE", *(one[1].endswith(end) for end in reversed(ends))),
    )
    for method, path in ordered:
        if path in PUBLIC or "carrier-labels" in path:  # the courier makes no labels of its own
            continue
        for role in allowed[(method, path)]:
            response = ours.call(owners[role], method, path)
            bad = {401, 403, 404, 405, 415, 422, 500}
            if path == "/v1/cases/{case_id}/resolve" and role == "retailer":
                bad -= {403}  # a case may be the operator's to resolve
            assert response.status_code not in bad, f"{role}: {method} {path}: {response.status_code} {response.text}"


def test_ids_inside_bodies_are_kept_apart_too(ours: Ours) -> None:
    database = ours.service.context.db
    before = database.read_sync(everything)
    unit = ours.chain.travelling["units"][0]["id"]
    inspection = {"unit": unit, "condition": "as_new", "disposition": "restock"}
    assert ours.other_shop.call("POST", "/v1/inspections", inspection).status_code == 404
    receipt = {"sscc": ours.chain.bag["sscc"], "parcels": [ours.chain.verdict["tag"]], "complete": True}
    assert ours.other_shop.call("POST", "/v1/receipts", receipt).status_code == 404
    wish = {"order": ours.open_return["order"], "units": [{"sku": "JACKET", "resolution": "refund"}]}
    answer = ours.other_shop.call("POST", "/v1/returns", wish)
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (404, "order-not-found")
    handover = {"containers": [{"sscc": ours.chain.bag["sscc"], "seal_intact": True}]}
    verdict = ours.other_till.post("/v1/counter/handovers", handover, 200)
    assert not verdict["handed_over"]
    after = database.read_sync(everything)
    # A till's attempt to hand over is kept like every other question.
    assert {name for name in before if before[name] != after[name]} <= {"handover"}


def test_lists_hold_ones_own_things_only(ours: Ours) -> None:
    for path in ("/v1/returns", "/v1/shipments", "/v1/cases", "/v1/events", "/v1/webhook-endpoints"):
        assert ours.chain.shop.get(path)["items"], f"{path} would prove nothing"
        assert ours.other_shop.get(path)["items"] == [], path
        assert ours.test_shop.get(path)["items"] == [], path
    assert ours.other_till.get("/v1/shipments")["items"] == []
