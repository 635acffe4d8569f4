"""What a source answers is taken within bounds, and each way to fail has one name."""

import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from dropoff.ports.fetching import Request, check_url, fetch_json, fetched, retry_after_s
from dropoff.ports.locations import Malformed, Misconfigured, Unavailable
from dropoff.testing import Answer, CarrierServer


@contextmanager
def raw_server(talk: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """Answers one connection by the byte."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                try:
                    talk(connection, over)
                except OSError:
                    return  # the client hung up

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        over.set()
        thread.join(10)


def drip(head: bytes) -> Callable[[socket.socket, threading.Event], None]:
    def talk(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(head)
        while not over.wait(0.02):
            connection.sendall(b"a")

    return talk


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-Slow: "])
def test_an_answer_that_drips_for_ever_ends_at_the_deadline(head: bytes) -> None:
    with raw_server(drip(head)) as url, pytest.raises(Unavailable, match="in time"):
        fetch_json(Request(url=url, patience_s=5, deadline_s=0.3))


def test_packed_answers_are_unpacked_and_bombs_refused() -> None:
    packed = {"Content-Encoding": "gzip"}
    with CarrierServer(lambda _: Answer(200, gzip.compress(b'{"a": 1}'), packed)) as server:
        assert fetch_json(Request(url=server.url)) == {"a": 1}
        server.answers = lambda _: Answer(200, gzip.compress(b" " * 50_000_000), packed)
        with pytest.raises(Malformed, match="more than 1000000 bytes"):
            fetch_json(Request(url=server.url, body_max=1_000_000))
        server.answers = lambda _: Answer(200, gzip.compress(b'{"a": 1}')[:-4], packed)
        with pytest.raises(Unavailable, match="no end"):
            fetch_json(Request(url=server.url))
        server.answers = lambda _: Answer(200, b"not packed at all", packed)
        with pytest.raises(Malformed, match="unpacked"):
            fetch_json(Request(url=server.url))


def test_a_body_beyond_the_limit_is_refused() -> None:
    with (
        CarrierServer(lambda _: Answer(200, b"x" * 1000)) as server,
        pytest.raises(Malformed, match="more than 999"),
        fetched(Request(url=server.url, body_max=999)),
    ):
        pass


def test_a_redirect_is_not_followed_for_a_key_would_go_along() -> None:
    with CarrierServer(lambda _: Answer(302, b"", {"Location": "http://elsewhere.example/"})) as server:
        with pytest.raises(Misconfigured, match=r"elsewhere\.example"):
            fetch_json(Request(url=server.url, headers={"Authorization": "secret"}))
        assert len(server.received) == 1


def test_the_sources_own_words_reach_the_operator_cut_short() -> None:
    with (
        CarrierServer(lambda _: Answer(400, b"radius   is too\nlarge " + b"x" * 5000)) as server,
        pytest.raises(Misconfigured, match="radius is too large") as caught,
    ):
        fetch_json(Request(url=server.url))
    assert len(str(caught.value)) < 300


def test_nobody_there_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Unavailable):
        fetch_json(Request(url=f"http://127.0.0.1:{port}/"))
    with pytest.raises(Unavailable):
        fetch_json(Request(url="http://no-such-host.invalid/"))


@pytest.mark.parametrize("url", ["", "ftp://host/", "https:///path", "https://me:secret@host/", "host.example"])
def test_an_address_is_checked_with_its_settings_name(url: str) -> None:
    with pytest.raises(Misconfigured, match="THE_SETTING"):
        check_url("THE_SETTING", url)
    assert check_url("THE_SETTING", "https://host.example/x?y=1")


def test_retry_after_is_read_as_seconds_or_as_a_date() -> None:
    from email.message import Message

    def told(**headers: str) -> float | None:
        message = Message()
        for name, value in headers.items():
            message[name.replace("_", "-")] = value
        return retry_after_s(message)

    assert told(Retry_After="17") == 17
    assert told(Retry_After="9" * 30) == 86_400
    dates = {"Retry_After": "Sun, 22 Nov 2026 10:00:30 GMT", "Date": "Sun, 22 Nov 2026 10:00:00 GMT"}
    assert told(**dates) == 30
    assert told(Retry_After="soon") is None
    assert told() is None
