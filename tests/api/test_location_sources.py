"""Operators sync sources, bring in large files and read what came of it. Against a real server on both databases."""

import json
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.api.test_locations import collection, feature, problem, send
from tests.service import Service, running

from dropoff.network import importing
from dropoff.plugins import InstalledSource, PluginRegistry, load_plugins
from dropoff.ports.locations import LeftOut, Point
from dropoff.testing import ListedPoints


def point(number: int, **changes: Any) -> Point:
    fields = {"id": f"p{number}", "name": f"Kiosk {number}", "kind": "store", "country": "IS"}
    return Point(**(fields | {"lat": 64.1 + number / 1000, "lon": -21.9} | changes))


@pytest.fixture
def listed() -> ListedPoints:
    return ListedPoints([point(number) for number in range(10)])


@pytest.fixture
def serving(database_url: str, tmp_path: Path, listed: ListedPoints) -> Iterator[Service]:
    sources = {"acme": InstalledSource("acme", "listed", listed, every_s=3600)}
    plugins = PluginRegistry(load_plugins({}).carriers, {}, sources, {"listed": "dropoff 1"})
    with running(database_url, tmp_path / "data", plugins=plugins) as service:
        yield service


def wait_for(service: Service, wanted: int, **params: Any) -> list[dict[str, Any]]:
    """So many imports that have ended or are held; the newest first."""
    for _ in range(600):
        items = service.operator.get("/v1/location-imports", **params)["items"]
        ended = [item for item in items if item["state"] in ("done", "failed", "held")]
        if len(ended) >= wanted:
            return ended
        threading.Event().wait(0.05)
    raise AssertionError(f"{wanted} imports did not end: {items}")


def test_a_scheduled_source_syncs_itself_and_is_found(serving: Service) -> None:
    (done,) = wait_for(serving, 1)
    assert (done["source"], done["kind"], done["state"], done["created"]) == ("acme", "sync", "done", 10)
    assert done["host"] == "points.example"
    for _ in range(1200):
        found = serving.public.get("/v1/locations", near="64.1,-21.9", limit=1)["items"]
        if found:
            break
        threading.Event().wait(0.05)
    assert found[0]["external_id"] == "p0"
    (source,) = serving.operator.get("/v1/location-sources")["items"]
    assert (source["name"], source["plugin"], source["set_up"], source["every_s"]) == ("acme", "listed", True, 3600)
    assert source["synced_at"] == done["created_at"]
    assert source["held_import"] is None


def test_the_brake_holds_until_an_operator_releases(serving: Service, listed: ListedPoints) -> None:
    wait_for(serving, 1)
    listed.rows = [point(number) for number in range(5)]
    asked = serving.operator.post("/v1/location-sources/acme/sync", status=202)
    assert asked == {"source": "acme", "dry_run": False}
    held = wait_for(serving, 2)[0]
    assert held["state"] == "held"
    assert "5 of 10" in held["detail"]
    assert serving.operator.get("/v1/location-sources")["items"][0]["held_import"] == held["id"]
    assert len(serving.operator.get("/v1/locations", source="acme", state="active")["items"]) == 10
    view = serving.operator.post(f"/v1/location-imports/{held['id']}/release", status=200)
    assert view["state"] in ("applying", "done")
    again = serving.operator.call("POST", f"/v1/location-imports/{held['id']}/release")
    problem(again, 409, "location-import-not-held")
    done = wait_for(serving, 2, state="done")[0]
    assert (done["id"], done["removed"]) == (held["id"], 5)
    assert len(serving.operator.get("/v1/locations", source="acme", state="active")["items"]) == 5


def test_a_dry_run_names_what_would_change(serving: Service, listed: ListedPoints) -> None:
    wait_for(serving, 1)
    listed.rows = [point(0, name="New"), *[point(number) for number in range(1, 10)], point(77)]
    response = serving.operator.call("POST", "/v1/location-sources/acme/sync", params={"dry_run": "true"})
    assert response.status_code == 202
    tried = wait_for(serving, 2)[0]
    assert tried["kind"] == "trial"
    view = serving.operator.get(f"/v1/location-imports/{tried['id']}")
    assert view["would"] == [
        {"change": "create", "external_id": "p77", "name": "Kiosk 77"},
        {"change": "update", "external_id": "p0", "name": "New"},
    ]
    assert view["report"] is None
    assert len(serving.operator.get("/v1/locations", source="acme")["items"]) == 10


