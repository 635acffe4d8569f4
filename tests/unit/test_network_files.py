"""Location files are read row by row in any encoding; one bad row costs itself, a file without its end costs all."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropoff.kernel import json_array, textfile
from dropoff.kernel.textfile import FileInvalid
from dropoff.network.cleaning import RawRow, Rejected
from dropoff.network.csvfile import read_csv
from dropoff.network.geojson import read_geojson

Rows = list[RawRow | Rejected]


@pytest.fixture
def rows_of(tmp_path: Path) -> Callable[..., Rows]:
    def read(content: str | bytes, name: str = "file.geojson") -> Rows:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return list(read_csv(path) if name.endswith("csv") else read_geojson(path))

    return read


def feature(name: str = "Kiosk", number: int = 0) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [13.4, 52.5]},
        "properties": {"id": f"x:{number}", "name": name, "kind": "store", "country": "DE"},
    }


def collection(*features: Any) -> str:
    return json.dumps({"type": "FeatureCollection", "features": list(features)}, ensure_ascii=False)


def names(rows: Rows) -> list[str]:
    return [row.properties["name"] for row in rows if isinstance(row, RawRow)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_every_unicode_encoding_is_read(rows_of: Callable[..., Rows], encoding: str) -> None:
    rows = rows_of(collection(feature("Ærøskøbing Łódź 東京")).encode(encoding))
    assert names(rows) == ["Ærøskøbing Łódź 東京"]
    assert isinstance(rows[0], RawRow)
    assert rows[0].repaired == ()


def test_a_byte_of_another_encoding_is_mended_in_its_row_alone(rows_of: Callable[..., Rows]) -> None:
    good, bad = json.dumps(feature("Łódź"), ensure_ascii=False).encode(), json.dumps(feature("S?hne")).encode()
    content = b'{"type":"FeatureCollection","features":[%s,%s]}' % (good, bad.replace(b"?", "ö".encode("cp1252")))
    rows = rows_of(content)
    assert names(rows) == ["Łódź", "Söhne"]
    assert [row.repaired for row in rows if isinstance(row, RawRow)] == [(), ("encoding",)]


def test_a_whole_file_in_windows_1252_is_read_and_told(rows_of: Callable[..., Rows]) -> None:
    rows = rows_of(collection(feature("Bäckerei €"), feature("plain")).encode("cp1252"))
    assert names(rows) == ["Bäckerei €", "plain"]
    assert [row.repaired for row in rows if isinstance(row, RawRow)] == [("encoding",), ()]


def test_what_is_no_feature_is_rejected_with_its_index(rows_of: Callable[..., Rows]) -> None:
    rows = rows_of(collection(feature(), "not a feature", 7, None, [], [[1]], feature(number=1)))
    assert [row.index for row in rows] == list(range(7))
    assert [isinstance(row, Rejected) and row.reason for row in rows[1:6]] == ["not_an_object"] * 5
    assert len(names(rows)) == 2


@pytest.mark.parametrize(
    "bad",
    ['{"type":"Feature","properties":{"id":1,,}}', '{"a": nul}', '{"a":' + "9" * 5000 + "}", '{"a":"\\x"}', "nonsense"],
)
def test_a_slip_in_one_feature_costs_that_feature_only(rows_of: Callable[..., Rows], bad: str) -> None:
    text = collection(feature(), "HERE", feature(number=1)).replace('"HERE"', bad)
    rows = rows_of(text)
    assert len(rows) == 3
    assert isinstance(rows[1], Rejected)
    assert (rows[1].index, rows[1].reason) == (1, "row_malformed")
    assert len(names(rows)) == 2


def test_nan_and_infinity_reach_the_row_and_not_the_file(rows_of: Callable[..., Rows]) -> None:
    rows = rows_of(collection(feature(), feature()).replace("13.4", "NaN", 1).replace("52.5", "-1e999", 1))
    assert len(names(rows)) == 2


def test_a_giant_or_deeply_nested_feature_is_skipped_unread(
    rows_of: Callable[..., Rows], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_array, "ELEMENT_MAX", 50_000)
    deep = "[" * 5_000 + "]" * 5_000
    giant = json.dumps({"text": "x" * 200_000})
    rows = rows_of(collection("DEEP", "GIANT", feature("last")).replace('"DEEP"', deep).replace('"GIANT"', giant))
    assert [row.reason for row in rows[:2] if isinstance(row, Rejected)] == ["row_too_large", "row_too_large"]
    assert names(rows) == ["last"]


def test_brackets_and_quotes_in_strings_do_not_confuse_the_reader(rows_of: Callable[..., Rows]) -> None:
    awkward = 'a "quoted" ]} [{ \\" \\\\ \u2028 end\\'
    rows = rows_of(collection(feature(awkward), feature("next")))
    assert names(rows) == [awkward, "next"]


def test_members_around_the_features_are_allowed(rows_of: Callable[..., Rows]) -> None:
    text = json.dumps(
        {"bbox": [1, 2, [3]], "crs": {"features": [1]}, "features": [feature()], "type": "FeatureCollection"}
    )
    assert len(names(rows_of(text))) == 1
    assert rows_of('{"type":"FeatureCollection","features":[]}') == []


def test_a_file_cut_anywhere_is_refused_as_a_whole(rows_of: Callable[..., Rows]) -> None:
    content = collection(feature("Söhne"), "text", 12, feature("next")).encode()
    for length in range(len(content)):
        with pytest.raises(FileInvalid):
            rows_of(content[:length])
    assert len(rows_of(content)) == 4


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "hello",
        "{}",
        '{"type":"FeatureCollection"}',
        '{"type":"Feature","features":[]}',
        '{"type":"FeatureCollection","features":[]} trailing',
        '{"type":"FeatureCollection","features":{}}',
        '{"type":"FeatureCollection","features":[{}{}]}',
        '{"type":"FeatureCollection","features":[}]}',
    ],
)
def test_what_is_no_feature_collection_is_refused(rows_of: Callable[..., Rows], content: str) -> None:
    with pytest.raises(FileInvalid):
        rows_of(content)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(features=st.lists(json_values, max_size=6), chunk=st.integers(1, 40), ascii_only=st.booleans())
def test_every_chunking_gives_the_same_rows(
    tmp_path_factory: pytest.TempPathFactory, features: list[Any], chunk: int, ascii_only: bool
) -> None:
    path = tmp_path_factory.mktemp("chunks") / "file.geojson"
    text = json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=ascii_only)
    path.write_text(text, encoding="utf-8", errors="surrogatepass" if ascii_only else "replace", newline="")
    whole = list(read_geojson(path))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(textfile, "CHUNK", chunk)
        assert list(read_geojson(path)) == whole
    assert len(whole) == len(features)


HEADER = "id,name,kind,country,lat,lon,live\n"


def test_csv_rows_are_read_with_their_positions(rows_of: Callable[..., Rows]) -> None:
    rows = rows_of(
        "\ufeff" + HEADER + 'a,"Kiosk, ""Nord""",store,DE,52.5,13.4,true\r\n\r\nb,B,store,DE,52.6,13.5,\r\n', "f.csv"
    )
    assert names(rows) == ['Kiosk, "Nord"', "B"]
    assert isinstance(rows[0], RawRow)
    assert rows[0].geometry == {"type": "Point", "coordinates": [13.4, 52.5]}
    assert [row.index for row in rows] == [0, 1]


