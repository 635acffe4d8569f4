"""A gazetteer comes into force whole or not at all, country by country, in every process; on both databases."""

import gzip
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dropoff.db import Database, Tx
from dropoff.events.tables import event
from dropoff.kernel.errors import Problem
from dropoff.network import gazetteer_importing, gazetteer_store, importing
from dropoff.network.gazetteer_importing import GEONAMES, GazetteerCommand, GazetteerReport, import_gazetteer
from dropoff.network.gazetteer_refreshing import GazetteerRefresher, refresh, refresh_own
from dropoff.network.places import Places
from dropoff.network.tables import gazetteer_code, gazetteer_import

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
HEADER = "country,postcode,place,admin1,lat,lon\n"


def codes(country: str, count: int, town: str = "Town") -> str:
    return "".join(f"{country},{1000 + number},{town},,{40 + number / 1000},10\n" for number in range(count))


class Importer:
    def __init__(self, db: Database, folder: Path) -> None:
        self.db, self.path = db, folder / "gazetteer.csv"
        self.places = Places()
        self.told: list[str] = []

    def load(self, *parts: str, **changes: Any) -> GazetteerReport | Problem:
        self.path.write_text(HEADER + "".join(parts), encoding="utf-8")
        command = GazetteerCommand(**{"at": NOW, **changes})
        return import_gazetteer(self.db, self.path, command, self.told.append)

    def take(self, *parts: str, **changes: Any) -> GazetteerReport:
        report = self.load(*parts, **changes)
        assert isinstance(report, GazetteerReport), report
        return report

    def finds(self, text: str) -> list[str]:
        refresh(self.db, self.places)
        return [place.label for place in self.places.suggest(text, None, 20).items]


@pytest.fixture
def gazetteer(db: Database, tmp_path: Path) -> Importer:
    return Importer(db, tmp_path)


def stored(tx: Tx) -> tuple[int, list[tuple[str, int]]]:
    count = tx.first(sa.select(sa.func.count()).select_from(gazetteer_code))
    states = tx.read(sa.select(gazetteer_import.c.state, gazetteer_import.c.stored).order_by(gazetteer_import.c.id))
    return (count[0] if count else 0), [(row.state, row.stored) for row in states]


def told_events(tx: Tx) -> list[Any]:
    query = sa.select(event.c.data).where(event.c.type == "gazetteer.imported")
    return [row.data for row in tx.read(query.order_by(event.c.seq))]


def wait_for(what: Callable[[], bool], seconds: float = 20.0) -> None:
    for _ in range(int(seconds * 50)):
        if what():
            return
        threading.Event().wait(0.02)
    raise AssertionError("it did not come about")


def test_the_real_file_goes_in_and_a_part_of_it_again_leaves_as_much(gazetteer: Importer, shared_data: Path) -> None:
    path = shared_data / "data" / "gazetteer_postal_small.csv.gz"
    if not path.exists():
        pytest.skip(f"needs {path}")
    command = GazetteerCommand(at=NOW)
    report = import_gazetteer(gazetteer.db, path, command, gazetteer.told.append)
    assert isinstance(report, GazetteerReport)
    assert sum(report.codes.values()) == 73_082
    lines = gzip.decompress(path.read_bytes()).decode().splitlines(keepends=True)
    again = gazetteer.take(*(line for line in lines if line.startswith("DK,")))
    assert again.codes == {"DK": report.codes["DK"]}
    assert gazetteer.finds("8000 Aarhus")[0] == "8000 Aarhus C, DK"
    assert gazetteer.finds("Łodz")[0] == "Łódź, PL"
    assert len(gazetteer.places.gazetteer) == 73_082
    assert gazetteer.places.gazetteer.attribution == GEONAMES
    danish = again.codes["DK"]
    assert gazetteer.db.read_sync(stored) == (73_082, [("done", 73_082 - danish), ("done", danish)])
    assert "73,082 rows stored" in gazetteer.told


def test_a_file_replaces_the_countries_it_holds_and_leaves_the_others(gazetteer: Importer) -> None:
    gazetteer.take(codes("DK", 3, "Aarhus"), codes("SE", 2, "Malmö"), attribution="one")
    report = gazetteer.take(codes("SE", 3, "Lund"), attribution="two")
    assert (report.codes, report.forgotten) == ({"SE": 3}, [])
    assert gazetteer.finds("Aarhus") == ["Aarhus, DK"]
    assert gazetteer.finds("Lund") == ["Lund, SE"]
    assert gazetteer.finds("Malmö") == []
    assert gazetteer.places.gazetteer.attribution == "one; two"
    assert gazetteer.db.read_sync(stored) == (6, [("done", 3), ("done", 3)])


