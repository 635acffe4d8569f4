"""Text becomes a place over HTTP: suggestions, searches and the pass page, on servers of their own."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.api.retailer_world import new_order, new_return, open_retailer
from tests.db.test_gazetteer_geocoder import FakeService, fake_service, ok
from tests.service import Service, running
from tests.terminal import Terminal

HEADER = "country,postcode,place,admin1,lat,lon\n"
DANES = "DK,8000,Aarhus C,Midtjylland,56.1567,10.2108\nDK,8450,Hammel,Midtjylland,56.2579,9.8633\n"
SWEDES = "SE,111 22,Stockholm,Stockholm,59.33,18.06\nSE,211 20,Malmö,Skåne,55.6059,13.0007\n"
POINTS = """id,name,kind,country,postcode,city,lat,lon
1,Kiosk Aarhus,store,DK,8000,Aarhus C,56.1570,10.2100
2,Kiosk Hamm,store,DE,59065,Hamm,51.6739,7.8160
3,Kiosk Malmö,store,SE,21120,Malmö,55.6050,13.0010
"""


def environment(url: str, folder: Path) -> dict[str, str]:
    return {
        "DROPOFF_DATABASE_URL": url,
        "DROPOFF_DATA": str(folder),
        "DROPOFF_SECRET": "a-secret-for-tests-only-0123456789",
    }


def dropoff(url: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line, as another process."""
    env = os.environ | environment(url, folder)
    command = [sys.executable, "-m", "dropoff.cli", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def wait_for(what: Callable[[], Any], seconds: float = 10.0) -> Any:
    for _ in range(int(seconds * 20)):
        if found := what():
            return found
        threading.Event().wait(0.05)
    raise AssertionError("it did not come about")


@pytest.fixture
def server(database_url: str, tmp_path: Path) -> Iterator[Service]:
    with running(database_url, tmp_path / "data", worker=False) as service:
        headers = {"Content-Type": "text/csv"}
        answer = service.operator.call(
            "POST",
            "/v1/location-imports",
            key=None,
            content=POINTS.encode(),
            headers=headers,
            params={"source": "test"},
        )
        assert answer.status_code == 200, answer.text
        yield service


def suggestions(service: Service, q: str, **more: Any) -> list[str]:
    return [place["label"] for place in service.public.get("/v1/places", q=q, **more)["items"]]


def searched(service: Service, q: str, **more: Any) -> tuple[str | None, str, str | None]:
    """The nearest point, how the text was meant, and as what."""
    found = service.public.get("/v1/locations", q=q, limit=1, **more)
    items = found["items"]
    return items[0]["name"] if items else None, found["place"]["match"], found["place"]["label"]


def test_an_import_by_another_process_is_in_every_search_within_ten_seconds(
    server: Service, database_url: str, tmp_path: Path
) -> None:
    assert searched(server, "stock") == (None, "unknown", None)
    file = tmp_path / "gazetteer.csv"
    file.write_text(HEADER + DANES + SWEDES, encoding="utf-8")
    done = dropoff(database_url, tmp_path / "data", "import", "gazetteer", str(file))
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "In force: DK 2, SE 2")
    assert "CC BY 4.0" in done.stdout
    assert "4 rows read to the end" in done.stderr
    wait_for(lambda: suggestions(server, "stock") == ["Stockholm, SE"])
    told = server.public.get("/v1/places", q="arhus")
    assert told["attribution"] == "GeoNames (https://www.geonames.org), CC BY 4.0"
    assert told["items"][0] == {
        "label": "Aarhus C, DK",
        "name": "Aarhus C",
        "postcode": "8000",
        "region": "Midtjylland",
        "country": "DK",
        "position": {"lat": 56.1567, "lon": 10.2108},
        "match": "exact",
    }
    assert suggestions(server, "8", limit=1) == ["8000 Aarhus C, DK"]
    assert suggestions(server, "malmø", country="dk") == []
    assert searched(server, "DK-8000 Århus") == ("Kiosk Aarhus", "exact", "8000 Aarhus C, DK")
    assert searched(server, "Malmoe") == ("Kiosk Malmö", "exact", "Malmö, SE")
    assert searched(server, "Stokholm")[1:] == ("typo", "Stockholm, SE")
    assert searched(server, "Hamme")[1:] == ("prefix", "Hammel, DK")
    # Known exactly by the network itself, though the gazetteer could guess.
    assert searched(server, "hamm") == ("Kiosk Hamm", "exact", "hamm")
    assert searched(server, "Atlantis") == (None, "unknown", None)


