"""The door answers what the handler behind it answers, and leaves to it whatever is not plain."""

import asyncio
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from litestar import Litestar

from dropoff.network import nearby_ranking
from dropoff.network.facts import UNTOLD, Facts
from dropoff.network.nearby import Nearby, Snapshot
from dropoff.network.nearby_door import Door
from dropoff.network.nearby_place import Place
from dropoff.network.search_api import FoundLocation, FoundLocations, find_locations
from dropoff.web.problems import HANDLERS

HOURS = ("24/7", "off", "whenever")
FACTS = (
    UNTOLD,
    Facts(carriers=("gls", "post_nord"), step_free=True, has_printer=False, max_weight_g=20_000),
    Facts(step_free=False, has_printer=True, max_weight_g=5_000, max_size_mm=(600, 400, 300), refuses=("batteries",)),
)


def place(number: int) -> Place:
    hours, words = HOURS[number % 3], ("box_free", "parcel") if number % 2 else ()
    return Place(
        id=f"loc_{number:03}",
        external_id=f'"{number}"',
        name=f"Kiosk Søndergård \\ {number}",
        kind=("store", "locker", "post_office")[number % 3],
        operator=("Øst & Vest", "", "Swift")[number // 3 % 3],
        street="" if number % 5 else "Gade 1",
        postcode="8000",
        city="Århus",
        country="DK",
        lat=56.15 + number / 1_000,
        lon=10.2 - number / 700,
        zone="Europe/Copenhagen",
        opening_hours=hours,
        hours_known=hours != "whenever",
        accepts=words,
        photo_url="" if number % 4 else f"https://pictures.example/{number}.jpg",
        access_note="" if number % 3 else 'behind the "tills"',
        facts=FACTS[number // 2 % 3],
    )


@pytest.fixture(scope="module")
def nearby() -> Nearby:
    held = Nearby()
    held.snapshot = Snapshot.of(1, [place(number) for number in range(60)]).changed(2, [(place(60), True)])
    return held


@pytest.fixture(scope="module")
def handler(nearby: Nearby) -> Litestar:
    app = Litestar([find_locations], exception_handlers=HANDLERS, openapi_config=None, logging_config=None)
    app.state.context = SimpleNamespace(nearby=nearby, settings=SimpleNamespace(base_url="http://localhost"))
    return app


class Behind:
    """Notes what comes through the door."""

    def __init__(self, app: Any) -> None:
        self.app, self.asked = app, 0

    async def __call__(self, *arguments: Any) -> None:
        self.asked += 1
        await self.app(*arguments)


def ask(app: Any, query: str, method: str = "GET", path: str = "/v1/locations") -> tuple[int, bytes, bytes]:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    address = {"client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "scheme": "http", "root_path": ""}
    question = {"method": method, "path": path, "raw_path": path.encode(), "query_string": query.encode()}
    scope = {"type": "http", "http_version": "1.1", "headers": [(b"host", b"localhost")], **address, **question}
    asyncio.run(app(scope, receive, send))
    headers = dict(sent[0]["headers"])
    assert int(headers[b"content-length"]) == len(sent[1]["body"])
    return sent[0]["status"], headers[b"content-type"].partition(b";")[0], sent[1]["body"]


PLAIN = [
    "near=56.16,10.19",
    "near=56.16%2C10.19&limit=3",
    "near=-89.99,-180&limit=100",
    "near=90,0.000001",
    "near=56.16,10.19&kind=locker,store&accepts=box_free",
    "near=56.16,10.19&operator=%C3%B8st+vest&limit=7",
    "near=56.16,10.19&open_at=now",
    "near=56.16,10.19&open_at=2026-11-23T12:00:00Z&radius_m=2500.5",
    "near=56.16,10.19&country=dk&q=ignored",
    "near=56.16,10.19&country=SE",
    "near=56.16,10.19&carrier=Post+Nord,UPS&step_free=true",
    "near=56.16,10.19&printer=true&weight_g=4999&size_mm=300x600X400&category=liquids",
    "near=56.16,10.19&category=Batteries&kind=locker,store&weight_g=6000&open_at=now&radius_m=9e5",
    "near=56.16,10.19&weight_g=1&limit=2",
]
ELSEWHERE = [
    "q=8000",
    "limit=3&near=56.16,10.19",
    "near=56.16,10.19&near=50,8",
    "near=56.16,10.19&n%65ar=50,8",
    "near=+56.16,10.19",
    "near=5.6e1,10.19",
    "near=91,0",
    "near=0,181",
    "near=",
    "near=56.16,10.19&limit=0",
    "near=56.16,10.19&kind=hub",
    "near=56.16,10.19&open_at=yesterday",
    "near=56.16,10.19&open_at=2026-11-23T12:00:00",
    "near=56.16,10.19&accepts=%00",
    "near=56.16,10.19&operator=%FF",
    "near=56.16,10.19&step_free=false",
    "near=56.16,10.19&printer=yes",
    "near=56.16,10.19&weight_g=0",
    "near=56.16,10.19&weight_g=heavy",
    "near=56.16,10.19&size_mm=300x200",
    "near=56.16,10.19&size_mm=0x1x1",
    "near=56.16,10.19&carrier=%2B%2B",
    "near=56.16,10.19&category=" + ",".join(f"c{number}" for number in range(40)),
]


@pytest.mark.parametrize("query", PLAIN)
def test_plain_questions_are_answered_as_by_the_handler(nearby: Nearby, handler: Litestar, query: str) -> None:
    behind = Behind(handler)
    answered = ask(Door(behind, nearby), query)
    assert behind.asked == 0
    assert answered == ask(handler, query)
    assert answered[0] == 200
    msgspec.json.decode(answered[2], type=FoundLocations)


@pytest.mark.parametrize("query", ELSEWHERE)
def test_the_rest_goes_on(nearby: Nearby, handler: Litestar, query: str) -> None:
    behind = Behind(handler)
    assert ask(Door(behind, nearby), query) == ask(handler, query)
    assert behind.asked == 1


def test_other_methods_and_paths_go_on(nearby: Nearby, handler: Litestar) -> None:
    behind = Behind(handler)
    assert ask(Door(behind, nearby), "near=56.16,10.19", method="DELETE")[0] == 405
    assert ask(Door(behind, nearby), "near=56.16,10.19", path="/v1/locations/x")[0] == 404
    assert behind.asked == 2


def test_what_takes_long_goes_on(nearby: Nearby, handler: Litestar, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearby_ranking, "QUICK_MAX", 0)
    behind, query = Behind(handler), "near=56.16,10.19&kind=post_office&country=DK"
    first = ask(Door(behind, nearby), query)
    assert behind.asked == 1
    assert ask(Door(behind, nearby), query) == first
    assert behind.asked == 1, "its filter is made by then"


def test_the_answer_tells_all_of_a_place(nearby: Nearby, handler: Litestar) -> None:
    body = ask(Door(handler, nearby), "near=56.16,10.19&limit=100")[2]
    found, plain = msgspec.json.decode(body, type=FoundLocations), msgspec.json.decode(body)
    assert set(plain) | {"place"} == set(FoundLocations.__struct_fields__), "`place` answers `q`"
    assert all(set(item) == set(FoundLocation.__struct_fields__) for item in plain["items"])
    shown = {item.id: item for item in found.items}
    assert len(shown) == 61
    one, known = shown["loc_005"], place(5)
    assert (one.external_id, one.name, one.operator) == (known.external_id, known.name, None)
    assert (one.address.street, one.address.city) == ("Gade 1", "Århus")
    assert (one.position.lat, one.position.lon) == (known.lat, known.lon)
    assert (one.opening_hours, one.accepts) == ("whenever", ("box_free", "parcel"))
    assert [shown[f"loc_{number:03}"].open_now for number in range(3)] == [True, False, None]
    assert all(item.opens_at is item.closes_at is None for item in found.items), "these never change"
    assert (one.photo_url, one.access_note, one.max_size_mm) == (None, None, (600, 400, 300))
    assert (one.carriers, one.step_free, one.has_printer, one.refuses) == (None, False, True, ("batteries",))
    assert shown["loc_012"].photo_url == "https://pictures.example/12.jpg"
    assert shown["loc_012"].access_note == 'behind the "tills"'
    assert shown["loc_012"].step_free is None, "unknown is not no"
    distances = [item.distance_m for item in found.items]
    assert distances == sorted(distances)
