"""A shopper whom the counter cannot help: one case for each return, told to its retailer, or to the operator alone."""

from datetime import timedelta
from pathlib import Path

import pytest
from tests.counter_world import NOW, World

from dropoff.cases.tables import case
from dropoff.counter.helping import ASKED_MAX, REASONS, TELL_THE_SHOPPER, TROUBLE, HelpAnswer, HelpIn, ask_for_help
from dropoff.counter.service import Till
from dropoff.db import Database


@pytest.fixture
def world(db: Database, tmp_path: Path) -> World:
    return World(db, tmp_path)


def ask(world: World, till: Till, text: str | None, minutes: int = 0) -> HelpAnswer:
    asked = HelpIn(reason="no_place_took_it", pass_text=text)
    return world.db.write_sync(ask_for_help, world.passes, till, asked, NOW + timedelta(minutes=minutes))


def test_one_return_one_case_and_its_retailer_is_told(world: World) -> None:
    till, made = world.till(), world.give_back()
    first = ask(world, till, made.pass_.url)
    again = ask(world, till, made.pass_.code, 5)
    assert (first.verdict, again.verdict) == ("accepted", "already")
    assert first.case == again.case
    assert first.return_id == made.id
    (opened,) = world.rows(case, kind="help")
    assert (opened["owner"], opened["objects"]) == ("operator", {"reason": "no_place_took_it", "return": made.id})
    (told,) = world.events("case.opened")
    assert (told["retailer_id"], told["return_id"]) == (world.return_row(made).retailer_id, made.id)
    assert world.custody(made) == ["expected"]


def test_two_shoppers_without_a_code_are_two_cases_of_the_operator(world: World) -> None:
    till = world.till()
    cases = {ask(world, till, None).case, ask(world, till, "what is this", 1).case}
    assert len(cases) == 2
    assert {row["retailer_id"] for row in world.rows(case, kind="help")} == {None}


def test_a_button_that_is_pressed_all_day_opens_few_cases_and_still_answers(world: World) -> None:
    till = world.till()
    answers = [ask(world, till, None, minute) for minute in range(40)]
    assert [one.verdict for one in answers[: ASKED_MAX + 1]] == ["accepted"] * (ASKED_MAX + 1)
    assert {one.verdict for one in answers[ASKED_MAX + 1 :]} == {"already"}
    assert len(world.rows(case, kind="help")) == ASKED_MAX + 1
    made = world.give_back()
    assert ask(world, till, made.pass_.url, 41).verdict == "accepted", "a pass names its own"
    assert ask(world, till, None, 61).verdict == "accepted"
    assert ask(world, world.till(), None, 41).verdict == "accepted", "another till is not its neighbour's fault"


def test_a_test_pass_at_a_live_till_opens_nothing(world: World) -> None:
    made = world.give_back(world.retailer(live=False))
    answer = ask(world, world.till(), made.pass_.url)
    assert (answer.verdict, answer.reason, answer.return_id) == ("refused", "test_mode", None)
    assert world.rows(case, kind="help") == []


def test_every_reason_has_its_words() -> None:
    assert set(REASONS) == set(TROUBLE) == set(TELL_THE_SHOPPER)
    assert all(text.endswith(".") for text in (*TROUBLE.values(), *TELL_THE_SHOPPER.values()))