def test_a_file_that_cannot_be_taken_is_named_and_changes_nothing(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here = Terminal(monkeypatch, capsys, environment(database_url, tmp_path / "data"))

    def run(file: str, content: str | None, *more: str) -> tuple[int, str, str]:
        if content is not None:
            (tmp_path / file).write_text(content, encoding="utf-8")
        return here.run("import", "gazetteer", str(tmp_path / file), *more)

    half = HEADER + "DK,8000,Aarhus C,,56.1567,10.2108\n"
    assert run("good.csv", HEADER + DANES + SWEDES)[0] == 0
    for content, named in ((half, "gazetteer-shrinks"), ("<html>404</html>\n", "gazetteer-file-invalid")):
        code, _, told = run("bad.csv", content)
        assert (code, named in told) == (1, True)
    code, _, told = run("none.csv", None)
    assert (code, "there is no file" in told) == (2, True)
    code, told, _ = run("half.csv", half, "--accept-loss", "--attribution", "ours")
    assert (code, told.splitlines()[-1]) == (0, "1 rows, 0 left out. ours")


def test_without_a_gazetteer_the_network_itself_suggests(server: Service) -> None:
    assert wait_for(lambda: suggestions(server, "malm")) == ["Malmö, SE"]
    assert server.public.get("/v1/places", q="malm")["attribution"] == ""
    assert suggestions(server, "590") == ["59065 Hamm, DE"]
    assert searched(server, "Aarhsu C") == ("Kiosk Aarhus", "typo", "Aarhus C, DK")
    assert searched(server, "8000") == ("Kiosk Aarhus", "exact", "8000 Aarhus C, DK")


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({}, "?q"),
        ({"q": ""}, "?q"),
        ({"q": "x" * 201}, "?q"),
        ({"q": "x", "limit": 0}, "?limit"),
        ({"q": "x", "limit": 21}, "?limit"),
        ({"q": "x", "country": "XX"}, "?country"),
        ({"q": "a\0b"}, "?q"),
    ],
)
def test_a_wrong_question_is_named(service: Service, query: dict[str, Any], pointer: str) -> None:
    answer = service.public.call("GET", "/v1/places", params=query)
    assert answer.status_code == 422
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]


def test_a_server_is_ready_when_it_knows_its_gazetteer(server: Service) -> None:
    ready = wait_for(lambda: server.public.call("GET", "/health/ready").status_code == 200)
    assert ready
    assert server.public.get("/health/ready")["checks"]["gazetteer"] == "ok"


def pass_page(service: Service, postcode: str, country: str, q: str | None = None) -> str:
    """Of a fresh return of somebody who lives there."""
    shopper = {"name": "Æsa", "email": "aesa@example.org", "postcode": postcode, "country": country}
    shop = open_retailer(service)
    shop.post("/v1/orders", new_order(shopper=shopper))
    made = shop.post("/v1/returns", new_return())
    asked = {} if q is None else {"q": q}
    page = service.public.call("GET", f"/p/{made['pass']['code']}", params=asked, headers={"Accept": "text/html"})
    assert page.status_code == 200
    return page.text


def test_the_pass_page_finds_places_however_they_are_typed(
    server: Service,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    here = Terminal(monkeypatch, capsys, environment(database_url, tmp_path / "data"))
    file = tmp_path / "gazetteer.csv"
    file.write_text(HEADER + DANES + SWEDES, encoding="utf-8")
    assert here.run("import", "gazetteer", str(file))[0] == 0
    wait_for(lambda: suggestions(server, "stock"))
    own = pass_page(server, "8000", "DK")
    assert "Kiosk Aarhus" in own
    assert "GeoNames (https://www.geonames.org), CC BY 4.0" in own
    across = pass_page(server, "8000", "DK", "Malmø")
    assert across.index("Kiosk Malmö") < across.index("Kiosk Aarhus")
    guessed = pass_page(server, "8000", "DK", "Stokholm")
    assert "Places near Stockholm, SE" in guessed
    assert "We know no place in Atlantis" in pass_page(server, "8000", "DK", "Atlantis")


@pytest.fixture
def outside() -> Iterator[FakeService]:
    with fake_service() as found:
        yield found


@pytest.fixture
def asking(database_url: str, tmp_path: Path, outside: FakeService) -> Iterator[Service]:
    env = {"DROPOFF_GEOCODER": "nominatim", "DROPOFF_GEOCODER_URL": outside.url}
    with running(database_url, tmp_path / "data", worker=False, **env) as service:
        yield service


def test_a_service_outside_is_asked_last_and_never_while_somebody_types(asking: Service, outside: FakeService) -> None:
    here = {"lat": "56.15", "lon": "10.21", "display_name": "Trøjborg, Aarhus", "address": {"country_code": "dk"}}
    outside.answer = lambda asked: ok([here] if asked.query["q"] == "Trøjborg" else [])
    assert suggestions(asking, "Trøjborg") == []
    assert outside.asked == []
    found = asking.public.get("/v1/locations", q="Trøjborg", country="DK")
    assert found["near"] == {"lat": 56.15, "lon": 10.21}
    assert (found["place"]["match"], found["place"]["label"]) == ("geocoder", "Trøjborg, Aarhus")
    assert "OpenStreetMap" in found["place"]["attribution"]
    assert outside.asked[0].query["countrycodes"] == "DK"
    assert searched(asking, "Atlantis") == (None, "unknown", None)


def test_when_the_service_outside_is_down_the_search_says_so(asking: Service, outside: FakeService) -> None:
    outside.answer = lambda _: (503, {}, b"<html>maintenance</html>")
    assert searched(asking, "Trøjborg") == (None, "unavailable", None)
    assert searched(asking, "Viby") == (None, "unavailable", None)
    assert len(outside.asked) == 1
    assert "We cannot look Trøjborg up just now" in pass_page(asking, "", "DK", "Trøjborg")


def test_nobody_outside_is_told_the_postcode_of_an_order(asking: Service, outside: FakeService) -> None:
    assert "We know no place in 8000" in pass_page(asking, "8000", "DK")
    assert outside.asked == []
    pass_page(asking, "8000", "DK", "Trøjborg")
    assert len(outside.asked) == 1
