"""What the till says: every reason of the closed lists has a colour, an icon, words and a next step; the likely bag is
chosen already."""

from datetime import UTC, datetime

import pytest

from dropoff.counter import rules as counter_rules
from dropoff.kernel import gs1
from dropoff.kernel.foreign import Foreign
from dropoff.receiving import till_views, till_words
from dropoff.receiving.state import ContainerView, CounterState, Counts, PlaceView, Stop
from dropoff.receiving.till_script import ICONS, script_words
from dropoff.shopper import receipts
from dropoff.web.shell import ENVIRONMENT, render

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
NORDLYS = Stop("retailer", "rtl_1", "Nordlys")


def bag(number: int, stop: Stop | None, status: str = "open", shipment: str | None = None) -> ContainerView:
    return ContainerView(
        id=f"ctr_{number}",
        sscc=f"39521321000004{number:04}",
        kind="bag",
        status=status,
        parcels=3 if stop else 0,
        weight_g=4200 if stop else 0,
        seal=None,
        next=stop,
        opened_at=NOW,
        sealed_at=None,
        shipment=shipment,
    )


def state(*bags: ContainerView) -> CounterState:
    return CounterState(
        location=PlaceView("loc_1", "Späti", "store", "active"),
        open=[one for one in bags if one.status == "open"],
        sealed=[one for one in bags if one.status == "sealed"],
        waiting=[],
        pickups=[],
        problems=[],
        counts=Counts(len(bags), 0, 3, 0, 1),
    )


@pytest.mark.parametrize("reason", counter_rules.REFUSALS)
def test_every_refusal_has_words_a_colour_an_icon_and_a_next_step(reason: str) -> None:
    result = till_words.refused(reason)
    assert result.tone in ("bad", "wait")
    assert result.title
    assert result.next
    icon = ENVIRONMENT.get_template("icons.html").module.icon(result.icon)  # type: ignore[attr-defined]
    assert "<path" in icon or "<circle" in icon


def test_a_strange_label_is_named_without_jargon() -> None:
    assert till_words.foreign(Foreign("SSCC")).title == "This is a label of another company"
    assert till_words.foreign(Foreign("post")).title == "This is a label of a postal service"
    assert till_words.foreign(Foreign("UPS")).title == "This is a UPS label"
    maybe = till_words.foreign(Foreign("FedEx", "likely", ("DHL",)))
    assert (maybe.title, maybe.text) == ("Maybe a FedEx label", "It is no tag of ours. It may be one of DHL too.")
    assert "a FedEx location" in maybe.next


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1Z999AA10123456784", "UPS label"),
        ("JVGL1234567800001339", "DHL label"),
        (gs1.nth_sscc("9521321", 7), "label of a bag"),
        ("HTTPS://X.EXAMPLE/P/QTQPG8K4BBGTQTQ0", "customer's code"),
        ("AB1", "6 to 20 letters and digits"),
    ],
)
def test_what_was_scanned_in_place_of_a_tag_is_named(text: str, said: str) -> None:
    result = till_words.no_tag(["T0000000017", "", text])
    assert result.title == "This is no tag"
    assert said in result.text
    assert result.next


def test_twelve_signs_may_be_a_short_code_with_a_slip() -> None:
    assert "short code" in till_words.fresh_tag("7KQ3-9XMB-4TR9").text
    assert till_words.fresh_tag("T0000000017").title == "A fresh tag"
    assert till_words.fresh_tag("123456789012").title == "A fresh tag"


def test_every_reason_to_send_a_thing_back_has_words_for_clerk_and_shopper() -> None:
    assert [reason for reason, _ in till_words.UNIT_REASONS] == list(counter_rules.REFUSED_UNIT_REASONS)
    assert set(receipts.REASONS) == set(counter_rules.REFUSED_UNIT_REASONS)


def test_every_state_of_a_container_has_words() -> None:
    assert set(till_views.STATES) == set(counter_rules.CONTAINER_STATES)


def test_a_bag_that_goes_there_is_chosen_before_an_empty_one_before_a_new_one() -> None:
    elsewhere, empty, there = bag(1, Stop("hub", "loc_9", "Hub")), bag(2, None), bag(3, NORDLYS)
    for bags, chosen in (
        ((elsewhere, empty, there), "ctr_3"),
        ((elsewhere, empty), "ctr_2"),
        ((elsewhere,), "new"),
        ((), "new"),
    ):
        fitting, likely = till_views.fitting(state(*bags), "rtl_1")
        assert likely == chosen
        assert "ctr_1" not in [line.id for line in fitting], "a bag for another way is not offered"


def test_the_counts_say_how_the_shop_stands() -> None:
    told = till_views.counts(state(bag(1, NORDLYS)))
    assert told == ((3, "waiting", False), (1, "bag open", False), (1, "problem", True))


def test_a_bag_is_named_by_the_large_digits_of_its_label() -> None:
    line = till_views.bag_line(bag(4821, NORDLYS, "sealed", "shp_1"), frozenset({"shp_1"}))
    assert (line.name, line.holds, line.goes) == ("Bag 4821", "3 parcels, 4.2 kg", "to Nordlys")
    assert line.state == "Leaves with the driver"
    assert line.labels[0][0] == "/v1/shipments/shp_1/containers/395213210000044821/label.pdf"


def test_a_paused_place_says_so_before_anyone_scans() -> None:
    for paused in (True, False):
        till = till_views.TillView("Späti", "Till 1", "csrf", paused=paused)
        view = till_views.home_view(till, state(), "Europe/Berlin", NOW, key="k", result=None, undo=None)
        assert (
            "This place is paused"
            in render("till/home.html", view, page="till", words=script_words(), icons=ICONS).decode()
        ) is paused


def test_handover_ticks_what_was_scanned_and_nothing_else() -> None:
    sealed = [bag(1, NORDLYS, "sealed"), bag(2, NORDLYS, "sealed")]
    lines = till_views.handover_bags(state(*sealed), [sealed[1].sscc])
    assert [line.ticked for line in lines] == [False, True]


def test_a_bag_with_a_broken_seal_is_not_counted_as_going() -> None:
    sealed = [bag(1, NORDLYS, "sealed")]
    (line,) = till_views.handover_bags(state(*sealed), [sealed[0].sscc], [sealed[0].sscc])
    assert (line.ticked, line.broken) == (False, True)
