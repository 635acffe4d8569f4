"""Anyone finds the nearest places; operators bring files in. Against a real server on both databases."""

import gzip
import json
import secrets
import threading
from typing import Any

import httpx
import pytest
from geopy.distance import geodesic
from tests.service import Service

from dropoff.network import import_api

GEOJSON = {"Content-Type": "application/geo+json"}
CSV = {"Content-Type": "text/csv; charset=utf-8"}


def feature(external_id: str, lat: float, lon: float, **changes: Any) -> dict[str, Any]:
    properties = {"id": external_id, "name": f"Kiosk {external_id}", "kind": "store", "country": "IS"}
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [lon, lat]},
        "properties": properties | changes,
    }


def collection(*features: Any) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": list(features)}).encode()


def send(
    service: Service, content: Any, source: str, headers: dict[str, str] = GEOJSON, **params: Any
) -> httpx.Response:
    return service.operator.call(
        "POST", "/v1/location-imports", key=None, content=content, headers=headers, params={"source": source, **params}
    )


@pytest.fixture
def source() -> str:
    return f"test-{secrets.token_hex(4)}"


@pytest.fixture
def corner(source: str) -> tuple[float, float]:
    """A part of the world that only this test's places are in."""
    spot = int(source.removeprefix("test-"), 16)
    return -60 - spot % 997 / 50, spot % 1013 / 3 - 168


def problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"].startswith("application/problem+json")
    document: dict[str, Any] = response.json()
    assert document["type"].endswith(f"/problems/{code}")
    return document


def test_an_import_is_found_at_once_on_the_server_that_took_it(
    service: Service, source: str, corner: tuple[float, float]
) -> None:
    lat, lon = corner
    rows = [feature(f"{source}:{n}", lat + n / 100, lon, opening_hours="24/7") for n in range(5)]
    report = send(service, collection(*rows, "junk"), source).json()
    assert (report["created"], report["updated"], report["unchanged"], report["removed"]) == (5, 0, 0, 0)
    assert report["rejected"][0]["index"] == 5
    assert report["rejected"][0]["reason"] == "not_an_object"
    found = service.public.get("/v1/locations", near=f"{lat},{lon}", limit=3)
    assert found["next"] is None, "every list says whether there is more"
    items = found["items"]
    assert [item["external_id"] for item in items] == [f"{source}:{n}" for n in range(3)]
    for item in items:
        there = (item["position"]["lat"], item["position"]["lon"])
        assert item["distance_m"] == pytest.approx(geodesic(corner, there).m, abs=0.1)
        assert item["open_now"] is True
        assert item["address"]["country"] == "IS"
    again = send(service, collection(*rows), source).json()
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, 5)


def test_a_repair_is_told_with_its_fields(service: Service, source: str, corner: tuple[float, float]) -> None:
    bad = feature(f"{source}:1", *corner, name="A &amp; B ")
    bad["geometry"]["coordinates"] = [str(number) for number in bad["geometry"]["coordinates"]]
    report = send(service, collection(bad), source).json()
    assert report["repaired"] == [{"index": 0, "external_id": f"{source}:1", "fields": ["name", "position"]}]


def test_replace_removes_and_the_search_forgets(service: Service, source: str, corner: tuple[float, float]) -> None:
    lat, lon = corner
    send(service, collection(feature(f"{source}:1", lat, lon), feature(f"{source}:2", lat, lon)), source)
    report = send(service, collection(feature(f"{source}:2", lat, lon)), source, replace="true").json()
    assert report["removed"] == 1
    items = service.public.get("/v1/locations", near=f"{lat},{lon}", radius_m=1000)["items"]
    assert [item["external_id"] for item in items] == [f"{source}:2"]


def test_a_csv_file_is_taken(service: Service, source: str, corner: tuple[float, float]) -> None:
    text = f"id,name,kind,country,lat,lon\n{source}:1,Søren's,locker,IS,{corner[0]},{corner[1]}\n"
    assert send(service, text.encode("utf-8-sig"), source, CSV).json()["created"] == 1
    items = service.public.get("/v1/locations", near=f"{corner[0]},{corner[1]}", limit=1)["items"]
    assert (items[0]["name"], items[0]["kind"]) == ("Søren's", "locker")


def test_a_truncated_file_is_a_problem_and_changes_nothing(
    service: Service, source: str, corner: tuple[float, float]
) -> None:
    content = collection(*[feature(f"{source}:{n}", *corner) for n in range(1500)])
    problem(send(service, content[:-3], source), 422, "location-file-invalid")
    assert service.public.get("/v1/locations", near=f"{corner[0]},{corner[1]}", radius_m=1000)["items"] == []


def test_a_body_that_comes_in_pieces_is_taken(service: Service, source: str, corner: tuple[float, float]) -> None:
    content = collection(*[feature(f"{source}:{n}", *corner, street="x" * 200) for n in range(6000)])
    assert len(content) > 2_000_000

    def pieces() -> Any:
        for start in range(0, len(content), 100_000):
            yield content[start : start + 100_000]

    assert send(service, pieces(), source).json()["created"] == 6000
    assert not list(service.context.settings.data.glob("import-*"))


