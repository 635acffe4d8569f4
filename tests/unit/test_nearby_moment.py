"""What changes by the minute (hours on arrival, room, proof) filters and ranks exactly, as if every place had been
looked at."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropoff.network import hours, nearby_ranking, walking
from dropoff.network.evidence import Marks, is_proven, score
from dropoff.network.nearby import Hit, Search, Snapshot
from dropoff.network.nearby_geometry import geodesics
from dropoff.network.nearby_hours import minute_of
from dropoff.network.nearby_place import Place

NOW = datetime(2026, 11, 23, 16, 47, tzinfo=UTC)
MINUTE = minute_of(NOW)
FULL = 3
HOURS = ("24/7", "Mo-Fr 08:00-18:00", "Mo-Su 18:00-23:00", "Mo 08:00-17:55", "off", "Tu unknown", "")


def world(count: int, seed: int, spread: float) -> tuple[list[Place], dict[str, Marks]]:
    chance = random.Random(seed)
    places, marks = [], {}
    for number in range(count):
        text = chance.choice(HOURS)
        ident = f"loc_{number:05}"
        where = (52.5 + chance.gauss(0, spread), 13.4 + chance.gauss(0, 1.6 * spread))
        if number % 9 == 0 and places:
            where = places[-1].lat, places[-1].lon
        address = ("", "", "", "", "DE")
        places.append(Place(ident, ident, "", "store", *address, *where, "Europe/Berlin", text, text != "", ()))
        how = chance.random()
        if how < 0.5:
            last = MINUTE - chance.choice([10, 60 * 24 * 13, 60 * 24 * 15])
            driver, hand_in = (last, 0) if how < 0.1 else (0, last)
            marks[ident] = Marks(hand_in=hand_in, driver=driver, free=chance.choice([0, 1, 2, FULL]), heard=last)
    return places, marks


def snapshot_of(places: list[Place], marks: dict[str, Marks], layered: bool) -> Snapshot:
    """Layered: as it is after changes, some of the places in a layer over the base, some hidden, and news of places
    that came before and after."""
    early = {ident: its for n, (ident, its) in enumerate(marks.items()) if n % 2}
    if not layered:
        snapshot = Snapshot.of(1, places)
        snapshot.book.write(marks.items())
        snapshot.hear()
        return snapshot
    base = Snapshot.of(1, [place for n, place in enumerate(places) if n % 5])
    base.book.write(early.items())
    base.hear()
    changes = [(place, True) for n, place in enumerate(places) if n % 5 in (0, 1)]
    snapshot = base.changed(2, changes)
    snapshot.book.write(marks.items())
    snapshot.hear()
    return snapshot


def oracle(places: list[Place], marks: dict[str, Marks], search: Search) -> list[tuple[str, float]]:
    lats, lons = [place.lat for place in places], [place.lon for place in places]
    metres = geodesics(search.lat, search.lon, lats, lons).tolist()
    found = []
    for place, far in zip(places, metres, strict=True):
        its = marks.get(place.id, Marks())
        if search.radius_m is not None and far > search.radius_m:
            continue
        if search.has_room and its.free == FULL:
            continue
        if search.on_arrival:
            arrives = NOW + timedelta(minutes=walking.minutes(far))
            known = place.hours_known and far <= walking.WALK_MAX_M
            if not known or not hours.open_now(place.opening_hours, place.zone, "DE", None, arrives):
                continue
        proven = is_proven(its, MINUTE)
        found.append((score(far, proven=proven) if search.prefer_proven else far, place.id, far))
    return [(ident, far) for _, ident, far in sorted(found)[: search.limit]]


def shown(hits: list[Hit]) -> list[tuple[str, Any]]:
    return [(hit.place.id, pytest.approx(hit.distance_m, abs=0.001)) for hit in hits]


@pytest.mark.parametrize("layered", [False, True])
@pytest.mark.parametrize(("count", "spread"), [(30, 0.004), (900, 0.02), (1_500, 0.01)])
def test_as_if_every_place_had_been_looked_at(count: int, spread: float, layered: bool) -> None:
    places, marks = world(count, count, spread)
    snapshot = snapshot_of(places, marks, layered)
    chance = random.Random(count + layered)
    for number in range(96):
        search = Search(
            lat=52.5 + chance.gauss(0, 2 * spread),
            lon=13.4 + chance.gauss(0, 3 * spread),
            limit=chance.choice([1, 3, 10, 40]),
            radius_m=chance.choice([None, None, 400.0, 1500.0, 9000.0]),
            now=NOW,
            on_arrival=bool(number & 1),
            has_room=bool(number & 2),
            prefer_proven=bool(number & 4),
        )
        assert shown(snapshot.nearest(search)) == oracle(places, marks, search), search


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), limit=st.integers(1, 12))
def test_a_proven_place_goes_before_one_less_than_300_m_nearer(seed: int, limit: int) -> None:
    places, marks = world(60, seed, 0.004)
    hits = snapshot_of(places, marks, layered=False).nearest(Search(52.5, 13.4, limit, now=NOW, prefer_proven=True))
    scores = [score(hit.distance_m, proven=is_proven(marks.get(hit.place.id, Marks()), MINUTE)) for hit in hits]
    assert scores == sorted(scores)
    assert len(hits) == limit


def test_where_few_pass_all_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    places, marks = world(3_000, 1, 0.01)
    marks = {place.id: Marks(free=FULL, heard=MINUTE) for place in places[:-2]}
    monkeypatch.setattr(nearby_ranking, "SHORTLIST_MAX", 64)
    snapshot = snapshot_of(places, marks, layered=True)
    hits = snapshot.nearest(Search(52.5, 13.4, 5, has_room=True))
    assert {hit.place.id for hit in hits} == {place.id for place in places[-2:]}


def test_news_are_kept_through_changes_and_merges() -> None:
    """Also of a place that was away meanwhile, and of one that is not shown yet."""
    places, marks = world(40, 3, 0.01)
    snapshot = Snapshot.of(1, places[:30])
    snapshot.book.write(marks.items())
    snapshot.hear()
    gone = snapshot.changed(2, [(places[0], False), (places[35], True)])
    merged = gone.merged()
    assert merged.book is snapshot.book
    back = merged.changed(3, [(places[0], True), *((place, True) for place in places[30:])])
    everywhere = Search(52.5, 13.4, 100, now=NOW)
    told = {hit.place.id: hit.evidence for hit in back.nearest(everywhere)}
    afresh = {hit.place.id: hit.evidence for hit in snapshot_of(places, marks, layered=False).nearest(everywhere)}
    assert told == afresh
