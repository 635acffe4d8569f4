"""Money that follows the goods: when it falls due, until when, how it ends, and that it is never too much."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa
from tests.returns_world import LINKS, NOW, Shop, count, ids_of, no_such_id, open_shop

from dropoff.cases.tables import case
from dropoff.db import Database, Tx
from dropoff.kernel.errors import Problem
from dropoff.money.tables import balance, entry, refund
from dropoff.returns import service
from dropoff.returns.service import Next, PassView, PaymentView, ReturnView

HAND_IN, DEPART, RECEIVE, INSPECT = (NOW + timedelta(days=days) for days in (1, 2, 5, 7))


@pytest.fixture(autouse=True)
def _entries_explain_the_balances(db: Database) -> Iterator[None]:
    """After each test: the ledger's entries add up to every balance, and none is beyond its price."""
    yield
    assert_ledger(db)


def assert_ledger(db: Database) -> None:
    rows = db.read_sync(lambda tx: tx.read(sa.select(balance)))
    entries = db.read_sync(lambda tx: tx.read(sa.select(entry)))
    for row in rows:
        for account in ("expected", "due", "paid"):
            booked = sum(e.amount for e in entries if (e.unit_id, e.account) == (row.unit_id, account))
            assert booked == getattr(row, account), (row, account)
            assert 0 <= booked <= row.price


def shop_with(db: Database, refund_at: str, **policy: Any) -> tuple[Shop, ReturnView]:
    shop = open_shop(db, policy={"refund_at": refund_at, **policy})
    shop.order()
    return shop, shop.issued({"sku": "JACKET", "quantity": 2}, {"sku": "SOCKS"})


def travel(shop: Shop, units: list[str], *events: str, **more: Any) -> None:
    times = {"hand_in": HAND_IN, "undo": HAND_IN, "depart": DEPART, "lose": DEPART, "receive": RECEIVE}
    for name in events:
        extra = {"parcel_id": "pcl_1"} if name == "hand_in" else {}
        assert set(shop.move(name, units, times.get(name, INSPECT), **extra, **more)) == set(units), name


def statuses(shop: Shop, made: ReturnView) -> dict[str, str]:
    return {unit.id: unit.status for unit in shop.view(made.id).units}


def types(shop: Shop, made: ReturnView) -> list[str]:
    return [row["type"] for row in shop.events(made.id)][1:]


@pytest.mark.parametrize(
    ("refund_at", "dues"),
    [
        ("hand_in", [17800, 17800, 17800, 17800]),
        ("receipt", [0, 0, 17800, 17800]),
        ("inspection", [0, 0, 0, 17800]),
    ],
)
def test_money_falls_due_when_the_policy_says(db: Database, refund_at: str, dues: list[int]) -> None:
    shop, made = shop_with(db, refund_at)
    jackets = ids_of(made, "JACKET")
    found = []
    for name in ("hand_in", "depart", "receive", "inspect"):
        travel(shop, jackets, name)
        found.append(shop.view(made.id).money.amount)
    assert found == dues
    assert types(shop, made) == ["refund.due"]
    told = shop.events(made.id)[-1]
    assert (told["data"]["amount"], told["data"]["currency"], told["data"]["order"]) == (17800, "EUR", "SO-1")
    assert sorted(unit["id"] for unit in told["data"]["units"]) == jackets


def test_the_law_brings_the_date_forward(db: Database) -> None:
    """14 days after the return was made; the inspection on the 7th day plus 14 would be later."""
    shop, made = shop_with(db, "inspection")
    travel(shop, ids_of(made), "hand_in", "depart", "receive", "inspect")
    assert shop.view(made.id).money.due_by == NOW + timedelta(days=14)


def test_outside_the_law_the_policy_s_date_stays(db: Database) -> None:
    shop = open_shop(db, country="US", currency="USD", policy={"refund_at": "receipt", "refund_days": 20})
    shopper = {"name": "A", "email": "a@example.org", "country": "CA"}
    shop.order(currency="USD", shopper=shopper)
    made = shop.issued({"sku": "SOCKS"})
    travel(shop, ids_of(made), "hand_in", "depart", "receive")
    assert shop.view(made.id).money.due_by == RECEIVE + timedelta(days=20)


