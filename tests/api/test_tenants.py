"""Nobody sees or changes another's things: tried on every operation of the OpenAPI document that has an id in its path.

A new route with an id is tried without a line here, unless it brings a new kind of id: then `Ours.ids` must make one.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.api.ours import Ours, roles
from tests.service import Service, running

from dropoff.db import Tx
from dropoff.db.schema import metadata

PUBLIC = {
    ("GET", "/v1/locations/{location_id}"): "the network is public",
    ("GET", "/v1/passes/{code}"): "whoever bears the code may see and renew the pass",
    ("POST", "/v1/passes/{code}/renew"): "as above",
    ("GET", "/v1/passes/{code}/locker"): "as above",
    ("POST", "/v1/passes/{code}/locker"): "as above",
    ("POST", "/v1/passes/{code}/locker/{verb}"): "as above",
    ("POST", "/v1/passes/{code}/cancel"): "as above, with order and e-mail",
}
WRITTEN_BY_REFUSALS = {"counter_attempt", "idempotency"}
"""Every question at a counter is kept, and so is the stored answer of a key; nothing else may change."""


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


def test_strangers_find_nothing_and_change_nothing(ours: Ours) -> None:
    database = ours.service.context.db
    before = database.read_sync(everything)
    tried = 0
    for method, path in operations(ours.service):
        if (method, path) in PUBLIC:
            continue
        unknown = set(re.findall(r"\{(\w+)\}", path)) - set(ours.ids)
        assert not unknown, f"{path} has an id of a new kind: give `Ours.ids` one"
        for who, client in ours.strangers().items():
            response = ours.call(client, method, path)
            refused = response.status_code == 200 and response.json().get("verdict") == "refused"
            wanted = {401} if who == "nobody" else {403, 404}
            assert refused or response.status_code in wanted, f"{who}: {method} {path}: {response.status_code}"
            if not refused:
                assert response.headers["content-type"].startswith("application/problem+json")
            tried += 1
        assert database.read_sync(everything) == before, f"a stranger changed something by {method} {path}"
    assert tried > 100, "the document lists fewer operations than there are"


def test_roles_are_kept_apart_by_403_and_tenants_by_404(ours: Ours) -> None:
    """A wrong role is told so; another tenant's object looks as if it were not there."""
    allowed = roles()
    for method, path in operations(ours.service):
        if (method, path) in PUBLIC:
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
    ends = ("/close", "/cancel", "/rotate", "/revoke")
    ordered = sorted(
        operations(ours.service),
        key=lambda one: ("{key_id}" in one[1], one[0] == "DELETE", *(one[1].endswith(end) for end in reversed(ends))),
    )
    for method, path in ordered:
        if (method, path) in PUBLIC or "carrier-labels" in path:  # the courier makes no labels of its own
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
