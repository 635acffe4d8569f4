"""Lockers over HTTP: a bank connected, a thing put in by the bearer of a pass, and taken out by a till at the place."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.api.chain import import_points, issue, point, retailer, till
from tests.service import Service, running

from dropoff.locker_bank.serving import BankServer
from dropoff.locker_bank.simulated import SimulatedBank, doors_of


@pytest.fixture
def service(database_url: str, tmp_path: Path) -> Iterator[Service]:
    with running(database_url, tmp_path / "data") as served:
        yield served


@pytest.fixture
def bank() -> Iterator[SimulatedBank]:
    made = SimulatedBank("nord", doors_of("S:1"), key="sesame")
    with BankServer(made) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        made.url = server.url  # type: ignore[attr-defined]
        yield made
        server.shutdown()


def code_of(answer: Any) -> str:
    return str(answer.json()["type"].rpartition("/")[2])


def test_a_locker_over_http(service: Service, bank: Any) -> None:
    operator, public = service.operator, service.public
    shop, box = import_points(service, "boxes", point("kiosk", 55.67, 12.56), point("box", 55.68, 12.57, kind="locker"))
    _, seller = retailer(service)
    _, desk = till(service, box)
    good = {"bank": "nord", "settings": {"url": bank.url, "key": "sesame"}}
    wrong: list[tuple[str, Any, int, str]] = [
        (box, good | {"settings": {"url": bank.url, "key": "guess"}}, 422, "invalid-request"),
        (box, good | {"bank": "south"}, 422, "invalid-request"),
        (box, good | {"adapter": "acme"}, 422, "invalid-request"),
        (box, good | {"settings": {"url": "http://127.0.0.1:9"}}, 502, "locker-unreachable"),
        (shop, good, 422, "invalid-request"),
    ]
    for place, body, status, code in wrong:
        refused = operator.call("PUT", f"/v1/locations/{place}/lockers", body)
        assert (refused.status_code, code_of(refused)) == (status, code), body
    connected = operator.call("PUT", f"/v1/locations/{box}/lockers", good)
    assert connected.status_code == 200, connected.text
    assert connected.json()["free"] == {"small": 1}
    assert "sesame" not in connected.text
    assert [one["location"] for one in operator.get("/v1/lockers")["items"]] == [box]

    made = issue(seller)
    path = f"/v1/passes/{made['pass']['code']}/locker"
    assert public.call("GET", path).status_code == 404
    assert public.post(path, {"location": box, "size": "small"}, 200)["state"] == "reserved"
    assert public.post(f"{path}/open", None, 200)["state"] == "open"
    busy = public.call("DELETE", f"/v1/locations/{box}/lockers")
    assert busy.status_code == 401
    assert code_of(operator.call("DELETE", f"/v1/locations/{box}/lockers")) == "locker-in-use"
    assert bank.act("1", "put_in")
    pause = threading.Event()
    lying = public.get(path)
    for _ in range(300):
        if lying["state"] != "open":
            break
        pause.wait(0.1)  # the service itself has looked in this second, before it was put in
        lying = public.get(path)
    assert (lying["state"], lying["compartment"]) == ("deposited", "1")
    assert {unit["custody"] for unit in seller.get(f"/v1/returns/{made['id']}")["units"]} == {"handed_in"}
    again = public.call("POST", path, {"location": box, "size": "small"})
    assert (again.status_code, code_of(again), again.json()["data"]["reason"]) == (409, "locker-refused", "already")
    full = public.post(f"/v1/passes/{issue(seller)['pass']['code']}/locker", {"location": box, "size": "small"}, 200)
    assert (full["state"], full["reason"]) == ("refused", "full")

    (here,) = desk.get("/v1/counter/lockers")["items"]
    assert [one["tag"] for one in desk.get("/v1/counter/state")["waiting"]] == [here["tag"]]
    assert desk.post(f"/v1/counter/lockers/{here['deposit']}/open", None, 200)["compartment"] == "1"
    assert bank.act("1", "take_out")
    bag = desk.post("/v1/counter/containers", {"kind": "bag"})
    packed = desk.post(f"/v1/counter/containers/{bag['id']}/parcels", {"tag": here["tag"]}, 200)
    assert packed["verdict"] == "accepted"
    for _ in range(300):
        if {door.state for door in bank.state.doors} == {"free"}:
            break
        pause.wait(0.1)  # between two looks
    assert operator.call("DELETE", f"/v1/locations/{box}/lockers").status_code == 200
    assert code_of(operator.call("GET", f"/v1/locations/{box}/lockers")) == "not-found"
