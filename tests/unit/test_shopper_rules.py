"""What a shopper is told in each state: the right words, the right money, and always a next step."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from dropoff.returns.rules import CUSTODY, RESOLUTION, SETTLED
from dropoff.shopper import rules
from dropoff.shopper.pass_views import Moment, NearView, PassView, UnitLine
from dropoff.shopper.rules import Happening, MoneyFact, PassFacts, UnitFact

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LAST_DAY = datetime(2026, 12, 23, 22, 59, 59, tzinfo=UTC)
MONEY = MoneyFact(0, "EUR", 19090, 0, None, "inspection", 14)


def units(*custody: str) -> tuple[UnitFact, ...]:
    return tuple(UnitFact("Regenjacke", "38", one, "open") for one in custody)


def facts(**other: object) -> PassFacts:
    plain: dict[str, object] = {
        "short_code": "7KQ39XMB4TRC",
        "retailer": "Nordlys",
        "zone": "Europe/Berlin",
        "live": True,
        "status": "issued",
        "last_day_at": LAST_DAY,
        "expires_at": LAST_DAY + timedelta(hours=24),
        "more_until": LAST_DAY + timedelta(days=14),
        "units": units("expected", "expected", "expected"),
        "money": MONEY,
        "holder": None,
        "next_kind": None,
        "next_at": None,
        "happenings": (Happening("return.issued", NOW - timedelta(days=1)),),
    }
    return PassFacts(**{**plain, **other})  # type: ignore[arg-type]


def view(**other: object) -> PassView:
    return rules.pass_view(facts(**other), NOW, path="/p/X", near=NearView(""))


def test_why_a_clerk_sent_a_thing_back_stands_beside_it() -> None:
    def said(*things: UnitFact, over: bool = False) -> list[tuple[int, str]]:
        return [(line.count, line.words) for line in rules.unit_lines(things, over=over)]

    back = UnitFact("Regenjacke", "38", "expected", "open", refused="too_large")
    assert said(back) == [(1, "Not taken: too large")]
    assert said(back, *units("expected", "handed_in"))[0] == (1, "Not taken: too large")
    assert said(back, over=True) != [(1, "Not taken: too large")], "then it is too late for it anyway"
    taken = UnitFact("Regenjacke", "38", "handed_in", "open", refused="too_large")
    assert said(taken) == said(*units("handed_in"))


def test_a_fresh_pass_shows_its_code_its_last_day_and_how_to_go_on() -> None:
    seen = view()
    assert seen.headline == "Ready to hand in"
    assert "Wed 23 December" in seen.lead
    assert seen.showable
    assert seen.how
    assert (seen.renew_url, seen.cancel_url) == ("/p/X/renew", "/p/X/cancel")
    assert seen.near is not None
    assert seen.units == (UnitLine("Regenjacke", "38", 3, "", ""),)
    assert seen.timeline[0] == Moment("You hand it in", "by Wed 23 December", upcoming=True)


@pytest.mark.parametrize(
    ("status", "custody", "headline"),
    [
        ("partly_handed_in", ("handed_in", "handed_in", "expected"), "2 of 3 handed in"),
        ("handed_in", ("handed_in",), "Handed in"),
        ("handed_in", ("in_transit", "cancelled"), "On its way"),
        ("received", ("received",), "Arrived at Nordlys"),
        ("resolved", ("inspected",), "All done"),
        ("cancelled", ("cancelled",), "This return is cancelled"),
        ("expired", ("expired",), "The code has run out"),
    ],
)
def test_every_state_has_its_headline(status: str, custody: tuple[str, ...], headline: str) -> None:
    seen = view(status=status, units=units(*custody))
    assert seen.headline == headline
    assert seen.showable == (status == "partly_handed_in")
    assert seen.cancel_url == ""


def test_a_code_that_ran_out_before_the_job_said_so_is_shown_as_run_out() -> None:
    seen = view(expires_at=NOW - timedelta(seconds=1), more_until=None)
    assert (seen.headline, seen.showable) == ("The code has run out", False)
    assert [unit.words for unit in seen.units] == ["Run out"]
    assert seen.next_step is not None
    assert "Ask Nordlys for a new return" in seen.next_step.text


def test_in_the_day_of_grace_the_code_still_shows_says_until_when_and_offers_more_time() -> None:
    seen = view(last_day_at=NOW - timedelta(hours=1), expires_at=NOW + timedelta(hours=23))
    assert seen.showable
    assert "until tomorrow 12:00 at the latest" in seen.lead
    assert seen.next_step is not None
    assert "You can have time until Wed 6 January 2027" in seen.next_step.text
    assert seen.renew_url


def test_more_time_is_offered_only_when_there_is_some_to_give() -> None:
    assert view(more_until=None).renew_url == ""


def test_the_rest_of_a_return_that_ran_out_is_said_to_be_over() -> None:
    over = {"expires_at": NOW - timedelta(days=1), "more_until": None}
    for late in (
        {"status": "partly_handed_in", "units": units("handed_in", "expected")},
        {"status": "handed_in", "units": units("handed_in", "expired")},
    ):
        seen = view(**over, **late)
        assert seen.headline == "1 of 2 handed in"
        assert "The time for the rest is over" in seen.lead
        assert {unit.words for unit in seen.units} == {"Handed in", "Run out"}
        assert not seen.showable


def test_what_the_retailer_did_not_accept_is_said_first_with_whom_to_ask() -> None:
    rejected, paid = (UnitFact("Regenjacke", "38", "inspected", one) for one in ("rejected", "refunded"))
    seen = view(status="resolved", units=(rejected, rejected))
    assert seen.headline == "Not accepted"
    assert "Ask Nordlys for the reason" in seen.lead
    seen = view(status="resolved", units=(rejected, paid))
    assert seen.headline == "Done, in part"
    assert "Ask Nordlys for the reason" in seen.lead
    assert view(status="resolved", units=(paid,)).headline == "All done"


def test_what_a_clerk_sent_back_stands_in_the_timeline_with_its_reason() -> None:
    taken_along = (("Wollsocken", "too_large"),)
    sent_back = Happening(rules.REFUSED, NOW - timedelta(hours=1), "Späti Mitte", "hin_1", taken_along)
    told = view(happenings=(Happening("return.issued", NOW - timedelta(days=1)), sent_back)).timeline[1]
    assert (told.what, told.detail) == ("Not taken in by the shop", "Späti Mitte: Wollsocken (too large)")
    assert told.url == "/p/X/receipts/hin_1"


def test_a_long_return_is_folded_so_that_the_way_to_the_counter_stays_in_sight() -> None:
    many = tuple(UnitFact(f"Thing {number}", None, "expected", "open") for number in range(30))
    seen = view(units=many)
    assert (len(seen.units), len(seen.others)) == (rules.UNITS_SHOWN, 30 - rules.UNITS_SHOWN)
    assert view(units=many[: rules.UNITS_SHOWN + 1]).others == (), "one line is not worth folding"


def test_the_money_that_is_due_says_by_when_also_in_the_timeline() -> None:
    money = msgspec.structs.replace(MONEY, amount=17800, due_by=NOW + timedelta(days=12))
    seen = view(status="received", units=units("received"), money=money, next_kind="refund")
    assert seen.timeline[0] == Moment("The retailer sends your money", "by Fri 4 December", upcoming=True)


@pytest.mark.parametrize("status", ["cancelled", "expired"])
def test_a_dead_code_always_has_a_next_step_and_no_money(status: str) -> None:
    seen = view(status=status, units=units(status))
    assert seen.next_step is not None
    assert seen.money is None
    assert seen.renew_url == "", "the code cannot be renewed once it is closed"


@pytest.mark.parametrize(
    ("money", "title", "amount", "when"),
    [
        (MONEY, "You can expect", "190.90 EUR", "within 14 days after the retailer has checked it"),
        (
            msgspec.structs.replace(MONEY, amount=17800, due_by=NOW + timedelta(days=12)),
            "You get",
            "178.00 EUR",
            "by Fri 4 December",
        ),
        (msgspec.structs.replace(MONEY, expected=17800, paid=17800), "Paid to you", "178.00 EUR", None),
        (
            msgspec.structs.replace(MONEY, paid=1290),
            "You can expect",
            "178.00 EUR",
            "within 14 days after the retailer has checked it",
        ),
    ],
)
def test_money_says_how_much_when_and_who_holds_the_parcel(
    money: MoneyFact, title: str, amount: str, when: str | None
) -> None:
    held = {"holder": "Späti Mitte", "next_kind": "departure", "next_at": NOW.replace(hour=16)}
    seen = view(status="handed_in", units=units("handed_in"), money=money, **held).money
    assert seen is not None
    told = dict(seen.facts)
    assert (seen.title, seen.amount, told.get("When")) == (title, amount, when)
    assert (told["Held by"], told["Next"]) == ("Späti Mitte", "The driver fetches it, today 17:00")


def test_an_exchange_promises_no_money_first() -> None:
    assert view(money=msgspec.structs.replace(MONEY, expected=0)).money is None
    swap, sale = (UnitFact("Regenjacke", "38", "expected", "open", wanted) for wanted in ("exchange", "refund"))
    seen = view(units=(swap, swap)).money
    assert seen is not None
    assert (seen.title, dict(seen.facts)["You get"]) == ("It is worth", "An exchange, or the money if it is sold out")
    mixed = view(units=(swap, sale)).money
    assert mixed is not None
    assert dict(mixed.facts)["You get"].endswith(", the rest in money")


def test_the_timeline_is_newest_first_and_says_equal_things_once() -> None:
    inspected = Happening("unit.inspected", NOW - timedelta(hours=1))
    told = view(
        status="received",
        units=units("inspected", "inspected"),
        happenings=(
            Happening("return.issued", NOW - timedelta(days=3)),
            Happening("parcel.handed_in", NOW - timedelta(days=2), "Späti Mitte"),
            Happening("something.internal", NOW - timedelta(days=2)),
            inspected,
            inspected,
        ),
    ).timeline
    assert [moment.what for moment in told] == ["Checked by the retailer", "Handed in", "Return announced"]
    assert told[1].detail == "Späti Mitte"


def test_a_scan_is_told_before_the_money_it_set_free_and_links_its_receipt() -> None:
    at = NOW - timedelta(hours=1)
    scanned = Happening("parcel.handed_in", at, "Späti Mitte", "hin_1")
    told = view(
        status="handed_in",
        units=units("handed_in"),
        happenings=(Happening("refund.due", at, "Späti Mitte"), scanned),
    ).timeline
    assert [(moment.what, moment.detail, moment.url) for moment in told] == [
        ("Your money is due", "", ""),
        ("Handed in", "Späti Mitte", "/p/X/receipts/hin_1"),
    ]


def test_every_state_of_a_unit_has_its_words() -> None:
    assert set(rules.CUSTODY_WORDS) == set(CUSTODY)
    assert set(rules.RESOLUTION_WORDS) == set(SETTLED)
    for custody in CUSTODY:
        for resolution in RESOLUTION:
            assert rules.unit_lines([UnitFact("A", None, "received", "open"), UnitFact("B", None, custody, resolution)])


def test_a_test_return_says_so() -> None:
    assert (view(live=False).test, view().test) == (True, False)