def test_a_shopper_of_the_union_has_its_law_with_any_retailer(db: Database) -> None:
    shop = open_shop(db, country="US", currency="USD", policy={"refund_at": "hand_in", "refund_days": 60})
    shop.order(currency="USD", shopper={"name": "A", "email": "a@example.org", "country": "SE"})
    made = shop.issued({"sku": "SOCKS"})
    travel(shop, ids_of(made), "hand_in")
    assert shop.view(made.id).money.due_by == NOW + timedelta(days=14)


def test_only_what_was_handed_in_falls_due(db: Database) -> None:
    shop, made = shop_with(db, "hand_in")
    first, second = ids_of(made, "JACKET")
    travel(shop, [first], "hand_in")
    now = shop.view(made.id)
    assert (now.status, now.money.amount, now.money.expected) == ("partly_handed_in", 8900, 19090)
    assert statuses(shop, made)[second] == "expected"
    assert now.money.held_by == "Kiosk"


def test_an_undo_takes_the_money_back(db: Database) -> None:
    shop, made = shop_with(db, "hand_in")
    jackets = ids_of(made, "JACKET")
    travel(shop, jackets, "hand_in", "undo")
    now = shop.view(made.id)
    assert (now.status, now.money.amount, now.money.expected, now.money.due_by) == ("issued", 0, 19090, None)
    assert {unit.resolution for unit in now.units} == {"open"}
    assert types(shop, made) == ["refund.due", "refund.due_withdrawn"]
    assert shop.events(made.id)[-1]["data"]["amount"] == 17800
    assert shop.events(made.id)[-1]["data"]["reason"] == "undone"
    shown = shop.db.read_sync(service.pass_view, made.id)
    assert isinstance(shown, PassView)
    assert [h.type for h in shown.timeline] == ["return.issued", "refund.due", "refund.due_withdrawn"]
    travel(shop, jackets, "hand_in")
    assert shop.view(made.id).money.amount == 17800


def test_after_a_payment_an_undo_opens_a_case_instead(db: Database) -> None:
    shop, made = shop_with(db, "hand_in")
    first, second = ids_of(made, "JACKET")
    travel(shop, [first, second], "hand_in")
    shop.refund(made, [first], 8900)
    travel(shop, [first, second], "undo")
    now = {unit.id: (unit.custody, unit.resolution) for unit in shop.view(made.id).units}
    assert (now[first], now[second]) == (("expected", "refunded"), ("expected", "open"))
    found = shop.db.read_sync(lambda tx: tx.read(sa.select(case)))
    assert [(row.kind, row.objects["units"]) for row in found] == [("missing", [first])]
    travel(shop, [first, second], "hand_in")
    assert shop.view(made.id).money.amount == 8900, "the paid one is not due again"


def test_a_loss_is_not_the_shopper_s(db: Database) -> None:
    shop, made = shop_with(db, "inspection")
    jackets = ids_of(made, "JACKET")
    travel(shop, jackets, "hand_in", "depart", "lose")
    assert shop.view(made.id).money.amount == 17800
    travel(shop, jackets, "receive", "inspect")
    assert shop.view(made.id).money.amount == 17800
    assert types(shop, made) == ["refund.due"], "due once, however it came back"


def test_an_inspection_reduces_what_falls_due_with_it(db: Database) -> None:
    shop, made = shop_with(db, "inspection")
    first, second = ids_of(made, "JACKET")
    travel(shop, [first, second], "hand_in", "depart", "receive")
    travel(shop, [first], "inspect", reduction={first: 2000}, condition="worn", disposition="resell")
    now = shop.view(made.id)
    assert (now.money.amount, now.money.expected) == (6900, 19090 - 2000)
    assert [(u.condition, u.disposition) for u in now.units if u.id == first] == [("worn", "resell")]


def test_an_inspection_reduces_what_was_due_before(db: Database) -> None:
    shop, made = shop_with(db, "hand_in")
    first, second = ids_of(made, "JACKET")
    travel(shop, [first, second], "hand_in", "depart", "receive")
    shop.refund(made, [second], 8000)
    travel(shop, [first, second], "inspect", reduction={first: 2000, second: 2000})
    now = shop.view(made.id)
    assert now.money.amount == 6900
    assert statuses(shop, made)[second] == "refunded", "what was paid is enough now"
    withdrawn = shop.events(made.id)[-1]
    assert (withdrawn["type"], withdrawn["data"]["reason"]) == ("refund.due_withdrawn", "reduced")
    shown = shop.db.read_sync(service.pass_view, made.id)
    assert isinstance(shown, PassView)
    assert "refund.due_withdrawn" not in [h.type for h in shown.timeline], "nothing went back to the shopper"
    assert {u["id"]: u["amount"] for u in withdrawn["data"]["units"]} == {first: 2000, second: 900}


