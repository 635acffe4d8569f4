"""InPost's points as its API gives them: what is kept, what is left out and why, and hours in all their spellings."""

import gzip
import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from dropoff_locations_inpost import InPost, InPostSettings, connect, read_point

from dropoff.ports.locations import LeftOut, LocationSource, Malformed, Misconfigured, Point, read_pages
from dropoff.testing import Answer, CarrierServer, HttpLocationSourceConformance, Received

SHARED = Path(os.environ.get("DROPOFF_SHARED") or Path(__file__).resolve().parents[4] / "shared")


def item(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "name": f"BER{number:02d}A",
        "country": "DE",
        "type": ["parcel_locker"],
        "status": "Operating",
        "location": {"longitude": 13.4 + number / 100, "latitude": 52.5},
        "location_247": False,
        "opening_hours": None,
        "operating_hours_extended": {"customer": None},
        "address": {"line1": "Straße 1", "line2": "10115 Berlin"},
        "address_details": {"street": "Straße", "building_number": "1", "post_code": "10115", "city": "Berlin"},
        "functions": ["parcel", "parcel_collect", "parcel_send"],
    } | changes


def point(**changes: Any) -> Point:
    row = read_point(item(**changes))
    assert isinstance(row, Point), row
    return row


def left_out(**changes: Any) -> LeftOut:
    row = read_point(item(**changes))
    assert isinstance(row, LeftOut), row
    return row


class TestInPost(HttpLocationSourceConformance):
    @pytest.fixture
    def server(self) -> Iterator[CarrierServer]:
        items = [item(number) for number in range(5)] + [item(9, status="Disabled")]

        def answer(request: Received) -> Answer:
            query = parse_qs(urlsplit(request.path).query)
            page, size = int(query["page"][0]), int(query["per_page"][0])
            shown = [one for one in items if one["country"] == query.get("country", ["DE"])[0]]
            body = {
                "page": page,
                "total_pages": -(-len(shown) // size),
                "items": shown[(page - 1) * size : page * size],
            }
            return Answer(200, json.dumps(body, ensure_ascii=False).encode())

        with CarrierServer(answer) as server:
            yield server

    @pytest.fixture
    def source(self, server: CarrierServer) -> LocationSource:
        return InPost(InPostSettings(url=f"{server.url}/v1/points", countries="DE,PL", per_page=2, patience_s=0.5))

    def test_every_country_is_asked_for_and_every_page(self, source: LocationSource, server: CarrierServer) -> None:
        cursors = [page.cursor for page in read_pages(source)]
        assert cursors == ["DE:2", "DE:3", "PL:1", None]

    def test_a_cursor_of_other_settings_is_told(self, source: LocationSource) -> None:
        with pytest.raises(Malformed):
            list(source.pages("SE:3"))


@pytest.mark.parametrize("status", ["Created", "Disabled", "Overloaded", "NonOperating", None, 7])
def test_only_what_operates_is_a_place(status: Any) -> None:
    row = left_out(status=status)
    assert (row.id, row.reason, row.gone) == ("DE/BER01A", "not_operating", True)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "DGMTESTMODULAR"},
        {"name": "DGMTESTNEWFM"},
        {"address": {"line1": "DO WYKORZYSTANIA 0/0", "line2": "00-000 TEST"}},
    ],
)
def test_test_records_are_no_places(changes: dict[str, Any]) -> None:
    assert left_out(**changes).reason == "test_record"


def test_a_street_called_after_a_tester_is_none() -> None:
    assert point(address={"line1": "Testgasse 1", "line2": "1180 Wien"}).id == "DE/BER01A"


def test_where_parcels_can_only_be_fetched_is_no_place() -> None:
    assert left_out(functions=["parcel_collect"]).reason == "no_drop_off"


def test_what_cannot_be_read_is_left_out_without_being_gone() -> None:
    for record in (None, 7, [], {}, {"name": "", "country": "DE"}, {"name": "A"}):
        row = read_point(record)
        assert isinstance(row, LeftOut)
        assert not row.gone


def test_a_locker_and_a_counter_at_one_address_are_two_places() -> None:
    locker = point()
    counter = point(name="BER77P", type=["pok", "pop"], location_description_1="Kiosk am Eck")
    assert (locker.kind, counter.kind) == ("locker", "store")
    assert locker.id != counter.id
    assert (locker.name, counter.name) == ("InPost BER01A", "Kiosk am Eck")


