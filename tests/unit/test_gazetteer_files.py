"""A gazetteer file is read as GeoNames publishes it; what is not one is refused by name, in bounded memory."""

import gzip
import io
import tracemalloc
import zipfile
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropoff.network import gazetteer_reading
from dropoff.network.gazetteer_building import Row
from dropoff.network.gazetteer_reading import GazetteerInvalid, Wrong, read_gazetteer

AARHUS = "DK\t8000\tAarhus C\tCentral Jutland\t82\tAarhus\t751\t\t\t56.1567\t10.2108\t4\n"
LODZ = "PL\t90-354\tŁódź\tŁódź Voivodeship\t74\t\t\t\t\t51.7548\t19.4717\t\n"
HEADER = "country,postcode,place,admin1,lat,lon\n"
README = "This readme describes the fields: country code, postal code …\n"


def zipped(*, kind: int = zipfile.ZIP_DEFLATED, **members: str | bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", kind) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_", "."), content)
    return made.getvalue()


def rows(tmp_path: Path, content: bytes) -> tuple[list[Row], list[Wrong]]:
    path, wrong = tmp_path / "file", list[Wrong]()
    path.write_bytes(content)
    return list(read_gazetteer(path, wrong.append)), wrong


def refusal(tmp_path: Path, content: bytes) -> str:
    with pytest.raises(GazetteerInvalid) as refused:
        rows(tmp_path, content)
    return str(refused.value)


@pytest.mark.parametrize("kind", ["txt", "zip", "gz", "csv", "csv.gz", "bom", "crlf"])
def test_every_kind_of_file_tells_the_same(tmp_path: Path, kind: str) -> None:
    text = (AARHUS + LODZ).encode()
    table = (
        HEADER + 'DK,8000,Aarhus C,Central Jutland,56.1567,10.2108\nPL,90-354,"Łódź",Łódź Voivodeship,51.7548,19.4717\n'
    ).encode()
    content = {
        "txt": text,
        "zip": zipped(readme_txt=README, DK_txt=text),
        "gz": gzip.compress(text),
        "csv": table,
        "csv.gz": gzip.compress(table),
        "bom": b"\xef\xbb\xbf" + table,
        "crlf": table.replace(b"\n", b"\r\n"),
    }[kind]
    found, wrong = rows(tmp_path, content)
    assert found == [
        Row("DK", "8000", "Aarhus C", "Central Jutland", 56.1567, 10.2108),
        Row("PL", "90-354", "Łódź", "Łódź Voivodeship", 51.7548, 19.4717),
    ]
    assert wrong == []


def test_the_real_file_is_read_whole(shared_data: Path) -> None:
    path = shared_data / "data" / "gazetteer_postal_small.csv.gz"
    if not path.exists():
        pytest.skip(f"needs {path}")
    wrong: list[Wrong] = []
    countries = Counter(row.country for row in read_gazetteer(path, wrong.append))
    assert wrong == []
    assert countries.total() == 73_082
    assert set(countries) == {"NO", "SE", "DK", "FI", "DE", "AT", "PL", "GB", "EE", "LV", "LT"}


