"""What a till is told of a text, and what is kept of its question; on both databases."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.counter_world import BASE_URL, NOW, PREFIX, World

from dropoff.counter import rules
from dropoff.counter import service as counter
from dropoff.counter.tables import counter_attempt
from dropoff.db import Database
from dropoff.kernel import codes, gs1
from dropoff.kernel.errors import Problem

MISSED = "234678ABCDE" + codes.short_check("234678ABCDE")


@pytest.fixture
def world(db: Database, tmp_path: Path) -> World:
    return World(db, tmp_path)


def test_a_pass_is_known_however_the_scanner_typed_it(world: World) -> None:
    till, made = world.till(), world.give_back()
    code = made.pass_.code
    swapped = code.translate(str.maketrans("YZ", "ZY"))
    texts = [made.pass_.url, made.pass_.url.lower(), f"HTTPSÆ--127.0.0.1:8000-P-{code}", f"http>&&x&p&{swapped}"]
    assert [world.scan(till, text).return_id for text in texts] == [made.id] * 4


def test_every_scan_is_a_row_and_none_holds_the_text(world: World) -> None:
    till, made = world.till(), world.give_back()
    bag = world.bag(till)
    for text in (made.pass_.url, made.pass_.short_code, bag.sscc, "1Z999AA10123456784", "nothing at all"):
        assert msgspec.json.encode(world.scan(till, text)), "whatever it is, it can be answered"
    rows = world.rows(counter_attempt, kind="scan")
    kinds = [(row["request"]["kind"], row["object"]) for row in rows]
    assert kinds == [
        ("pass", made.id),
        ("pass", made.id),
        ("container", bag.id),
        ("foreign", None),
        ("unknown", None),
    ]
    kept = msgspec.json.encode([row["request"] for row in rows]).decode()
    assert not [text for text in (made.pass_.code, made.pass_.short_code, "nothing", "1Z999") if text in kept]


def test_a_pass_tells_its_end(world: World) -> None:
    till, made = world.till(), world.give_back()
    row = world.return_row(made)
    seen = world.scan(till, made.pass_.url)
    assert (seen.last_day_at, seen.expires_at) == (row.last_day_at, row.expires_at)
    late = world.scan(till, made.pass_.url, row.expires_at + timedelta(seconds=1))
    assert (late.refused, late.units) == ("pass_expired", [])
    assert [unit.custody for unit in late.others] == ["expected"]


def test_a_used_up_pass_says_so_without_being_refused(world: World) -> None:
    till, made = world.till(), world.give_back()
    world.hand_in(till, world.ask(made))
    seen = world.scan(till, made.pass_.url)
    assert (seen.refused, seen.units) == (None, [])
    assert "handed in" in seen.say


def test_another_places_bag_is_named_but_not_opened(world: World) -> None:
    till, other = world.till(), world.till()
    bag = world.bag(till)
    seen = world.scan(other, bag.sscc)
    assert (seen.refused, seen.container) == ("wrong_location", None)
    assert world.scan(till, bag.sscc).container.id == bag.id


def test_a_reusable_tote_is_found_by_its_grai(world: World) -> None:
    till = world.till()
    grai = "0952132100001" + gs1.check_digit("952132100001") + "A7"
    new = counter.NewContainer("tote", grai=grai)
    made = world.db.write_sync(counter.open_container, PREFIX, till, new, NOW)
    assert not isinstance(made, Problem)
    assert made.grai == grai
    assert world.scan(till, f"8003{grai}").container.id == made.id


def test_wrong_short_codes_count_wherever_they_are_typed(world: World) -> None:
    till, made = world.till(), world.give_back()
    for number in range(rules.SHORT_CODE_MISSES):
        assert world.db.read_sync(counter.too_many_misses, till.device_id, NOW) is None
        if number % 2:
            world.scan(till, MISSED)
        else:
            world.hand_in(till, world.ask(made, pass_text=MISSED))
    problem = world.db.read_sync(counter.too_many_misses, till.device_id, NOW)
    assert problem is not None
    assert problem.code == "too-many-requests"
    later = NOW + rules.SHORT_CODE_WINDOW + timedelta(seconds=1)
    assert world.db.read_sync(counter.too_many_misses, till.device_id, later) is None


def test_slips_and_right_short_codes_do_not_count(world: World) -> None:
    till, made = world.till(), world.give_back()
    slip = MISSED[:-1] + ("2" if MISSED[-1] != "2" else "3")
    for _ in range(rules.SHORT_CODE_MISSES):
        world.scan(till, slip)
        world.scan(till, made.pass_.short_code)
    assert world.db.read_sync(counter.too_many_misses, till.device_id, NOW) is None


@given(text=st.text(max_size=80))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_breaks_a_scan_or_a_hand_in(world: World, text: str) -> None:
    till, made = world.till(), world.give_back()
    assert world.scan(till, text).say
    asked = world.ask(made, pass_text=text, container=text)
    answer = world.db.write_sync(counter.confirm_hand_in, world.passes, BASE_URL, till, asked, NOW)
    assert answer.verdict == "refused"
