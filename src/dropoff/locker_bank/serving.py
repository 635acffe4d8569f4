"""A simulated bank behind HTTP: the protocol under `/banks/…`, a page with its doors for whoever tries it out, and the
faults that tests ask for. For the loopback address: only the protocol asks for the key."""

import html
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import parse_qs, unquote

from dropoff.locker_bank.simulated import FAULTS, Answer, Door, Fault, SimulatedBank

BODY_MAX: Final = 100_000
STYLE: Final = (
    "body{font:16px/1.5 system-ui;margin:2rem auto;max-width:60rem;padding:0 1rem;color-scheme:light dark}"
    "ul{display:grid;grid-template-columns:repeat(auto-fill,minmax(13rem,1fr));gap:1rem;list-style:none;padding:0}"
    "li{border:2px solid;border-radius:.5rem;padding:.75rem}li.open{border-style:dashed}button{margin:.2rem 0}"
)


class BankServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, bank: SimulatedBank, port: int = 0, host: str = "127.0.0.1") -> None:
        self.bank = bank
        super().__init__((host, port), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    server: BankServer

    def _serve(self) -> None:
        length = self.headers.get("content-length") or "0"
        if not length.isdigit() or int(length) > BODY_MAX:
            self.close_connection = True
            return self._send(Answer(413))
        body = self.rfile.read(int(length))
        if self.path.startswith("/banks/"):
            return self._send(
                self.server.bank.answer(self.command, self.path, body, self.headers.get("authorization", ""))
            )
        if self.command == "GET" and self.path == "/":
            return self._send(Answer(200, page(self.server.bank).encode()), "text/html; charset=utf-8")
        if self.command == "POST" and self.path.startswith("/doors/"):
            return self._act(unquote(self.path.removeprefix("/doors/")), body)
        if self.command == "POST" and self.path == "/faults":
            return self._hold_fault(body)
        return self._send(Answer(404))

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - the names that http.server looks for

    def _act(self, number: str, body: bytes) -> None:
        fields = parse_qs(body.decode(errors="replace"))
        done = self.server.bank.act(number, fields.get("action", [""])[0])
        self._back() if done else self._send(Answer(409))

    def _hold_fault(self, body: bytes) -> None:
        fields = parse_qs(body.decode(errors="replace"))
        kind, seconds = fields.get("kind", [""])[0], fields.get("seconds", ["2"])[0]
        if kind not in FAULTS or not seconds.replace(".", "", 1).isdigit():
            return self._send(Answer(422))
        self.server.bank.hold_fault(Fault(kind, float(seconds)))
        return self._back()

    def _back(self) -> None:
        self.send_response(303)
        self.send_header("Location", "/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, answer: Answer, media_type: str = "application/json") -> None:
        try:
            if answer.dropped:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(answer.status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)
        except OSError:
            self.close_connection = True  # the caller did not wait; that is its right

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Quiet: the page shows what happened."""


def page(bank: SimulatedBank) -> str:
    """Its doors, and what a person in front of them can do. It loads itself anew every two seconds."""
    doors = "".join(_door(door) for door in bank.state.doors)
    faults = "".join(_button("/faults", "kind", kind, f"Next: {kind.replace('_', ' ')}") for kind in FAULTS)
    waiting = ", ".join(fault.kind for fault in bank.faults) or "none"
    name = html.escape(bank.name)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="2">'
        f'<meta name="viewport" content="width=device-width"><title>{name}</title><style>{STYLE}</style>'
        f"<h1>Lockers {name}</h1><ul>{doors}</ul><h2>What shall go wrong</h2>{faults}<p>Waiting: {waiting}</p></html>"
    )


def _door(door: Door) -> str:
    acts = {"put_in": "Put it in, shut", "shut": "Shut the door", "take_out": "Take it out, shut"}
    offered = {"put_in", "shut"} if not door.inside else {"take_out", "shut"}
    shown = acts if door.is_open else {"leave_junk": "Leave something in it"} if not door.inside else {}
    path = f"/doors/{html.escape(door.number)}"
    buttons = "".join(
        _button(path, "action", act, text) for act, text in shown.items() if act in offered or act == "leave_junk"
    )
    return (
        f"<li{' class=open' if door.is_open else ''}><strong>{html.escape(door.number)}</strong> {door.size}<br>"
        f"{'open' if door.is_open else 'shut'}, {'something' if door.inside else 'nothing'} inside, "
        f"{door.state.replace('_', ' ')}{buttons}</li>"
    )


def _button(path: str, name: str, value: str, text: str) -> str:
    return (
        f'<form method="post" action="{path}"><button name="{name}" value="{value}">{html.escape(text)}</button></form>'
    )
