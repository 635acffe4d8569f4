"""A geocoding service is asked politely and only for what is not known; when it fails, the answer is "not now"."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from dropoff import settings as settings_room
from dropoff.db import Database
from dropoff.network import geocoders, geocoding
from dropoff.network.geocoding import Geocoder, Spot, Unavailable, geocoder_of
from dropoff.settings import Misconfigured, Settings

AARHUS = Spot(56.1496, 10.2134, "Aarhus, Danmark")
FOUND = {
    "nominatim": [
        {"lat": "48.1", "lon": "11.6", "display_name": "Elsewhere", "address": {"country_code": "de"}},
        {"lat": "56.1496", "lon": "10.2134", "display_name": AARHUS.label, "address": {"country_code": "dk"}},
    ],
    "photon": {
        "features": [
            {"geometry": {"coordinates": [11.6, 48.1]}, "properties": {"name": "Elsewhere", "countrycode": "DE"}},
            {"geometry": {"coordinates": [10.2134, 56.1496]}, "properties": {"name": "Aarhus", "countrycode": "DK"}},
        ]
    },
    "pelias": {
        "features": [
            {
                "geometry": {"coordinates": [10.2134, 56.1496]},
                "properties": {"name": "Aarhus", "country_code": "DK"},
            }
        ]
    },
}
NOTHING = {"nominatim": [], "photon": {"features": []}, "pelias": {"features": []}}


class Asked:
    def __init__(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        self.path = parts.path
        self.query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.headers = dict(handler.headers)
        self.at = time.monotonic()


Answer = tuple[int, dict[str, str], bytes]


def ok(value: Any) -> Answer:
    return 200, {"Content-Type": "application/json"}, json.dumps(value).encode()


class FakeService:
    """On a loopback port; `answer` decides what it says next."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answer: Callable[[Asked], Answer] = lambda _: ok([])
        self.release = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = Asked(self)
                outer.asked.append(asked)
                status, headers, body = outer.answer(asked)
                try:
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    pass  # whoever asked has gone

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.release.set()
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def fake_service() -> Iterator[FakeService]:
    service = FakeService()
    try:
        yield service
    finally:
        service.stop()


@pytest.fixture
def service() -> Iterator[FakeService]:
    with fake_service() as running:
        yield running


def load(tmp_path: Path, **env: str) -> Settings:
    return settings_room.load({"DROPOFF_DATA": str(tmp_path / "data"), **env})


def geocoder(tmp_path: Path, url: str, name: str = "nominatim", **env: str) -> Geocoder:
    found = geocoder_of(load(tmp_path, DROPOFF_GEOCODER=name, DROPOFF_GEOCODER_URL=url, **env))
    assert found is not None
    return found


def ask(db: Database, geocoder: Geocoder, *texts: str, country: str | None = None) -> list[Any]:
    """All at once, on one loop: what was found, or the exception."""

    async def all_of_them() -> list[Any]:
        return await asyncio.gather(*(geocoder.find(db, text, country) for text in texts), return_exceptions=True)

    return asyncio.run(all_of_them())


@pytest.mark.parametrize("name", ["nominatim", "photon", "pelias"])
def test_each_service_finds_a_place(db: Database, tmp_path: Path, service: FakeService, name: str) -> None:
    service.answer = lambda _: ok(FOUND[name])
    asking = geocoder(tmp_path, service.url, name, DROPOFF_BASE_URL="https://returns.example.org")
    [found] = ask(db, asking, "Aarhus  C", country="DK")
    assert (found.lat, found.lon) == (AARHUS.lat, AARHUS.lon)
    assert "Aarhus" in found.label
    assert "OpenStreetMap" in asking.attribution
    [asked] = service.asked
    assert "Aarhus C" in asked.query.values()
    assert asked.headers["User-Agent"].startswith("dropoff/")
    assert "https://returns.example.org" in asked.headers["User-Agent"]