def test_replace_forgets_the_countries_that_the_file_has_not(gazetteer: Importer) -> None:
    gazetteer.take(codes("DK", 3, "Aarhus"), codes("SE", 2, "Malmö"))
    refused = gazetteer.load(codes("SE", 2, "Lund"), replace=True)
    assert isinstance(refused, Problem)
    assert refused.code == "gazetteer-shrinks"
    report = gazetteer.take(codes("SE", 2, "Lund"), replace=True, accept_loss=True)
    assert report.forgotten == ["DK"]
    assert (gazetteer.finds("Aarhus"), gazetteer.finds("Lund")) == ([], ["Lund, SE"])
    assert gazetteer.db.read_sync(stored)[0] == 2


def test_half_a_file_changes_nothing_until_the_operator_says_so(gazetteer: Importer) -> None:
    gazetteer.take(codes("DK", 100, "Aarhus"))
    refused = gazetteer.load(codes("DK", 79, "Viborg"))
    assert isinstance(refused, Problem)
    assert refused.code == "gazetteer-shrinks"
    assert "DK from 100 to 79" in refused.detail
    assert (gazetteer.finds("Aarhus"), gazetteer.finds("Viborg")) == (["Aarhus, DK"], [])
    gazetteer.take(codes("DK", 80, "Viborg"))
    gazetteer.take(codes("DK", 10, "Skive"), accept_loss=True)
    assert gazetteer.finds("Skive") == ["Skive, DK"]


@pytest.mark.parametrize("broken", ["DK,8000\n" * 30, "<html>", '"', "DK,8000,Aarhus,,56,10", "\0\n"])
def test_a_broken_file_leaves_the_old_gazetteer_and_no_rows(gazetteer: Importer, broken: str) -> None:
    gazetteer.take(codes("DK", 3, "Aarhus"))
    before = gazetteer.db.read_sync(stored), gazetteer.db.read_sync(gazetteer_store.revision)
    refused = gazetteer.load(codes("DK", 5, "Viborg"), broken)
    assert isinstance(refused, Problem)
    assert refused.code == "gazetteer-file-invalid"
    assert (gazetteer.db.read_sync(stored), gazetteer.db.read_sync(gazetteer_store.revision)) == before
    assert gazetteer.finds("Aarhus") == ["Aarhus, DK"]


