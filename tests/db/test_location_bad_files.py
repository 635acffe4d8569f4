"""Files that are half, packed, huge, something else or full of dirt: a named error and the old network, or every row
told; memory does not grow with them.

The full size, a million rows, is run by `DROPOFF_FULL_SIZE=1 pytest -k full_size tests/db/test_location_bad_files.py`.
"""

import gzip
import io
import json
import os
import subprocess
import sys
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dropoff.db import Database
from dropoff.kernel.errors import Problem
from dropoff.network import importing, store
from dropoff.network.importing import ImportReport

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def feature(number: int, **changes: Any) -> dict[str, Any]:
    properties = {"id": f"x:{number}", "name": f"Kiosk {number}", "kind": "store", "country": "DE", "city": "Berlin"}
    point = {"type": "Point", "coordinates": [13.0 + number % 1000 / 1000, 52.0 + number // 1000 / 1000]}
    return {"type": "Feature", "geometry": point, "properties": properties | changes}


def collection(*features: Any) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def zipped(*members: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, member in enumerate(members):
            archive.writestr(f"{number}.geojson", member)
    return packed.getvalue()


Brings = Callable[..., ImportReport | Problem]


@pytest.fixture
def bring(db: Database, tmp_path: Path) -> Brings:
    def take(content: bytes, *, name: str = "places.geojson", replace: bool = True) -> ImportReport | Problem:
        path = tmp_path / name
        path.write_bytes(content)
        return importing.import_file(db, path, importing.kind_of(path), "test", replace=replace, at=NOW)

    return take


@pytest.mark.parametrize("pack", [gzip.compress, zipped], ids=["gzip", "zip"])
def test_a_packed_file_is_the_file_inside(bring: Brings, pack: Callable[[bytes], bytes]) -> None:
    report = bring(pack(collection(feature(1), feature(2))), name="places.geojson.packed")
    assert isinstance(report, ImportReport)
    assert (report.created, report.rejected) == (2, [])
    table = b"id,name,kind,country,lat,lon\nx:1,Kiosk,store,DE,52.5,13.4\n"
    for name, packed in (("p.csv.gz", gzip.compress(table)), ("p.CSV.zip", zipped(table))):
        assert isinstance(bring(packed, name=name), ImportReport)


def test_two_packed_pieces_one_behind_the_other_are_one_file(bring: Brings) -> None:
    content = collection(*map(feature, range(50)))
    report = bring(gzip.compress(content[:1000]) + gzip.compress(content[1000:]))
    assert isinstance(report, ImportReport)
    assert report.created == 50


WHOLE = collection(*map(feature, range(200)))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (WHOLE[: len(WHOLE) // 2], "cut off"),
        (gzip.compress(WHOLE)[:-100], "no end"),
        (zipped(WHOLE)[:-30], "unpacked"),
        (zipped(WHOLE, WHOLE), "holds 2 files"),
        (zipped(), "no whole"),
        (b"\x1f\x8bnonsense", "unpacked"),
        (gzip.compress(b"<html>429 Too Many Requests</html>"), "no whole GeoJSON"),
        (b"<!doctype html><title>Please sign in</title>", "no whole GeoJSON"),
        (b'{"error": "quota"}', "no whole GeoJSON"),
        (b"", "no whole GeoJSON"),
        (b"\0" * 100_000, "no whole GeoJSON"),
        (os.urandom(5_000), "no whole GeoJSON"),
        (b"[" * 1_000_000, "no whole GeoJSON"),
        (gzip.compress(b" " * 3_000_000), "unpacks to more than"),
        (zipped(b" " * 3_000_000), "unpacks to more than"),
        (b" " * 3_000_000, "more than 2000000 bytes"),
    ],
    ids=[
        *("half", "half gzip", "half zip", "two in a zip", "empty zip", "no gzip", "packed html", "html", "error"),
        *("nothing", "zeros", "noise", "brackets", "gzip bomb", "zip bomb", "huge"),
    ],
)
def test_what_is_no_whole_file_changes_nothing(
    db: Database, bring: Brings, monkeypatch: pytest.MonkeyPatch, content: bytes, told: str
) -> None:
    assert isinstance(bring(collection(*map(feature, range(3)))), ImportReport)
    revision = db.read_sync(store.revision)
    monkeypatch.setattr(importing, "FILE_MAX", 2_000_000)
    problem = bring(content)
    assert isinstance(problem, Problem)
    assert problem.code == "location-file-invalid"
    assert told in (problem.detail or "")
    assert db.read_sync(store.revision) == revision
    assert len(db.read_sync(store.public_places)) == 3


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252"])
def test_other_encodings_are_read_as_what_they_mean(db: Database, bring: Brings, encoding: str) -> None:
    text = json.dumps(
        {"type": "FeatureCollection", "features": [feature(1, name="Kiosk Straße", city="Ærøskøbing")]},
        ensure_ascii=False,
    )
    assert isinstance(bring(text.encode(encoding)), ImportReport)
    [place] = db.read_sync(store.public_places)
    assert (place.name, place.city) == ("Kiosk Straße", "Ærøskøbing")


def test_one_address_with_two_kinds_is_two_places_and_one_id_twice_is_one(db: Database, bring: Brings) -> None:
    report = bring(collection(feature(1), feature(1) | {"geometry": None}, feature(1, id="x:1-locker", kind="locker")))
    assert isinstance(report, ImportReport)
    assert report.created == 2
    assert [(row.index, row.reason) for row in report.rejected] == [(1, "position_missing")]
    again = bring(collection(feature(1), feature(1, name="Another"), feature(1, id="x:1-locker", kind="locker")))
    assert isinstance(again, ImportReport)
    assert (again.created, again.unchanged, again.removed) == (0, 2, 0)
    assert [(row.index, row.reason) for row in again.rejected] == [(1, "duplicate_id")]


def test_memory_does_not_grow_with_the_file(bring: Brings) -> None:
    peaks = []
    for count in (2_000, 8_000):
        content = gzip.compress(collection(*map(feature, range(count))))
        tracemalloc.start()
        assert isinstance(bring(content), ImportReport)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 2_000_000, peaks


def rows(count: int) -> Iterator[bytes]:
    yield b"id,name,kind,country,lat,lon,city,postcode,opening_hours\n"
    for number in range(count):
        lat, lon = 47 + number % 997 / 125, 7 + number % 1009 / 145
        yield b"p%d,Shop %d,store,DE,%.6f,%.6f,Town,%05d,Mo-Fr 09:00-18:00\n" % (
            number,
            number,
            lat,
            lon,
            number % 99999,
        )


@pytest.mark.timeout(3600)
@pytest.mark.skipif(not os.environ.get("DROPOFF_FULL_SIZE"), reason="takes many minutes: DROPOFF_FULL_SIZE=1 runs it")
def test_full_size_a_million_rows_take_less_than_500_mb(database_url: str, tmp_path: Path) -> None:
    """By the command line, whose process holds no index: all its memory is the import's."""
    path = tmp_path / "million.csv"
    with path.open("wb") as file:
        file.writelines(rows(1_000_000))
    script = (
        "import resource, sys; from dropoff.cli import main; code = main(sys.argv[1:]);"
        "print('MB', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024); sys.exit(code)"
    )
    environment = {name: value for name, value in os.environ.items() if name != "DROPOFF_FULL_SIZE"} | {
        "DROPOFF_DATABASE_URL": database_url,
        "DROPOFF_DATA": str(tmp_path / "data"),
        "DROPOFF_SECRET": "a-secret-for-tests-only-0123456789",
    }
    command = [sys.executable, "-c", script, "import", "locations", str(path), "--source", "million"]
    begun = time.monotonic()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    print(done.stdout, f"{time.monotonic() - begun:.0f} s")
    assert "1000000 created" in done.stdout
    assert int(done.stdout.split("MB")[1]) < 500, done.stdout
