"""Receipts at the warehouse: what came, what did not, and each difference a case; nothing twice."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from tests import world
from tests.world import NOW, good

from dropoff.cases import service as cases
from dropoff.cases.store import Filter
from dropoff.counter.tables import container
from dropoff.counter.undo import undo_hand_in
from dropoff.db import Database, Tx
from dropoff.events.cursors import START, read_settled
from dropoff.events.tables import event
from dropoff.kernel.errors import Problem
from dropoff.receiving import service
from dropoff.receiving.intake import Counted, Report
from dropoff.receiving.rules import fold_tags
from dropoff.receiving.tables import intake
from dropoff.retailers.service import NewRetailerView

LATER = NOW + timedelta(days=1)


def report(sscc: str, *tags: str, complete: bool = True, live: bool = True, actor: str = "retailer:rtl_1") -> Report:
    return Report(
        sscc=sscc,
        tags=fold_tags(tags),
        complete=complete,
        at=LATER,
        actor=actor,
        live=live,
        prefix=world.PREFIX,
    )


def receive(db: Database, retailer: NewRetailerView, sscc: str, *tags: str, **more: Any) -> Counted:
    return good(db.write_sync(service.receive, report(sscc, *tags, **more), retailer.id))


def kinds(db: Database, ids: tuple[str, ...] | list[str]) -> list[str]:
    return [good(db.read_sync(cases.find_case, one, None)).kind for one in ids]


def told(db: Database, *types: str) -> list[str]:
    query = sa.select(event.c.type).where(event.c.type.in_(types)).order_by(event.c.seq)
    return [row.type for row in db.read_sync(lambda tx: tx.read(query))]


def status_of(db: Database, sscc: str) -> str:
    query = sa.select(container.c.status).where(container.c.sscc == sscc)
    row = db.read_sync(lambda tx: tx.first(query))
    assert row is not None
    return str(row.status)


class Scene:
    """One shop, one retailer, returns in a bag on its way."""

    def __init__(self, db: Database, parcels: int = 2, refund_at: str = "receipt") -> None:
        self.shop = world.make_location(db)
        self.till = world.make_device(db, self.shop)
        self.retailer = world.make_retailer(db, refund_at)
        self.made = [world.make_return(db, self.retailer) for _ in range(parcels)]
        self.bag, self.tags = world.bag_on_its_way(db, self.till, self.made)


def test_all_came(db: Database) -> None:
    scene = Scene(db)
    first, second = scene.tags
    counted = receive(db, scene.retailer, f"(00){scene.bag.sscc}", second.lower(), f" {first} ", second)
    assert counted == Counted((second, first), (), (), ())
    assert status_of(db, scene.bag.sscc) == "unpacked"
    for made in scene.made:
        now = world.return_of(db, made)
        assert now.status == "received"
        assert {unit.custody for unit in now.units} == {"received"}
        assert (now.money.amount, now.money.held_by) == (17800, scene.retailer.name)
    assert sorted(told(db, "parcel.received", "refund.due")) == ["parcel.received"] * 2 + ["refund.due"] * 2


def test_a_receipt_that_is_sent_again_receives_nothing_twice_and_answers_the_same(db: Database) -> None:
    scene = Scene(db)
    first = receive(db, scene.retailer, scene.bag.sscc, scene.tags[0], "STRANGER1")
    before = told(db, "parcel.received", "refund.due", "case.opened")
    again = receive(db, scene.retailer, scene.bag.sscc, scene.tags[0], "STRANGER1")
    assert again == first
    assert first == Counted((scene.tags[0],), (scene.tags[1],), ("STRANGER1",), first.cases)
    assert kinds(db, first.cases) == ["missing", "unexpected"]
    assert told(db, "parcel.received", "refund.due", "case.opened") == before
    assert sorted(before) == ["case.opened", "case.opened", "parcel.received", "refund.due"]
    rows = db.read_sync(lambda tx: tx.read(sa.select(intake.c.cases)))
    assert [tuple(row.cases) for row in rows] == [first.cases, first.cases]


def test_a_settled_difference_is_not_opened_again_by_the_same_report(db: Database) -> None:
    scene = Scene(db)
    first = receive(db, scene.retailer, scene.bag.sscc, scene.tags[0])
    resolve(db, first.cases[0], "explained")
    assert receive(db, scene.retailer, scene.bag.sscc, scene.tags[0]).cases == first.cases


def resolve(db: Database, case_id: str, outcome: Any) -> None:
    command = cases.Resolve(case_id=case_id, outcome=outcome, note=None, at=LATER, actor=world.OPERATOR)
    good(db.write_sync(cases.resolve, command))


def test_an_unfinished_report_leaves_the_rest_open(db: Database) -> None:
    scene = Scene(db)
    part = receive(db, scene.retailer, scene.bag.sscc, scene.tags[0], complete=False)
    assert part == Counted((scene.tags[0],), (scene.tags[1],), (), ())
    assert status_of(db, scene.bag.sscc) == "received"
    rest = receive(db, scene.retailer, scene.bag.sscc, scene.tags[1])
    assert rest == Counted((scene.tags[1],), (), (), ())
    assert status_of(db, scene.bag.sscc) == "unpacked"


def test_a_missing_parcel_that_comes_later_is_received_and_its_case_ends(db: Database) -> None:
    scene = Scene(db)
    first = receive(db, scene.retailer, scene.bag.sscc, scene.tags[0])
    assert kinds(db, first.cases) == ["missing"]
    late = receive(db, scene.retailer, scene.bag.sscc, scene.tags[1])
    assert late == Counted((scene.tags[1],), (), (), ())
    case = good(db.read_sync(cases.find_case, first.cases[0], None))
    assert (case.state, case.outcome) == ("resolved", "found")
    assert world.return_of(db, scene.made[1]).status == "received"


def test_a_parcel_of_another_container_is_unexpected_and_received(db: Database) -> None:
    scene = Scene(db)
    other = world.make_return(db, scene.retailer)
    other_bag, (other_tag,) = world.bag_on_its_way(db, scene.till, [other])
    counted = receive(db, scene.retailer, scene.bag.sscc, *scene.tags, other_tag)
    assert counted.received == tuple(scene.tags)
    assert counted.unexpected == (other_tag,)
    assert kinds(db, counted.cases) == ["unexpected"]
    assert world.return_of(db, other).status == "received"
    assert receive(db, scene.retailer, other_bag.sscc) == Counted((), (), (), ())


def test_another_tenants_parcel_is_answered_by_its_tag_alone_and_stays_where_it_is(db: Database) -> None:
    scene = Scene(db)
    theirs = world.make_return(db, world.make_retailer(db))
    _, (their_tag,) = world.bag_on_its_way(db, scene.till, [theirs])
    counted = receive(db, scene.retailer, scene.bag.sscc, *scene.tags, their_tag, "NOBODYS1")
    assert counted.unexpected == (their_tag, "NOBODYS1")
    known, unknown = (good(db.read_sync(cases.find_case, one, scene.retailer.id)) for one in counted.cases)
    # Nothing but the tag tells the two apart.
    assert known.detail.replace(their_tag, "NOBODYS1") == unknown.detail
    assert known.objects == {"tag": their_tag, "container": scene.bag.sscc}
    assert (known.owner, known.retailer, known.location) == ("retailer", scene.retailer.id, None)
    assert {unit.custody for unit in world.units_of(db, theirs)} == {"in_transit"}


@pytest.mark.parametrize("text", ["NOSUCHTAG1", "952132100000000018", "not a number", "ctr_06E5ZJ3YV8QZ3M0T9K1X7B2C4D"])
def test_no_container_of_ours_is_not_found(db: Database, text: str) -> None:
    retailer = world.make_retailer(db)
    refused = db.write_sync(service.receive, report(text, "TAG00001"), retailer.id)
    assert isinstance(refused, Problem)
    assert refused.code == "not-found"


def test_another_tenants_container_is_not_found_and_nothing_is_written(db: Database) -> None:
    scene = Scene(db)
    stranger = world.make_retailer(db)
    for text in (scene.bag.sscc, scene.bag.id):
        refused = db.write_sync(service.receive, report(text, *scene.tags), stranger.id)
        assert isinstance(refused, Problem)
        assert refused.code == "not-found"
    assert status_of(db, scene.bag.sscc) == "handed_over"
    assert told(db, "parcel.received", "case.opened") == []


def test_a_container_that_still_stands_open_is_refused(db: Database) -> None:
    scene = Scene(db, parcels=1)
    made = world.make_return(db, scene.retailer)
    bag = world.open_bag(db, scene.till)
    tag = world.taken_in(db, scene.till, made, bag)
    refused = db.write_sync(service.receive, report(bag.sscc, tag), scene.retailer.id)
    assert isinstance(refused, Problem)
    assert refused.code == "container-open"


def test_a_handover_that_nobody_scanned_is_accepted_with_a_case(db: Database) -> None:
    shop = world.make_location(db)
    till = world.make_device(db, shop)
    retailer = world.make_retailer(db, "receipt")
    made = world.make_return(db, retailer)
    bag = world.open_bag(db, till)
    tag = world.taken_in(db, till, made, bag)
    world.seal_bag(db, till, bag)
    counted = receive(db, retailer, bag.sscc, tag)
    assert counted.received == (tag,)
    assert kinds(db, counted.cases) == ["handover_unscanned"]
    assert world.return_of(db, made).status == "received"
    assert receive(db, retailer, bag.sscc, tag) == counted
    # The shop that it left sees it too: it may know the driver.
    listed = db.read_sync(cases.list_cases, Filter(location_id=shop.id)).items
    assert [case.id for case in listed] == list(counted.cases)


def test_a_loose_parcel_is_received_by_its_tag(db: Database) -> None:
    till = world.make_device(db, world.make_location(db))
    retailer = world.make_retailer(db, "receipt")
    made = world.make_return(db, retailer)
    tag = world.taken_in(db, till, made)
    counted = receive(db, retailer, tag.lower(), tag)
    assert counted.received == (tag,)
    assert kinds(db, counted.cases) == ["handover_unscanned"]
    assert world.return_of(db, made).status == "received"
    assert receive(db, retailer, tag, tag) == counted


def test_a_parcel_whose_hand_in_was_undone_is_unexpected_and_not_received(db: Database) -> None:
    scene = Scene(db)
    made = world.make_return(db, scene.retailer)
    answer = world.hand_in(db, scene.till, made)
    db.write_sync(undo_hand_in, scene.till, answer.hand_in, NOW)
    tag = answer.parcels[0].tag
    counted = receive(db, scene.retailer, scene.bag.sscc, *scene.tags, tag)
    assert counted.unexpected == (tag,)
    assert {unit.custody for unit in world.units_of(db, made)} == {"expected"}


def test_lost_makes_it_so_and_a_late_receipt_still_works(db: Database) -> None:
    scene = Scene(db)
    first = receive(db, scene.retailer, scene.bag.sscc, scene.tags[0])
    resolve(db, first.cases[0], "lost")
    follow(db)
    follow(db)  # a consumer may see an event again
    lost = world.return_of(db, scene.made[1])
    assert {unit.custody for unit in lost.units} == {"lost"}
    assert told(db, "parcel.lost") == ["parcel.lost"]
    # Sent again, the old report still says what it said.
    assert receive(db, scene.retailer, scene.bag.sscc, scene.tags[0]) == first
    due = told(db, "refund.due")
    late = receive(db, scene.retailer, scene.bag.sscc, *scene.tags)
    assert late.received == tuple(scene.tags)
    assert {unit.custody for unit in world.units_of(db, scene.made[1])} == {"received"}
    assert told(db, "refund.due") == due, "the loss made the money due; the late receipt must not do it again"


def test_a_loss_that_came_after_the_parcel_changes_nothing(db: Database) -> None:
    scene = Scene(db)
    first = receive(db, scene.retailer, scene.bag.sscc, scene.tags[0])
    resolve(db, first.cases[0], "lost")
    receive(db, scene.retailer, scene.bag.sscc, scene.tags[1])
    follow(db)
    assert world.return_of(db, scene.made[1]).status == "received"
    assert told(db, "parcel.lost") == []


def follow(db: Database) -> None:
    """All events so far go to the consumer, as the worker does it."""
    db.write_sync(lambda tx: service.follow_cases(tx, read_settled(tx, START, 1000)))


@pytest.mark.parametrize("servers", [1, 2])
def test_two_receipts_at_once_receive_once(database_url: str, servers: int) -> None:
    lanes = [Database(database_url, listen=False) for _ in range(servers)]
    try:
        scene = Scene(lanes[0])
        sent = report(scene.bag.sscc, *scene.tags[:1], "STRANGER1")
        with ThreadPoolExecutor(8) as pool:
            answers = list(
                pool.map(lambda n: lanes[n % servers].write_sync(service.receive, sent, scene.retailer.id), range(8))
            )
        assert len(set(answers)) == 1
        assert sorted(told(lanes[0], "parcel.received", "refund.due", "case.opened")) == [
            "case.opened",
            "case.opened",
            "parcel.received",
            "refund.due",
        ]
        assert world.return_of(lanes[0], scene.made[0]).money.amount == 17800
    finally:
        for lane in lanes:
            lane.close()


def test_two_containers_that_each_hold_the_others_parcel_end_received(database_url: str) -> None:
    lanes = [Database(database_url, listen=False) for _ in range(2)]
    try:
        scene = Scene(lanes[0], parcels=1)
        other = world.make_return(lanes[0], scene.retailer)
        other_bag, (other_tag,) = world.bag_on_its_way(lanes[0], scene.till, [other])
        both = [
            report(scene.bag.sscc, *scene.tags, other_tag),
            report(other_bag.sscc, other_tag, *scene.tags),
        ]
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda n: lanes[n].write_sync(service.receive, both[n], scene.retailer.id), (0, 1)))
        assert all(isinstance(answer, Counted) for answer in answers)
        assert told(lanes[0], "parcel.received") == ["parcel.received"] * 2
        assert told(lanes[0], "refund.due") == ["refund.due"] * 2
    finally:
        for lane in lanes:
            lane.close()


def test_missing_here_and_found_there_at_once_leaves_no_case_open(postgres_database_url: str) -> None:
    """One report finds a parcel missing while another, not yet committed, receives it from elsewhere."""
    lanes = [Database(postgres_database_url, listen=False) for _ in range(2)]
    first_ran, second_ran = threading.Event(), threading.Event()
    try:
        scene = Scene(lanes[0], parcels=1)
        other_bag, _ = world.bag_on_its_way(lanes[0], scene.till, [world.make_return(lanes[0], scene.retailer)])

        def finds_it_missing(tx: Tx) -> object:
            answer = service.receive(tx, report(scene.bag.sscc), scene.retailer.id)
            first_ran.set()
            assert second_ran.wait(20)
            return answer

        def finds_it(tx: Tx) -> object:
            try:
                return service.receive(tx, report(other_bag.sscc, *scene.tags), scene.retailer.id)
            finally:
                second_ran.set()

        with ThreadPoolExecutor(1) as pool:
            one = pool.submit(lanes[0].write_sync, finds_it_missing)
            assert first_ran.wait(20)
            lanes[1].write_sync(finds_it)
            one.result()
        assert world.return_of(lanes[0], scene.made[0]).status == "received"
        listed = lanes[0].read_sync(cases.list_cases, Filter(kind="missing", state="open")).items
        assert {case.objects["tag"] for case in listed}.isdisjoint(scene.tags)
    finally:
        for lane in lanes:
            lane.close()
