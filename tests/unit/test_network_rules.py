"""Lanes leave at their cut-offs in the origin's zone, and a parcel's next stop follows the lanes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dropoff.network.folding import fold, fold_postcode
from dropoff.network.rules import (
    Lane,
    NextStop,
    departures,
    is_cutoff,
    lane_to,
    next_departure,
    next_stop,
    parse_days,
)

MADE = datetime(2026, 1, 1, tzinfo=UTC)


def lane(ident: str = "lan_1", **changes: Any) -> Lane:
    fields: dict[str, Any] = {
        "id": ident,
        "origin_location_id": None,
        "destination_retailer_id": None,
        "destination_hub_id": None,
        "carrier": "courier",
        "service": "standard",
        "days": "Mo-Su",
        "cutoff": "17:00",
        "max_weight_g": None,
        "price": None,
        "transit_days": None,
        "created_at": MADE,
    }
    return Lane(**(fields | changes))


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("Mo-Fr,Su", {0, 1, 2, 3, 4, 6}),
        ("Mo-Su", set(range(7))),
        ("Sa", {5}),
        ("Fr-Mo", {4, 5, 6, 0}),
        ("Tu, Th", {1, 3}),
    ],
)
def test_weekdays_are_read_as_osm_writes_them(text: str, days: set[int]) -> None:
    assert parse_days(text) == days


@pytest.mark.parametrize("text", ["", "mo", "Mo-", "Mo-Fr-Su", "Mo;Tu", "PH", "Mo-Fr 10:00-12:00", "Monday", "1-5"])
def test_other_days_are_refused(text: str) -> None:
    assert parse_days(text) is None


def test_a_cutoff_is_a_time_of_day() -> None:
    assert all(map(is_cutoff, ("00:00", "09:05", "23:59")))
    assert not any(map(is_cutoff, ("24:00", "9:05", "12:60", "12:00:00", "", "１２:00")))


def test_departures_are_in_the_origins_zone_on_the_lanes_days() -> None:
    weekdays = lane(days="Mo-Fr", cutoff="17:00")
    found = list(
        departures(
            weekdays, "Europe/Berlin", datetime(2026, 11, 20, 12, tzinfo=UTC), datetime(2026, 11, 24, tzinfo=UTC)
        )
    )
    assert found == [datetime(2026, 11, 20, 16, tzinfo=UTC), datetime(2026, 11, 23, 16, tzinfo=UTC)]


def test_after_is_left_out_and_until_is_in() -> None:
    cutoff = datetime(2026, 11, 20, 16, tzinfo=UTC)
    assert list(departures(lane(), "Europe/Berlin", cutoff, cutoff + timedelta(hours=23))) == []
    assert list(departures(lane(), "Europe/Berlin", cutoff - timedelta(seconds=1), cutoff)) == [cutoff]
    assert list(departures(lane(), "Europe/Berlin", cutoff, cutoff - timedelta(days=1))) == []


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Pacific/Apia", "Australia/Lord_Howe"])
@pytest.mark.parametrize("cutoff", ["00:00", "01:30", "02:30", "23:59"])
def test_one_departure_a_day_also_when_clocks_change(zone: str, cutoff: str) -> None:
    start = datetime(2026, 1, 1, 12, tzinfo=UTC)
    found = list(departures(lane(cutoff=cutoff), zone, start, start + timedelta(days=365)))
    assert len(found) == 365
    assert found == sorted(set(found))


def test_the_cutoff_follows_the_clock_on_the_wall() -> None:
    found = list(
        departures(
            lane(cutoff="02:30"),
            "Europe/Berlin",
            datetime(2026, 10, 23, 12, tzinfo=UTC),
            datetime(2026, 10, 26, 12, tzinfo=UTC),
        )
    )
    assert [moment.strftime("%d %H:%M") for moment in found] == ["24 00:30", "25 00:30", "26 01:30"]


def test_the_next_departure() -> None:
    monday = datetime(2026, 11, 23, 16, tzinfo=UTC)
    assert next_departure(lane(days="Mo"), "Europe/Berlin", monday - timedelta(days=6)) == monday
    assert next_departure(lane(days="Mo"), "Europe/Berlin", monday) == monday + timedelta(days=7)


RETAILER = NextStop("retailer", "rtl_1")
HERE, HUB, OTHER_HUB = "loc_here", "loc_hub", "loc_other"


def to_retailer(ident: str, origin: str | None, retailer: str = "rtl_1") -> Lane:
    return lane(ident, origin_location_id=origin, destination_retailer_id=retailer)


def to_hub(ident: str, origin: str | None, hub: str = HUB) -> Lane:
    return lane(ident, origin_location_id=origin, destination_hub_id=hub)


@pytest.mark.parametrize(
    ("lanes", "stop"),
    [
        ([], RETAILER),
        ([to_retailer("a", HERE), to_hub("b", HERE), to_retailer("c", HUB)], RETAILER),
        ([to_retailer("a", None), to_hub("b", HERE), to_retailer("c", HUB)], RETAILER),
        ([to_hub("b", HERE), to_retailer("c", HUB)], NextStop("hub", HUB)),
        ([to_hub("b", None), to_retailer("c", HUB)], NextStop("hub", HUB)),
        (
            [to_hub("a", None), to_hub("b", HERE, OTHER_HUB), to_retailer("c", HUB), to_retailer("d", OTHER_HUB)],
            NextStop("hub", OTHER_HUB),
        ),
        ([to_hub("b", HERE)], RETAILER),
        ([to_hub("b", HERE), to_retailer("c", HUB, "rtl_2")], RETAILER),
        ([to_hub("a", HERE, OTHER_HUB), to_hub("b", None), to_retailer("c", HUB)], NextStop("hub", HUB)),
        ([to_retailer("a", "loc_elsewhere")], RETAILER),
    ],
)
def test_the_next_stop_follows_the_lanes(lanes: list[Lane], stop: NextStop) -> None:
    assert next_stop(lanes, HERE, "rtl_1") == stop


def test_a_hub_is_not_its_own_next_stop() -> None:
    lanes = [to_hub("a", None), to_hub("b", HUB, OTHER_HUB), to_retailer("c", OTHER_HUB)]
    assert next_stop(lanes, HUB, "rtl_1") == NextStop("hub", OTHER_HUB)


def test_the_lane_from_here_goes_before_the_lane_from_anywhere_and_the_oldest_first() -> None:
    lanes = [to_retailer("any", None), to_retailer("new", HERE), to_retailer("old", HERE)]
    lanes[2] = lane(
        "old", origin_location_id=HERE, destination_retailer_id="rtl_1", created_at=MADE - timedelta(days=1)
    )
    chosen = lane_to(lanes, HERE, RETAILER)
    assert chosen is not None
    assert chosen.id == "old"
    assert lane_to(lanes[:1], HERE, RETAILER) == lanes[0]
    assert lane_to(lanes, HERE, NextStop("hub", HUB)) is None


def test_names_fold_to_one_key() -> None:
    assert fold("  Łódź ") == fold("LODZ") == "lodz"
    assert fold("Bois-d'Haine") == "bois d haine"
    assert fold("Straße") == fold("STRASSE")
    assert fold("Ærøskøbing") == "aeroskobing"
    assert fold_postcode("S70 2RE") == fold_postcode("s702re") == "s702re"
    assert fold_postcode("21-412") == "21412"
