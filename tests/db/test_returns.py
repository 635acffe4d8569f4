"""Returns on a real database: made from what is free, looked up by their codes, cancelled, renewed, expired."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from tests.returns_world import LINKS, NOW, Shop, count, ids_of, new_order, no_such_id, open_shop

from dropoff.db import Database, Tx
from dropoff.db.schema import metadata
from dropoff.events.tables import event, job
from dropoff.kernel import codes
from dropoff.kernel.errors import Problem
from dropoff.money.tables import balance
from dropoff.returns import service
from dropoff.returns.jobs import sweep
from dropoff.returns.service import OrderView, PassView, Renewed, ReturnView
from dropoff.returns.tables import order, returns, unit


@pytest.fixture
def shop(db: Database) -> Shop:
    made = open_shop(db)
    assert isinstance(made.order(), OrderView)
    return made


def code(refusal: object) -> str:
    assert isinstance(refusal, Problem), refusal
    return refusal.code


def test_an_order_told_twice_is_one_order(shop: Shop) -> None:
    first = shop.order("SO-2")
    assert isinstance(first, OrderView)
    again = shop.order("SO-2")
    assert again == first
    moved = new_order("SO-2").placed_at.astimezone(tz=None).isoformat()
    assert shop.order("SO-2", placed_at=moved) == first, "the same moment in another zone is the same content"
    assert code(shop.order("SO-2", currency="EUR", lines=[first_line()])) == "order-exists"
    assert count(shop.db, order) == 2


def first_line() -> dict[str, object]:
    return {"sku": "JACKET", "title": "Regenjacke", "quantity": 1, "unit_price": 8900}


def test_an_order_has_one_of_the_retailer_s_currencies(shop: Shop) -> None:
    refusal = shop.order("SO-2", currency="SEK")
    assert code(refusal) == "currency-mismatch"
    assert isinstance(refusal, Problem)
    assert refusal.errors[0].pointer == "/currency"


def test_another_retailer_s_order_is_not_found(shop: Shop) -> None:
    other = open_shop(shop.db, "other")
    assert code(other.issue({"sku": "SOCKS"})) == "order-not-found"
    ours = shop.db.read_sync(service.show_order, shop.id, "SO-1")
    assert isinstance(ours, OrderView)
    assert code(shop.db.read_sync(service.show_order, other.id, "SO-1")) == "not-found"
    assert code(shop.db.read_sync(service.show_order, other.id, ours.id)) == "not-found"
    assert shop.db.read_sync(service.show_order, shop.id, ours.id) == ours


def test_a_return_counts_units_singly(shop: Shop) -> None:
    made = shop.issued({"sku": "JACKET", "quantity": 2}, {"sku": "SOCKS"})
    assert made.status == "issued"
    assert [unit.status for unit in made.units] == ["expected"] * 3
    assert [unit.resolution for unit in made.units] == ["open"] * 3
    assert (made.money.amount, made.money.expected, made.money.paid) == (0, 19090, 0)
    assert made.money.due_by is None
    assert made.money.held_by == "shopper"
    assert made.money.next == service.Next("hand_in", made.last_day_at)
    assert shop.view(made.id) == made


def test_what_is_answered_is_what_was_written(shop: Shop) -> None:
    """The answer is made without reading the return again."""
    made = shop.issued(
        {"sku": "JACKET", "quantity": 2, "comment": "too wide"},
        {"sku": "SOCKS", "resolution": "exchange", "exchange_for": "SOCKS-L"},
    )
    assert made == shop.view(made.id)


def test_what_is_in_a_return_is_not_free(shop: Shop) -> None:
    shop.issued({"sku": "JACKET"})
    refusal = shop.issue({"sku": "JACKET", "quantity": 2}, {"sku": "SOCKS"})
    assert code(refusal) == "units-already-returned"
    assert isinstance(refusal, Problem)
    assert refusal.data["units"] == [{"sku": "JACKET", "wanted": 2, "free": 1}]
    assert count(shop.db, returns) == 1
    assert count(shop.db, unit) == 1
    shop.issued({"sku": "JACKET"}, {"sku": "SOCKS"})
    assert code(shop.issue({"sku": "SOCKS"})) == "units-already-returned"


def test_more_than_was_ordered_and_unknown_skus_are_named_by_field(shop: Shop) -> None:
    for units, pointer in (
        ([{"sku": "HAT"}], "/units/0/sku"),
        ([{"sku": "SOCKS"}, {"sku": "JACKET", "quantity": 3}], "/units/1/quantity"),
        ([{"sku": "JACKET", "quantity": 2}, {"sku": "JACKET"}], "/units/1/quantity"),
    ):
        refusal = shop.issue(*units)
        assert code(refusal) == "invalid-request"
        assert isinstance(refusal, Problem)
        assert refusal.errors[0].pointer == pointer
    assert count(shop.db, returns) == 0


def test_one_sku_on_two_lines_is_taken_line_by_line_at_each_line_s_price(shop: Shop) -> None:
    lines = [
        {"sku": "CUP", "title": "Becher", "quantity": 1, "unit_price": 500},
        {"sku": "CUP", "title": "Becher", "quantity": 2, "unit_price": 300},
    ]
    shop.order("SO-3", lines=lines)
    made = shop.issued({"sku": "CUP", "quantity": 2}, order="SO-3")
    assert [unit.price for unit in made.units] == [500, 300]
    assert [unit.price for unit in shop.issued({"sku": "CUP"}, order="SO-3").units] == [300]


def test_a_resolution_that_is_not_offered_is_refused(db: Database) -> None:
    shop = open_shop(db, policy={"resolutions": ["refund"]})
    shop.order()
    refusal = shop.issue({"sku": "SOCKS", "resolution": "exchange"})
    assert code(refusal) == "resolution-not-offered"
    assert isinstance(refusal, Problem)
    assert refusal.data["offered"] == ["refund"]


def test_outside_the_window_no_return_is_made(shop: Shop) -> None:
    # Delivered on 6 March, 30 days: until the end of 5 April in Berlin, where summer time has begun.
    last = datetime(2026, 4, 5, 21, 59, 59, tzinfo=UTC)
    assert code(shop.issue({"sku": "SOCKS"}, at=last + timedelta(seconds=1))) == "return-window-closed"
    made = shop.issued({"sku": "SOCKS"}, at=last)
    assert made.last_day_at == datetime(2026, 4, 19, 21, 59, 59, tzinfo=UTC), "14 days after issue"
    assert made.pass_.expires_at == made.last_day_at + timedelta(hours=24)


def test_events_tell_the_return_and_the_wish_for_an_exchange(shop: Shop) -> None:
    wish = {"sku": "SOCKS", "resolution": "exchange", "exchange_for": "SOCKS-L", "comment": "Anna's knee"}
    made = shop.issued({"sku": "JACKET"}, wish)
    told = shop.events(made.id)
    assert [row["type"] for row in told] == ["return.issued", "exchange.requested"]
    assert told[0]["data"]["order"] == "SO-1"
    assert told[0]["objects"] == {"return": made.id, "units": ids_of(made)}
    assert told[1]["data"]["units"] == [{"id": ids_of(made, "SOCKS")[0], "sku": "SOCKS", "exchange_for": "SOCKS-L"}]
    assert all(row["retailer_id"] == shop.id and row["actor"] == shop.actor for row in told)
    assert "Anna" not in str(told), "what a shopper writes is nobody's event"


def test_a_pass_is_found_however_it_was_read(shop: Shop) -> None:
    made = shop.issued({"sku": "SOCKS"})
    links = made.pass_
    for text in (
        links.url,
        links.code,
        links.code.lower(),
        f"https://returns.example.org/p/{links.code.lower()}",
        links.url.replace(":", "Ö").replace("/", "-"),
        codes.format_short_code(links.short_code).lower(),
    ):
        found = shop.db.read_sync(service.find_pass, LINKS.passes, text)
        assert found is not None, text
        assert (found.return_id, found.retailer_id, found.status) == (made.id, shop.id, "issued")
        assert found.by_short_code == (len(text) < 16)
    assert shop.db.read_sync(service.find_pass, LINKS.passes, "0" * 16) is None
    assert shop.db.read_sync(service.find_pass, LINKS.passes, "hello") is None


def test_a_public_address_opens_by_the_long_code_only(shop: Shop) -> None:
    made = shop.issued({"sku": "SOCKS"})
    found = shop.db.read_sync(service.find_by_code, LINKS.passes, made.pass_.code.lower())
    assert found is not None
    assert found.return_id == made.id
    assert shop.db.read_sync(service.find_by_code, LINKS.passes, made.pass_.short_code) is None


def test_no_code_stands_anywhere_in_the_database(shop: Shop) -> None:
    made = shop.issued({"sku": "SOCKS"}, {"sku": "JACKET"})
    shop.move("hand_in", ids_of(made), parcel_id="pcl_1")
    stored = shop.db.read_sync(everything)
    assert made.id in stored
    for secret in (made.pass_.code, made.pass_.short_code, codes.format_short_code(made.pass_.short_code)):
        assert secret.lower() not in stored.lower()


def everything(tx: Tx) -> str:
    return "\n".join(str(tuple(row)) for table in metadata.sorted_tables for row in tx.read(sa.select(table)))


def test_the_public_view_holds_nothing_personal(shop: Shop) -> None:
    made = shop.issued({"sku": "SOCKS", "comment": "call me on 555"})
    shown = shop.db.read_sync(service.pass_view, made.id)
    assert isinstance(shown, PassView)
    for personal in ("Æsa", "degård", "aesa", "0150", "555", shop.id):
        assert personal.lower() not in str(shown).lower()
    assert [unit.title for unit in shown.units] == ["Wollsocken"]
    assert [happening.type for happening in shown.timeline] == ["return.issued"]
    assert shop.db.read_sync(service.shopper_postcode, made.id) == ("0150", "NO")


def test_cancelling_frees_what_was_not_handed_in(shop: Shop) -> None:
    made = shop.issued({"sku": "JACKET", "quantity": 2}, {"sku": "SOCKS"})
    shop.move("hand_in", ids_of(made, "JACKET")[:1], parcel_id="pcl_1")
    cancelled = shop.db.write_sync(service.cancel_return, LINKS, made.id, shop.id, NOW, shop.actor)
    assert isinstance(cancelled, ReturnView)
    assert cancelled.status == "handed_in"
    assert sorted(unit.status for unit in cancelled.units) == ["cancelled", "cancelled", "handed_in"]
    assert cancelled.money.expected == 8900
    assert cancelled.money.held_by == "Kiosk"
    told = shop.events(made.id)[-1]
    assert (told["type"], len(told["data"]["units"])) == ("return.cancelled", 2)
    again = shop.db.write_sync(service.cancel_return, LINKS, made.id, shop.id, NOW, shop.actor)
    assert code(again) == "return-not-open"
    shop.issued({"sku": "JACKET"}, {"sku": "SOCKS"})


def test_cancelling_twice_answers_the_cancelled_return(shop: Shop) -> None:
    made = shop.issued({"sku": "SOCKS"})
    first = shop.db.write_sync(service.cancel_return, LINKS, made.id, shop.id, NOW, shop.actor)
    again = shop.db.write_sync(service.cancel_return, LINKS, made.id, shop.id, NOW, shop.actor)
    assert isinstance(first, ReturnView)
    assert (first.status, first.money.held_by, first.money.next) == ("cancelled", None, None)
    assert again == first
    assert [row["type"] for row in shop.events(made.id)] == ["return.issued", "return.cancelled"]
    assert code(shop.db.write_sync(service.cancel_return, LINKS, made.id, no_such_id("rtl"), NOW, shop.actor)) == (
        "not-found"
    )


def test_the_bearer_cancels_with_order_and_e_mail(shop: Shop) -> None:
    made = shop.issued({"sku": "SOCKS"})
    found = shop.db.read_sync(service.find_by_code, LINKS.passes, made.pass_.code)
    assert found is not None
    for reference, email in (("SO-1", "wrong@example.org"), ("SO-9", "aesa@example.org"), ("SO-1", "")):
        refusal = shop.db.write_sync(service.cancel_by_pass, LINKS, found, reference, email, NOW)
        assert code(refusal) == "order-not-found"
    cancelled = shop.db.write_sync(service.cancel_by_pass, LINKS, found, "SO-1", "AESA@example.org", NOW)
    assert isinstance(cancelled, PassView)
    assert cancelled.status == "cancelled"
    assert shop.events(made.id)[-1]["actor"] == "shopper"


def renewed(shop: Shop, made: ReturnView, at: datetime) -> Renewed | Problem:
    found = shop.db.read_sync(service.find_by_code, LINKS.passes, made.pass_.code)
    assert found is not None
    return shop.db.write_sync(service.renew, LINKS, found, at)


def test_a_pass_is_renewed_with_the_same_code(db: Database) -> None:
    shop = open_shop(db, policy={"window_days": 4})
    shop.order()
    made = shop.issued({"sku": "SOCKS"})
    assert made.last_day_at == datetime(2026, 3, 24, 22, 59, 59, tzinfo=UTC)
    in_grace = made.last_day_at + timedelta(hours=3)
    promised = shop.db.read_sync(service.last_day_if_renewed, made.id, in_grace)
    longer = renewed(shop, made, in_grace)
    assert isinstance(longer, Renewed)
    assert longer.last_day_at == promised == datetime(2026, 4, 7, 21, 59, 59, tzinfo=UTC)
    assert longer.pass_.code == made.pass_.code
    now = shop.view(made.id)
    assert (now.pass_.expires_at, now.money.next) == (longer.expires_at, service.Next("hand_in", longer.last_day_at))
    again = renewed(shop, made, longer.last_day_at)
    assert isinstance(again, Renewed)
    assert again.last_day_at == longer.last_day_at, "the end of all renewals"
    for moment in (longer.last_day_at, longer.expires_at):
        assert shop.db.read_sync(service.last_day_if_renewed, made.id, moment) is None
    assert [row["type"] for row in shop.events(made.id)] == ["return.issued", "return.renewed"]
    assert shop.db.write_sync(service.expire, [made.id], made.pass_.expires_at) == []
    assert code(renewed(shop, made, longer.expires_at)) == "window-passed"
    assert shop.db.write_sync(service.expire, [made.id], longer.expires_at) == [made.id]
    assert code(renewed(shop, made, longer.expires_at)) == "return-not-open"


def test_what_nobody_handed_in_expires_once(shop: Shop) -> None:
    made = shop.issued({"sku": "JACKET", "quantity": 2})
    shop.move("hand_in", ids_of(made)[:1], parcel_id="pcl_1")
    end = made.pass_.expires_at
    assert shop.db.write_sync(service.expire, [made.id], end - timedelta(seconds=1)) == []
    assert shop.db.write_sync(service.expire, [made.id], end) == [made.id]
    assert shop.db.write_sync(service.expire, [made.id], end) == []
    now = shop.view(made.id)
    assert sorted(unit.status for unit in now.units) == ["expired", "handed_in"]
    assert (now.status, now.money.expected) == ("handed_in", 8900)
    assert [row["type"] for row in shop.events(made.id)] == ["return.issued", "return.expired"]
    assert shop.events(made.id)[-1]["data"]["units"] == ids_of(made)[1:]


def test_a_thing_that_was_paid_for_neither_expires_nor_is_cancelled(shop: Shop) -> None:
    """Else it would be free for a second return, and paid twice."""
    made = shop.issued({"sku": "SOCKS"})
    shop.refund(made, ids_of(made), 1290)
    assert shop.db.write_sync(service.expire, [made.id], made.pass_.expires_at) == []
    assert code(shop.db.write_sync(service.cancel_return, LINKS, made.id, shop.id, NOW, "")) == "return-not-open"
    assert code(shop.issue({"sku": "SOCKS"})) == "units-already-returned"


def test_each_return_has_its_job_and_one_job_takes_all_that_expired(shop: Shop) -> None:
    long_ago = datetime(2025, 1, 10, tzinfo=UTC)
    for number in range(12):
        shop.order(f"OLD-{number}", placed_at=long_ago.isoformat(), delivered_at=None)
        shop.issued({"sku": "SOCKS"}, order=f"OLD-{number}", at=long_ago)
    assert count(shop.db, job) == 12
    first = shop.db.read_sync(lambda tx: tx.read(sa.select(job.c.kind, job.c.payload, job.c.run_at))[0])
    assert first.kind == "returns.expire"
    assert first.run_at == datetime(2025, 2, 10, 22, 59, 59, tzinfo=UTC)
    sweep(shop.db)
    sweep(shop.db)
    expired = shop.db.read_sync(
        lambda tx: tx.read(sa.select(sa.func.count()).select_from(event).where(event.c.type == "return.expired"))[0][0]
    )
    assert expired == 12
    assert {row.custody for row in shop.db.read_sync(lambda tx: tx.read(sa.select(unit.c.custody)))} == {"expired"}
    owed = shop.db.read_sync(lambda tx: tx.read(sa.select(sa.func.sum(balance.c.expected)))[0][0])
    assert owed == 0


def test_lists_go_by_status_and_order_in_pages(shop: Shop) -> None:
    other = open_shop(shop.db, "other")
    other.order()
    other.issued({"sku": "SOCKS"})
    made = [shop.issued({"sku": "JACKET"}), shop.issued({"sku": "JACKET"}), shop.issued({"sku": "SOCKS"})]
    shop.order("SO-7")
    made.append(shop.issued({"sku": "SOCKS"}, order="SO-7"))
    shop.move("hand_in", ids_of(made[1]), parcel_id="pcl_1")

    def ids(status: str | None, reference: str | None, after: str | None, limit: int) -> tuple[list[str], str | None]:
        page = shop.db.read_sync(service.list_returns, LINKS, shop.id, status, reference, after, limit)
        return [item.id for item in page.items], page.next

    everything_newest_first = [view.id for view in reversed(made)]
    assert ids(None, None, None, 50) == (everything_newest_first, None)
    assert ids("handed_in", None, None, 50) == ([made[1].id], None)
    assert ids(None, "SO-7", None, 50) == ([made[3].id], None)
    assert ids(None, "SO-8", None, 50) == ([], None)
    first, after = ids(None, None, None, 3)
    assert first == everything_newest_first[:3]
    assert ids(None, None, after, 3) == (everything_newest_first[3:], None)
