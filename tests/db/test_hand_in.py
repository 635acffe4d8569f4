"""What a hand-in takes, answers and leaves behind, on both databases."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from tests.counter_world import BASE_URL, NOW, World, days

from dropoff.cases.tables import case
from dropoff.counter import service as counter
from dropoff.counter.service import ParcelIn, RefusedIn
from dropoff.counter.tables import container, hand_in, parcel, tag
from dropoff.db import Database
from dropoff.db.vault import token_hash
from dropoff.network.tables import location
from dropoff.returns import service as returns

HOUR = timedelta(hours=1)


@pytest.fixture
def world(db: Database, tmp_path: Path) -> World:
    return World(db, tmp_path)


def test_everything_on_the_table_is_taken_with_one_tag(world: World) -> None:
    till, made = world.till(), world.give_back(units=2)
    asked = world.ask(made)
    answer = world.hand_in(till, asked)
    assert (answer.verdict, answer.reason) == ("accepted", None)
    assert [taken.tag for taken in answer.parcels] == [asked.parcels[0].tag]
    assert {unit.status for unit in answer.units} == {"handed_in"}
    assert world.custody(made) == ["handed_in", "handed_in"]
    row = world.return_row(made)
    assert (row.status, row.holder, row.next_kind) == ("handed_in", "Place 1", "pickup")


def test_the_next_pickup_is_the_lanes_cut_off(world: World) -> None:
    till, retailer = world.till(), world.retailer()
    world.lane(till.location_id, retailer=retailer)
    made = world.give_back(retailer)
    world.hand_in(till, world.ask(made))
    assert world.return_row(made).next_at == NOW.replace(hour=16)  # 17:00 in Copenhagen, in winter


def test_the_retailer_is_told_of_each_parcel(world: World) -> None:
    till, made = world.till(), world.give_back(units=3)
    first, second, third = (unit.id for unit in made.units)
    parcels = (ParcelIn(world.tag(), (first, second), 900), ParcelIn(world.tag(), (third,)))
    answer = world.hand_in(till, world.ask(made, parcels=parcels))
    told = world.events("parcel.handed_in")
    assert {one["data"]["parcel"] for one in told} == {taken.id for taken in answer.parcels}
    data = next(one["data"] for one in told if one["data"]["tag"] == parcels[0].tag)
    assert data["units"] == [first, second]
    assert data["weight_g"] == 900
    assert data["order"].startswith("SO-")
    assert data["location"] == {"id": till.location_id, "name": "Place 1"}
    assert {one["retailer_id"] for one in told} == {world.return_row(made).retailer_id}
    assert sorted(row["weight_g"] for row in world.rows(parcel)) == [620, 900]


def test_a_unit_that_is_refused_stays_expected_and_says_why(world: World) -> None:
    till, made = world.till(), world.give_back(units=2)
    taken, kept = (unit.id for unit in made.units)
    asked = world.ask(made, parcels=(ParcelIn(world.tag(), (taken,)),), refused=(RefusedIn(kept, "wet_or_leaking"),))
    answer = world.hand_in(till, asked)
    assert {unit.id: (unit.status, unit.refused) for unit in answer.units} == {
        taken: ("handed_in", None),
        kept: ("expected", "wet_or_leaking"),
    }
    assert world.return_row(made).status == "partly_handed_in"
    seen = world.scan(till, made.pass_.url)
    assert [(unit.id, unit.refused) for unit in seen.units] == [(kept, "wet_or_leaking")]
    assert [unit.id for unit in seen.others] == [taken]


def test_all_may_be_refused_and_the_shopper_keeps_the_deadline(world: World) -> None:
    till, made = world.till(), world.give_back()
    before = world.return_row(made)
    refused = (RefusedIn(made.units[0].id, "prohibited"),)
    answer = world.hand_in(till, world.ask(made, parcels=(), refused=refused))
    assert (answer.verdict, answer.parcels) == ("accepted", [])
    assert world.return_row(made) == before
    assert world.db.read_sync(counter.refused_units, made.id) == {made.units[0].id: "prohibited"}
    assert world.events("parcel.handed_in") == []


def test_the_same_pass_twice_is_already_and_tells_the_tag(world: World) -> None:
    till, made = world.till(), world.give_back()
    first = world.hand_in(till, world.ask(made))
    again = world.hand_in(till, world.ask(made), NOW + timedelta(minutes=1))
    assert (again.verdict, again.reason, again.receipt) == ("already", None, None)
    assert again.parcels == first.parcels
    assert len(world.rows(parcel)) == 1
    assert world.events("case.opened") == [], "a till that repeats itself is no case"


def test_already_comes_before_tags_and_containers_are_looked_at(world: World) -> None:
    till, made = world.till(), world.give_back()
    world.hand_in(till, world.ask(made))
    asked = world.ask(made, parcels=(ParcelIn("?", (made.units[0].id,)),), container="nothing")
    assert world.hand_in(till, asked).verdict == "already"


def test_already_survives_the_end_of_the_pass(world: World) -> None:
    till, made = world.till(), world.give_back()
    world.hand_in(till, world.ask(made))
    assert world.hand_in(till, world.ask(made), NOW + days(90)).verdict == "already"


def test_a_unit_that_was_handed_in_keeps_the_others_out(world: World) -> None:
    till, made = world.till(), world.give_back(units=2)
    one, other = (unit.id for unit in made.units)
    world.hand_in(till, world.ask(made, parcels=(ParcelIn(world.tag(), (one,)),)))
    both = world.hand_in(till, world.ask(made, parcels=(ParcelIn(world.tag(), (one, other)),)))
    assert both.verdict == "already"
    assert world.custody(made).count("expected") == 1, "all units or none"
    third = world.hand_in(till, world.ask(made, parcels=(ParcelIn(world.tag(), (other,)),)))
    assert third.verdict == "accepted"


def test_the_same_things_at_another_place_open_one_case(world: World) -> None:
    till, other, made = world.till(), world.till(), world.give_back()
    world.hand_in(till, world.ask(made))
    answers = [world.hand_in(other, world.ask(made)) for _ in range(2)]
    assert [answer.verdict for answer in answers] == ["already", "already"]
    assert answers[0].parcels == [], "another place's tags are not told"
    told, of_the_first = world.events("case.opened")
    assert {told["data"]["kind"], of_the_first["data"]["kind"]} == {"double_hand_in"}
    assert told["retailer_id"] == world.return_row(made).retailer_id
    assert (told["location_id"], of_the_first["location_id"]) == (other.location_id, till.location_id)
    assert of_the_first["retailer_id"] is None, "the retailer is told once"


@pytest.mark.parametrize("off", [timedelta(), timedelta(hours=-2), timedelta(days=730)], ids=["right", "2 h", "2 y"])
def test_who_had_them_first_in_hand_is_named_and_nothing_is_refunded_twice(world: World, off: timedelta) -> None:
    """A till without a network took them in an hour before the other, and its report comes an hour after; its clock is
    off by so much."""
    retailer = world.retailer("hand_in")
    till, late, made = world.till(), world.till(), world.give_back(retailer)
    assert world.hand_in(till, world.ask(made, scanned_at=NOW + HOUR), NOW + HOUR).verdict == "accepted"
    due = world.events("refund.due")
    noted = world.ask(made, scanned_at=NOW + off, device_now=NOW + 2 * HOUR + off)
    answer = world.hand_in(late, noted, NOW + 2 * HOUR)
    assert (answer.verdict, answer.first_custody) == ("already", "here")
    told, of_the_first = world.events("case.opened")
    assert (told["location_id"], of_the_first["location_id"]) == (late.location_id, till.location_id)
    for one in world.rows(case):
        assert one["objects"]["first_custody"] == [late.location_id]
    assert world.events("refund.due") == due, "the money fell due once"
    assert len(due) == 1
    assert len(world.rows(parcel)) == 1, "and nothing moved"


def test_a_later_one_and_one_of_the_same_minutes_are_not_first(world: World) -> None:
    till, other, third, made = world.till(), world.till(), world.till(), world.give_back()
    world.hand_in(till, world.ask(made, scanned_at=NOW), NOW)
    later = world.ask(made, scanned_at=NOW + HOUR, device_now=NOW + HOUR)
    assert world.hand_in(other, later, NOW + HOUR).first_custody == "elsewhere"
    together = world.ask(made, scanned_at=NOW - timedelta(minutes=3), device_now=NOW + HOUR)
    assert world.hand_in(third, together, NOW + HOUR).first_custody == "elsewhere", "clocks are no better than that"
    assert world.hand_in(till, world.ask(made), NOW + HOUR).first_custody is None, "its own repeat is no double"


def test_a_clock_that_was_set_right_counts_for_the_last_day(world: World) -> None:
    till, made = world.till(), world.give_back()
    end, off = world.return_row(made).expires_at, days(-730)
    scanned, sent = world.return_row(made).last_day_at - HOUR, end + HOUR
    late = world.ask(made, scanned_at=scanned + off)
    assert world.hand_in(till, late, sent).reason == "pass_expired"
    told = world.ask(made, scanned_at=scanned + off, device_now=sent + off)
    assert world.hand_in(till, told, sent).verdict == "accepted"


def test_an_unknown_pass_is_a_row_without_the_pass(world: World) -> None:
    till, made = world.till(), world.give_back()
    secret = "HTTPS://EXAMPLE.ORG/P/0123456789ABCDEF"
    answer = world.hand_in(till, world.ask(made, pass_text=secret, container=secret))
    assert (answer.verdict, answer.reason, answer.units) == ("refused", "pass_unknown", [])
    (row,) = world.rows(hand_in)
    assert (row["reason"], row["return_id"], row["id"]) == ("pass_unknown", None, answer.hand_in)
    assert "0123456789ABCDEF" not in msgspec.json.encode([row["request"], row["answer"]]).decode()


def test_a_cancelled_pass_is_refused(world: World) -> None:
    till, made = world.till(), world.give_back()
    retailer = world.return_row(made).retailer_id
    world.db.write_sync(returns.cancel_return, world.links, made.id, retailer, NOW, "retailer:test")
    assert world.hand_in(till, world.ask(made)).reason == "pass_cancelled"
    assert world.scan(till, made.pass_.url).refused == "pass_cancelled"
    assert world.rows(parcel) == []


def test_an_expired_pass_is_refused_before_and_after_the_job_ran(world: World) -> None:
    till, made = world.till(), world.give_back()
    late = world.return_row(made).expires_at + timedelta(minutes=1)
    assert world.hand_in(till, world.ask(made, scanned_at=late), late).reason == "pass_expired"
    world.db.write_sync(returns.expire, [made.id], late)
    assert world.custody(made) == ["expired"]
    assert world.hand_in(till, world.ask(made, scanned_at=late), late).reason == "pass_expired"
    assert [row["reason"] for row in world.rows(hand_in)] == ["pass_expired", "pass_expired"]


def test_the_day_after_the_last_day_is_grace(world: World) -> None:
    till, made = world.till(), world.give_back()
    in_grace = world.return_row(made).last_day_at + timedelta(hours=20)
    assert world.hand_in(till, world.ask(made, scanned_at=in_grace), in_grace).verdict == "accepted"


def test_a_hand_in_of_the_last_day_counts_when_it_comes_late(world: World) -> None:
    till, made = world.till(), world.give_back()
    row = world.return_row(made)
    asked = world.ask(made, scanned_at=row.last_day_at - timedelta(minutes=1))
    assert world.hand_in(till, asked, row.expires_at + timedelta(hours=1)).verdict == "accepted"


def test_a_stranger_to_the_return_is_unit_unknown(world: World) -> None:
    till, made, other = world.till(), world.give_back(), world.give_back()
    asked = world.ask(made, parcels=(ParcelIn(world.tag(), (made.units[0].id, other.units[0].id)),))
    assert world.hand_in(till, asked).reason == "unit_unknown"
    assert world.custody(made) == world.custody(other) == ["expected"]


def test_test_passes_and_live_tills_do_not_mix(world: World) -> None:
    live_till, test_till = world.till(), world.till(live=False)
    live, test = world.give_back(), world.give_back(world.retailer(live=False))
    for till, made in ((live_till, test), (test_till, live)):
        answer = world.hand_in(till, world.ask(made))
        assert (answer.reason, answer.units) == ("test_mode", [])
        assert world.scan(till, made.pass_.url).refused == "test_mode"
    world.hand_in(live_till, world.ask(live))
    assert world.hand_in(test_till, world.ask(live)).reason == "test_mode", "not even whether it was handed in"
    assert world.hand_in(test_till, world.ask(test)).verdict == "accepted"


@pytest.mark.parametrize("text", ["T1", "no tag at all!", "1Z999AA10123456784", "æøåæøå", ""])
def test_what_cannot_be_a_tag_is_malformed(world: World, text: str) -> None:
    till, made = world.till(), world.give_back()
    asked = world.ask(made, parcels=(ParcelIn(text, (made.units[0].id,)),))
    assert world.hand_in(till, asked).reason == "tag_malformed"
    assert world.custody(made) == ["expected"]


def test_a_tag_is_used_once_and_its_case_does_not_count(world: World) -> None:
    till, first, second = world.till(), world.give_back(), world.give_back()
    asked = world.ask(first)
    world.hand_in(till, asked)
    again = world.ask(second, parcels=(ParcelIn(f" {asked.parcels[0].tag.lower()}\n", (second.units[0].id,)),))
    answer = world.hand_in(till, again)
    assert (answer.verdict, answer.reason) == ("refused", "tag_used")
    assert world.custody(second) == ["expected"]


def test_one_tag_for_two_parcels_is_used(world: World) -> None:
    till, made = world.till(), world.give_back(units=2)
    text = world.tag()
    parcels = tuple(ParcelIn(text, (unit.id,)) for unit in made.units)
    assert world.hand_in(till, world.ask(made, parcels=parcels)).reason == "tag_used"


def test_nothing_is_left_of_a_refusal_but_its_attempt(world: World) -> None:
    till, made = world.till(), world.give_back()
    bag = world.bag(till)
    used = world.ask(world.give_back())
    world.hand_in(till, used)
    asked = world.ask(made, parcels=(ParcelIn(used.parcels[0].tag, (made.units[0].id,)),), container=bag.id)
    assert world.hand_in(till, asked).reason == "tag_used"
    (row,) = world.rows(container, id=bag.id)
    assert (row["parcel_count"], row["weight_g"], row["next_kind"]) == (0, 0, None)
    assert len(world.rows(tag)) == len(world.rows(parcel)) == 1
    assert [row["verdict"] for row in world.rows(hand_in)] == ["accepted", "refused"]


def test_a_paused_place_takes_nothing_in(world: World) -> None:

    till, made = world.till(), world.give_back()
    pause = location.update().where(location.c.id == till.location_id).values(state="paused")
    world.db.write_sync(lambda tx: tx.change(pause))
    assert world.hand_in(till, world.ask(made)).reason == "location_paused"
    assert world.scan(till, made.pass_.url).refused == "location_paused"


def test_the_short_code_opens_the_same_return(world: World) -> None:
    till, made = world.till(), world.give_back()
    typed = f" {made.pass_.short_code.lower()} "
    assert world.scan(till, typed).return_id == made.id
    assert world.hand_in(till, world.ask(made, pass_text=typed)).verdict == "accepted"


def test_the_receipt_tells_what_lies_where_and_of_no_person(world: World) -> None:
    till, made = world.till(), world.give_back(units=2)
    taken, kept = (unit.id for unit in made.units)
    asked = world.ask(made, parcels=(ParcelIn(world.tag(), (taken,)),), refused=(RefusedIn(kept, "too_large"),))
    answer = world.hand_in(till, asked)
    assert answer.receipt is not None
    assert answer.receipt.url == f"{BASE_URL}/r/{answer.receipt.token}"
    view = world.db.read_sync(counter.receipt_view, answer.receipt.token)
    assert view is not None
    assert [(one.tag, [unit.id for unit in one.units]) for one in view.parcels] == [(asked.parcels[0].tag, [taken])]
    assert [(one.unit.id, one.reason) for one in view.refused] == [(kept, "too_large")]
    assert view.place is not None
    assert (view.place.name, view.handed_in_at) == ("Place 1", NOW)
    assert b"Hansen" not in msgspec.json.encode(view)
    assert world.db.read_sync(counter.receipt_view, "rcp_nobody") is None
    (row,) = world.rows(hand_in)
    assert row["receipt_hash"] == token_hash(answer.receipt.token)
    assert answer.receipt.token not in msgspec.json.encode(row["answer"]).decode()


def test_money_at_hand_in_falls_due_with_it(world: World) -> None:
    till, made = world.till(), world.give_back(world.retailer("hand_in"))
    answer = world.hand_in(till, world.ask(made))
    assert [unit.resolution for unit in answer.units] == ["due"]
    assert len(world.events("refund.due")) == 1