def test_a_file_that_breaks_while_it_is_stored_leaves_nothing(
    gazetteer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read well the first time, changed by somebody before the second."""
    monkeypatch.setattr(gazetteer_importing, "CHUNK", 10)
    gazetteer.take(codes("DK", 30, "Aarhus"))
    gazetteer.path.write_text(HEADER + codes("DK", 30, "Viborg"), encoding="utf-8")

    def change(told: str) -> None:
        if "to the end" in told:
            gazetteer.path.write_text(HEADER + codes("DK", 25, "Viborg") + "cut", encoding="utf-8")

    refused = import_gazetteer(gazetteer.db, gazetteer.path, GazetteerCommand(at=NOW), change)
    assert isinstance(refused, Problem)
    assert gazetteer.finds("Aarhus") == ["Aarhus, DK"]
    assert gazetteer.db.read_sync(stored) == (30, [("done", 30), ("failed", 0)])


def test_what_a_dead_process_left_is_swept_away(gazetteer: Importer) -> None:
    gazetteer.take(codes("DK", 3, "Aarhus"))
    rows = list(gazetteer.db.read_sync(lambda tx: list(gazetteer_store.rows_in_force(tx))))
    gazetteer.db.write_sync(gazetteer_store.begin, "gaz_dead", "x.txt", "one", NOW - timedelta(hours=7))
    gazetteer.db.write_sync(gazetteer_store.begin, "gaz_live", "x.txt", "one", NOW - timedelta(hours=5))
    for import_id in ("gaz_dead", "gaz_live"):
        gazetteer.db.write_sync(gazetteer_store.add, import_id, 0, rows)
    assert gazetteer.db.write_sync(gazetteer_importing.sweep, NOW) == 1
    gazetteer_importing.clear_away(gazetteer.db)
    count, states = gazetteer.db.read_sync(stored)
    assert (count, sorted(states)) == (6, [("done", 3), ("failed", 0), ("staging", 3)])
    assert gazetteer.finds("Aarhus") == ["Aarhus, DK"]


def test_an_import_that_was_swept_away_does_not_come_into_force(gazetteer: Importer) -> None:
    gazetteer.take(codes("DK", 3, "Aarhus"))
    gazetteer.db.write_sync(gazetteer_store.begin, "gaz_late", "x.txt", "one", NOW - timedelta(hours=7))
    gazetteer.db.write_sync(gazetteer_importing.sweep, NOW)
    with pytest.raises(RuntimeError, match="swept away"):
        gazetteer.db.write_sync(gazetteer_importing.put_in_force, "gaz_late", GazetteerCommand(at=NOW), {"DK": 3}, [])
    assert gazetteer.finds("Aarhus") == ["Aarhus, DK"]


def test_wrong_rows_are_told_with_their_lines(gazetteer: Importer) -> None:
    report = gazetteer.take(codes("DK", 3, "Aarhus"), "DK,9000,Aalborg,,x,y\n")
    assert (report.codes, report.left_out, [row.line for row in report.wrong]) == ({"DK": 3}, 1, [5])


def test_an_import_is_one_event(gazetteer: Importer) -> None:
    gazetteer.take(codes("DK", 3), codes("SE", 1))
    gazetteer.load("broken")
    assert gazetteer.db.read_sync(told_events) == [{"codes": 4, "countries": ["DK", "SE"], "forgotten": []}]


def test_a_wrong_attribution_is_refused(gazetteer: Importer) -> None:
    for attribution in ("", "x" * 301):
        refused = gazetteer.load(codes("DK", 3), attribution=attribution)
        assert isinstance(refused, Problem)
        assert refused.code == "invalid-request"


def test_two_imports_at_once_both_come_into_force(gazetteer: Importer, database_url: str, tmp_path: Path) -> None:
    outcomes: list[Any] = []

    def run(country: str) -> None:
        with closing(Database(database_url)) as db:
            folder = tmp_path / country
            folder.mkdir()
            outcomes.append(Importer(db, folder).load(codes(country, 50, f"Town {country}")))

    threads = [threading.Thread(target=run, args=(country,)) for country in ("DK", "SE", "NO")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [type(outcome) for outcome in outcomes] == [GazetteerReport] * 3
    for country in ("DK", "SE", "NO"):
        assert gazetteer.finds(f"Town {country}")[0] == f"Town {country}, {country}"
    assert gazetteer.db.read_sync(gazetteer_store.revision) == 3


def test_other_processes_follow_an_import(gazetteer: Importer, database_url: str) -> None:
    places = Places()
    with closing(Database(database_url)) as other, closing_refresher(other, places):
        wait_for(lambda: places.gazetteer.revision == 0)
        gazetteer.take(codes("DK", 3, "Aarhus"))
        wait_for(lambda: len(places.gazetteer) == 3, seconds=10)
        gazetteer.take(codes("DK", 4, "Aarhus"))
        wait_for(lambda: len(places.gazetteer) == 4, seconds=10)


class closing_refresher:  # noqa: N801 - reads like contextlib's
    def __init__(self, db: Database, places: Places) -> None:
        self._refresher = GazetteerRefresher(db, places)

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        self._refresher.stop()


def points(*rows: tuple[str, str, float, float]) -> str:
    lines = [f"{n},Kiosk {n},store,DE,{code},{city},{lat},{lon}" for n, (code, city, lat, lon) in enumerate(rows)]
    return "\n".join(["id,name,kind,country,postcode,city,lat,lon", *lines, ""])


def test_without_a_gazetteer_the_networks_own_places_are_suggested(gazetteer: Importer, tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text(
        points(
            ("10115", "Berlin", 52.53, 13.38),
            ("10117", "Berlin", 52.51, 13.38),
            ("", "Bernau", 52.68, 13.58),
            ("", "Neustadt", 50.0, 8.0),
            ("", "Neustadt", 54.0, 10.0),
            ("99999", "", 51.0, 11.0),
        ),
        encoding="utf-8",
    )
    importing.import_file(gazetteer.db, path, "csv", "test", replace=False, at=NOW)
    places = gazetteer.places
    assert refresh_own(gazetteer.db, places)
    assert not refresh_own(gazetteer.db, places)
    labels = {
        text: [p.label for p in places.suggest(text, None, 9).items] for text in ("ber", "brelin", "101", "99999")
    }
    assert labels == {
        "ber": ["Berlin, DE", "Bernau, DE"],
        "brelin": ["Berlin, DE"],
        "101": ["10115 Berlin, DE", "10117 Berlin, DE"],
        "99999": ["99999, DE"],
    }
    apart = places.suggest("Neustadt", None, 9)
    assert [round(place.lat) for place in apart.items] == [50, 54]
    assert apart.attribution == ""
    gazetteer.take(codes("DK", 3, "Aarhus"))
    assert gazetteer.finds("ber") == []
    assert not refresh_own(gazetteer.db, places)
    assert len(places.own) == 0


def test_a_compressed_file_comes_into_force_too(gazetteer: Importer) -> None:
    gazetteer.path.write_bytes(gzip.compress((HEADER + codes("DK", 3, "Aarhus")).encode()))
    report = import_gazetteer(gazetteer.db, gazetteer.path, GazetteerCommand(at=NOW), gazetteer.told.append)
    assert isinstance(report, GazetteerReport)
    assert gazetteer.finds("Aarhus") == ["Aarhus, DK"]


def test_turns_at_a_service_are_given_out_one_by_one(db: Database) -> None:
    second, patience = timedelta(seconds=1), timedelta(seconds=2)

    def turn(at: datetime, service: str = "photon") -> float | None:
        given = db.write_sync(gazetteer_store.take_turn, service, at, second, patience)
        return None if given is None else (given - NOW).total_seconds()

    assert [turn(NOW) for _ in range(4)] == [0, 1, 2, None]
    assert turn(NOW, "another") == 0
    assert turn(NOW + 2.5 * second) == 3
    assert turn(NOW + 60 * second) == 60
    assert turn(NOW) == 0  # a clock that ran ahead closes nobody out