def test_csv_with_semicolons_in_windows_1252(rows_of: Callable[..., Rows]) -> None:
    content = HEADER.replace(",", ";") + "a;Bäckerei;store;DE;52.5;13.4;\n"
    rows = rows_of(content.encode("cp1252"), "f.csv")
    assert names(rows) == ["Bäckerei"]
    assert isinstance(rows[0], RawRow)
    assert rows[0].repaired == ("encoding",)


def test_a_csv_row_that_does_not_fit_is_rejected_alone(rows_of: Callable[..., Rows]) -> None:
    rows = rows_of(
        HEADER + 'a,A,store,DE,1,2,\nb,too,few\nc,C,store,DE,1,2,,many\nd,"D"x,store,DE,1,2,\ne,E,store,DE,x,,\n',
        "f.csv",
    )
    assert [row.reason for row in rows if isinstance(row, Rejected)] == ["row_malformed"] * 3
    assert names(rows) == ["A", "E"]
    assert [row.index for row in rows] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "\n",
        "name,kind\nA,store\n",
        "id,name,name,kind,country,lat,lon\n",
        '{"type":"FeatureCollection"}',
        HEADER + "a,A,store,DE,1,2,\nb,B,sto",
        HEADER + 'a,"A,store,DE,1,2,\nb,B,store,DE,1,2,\n',
    ],
)
def test_a_csv_file_without_header_or_end_is_refused(rows_of: Callable[..., Rows], content: str) -> None:
    with pytest.raises(FileInvalid):
        rows_of(content, "f.csv")


def test_a_csv_file_may_end_without_a_line_end(rows_of: Callable[..., Rows]) -> None:
    assert names(rows_of(HEADER + "a,A,store,DE,1,2,true", "f.csv")) == ["A"]