def test_dirt_within_a_row_is_cleaned(tmp_path: Path) -> None:
    text = "de\t50602\t  Kreissparkasse  K\u00c3\u00b6ln \tNRW&amp;\u00a0Co\t\t\t\t\t\t50.9\t6.9\t\n"
    text += "SE\t12547\tA\u030alvsjö\u200b\tStockholm\t\t\t\t\t\t59.3\t18.0\t\n"
    found, _ = rows(tmp_path, text.encode())
    assert [(row.country, row.name, row.region) for row in found] == [
        ("DE", "Kreissparkasse Köln", "NRW& Co"),
        ("SE", "Ålvsjö", "Stockholm"),
    ]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("DK,8000,Aarhus,,x,10", "no position"),
        ("DK,8000,Aarhus,,91,10", "no position"),
        ("DK,8000,Aarhus,,nan,10", "no position"),
        ("DK,8000,Aarhus,,,", "no position"),
        ("DK,8000,Aarhus,,0,0", "nobody knew"),
        ("Denmark,8000,Aarhus,,56,10", "no code of a country"),
        ("DK,---,Aarhus,,56,10", "no postcode"),
        (f"DK,{'8' * 30},Aarhus,,56,10", "no postcode"),
        (f"DK,8000,{'A' * 201},,56,10", "201 characters"),
        ("DK,8000,Aarhus,56,10", "5 fields"),
        ('DK,8000,"Aarhus"x,,56,10', "no valid CSV"),
    ],
)
def test_a_wrong_row_is_told_and_left_out(tmp_path: Path, row: str, told: str) -> None:
    good = "DK,8000,Aarhus C,,56.1567,10.2108\n"
    found, wrong = rows(tmp_path, (HEADER + good + row + "\n" + good).encode())
    assert len(found) == 2
    assert [line.line for line in wrong] == [3]
    assert told in wrong[0].detail


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"<!DOCTYPE html>\n<html><body>429 Too Many Requests</body></html>\n", "web page"),
        (b'{"type": "FeatureCollection", "features": []}\n', "JSON"),
        (b"root:x:0:0:root:/root:/bin/bash\n" * 30, "no gazetteer"),
        ((AARHUS + LODZ).encode("latin-1", "replace").replace(b"?", b"\xf3"), "Line 2 is not UTF-8"),
        ((AARHUS + LODZ).encode("utf-16"), "Line 1 is no text"),
        (AARHUS.encode() + b"DK\t8000\0\n", "zero byte"),
        ((AARHUS * 3)[:-20].encode(), "cut off"),
        ((HEADER + "DK,8000,Aarhus,,56.1567,10.21").encode(), "cut off"),
        (gzip.compress(AARHUS.encode() * 1000)[:-30], "damaged or cut off"),
        (gzip.compress(AARHUS.encode() * 1000)[:60] + b"\0" * 60, "damaged or cut off"),
        (zipped(DK_txt=AARHUS * 1000)[:-40], "damaged or cut off"),
        (zipped(readme_txt=README), "0 text files"),
        (zipped(DK_txt=AARHUS, SE_txt=AARHUS), "2 text files"),
        (AARHUS.encode() + b"x" * 40_000 + b"\n", "longer than"),
        ((HEADER + 'DK,8000,"Aarhus' + "\n\n" * 9000).encode(), "no gazetteer"),
    ],
)
def test_what_is_no_gazetteer_is_refused_by_name(tmp_path: Path, content: bytes, told: str) -> None:
    assert told in refusal(tmp_path, content)


def test_a_damaged_zip_is_refused(tmp_path: Path) -> None:
    whole = bytearray(zipped(DK_txt=(AARHUS + LODZ) * 2000, kind=zipfile.ZIP_STORED))
    whole[whole.index(b"8000", 50_000)] ^= 1  # reads well still: only the check sum tells
    assert "damaged" in refusal(tmp_path, bytes(whole))


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    whole = bytearray(zipped(DK_txt=AARHUS))
    whole[6] |= 1  # the flag in the member's header …
    whole[whole.index(b"PK\x01\x02") + 8] |= 1  # … and in the directory
    assert "cannot be opened" in refusal(tmp_path, bytes(whole))


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "longer than" in refusal(tmp_path, gzip.compress(b"0" * (64 << 20)))
    monkeypatch.setattr(gazetteer_reading, "TEXT_MAX", 1 << 20)
    bomb = zipped(DK_txt=AARHUS * 200_000)
    assert len(bomb) < 1 << 16
    assert "Unpacked, the file is larger" in refusal(tmp_path, bomb)


def test_too_many_rows_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gazetteer_reading, "ROWS_MAX", 99)
    assert len(rows(tmp_path, AARHUS.encode() * 99)[0]) == 99
    assert "more than 99 rows" in refusal(tmp_path, AARHUS.encode() * 100)


def test_a_file_of_two_gigabytes_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "huge.txt"
    with path.open("wb") as file:
        file.truncate(2 << 30)  # sparse: it takes no room
    with pytest.raises(GazetteerInvalid, match="larger than 1 GiB"):
        next(read_gazetteer(path, lambda _: None))


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_whatever_the_file_is_it_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.getbasetemp()
    for whole in (content, HEADER.encode() + content + b"\n", AARHUS.encode() + content):
        path = folder / "any"
        path.write_bytes(whole)
        with suppress(GazetteerInvalid):
            assert all(isinstance(row, Row) for row in read_gazetteer(path, lambda _: None))


def test_reading_takes_the_same_memory_however_long_the_file_is(tmp_path: Path) -> None:
    path = tmp_path / "long.zip"
    path.write_bytes(zipped(DK_txt=(AARHUS + LODZ) * 5_000))
    tracemalloc.start()
    try:
        assert sum(1 for _ in read_gazetteer(path, lambda _: None)) == 10_000
        assert tracemalloc.get_traced_memory()[1] < 400_000
    finally:
        tracemalloc.stop()