def test_what_costs_nothing_is_settled_when_it_falls_due(db: Database) -> None:
    shop = open_shop(db, policy={"refund_at": "hand_in"})
    shop.order(lines=[{"sku": "GIFT", "title": "Beigabe", "quantity": 1, "unit_price": 0}])
    made = shop.issued({"sku": "GIFT"})
    travel(shop, ids_of(made), "hand_in")
    assert shop.view(made.id).status == "resolved"
    assert types(shop, made) == []


def test_a_rejected_unit_gets_nothing(db: Database) -> None:
    shop, made = shop_with(db, "receipt")
    first, second = ids_of(made, "JACKET")
    travel(shop, [first, second], "hand_in", "depart", "receive")
    rejected = shop.db.write_sync(service.reject_units, [first], INSPECT, shop.actor)
    assert rejected == [first]
    assert shop.db.write_sync(service.reject_units, [first], INSPECT, shop.actor) == []
    now = shop.view(made.id)
    assert (now.money.amount, statuses(shop, made)[first]) == (8900, "rejected")
    assert (shop.events(made.id)[-1]["type"], shop.events(made.id)[-1]["data"]["amount"]) == (
        "refund.due_withdrawn",
        8900,
    )
    assert code(shop.refund(made, [first], 100)) == "refund-not-due"


def code(answer: object) -> str:
    assert isinstance(answer, Problem), answer
    return answer.code


def due(db: Database) -> tuple[Shop, ReturnView]:
    shop, made = shop_with(db, "hand_in")
    travel(shop, ids_of(made), "hand_in")
    return shop, made


def test_a_refund_settles_and_is_told(db: Database) -> None:
    shop, made = due(db)
    jackets = ids_of(made, "JACKET")
    paid = shop.refund(made, jackets, 17800)
    assert isinstance(paid, PaymentView)
    assert [(unit.amount, unit.status) for unit in paid.units] == [(8900, "refunded")] * 2
    assert (paid.money.amount, paid.money.paid) == (1290, 17800)
    told = shop.events(made.id)[-1]
    assert (told["type"], told["data"]["reference"], told["data"]["amount"]) == ("refund.issued", "RF-1", 17800)
    assert shop.view(made.id).status == "handed_in", "the socks are not settled"
    shop.refund(made, ids_of(made, "SOCKS"), 1290, "RF-2")
    done = shop.view(made.id)
    assert (done.status, done.money.amount, done.money.due_by) == ("resolved", 0, None)


def test_a_refund_is_told_apart_by_its_reference(db: Database) -> None:
    shop, made = due(db)
    jackets = ids_of(made, "JACKET")
    first = shop.refund(made, jackets, 5000)
    assert shop.refund(made, jackets, 5000) == first, "the same again is the same"
    assert code(shop.refund(made, jackets, 5001)) == "refund-reference-reused"
    assert code(shop.refund(made, jackets[::-1], 5000)) == "refund-reference-reused"
    assert code(shop.refund(made, jackets, 5000, final=True)) == "refund-reference-reused"
    second = shop.refund(made, jackets, 5000, "RF-2")
    assert isinstance(second, PaymentView)
    assert second.money.paid == 10000, "two equal partial refunds can both be right"
    assert count(db, refund) == 2
    other, theirs = open_shop(db, "other"), None
    other.order()
    theirs = other.issued({"sku": "SOCKS"})
    assert isinstance(other.refund(theirs, ids_of(theirs), 1290, "RF-1"), PaymentView), "another's references"


def test_refunds_never_exceed_the_price(db: Database) -> None:
    shop, made = due(db)
    first, second = ids_of(made, "JACKET")
    shop.refund(made, [first], 8000)
    refusal = shop.refund(made, [first], 1000, "RF-2")
    assert code(refusal) == "refund-exceeds-price"
    assert isinstance(refusal, Problem)
    assert refusal.data == {"refundable": 900, "currency": "EUR"}
    assert count(db, refund) == 1, "a refused reference can be used again"
    assert isinstance(shop.refund(made, [first, second], 9800, "RF-2"), PaymentView)
    assert code(shop.refund(made, [first, second], 1, "RF-3")) == "refund-exceeds-price"


