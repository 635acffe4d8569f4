"""DHL's location finder: fifty answers a search at most, and yet every place."""

import json
import math
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from dropoff_locations_dhl import LIMIT, Dhl, DhlSettings, connect, read_location

from dropoff.ports.locations import LeftOut, LocationSource, Misconfigured, Point, read_pages
from dropoff.ports.searching import DEGREE_M, Area
from dropoff.testing import Answer, CarrierServer, HttpLocationSourceConformance, Received

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def location(number: int = 1, **changes: Any) -> dict[str, Any]:
    lat, lon = 50.7 + number % 17 / 500, 7.1 + number // 17 / 500
    return {
        "url": f"/locations/8007-{number}",
        "location": {"ids": [{"locationId": f"8007-{number}", "provider": "parcel"}], "type": "locker"},
        "name": f"Packstation {number}",
        "place": {
            "address": {
                "countryCode": "DE",
                "postalCode": "53113",
                "addressLocality": "Bonn",
                "streetAddress": "Sträßchen 20",
            },
            "geo": {"latitude": lat, "longitude": lon},
        },
        "openingHours": [
            {"opens": "00:00:00", "closes": "23:59:00", "dayOfWeek": f"http://schema.org/{day}"} for day in DAYS
        ],
        "closurePeriods": [],
        "serviceTypes": ["parcel:pick-up", "parcel:drop-off", "parcel:drop-off-unlabeled"],
    } | changes


def finder(places: list[dict[str, Any]]) -> Any:
    def answer(request: Received) -> Answer:
        asked = {name: float(values[0]) for name, values in parse_qs(urlsplit(request.path).query).items()}
        near = sorted(
            (_distance_m(place, asked["latitude"], asked["longitude"]), at) for at, place in enumerate(places)
        )
        found = [places[at] for distance, at in near if distance <= asked["radius"]][: int(asked["limit"])]
        return Answer(200, json.dumps({"locations": found}, ensure_ascii=False).encode())

    return answer


def _distance_m(place: dict[str, Any], lat: float, lon: float) -> float:
    geo = place["place"]["geo"]
    east = (geo["longitude"] - lon) * math.cos(math.radians(lat))
    return math.hypot(geo["latitude"] - lat, east) * DEGREE_M


class TestDhl(HttpLocationSourceConformance):
    @pytest.fixture
    def server(self) -> Iterator[CarrierServer]:
        with CarrierServer(finder([location(number) for number in range(120)])) as server:
            yield server

    @pytest.fixture
    def source(self, server: CarrierServer) -> LocationSource:
        settings = DhlSettings(key="secret", around="", url=server.url, patience_s=0.5)
        return Dhl(settings, (Area(50.715, 7.11, 2_500),))

    def test_full_answers_are_asked_again_narrower_until_nothing_is_missing(
        self, source: LocationSource, server: CarrierServer
    ) -> None:
        pages = list(read_pages(source))
        assert {row.id for page in pages for row in page.rows} == {f"8007-{number}" for number in range(120)}
        assert all(page.complete for page in pages)
        assert all(request.headers["dhl-api-key"] == "secret" for request in server.received)

    def test_more_at_one_spot_than_a_search_gives_is_told(self, source: LocationSource, server: CarrierServer) -> None:
        spot = location()["place"]
        places = [location(number, place=spot) for number in range(LIMIT + 5)]
        server.answers = finder(places)
        assert not all(page.complete for page in read_pages(source))


@pytest.mark.parametrize(
    ("kind", "said"),
    [("locker", "locker"), ("postoffice", "post_office"), ("postbank", "post_office"), ("servicepoint", "store")],
)
def test_kinds(kind: str, said: str) -> None:
    row = read_location(location(location={"ids": [{"locationId": "1", "provider": "parcel"}], "type": kind}))
    assert isinstance(row, Point)
    assert row.kind == said


