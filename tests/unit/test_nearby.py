"""What the nearby index answers: in the geodesic's order, wherever on earth, whatever is filtered and has changed."""

import random
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from geopy.distance import geodesic
from hypothesis import given, settings
from hypothesis import strategies as st

from dropoff.network import hours_told, nearby_facts, nearby_filters, nearby_ranking
from dropoff.network.facts import UNTOLD, Facts, Needs
from dropoff.network.hours_told import Hours
from dropoff.network.nearby import Search, Snapshot
from dropoff.network.nearby_columns import operator_key
from dropoff.network.nearby_filters import ANYTHING, Attributes
from dropoff.network.nearby_geometry import origin
from dropoff.network.nearby_hours import Opening, minute_of, opening
from dropoff.network.nearby_place import Place
from dropoff.network.nearby_ranking import Question, Slow

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
    """3,000 places, dense around cities as real networks are, some sharing one position."""
    chance = random.Random(7)
    cities = [(chance.uniform(36, 70), chance.uniform(-9, 30)) for _ in range(60)]
    places = []
    for number in range(3_000):
        lat, lon = chance.choice(cities)
        spread = chance.choice((0.0, 0.02, 0.3, 2.0))
        places.append(place(number, lat + chance.gauss(0, spread), lon + chance.gauss(0, spread)))
    return places


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
    got = found(Snapshot.of(1, places), Search(*here, limit))
    oracle = {p.id: geodesic(here, (p.lat, p.lon)).m for p in places}
    wanted = sorted(oracle.values())[:limit]
    # Nearly antipodal and equal distances differ by nanometres between the two implementations: compare the distances.
    assert [metres for _, metres in got] == pytest.approx(wanted, abs=0.001)
    assert all(abs(oracle[ident] - metres) < 0.001 for ident, metres in got)
    assert len({ident for ident, _ in got}) == min(limit, len(places))


def test_equal_distances_come_in_order_of_id_however_many_there_are() -> None:
    places = [place(number, 52.5, 13.4) for number in range(500)]
    random.Random(3).shuffle(places)
    assert [ident for ident, _ in found(Snapshot.of(1, places), Search(52.4, 13.0, 5))] == [
        f"loc_{number:06}" for number in range(5)
    ]


FILTERS: dict[str, dict[str, Any]] = {
    "kind": {"kinds": frozenset({"locker"})},
    "kinds and hours": {"kinds": frozenset({"locker", "post_office"}), "open_at": NOON},
    "accepts and country": {"accepts": frozenset({"box_free"}), "country": "DK"},
    "operator": {"operators": frozenset({operator_key("Øst & Vest")})},
    "carrier": {"needs": Needs(carriers=frozenset({"gls", "ups"}))},
    "what is in the hands": {
        "needs": Needs(weight_g=6_000, size_mm=(500, 300, 300), categories=frozenset({"liquids"}))
    },
    "step-free with a printer, open": {"needs": Needs(step_free=True, printer=True), "open_at": NOON},
    "everything": {
        "kinds": frozenset({"locker", "store"}),
        "accepts": frozenset({"parcel"}),
        "operators": frozenset({"swift", operator_key("Øst & Vest")}),
        "country": "DE",
        "radius_m": 2_000_000,
        "open_at": NOON,
        "needs": Needs(frozenset({"gls"}), True, True, 4_000, (300, 200, 100), frozenset({"furniture"})),
    },
    "nobody": {"operators": frozenset({"nobody"})},
    "hours": {"open_at": NOON},
    "hours and radius": {"open_at": NOON, "radius_m": 900_000},
    "four": {
        "kinds": frozenset({"locker"}),
        "accepts": frozenset({"box_free"}),
        "operators": frozenset({"swift"}),
        "open_at": NOON,
    },
}


def passes(p: Place, search: Search) -> bool:
    """What `FILTERS` ask, said once more."""
    return (
        (not search.kinds or p.kind in search.kinds)
        and search.accepts <= set(p.accepts)
        and (not search.operators or operator_key(p.operator) in search.operators)
        and search.country in (None, p.country)
        and (search.open_at is None or p.opening_hours == "24/7")
        and suits(p.facts, search.needs)
    )


def suits(facts: Facts, needs: Needs) -> bool:
    known_too_small = (
        needs.size_mm is not None
        and facts.max_size_mm is not None
        and any(side > room for side, room in zip(needs.size_mm, facts.max_size_mm, strict=True))
    )
    return (
        (not needs.carriers or bool(needs.carriers & set(facts.carriers or ())))
        and (not needs.step_free or facts.step_free is True)
        and (not needs.printer or facts.has_printer is True)
        and (needs.weight_g is None or facts.max_weight_g is None or facts.max_weight_g >= needs.weight_g)
        and not known_too_small
        and not needs.categories & set(facts.refuses or ())
    )


