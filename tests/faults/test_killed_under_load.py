"""Server and worker are killed with -9 again and again while the main job runs in parallel: what was answered stands,
nothing is half made, nothing happens twice, every job runs and every event arrives."""

import json
import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from tests.api.chain import Chain, order, retailer, stamp, tag, till, wish
from tests.invariants import broken, unfinished
from tests.service import OPERATOR_KEY, Client, Service

from dropoff.db import Database
from dropoff.events.store import settled_events
from dropoff.events.tables import job
from dropoff.events.webhooks import TYPES

SHOPS = 4
ROUNDS = 2
KILLS = 4
PATIENCE_S = 90


class Process:
    """`dropoff` with these arguments, started again each time it is killed."""

    def __init__(self, environment: dict[str, str], log: Path, *arguments: str) -> None:
        self._command = [sys.executable, "-m", "dropoff.cli", *arguments]
        self._environment = environment
        self.log = log
        self._start()

    def _start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self._command, env=self._environment, stdout=log, stderr=log)

    def kill(self) -> None:
        self.process.kill()
        assert self.process.wait(30) == -signal.SIGKILL, self.log.read_text()[-3000:]
        self._start()

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(30)


class Stubborn(Client):
    """Asks again with the same key until it is answered, as every client should."""

    answered: Callable[[], None] = staticmethod(lambda: None)

    def call(
        self, method: str, path: str, body: Any = None, *, key: str | None = "fresh", **more: Any
    ) -> httpx.Response:
        key = secrets.token_hex(8) if key == "fresh" else key
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                response = super().call(method, path, body, key=key, **more)
                if response.status_code != 503 and '"idempotency-key-in-use"' not in response.text:
                    self.answered()
                    return response
            except httpx.TransportError:
                pass
            assert time.monotonic() < until, f"{method} {path} was not answered"
            time.sleep(0.05)  # the server is being started again


class Remote(Service):
    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.operator = Stubborn(base_url, OPERATOR_KEY)
        self.public = Stubborn(base_url)

    def client(self, token: str) -> Client:
        return Stubborn(self.base_url, token)


