"""UPS Locator: requests that keep UPS's own schema, and its answers in all their shapes."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dropoff_locations_ups import Ups, UpsSettings, connect, read_place, search_body

from dropoff.ports.locations import (
    LeftOut,
    LocationSource,
    Malformed,
    Misconfigured,
    Point,
    SourceError,
    Unavailable,
    read_pages,
)
from dropoff.ports.searching import Area
from dropoff.testing import Answer, CarrierServer, Fault, HttpLocationSourceConformance, Received

BESIDE = Path(__file__).resolve().parents[4] / "shared" / "contracts"
CONTRACTS = Path(os.environ.get("DROPOFF_CONTRACTS") or BESIDE)


def place(number: int = 1, **changes: Any) -> dict[str, Any]:
    days = [{"Day": str(day), "OpenHours": "930", "CloseHours": "1800"} for day in range(2, 7)]
    hours = [*days, {"Day": "7", "OpenHours": "0", "CloseHours": "0"}, {"Day": "1", "ClosedIndicator": ""}]
    return {
        "LocationID": str(100 + number),
        "Geocode": {"Latitude": str(51.2 + number / 100), "Longitude": "6.8"},
        "Timezone": "Europe/Berlin",
        "IVR": {"PhraseID": "1"},
        "OriginOrDestination": "01",
        "PhoneNumber": ["0211123"],
        "LocationAttribute": [
            {
                "OptionType": {"Code": "01", "Description": "Location"},
                "OptionCode": [{"Code": "018", "Description": "AP"}],
            }
        ],
        "Distance": {"Value": "1.5", "UnitOfMeasurement": {"Code": "KM", "Description": "Kilometers"}},
        "AddressKeyFormat": {
            "ConsigneeName": "KIOSK AN DER MÜHLE",
            "AddressLine": "Mühlenstraße 3",
            "PoliticalDivision2": "Düsseldorf",
            "PoliticalDivision1": "NW",
            "PostcodePrimaryLow": "40210",
            "CountryCode": "DE",
        },
        "OperatingHours": {"StandardHours": [{"HoursType": "10", "DayOfWeek": hours}]},
        "AccessPointInformation": {
            "PublicAccessPointID": f"U{number:08d}",
            "AccessPointStatus": {"Code": "01", "Description": "Active"},
        },
    } | changes


def found(places: Any) -> dict[str, Any]:
    response = {"ResponseStatusCode": "1", "ResponseStatusDescription": "Success"}
    results = {"DropLocation": places}
    return {"LocatorResponse": {"Response": response, "AllowAllConfidenceLevels": "True", "SearchResults": results}}


def answer_as_ups(request: Received) -> Answer:
    if "oauth" in request.path:
        return Answer(200, b'{"access_token": "tok", "expires_in": "14399"}')
    return Answer(200, json.dumps(found([place(number) for number in range(4)]), ensure_ascii=False).encode())


class TestUps(HttpLocationSourceConformance):
    @pytest.fixture
    def server(self) -> Iterator[CarrierServer]:
        with CarrierServer(answer_as_ups) as server:
            yield server

    @pytest.fixture
    def source(self, server: CarrierServer) -> LocationSource:
        settings = UpsSettings("id", "secret", "", "DE", url=server.url, patience_s=0.5)
        return Ups(settings, (Area(51.2, 6.8, 20_000), Area(51.3, 6.9, 20_000)))

    def test_one_token_serves_until_it_ends(self, source: LocationSource, server: CarrierServer) -> None:
        for _ in range(2):
            list(read_pages(source))
        assert sum("oauth" in request.path for request in server.received) == 1
        assert all(r.headers["authorization"] == "Bearer tok" for r in server.received if "oauth" not in r.path)

    @pytest.mark.parametrize("body", [b"{}", b"null", b"[]", b'{"LocatorResponse": 1}', b'{"LocatorResponse": {}}'])
    def test_another_shape_of_the_search_is_no_empty_network(
        self, source: LocationSource, server: CarrierServer, body: bytes
    ) -> None:
        assert isinstance(self.failed(source, server, Fault("status", 200, body=body), at=1), Malformed)

    @pytest.mark.parametrize(
        ("error", "kind"),
        [
            ({"ErrorSeverity": "Transient", "ErrorCode": "1", "MinimumRetrySeconds": "90"}, Unavailable),
            ({"ErrorSeverity": "Hard", "ErrorCode": "350120", "ErrorDescription": "Invalid radius"}, Malformed),
        ],
    )
    def test_an_error_in_a_good_answer_is_told(
        self, source: LocationSource, server: CarrierServer, error: dict[str, str], kind: type[SourceError]
    ) -> None:
        body = {"LocatorResponse": {"Response": {"ResponseStatusCode": "0", "Error": error}}}
        caught = self.failed(source, server, Fault("status", 200, body=json.dumps(body).encode()), at=1)
        assert isinstance(caught, kind)
        assert getattr(caught, "retry_after_s", 90) == 90

    def test_nothing_there_is_an_empty_page(self, source: LocationSource, server: CarrierServer) -> None:
        error = {"ErrorSeverity": "Hard", "ErrorCode": "350201", "ErrorDescription": "No locations found"}
        body = json.dumps({"LocatorResponse": {"Response": {"ResponseStatusCode": "0", "Error": error}}}).encode()
        server.faults.extend([Fault("slow", seconds=0), Fault("status", 200, body=body)])
        pages = list(read_pages(source))
        assert [len(page.rows) for page in pages] == [0, 4]


def _schema(name: str) -> dict[str, Any]:
    path = CONTRACTS / "ups" / "Locator.yaml"
    if not path.exists():
        pytest.skip(f"needs the contracts: {path} is missing; DROPOFF_CONTRACTS names another folder")
    import yaml

    document = yaml.safe_load(path.read_text(encoding="utf-8").replace("\t", " "))
    return {"$ref": f"#/components/schemas/{name}", "components": document["components"]}


def _errors(name: str, value: Any) -> list[str]:
    import jsonschema_rs

    validator = jsonschema_rs.Draft4Validator(_schema(name))
    return ["/".join(map(str, error.instance_path)) for error in validator.iter_errors(value)]


@pytest.mark.parametrize(
    "area", [Area(51.2, 6.8, 20_000), Area(-33.123456789, -70.5, 5_000), Area(0.0, 179.999, 150_000)]
)
def test_a_request_keeps_the_contract(area: Area) -> None:
    # The contract wants thirteen characters there and says itself that the only valid value is `Locator`.
    contradiction = ["LocatorRequest/Request/RequestAction"]
    assert _errors("LOCATORRequestWrapper", search_body(area, "DE")) == contradiction


def test_the_answers_here_keep_the_contract_as_far_as_ups_does() -> None:
    # Times of three and one characters are the contract's own examples, against its minimum of four.
    wrong = _errors("LOCATORResponseWrapper", found([place()]))
    assert all(path.endswith(("OpenHours", "CloseHours")) for path in wrong)


def hours(*days: dict[str, Any]) -> str | None:
    row = read_place(place(OperatingHours={"StandardHours": {"HoursType": "10", "DayOfWeek": list(days)}}))
    assert isinstance(row, Point)
    return row.opening_hours  # type: ignore[no-any-return]


def test_hours() -> None:
    row = read_place(place())
    assert isinstance(row, Point)
    assert row.opening_hours == "Mo-Fr 09:30-18:00"
    assert hours({"Day": "1", "Open24HoursIndicator": "True"}) == "Su 00:00-24:00"
    assert hours({"Day": "2", "OpenHours": "800", "CloseHours": "0"}) == "Mo 08:00-24:00"
    split = {"Day": "7", "OpenHours": ["900", "1400"], "CloseHours": ["1200", "1830"]}
    assert hours(split) == "Sa 09:00-12:00,14:00-18:30"
    assert hours({"Day": "2", "OpenHours": "9:30", "CloseHours": "1800"}) is None
    assert hours({"Day": "9", "OpenHours": "930", "CloseHours": "1800"}) is None
    assert hours({"Day": "2"}) is None


def test_other_kinds_of_hours_are_not_opening_hours() -> None:
    other = {"StandardHours": [{"HoursType": "50", "DayOfWeek": [{"Day": "2", "LatestDropOffHours": "1700"}]}]}
    row = read_place(place(OperatingHours=other))
    assert isinstance(row, Point)
    assert row.opening_hours is None


def test_a_place_as_ups_tells_it() -> None:
    row = read_place(place())
    assert isinstance(row, Point)
    assert (row.id, row.name, row.kind, row.operator) == ("U00000001", "KIOSK AN DER MÜHLE", "store", "UPS")
    assert (row.street, row.postcode, row.city, row.country) == ("Mühlenstraße 3", "40210", "Düsseldorf", "DE")
    assert (row.lat, row.lon, row.phone) == ("51.21", "6.8", "0211123")


def test_its_picture_and_the_last_fifty_feet() -> None:
    told = {
        "LocationImage": {
            "SecureURL": "https://pictures.example/1.jpg",
            "NonSecureURL": "http://pictures.example/1.jpg",
        },
        "LocalizedInstruction": [{"Locale": "en_US", "Last50ftInstruction": "By the tills"}],
        "SpecialInstructions": [{"Segment": ["Through the gate", "then left"]}],
    }
    row = read_place(place(**told))
    assert isinstance(row, Point)
    assert (row.photo_url, row.access_note, row.carriers) == ("https://pictures.example/1.jpg", "By the tills", ["UPS"])
    assert _errors("LOCATORResponseWrapper", found([place(**told)])) == _errors(
        "LOCATORResponseWrapper", found([place()])
    )
    del told["LocalizedInstruction"]
    about = place()["AccessPointInformation"] | {"ImageURL": "http://pictures.example/1.jpg"}
    row = read_place(place(**told | {"LocationImage": {}, "AccessPointInformation": about}))
    assert isinstance(row, Point)
    assert (row.photo_url, row.access_note) == (None, "Through the gate then left")
    plain = read_place(place())
    assert isinstance(plain, Point)
    assert (plain.photo_url, plain.access_note, plain.step_free) == (None, None, None)


def test_a_phone_that_is_not_to_be_shown_is_not() -> None:
    row = read_place(place(DisplayPhoneNumberIndicator="0"))
    assert isinstance(row, Point)
    assert row.phone is None


@pytest.mark.parametrize("status", ["06", "07", "08"])
def test_suspended_and_terminated_points_are_no_places(status: str) -> None:
    about = {"PublicAccessPointID": "U1", "AccessPointStatus": {"Code": status, "Description": "x"}}
    row = read_place(place(AccessPointInformation=about))
    assert isinstance(row, LeftOut)
    assert (row.id, row.reason, row.gone) == ("U1", "not_operating", True)


def test_a_location_id_is_never_shown() -> None:
    row = read_place(place(LocationID="123456", AccessPointInformation={}))
    assert isinstance(row, Point)
    assert "123456" not in str(row)
    assert row.id == read_place(place(LocationID="123456", AccessPointInformation={})).id


def test_what_cannot_be_read_is_left_out_without_being_gone() -> None:
    for record in (None, [], {}, {"AccessPointInformation": 7}):
        row = read_place(record)
        assert isinstance(row, LeftOut)
        assert not row.gone


def test_wrong_settings_are_told() -> None:
    good = {"CLIENT_ID": "a", "CLIENT_SECRET": "b", "AROUND": "51,7,20000", "COUNTRY": "de"}
    environment = {f"DROPOFF_LOCATIONS_UPS_{name}": value for name, value in good.items()}
    assert connect("ups", environment).host == "onlinetools.ups.com"
    for name, value in {"COUNTRY": "DEU", "AROUND": "51,7,100", "URL": "http://user:x@host"}.items():
        with pytest.raises(Misconfigured, match=f"DROPOFF_LOCATIONS_UPS_{name}"):
            connect("ups", environment | {f"DROPOFF_LOCATIONS_UPS_{name}": value})
    with pytest.raises(Misconfigured, match="client_id"):
        connect("ups", {})