def test_a_final_refund_ends_the_claim_below_what_was_due(db: Database) -> None:
    shop, made = due(db)
    jackets = ids_of(made, "JACKET")
    partly = shop.refund(made, jackets, 10000)
    assert isinstance(partly, PaymentView)
    assert [unit.status for unit in partly.units] == ["refunded", "handed_in"]
    final = shop.refund(made, jackets[1:], 2000, "RF-2", final=True)
    assert isinstance(final, PaymentView)
    assert [unit.status for unit in final.units] == ["refunded"]
    assert (final.money.amount, final.money.paid) == (1290, 12000)
    more = shop.refund(made, jackets[1:], 500, "RF-3")
    assert isinstance(more, PaymentView)
    assert more.money.paid == 12500, "a reduction may turn out wrong: up to the price more can be paid"


def test_a_retailer_may_pay_before_anything_is_due(db: Database) -> None:
    shop, made = shop_with(db, "inspection")
    first, second = ids_of(made, "JACKET")
    full = shop.refund(made, [first], 8900)
    assert isinstance(full, PaymentView)
    assert full.units[0].status == "refunded"
    assert types(shop, made) == ["refund.issued"], "nobody is told to pay what is paid"
    part = shop.refund(made, [second], 900, "RF-2")
    assert isinstance(part, PaymentView)
    assert (part.money.amount, part.money.due_by) == (8000, NOW + timedelta(days=14))
    assert types(shop, made)[1:] == ["refund.due", "refund.issued"]
    assert shop.events(made.id)[-2]["data"]["amount"] == 8000, "only what is left"


def test_units_of_another_return_and_doubled_ones_are_named(db: Database) -> None:
    shop, made = due(db)
    other = open_shop(db, "other")
    other.order()
    theirs = other.issued({"sku": "SOCKS"})
    for units, pointer in (
        ([*ids_of(made, "SOCKS"), *ids_of(theirs)], "/units/1"),
        (ids_of(made, "SOCKS") * 2, "/units/1"),
        ([no_such_id("unt")], "/units/0"),
    ):
        refusal = shop.refund(made, units, 100)
        assert code(refusal) == "invalid-request"
        assert isinstance(refusal, Problem)
        assert refusal.errors[0].pointer == pointer
    assert code(shop.refund(theirs, ids_of(theirs), 100)) == "not-found"
    wrong = shop.refund(made, ids_of(made), 100, currency="SEK")
    assert code(wrong) == "currency-mismatch"
    assert count(db, refund) == 0


def test_cancelled_units_take_no_refund(db: Database) -> None:
    shop, made = shop_with(db, "hand_in")
    db.write_sync(service.cancel_return, LINKS, made.id, shop.id, NOW, shop.actor)
    assert code(shop.refund(made, ids_of(made, "SOCKS"), 1290)) == "refund-not-due"


def test_an_exchange_ends_the_debt_without_money(db: Database) -> None:
    shop, made = due(db)
    jackets = ids_of(made, "JACKET")
    sent = shop.exchange(made, jackets[:1])
    assert isinstance(sent, PaymentView)
    assert [unit.status for unit in sent.units] == ["exchanged"]
    assert (sent.money.amount, sent.money.paid) == (8900 + 1290, 0)
    assert shop.exchange(made, jackets[:1]) == sent
    assert isinstance(shop.exchange(made, jackets[1:]), PaymentView), "one order may replace more, later"
    assert code(shop.exchange(made, jackets, "SO-3")) == "refund-not-due"
    assert code(shop.refund(made, jackets[:1], 100)) == "refund-not-due"
    assert types(shop, made)[1:] == ["exchange.shipped", "exchange.shipped"]
    assert shop.events(made.id)[-1]["data"]["order_reference"] == "SO-2"


def test_an_early_exchange_asks_nobody_for_money(db: Database) -> None:
    shop, made = shop_with(db, "inspection")
    shop.exchange(made, ids_of(made, "JACKET"))
    assert types(shop, made) == ["exchange.shipped"]
    travel(shop, ids_of(made, "JACKET"), "hand_in", "depart", "receive", "inspect")
    assert types(shop, made) == ["exchange.shipped"]


