"""The program itself, as an operator starts it: what it writes to its log, and how it ends."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest
from tests import databases
from tests.api.chain import Chain, order
from tests.service import OPERATOR_KEY, Client, Service

START_S = 60


class Process:
    def __init__(self, folder: Path, database_url: str, port: int) -> None:
        self.log = folder / "log"
        self.base_url = f"http://127.0.0.1:{port}"
        self.port = port
        environment = {
            "PATH": os.environ["PATH"],
            "DROPOFF_DATABASE_URL": database_url,
            "DROPOFF_DATA": str(folder),
            "DROPOFF_BASE_URL": self.base_url,
            "DROPOFF_SECRET": "a-secret-for-tests-only-0123456789",
            "DROPOFF_OPERATOR_KEY": OPERATOR_KEY,
        }
        command = [sys.executable, "-m", "dropoff.cli", "serve", "--port", str(port)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        self._wait()

    def _wait(self) -> None:
        until = time.monotonic() + START_S
        while time.monotonic() < until and self.process.poll() is None:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.base_url}/health/ready", trust_env=False).status_code == 200:
                    return
            time.sleep(0.1)  # between two tries
        raise AssertionError(f"the service did not start:\n{self.log.read_text()[-3000:]}")

    def lines(self) -> list[str]:
        return self.log.read_text(encoding="utf-8").splitlines()

    def lines_of(self, request_id: str) -> list[str]:
        """The line is written when the answer is out, so it may come a moment later."""
        until = time.monotonic() + START_S
        while not (found := [line for line in self.lines() if request_id in line]) and time.monotonic() < until:
            time.sleep(0.01)  # between two looks
        return found


@contextlib.contextmanager
def started(folder: Path, database_url: str) -> Iterator[Process]:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    process = Process(folder, database_url, port)
    try:
        yield process
    finally:
        process.process.kill()
        process.process.wait()


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def process(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """One for all that only look at it."""
    folder: Path = tmp_path_factory.mktemp("process")
    if request.param == "sqlite":
        with started(folder, f"sqlite:///{folder}/dropoff.sqlite3") as one:
            yield one
        return
    server, template = request.getfixturevalue("postgres_url"), request.getfixturevalue("postgres_template")
    for url in databases.fresh(server, template):
        with started(folder, url) as one:
            yield one


class Remote(Service):
    """The same world factory for a service in another process."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.operator = Client(base_url, OPERATOR_KEY)
        self.public = Client(base_url)


def test_the_log_is_json_and_knows_nobody(process: Process) -> None:
    service = Remote(process.base_url)
    chain = Chain(service)
    pass_code, short = chain.travelling["pass"]["code"], chain.travelling["pass"]["short_code"]
    service.public.call("GET", f"/p/{pass_code}")
    service.public.call("GET", f"/v1/passes/{pass_code.lower()}")
    service.public.call("GET", chain.verdict["receipt"]["url"].removeprefix(process.base_url))
    service.public.call("GET", "/v1/locations?q=Nobody+Knows+This")
    chain.till.call("POST", "/v1/counter/scans", {"text": short})
    wrong = order() | {"currency": "Ødegård"}
    assert chain.shop.call("POST", "/v1/orders", wrong).status_code == 422
    text = "\n".join(process.lines())
    secret = [
        "degård",
        "\\u00d8degård",
        "aesa",
        "example.org",
        pass_code,
        pass_code.lower(),
        short,
        chain.verdict["receipt"]["token"],
        "Nobody",
        OPERATOR_KEY,
        chain.shop.http.headers["authorization"].removeprefix("Bearer "),
        chain.till.http.headers["authorization"].removeprefix("Bearer "),
    ]
    assert [one for one in secret if one in text] == []
    entries = [msgspec.json.decode(line) for line in process.lines()]
    requests = [entry for entry in entries if entry["event"] == "request"]
    assert all({"request_id", "method", "route", "status", "ms", "who"} <= set(entry) for entry in requests)
    seen = {(entry["route"], entry["who"]) for entry in requests}
    assert ("/p/{code}", "anyone") in seen
    assert ("/v1/orders", f"retailer:{chain.retailer_id}") in seen
    assert ("/v1/counter/hand-ins", f"device:{chain.device_id}") in seen


def test_an_answer_and_its_log_line_share_an_id(process: Process) -> None:
    answer = httpx.get(f"{process.base_url}/v1/keys", trust_env=False)
    request_id = answer.headers["x-request-id"]
    entries = [msgspec.json.decode(line) for line in process.lines_of(request_id)]
    assert [(entry["route"], entry["status"]) for entry in entries] == [("/v1/keys", 401)]


def test_sigterm_lets_what_runs_finish_and_ends_well(database_url: str, tmp_path: Path) -> None:
    """A request is half sent when the signal comes: it is still answered, nothing new is taken, the exit is clean."""
    with started(tmp_path, database_url) as process:
        _is_asked_and_told_to_end(process)


def _is_asked_and_told_to_end(process: Process) -> None:
    key = Client(process.base_url, OPERATOR_KEY)
    body = msgspec.json.encode(
        {
            "name": "Last",
            "slug": "last",
            "country": "DK",
            "currency": "DKK",
            "locale": "da",
            "return_address": {"name": "W", "street": "S 1", "postcode": "2650", "city": "H", "country": "DK"},
            "policy": {"window_days": 30, "refund_at": "hand_in", "resolutions": ["refund"]},
        }
    )
    head = (
        f"POST /v1/retailers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {OPERATOR_KEY}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    with socket.create_connection(("127.0.0.1", process.port)) as connection:
        connection.settimeout(30)
        connection.sendall(head + body[:20])
        # The server has read the head once it answers another question that came later.
        key.get("/v1/keys")
        key.http.close()
        process.process.send_signal(signal.SIGTERM)
        _wait_for_log(process, "Shutting down")
        connection.sendall(body[20:])
        answer = connection.recv(65536).decode()
    assert re.match(r"HTTP/1\.1 201 ", answer), answer
    assert process.process.wait(30) == 0
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{process.base_url}/health/live", trust_env=False)


def _wait_for_log(process: Process, text: str) -> None:
    for _ in range(300):
        if any(text in line for line in process.lines()):
            return
        time.sleep(0.1)  # between two looks
    raise AssertionError(f"the log never said {text!r}")


def test_a_port_that_is_taken_is_said_at_once(process: Process, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "dropoff.cli", "serve", "--port", str(process.port)]
    environment = {"PATH": os.environ["PATH"], "DROPOFF_DATA": str(tmp_path / "second")}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 2
    assert "--port" in result.stderr
