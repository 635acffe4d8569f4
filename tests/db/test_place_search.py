"""The operator's search for places: what it finds, that it follows every change, and that it reads few rows; on both
databases."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.db.test_location_import import NOW, Files, feature

from dropoff.db import Database, Tx
from dropoff.network import location_editing, service, word_store
from dropoff.network.folding import words_of
from dropoff.network.location_editing import AddressPatch, LocationPatch
from dropoff.network.store import LocationFilter
from dropoff.network.tables import location, location_word

ACTOR = "operator:test"


class World(Files):
    def found(self, text: str, **asked: Any) -> list[str]:
        page = self.db.read_sync(service.list_locations, LocationFilter(text=text, **asked))
        return sorted(place.name for place in page.items)

    def id_of(self, external_id: str) -> str:
        place = self.db.read_sync(service.location_by_external_id, "test", external_id)
        assert place is not None
        return place.id

    def edit(self, external_id: str, patch: LocationPatch) -> None:
        args = (self.id_of(external_id), patch, NOW, ACTOR)
        assert self.db.write_sync(location_editing.edit_location, *args) is None

    def words_are_right(self) -> None:
        """What stands in the table is what the places say."""
        rows = self.db.read_sync(lambda tx: tx.read(sa.select(location)))
        said = {row.id: words_of(row._asdict()) for row in rows}
        held = self.db.read_sync(lambda tx: tx.read(sa.select(location_word)))
        assert {row.id: row.words for row in rows} == said
        assert {tuple(row) for row in held} == {(word, one) for one, words in said.items() for word in words.split()}


@pytest.fixture
def world(db: Database, tmp_path: Path) -> World:
    return World(db, tmp_path)


def test_places_are_found_by_the_beginnings_of_words(world: World) -> None:
    world.take(
        feature(1, name="Netto Amagerbrogade", city="København S", postcode="2300"),
        feature(2, name="Laden am Hafen", city="Kiel", postcode="24103"),
        feature(3, name="Żabka Łódź", city="Łódź", postcode="90-001"),
        feature(4, name="The Corner", city="Leeds", postcode="S70 2RE"),
        feature(5, name="24/7 !!!", city=""),
    )
    for text in ("netto", "AMAGER", "københavn", "kobenhavn", "2300", "netto 2300", "s netto", "x:1", "X1"):
        assert "Netto Amagerbrogade" in world.found(text), text
    assert world.found("hafen") == world.found("am laden kiel") == ["Laden am Hafen"]
    assert world.found("lodz zab") == world.found("90-001") == world.found("90001") == ["Żabka Łódź"]
    assert world.found("s70 2re") == world.found("S702") == ["The Corner"]
    assert "Laden am Hafen" in world.found("x:2")
    assert world.found(world.id_of("x:5")) == ["24/7 !!!"]
    for text in ("afen", "netto kiel", "!!!", "loc_nothing", "%", "_", "netto%"):
        assert world.found(text) == (["Netto Amagerbrogade"] if text == "netto%" else []), text
    assert world.found("netto", kind="locker") == []
    world.words_are_right()


def test_what_places_are_found_by_follows_every_change(world: World) -> None:
    world.take(feature(1, name="Alpha"), feature(2, name="Beta"))
    world.edit("x:1", LocationPatch(name="By hand"))
    world.edit("x:2", LocationPatch(address=AddressPatch(city="Bonn")))
    assert (world.found("alpha"), world.found("hand"), world.found("bonn")) == ([], ["By hand"], ["Beta"])
    world.take(feature(1, name="Gamma", city="Ulm"), feature(2, name="Delta"), feature(3, name="Epsilon"))
    assert (world.found("gamma"), world.found("ulm hand"), world.found("beta")) == ([], ["By hand"], [])
    assert world.found("delta bonn") == ["Delta"]
    world.words_are_right()
    given = world.db.write_sync(location_editing.give_back, world.id_of("x:1"), "name", NOW, ACTOR)
    assert given is None
    assert (world.found("gamma"), world.found("hand")) == (["Gamma"], [])
    world.take(feature(3, name="Epsilon"), replace=True)
    assert world.found("gamma", state="removed") == ["Gamma"]
    world.words_are_right()


def test_the_pages_of_a_search_go_through_all_that_fits(world: World) -> None:
    world.take(*(feature(number) for number in range(7)))
    seen, after = [], ""
    for _ in range(4):
        page = world.db.read_sync(service.list_locations, LocationFilter(after=after, limit=3, text="kiosk berlin"))
        seen += [place.name for place in page.items]
        after = page.next or ""
        if not after:
            break
    assert sorted(seen) == [f"Kiosk {number}" for number in range(7)]


def test_a_search_reads_no_table_from_end_to_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """With so many places that the bound matters, for PostgreSQL chooses by the rows that are there."""
    monkeypatch.setattr(word_store, "SEEN_MAX", 20)
    world.take(*(feature(number) for number in range(10)))
    world.db.write_sync(_multiply)

    def plan_of(tx: Tx, text: str) -> list[str]:
        explain = "EXPLAIN QUERY PLAN " if tx.dialect == "sqlite" else "EXPLAIN "
        wanted = sa.select(location.c.id).where(word_store.says(tx, text, "")).order_by(location.c.id).limit(51)
        dialect = tx._connection.dialect
        said = str(wanted.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
        return [str(row[-1]) for row in tx._connection.exec_driver_sql(explain + said)]

    for text in ("kiosk", "kiosk berlin", "x:4711", "1234"):
        plan = world.db.read_sync(plan_of, text)
        assert len(world.found(text)) <= 20
        whole = [step for step in plan if "Seq Scan on location" in step or step.startswith("SCAN location")]
        assert whole == [], plan


def _multiply(tx: Tx) -> None:
    """By a thousand, straight in the database."""
    more = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) "
    names = [c.name for c in location.columns if c.name not in ("id", "external_id")]
    listed = ", ".join(names)
    tx.change(
        sa.text(
            f"INSERT INTO location (id, external_id, {listed}) {more}"
            f"SELECT substr(id, 15) || '_' || i, external_id || i, {listed} FROM location, n"
        )
    )
    tx.change(
        sa.text(
            f"INSERT INTO location_word (word, location_id) {more}"
            "SELECT word, substr(location_id, 15) || '_' || i FROM location_word, n"
        )
    )
    tx.change(sa.text("ANALYZE"))