@pytest.mark.parametrize("name", ["nominatim", "photon", "pelias"])
def test_a_place_nobody_knows_is_no_place(db: Database, tmp_path: Path, service: FakeService, name: str) -> None:
    service.answer = lambda _: ok(NOTHING[name])
    assert ask(db, geocoder(tmp_path, service.url, name), "nowhere") == [None]


def test_a_service_below_a_path_and_with_our_own_name(db: Database, tmp_path: Path, service: FakeService) -> None:
    asking = geocoder(tmp_path, f"{service.url}/maps/", DROPOFF_GEOCODER_USER_AGENT="returns (ops@example.org)")
    ask(db, asking, "x")
    assert service.asked[0].path == "/maps/search"
    assert service.asked[0].headers["User-Agent"] == "returns (ops@example.org)"


def test_the_same_is_asked_once(db: Database, tmp_path: Path, service: FakeService) -> None:
    service.answer = lambda asked: ok(FOUND["nominatim"] if "rhus" in asked.query["q"] else [])
    asking = geocoder(tmp_path, service.url)
    assert ask(db, asking, "Århus", "ÅRHUS ", "arhus", country="DK") == [AARHUS] * 3  # while the first is waiting
    assert ask(db, asking, "Århus", country="DK") == [AARHUS]
    assert ask(db, asking, "nowhere") == [None]
    assert ask(db, asking, "Nowhere") == [None]
    assert len(service.asked) == 2


