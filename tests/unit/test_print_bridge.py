"""The bridge between the till's page and a label printer: a real listener plays the printer."""

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dropoff.print_bridge import Bridge, DevicePrinter, NetworkPrinter, Printer, origin_of, printer_of, token_in

ORIGIN = "https://returns.example.org"
TOKEN = "0123456789abcdef"
ZPL = b"^XA^FO10,10^FDT0000000017^FS^XZ"


class Listener:
    """A printer on a socket: keeps what each connection sent."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.jobs: list[bytes] = []
        self.arrived = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            with connection:
                job = b""
                while chunk := connection.recv(4096):
                    job += chunk
            self.jobs.append(job)
            self.arrived.set()

    def close(self) -> None:
        self._server.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.close()


@pytest.fixture
def start() -> Iterator[Any]:
    bridges: list[Bridge] = []

    def run(printer: Printer) -> Bridge:
        bridge = Bridge(0, printer, ORIGIN, TOKEN, lambda _: None)
        threading.Thread(target=bridge.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        bridges.append(bridge)
        return bridge

    yield run
    for bridge in bridges:
        bridge.shutdown()
        bridge.server_close()


def ask(bridge: Bridge, method: str = "POST", path: str = "/print", body: bytes = ZPL, **headers: str) -> Any:
    known = {"Origin": ORIGIN, "Authorization": f"Bearer {TOKEN}", "Content-Type": "application/zpl"}
    connection = http.client.HTTPConnection("127.0.0.1", bridge.port, timeout=10)
    try:
        sent = {name.replace("_", "-"): value for name, value in (known | headers).items() if value}
        connection.request(method, path, body if method == "POST" else None, sent)
        response = connection.getresponse()
        text = response.read()
        return response.status, dict(response.getheaders()), json.loads(text) if text else None
    finally:
        connection.close()


def test_a_label_comes_to_a_network_printer_as_it_is(listener: Listener, start: Any) -> None:
    bridge = start(NetworkPrinter("127.0.0.1", listener.port))
    status, headers, told = ask(bridge)
    assert (status, told) == (200, {"printed": True})
    assert headers["Access-Control-Allow-Origin"] == ORIGIN
    assert listener.arrived.wait(10)
    assert listener.jobs == [ZPL]


def test_a_device_gets_it_too(tmp_path: Path, start: Any) -> None:
    device = tmp_path / "lp0"
    bridge = start(DevicePrinter(device))
    assert ask(bridge)[0] == 200
    assert ask(bridge)[0] == 200
    assert device.read_bytes() == ZPL * 2


def test_the_browser_may_ask_before_it_sends(listener: Listener, start: Any) -> None:
    bridge = start(NetworkPrinter("127.0.0.1", listener.port))
    status, headers, _ = ask(bridge, "OPTIONS", Authorization="", Access_Control_Request_Private_Network="true")
    assert status == 204
    assert headers["Access-Control-Allow-Private-Network"] == "true"
    assert "authorization" in headers["Access-Control-Allow-Headers"]
    assert ask(bridge, "GET", "/")[2] == {"printer": f"127.0.0.1:{listener.port}"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": ""}, 403),
        ({"Host": "evil.example:9109"}, 403),
        ({"Authorization": ""}, 401),
        ({"Authorization": "Bearer 0123456789abcdee"}, 401),
    ],
)
def test_nobody_else_prints(listener: Listener, start: Any, headers: dict[str, str], status: int) -> None:
    bridge = start(NetworkPrinter("127.0.0.1", listener.port))
    found, answered, _ = ask(bridge, **headers)
    assert found == status
    assert answered["Access-Control-Allow-Origin"] == ORIGIN
    assert listener.jobs == []


def test_what_is_no_label_is_refused(listener: Listener, start: Any) -> None:
    bridge = start(NetworkPrinter("127.0.0.1", listener.port))
    assert ask(bridge, body=b"hello")[0] == 422
    assert ask(bridge, path="/other")[0] == 422
    assert ask(bridge, body=b"", Content_Length="2000000")[0] == 413
    assert listener.jobs == []


def test_a_printer_that_is_off_is_told(start: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    status, _, told = ask(start(NetworkPrinter("127.0.0.1", port)))
    assert status == 502
    assert "does not answer" in told["detail"]


def test_the_token_is_made_once_and_kept_from_others(tmp_path: Path) -> None:
    path = tmp_path / "token"
    token = token_in(path)
    assert token_in(path) == token
    assert path.stat().st_mode & 0o077 == 0
    path.write_text("short\n")
    with pytest.raises(ValueError, match="too short"):
        token_in(path)


def test_printers_and_origins_as_they_are_written() -> None:
    assert printer_of("192.0.2.7").name == "192.0.2.7:9100"
    assert printer_of("printer.local:6101").name == "printer.local:6101"
    assert printer_of("/dev/usb/lp0").name == "/dev/usb/lp0"
    assert origin_of("https://Returns.Example.org/") == ORIGIN
    for wrong in ("returns.example.org", "https://returns.example.org/till", "ftp://x"):
        with pytest.raises(ValueError, match="origin"):
            origin_of(wrong)
    with pytest.raises(ValueError, match="printer"):
        printer_of("printer:port")
