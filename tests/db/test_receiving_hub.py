"""A hub takes containers in and sends parcels on; units and money do not move there."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from tests import world
from tests.db.test_receiving import kinds, receive, report, told
from tests.world import NOW, good

from dropoff.cases import service as cases
from dropoff.cases.store import Filter
from dropoff.counter import service as counter
from dropoff.counter.tables import counter_attempt
from dropoff.counter.till import Till
from dropoff.db import Database
from dropoff.receiving import service
from dropoff.receiving.service import IntakeAnswer
from dropoff.receiving.state import counter_state


class Chain:
    """A shop, a hub it has a lane to, and two retailers behind the hub."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.shop, self.hub = world.make_location(db), world.make_location(db, "hub")
        self.till, self.scanner = world.make_device(db, self.shop), world.make_device(db, self.hub)
        self.retailers = [world.make_retailer(db, "receipt") for _ in range(2)]
        world.make_lane(db, origin=self.shop, hub=self.hub)
        for retailer in self.retailers:
            world.make_lane(db, origin=self.hub, retailer=retailer)
        self.made = [world.make_return(db, retailer) for retailer in self.retailers]
        self.bag, self.tags = world.bag_on_its_way(db, self.till, self.made)

    def take_in(self, text: str, *tags: str, complete: bool = True, by: Till | None = None) -> IntakeAnswer:
        by = by or self.scanner
        sent = report(text, *tags, complete=complete, live=by.live, actor=by.actor)
        return self.db.write_sync(service.take_in_at_hub, sent, by)


@pytest.fixture
def chain(db: Database) -> Chain:
    return Chain(db)


def attempts(db: Database) -> list[tuple[str, str | None]]:
    query = sa.select(counter_attempt.c.verdict, counter_attempt.c.reason).where(counter_attempt.c.kind == "intake")
    return [(row.verdict, row.reason) for row in db.read_sync(lambda tx: tx.read(query))]


def test_parcels_wait_at_the_hub_and_units_and_money_stay_as_they_are(db: Database, chain: Chain) -> None:
    answer = chain.take_in(chain.bag.sscc, *chain.tags)
    assert (answer.verdict, answer.reason, answer.received) == ("accepted", None, tuple(chain.tags))
    assert (answer.missing, answer.unexpected, answer.cases) == ((), (), ())
    waiting = db.read_sync(counter.waiting_parcels, chain.hub.id, True)
    assert sorted((parcel.tag, parcel.status) for parcel in waiting) == sorted((tag, "at_hub") for tag in chain.tags)
    for made in chain.made:
        now = world.return_of(db, made)
        assert {unit.custody for unit in now.units} == {"in_transit"}
        assert now.money.amount == 0
        assert now.money.held_by == chain.hub.name
        assert now.money.next is not None
        assert now.money.next.at is not None
    assert told(db, "parcel.at_hub", "parcel.received", "refund.due") == ["parcel.at_hub"] * 2
    assert chain.take_in(chain.bag.sscc, *chain.tags) == answer
    assert told(db, "parcel.at_hub") == ["parcel.at_hub"] * 2


def test_they_are_packed_again_and_received_by_their_retailer(db: Database, chain: Chain) -> None:
    chain.take_in(chain.bag.sscc, *chain.tags)
    bag = world.open_bag(db, chain.scanner)
    world.pack(db, chain.scanner, bag, chain.tags[0])
    world.seal_bag(db, chain.scanner, bag)
    world.send_off(db, bag)
    assert receive(db, chain.retailers[0], bag.sscc, chain.tags[0]).received == (chain.tags[0],)
    assert world.return_of(db, chain.made[0]).money.amount == 17800
    # The first container's report, sent again, does not find it missing.
    assert chain.take_in(chain.bag.sscc, *chain.tags[1:]).cases == ()


def test_a_late_repeat_fetches_nothing_back_that_has_left(db: Database, chain: Chain) -> None:
    first = chain.take_in(chain.bag.sscc, *chain.tags)
    bag = world.open_bag(db, chain.scanner)
    world.pack(db, chain.scanner, bag, chain.tags[0])
    world.seal_bag(db, chain.scanner, bag)
    world.send_off(db, bag)
    assert chain.take_in(chain.bag.sscc, *chain.tags).received == first.received
    waiting = [parcel.tag for parcel in db.read_sync(counter.waiting_parcels, chain.hub.id, True)]
    assert waiting == [chain.tags[1]]
    assert world.return_of(db, chain.made[0]).money.held_by == "courier"
    assert told(db, "parcel.at_hub") == ["parcel.at_hub"] * 2