def test_a_packed_body_is_taken(service: Service, source: str, corner: tuple[float, float]) -> None:
    content = gzip.compress(collection(feature(f"{source}:1", *corner)))
    report = send(service, content, source, {**GEOJSON, "Content-Encoding": "gzip"})
    assert (report.status_code, report.json()["created"]) == (200, 1)
    problem(send(service, content[:-9], source), 422, "location-file-invalid")


def test_other_content_types_and_callers_are_refused(service: Service, source: str) -> None:
    problem(send(service, b"{}", source, {"Content-Type": "application/xml"}), 415, "unsupported-media-type")
    packed = {**GEOJSON, "Content-Encoding": "br"}
    problem(send(service, b"{}", source, packed), 415, "unsupported-media-type")
    path = "/v1/location-imports"
    problem(
        service.public.call("POST", path, params={"source": source}, content=b"", headers=GEOJSON),
        401,
        "unauthenticated",
    )
    told = problem(send(service, b"", "no blanks"), 422, "invalid-request")
    assert told["errors"][0]["pointer"] == "?source"
    missing = service.operator.call("POST", path, key=None, content=b"", headers=GEOJSON)
    assert problem(missing, 422, "invalid-request")["errors"][0]["pointer"] == "?source"


def test_a_file_beyond_the_limit_is_refused(
    service: Service, source: str, corner: tuple[float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_api, "FILE_MAX", 1000)
    content = collection(*[feature(f"{source}:{n}", *corner) for n in range(20)])
    problem(send(service, content, source), 413, "body-too-large")
    problem(send(service, iter([content]), source), 413, "body-too-large")
    assert not list(service.context.settings.data.glob("import-*"))


@pytest.mark.parametrize(
    ("params", "pointer"),
    [
        ({"near": "200,13"}, "?near"),
        ({"near": "nan,13"}, "?near"),
        ({"near": "13"}, "?near"),
        ({"near": "1,2,3"}, "?near"),
        ({"near": ""}, "?near"),
        ({}, "?near"),
        ({"near": "1,2", "limit": "0"}, "?limit"),
        ({"near": "1,2", "limit": "101"}, "?limit"),
        ({"near": "1,2", "limit": "ten"}, "?limit"),
        ({"near": "1,2", "kind": "hub"}, "?kind"),
        ({"near": "1,2", "kind": "zeppelin"}, "?kind"),
        ({"near": "1,2", "country": "UK"}, "?country"),
        ({"near": "1,2", "radius_m": "-5"}, "?radius_m"),
        ({"near": "1,2", "radius_m": "nan"}, "?radius_m"),
        ({"near": "1,2", "open_at": "2026-11-23T12:00:00"}, "?open_at"),
        ({"near": "1,2", "open_at": "tomorrow"}, "?open_at"),
        ({"near": "1,2", "accepts": "<script>"}, "?accepts"),
        ({"near": "1,2", "step_free": "false"}, "?step_free"),
        ({"near": "1,2", "weight_g": "0"}, "?weight_g"),
        ({"near": "1,2", "size_mm": "400x300"}, "?size_mm"),
        ({"near": "1,2", "carrier": "?!"}, "?carrier"),
        ({"q": "x" * 201}, "?q"),
        ({"q": "a\0b"}, "?q"),
    ],
)
def test_a_bad_question_is_told_by_its_field(service: Service, params: dict[str, str], pointer: str) -> None:
    document = problem(service.public.call("GET", "/v1/locations", params=params), 422, "invalid-request")
    assert document["errors"][0]["pointer"] == pointer


def test_filters_narrow_the_answer(service: Service, source: str, corner: tuple[float, float]) -> None:
    lat, lon = corner
    rows = [
        feature(f"{source}:0", lat, lon, kind="locker", accepts=["box_free", "parcel"], opening_hours="24/7"),
        feature(f"{source}:1", lat, lon, accepts="parcel", opening_hours="Mo 10:00-11:00"),
        feature(f"{source}:2", lat, lon, country="NZ", opening_hours="someday"),
        feature(f"{source}:3", lat, lon, kind="hub"),
        feature(f"{source}:4", lat, lon, live=False),
    ]
    send(service, collection(*rows), source)

    def ids(**params: Any) -> set[int]:
        items = service.public.get("/v1/locations", near=f"{lat},{lon}", radius_m=100, **params)["items"]
        return {int(item["external_id"].rpartition(":")[2]) for item in items}

    assert ids() == {0, 1, 2}
    assert ids(kind="locker") == {0}
    assert ids(kind="store,locker") == {0, 1, 2}
    assert ids(accepts="parcel") == {0, 1}
    assert ids(accepts="parcel,box_free") == {0}
    assert ids(country="nz") == {2}
    assert ids(open_at="2026-11-24T03:00:00Z") == {0}
    assert ids(limit=1) == {0}


def test_what_a_place_is_and_takes_is_told_and_found(
    service: Service, source: str, corner: tuple[float, float]
) -> None:
    lat, lon = corner
    told = {
        "carriers": ["GLS", "Post Nord"],
        "step_free": True,
        "has_printer": False,
        "max_weight_g": 20_000,
        "max_size_mm": "400x600x300",
        "refuses": ["Batteries"],
        "photo_url": "https://pictures.example/1.jpg",
        "access_note": "inside the station, by track 1",
    }
    rows = [feature(f"{source}:0", lat, lon, **told), feature(f"{source}:1", lat, lon, step_free="perhaps")]
    report = send(service, collection(*rows), source).json()
    assert [(one["external_id"], one["fields"]) for one in report["repaired"]] == [(f"{source}:1", ["step_free"])]
    head = "id,name,kind,country,lat,lon,step_free,max_weight_g,carriers"
    table = f"{head}\n{source}:2,C,store,IS,{lat},{lon},no,5000,UPS;"
    assert send(service, table.encode(), f"{source}-c", CSV).json()["repaired"] == []

    def ask(**params: Any) -> list[dict[str, Any]]:
        items = service.public.get("/v1/locations", near=f"{lat},{lon}", radius_m=100, **params)["items"]
        return sorted(items, key=lambda item: str(item["external_id"]))

    def ids(**params: Any) -> set[int]:
        return {int(item["external_id"].rpartition(":")[2]) for item in ask(**params)}

    wanted = told | {"carriers": ["gls", "post_nord"], "max_size_mm": [600, 400, 300], "refuses": ["batteries"]}
    known, unknown, from_csv = ask()
    assert {name: known[name] for name in told} == wanted
    assert {unknown[name] for name in told} == {None}, "what nobody said is null, never false"
    assert (from_csv["step_free"], from_csv["max_weight_g"], from_csv["carriers"]) == (False, 5_000, ["ups"])
    read = service.public.get(f"/v1/locations/{known['id']}")
    assert {name: read[name] for name in told} == wanted
    assert ids(carrier="POST NORD,nobody") == {0}
    assert ids(step_free="true") == {0}
    assert ids(printer="true") == set()
    assert ids(weight_g=5_001) == {0, 1}
    assert ids(weight_g=5_001, size_mm="301x600x400") == {1}
    assert ids(category="batteries") == {1, 2}
    assert ids(category="liquids", carrier="ups,gls", weight_g=5_000, kind="store", country="IS") == {0, 2}


def test_a_city_or_postcode_of_the_network_is_understood(
    service: Service, source: str, corner: tuple[float, float]
) -> None:
    lat, lon = corner
    name = f"Ærø{source[5:]}"
    send(service, collection(feature(f"{source}:1", lat, lon, city=name, postcode=f"X {source[5:]}")), source)
    for text in (name.upper(), f"aero{source[5:]}", f"x{source[5:]}"):
        found = service.public.get("/v1/locations", q=text, country="IS")
        assert found["items"][0]["external_id"] == f"{source}:1"
        assert found["items"][0]["distance_m"] < 1
        assert found["near"]["lat"] == pytest.approx(lat, abs=0.001)
    elsewhere = service.public.get("/v1/locations", q=name, country="NO")
    assert (elsewhere["items"], elsewhere["near"], elsewhere["place"]["match"]) == ([], None, "unknown")
    assert service.public.get("/v1/locations", q="nowhere at all")["items"] == []


def test_one_place_is_read_by_its_id(service: Service, source: str, corner: tuple[float, float]) -> None:
    send(service, collection(feature(f"{source}:1", *corner), feature(f"{source}:2", *corner, kind="hub")), source)
    listed = service.operator.get("/v1/locations", source=source)["items"]
    assert [(item["external_id"], item["kind"]) for item in listed] == [
        (f"{source}:1", "store"),
        (f"{source}:2", "hub"),
    ]
    store, hub = listed
    assert service.public.get(f"/v1/locations/{store['id']}")["state"] == "active"
    problem(service.public.call("GET", f"/v1/locations/{hub['id']}"), 404, "not-found")
    assert service.operator.get(f"/v1/locations/{hub['id']}")["kind"] == "hub"
    problem(service.public.call("GET", "/v1/locations/loc_nothing"), 404, "not-found")


def test_the_operators_list_goes_page_by_page(service: Service, source: str, corner: tuple[float, float]) -> None:
    send(service, collection(*[feature(f"{source}:{n}", *corner) for n in range(5)]), source)
    first = service.operator.get("/v1/locations", source=source, limit=3)
    rest = service.operator.get("/v1/locations", source=source, limit=3, after=first["next"])
    assert len({item["id"] for item in first["items"] + rest["items"]}) == 5
    assert rest["next"] is None


def test_searches_go_on_while_an_import_runs(service: Service, source: str, corner: tuple[float, float]) -> None:
    content = collection(*[feature(f"{source}:{n}", *corner) for n in range(1500)])
    sending = threading.Thread(target=send, args=(service, content, source))
    sending.start()
    answered = 0
    while sending.is_alive():
        response = service.public.call("GET", "/v1/locations", params={"near": f"{corner[0]},{corner[1]}", "limit": 5})
        assert response.status_code == 200
        answered += 1
    assert answered > 2