@contextmanager
def hooks(heard: dict[str, int]) -> Iterator[str]:
    """Counts deliveries by event."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            heard[self.headers["webhook-id"]] = heard.get(self.headers["webhook-id"], 0) + 1
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Shop:
    """One retailer with a till of its own at a common place, and what it was told."""

    def __init__(self, service: Service, place: str, hook: str) -> None:
        self.service = service
        self.id, self.client = retailer(service)
        _, self.till = till(service, place)
        lane = {"origin": {"location": place}, "destination": {"retailer": self.id}, "carrier": "courier"}
        service.operator.post("/v1/lanes", lane | {"service": "standard", "days": "Mo-Su", "cutoff": "23:59"})
        self.client.post("/v1/webhook-endpoints", {"url": hook})
        self.returns: dict[str, str] = {}

    def work(self) -> None:
        for number in range(ROUNDS):
            self._main_job(undo=number == 1)

    def _main_job(self, *, undo: bool) -> None:
        made = self._issue("JACKET", "SOCKS")
        bag = self.till.post("/v1/counter/containers", {"kind": "bag"})
        handed = self._hand_in(made, bag["id"])
        if undo:
            undone = self.till.post(f"/v1/counter/hand-ins/{handed['hand_in']}/undo", status=200)
            assert undone["verdict"] == "accepted", undone
            handed = self._hand_in(made, bag["id"])
        cancelled = self._issue("JACKET")
        self.client.post(f"/v1/returns/{cancelled['id']}/cancel", status=200)
        self.till.post(f"/v1/counter/containers/{bag['id']}/seal", {}, 200)
        shipment = self._ship(bag["sscc"])
        named = {"containers": [{"sscc": bag["sscc"]}], "shipment": shipment}
        handover = self.till.post("/v1/counter/handovers", named, 200)
        assert handover["handed_over"] == [bag["sscc"]], handover
        receipt = {"sscc": bag["sscc"], "parcels": [handed["tag"]], "complete": True}
        assert self.client.post("/v1/receipts", receipt, 200)["received"] == [handed["tag"]]
        units = [unit["id"] for unit in made["units"]]
        for unit in units:
            self.client.post("/v1/inspections", {"unit": unit, "condition": "as_new", "disposition": "restock"}, 200)
        paid = {"units": units, "amount": 99800, "currency": "DKK", "reference": made["id"]}
        self.client.post(f"/v1/returns/{made['id']}/refunds", paid)
        self.returns |= {made["id"]: "resolved", cancelled["id"]: "cancelled"}

    def _issue(self, *skus: str) -> dict[str, Any]:
        reference = self.client.post("/v1/orders", order())["reference"]
        made: dict[str, Any] = self.client.post("/v1/returns", wish(reference, *skus))
        return made

    def _hand_in(self, made: dict[str, Any], bag: str) -> dict[str, Any]:
        used = tag()
        body = {
            "pass": made["pass"]["url"],
            "parcels": [{"tag": used, "units": [unit["id"] for unit in made["units"]], "weight_g": 700}],
            "refused": [],
            "container": bag,
            "scanned_at": stamp(),
        }
        answer = self.till.post("/v1/counter/hand-ins", body, 200)
        assert answer["verdict"] == "accepted", answer
        return answer | {"tag": used}

    def _ship(self, sscc: str) -> str:
        """Without a key: a run whose server died is planned anew by the next."""
        until = time.monotonic() + PATIENCE_S
        as_of = (datetime.now(UTC) + timedelta(hours=26)).isoformat()
        while time.monotonic() < until:
            for one in self.client.get("/v1/shipments")["items"]:
                if one["status"] == "booked" and sscc in str(one["containers"]):
                    return str(one["id"])
            self.service.operator.post("/v1/consolidation-runs", {"as_of": as_of}, key=None)
            time.sleep(0.3)  # between two looks, of which each is a run
        raise AssertionError(f"{sscc} was not booked")


class Killer(threading.Thread):
    """Kills one or the other each time a number of calls was answered, and lets the leases of the dead run out."""

    def __init__(self, server: Process, worker: Process, db: Database, seed: int) -> None:
        super().__init__(daemon=True)
        self._chance = random.Random(seed)
        self._victims = [server, worker]
        self._db = db
        self._bell = threading.Condition()
        self._answers = 0
        self.killed = 0
        self.failure: BaseException | None = None

    def answered(self) -> None:
        with self._bell:
            self._answers += 1
            self._bell.notify()

    def run(self) -> None:
        try:
            for number in range(KILLS):
                wanted = self._answers + self._chance.randint(10, 25)
                with self._bell:
                    if not self._bell.wait_for(lambda at=wanted: self._answers >= at, PATIENCE_S):
                        return
                time.sleep(self._chance.random() * 0.05)  # anywhere in a request, not only after an answer
                self._victims[number % 2].kill()
                self.killed += 1
                past = datetime.now(UTC) - timedelta(seconds=1)
                over = sa.update(job).where(job.c.state == "running").values(lease_until=past)
                self._db.write_sync(lambda tx, over=over: tx.change(over))
        except BaseException as error:
            self.failure = error


@pytest.mark.timeout(300)  # a busy machine starts processes slowly
def test_the_main_job_survives_kills_of_server_and_worker(database_url: str, tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    base_url = f"http://127.0.0.1:{port}"
    environment = {
        "PATH": os.environ["PATH"],
        "DROPOFF_DATABASE_URL": database_url,
        "DROPOFF_DATA": str(tmp_path),
        "DROPOFF_BASE_URL": base_url,
        "DROPOFF_SECRET": "a-secret-for-tests-only-0123456789",
        "DROPOFF_OPERATOR_KEY": OPERATOR_KEY,
        "DROPOFF_WEBHOOK_ALLOW_PRIVATE": "true",
        "DROPOFF_LOG_LEVEL": "warning",
    }
    heard: dict[str, int] = {}
    seed = secrets.randbits(32)
    print(f"seed {seed}")
    server = Process(environment, tmp_path / "server.log", "serve", "--no-worker", "--port", str(port))
    worker = Process(environment, tmp_path / "worker.log", "worker")
    with closing(Database(database_url)) as db, hooks(heard) as hook, ThreadPoolExecutor(SHOPS) as threads:
        try:
            service = Remote(base_url)
            place = Chain(service).places[0]
            shops = [Shop(service, place, hook) for _ in range(SHOPS)]
            killer = Killer(server, worker, db, seed)
            Stubborn.answered = staticmethod(killer.answered)
            killer.start()
            for done in [threads.submit(shop.work) for shop in shops]:
                done.result(200)
            killer.join(PATIENCE_S)
            assert (killer.failure, killer.killed) == (None, KILLS)
            _drain(db)
            assert broken(db) == []
            for shop in shops:
                for return_id, status in shop.returns.items():
                    assert shop.client.get(f"/v1/returns/{return_id}")["status"] == status
                _all_told(db, shop.id, heard)
        finally:
            Stubborn.answered = staticmethod(lambda: None)
            stopped = [server.stop(), worker.stop()]
    assert stopped == [0, 0], server.log.read_text()[-2000:] + worker.log.read_text()[-2000:]
    for line in (server.log.read_text() + worker.log.read_text()).splitlines():
        assert json.loads(line)["level"] != "error", line


def _drain(db: Database) -> None:
    """Runs are looked after two minutes later; here they are so at once."""
    now = datetime.now(UTC)
    resumed = sa.update(job).where(job.c.kind == "freight.run", job.c.state == "ready").values(run_at=now)
    db.write_sync(lambda tx: tx.change(resumed))
    until = time.monotonic() + PATIENCE_S
    while left := unfinished(db):
        assert time.monotonic() < until, left
        time.sleep(0.1)  # between two looks


def _all_told(db: Database, retailer_id: str, heard: dict[str, int]) -> None:
    logged = db.read_sync(settled_events, (0, 0), 10_000, retailer_id, None)
    wanted = [row.id for row in logged if row.type in TYPES]
    assert len(wanted) > ROUNDS * 8
    assert [one for one in wanted if one not in heard] == []
