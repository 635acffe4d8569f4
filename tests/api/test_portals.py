"""Where another return begins: told by the operator, shown to tills, https only."""

import pytest
from tests.api.chain import Chain, issue, retailer
from tests.api.retailer_world import problem
from tests.service import Service

PORTAL = "https://returns.nordlys.example/start?lang=da"


def test_a_scan_says_where_another_return_begins(service: Service) -> None:
    chain = Chain(service)
    scanned = chain.till.post("/v1/counter/scans", {"text": issue(chain.shop)["pass"]["url"]}, 200)
    assert (scanned["retailer_id"], scanned["portal_url"]) == (chain.retailer_id, None)
    path = f"/v1/retailers/{chain.retailer_id}"
    changed = service.operator.call("PATCH", path, {"portal_url": PORTAL})
    assert (changed.status_code, changed.json()["portal_url"]) == (200, PORTAL)
    scanned = chain.till.post("/v1/counter/scans", {"text": issue(chain.shop)["pass"]["url"]}, 200)
    assert scanned["portal_url"] == PORTAL
    assert service.operator.call("PATCH", path, {"portal_url": None}).json()["portal_url"] is None
    other, _ = retailer(service, portal_url=PORTAL)
    assert service.operator.get(f"/v1/retailers/{other}")["portal_url"] == PORTAL


@pytest.mark.parametrize("url", ["http://shop.example", "javascript:alert(1)", "https://a b", "https://", 'https://"x'])
def test_only_an_https_address_is_a_portal(service: Service, url: str) -> None:
    id_, _ = retailer(service)
    problem(service.operator.call("PATCH", f"/v1/retailers/{id_}", {"portal_url": url}), 422, "invalid-request")
