"""The plan: what leaves, by which cut-off, and why the rest stays."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropoff.freight import rules
from dropoff.freight.rules import Departure, Goods, Network, Plan, Present, left_behind_reason, plan
from dropoff.network.rules import Lane, NextStop

# A Friday; Copenhagen is an hour ahead of UTC, so the cut-off of 17:00 is 16:00 here.
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
CUTOFF = datetime(2026, 11, 20, 16, tzinfo=UTC)
MONDAY = datetime(2026, 11, 23, 16, tzinfo=UTC)
ZONES = {"here": "Europe/Copenhagen", "there": "Europe/Copenhagen"}
SHOP = NextStop("retailer", "shop")


def lane(name: str = "lane", **changes: object) -> Lane:
    made = Lane(
        id=name,
        origin_location_id="here",
        destination_retailer_id="shop",
        destination_hub_id=None,
        carrier="courier",
        service="standard",
        days="Mo-Fr",
        cutoff="17:00",
        max_weight_g=None,
        price=None,
        transit_days=1,
        created_at=NOON - timedelta(days=30),
    )
    return msgspec.structs.replace(made, **changes)


def bag(name: str = "bag", **changes: object) -> Goods:
    made = Goods(
        id=name,
        kind="container",
        location_id="here",
        live=True,
        stop=SHOP,
        ready_at=NOON,
        weight_g=1000,
        state="ready",
    )
    return msgspec.structs.replace(made, **changes)


def planned(
    goods: list[Goods], *lanes: Lane, now: datetime = NOON, as_of: datetime = CUTOFF, **changes: object
) -> Plan:
    network = Network(lanes=lanes or (lane(),), zones=ZONES, services={("courier", "standard")}, loads={})
    return plan(msgspec.structs.replace(network, **changes), goods, now, as_of)


def gone(result: Plan) -> dict[str, datetime]:
    return {item.id: shipment.departure.departs_at for shipment in result.shipments for item in shipment.goods}


def left(result: Plan) -> dict[str, str]:
    return {item.id: reason for item, reason in result.left}


def test_bags_of_one_lane_travel_together() -> None:
    result = planned([bag("a"), bag("b")])
    assert [s.departure for s in result.shipments] == [Departure(CUTOFF, "lane", "here", True)]
    assert gone(result) == {"a": CUTOFF, "b": CUTOFF}
    assert not result.left


def test_nothing_goes_before_its_cut_off_is_asked_for() -> None:
    result = planned([bag()], as_of=CUTOFF - timedelta(minutes=1))
    assert not result.shipments
    assert not result.left


def test_a_bag_sealed_after_the_cut_off_takes_the_next() -> None:
    late = bag(ready_at=CUTOFF)
    assert not planned([late]).shipments
    assert gone(planned([late], as_of=MONDAY)) == {"bag": MONDAY}


def test_the_cut_off_is_in_the_zone_of_the_origin() -> None:
    helsinki = planned(
        [bag(location_id="there")], lane(origin_location_id="there"), zones=ZONES | {"there": "Europe/Helsinki"}
    )
    assert gone(helsinki) == {"bag": CUTOFF - timedelta(hours=1)}


def test_the_first_of_several_cut_offs_ahead_is_taken() -> None:
    assert gone(planned([bag()], as_of=MONDAY + timedelta(days=3))) == {"bag": CUTOFF}


def test_goods_left_from_days_ago_go_with_the_driver_expected_now() -> None:
    tuesday = MONDAY + timedelta(days=1)
    result = planned([bag()], now=tuesday + timedelta(seconds=5), as_of=tuesday + timedelta(seconds=5))
    assert gone(result) == {"bag": tuesday}
    ahead = planned([bag()], now=tuesday - timedelta(hours=2), as_of=tuesday)
    assert gone(ahead) == {"bag": tuesday}


def test_departures_before_the_lane_was_made_do_not_exist() -> None:
    assert not planned([bag()], lane(created_at=CUTOFF)).shipments


def test_an_open_bag_stays_and_is_told_once_its_departure_is_due() -> None:
    assert left(planned([bag(state="open")])) == {"bag": "container_open"}
    assert left(planned([bag(state="open")], as_of=NOON)) == {}


def test_without_a_lane_goods_stay() -> None:
    assert left(planned([bag(stop=NextStop("retailer", "other"))])) == {"bag": "no_lane"}
    assert left(planned([bag(location_id="there")])) == {"bag": "no_lane"}
    assert left(planned([bag(stop=NextStop("hub", "shop"))])) == {"bag": "no_lane"}


def test_a_lane_from_here_is_taken_before_one_from_anywhere() -> None:
    anywhere = lane("any", origin_location_id=None, cutoff="15:00", created_at=NOON - timedelta(days=60))
    result = planned([bag("a"), bag("b", location_id="there")], anywhere, lane())
    assert {s.departure.lane_id: s.departure.location_id for s in result.shipments} == {"lane": "here", "any": "there"}


def test_a_carrier_that_is_not_installed_takes_nothing() -> None:
    assert left(planned([bag()], services=set())) == {"bag": "carrier_rejected"}
    assert left(planned([bag(state="rejected")])) == {"bag": "carrier_rejected"}


def test_test_goods_travel_apart() -> None:
    result = planned([bag("a"), bag("b", live=False)])
    assert {s.departure.live for s in result.shipments} == {True, False}
    assert all(item.live == s.departure.live for s in result.shipments for item in s.goods)


def test_the_oldest_go_first_when_a_departure_is_full() -> None:
    goods = [bag("young", ready_at=NOON, weight_g=600), bag("old", ready_at=NOON - timedelta(hours=1), weight_g=600)]
    result = planned(goods, lane(max_weight_g=1000))
    assert gone(result) == {"old": CUTOFF}
    assert left(result) == {"young": "over_weight"}
    assert gone(planned(goods, lane(max_weight_g=1000), as_of=MONDAY)) == {"old": CUTOFF, "young": MONDAY}


def test_what_was_planned_before_counts_against_the_limit() -> None:
    loads = {Departure(CUTOFF, "lane", "here", True): 900}
    assert left(planned([bag()], lane(max_weight_g=1000), loads=loads)) == {"bag": "over_weight"}
    assert gone(planned([bag(weight_g=100)], lane(max_weight_g=1000), loads=loads)) == {"bag": CUTOFF}


def test_what_is_too_heavy_for_every_departure_is_told() -> None:
    assert left(planned([bag(weight_g=1001)], lane(max_weight_g=1000), as_of=MONDAY)) == {"bag": "over_weight"}


goods_of_any_kind = st.lists(
    st.builds(
        lambda number, hours, weight, state, live, where, to: bag(
            f"bag{number}",
            ready_at=NOON - timedelta(hours=hours),
            weight_g=weight,
            state=state,
            live=live,
            location_id=where,
            stop=NextStop("retailer", to),
        ),
        st.integers(0, 10**6),
        st.integers(-100, 300),
        st.integers(0, 900),
        st.sampled_from(["ready", "open", "rejected"]),
        st.booleans(),
        st.sampled_from(["here", "there"]),
        st.sampled_from(["shop", "other"]),
    ),
    unique_by=lambda item: item.id,
    max_size=30,
)


@given(goods_of_any_kind, st.integers(0, 200))
def test_every_thing_goes_once_or_stays_once_and_no_departure_is_too_heavy(goods: list[Goods], hours: int) -> None:
    result = planned(goods, lane(max_weight_g=2000), as_of=NOON + timedelta(hours=hours))
    ids = [item.id for s in result.shipments for item in s.goods] + [item.id for item, _ in result.left]
    assert len(ids) == len(set(ids))
    for shipment in result.shipments:
        assert sum(item.weight_g for item in shipment.goods) <= 2000
        assert shipment.goods
        for item in shipment.goods:
            assert item.state == "ready"
            assert item.ready_at < shipment.departure.departs_at <= NOON + timedelta(hours=hours)
            assert (item.location_id, item.live) == (shipment.departure.location_id, shipment.departure.live)


def test_states_and_edges_are_closed() -> None:
    assert {state for state, _ in rules.SHIPMENT_TRANSITIONS} | set(rules.SHIPMENT_TRANSITIONS.values()) <= set(
        rules.SHIPMENT_STATES
    )
    assert rules.sources("cancel") == ("planned", "booked", "rejected", "unknown")
    assert "booking" not in rules.sources("cancel")


@pytest.mark.parametrize(
    ("here", "status", "shipment", "intact", "reason"),
    [
        (True, "booked", "shp", True, None),
        (True, "handed_over", "shp", True, None),
        (True, "booked", "shp", False, "seal_broken"),
        (False, "booked", "shp", True, "wrong_location"),
        (True, None, None, True, "not_booked"),
        (True, "planned", "shp", True, "not_booked"),
        (True, "unknown", "shp", True, "not_booked"),
        (True, "booked", "another", True, "not_booked"),
        (True, None, None, False, "not_booked"),
    ],
)
def test_why_a_container_does_not_go_with_the_driver(
    here: bool, status: str | None, shipment: str | None, intact: bool, reason: str | None
) -> None:
    item = Present(sscc="1", here=here, shipment_id=shipment, shipment_status=status)
    assert left_behind_reason(item, "shp", seal_intact=intact) == reason
