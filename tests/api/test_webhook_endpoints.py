"""Webhook endpoints, the retailer's log and the operator's jobs, over HTTP."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from standardwebhooks import Webhook
from tests.api.retailer_world import issued, open_retailer
from tests.service import Service

from dropoff.events import jobs


class Sink:
    def __init__(self) -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.bell = threading.Condition()


@contextmanager
def listening(sink: Sink) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["content-length"]))
            self.send_response(204)
            self.end_headers()
            with sink.bell:
                sink.received.append(({k.lower(): v for k, v in self.headers.items()}, content))
                sink.bell.notify_all()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hooks"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_return_reaches_its_retailer_as_a_signed_webhook_and_in_its_log(service: Service) -> None:
    retailer = open_retailer(service)
    sink = Sink()
    with listening(sink) as url:
        endpoint = retailer.post("/v1/webhook-endpoints", {"url": url, "events": ["return.issued"]})
        made = issued(retailer)
        with sink.bell:
            assert sink.bell.wait_for(lambda: sink.received, 30)
    ((headers, content),) = sink.received
    told = Webhook(endpoint["secret"]).verify(content, headers)
    assert told["type"] == "return.issued"
    assert made["id"] in json.dumps(told["data"])
    (logged,) = [event for event in retailer.get("/v1/events")["items"] if event["type"] == "return.issued"]
    assert logged["id"] == headers["webhook-id"]
    assert logged["data"] == told["data"]
    (delivery,) = retailer.get(f"/v1/webhook-endpoints/{endpoint['id']}/deliveries")["items"]
    assert delivery["event"] == logged["id"]


def test_an_endpoint_is_listed_rotated_and_deleted_and_its_secret_shown_once(service: Service) -> None:
    retailer = open_retailer(service)
    made = retailer.post("/v1/webhook-endpoints", {"url": "http://127.0.0.1:9/x", "events": ["*"]})
    assert made["secret"].startswith("whsec_")
    listed = retailer.get("/v1/webhook-endpoints")["items"]
    assert [item["id"] for item in listed] == [made["id"]]
    assert "secret" not in json.dumps(listed)
    rotated = retailer.post(f"/v1/webhook-endpoints/{made['id']}/rotate", status=200)
    assert rotated["secret"] != made["secret"]
    path = f"/v1/webhook-endpoints/{made['id']}"
    assert retailer.call("DELETE", path, key=None).status_code == 204
    assert retailer.call("DELETE", path, key=None).status_code == 404
    assert retailer.call("GET", path).status_code == 404
    assert retailer.get("/v1/webhook-endpoints")["items"] == []


def test_repeating_the_creation_with_its_key_answers_the_same_secret(service: Service) -> None:
    retailer = open_retailer(service)
    body = {"url": "http://127.0.0.1:9/x", "events": ["*"]}
    first = retailer.post("/v1/webhook-endpoints", body, key="once")
    assert retailer.post("/v1/webhook-endpoints", body, key="once") == first
    assert len(retailer.get("/v1/webhook-endpoints")["items"]) == 1


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"url": "ftp://example.com/"}, "/url"),
        ({"url": "https://user:pass@example.com/"}, "/url"),
        ({"url": 7}, "/url"),
        ({}, "/url"),
        ({"url": "https://example.com/", "events": []}, "/events"),
        ({"url": "https://example.com/", "events": ["refund.dew"]}, "/events/0"),
        ({"url": "https://example.com/" + "a" * 2001}, "/url"),
    ],
)
def test_a_bad_endpoint_is_refused_with_a_pointer(service: Service, body: dict[str, Any], pointer: str) -> None:
    retailer = open_retailer(service)
    problem = retailer.post("/v1/webhook-endpoints", body, status=422)
    assert problem["errors"][0]["pointer"] == pointer
    assert retailer.get("/v1/webhook-endpoints")["items"] == []


def test_the_log_is_paged_by_an_opaque_cursor_and_kept_apart(service: Service) -> None:
    retailer, other = open_retailer(service), open_retailer(service)
    for n in range(4):
        issued(retailer, order=f"SO-{n}")
    issued(other)
    everything = [event["id"] for event in retailer.get("/v1/events", limit=200)["items"]]
    assert len(everything) >= 4
    seen: list[str] = []
    page = retailer.get("/v1/events", limit=2)
    while True:
        seen += [event["id"] for event in page["items"]]
        if page["next"] is None:
            break
        page = retailer.get("/v1/events", limit=2, after=page["next"])
    assert seen == everything
    assert retailer.get("/v1/events", after=page["cursor"])["items"] == []
    issued(retailer, order="SO-new")
    fresh = retailer.get("/v1/events", after=page["cursor"])["items"]
    assert "return.issued" in {event["type"] for event in fresh}
    assert not set(everything) & {event["id"] for event in other.get("/v1/events")["items"]}
    assert retailer.call("GET", "/v1/events", params={"after": "nonsense"}).status_code == 422
    assert retailer.call("GET", "/v1/events", params={"limit": "0"}).status_code == 422
    assert service.public.call("GET", "/v1/events").status_code == 401


def test_dead_jobs_are_listed_and_replayed_by_the_operator_only(service: Service) -> None:
    retailer = open_retailer(service)
    db = service.context.db
    db.write_sync(lambda tx: jobs.enqueue(tx, "nobody's", {}, key=retailer.http.headers["authorization"]))
    (claimed,) = db.write_sync(jobs.claim, ["nobody's"], 10, 60.0)
    db.write_sync(jobs.fail, claimed, "broken", None, True)
    dead = service.operator.get("/v1/jobs", state="dead", limit=200)["items"]
    assert claimed.id in {job["id"] for job in dead}
    shown = service.operator.get(f"/v1/jobs/{claimed.id}")
    assert (shown["last_error"], shown["history"][0]["error"]) == ("broken", "broken")
    assert service.operator.post(f"/v1/jobs/{claimed.id}/replay", status=200)["state"] == "ready"
    assert service.operator.post(f"/v1/jobs/{claimed.id}/replay", status=409)["type"].endswith("/job-not-dead")
    assert service.operator.call("GET", "/v1/jobs/job_none").status_code == 404
    assert service.operator.call("GET", "/v1/jobs", params={"state": "lost"}).status_code == 422
    for method, path in (("GET", "/v1/jobs"), ("POST", f"/v1/jobs/{claimed.id}/replay")):
        assert retailer.call(method, path).status_code == 403