def some_facts(chance: random.Random) -> Facts:
    if chance.random() < 0.3:
        return UNTOLD
    return Facts(
        carriers=chance.choice((None, ("gls",), ("dhl", "ups"), ("gls", "ups"))),
        step_free=chance.choice((None, True, False)),
        has_printer=chance.choice((None, True, True, False)),
        max_weight_g=chance.choice((None, 2_000, 5_000, 20_000)),
        max_size_mm=chance.choice((None, (350, 250, 150), (600, 400, 400))),
        refuses=chance.choice((None, ("liquids",), ("batteries", "furniture"))),
    )


def varied(europe: list[Place], chance: random.Random) -> list[Place]:
    return [
        place(
            number,
            base.lat,
            base.lon,
            kind=chance.choice(("store", "locker", "post_office")),
            accepts=("box_free", "parcel") if chance.random() < 0.3 else ("parcel",),
            country=chance.choice(("DE", "DK")),
            operator=chance.choice(("", "Øst & Vest", "Swift", "swift")),
            opening_hours=chance.choice(("24/7", "Mo 09:00-11:00", "junk")),
            hours_known=True,
            photo_url=chance.choice(("", "https://pictures.example/1.jpg")),
            access_note=chance.choice(("", "by track 1")),
            facts=some_facts(chance),
        )
        for number, base in enumerate(europe[::4])
    ]


@pytest.mark.parametrize("wanted", FILTERS.values(), ids=FILTERS)
@pytest.mark.parametrize("few", [0.0, 1.0], ids=["masked", "trees of their own"])
def test_filters_are_exact_however_they_are_asked(
    europe: list[Place], monkeypatch: pytest.MonkeyPatch, few: float, wanted: dict[str, Any]
) -> None:
    monkeypatch.setattr(nearby_filters, "FEW", few)
    chance = random.Random(9)
    places = varied(europe, chance)
    snapshot = Snapshot.of(1, places)
    for lat, lon in ((52.0, 10.0), (-41.0, 174.0), (places[5].lat, places[5].lon)):
        search = Search(lat, lon, 6, **wanted)
        radius = search.radius_m or 1e9
        passing = brute_force([p for p in places if passes(p, search)], search)
        assert_same(found(snapshot, search), [hit for hit in passing if hit[1] <= radius])


def test_few_that_are_open_are_found_among_many_that_are_not() -> None:
    places = [place(n, 52 + n / 1e4, 13, opening_hours="Mo 09:00-10:00", hours_known=True) for n in range(900)]
    places += [place(n, 53 + n / 100, 13, opening_hours="24/7", hours_known=True) for n in range(901, 905)]
    search = Search(52.0, 13.0, 3, open_at=NOON)
    assert [ident for ident, _ in found(Snapshot.of(1, places), search)] == ["loc_000901", "loc_000902", "loc_000903"]


def any_of(*words: str) -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(st.sampled_from(words), max_size=2)


needs = st.builds(
    Needs,
    carriers=any_of("gls", "ups", "nobody"),
    step_free=st.booleans(),
    printer=st.booleans(),
    weight_g=st.none() | st.integers(1, 25_000),
    size_mm=st.none() | st.tuples(*[st.integers(1, 600)] * 3).map(lambda sides: (*sorted(sides, reverse=True),)),
    categories=any_of("liquids", "furniture", "batteries"),
)
searches = st.builds(
    Search,
    lat=st.floats(35, 71),
    lon=st.floats(-10, 31),
    limit=st.integers(1, 12),
    kinds=any_of("store", "locker", "post_office"),
    accepts=any_of("parcel", "box_free"),
    operators=any_of("swift", operator_key("Øst & Vest")),
    country=st.none() | st.sampled_from(["DE", "DK"]),
    radius_m=st.none() | st.floats(1_000, 3_000_000),
    open_at=st.none() | st.just(NOON),
    needs=needs,
)


@pytest.fixture(scope="module")
def network(europe: list[Place]) -> tuple[list[Place], list[Snapshot]]:
    """What there is, and it as one base, as a base with changes over it, and merged."""
    chance = random.Random(13)
    before = varied(europe, chance)
    changes = [(place(n, p.lat, p.lon + 0.02, facts=some_facts(chance)), True) for n, p in enumerate(before[:90])]
    changes += [(p, False) for p in before[90:150]]
    changes += [(place(9_000 + n, p.lat, p.lon, facts=some_facts(chance)), True) for n, p in enumerate(before[:60])]
    gone = {p.id for p, _ in changes}
    after = [p for p in before if p.id not in gone] + [p for p, shown in changes if shown]
    changed = Snapshot.of(1, before).changed(2, changes)
    return after, [Snapshot.of(2, after), changed, changed.merged()]