@pytest.mark.parametrize("kind", ["postbox", "pobox", None])
def test_letter_boxes_are_no_places(kind: Any) -> None:
    row = read_location(location(location={"ids": [{"locationId": "1", "provider": "parcel"}], "type": kind}))
    assert isinstance(row, LeftOut)
    assert row.reason == "no_parcels"


def test_what_only_hands_out_is_no_place() -> None:
    row = read_location(location(serviceTypes=["parcel:pick-up", "parking"]))
    assert isinstance(row, LeftOut)
    assert row.reason == "no_drop_off"


def test_label_free_is_told() -> None:
    row = read_location(location(serviceTypes=["parcel:drop-off-unlabeled", "handicapped-access"]))
    assert isinstance(row, Point)
    assert row.accepts == ["parcel", "label_free"]
    assert (row.step_free, row.carriers) == (True, ["DHL"])


def test_what_is_not_told_is_not_denied() -> None:
    row = read_location(location(serviceTypes=["parcel:drop-off"]))
    assert isinstance(row, Point)
    assert (row.step_free, row.has_printer, row.max_weight_g, row.access_note) == (None, None, None, None)


def test_a_counter_inside_another_shop_says_inside_which() -> None:
    item = location()
    item["place"]["containedInPlace"] = {"name": "Edeka Nord"}
    row = read_location(item)
    assert isinstance(row, Point)
    assert row.access_note == "Edeka Nord"


def test_one_place_with_two_numbers_is_one() -> None:
    ids = [{"locationId": "BCN7VB", "provider": "express"}, {"locationId": "8055-1", "provider": "parcel"}]
    row = read_location(location(location={"ids": ids, "type": "servicepoint"}))
    assert row.id == "8055-1"


def test_hours_and_closures() -> None:
    hours = [
        {"opens": "09:00:00", "closes": "12:00:00", "dayOfWeek": "http://schema.org/Monday"},
        {"opens": "13:00:00", "closes": "18:30:00", "dayOfWeek": "http://schema.org/Monday"},
    ]
    closed = [{"type": "vacation", "fromDate": "2026-12-24T00:00:00.000+01:00", "toDate": "2026-12-26T00:00:00+01:00"}]
    row = read_location(location(openingHours=hours, closurePeriods=closed))
    assert isinstance(row, Point)
    assert row.opening_hours == "Mo 09:00-12:00,13:00-18:30; 2026 Dec 24-2026 Dec 26 off"
    always, broken = read_location(location()), read_location(location(openingHours=[*hours, {"opens": "?"}]))
    assert isinstance(always, Point)
    assert isinstance(broken, Point)
    assert (always.opening_hours, broken.opening_hours) == ("24/7", None)


def test_what_cannot_be_read_is_left_out_without_being_gone() -> None:
    for record in (None, [], {}, {"location": {}}, {"location": {"ids": [{}]}}):
        row = read_location(record)
        assert isinstance(row, LeftOut)
        assert not row.gone


@pytest.mark.parametrize(
    "around", ["", "52", "52,13", "52,13,5,5", "a,b,c", "91,13,500", "52,13,10", "52,13,nan", "52,13,1e9"]
)
def test_wrong_areas_are_told(around: str) -> None:
    with pytest.raises(Misconfigured, match="DROPOFF_LOCATIONS_DHL_AROUND"):
        connect("dhl", {"DROPOFF_LOCATIONS_DHL_KEY": "k", "DROPOFF_LOCATIONS_DHL_AROUND": around})


def test_a_large_area_is_cut_up_to_what_a_search_may_cover() -> None:
    source = connect(
        "dhl", {"DROPOFF_LOCATIONS_DHL_KEY": "k", "DROPOFF_LOCATIONS_DHL_AROUND": "52,13,90000; 48,11,900"}
    )
    assert all(area.radius_m <= 25_000 for area in source._areas)
    assert len(source._areas) == 4 * 4 * 4 * 4 + 1
