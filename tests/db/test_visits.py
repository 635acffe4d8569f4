"""A visit gathers passes of several retailers; the counter takes in one return after the other."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from tests.counter_world import NOW, World, days

from dropoff.counter import service as counter
from dropoff.counter.service import PassScan, UnknownScan, VisitScan
from dropoff.db import Database
from dropoff.kernel import codes, tags
from dropoff.returns import service as returns
from dropoff.returns.service import OpenPass, ReturnView, Visit
from dropoff.returns.tables import visit as visit_table
from dropoff.returns.tables import visit_return


class Visits(World):
    def find(self, made: ReturnView) -> OpenPass:
        found = self.db.read_sync(returns.find_pass, self.passes, made.pass_.url)
        assert found is not None
        return found

    def visit(self, *held: ReturnView) -> Visit:
        first, *others = held
        visit = self.db.write_sync(returns.start_visit, self.passes, self.find(first), NOW)
        for one in others:
            assert self.db.write_sync(returns.add_to_visit, visit.id, self.find(one), NOW) is None
        return visit

    def code(self, visit: Visit) -> str:
        return self.passes.visit_code(visit.id)

    def short(self, visit: Visit) -> str:
        return self.passes.visit_short_code(visit.id)


@pytest.fixture
def world(db: Database, tmp_path: Path) -> Visits:
    return Visits(db, tmp_path)


def test_one_scan_shows_what_37_things_of_four_retailers_are(world: Visits) -> None:
    made = [world.give_back(units=number) for number in (20, 10, 5, 2)]
    visit, till = world.visit(*made), world.till()
    for text in (
        f"HTTPS://RETURNS.EXAMPLE/V/{world.code(visit)}",
        f"https&//returns.example-v-{world.code(visit).lower()}",
        world.code(visit),
        world.short(visit),
        codes.format_short_code(world.short(visit)).lower(),
    ):
        found = world.scan(till, text)
        assert isinstance(found, VisitScan), text
        assert found.refused is None
        assert found.visit == visit.id
        assert [one.return_id for one in found.returns] == [one.id for one in made]
        assert sum(len(one.units) for one in found.returns) == 37
        assert found.say == "37 things in 4 returns to hand in."
    assert len({one.retailer for one in found.returns}) == 4
    row = world.rows(visit_table)[0]
    assert world.code(visit) not in str(row)
    assert world.short(visit) not in str(row)


def test_each_return_is_a_hand_in_of_its_own_with_the_code_of_the_visit(world: Visits) -> None:
    first, second = world.give_back(units=2), world.give_back(units=1)
    visit, till = world.visit(first, second), world.till()
    taken = world.hand_in(till, world.ask(first, pass_text=world.code(visit)))
    assert (taken.verdict, taken.return_id) == ("accepted", first.id)
    assert {unit.id for unit in taken.units} == {unit.id for unit in first.units}
    found = world.scan(till, world.short(visit))
    assert [(len(one.units), len(one.others)) for one in found.returns] == [(1, 0), (0, 2)]
    taken = world.hand_in(till, world.ask(second, pass_text=world.short(visit)))
    assert (taken.verdict, taken.return_id) == ("accepted", second.id)
    assert world.scan(till, world.code(visit)).say == "Everything under this code was handed in."
    again = world.hand_in(till, world.ask(second, pass_text=world.code(visit)))
    assert again.verdict == "already"


def test_a_hand_in_is_of_one_return_of_the_visit(world: Visits) -> None:
    first, second, stranger = (world.give_back() for _ in range(3))
    visit, till = world.visit(first, second), world.till()
    both = (first.units[0].id, second.units[0].id)
    for units in (both, (stranger.units[0].id,), ("unt_NOTHING",)):
        ask = world.ask(first, pass_text=world.code(visit), parcels=(counter.ParcelIn(world.tag(), units),))
        answer = world.hand_in(till, ask)
        assert (answer.verdict, answer.reason, answer.units) == ("refused", "unit_unknown", [])
    assert world.custody(stranger) == ["expected"]


def test_no_retailer_learns_what_else_comes_along(world: Visits) -> None:
    first, second = world.give_back(), world.give_back()
    visit, till = world.visit(first, second), world.till()
    world.hand_in(till, world.ask(first, pass_text=world.code(visit)))
    world.db.write_sync(returns.remove_from_visit, visit.id, second.id, NOW)
    told = [
        row for type_ in ("visit.started", "visit.return_added", "visit.return_removed") for row in world.events(type_)
    ]
    assert [(row["retailer_id"], row["return_id"], row["actor"]) for row in told] == [(None, None, "shopper")] * 3
    (handed_in,) = world.events("parcel.handed_in")
    assert visit.id not in str(handed_in)
    assert second.id not in str(handed_in)


def test_a_visit_is_changed_by_its_passes_alone(world: Visits) -> None:
    first, second = world.give_back(), world.give_back()
    visit = world.visit(first, second)
    assert world.db.write_sync(returns.add_to_visit, visit.id, world.find(first), NOW) is None
    assert len(world.rows(visit_return)) == 2, "twice is once"
    assert world.db.write_sync(returns.remove_from_visit, visit.id, first.id, NOW)
    assert not world.db.write_sync(returns.remove_from_visit, visit.id, first.id, NOW)
    found = world.scan(world.till(), world.code(visit))
    assert [one.return_id for one in found.returns] == [second.id]
    assert world.db.write_sync(returns.add_to_visit, "vis_NONE", world.find(first), NOW) == "gone"
    trial = world.give_back(world.retailer(live=False))
    assert world.db.write_sync(returns.add_to_visit, visit.id, world.find(trial), NOW) == "mixed"


def test_one_code_holds_so_many_returns_and_no_more(world: Visits) -> None:
    shop = world.retailer()
    made = [world.give_back(shop) for _ in range(returns.PASSES_MAX + 1)]
    visit = world.visit(*made[:-1])
    assert world.db.write_sync(returns.add_to_visit, visit.id, world.find(made[-1]), NOW) == "full"


def test_a_till_of_the_other_mode_learns_nothing(world: Visits) -> None:
    visit = world.visit(world.give_back(units=3))
    found = world.scan(world.till(live=False), world.code(visit))
    assert (found.refused, found.returns) == ("test_mode", [])


def test_what_has_ended_is_told_return_by_return_and_the_code_is_forgotten_last(world: Visits) -> None:
    old, fresh = world.give_back(), world.give_back(at=NOW + days(10))
    visit, till = world.visit(old, fresh), world.till()
    later = NOW + days(35)
    found = world.scan(till, world.code(visit), later)
    assert [(one.return_id, one.refused) for one in found.returns] == [(fresh.id, None), (old.id, "pass_expired")]
    assert found.refused is None
    assert world.scan(till, world.code(visit), NOW + days(60)).refused == "pass_expired"
    assert world.db.write_sync(returns.forget_visits, later, 10) == 0
    assert world.db.write_sync(returns.forget_visits, NOW + days(60), 10) == 1
    assert world.rows(visit_return) == []
    assert isinstance(world.scan(till, world.code(visit)), UnknownScan)


def test_wrong_short_codes_of_visits_are_braked_like_those_of_passes(world: Visits) -> None:
    till = world.till()
    for number in range(10):
        signs = f"V{number:010d}".translate(str.maketrans("015", "234"))
        assert isinstance(world.scan(till, signs + codes.visit_short_check(signs)), UnknownScan)
    assert world.db.read_sync(counter.too_many_misses, till.device_id, NOW) is not None


def test_two_tills_that_take_in_one_visit_take_each_thing_once(world: Visits, database_url: str) -> None:
    made = [world.give_back(units=2) for _ in range(4)]
    visit = world.visit(*made)
    here = world.place()
    tills = [world.till(here), world.till(here)]
    asks = [(till, world.ask(one, pass_text=world.code(visit))) for one in made for till in tills]
    with closing(Database(database_url)) as other, ThreadPoolExecutor(8) as pool:

        def take(number: int) -> str:
            till, ask = asks[number]
            db = (world.db, other)[number % 2]
            return db.write_sync(counter.confirm_hand_in, world.passes, "http://127.0.0.1:8000", till, ask, NOW).verdict

        verdicts = list(pool.map(take, range(len(asks))))
    assert sorted(verdicts) == ["accepted"] * 4 + ["already"] * 4
    assert all(world.custody(one) == ["handed_in"] * 2 for one in made)


def test_returns_that_are_added_at_the_same_moment_are_all_in(world: Visits, database_url: str) -> None:
    made = [world.give_back() for _ in range(8)]
    found = [world.find(one) for one in made]
    visit = world.visit(made[0])
    with closing(Database(database_url)) as other, ThreadPoolExecutor(8) as pool:

        def add(number: int) -> str | None:
            db = (world.db, other)[number % 2]
            return db.write_sync(returns.add_to_visit, visit.id, found[number // 2], NOW)

        assert set(pool.map(add, range(16))) == {None}
    assert len(world.rows(visit_return)) == 8


def test_the_codes_of_visits_and_passes_are_told_apart(world: Visits) -> None:
    made = world.give_back()
    visit = world.visit(made)
    short = world.short(visit)
    assert short.startswith("V")
    assert world.code(visit).startswith("V")
    assert codes.normalise_short_code(short) is None
    assert codes.normalise_visit_short_code(made.pass_.short_code) is None
    assert not tags.is_wellformed_tag(short), "a code in the tag field is no tag"
    assert not tags.is_wellformed_tag(world.code(visit))
    assert isinstance(world.scan(world.till(), made.pass_.short_code), PassScan)
