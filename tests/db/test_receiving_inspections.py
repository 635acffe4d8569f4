"""A unit is inspected once, after it was received; what that does to its money, the policy says."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from tests import world
from tests.db.test_receiving import Scene, receive, told
from tests.world import NOW, good

from dropoff.db import Database
from dropoff.events.tables import event
from dropoff.kernel.errors import Problem
from dropoff.receiving import service
from dropoff.receiving.service import Inspect
from dropoff.returns import service as returns
from dropoff.returns.service import ReturnView, UnitView

LATER = NOW + timedelta(days=2)


class Table(Scene):
    """A bag with one return, received."""

    def __init__(self, db: Database, refund_at: str = "inspection") -> None:
        super().__init__(db, parcels=1, refund_at=refund_at)
        self.one: ReturnView = self.made[0]
        receive(db, self.retailer, self.bag.sscc, *self.tags)

    def command(self, unit_id: str | None = None, **differs: Any) -> Inspect:
        facts: dict[str, Any] = {
            "retailer_id": self.retailer.id,
            "unit_id": unit_id or self.one.units[0].id,
            "condition": "as_new",
            "disposition": "restock",
            "reduction": 0,
            "note": None,
            "at": LATER,
            "actor": f"retailer:{self.retailer.id}",
        }
        return Inspect(**(facts | differs))


def inspect(db: Database, command: Inspect) -> UnitView | Problem:
    return db.write_sync(service.inspect, command)


def code_of(answer: UnitView | Problem) -> str | None:
    return answer.code if isinstance(answer, Problem) else None


def test_it_makes_the_money_due_when_the_policy_says_inspection(db: Database) -> None:
    table = Table(db)
    first, second = table.one.units
    unit = good(inspect(db, table.command(first.id, condition="worn", disposition="resell")))
    assert (unit.id, unit.custody, unit.condition, unit.disposition) == (first.id, "inspected", "worn", "resell")
    assert world.return_of(db, table.one).money.amount == 8900
    good(inspect(db, table.command(second.id)))
    now = world.return_of(db, table.one)
    assert (now.money.amount, now.status) == (17800, "received")
    assert told(db, "unit.inspected", "refund.due").count("unit.inspected") == 2
    shown = db.read_sync(returns.pass_view, table.one.id)
    assert shown is not None
    assert [step.type for step in shown.timeline][-4:] == ["unit.inspected"] * 2 + ["refund.due"] * 2, "cause first"


def test_the_event_says_what_was_found_and_not_what_was_noted(db: Database) -> None:
    table = Table(db)
    good(inspect(db, table.command(reduction=500, note="Smells of Ms Ødegård's dog")))
    row = db.read_sync(lambda tx: tx.first(sa.select(event).where(event.c.type == "unit.inspected")))
    assert row is not None
    assert row.data["reduction"] == 500
    assert (row.retailer_id, row.return_id) == (table.retailer.id, table.one.id)
    assert "dog" not in str(row.data) + str(row.objects)


def test_the_same_again_answers_the_unit_another_result_is_refused(db: Database) -> None:
    table = Table(db)
    first = inspect(db, table.command())
    later = table.command(at=LATER + timedelta(hours=1))
    assert inspect(db, later) == first
    for differs in ({"condition": "worn"}, {"disposition": "recycle"}, {"reduction": 1}, {"note": "a hole"}):
        assert code_of(inspect(db, table.command(**differs))) == "unit-already-inspected"
    assert told(db, "unit.inspected") == ["unit.inspected"]
    assert world.return_of(db, table.one).money.amount == 8900


def test_only_what_was_received_can_be_inspected(db: Database) -> None:
    table = Table(db)
    waiting = world.make_return(db, table.retailer)
    assert code_of(inspect(db, table.command(waiting.units[0].id))) == "unit-not-received"
    world.taken_in(db, table.till, waiting)
    assert code_of(inspect(db, table.command(waiting.units[0].id))) == "unit-not-received"


def test_another_tenants_unit_and_no_unit_are_not_found(db: Database) -> None:
    table, stranger = Table(db), world.make_retailer(db)
    assert code_of(inspect(db, table.command(retailer_id=stranger.id))) == "not-found"
    assert code_of(inspect(db, table.command("unt_06E5ZJ3YV8QZ3M0T9K1X7B2C4D"))) == "not-found"
    assert told(db, "unit.inspected") == []


def test_a_reduction_lowers_what_is_due_and_never_exceeds_the_price(db: Database) -> None:
    table = Table(db)
    refused = inspect(db, table.command(reduction=8901))
    assert isinstance(refused, Problem)
    assert (refused.code, refused.errors[0].pointer) == ("invalid-request", "/reduction")
    good(inspect(db, table.command(reduction=900)))
    assert world.return_of(db, table.one).money.amount == 8000


def test_a_reduction_also_lowers_what_fell_due_before(db: Database) -> None:
    table = Table(db, "receipt")
    assert world.return_of(db, table.one).money.amount == 17800
    good(inspect(db, table.command(reduction=900)))
    assert world.return_of(db, table.one).money.amount == 16900
    assert told(db, "refund.due").count("refund.due") >= 1


@pytest.mark.parametrize("refund_at", ["inspection", "receipt"])
def test_what_is_rejected_is_not_refunded(db: Database, refund_at: str) -> None:
    table = Table(db, refund_at)
    unit = good(inspect(db, table.command(condition="wrong_item", disposition="reject")))
    assert (unit.custody, unit.resolution, unit.status) == ("inspected", "rejected", "rejected")
    left = 0 if refund_at == "inspection" else 8900
    assert world.return_of(db, table.one).money.amount == left
    if refund_at == "inspection":
        # It never was due: nobody is told of money that comes and goes in the same moment.
        assert told(db, "refund.due", "refund.due_withdrawn") == []


def test_a_rejected_unit_leaves_the_return_waiting_for_the_others(db: Database) -> None:
    def waits_for() -> str | None:
        step = world.return_of(db, table.one).money.next
        return step.kind if step else None

    table = Table(db)
    first, second = table.one.units
    good(inspect(db, table.command(first.id, disposition="reject")))
    assert waits_for() == "inspection"
    good(inspect(db, table.command(second.id)))
    assert waits_for() == "refund"
    table = Table(db)
    for unit in table.one.units:
        good(inspect(db, table.command(unit.id, disposition="reject")))
    assert (waits_for(), world.return_of(db, table.one).status) == (None, "resolved")


@pytest.mark.parametrize("servers", [1, 2])
def test_of_two_different_results_at_once_one_stands(database_url: str, servers: int) -> None:
    lanes = [Database(database_url, listen=False) for _ in range(servers)]
    try:
        table = Table(lanes[0])
        both = [table.command(condition="as_new"), table.command(condition="damaged", disposition="destroy")]
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda n: lanes[n % servers].write_sync(service.inspect, both[n % 2]), range(8)))
        won = {answer.condition for answer in answers if isinstance(answer, UnitView)}
        assert len(won) == 1
        assert sorted(code_of(answer) or "" for answer in answers) == [""] * 4 + ["unit-already-inspected"] * 4
        assert told(lanes[0], "unit.inspected", "refund.due") in (
            ["unit.inspected", "refund.due"],
            ["refund.due", "unit.inspected"],
        )
        assert world.return_of(lanes[0], table.one).money.amount == 8900
    finally:
        for lane in lanes:
            lane.close()