def test_differences_are_cases_of_the_operator(db: Database, chain: Chain) -> None:
    other = world.make_return(db, chain.retailers[0])
    _, (other_tag,) = world.bag_on_its_way(db, chain.till, [other])
    answer = chain.take_in(chain.bag.sscc, chain.tags[0], other_tag, "NOBODYS1")
    assert (answer.received, answer.missing) == ((chain.tags[0],), (chain.tags[1],))
    assert answer.unexpected == (other_tag, "NOBODYS1")
    assert kinds(db, answer.cases) == ["missing", "unexpected", "unexpected"]
    missing, known, unknown = (good(db.read_sync(cases.find_case, one, None)) for one in answer.cases)
    assert {case.owner for case in (missing, known, unknown)} == {"operator"}
    assert (missing.retailer, missing.location) == (chain.retailers[1].id, chain.shop.id)
    assert (known.retailer, known.location) == (chain.retailers[0].id, chain.hub.id)
    assert (unknown.retailer, unknown.location) == (None, chain.hub.id)
    waiting = {parcel.tag for parcel in db.read_sync(counter.waiting_parcels, chain.hub.id, True)}
    assert waiting == {chain.tags[0], other_tag}
    # What was missing here turns up at the warehouse, in another retailer's eyes nowhere: the search ends.
    bag = world.open_bag(db, chain.scanner)
    world.pack(db, chain.scanner, bag, other_tag)
    world.seal_bag(db, chain.scanner, bag)
    world.send_off(db, bag)
    again = chain.take_in(chain.bag.sscc, chain.tags[1])
    assert again.received == (chain.tags[1],)
    assert good(db.read_sync(cases.find_case, missing.id, None)).outcome == "found"


def test_a_loose_parcel_of_another_shop_is_taken_in_by_its_tag(db: Database, chain: Chain) -> None:
    made = world.make_return(db, chain.retailers[0])
    tag = world.taken_in(db, chain.till, made)
    answer = chain.take_in(tag, tag)
    assert answer.received == (tag,)
    assert kinds(db, answer.cases) == ["handover_unscanned"]
    # Nobody told of its departure; standing at the hub, it has left.
    assert {unit.custody for unit in world.units_of(db, made)} == {"in_transit"}


def test_what_is_not_for_this_hub_is_refused_with_a_reason_and_kept(db: Database, chain: Chain) -> None:
    direct = world.make_retailer(db)
    world.make_lane(db, origin=chain.shop, retailer=direct)
    bag, (tag,) = world.bag_on_its_way(db, chain.till, [world.make_return(db, direct)])
    elsewhere = world.make_device(db, world.make_location(db, "hub"))
    tester = world.make_device(db, chain.hub, live=False)
    still_open = world.open_bag(db, chain.till)
    world.taken_in(db, chain.till, world.make_return(db, chain.retailers[0]), still_open)
    wanted = [
        (chain.take_in(bag.sscc, tag), "wrong_location"),
        (chain.take_in(chain.bag.sscc, *chain.tags, by=elsewhere), "wrong_location"),
        (chain.take_in(chain.bag.sscc, *chain.tags, by=chain.till), "wrong_location"),
        (chain.take_in("952132100000000018"), "container_unknown"),
        (chain.take_in(chain.bag.sscc, *chain.tags, by=tester), "test_mode"),
        (chain.take_in(still_open.sscc), "container_not_open"),
    ]
    assert [(answer.verdict, answer.reason) for answer, _ in wanted] == [("refused", reason) for _, reason in wanted]
    assert attempts(db) == [("refused", reason) for _, reason in wanted]
    assert told(db, "parcel.at_hub", "case.opened") == []
    assert all(answer.say for answer, _ in wanted)


def test_a_retailer_does_not_receive_what_goes_to_the_hub(db: Database, chain: Chain) -> None:
    refused = db.write_sync(service.receive, report(chain.bag.sscc, *chain.tags), chain.retailers[0].id)
    assert getattr(refused, "code", None) == "not-found"


def test_a_parcel_that_travels_alone_is_received_where_it_comes(db: Database, chain: Chain) -> None:
    tag = world.taken_in(db, chain.till, world.make_return(db, chain.retailers[0]))
    # Its way was to be by the hub, but the shop's own van brought it.
    first = receive(db, chain.retailers[0], tag, tag)
    assert (first.received, kinds(db, first.cases)) == ((tag,), ["handover_unscanned"])
    assert receive(db, chain.retailers[0], tag, tag) == first
    other = db.write_sync(service.receive, report(tag, tag), chain.retailers[1].id)
    assert getattr(other, "code", None) == "not-found"


def test_the_hubs_own_state_shows_what_waits_and_where_it_goes(db: Database, chain: Chain) -> None:
    chain.take_in(chain.bag.sscc, chain.tags[0], "NOBODYS1")
    state = good(db.read_sync(counter_state, chain.hub.id, True, NOW))
    (waiting,) = state.waiting
    assert waiting.tag == chain.tags[0]
    assert waiting.next is not None
    assert (waiting.next.kind, waiting.next.name) == ("retailer", chain.retailers[0].name)
    assert [problem.kind for problem in state.problems] == ["unexpected"]
    (pickup,) = state.pickups
    assert (pickup.parcels, pickup.departs_at) == (1, NOW.replace(hour=16, minute=0))
    assert db.read_sync(cases.list_cases, Filter(location_id=chain.hub.id)).items[0].due_at > NOW + timedelta(days=1)