@settings(max_examples=80, deadline=None)
@given(search=searches)
def test_any_filters_together_are_exact(network: tuple[list[Place], list[Snapshot]], search: Search) -> None:
    places, snapshots = network
    radius = search.radius_m or 1e9
    wanted = [hit for hit in brute_force([p for p in places if passes(p, search)], search) if hit[1] <= radius]
    for snapshot in snapshots:
        assert_same(found(snapshot, search), wanted)


def test_needs_that_the_same_places_meet_are_one_filter() -> None:
    limits = [None, 5_000, 20_000]
    places = [place(n, 52 + n / 100, 13, facts=Facts(max_weight_g=limits[n % 3])) for n in range(60)]
    base = Snapshot.of(1, places).base

    def filter_for(weight_g: int) -> Any:
        return base.select(Attributes(needs=Needs(weight_g=weight_g)), None)

    assert filter_for(6_000) is filter_for(19_999)
    assert filter_for(1) is filter_for(5_000), "what all meet is no filter"
    assert filter_for(1).size == 60
    assert filter_for(6_000).size == 40
    assert filter_for(20_001).size == 20, "an unknown limit leaves nobody out"


def test_needs_are_not_asked_of_many_facts_while_others_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearby_facts, "QUICK_MAX", 10)
    monkeypatch.setattr(nearby_ranking, "QUICK_MAX", 10)
    snapshot = Snapshot.of(1, [place(n, 52, 13 + n / 100, facts=Facts(max_weight_g=n + 1)) for n in range(40)])
    asked = Question(origin(52, 13), 3, None, Attributes(needs=Needs(weight_g=31)), None, patient=False)
    with pytest.raises(Slow):
        snapshot.ask(asked)
    told = snapshot.ask(asked._replace(patient=True))
    assert [snapshot.facts([ref])[0].max_weight_g for ref in told.refs] == [31, 32, 33]
    assert snapshot.ask(asked) == told


@pytest.mark.parametrize("shortlist_max", [0, 1_024], ids=["each compared", "by tree"])
def test_comparing_each_place_answers_the_same(
    europe: list[Place], monkeypatch: pytest.MonkeyPatch, shortlist_max: int
) -> None:
    monkeypatch.setattr(nearby_ranking, "SHORTLIST_MAX", shortlist_max)
    snapshot = Snapshot.of(1, europe)
    for search in (Search(50.0, 10.0, 7), Search(-38.0, -170.0, 7), Search(50.0, 10.0, 50, radius_m=300_000)):
        wanted = [hit for hit in brute_force(europe, search) if hit[1] <= (search.radius_m or 1e9)]
        assert_same(found(snapshot, search), wanted)


class TestChanges:
    """A changed network answers as if it had been read anew, before and after the change is merged."""

    def network(self, europe: list[Place]) -> tuple[list[Place], list[tuple[Place, bool]], list[Place]]:
        """Before, what changes, and after: moved, renamed, removed, added."""
        chance = random.Random(11)
        before = varied(europe, chance)
        changes = [(place(n, p.lat + 0.01, p.lon, kind="locker"), True) for n, p in enumerate(before[:40])]
        changes += [(p, False) for p in before[40:300]]
        changes += [(place(9000 + n, 52 + n / 50, 10 + n / 50), True) for n in range(30)]
        changes += [(place(9100, 52, 10), False)]
        replaced = {p.id: p for p, shown in changes if shown}
        gone = {p.id for p, shown in changes if not shown}
        after = [p for p in before if p.id not in replaced and p.id not in gone] + list(replaced.values())
        return before, changes, after

    @pytest.mark.parametrize("wanted", [{}, *FILTERS.values()], ids=["none", *FILTERS])
    def test_are_seen_at_once(self, europe: list[Place], wanted: dict[str, Any]) -> None:
        before, changes, after = self.network(europe)
        changed = Snapshot.of(1, before).changed(2, changes)
        fresh, merged = Snapshot.of(2, after), changed.merged()
        assert len(changed) == len(fresh) == len(merged)
        assert merged.to_merge == 0
        for lat, lon in ((52.0, 10.0), (before[50].lat, before[50].lon), (90.0, 0.0), (-41.0, 174.0)):
            search = Search(lat, lon, 8, **wanted)
            assert found(changed, search) == found(fresh, search)
            assert found(merged, search) == found(fresh, search)

    def test_keep_every_text(self, europe: list[Place]) -> None:
        before, changes, after = self.network(europe)
        changed = Snapshot.of(1, before).changed(2, changes)
        wanted = {p.id: p for p in after}
        assert {p.id: p for p in changed.places} == wanted
        again = changed.merged().changed(3, [(after[0], False)]).merged()
        assert {p.id: p for p in again.places} == {p.id: p for p in after[1:]}

    def test_move_the_centre_of_a_name(self) -> None:
        places = [place(n, 50 + n / 100, 8, city="Ort", postcode="1") for n in range(4)]
        changed = Snapshot.of(1, places).changed(2, [(places[3], False), (place(9, 50.2, 8, city="Ört"), True)])
        assert changed.find("ort", None) == changed.merged().find("ort", None)
        assert changed.find("ort", None) == pytest.approx((50.0575, 8.0), abs=0.001)
        assert changed.find("1", None) == pytest.approx((50.01, 8.0), abs=0.001)

    def test_of_everything_leave_nothing(self) -> None:
        places = [place(n, 50, 8) for n in range(3)]
        nothing = Snapshot.of(1, places).changed(2, [(p, False) for p in places])
        for snapshot in (nothing, nothing.merged()):
            assert len(snapshot) == 0
            assert found(snapshot, Search(50, 8, 3)) == []