def extended(**days: list[tuple[int, int]]) -> dict[str, Any]:
    names = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    return {"customer": {day: [{"start": a, "end": b} for a, b in days.get(day, [])] for day in names}}


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        (extended(monday=[(540, 1080)], tuesday=[(540, 1080)]), "Mo-Tu 09:00-18:00"),
        (extended(monday=[(540, 720), (780, 1080)], sunday=[(0, 0)]), "Mo 09:00-12:00,13:00-18:00"),
        (extended(monday=[(300, 0)], saturday=[(480, 1439)]), "Mo 05:00-24:00; Sa 08:00-24:00"),
        (extended(), None),
        ({"customer": None}, None),
        ({"customer": {"monday": [{"start": "x", "end": 3}]}}, None),
        (None, None),
    ],
)
def test_minutes_since_midnight(hours: Any, said: str | None) -> None:
    assert point(operating_hours_extended=hours).opening_hours == said
    assert point(operating_hours_extended=json.dumps(hours)).opening_hours == said


@pytest.mark.parametrize(
    ("text", "said", "told"),
    [
        ("24/7", "24/7", False),
        ("24//7", "24//7", False),  # a spelling that every importer knows
        ("PN-ND 06-22", "Mo-Su 06:00-22:00", True),
        ("L/Ma/Me/J/V 9-19,S 8-14", "Mo-Fr 09:00-19:00; Sa 08:00-14:00", True),
        ("MON|08:00-23:00|-;TUE|08:00-12:00|13:00-23:00;SUN|-|-;", "Mo 08:00-23:00; Tu 08:00-12:00,13:00-23:00", True),
        ("MON|-|-;TUE|-|-;", "MON|-|-;TUE|-|-;", False),
        ("ring the bell", "ring the bell", False),
    ],
)
def test_hours_in_local_words(text: str, said: str, told: bool) -> None:
    row = point(opening_hours=text)
    assert row.opening_hours == said
    assert ("opening_hours" in row.repaired) is told


def test_the_structure_goes_before_the_text() -> None:
    row = point(opening_hours="PN-ND 06-22", operating_hours_extended=extended(monday=[(540, 1080)]))
    assert row.opening_hours == "Mo 09:00-18:00"


def test_a_place_that_is_always_open_says_so() -> None:
    assert point(location_247=True).opening_hours == "24/7"


def test_how_to_reach_it_its_picture_and_a_printer() -> None:
    row = point(location_description=" By the exit ", image_url="https://pictures.example/1.jpg", print_in_store=False)
    assert (row.access_note, row.photo_url, row.has_printer) == ("By the exit", "https://pictures.example/1.jpg", False)
    unsaid = point(easy_access_zone=True, location_description="", print_in_store=None)
    assert (unsaid.access_note, unsaid.photo_url, unsaid.has_printer, unsaid.step_free) == (None, None, None, None)


def test_closures_are_days_of_the_place() -> None:
    periods = [
        {"start_time": "2026-02-16T23:00:00Z", "end_time": "2026-02-17T22:59:00Z"},
        {"start_time": "2026-03-31T22:00:00Z", "end_time": "2026-04-02T21:59:00Z"},
        {"start_time": "2026-05-05T12:00:00Z", "end_time": "2026-05-05T13:00:00Z"},
        {"start_time": "soon", "end_time": None},
    ]
    row = point(operating_hours_extended=extended(monday=[(540, 1080)]), unavailability_periods=periods)
    assert row.opening_hours == "Mo 09:00-18:00; 2026 Feb 17 off; 2026 Apr 01-2026 Apr 02 off"


@pytest.mark.parametrize(
    ("name", "places", "out"),
    [
        ("per_page_1000", 714, {"not_operating": 285, "test_record": 1}),
        ("sample_DE_500", 493, {"not_operating": 7}),
        ("sample_GB_500", 440, {"not_operating": 60}),
    ],
)
def test_the_three_real_pages(name: str, places: int, out: dict[str, int]) -> None:
    path = SHARED / "data" / "inpost" / f"{name}.json.gz"
    if not path.exists():
        pytest.skip(f"needs the shared data: {path} is missing; DROPOFF_SHARED names another folder")
    rows = [read_point(one) for one in json.loads(gzip.decompress(path.read_bytes()))["items"]]
    found = [row for row in rows if isinstance(row, Point)]
    assert len(found) == places
    assert Counter(row.reason for row in rows if isinstance(row, LeftOut)) == out
    assert all(row.opening_hours for row in found)
    assert len({row.id for row in found}) == places
    assert all(row.carriers == ["InPost"] and row.photo_url for row in found)
    assert {row.step_free for row in found} == {None}, "what InPost calls easy access holds of every locker"


def test_wrong_settings_are_told() -> None:
    assert connect("inpost", {}).host == "api-global-points.easypack24.net"
    for wrong in ({"PER_PAGE": "0"}, {"URL": "ftp://x"}, {"COUNTRY": "PL"}):
        with pytest.raises(Misconfigured, match="DROPOFF_LOCATIONS_INPOST_"):
            connect("inpost", {f"DROPOFF_LOCATIONS_INPOST_{name}": value for name, value in wrong.items()})