def test_what_is_remembered_is_bounded_and_grows_old(
    db: Database, tmp_path: Path, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(geocoding, "KEPT", 2)
    asking = geocoder(tmp_path, service.url)
    for text in ("one", "two", "three", "three", "one"):
        ask(db, asking, text)
    assert [asked.query["q"] for asked in service.asked] == ["one", "two", "three", "one"]
    monkeypatch.setattr(geocoding, "UNKNOWN_KEPT_S", 0.0)
    for text in ("old", "old"):
        ask(db, asking, text)
    assert len(service.asked) == 6


def test_the_rate_is_kept_by_all_processes_together(
    db: Database, tmp_path: Path, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two servers, one service: whoever finds the queue too long says "not now" and does not ask."""
    monkeypatch.setattr(geocoding, "OWN_INTERVAL", geocoding.timedelta(milliseconds=300))
    monkeypatch.setattr(geocoding, "PATIENCE", geocoding.timedelta(milliseconds=700))
    servers = [geocoder(tmp_path, service.url) for _ in range(2)]
    answers: list[Any] = []
    threads = [
        threading.Thread(target=lambda n=number: answers.extend(ask(db, servers[n], *(f"{n} {k}" for k in range(4)))))
        for number in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    times = sorted(asked.at for asked in service.asked)
    assert len(times) == 3  # at 0, 0.3 and 0.6 seconds
    assert all(later - earlier > 0.2 for earlier, later in pairwise(times))
    assert sum(isinstance(answer, Unavailable) for answer in answers) == 5


def test_public_servers_are_asked_once_a_second(tmp_path: Path) -> None:
    asking = geocoder_of(load(tmp_path, DROPOFF_GEOCODER="photon"))
    assert asking is not None
    assert asking._interval.total_seconds() == 1
    assert geocoder_of(load(tmp_path)) is None


@pytest.mark.parametrize(
    "answer",
    [
        (500, {}, b"broken"),
        (502, {}, b"<html>"),
        (200, {"Content-Type": "text/html"}, b"<html>Welcome to the hotel wifi</html>"),
        (200, {}, b'[{"lat": "x"}]'),
        (200, {}, b'{"error": "too busy"}'),
        (200, {}, b'"text"'),
        (200, {}, b"[" * 100_000),
        (200, {}, b"[" + b" " * (2 << 20) + b"]"),
        (200, {"Content-Length": "1000"}, b"[]"),
        (301, {"Location": "http://127.0.0.1:9/"}, b""),
        (403, {}, b"no"),
        (429, {"Retry-After": "120"}, b"slow down"),
        (429, {"Retry-After": "soon"}, b"slow down"),
    ],
)
def test_a_failing_service_is_left_alone(db: Database, tmp_path: Path, service: FakeService, answer: Answer) -> None:
    service.answer = lambda _: answer
    asking = geocoder(tmp_path, service.url)
    [failed] = ask(db, asking, "Aarhus")
    assert isinstance(failed, Unavailable)
    [again] = ask(db, asking, "Odense")
    assert isinstance(again, Unavailable)
    assert len(service.asked) == (2 if b"too busy" in answer[2] else 1)


def test_a_question_it_refuses_says_nothing_of_the_next(db: Database, tmp_path: Path, service: FakeService) -> None:
    service.answer = lambda asked: (400, {}, b"") if asked.query["q"] == "bad" else ok(FOUND["nominatim"])
    asking = geocoder(tmp_path, service.url)
    bad, good = ask(db, asking, "bad")[0], ask(db, asking, "good", country="DK")[0]
    assert isinstance(bad, Unavailable)
    assert good == AARHUS


def test_it_is_tried_again_after_the_pause(
    db: Database, tmp_path: Path, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(geocoders, "PAUSE_S", 0.05)
    service.answer = lambda _: (500, {}, b"")
    asking = geocoder(tmp_path, service.url)
    assert isinstance(ask(db, asking, "Aarhus")[0], Unavailable)
    service.answer = lambda _: ok(FOUND["nominatim"])
    deadline = time.monotonic() + 60
    while isinstance(found := ask(db, asking, "Aarhus", country="DK")[0], Unavailable):
        assert time.monotonic() < deadline
    assert found == AARHUS


def test_a_slow_service_costs_its_time_out_and_no_more(
    db: Database, tmp_path: Path, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(geocoders, "TIMEOUT_S", 0.3)

    def slow(_: Asked) -> Answer:
        service.release.wait(20)
        return ok([])

    service.answer = slow
    began = time.monotonic()
    [failed] = ask(db, geocoder(tmp_path, service.url), "Aarhus")
    assert isinstance(failed, Unavailable)
    assert time.monotonic() - began < 15


def test_a_service_that_is_not_there_is_not_available(db: Database, tmp_path: Path) -> None:
    with fake_service() as gone:
        url = gone.url
    assert isinstance(ask(db, geocoder(tmp_path, url), "Aarhus")[0], Unavailable)


def test_who_hangs_up_does_not_end_the_question_of_others(db: Database, tmp_path: Path, service: FakeService) -> None:
    def after_a_while(_: Asked) -> Answer:
        service.release.wait(20)
        return ok(FOUND["nominatim"])

    service.answer = after_a_while
    asking = geocoder(tmp_path, service.url)

    async def two() -> Spot | None:
        first = asyncio.create_task(asking.find(db, "Aarhus", "DK"))
        second = asyncio.create_task(asking.find(db, "aarhus", "DK"))
        while not service.asked:
            await asyncio.sleep(0.01)
        first.cancel()
        service.release.set()
        return await second

    assert asyncio.run(two()) == AARHUS
    assert len(service.asked) == 1


@pytest.mark.parametrize(
    ("env", "named"),
    [
        ({"DROPOFF_GEOCODER": "google"}, "DROPOFF_GEOCODER must be one of nominatim, photon, pelias"),
        ({"DROPOFF_GEOCODER": "pelias"}, "DROPOFF_GEOCODER_URL is required"),
        ({"DROPOFF_GEOCODER_URL": "https://x.example"}, "DROPOFF_GEOCODER does not say"),
        ({"DROPOFF_GEOCODER": "photon", "DROPOFF_GEOCODER_URL": "ftp://x"}, "DROPOFF_GEOCODER_URL"),
        ({"DROPOFF_GEOCODER": "photon", "DROPOFF_GEOCODER_URL": "https://x:999999"}, "DROPOFF_GEOCODER_URL"),
        ({"DROPOFF_GEOCODER": "photon", "DROPOFF_GEOCODER_USER_AGENT": "a\nb"}, "USER_AGENT"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, env: dict[str, str], named: str) -> None:
    with pytest.raises(Misconfigured, match=named):
        load(tmp_path, **env)