def test_a_credit_settles_and_its_surplus_is_a_gift(db: Database) -> None:
    shop, made = due(db)
    socks = ids_of(made, "SOCKS")
    given = shop.credit(made, socks, 2000)
    assert isinstance(given, PaymentView)
    assert (given.amount, given.units[0].amount, given.units[0].status) == (2000, 1290, "credited")
    assert given.money.amount == 17800
    assert shop.credit(made, socks, 2000) == given
    assert code(shop.credit(made, ids_of(made, "JACKET"), 2000)) == "refund-reference-reused"
    assert shop.events(made.id)[-1]["data"]["code"] == "GC-1"


def test_parallel_refunds_pay_no_unit_twice(database_url: str) -> None:
    with closing(Database(database_url)) as one, closing(Database(database_url)) as two:
        shop, made = due(one)
        rival = Shop(two, shop.id)
        jackets = ids_of(made, "JACKET")
        start = Barrier(16)

        def pay(number: int) -> PaymentView | Problem:
            start.wait()
            return (shop, rival)[number % 2].refund(made, jackets, 5000, f"RF-{number}")

        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(pay, range(16)))
        paid = [answer for answer in answers if isinstance(answer, PaymentView)]
        assert len(paid) == 3, "three times 50 of 178"
        assert {code(answer) for answer in answers if isinstance(answer, Problem)} == {"refund-exceeds-price"}
        assert shop.view(made.id).money.paid == 15000
        assert_ledger(one)


def test_the_same_reference_in_parallel_is_one_refund(database_url: str) -> None:
    with closing(Database(database_url)) as one, closing(Database(database_url)) as two:
        shop, made = due(one)
        rival = Shop(two, shop.id)
        start = Barrier(8)

        def pay(number: int) -> PaymentView | Problem:
            start.wait()
            return (shop, rival)[number % 2].refund(made, ids_of(made, "JACKET"), 17800)

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(pay, range(8)))
        assert all(isinstance(answer, PaymentView) for answer in answers)
        assert len({answer.id for answer in answers if isinstance(answer, PaymentView)}) == 1
        assert shop.view(made.id).money.paid == 17800


def test_the_database_itself_keeps_payments_within_the_price(db: Database) -> None:
    _, made = due(db)

    def overpay(tx: Tx) -> None:
        tx.change(sa.update(balance).where(balance.c.return_id == made.id).values(paid=balance.c.price + 1))

    with pytest.raises(sa.exc.IntegrityError):
        db.write_sync(overpay)


def test_what_moved_already_moves_no_more(db: Database) -> None:
    shop, made = shop_with(db, "hand_in")
    jackets = ids_of(made, "JACKET")
    assert sorted(shop.move("hand_in", jackets[:1], parcel_id="pcl_1")) == jackets[:1]
    assert shop.move("hand_in", jackets, parcel_id="pcl_2") == jackets[1:]
    assert shop.move("inspect", jackets) == []
    assert shop.move("hand_in", [no_such_id("unt")], parcel_id="pcl_3") == []
    assert {unit.parcel for unit in shop.view(made.id).units if unit.id in jackets} == {"pcl_1", "pcl_2"}


def test_one_departure_moves_the_units_of_many_returns(db: Database) -> None:
    shop = open_shop(db)
    made = []
    for number in range(5):
        shop.order(f"SO-{number}")
        made.append(shop.issued({"sku": "SOCKS"}, order=f"SO-{number}"))
    units = [unit for view in made for unit in ids_of(view)]
    travel(shop, units, "hand_in")
    travel(shop, units, "depart", holder="Courier")
    for view in made:
        now = shop.view(view.id)
        assert (now.status, now.money.held_by, now.units[0].custody) == ("handed_in", "Courier", "in_transit")


def test_a_return_that_is_paid_waits_for_no_money(db: Database) -> None:
    shop, made = shop_with(db, "receipt")
    jackets, socks = ids_of(made, "JACKET"), ids_of(made, "SOCKS")
    travel(shop, jackets + socks, "hand_in", "depart")
    travel(shop, jackets + socks, "receive", next=Next("refund"))
    shop.refund(made, jackets, 17800)
    assert shop.view(made.id).money.next == Next("refund")
    last = shop.refund(made, socks, 1290, "RF-2")
    now = shop.view(made.id)
    assert isinstance(last, PaymentView)
    assert last.money == now.money
    assert (now.status, now.money.amount, now.money.next) == ("resolved", 0, None)