def test_a_slow_answer_is_not_given_while_others_wait(monkeypatch: pytest.MonkeyPatch, europe: list[Place]) -> None:
    monkeypatch.setattr(nearby_ranking, "QUICK_MAX", 10)
    snapshot = Snapshot.of(1, europe)
    asked = Question(origin(50, 8), 3, None, ANYTHING, None, patient=False)
    filtered = asked._replace(wanted=Attributes(country="DE"))
    everything = snapshot.ask(asked)
    with pytest.raises(Slow):
        snapshot.ask(filtered)
    assert snapshot.ask(filtered._replace(patient=True)) == everything
    assert snapshot.ask(filtered) == everything, "its filter is made now"


def test_the_radius_ends_the_list() -> None:
    places = [place(number, 52.0 + number / 100, 13.0) for number in range(50)]
    hits = Snapshot.of(1, places).nearest(Search(52.0, 13.0, 50, radius_m=5_000))
    assert [hit.place.external_id for hit in hits] == ["0", "1", "2", "3", "4"]
    edge = hits[-1].distance_m
    assert len(Snapshot.of(1, places).nearest(Search(52.0, 13.0, 50, radius_m=edge + 0.0002))) == 5
    assert len(Snapshot.of(1, places).nearest(Search(52.0, 13.0, 50, radius_m=edge - 0.0002))) == 4


def test_nothing_is_found_in_an_empty_network_or_behind_a_filter_nothing_passes() -> None:
    assert Snapshot.of(0, []).nearest(Search(1, 1, 5)) == []
    assert Snapshot.of(0, [place(1, 1, 1)]).nearest(Search(1, 1, 5, kinds=frozenset({"locker"}))) == []
    assert len(Snapshot.of(0, [place(1, 1, 1)]).nearest(Search(1, 1, 5))) == 1


def test_open_now_is_true_false_or_unknown() -> None:
    places = [
        place(1, 52, 13, opening_hours="24/7", hours_known=True),
        place(2, 52, 13, opening_hours="Mo 09:00-11:00", hours_known=True),
        place(3, 52, 13, opening_hours="whenever", hours_known=False),
    ]
    snapshot = Snapshot.of(1, places)
    assert [snapshot.open_now(p, NOON) for p in places] == [True, False, None]


def test_what_is_told_of_hours_is_right_whatever_minute_was_asked_before() -> None:
    """Kept answers hold for as long as they say, and are those of `hours_told`."""
    hours = ["Mo-Fr 09:00-11:00", "24/7", "Mo 22:00-03:00; PH off", "Sa unknown", "sunrise-sunset"]
    places = [place(n, 52, 13 + n, opening_hours=text, hours_known=True) for n, text in enumerate(hours)]
    snapshot = Snapshot.of(1, places)
    refs, chance, closing = snapshot.found(Search(52, 13, len(hours))).refs, random.Random(8), 0
    for _ in range(300):
        minute = minute_of(NOON) + chance.randrange(20_000)
        told = [msgspec.json.decode(b"{%b}" % said, type=Opening) for said in snapshot.openings(refs, minute)]
        at = datetime.fromtimestamp(minute * 60, UTC)
        assert told == [
            opening(hours_told.standing(Hours(p.opening_hours, p.zone, p.country, (p.lat, p.lon)), at)) for p in places
        ]
        closing += sum(one.closes_at is not None for one in told)
    assert closing > 100


def test_a_postcode_or_city_is_found_whatever_its_case_and_accents() -> None:
    snapshot = Snapshot.of(
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
    snapshot = Snapshot.of(1, main + oder + abroad)
    assert snapshot.find("frankfurt", None) == pytest.approx((50.112, 8.68), abs=0.001)
    assert snapshot.find("frankfurt", "FR") == pytest.approx((44.0, 5.0), abs=0.001)
