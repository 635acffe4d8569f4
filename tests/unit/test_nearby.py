"""The nearby index answers exactly in the geodesic's order, wherever on earth and whatever is filtered."""

import random
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from geopy.distance import geodesic
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from dropoff.network import nearby
from dropoff.network.nearby import Place, Search, Snapshot, ecef, longest_chord

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def place(number: int, lat: float, lon: float, **changes: Any) -> Place:
    fields: dict[str, Any] = {
        "id": f"loc_{number:06}",
        "external_id": str(number),
        "name": f"Place {number}",
        "kind": "store",
        "operator": "",
        "street": "",
        "postcode": "",
        "city": "",
        "country": "DE",
        "lat": lat,
        "lon": lon,
        "zone": "Europe/Berlin",
        "opening_hours": "",
        "hours_known": False,
        "accepts": (),
    }
    return Place(**(fields | changes))


def brute_force(places: list[Place], search: Search) -> list[tuple[str, float]]:
    here = (search.lat, search.lon)
    ranked = sorted((round(geodesic(here, (p.lat, p.lon)).m, 6), p.id) for p in places)
    return [(ident, metres) for metres, ident in ranked][: search.limit]


def found(snapshot: Snapshot, search: Search) -> list[tuple[str, float]]:
    return [(hit.place.id, hit.distance_m) for hit in snapshot.nearest(search)]


def assert_same(got: list[tuple[str, float]], wanted: list[tuple[str, float]]) -> None:
    assert [ident for ident, _ in got] == [ident for ident, _ in wanted]
    assert [metres for _, metres in got] == pytest.approx([metres for _, metres in wanted], abs=0.001)


@pytest.fixture(scope="module")
def europe() -> list[Place]:
    """10,000 places, dense around cities as real networks are, some sharing one position."""
    chance = random.Random(7)
    cities = [(chance.uniform(36, 70), chance.uniform(-9, 30)) for _ in range(60)]
    places = []
    for number in range(10_000):
        lat, lon = chance.choice(cities)
        spread = chance.choice((0.0, 0.02, 0.3, 2.0))
        places.append(place(number, lat + chance.gauss(0, spread), lon + chance.gauss(0, spread)))
    return places


def test_the_order_is_the_geodesics_among_ten_thousand(europe: list[Place]) -> None:
    snapshot, chance = Snapshot(1, europe), random.Random(8)
    for _ in range(4):
        search = Search(chance.uniform(36, 70), chance.uniform(-9, 30), 15)
        assert_same(found(snapshot, search), brute_force(europe, search))


@pytest.mark.parametrize(("lat", "lon"), [(90, 0), (-90, 45), (-41.3, 174.8), (0, 180), (0, -180), (-52.5, -166.6)])
def test_the_order_holds_from_poles_antimeridian_and_the_far_side(europe: list[Place], lat: float, lon: float) -> None:
    places = europe[::7]
    search = Search(lat, lon, 12)
    assert_same(found(Snapshot(1, places), search), brute_force(places, search))


positions = st.tuples(
    st.floats(-90, 90) | st.sampled_from([-90.0, 90.0, 0.0]),
    st.floats(-180, 180) | st.sampled_from([-180.0, 180.0, 0.0]),
)


@settings(max_examples=60)
@given(points=st.lists(positions, min_size=1, max_size=60), here=positions, limit=st.integers(1, 20))
def test_the_order_is_exact_for_any_places(
    points: list[tuple[float, float]], here: tuple[float, float], limit: int
) -> None:
    places = [place(number, *point) for number, point in enumerate(points)]
    got = found(Snapshot(1, places), Search(*here, limit))
    oracle = {p.id: geodesic(here, (p.lat, p.lon)).m for p in places}
    wanted = sorted(oracle.values())[:limit]
    # Nearly antipodal and equal distances differ by nanometres between the two implementations: compare the distances.
    assert [metres for _, metres in got] == pytest.approx(wanted, abs=0.001)
    assert all(abs(oracle[ident] - metres) < 0.001 for ident, metres in got)
    assert len({ident for ident, _ in got}) == min(limit, len(places))


def test_equal_distances_come_in_order_of_id_however_many_there_are() -> None:
    places = [place(number, 52.5, 13.4) for number in range(500)]
    random.Random(3).shuffle(places)
    assert [ident for ident, _ in found(Snapshot(1, places), Search(52.4, 13.0, 5))] == [
        f"loc_{number:06}" for number in range(5)
    ]


