"""OpenStreetMap by Overpass: which elements are places, and an answer that only seems whole."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from dropoff_locations_osm import OpenStreetMap, OsmSettings, connect, query, read_element

from dropoff.kernel.json_array import Element
from dropoff.ports.locations import LeftOut, LocationSource, Malformed, Misconfigured, Point, Unavailable, read_pages
from dropoff.testing import Answer, CarrierServer, HttpLocationSourceConformance, Received

SHOP = {"amenity": None, "brand": None, "shop": "kiosk", "name": "Kiosk"}


def element(number: int = 1, **tags: Any) -> dict[str, Any]:
    tags = {"amenity": "parcel_locker", "brand": "Nærboks", "ref": str(number)} | tags
    kept = {key.replace("__", ":"): value for key, value in tags.items() if value is not None}
    return {"type": "node", "id": number, "lat": 55.6, "lon": 12.5 + number / 100, "tags": kept}


def read(**tags: Any) -> Point | LeftOut:
    return read_element(Element(0, element(**tags)), "DK")


def overpass(*elements: Any, **more: Any) -> bytes:
    document = {"version": 0.6, "osm3s": {"copyright": "ODbL"}, "elements": list(elements)} | more
    return json.dumps(document, ensure_ascii=False).encode()


class TestOpenStreetMap(HttpLocationSourceConformance):
    @pytest.fixture
    def server(self) -> Iterator[CarrierServer]:
        def answer(request: Received) -> Answer:
            if b'"SE"' in request.body:
                return Answer(200, overpass(element(9, brand="Instabox")))
            return Answer(200, overpass(element(1), element(2), element(3, access="private")))

        with CarrierServer(answer) as server:
            yield server

    @pytest.fixture
    def source(self, server: CarrierServer) -> LocationSource:
        return OpenStreetMap(OsmSettings(countries="", url=f"{server.url}/api", patience_s=1), ("DK", "SE"))

    def test_a_broken_off_query_that_says_200_is_unavailable(
        self, source: LocationSource, server: CarrierServer
    ) -> None:
        remark = 'runtime error: Query timed out in "query" at line 1 after 26 seconds.'
        server.answers = lambda _: Answer(200, overpass(element(1), remark=remark))
        with pytest.raises(Unavailable, match="timed out"):
            list(read_pages(source))

    def test_one_broken_element_costs_itself(self, source: LocationSource, server: CarrierServer) -> None:
        body = overpass(element(1), "HERE", element(2)).replace(b'"HERE"', b'{"a": nul}')
        server.answers = lambda _: Answer(200, body)
        rows = [row for page in read_pages(source) for row in page.rows]
        assert [row.reason for row in rows if isinstance(row, LeftOut)] == ["row_malformed", "row_malformed"]
        assert [row.id for row in rows if isinstance(row, Point)] == ["node/1", "node/2"]

    def test_each_country_is_a_query_and_a_place_to_go_on(self, source: LocationSource) -> None:
        assert [page.cursor for page in read_pages(source)] == ["SE", None]
        with pytest.raises(Malformed):
            list(source.pages("FI"))


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        ({}, "locker"),
        ({"amenity": "post_office"}, "post_office"),
        ({"amenity": "post_office", "post_office": "post_partner"}, "store"),
        ({"amenity": None, "shop": "convenience", "post_office": "post_partner"}, "store"),
        ({"amenity": None, "shop": "kiosk", "post_office__parcel_to": "dhl"}, "store"),
        ({"amenity": "post_office", "shop": "kiosk", "post_office__parcel_to": "ups"}, "store"),
    ],
)
def test_kinds(tags: dict[str, Any], kind: str) -> None:
    row = read(**tags)
    assert isinstance(row, Point)
    assert row.kind == kind


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({"amenity": None, "shop": "kiosk"}, "no_drop_off"),
        ({"amenity": None, "shop": "kiosk", "post_office__parcel_to": "no"}, "no_drop_off"),
        ({"parcel_mail_in": "no"}, "no_drop_off"),
        ({"access": "private"}, "private"),
        ({"disused": "yes"}, "not_operating"),
        ({"operational_status": "closed"}, "not_operating"),
    ],
)
def test_what_is_no_place_says_why(tags: dict[str, Any], reason: str) -> None:
    row = read(**tags)
    assert isinstance(row, LeftOut)
    assert (row.id, row.reason, row.gone) == ("node/1", reason, True)


def test_a_place_as_it_is_tagged() -> None:
    tags = {
        "addr__street": "Nørrebrogade",
        "addr__housenumber": "7",
        "addr__city": "København",
        "opening_hours": "24/7",
    }
    row = read(**tags, addr__postcode="2200", contact__phone="+45 1")
    assert isinstance(row, Point)
    assert (row.name, row.operator) == ("Nærboks 1", "Nærboks")
    assert (row.street, row.postcode, row.city, row.country) == ("Nørrebrogade 7", "2200", "København", "DK")
    assert (row.opening_hours, row.phone, row.lat) == ("24/7", "+45 1", 55.6)


@pytest.mark.parametrize(
    ("tags", "facts"),
    [
        ({"wheelchair": "yes", "operator": "DHL"}, {"step_free": True, "carriers": ["DHL"]}),
        ({"wheelchair": "designated"}, {"step_free": True}),
        ({"wheelchair": "no"}, {"step_free": False}),
        ({"wheelchair": "limited"}, {"step_free": None}),
        ({}, {"step_free": None, "carriers": ["Nærboks"], "has_printer": None, "max_weight_g": None, "refuses": None}),
        ({"parcel_mail_in": "GLS; PostNord;GLS"}, {"carriers": ["GLS", "PostNord"]}),
        ({"parcel_mail_in": "yes", "brand": "Æ;Ø"}, {"carriers": ["Æ", "Ø"]}),
        ({"maxweight": "25 kg"}, {"max_weight_g": 25_000}),
        ({"maxweight": "2,5kg"}, {"max_weight_g": 2_500}),
        ({"maxweight": "25"}, {"max_weight_g": None}),
        ({"maxweight": "0 kg"}, {"max_weight_g": None}),
        ({"description": "left of the entrance"}, {"access_note": "left of the entrance"}),
        ({"image": "https://pictures.example/1.jpg"}, {"photo_url": "https://pictures.example/1.jpg"}),
        ({"image": "File:Locker.jpg"}, {"photo_url": None}),
        (SHOP | {"post_office__parcel_from": "DHL;Hermes"}, {"carriers": ["DHL", "Hermes"]}),
        (SHOP | {"post_office__parcel_from": "yes", "operator": "Anna Olsen"}, {"carriers": None}),
        (SHOP | {"parcel_mail_in": "yes", "description": "nice people"}, {"access_note": None}),
    ],
)
def test_what_is_tagged_of_a_place_is_told_and_the_rest_is_not(tags: dict[str, Any], facts: dict[str, Any]) -> None:
    row = read(**tags)
    assert isinstance(row, Point)
    assert {name: getattr(row, name) for name in facts} == facts


def test_a_way_stands_at_its_centre_and_a_name_is_never_invented() -> None:
    way = {"type": "way", "id": 5, "center": {"lat": 1.0, "lon": 2.0}, "tags": {"amenity": "post_office"}}
    row = read_element(Element(0, way), "DK")
    assert isinstance(row, Point)
    assert (row.id, row.lat, row.lon, row.name) == ("way/5", 1.0, 2.0, None)


def test_the_query_asks_for_one_country() -> None:
    asked = query("DK", 180)
    assert '["ISO3166-1"="DK"]' in asked
    assert "parcel_locker|post_office" in asked
    assert "post_partner" in asked


@pytest.mark.parametrize("countries", ["", "DNK", "D K, 1", "ÆØ"])
def test_wrong_countries_are_told(countries: str) -> None:
    with pytest.raises(Misconfigured, match="DROPOFF_LOCATIONS_OSM_COUNTRIES"):
        connect("osm", {"DROPOFF_LOCATIONS_OSM_COUNTRIES": countries})


def test_countries_are_needed() -> None:
    with pytest.raises(Misconfigured, match="countries"):
        connect("osm", {})
    assert connect("osm", {"DROPOFF_LOCATIONS_OSM_COUNTRIES": "dk, SE,dk"}).host == "overpass-api.de"
