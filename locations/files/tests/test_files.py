"""Files as others write them: columns and words mapped, axes and hours read, bombs and halves refused."""

import gzip
import io
import json
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dropoff_locations_files
import pytest
from dropoff_locations_files import Files, connect

from dropoff.ports.locations import LeftOut, LocationSource, Malformed, Misconfigured, Point, Unavailable, read_pages
from dropoff.testing import Answer, CarrierServer, HttpLocationSourceConformance, LocationSourceConformance

CSV = (
    "Nummer;Bezeichnung;Typ;Ort;Y;X;Zeiten\r\n"
    "7;Kiosk Süd;Paketshop;Köln;50,93;6,95;Mo-Fr 9-18\r\n"
    "8;Automat;Automat;Köln;50.94;6.96;24//7\r\n"
)
MAPPED = {
    "COLUMNS": "id=Nummer, name=Bezeichnung, kind=Typ, city=Ort, opening_hours=Zeiten",
    "DEFAULTS": "country=DE, operator=Acme",
    "KINDS": "Paketshop=store, Automat=locker",
}


def feature(number: int, **properties: Any) -> dict[str, Any]:
    given = {"id": f"x:{number}", "name": f"Kiosk {number} Ærø", "kind": "store", "country": "DK"} | properties
    point = {"type": "Point", "coordinates": [12.5, 55.6 + number / 100]}
    return {"type": "Feature", "geometry": point, "properties": given}


def collection(*features: Any) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": list(features)}, ensure_ascii=False).encode()


def files(**settings: str) -> Files:
    return connect("shop", {f"DROPOFF_LOCATIONS_SHOP_{name}": value for name, value in settings.items()})


def rows_of(source: LocationSource) -> list[Point | LeftOut]:
    return [row for page in read_pages(source) for row in page.rows]


def points_of(source: LocationSource) -> list[Point]:
    return [row for row in rows_of(source) if isinstance(row, Point)]


def written(folder: Path, name: str, content: bytes) -> str:
    path = folder / name
    path.write_bytes(content)
    return str(path)


class TestFilesOnDisk(LocationSourceConformance):
    @pytest.fixture
    def source(self, tmp_path: Path) -> LocationSource:
        return files(PATH=written(tmp_path, "places.csv", CSV.encode()), **MAPPED)


class TestFilesBehindAnAddress(HttpLocationSourceConformance):
    @pytest.fixture
    def server(self) -> Iterator[CarrierServer]:
        with CarrierServer(lambda _: Answer(200, collection(*map(feature, range(5))))) as server:
            yield server

    @pytest.fixture
    def source(self, server: CarrierServer) -> LocationSource:
        return files(URL=f"{server.url}/places.geojson", PATIENCE_S="0.5", AUTHORIZATION="Bearer x")

    def test_the_key_goes_along_and_stays_out_of_the_host(self, source: LocationSource, server: CarrierServer) -> None:
        rows_of(source)
        assert server.received[0].headers["authorization"] == "Bearer x"
        assert source.host == "127.0.0.1"


def test_columns_words_axes_and_hours(tmp_path: Path) -> None:
    for encoding in ("utf-8", "utf-8-sig", "cp1252", "utf-16"):
        kiosk, locker = points_of(files(PATH=written(tmp_path, "p.csv", CSV.encode(encoding)), **MAPPED))
        assert (kiosk.id, kiosk.name, kiosk.kind, kiosk.city) == ("7", "Kiosk Süd", "store", "Köln")
        assert (kiosk.country, kiosk.operator, kiosk.lat, kiosk.lon) == ("DE", "Acme", "50.93", "6.95")
        assert kiosk.opening_hours == "Mo-Fr 09:00-18:00"
        assert "opening_hours" in kiosk.repaired
        assert (locker.kind, locker.opening_hours) == ("locker", "24//7")  # a spelling that every importer knows


def test_an_encoding_that_cannot_be_told_is_set(tmp_path: Path) -> None:
    row = "nr,name\n7,Żabka Łódź\n".encode("cp1250")
    (point,) = points_of(files(PATH=written(tmp_path, "p.csv", row), COLUMNS="id=nr", ENCODING="cp1250"))
    assert point.name == "Żabka Łódź"


