"""One thing, many who want it: exactly one return gets it, and none is half made."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier

import pytest
import sqlalchemy as sa
from tests.returns_world import LINKS, NOW, Shop, count, ids_of, new_return, open_shop

from dropoff.db import Database, Tx
from dropoff.kernel.errors import Problem
from dropoff.kernel.ids import new_id
from dropoff.money.tables import balance
from dropoff.returns import service, store
from dropoff.returns.service import ReturnView
from dropoff.returns.tables import returns, unit

RIVALS = 64


@pytest.fixture
def two(database_url: str) -> Iterator[list[Database]]:
    """Two processes' worth of databases on one: separate lanes, separate connections."""
    with closing(Database(database_url)) as first, closing(Database(database_url)) as second:
        yield [first, second]


def race(two: list[Database], shop: Shop, wishes: list[list[dict[str, object]]]) -> list[ReturnView | Problem]:
    """All at once, in turn through both lanes."""
    start = Barrier(len(wishes))

    def ask(number: int) -> ReturnView | Problem:
        start.wait()
        new = new_return(*wishes[number])
        return two[number % 2].write_sync(service.issue_return, LINKS, shop.id, new, NOW, shop.actor)

    with ThreadPoolExecutor(len(wishes)) as pool:
        return list(pool.map(ask, range(len(wishes))))


def test_of_64_who_want_the_same_thing_one_gets_it(two: list[Database]) -> None:
    shop = open_shop(two[0])
    shop.order()
    answers = race(two, shop, [[{"sku": "SOCKS"}]] * RIVALS)
    winners = [answer for answer in answers if isinstance(answer, ReturnView)]
    assert len(winners) == 1
    refusals = [answer for answer in answers if isinstance(answer, Problem)]
    assert {refusal.code for refusal in refusals} == {"units-already-returned"}
    assert all(refusal.data["units"] == [{"sku": "SOCKS", "wanted": 1, "free": 0}] for refusal in refusals)
    assert (count(two[0], returns), count(two[0], unit), count(two[0], balance)) == (1, 1, 1)


def test_64_overlapping_wishes_leave_no_half_made_return(two: list[Database]) -> None:
    shop = open_shop(two[0])
    skus = ["A", "B", "C", "D", "E"]
    lines = [{"sku": sku, "title": sku, "quantity": 4, "unit_price": 100} for sku in skus]
    shop.order(lines=lines)
    # Three neighbours of the ring, up to two of each, so that every wish overlaps with most others.
    wishes = [
        [{"sku": skus[(number + step) % 5], "quantity": 1 + (number + step) % 2} for step in range(3)]
        for number in range(RIVALS)
    ]
    answers = race(two, shop, wishes)
    winners = {answer.id: answer for answer in answers if isinstance(answer, ReturnView)}
    assert winners
    asked = {
        answer.id: sum(int(str(w["quantity"])) for w in wish)
        for answer, wish in zip(answers, wishes, strict=True)
        if isinstance(answer, ReturnView)
    }
    stored = two[1].read_sync(_units)
    by_return: dict[str, int] = {}
    for row in stored:
        by_return[row.return_id] = by_return.get(row.return_id, 0) + 1
    assert by_return == asked, "every return is whole, and nothing is left of the others"
    assert count(two[0], returns) == len(winners)
    assert len({(row.order_line_id, row.ordinal) for row in stored}) == len(stored)
    assert all(1 <= row.ordinal <= 4 for row in stored)
    assert count(two[0], balance) == len(stored)
    for refusal in answers:
        if isinstance(refusal, Problem):
            assert all(short["free"] < short["wanted"] for short in refusal.data["units"])


def _units(tx: Tx) -> list[sa.Row[tuple[str, str, int]]]:
    return tx.read(sa.select(unit.c.return_id, unit.c.order_line_id, unit.c.ordinal))


def test_the_database_itself_keeps_a_thing_in_one_open_return(db: Database) -> None:
    """Whoever comes past the order's lock loses at the unique index, and can have it once it is free."""
    shop = open_shop(db)
    shop.order()
    made = shop.issued({"sku": "SOCKS"})
    row = db.read_sync(lambda tx: dict(tx.read(sa.select(unit))[0]._mapping))

    def take_again(tx: Tx) -> int:
        return store.take_units(tx, [{**row, "id": new_id("unt")}])

    assert db.write_sync(take_again) == 0
    db.write_sync(service.cancel_return, LINKS, made.id, shop.id, NOW, shop.actor)
    assert db.write_sync(take_again) == 1


def test_hand_in_and_cancel_at_once_move_each_unit_once(two: list[Database]) -> None:
    shop = open_shop(two[0])
    for number in range(8):
        shop.order(f"SO-{number}")
        made = shop.issued({"sku": "JACKET", "quantity": 2}, order=f"SO-{number}")
        start = Barrier(2)

        def hand_in(made: ReturnView = made, start: Barrier = start) -> list[str]:
            start.wait()
            move = service.Move(
                event="hand_in",
                unit_ids=ids_of(made),
                at=NOW,
                actor="device:dev_1",
                holder="Kiosk",
                next=None,
                parcel_id="pcl_1",
            )
            return two[0].write_sync(service.move_units, move)

        def cancel(made: ReturnView = made, start: Barrier = start) -> ReturnView | Problem:
            start.wait()
            return two[1].write_sync(service.cancel_return, LINKS, made.id, shop.id, NOW, shop.actor)

        with ThreadPoolExecutor(2) as pool:
            moved, cancelled = pool.submit(hand_in), pool.submit(cancel)
            taken, answer = moved.result(), cancelled.result()
        states = {u.custody for u in shop.view(made.id).units}
        if taken:
            assert len(taken) == 2
            assert isinstance(answer, Problem)
            assert (states, shop.view(made.id).status) == ({"handed_in"}, "handed_in")
        else:
            assert isinstance(answer, ReturnView)
            assert (states, shop.view(made.id).status) == ({"cancelled"}, "cancelled")