def test_every_row_that_was_told_of_can_be_read_page_by_page(serving: Service, listed: ListedPoints) -> None:
    wait_for(serving, 1)
    listed.rows = [
        *[point(number) for number in range(10)],
        *[LeftOut(id=f"g{number}", reason="not_operating", detail="Disabled.") for number in range(5)],
        point(50, name=" Blanks "),
    ]
    serving.operator.post("/v1/location-sources/acme/sync", status=202)
    done = wait_for(serving, 2)[0]
    path = f"/v1/location-imports/{done['id']}/rows"
    first = serving.operator.get(path, limit=4)
    rest = serving.operator.get(path, limit=4, after=first["next"])
    rows = first["items"] + rest["items"]
    assert [row["index"] for row in rows] == [10, 11, 12, 13, 14, 15]
    assert [row["outcome"] for row in rows] == ["rejected"] * 5 + ["repaired"]
    assert rest["next"] is None
    assert rows[5]["fields"] == ["name"]
    assert len(serving.operator.get(path, outcome="repaired")["items"]) == 1
    problem(serving.operator.call("GET", path, params={"after": "x"}), 422, "invalid-request")


def test_what_is_not_there_is_told(serving: Service) -> None:
    problem(serving.operator.call("POST", "/v1/location-sources/other/sync"), 404, "location-source-unknown")
    for method, path in (("GET", ""), ("GET", "/rows"), ("POST", "/release")):
        problem(serving.operator.call(method, f"/v1/location-imports/imp_nothing{path}"), 404, "not-found")
    assert serving.public.call("GET", "/v1/location-imports").status_code == 401
    assert serving.public.call("POST", "/v1/location-sources/acme/sync").status_code == 401


def test_a_large_file_is_answered_before_its_end(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "LARGE_ROWS", 1_200)
    source = f"large-{secrets.token_hex(4)}"
    rows = [feature(f"{source}:{number}", -70 + number / 1000, 100) for number in range(3_000)]
    response = send(service, collection(*rows, "junk"), source)
    assert response.status_code == 202, response.text
    started = response.json()
    assert response.headers["location"] == started["url"]
    assert started["url"].endswith(f"/v1/location-imports/{started['id']}")
    done = wait_for(service, 1, source=source)[0]
    assert (done["state"], done["created"], done["progress"]["rows_read"]) == ("done", 3_000, 3_001)
    report = service.operator.get(f"/v1/location-imports/{started['id']}")["report"]
    assert [row["reason"] for row in report["rejected"]] == ["not_an_object"]
    small = send(service, collection(*rows[:1_000]), source, replace="true")
    assert small.status_code == 200
    assert (small.json()["unchanged"], small.json()["removed"]) == (1_000, 2_000)


def test_a_large_file_that_breaks_off_changes_nothing(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "LARGE_ROWS", 600)
    source = f"large-{secrets.token_hex(4)}"
    rows = [feature(f"{source}:{number}", -71 + number / 1000, 100) for number in range(2_000)]
    response = send(service, collection(*rows)[:-1], source)
    assert response.status_code == 202
    failed = wait_for(service, 1, source=source)[0]
    assert failed["state"] == "failed"
    assert "cut off" in failed["detail"]
    assert service.operator.get("/v1/locations", source=source)["items"] == []


def test_no_upload_is_left_on_the_disk(service: Service) -> None:
    source = f"left-{secrets.token_hex(4)}"
    send(service, collection(feature(f"{source}:1", -72, 100)), source)
    send(service, json.dumps({"type": "FeatureCollection"}).encode(), source)
    assert list(service.context.settings.data.glob(importing.UPLOADS)) == []