def test_facts_are_mapped_like_any_other_column(tmp_path: Path) -> None:
    table = (
        "id;name;kind;country;lat;lon;Barrierefrei;Gramm;Masse;Hinweis\n1;A;store;DE;50;7;ja;20000;60x40x30;hinten\n"
    )
    columns = "step_free=Barrierefrei, max_weight_g=Gramm, max_size_mm=Masse, access_note=Hinweis"
    path = written(tmp_path, "p.csv", table.encode())
    [row] = points_of(files(PATH=path, COLUMNS=columns, DEFAULTS="carriers=GLS; Post Nord"))
    assert (row.step_free, row.max_weight_g, row.max_size_mm) == ("ja", "20000", "60x40x30")
    assert (row.access_note, row.carriers, row.has_printer) == ("hinten", "GLS; Post Nord", None)


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        ("PN-SB 8-20", "Mo-Sa 08:00-20:00"),
        ("E-L 10-18", "Mo-Sa 10:00-18:00"),
        ("Mo-Fr 09:00-18:00; PH off", "Mo-Fr 09:00-18:00; PH off"),
        ('{"monday": [{"start": 540, "end": 1080}], "sunday": [{"start": 0, "end": 0}]}', "Mo 09:00-18:00"),
        ({"Mo": "9-18", "Di": "geschlossen"}, "Mo 09:00-18:00"),
        ("by appointment", "by appointment"),
    ],
)
def test_hours_in_words_and_as_a_structure(tmp_path: Path, hours: Any, said: str) -> None:
    path = written(tmp_path, "p.geojson", collection(feature(1, opening_hours=hours)))
    assert [point.opening_hours for point in points_of(files(PATH=path))] == [said]


def test_packed_files_are_unpacked(tmp_path: Path) -> None:
    content = collection(feature(1))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("places.geojson", content)
    for name, body in (("p.geojson.gz", gzip.compress(content)), ("p.zip", packed.getvalue())):
        assert [point.id for point in points_of(files(PATH=written(tmp_path, name, body)))] == ["x:1"]


def _zip(*members: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, member in enumerate(members):
            archive.writestr(f"{number}.geojson", member)
    return packed.getvalue()


@pytest.mark.parametrize("pack", [gzip.compress, _zip])
def test_a_bomb_is_refused_before_it_fills_the_disk_or_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: Any
) -> None:
    path = written(tmp_path, "bomb", pack(b" " * 50_000_000))
    monkeypatch.setattr(dropoff_locations_files, "FILE_MAX", 10_000_000)
    tracemalloc.start()
    with pytest.raises(Malformed, match="unpacks to more than"):
        rows_of(files(PATH=path))
    assert tracemalloc.get_traced_memory()[1] < 8_000_000
    tracemalloc.stop()


@pytest.mark.parametrize(
    "content",
    [
        collection(feature(1))[:-20],
        gzip.compress(collection(feature(1)))[:-9],
        _zip(collection(feature(1)))[:-30],
        _zip(b"", b""),
        b"\x1f\x8bnonsense",
        b"{}",
        b"<html></html>",
        b"",
    ],
)
def test_half_a_file_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(Malformed):
        rows_of(files(PATH=written(tmp_path, "p.geojson", content)))


def test_a_file_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "p.geojson", collection(feature(1)))
    monkeypatch.setattr(dropoff_locations_files, "FILE_MAX", 50)
    with pytest.raises(Malformed, match="more than 50 bytes"):
        rows_of(files(PATH=path))


def test_a_file_that_is_not_there_may_come(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        rows_of(files(PATH=str(tmp_path / "missing.csv")))


def test_a_broken_row_costs_itself(tmp_path: Path) -> None:
    content = collection(feature(1), 7, {"type": "Feature"}, feature(2))
    rows = rows_of(files(PATH=written(tmp_path, "p.geojson", content)))
    assert [isinstance(row, LeftOut) and not row.gone for row in rows] == [False, True, True, False]


def test_a_column_of_theirs_with_our_name_gives_way_to_the_one_named(tmp_path: Path) -> None:
    path = written(tmp_path, "p.csv", b"id,nr,name,kind,country,lat,lon\nrow1,7,A,store,DE,1,2\n")
    assert [point.id for point in points_of(files(PATH=path, COLUMNS="id=nr"))] == ["7"]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "PATH"),
        ({"PATH": "a", "URL": "http://b/"}, "PATH"),
        ({"URL": "b.csv"}, "URL"),
        ({"PATH": "a", "COLUMNS": "id"}, "COLUMNS"),
        ({"PATH": "a", "COLUMNS": "nr=id"}, "no such field: nr"),
        ({"PATH": "a", "DEFAULTS": "colour=red"}, "no such field: colour"),
        ({"PATH": "a", "FORMAT": "xml"}, "format"),
        ({"PATH": "a", "ENCODING": "polish"}, "no such encoding of text: polish"),
        ({"PATH": "a", "ENCODING": "hex"}, "no such encoding of text: hex"),
        ({"PATH": "a", "COLOR": "red"}, "DROPOFF_LOCATIONS_SHOP_COLOR"),
    ],
)
def test_wrong_settings_are_told(settings: dict[str, str], told: str) -> None:
    with pytest.raises(Misconfigured, match=told):
        files(**settings)
