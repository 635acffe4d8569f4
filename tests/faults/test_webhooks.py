"""Webhooks against real HTTP servers on loopback, on both databases, to the letter of Standard Webhooks."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import sqlalchemy as sa
from standardwebhooks import Webhook, WebhookVerificationError

from dropoff.db import Database
from dropoff.db.vault import Vault
from dropoff.events import cursors, jobs, log, webhooks
from dropoff.events.delivery import Sender
from dropoff.events.tables import job as job_table
from dropoff.events.tables import webhook_delivery
from dropoff.events.worker import Worker
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem

SHOP, OTHER = "rtl_shop", "rtl_other"


class Receiver:
    """Answers the planned statuses in turn, then 200; keeps what it was sent."""

    def __init__(self) -> None:
        self.plan: list[tuple[int, dict[str, str]]] = []
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.endless_body = False
        self.hold: threading.Event | None = None
        self.arrived = threading.Event()
        self.at_once = self.most_at_once = 0
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["content-length"]))
                with receiver._lock:
                    receiver.received.append(({k.lower(): v for k, v in self.headers.items()}, content))
                    status, headers = receiver.plan.pop(0) if receiver.plan else (200, {})
                    receiver.at_once += 1
                    receiver.most_at_once = max(receiver.at_once, receiver.most_at_once)
                receiver.arrived.set()
                if receiver.hold is not None:
                    receiver.hold.wait(30)
                with receiver._lock:
                    receiver.at_once -= 1
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if receiver.endless_body:
                    self.end_headers()
                    self._never_end()
                    return
                if status in (204, 304):
                    self.end_headers()
                    return
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def _never_end(self) -> None:
                self.close_connection = True
                try:
                    while True:
                        self.wfile.write(b"x" * 65536)
                except OSError:
                    return

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook?shop=1"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def types(self) -> list[str]:
        return [json.loads(content)["type"] for _, content in self.received]

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.received]


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    try:
        yield receiver
    finally:
        receiver.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


class World:
    def __init__(self, db: Database) -> None:
        self.db = db
        self.vault = Vault("a-secret-for-tests-only")
        self.sender = Sender(db, self.vault, allow_private=True)
        self.worker = Worker(db, {webhooks.JOB: self.sender.deliver}, [webhooks.CONSUMER])

    def endpoint(
        self, url: str, *events: str, retailer: str = SHOP, live: bool = True, allow_private: bool = True
    ) -> webhooks.NewEndpointView:
        new = webhooks.NewEndpoint(retailer, live, url, list(events) or ["*"], allow_private, now())
        made = self.db.write_sync(webhooks.add_endpoint, self.vault, new)
        assert isinstance(made, webhooks.NewEndpointView), made
        return made

    def happen(self, kind: str = "return.issued", *, retailer: str | None = SHOP, live: bool = True) -> str:
        event = log.Event(
            type=kind, actor="system", at=now(), live=live, retailer_id=retailer, data={"return": "ret_1", "æ": "ø"}
        )
        return self.db.write_sync(lambda tx: log.append(tx, event))[0]

    def run(self) -> None:
        self.worker.run_due()

    def pauses(self) -> list[float]:
        """Seconds until each waiting job runs again."""
        query = sa.select(job_table.c.run_at).where(job_table.c.state == "ready")
        return [
            (row.run_at - datetime.now(UTC)).total_seconds() for row in self.db.read_sync(lambda tx: tx.read(query))
        ]

    def make_due(self) -> None:
        past = datetime.now(UTC) - timedelta(seconds=1)
        due = sa.update(job_table).where(job_table.c.state == "ready").values(run_at=past)
        self.db.write_sync(lambda tx: tx.change(due))

    def delivery(self) -> Any:
        (row,) = self.db.read_sync(lambda tx: tx.read(sa.select(webhook_delivery)))
        return row

    def endpoint_state(self, endpoint_id: str, retailer: str = SHOP) -> Any:
        return self.db.read_sync(webhooks.find_endpoint, retailer, endpoint_id)


@pytest.fixture
def world(db: Database) -> Iterator[World]:
    made = World(db)
    yield made
    made.sender.close()


def test_a_delivery_is_signed_and_shaped_as_the_standard_says(world: World, receiver: Receiver) -> None:
    endpoint = world.endpoint(receiver.url)
    assert endpoint.secret.startswith("whsec_")
    event_id = world.happen()
    world.run()
    ((headers, content),) = receiver.received
    assert headers["webhook-id"] == event_id
    assert headers["content-type"] == "application/json"
    assert int(headers["content-length"]) == len(content)
    assert "transfer-encoding" not in headers
    assert abs(int(headers["webhook-timestamp"]) - datetime.now(UTC).timestamp()) < 60
    body = Webhook(endpoint.secret).verify(content, headers)
    assert set(body) == {"type", "timestamp", "data"}
    assert body["type"] == "return.issued"
    assert body["data"] == {"return": "ret_1", "æ": "ø"}
    assert datetime.fromisoformat(body["timestamp"]).tzinfo is not None
    assert body["timestamp"].endswith("Z")
    delivery = world.delivery()
    assert (delivery.state, delivery.attempts, delivery.last_status) == ("delivered", 1, 200)


def test_a_refused_delivery_comes_again_under_the_same_id(world: World, receiver: Receiver) -> None:
    endpoint = world.endpoint(receiver.url)
    receiver.plan = [(500, {}), (404, {})]
    event_id = world.happen()
    world.run()
    (pause,) = world.pauses()
    assert 4 < pause < 6  # the first retry comes within ten seconds
    world.make_due()
    world.run()
    (pause,) = world.pauses()
    assert 299 < pause < 331
    world.make_due()
    world.run()
    assert receiver.ids == [event_id] * 3
    assert len({content for _, content in receiver.received}) == 1
    for headers, content in receiver.received:
        Webhook(endpoint.secret).verify(content, headers)
    assert (world.delivery().state, world.delivery().attempts) == ("delivered", 3)


def test_the_schedule_is_kept_and_its_end_is_a_dead_letter_that_can_be_replayed(
    world: World, receiver: Receiver
) -> None:
    world.endpoint(receiver.url)
    receiver.plan = [(503, {})] * 10
    event_id = world.happen()
    pauses = []
    for _ in range(10):
        world.run()
        pauses += world.pauses()
        world.make_due()
    hours = 3600
    wanted = [5, 300, 1800, 2 * hours, 5 * hours, 10 * hours, 14 * hours, 20 * hours, 24 * hours]
    assert len(pauses) == len(wanted)
    for pause, planned in zip(pauses, wanted, strict=True):
        assert planned - 2 <= pause <= planned * 1.1 + 1
    assert len(receiver.received) == 10
    assert world.delivery().state == "failed"
    (dead,) = world.db.read_sync(jobs.list_jobs, "dead", "", 10).items
    world.db.write_sync(jobs.replay, dead.id)
    world.run()
    assert receiver.ids == [event_id] * 11
    assert world.delivery().state == "delivered"


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured(world: World, receiver: Receiver, status: int) -> None:
    world.endpoint(receiver.url)
    in_an_hour = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    receiver.plan = [
        (status, {"Retry-After": "600"}),
        (status, {"Retry-After": in_an_hour}),
        (status, {"Retry-After": "999999999"}),
        (status, {"Retry-After": "soon"}),
    ]
    world.happen()
    pauses = []
    for _ in receiver.plan.copy():
        world.run()
        pauses += world.pauses()
        world.make_due()
    assert 595 < pauses[0] < 605
    assert 3500 < pauses[1] < 3605
    assert 86_000 < pauses[2] < 86_405  # bounded to a day
    assert 7100 < pauses[3] < 8000  # unreadable: the schedule's


def test_only_2xx_is_success_and_redirects_are_not_followed(world: World, receiver: Receiver) -> None:
    with receiving() as elsewhere:
        world.endpoint(receiver.url)
        statuses = [301, 302, 307, 308, 304, 400]
        receiver.plan = [(status, {"Location": elsewhere.url}) for status in statuses] + [(204, {})]
        world.happen()
        for status in statuses:
            world.run()
            assert (world.delivery().state, world.delivery().last_status) == ("pending", status)
            world.make_due()
        world.run()
        assert world.delivery().state == "delivered"
        assert elsewhere.received == []


def test_410_ends_the_endpoint_and_says_so_in_the_log(world: World, receiver: Receiver) -> None:
    endpoint = world.endpoint(receiver.url)
    receiver.plan = [(410, {})]
    world.happen()
    world.run()
    world.happen()
    world.run()
    assert len(receiver.received) == 1
    assert world.pauses() == []
    state = world.endpoint_state(endpoint.id)
    assert state.disabled_at is not None
    assert "410" in state.disabled_reason
    told = world.db.read_sync(cursors.read_settled, cursors.START, 10, SHOP)
    assert [event.type for event in told] == ["return.issued", "webhook_endpoint.disabled", "return.issued"]


def test_what_waits_for_a_deleted_endpoint_is_dropped(world: World, receiver: Receiver) -> None:
    endpoint = world.endpoint(receiver.url)
    receiver.plan = [(500, {})]
    world.happen()
    world.run()
    assert world.db.write_sync(webhooks.delete_endpoint, SHOP, endpoint.id, now()) is None
    world.make_due()
    world.run()
    assert len(receiver.received) == 1
    assert world.delivery().state == "dropped"
    assert isinstance(world.endpoint_state(endpoint.id), Problem)
    assert isinstance(world.db.write_sync(webhooks.delete_endpoint, SHOP, endpoint.id, now()), Problem)


def test_after_a_rotation_both_secrets_sign_for_a_while(world: World, receiver: Receiver) -> None:
    endpoint = world.endpoint(receiver.url)
    rotated = world.db.write_sync(webhooks.rotate_secret, world.vault, SHOP, endpoint.id, now())
    assert isinstance(rotated, webhooks.RotatedSecret)
    assert rotated.secret != endpoint.secret
    world.happen()
    world.run()
    headers, content = receiver.received[-1]
    assert len(headers["webhook-signature"].split(" ")) == 2
    for secret in (endpoint.secret, rotated.secret):
        Webhook(secret).verify(content, headers)

    two_days_ago = now() - timedelta(days=2)
    again = world.db.write_sync(webhooks.rotate_secret, world.vault, SHOP, endpoint.id, two_days_ago)
    assert isinstance(again, webhooks.RotatedSecret)
    world.happen()
    world.run()
    headers, content = receiver.received[-1]
    Webhook(again.secret).verify(content, headers)
    for old in (endpoint.secret, rotated.secret):  # their time is over
        with pytest.raises(WebhookVerificationError):
            Webhook(old).verify(content, headers)


def test_the_secret_lies_sealed_in_the_database(world: World, receiver: Receiver, database_url: str) -> None:
    endpoint = world.endpoint(receiver.url)
    secret = endpoint.secret.removeprefix("whsec_").encode()
    rows = world.db.read_sync(lambda tx: tx.read(sa.text("SELECT sealed_secret FROM webhook_endpoint")))
    assert secret not in bytes(rows[0][0])
    with pytest.raises(Exception, match="webhook secret"):
        webhooks.signing_secrets(Vault("another-secret-altogether"), endpoint.id, bytes(rows[0][0]), now())


def test_events_go_to_their_own_retailers_endpoints_only(world: World, receiver: Receiver) -> None:
    with receiving() as others, receiving() as tests, receiving() as picky:
        world.endpoint(receiver.url)
        world.endpoint(others.url, retailer=OTHER)
        world.endpoint(tests.url, retailer="rtl_test", live=False)
        world.endpoint(picky.url, "refund.due", "case.opened")
        world.happen("return.issued")
        world.happen("refund.due")
        world.happen("parcel.received", retailer=OTHER)
        world.happen("return.issued", retailer="rtl_test", live=False)
        world.happen("return.issued", live=False)  # a test thing never reaches a live endpoint
        world.happen("return.issued", retailer=None)
        world.happen("location.paused")  # not a type that is sent
        world.run()
        assert receiver.types == ["return.issued", "refund.due"]
        assert others.types == ["parcel.received"]
        assert tests.types == ["return.issued"]
        assert picky.types == ["refund.due"]


def test_the_fan_out_run_twice_sends_once(world: World, receiver: Receiver) -> None:
    world.endpoint(receiver.url)
    world.happen()
    world.run()
    events = world.db.read_sync(cursors.read_settled, cursors.START, 10)
    world.db.write_sync(webhooks.fan_out, events)
    world.run()
    assert len(receiver.received) == 1


def test_an_endpoint_hears_nothing_from_before_its_time(world: World, receiver: Receiver) -> None:
    old = log.Event(type="return.issued", actor="system", at=now() - timedelta(hours=1), live=True, retailer_id=SHOP)
    world.db.write_sync(lambda tx: log.append(tx, old))
    world.endpoint(receiver.url)
    world.run()
    assert receiver.received == []


def test_an_endless_answer_neither_hurts_nor_holds(world: World, receiver: Receiver) -> None:
    world.endpoint(receiver.url)
    receiver.endless_body = True
    world.happen()
    world.run()
    assert world.delivery().state == "delivered"


def test_a_receiver_that_is_gone_is_a_failure_like_any_other(world: World, receiver: Receiver) -> None:
    with receiving() as gone:
        url = gone.url
    world.endpoint(url)
    world.happen()
    world.run()
    assert (world.delivery().state, world.delivery().last_status) == ("pending", None)
    assert "Connect" in world.delivery().last_error
    assert len(world.pauses()) == 1


def test_private_targets_are_refused_at_the_door_and_on_the_way(world: World, receiver: Receiver) -> None:
    new = webhooks.NewEndpoint(SHOP, True, receiver.url, ["*"], False, now())
    refused = world.db.write_sync(webhooks.add_endpoint, world.vault, new)
    assert isinstance(refused, Problem)
    assert refused.errors[0].pointer == "/url"
    world.endpoint(receiver.url)  # made while it was allowed
    strict = Sender(world.db, world.vault, allow_private=False)
    worker = Worker(world.db, {webhooks.JOB: strict.deliver}, [webhooks.CONSUMER])
    world.happen()
    worker.run_due()
    strict.close()
    assert receiver.received == []
    assert "not a public" in world.delivery().last_error


def test_unknown_event_types_and_too_many_endpoints_are_refused(world: World, receiver: Receiver) -> None:
    new = webhooks.NewEndpoint(SHOP, True, receiver.url, ["*", "return.isued"], True, now())
    refused = world.db.write_sync(webhooks.add_endpoint, world.vault, new)
    assert isinstance(refused, Problem)
    assert refused.errors[0].pointer == "/events/1"
    for _ in range(webhooks.MAX_ENDPOINTS):
        world.endpoint(receiver.url)
    full = world.db.write_sync(
        webhooks.add_endpoint, world.vault, webhooks.NewEndpoint(SHOP, True, receiver.url, ["*"], True, now())
    )
    assert isinstance(full, Problem)


def test_another_tenants_endpoint_cannot_be_seen_or_touched(world: World, receiver: Receiver) -> None:
    endpoint = world.endpoint(receiver.url)
    calls = [
        world.db.read_sync(webhooks.find_endpoint, OTHER, endpoint.id),
        world.db.read_sync(webhooks.list_deliveries, OTHER, endpoint.id, "", 10),
        world.db.write_sync(webhooks.delete_endpoint, OTHER, endpoint.id, now()),
        world.db.write_sync(webhooks.rotate_secret, world.vault, OTHER, endpoint.id, now()),
    ]
    assert [call.code for call in calls if isinstance(call, Problem)] == ["not-found"] * 4
    assert world.db.read_sync(webhooks.list_endpoints, OTHER, "", 10).items == []
    assert world.endpoint_state(endpoint.id).disabled_at is None
    world.happen()
    world.run()
    Webhook(endpoint.secret).verify(receiver.received[0][1], receiver.received[0][0])


def test_deliveries_are_listed_the_newest_first(world: World, receiver: Receiver) -> None:
    endpoint = world.endpoint(receiver.url)
    events = [world.happen() for _ in range(3)]
    world.run()
    page = world.db.read_sync(webhooks.list_deliveries, SHOP, endpoint.id, "", 2)
    assert isinstance(page, webhooks.DeliveryPage)
    assert page.next is not None
    rest = world.db.read_sync(webhooks.list_deliveries, SHOP, endpoint.id, page.next, 2)
    assert isinstance(rest, webhooks.DeliveryPage)
    assert [item.event for item in page.items + rest.items] == events[::-1]
    assert rest.next is None


def test_a_running_worker_delivers_by_itself(world: World, receiver: Receiver) -> None:
    """Commit, wake, fan-out, wake, delivery, retry: nobody asks."""
    world.endpoint(receiver.url)
    world.worker.start()
    ids = [world.happen() for _ in range(20)]
    finished = threading.Event()
    world.db.on_wake("test", finished.set)
    deadline = datetime.now(UTC) + timedelta(seconds=60)
    while len(receiver.received) < 20 and datetime.now(UTC) < deadline:
        finished.wait(0.02)
    world.worker.stop()
    assert sorted(receiver.ids) == sorted(ids)


def test_a_receiver_that_hangs_holds_up_nobody_else(db: Database) -> None:
    """Thirty of its events wait in front of the one event of another retailer, and one of the house's own jobs."""
    world, hold, tidied = World(db), threading.Event(), threading.Event()
    with receiving() as slow, receiving() as quick:
        slow.hold = hold
        world.endpoint(slow.url, retailer=SHOP)
        world.endpoint(quick.url, retailer=OTHER)
        for _ in range(30):
            world.happen(retailer=SHOP)
        told = world.happen(retailer=OTHER)
        handlers = {webhooks.JOB: world.sender.deliver, "tidy": lambda _: tidied.set()}
        worker = Worker(db, handlers, [webhooks.CONSUMER], threads=6)
        worker.start()
        try:
            assert quick.arrived.wait(30)
            db.write_sync(jobs.enqueue, "tidy", {})
            assert tidied.wait(30)
            assert quick.ids == [told]
            assert slow.most_at_once <= 2
        finally:
            hold.set()
            worker.stop()