def test_a_straight_line_is_never_longer_than_its_bound() -> None:
    chance = np.random.default_rng(5)
    count = 20_000
    lat1, lon1 = chance.uniform(-90, 90, count), chance.uniform(-180, 180, count)
    spread = chance.choice([0.01, 1.0, 30.0, 180.0], count)
    lat2 = np.clip(lat1 + chance.uniform(-1, 1, count) * spread / 2, -90, 90)
    lon2 = lon1 + chance.uniform(-1, 1, count) * spread
    _, _, metres = Geod(ellps="WGS84").inv(lon1, lat1, lon2, lat2)
    chords = np.linalg.norm(ecef(lat1, lon1) - ecef(lat2, lon2), axis=1)
    assert all(chord <= longest_chord(d) + 1e-6 for chord, d in zip(chords, metres, strict=True))


@pytest.mark.parametrize("scan_max", [0, 10**9])
def test_filters_are_exact_by_tree_and_by_scan(
    europe: list[Place], monkeypatch: pytest.MonkeyPatch, scan_max: int
) -> None:
    monkeypatch.setattr(nearby, "SCAN_MAX", scan_max)
    chance = random.Random(9)
    places = [
        place(
            number,
            base.lat,
            base.lon,
            kind=chance.choice(("store", "locker", "post_office")),
            accepts=("box_free", "parcel") if chance.random() < 0.3 else ("parcel",),
            country=chance.choice(("DE", "DK")),
            opening_hours=chance.choice(("24/7", "Mo 09:00-11:00", "junk")),
            hours_known=True,
        )
        for number, base in enumerate(europe[::4])
    ]
    search = Search(
        52.0,
        10.0,
        10,
        kinds=frozenset({"locker"}),
        accepts=frozenset({"box_free"}),
        country="DK",
        radius_m=900_000,
        open_at=NOON,
    )
    passing = [
        p
        for p in places
        if p.kind == "locker" and "box_free" in p.accepts and p.country == "DK" and p.opening_hours == "24/7"
    ]
    wanted = [hit for hit in brute_force(passing, search) if hit[1] <= 900_000]
    assert wanted
    assert_same(found(Snapshot(1, places), search), wanted)


def test_the_radius_ends_the_list() -> None:
    places = [place(number, 52.0 + number / 100, 13.0) for number in range(50)]
    hits = Snapshot(1, places).nearest(Search(52.0, 13.0, 50, radius_m=5_000))
    assert [hit.place.external_id for hit in hits] == ["0", "1", "2", "3", "4"]


def test_nothing_is_found_in_an_empty_network_or_behind_a_filter_nothing_passes() -> None:
    assert Snapshot(0, []).nearest(Search(1, 1, 5)) == []
    assert Snapshot(0, [place(1, 1, 1)]).nearest(Search(1, 1, 5, kinds=frozenset({"locker"}))) == []
    assert len(Snapshot(0, [place(1, 1, 1)]).nearest(Search(1, 1, 5))) == 1


def test_open_now_is_true_false_or_unknown() -> None:
    places = [
        place(1, 52, 13, opening_hours="24/7", hours_known=True),
        place(2, 52, 13, opening_hours="Mo 09:00-11:00", hours_known=True),
        place(3, 52, 13, opening_hours="whenever", hours_known=False),
    ]
    snapshot = Snapshot(1, places)
    assert [snapshot.open_now(p, NOON) for p in places] == [True, False, None]


def test_a_postcode_or_city_is_found_whatever_its_case_and_accents() -> None:
    snapshot = Snapshot(
        1,
        [
            place(1, 51.75, 19.45, city="Łódź", postcode="90-001", country="PL"),
            place(2, 51.77, 19.47, city="Łódź", postcode="90-002", country="PL"),
            place(3, 53.5, -1.48, city="Barnsley", postcode="S70 2RE", country="GB"),
        ],
    )
    assert snapshot.find("LODZ", None) == pytest.approx((51.76, 19.46), abs=0.001)
    assert snapshot.find("s702re", None) == pytest.approx((53.5, -1.48), abs=0.0001)
    assert snapshot.find("90-001", "PL") == pytest.approx((51.75, 19.45), abs=0.0001)
    assert snapshot.find("Lodz", "GB") is None
    assert snapshot.find("Lod", None) is None
    assert snapshot.find(" - ", None) is None


def test_places_of_one_name_that_lie_apart_are_not_averaged_into_nowhere() -> None:
    main = [place(number, 50.11 + number / 1000, 8.68, city="Frankfurt") for number in range(5)]
    oder = [place(9, 52.34, 14.55, city="Frankfurt")]
    abroad = [place(20 + number, 44.0, 5.0, city="Frankfurt", country="FR") for number in range(3)]
    snapshot = Snapshot(1, main + oder + abroad)
    assert snapshot.find("frankfurt", None) == pytest.approx((50.112, 8.68), abs=0.001)
    assert snapshot.find("frankfurt", "FR") == pytest.approx((44.0, 5.0), abs=0.001)
