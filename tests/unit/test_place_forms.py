"""The operator's form of a place: what was typed becomes what the API takes, and a place shows itself as typed."""

from datetime import UTC, date, datetime

import pytest

from dropoff.kernel.errors import Problem
from dropoff.network import place_forms
from dropoff.network.facts import Facts
from dropoff.network.hours_shown import hours_table
from dropoff.network.hours_told import Hours
from dropoff.network.location_hours import normalised, told
from dropoff.network.location_store import Closure
from dropoff.network.place_forms import filled, form_of, groups, new_location, patch
from dropoff.network.store import Location

AT = datetime(2026, 10, 23, 9, 0, tzinfo=UTC)
TYPED = {"name": "Kiosk", "kind": "store", "country": "de", "position": "52.5, 13.4", "live": "yes"}


def closure(day: date, hours: str, reason: str) -> Closure:
    return Closure(f"cls_{day}", "loc_1", day, day, hours, reason, AT, "operator:x", None)


def test_what_was_typed_is_what_the_api_takes() -> None:
    new = new_location(filled(TYPED | {"carriers": "dhl, ups", "step_free": "no", "max_size_mm": "100x300x200"}), "x")
    assert not isinstance(new, Problem)
    assert (new.address.country, new.position.lat, new.carriers, new.step_free) == ("DE", 52.5, ["dhl", "ups"], False)
    assert (new.max_size_mm, new.external_id, new.live, new.has_printer) == ([300, 200, 100], "x", True, None)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"position": "here"}, "position"),
        ({"position": "52,5 13,4"}, "position"),
        ({"max_weight_g": "5 kg"}, "max_weight_g"),
        ({"max_size_mm": "large"}, "max_size_mm"),
    ],
)
def test_a_wrong_field_is_named(wrong: dict[str, str], field: str) -> None:
    for outcome in (new_location(filled(TYPED | wrong), ""), patch(filled(TYPED | wrong))):
        assert isinstance(outcome, Problem)
        assert place_forms.errors_of(outcome)[0][0] == field


def test_a_place_sent_back_unchanged_asks_for_nothing_new() -> None:
    place = Location(
        id="loc_1",
        source="s",
        external_id="1",
        name="Kiosk",
        kind="store",
        operator="",
        street="",
        postcode="10115",
        city="Berlin",
        country="DE",
        phone="",
        url="",
        lat=52.5,
        lon=13.4,
        zone="Europe/Berlin",
        opening_hours="24/7",
        hours_known=True,
        accepts=("box_free",),
        live=True,
        state="active",
        photo_url="",
        access_note="",
        facts=Facts(carriers=("dhl",), max_size_mm=(300, 200, 100)),
    )
    sent = patch(filled({box.name: box.value for _, boxes in groups(form_of(place), with_hours=True) for box in boxes}))
    assert not isinstance(sent, Problem)
    assert (sent.name, sent.phone, sent.accepts, sent.carriers) == ("Kiosk", None, ["box_free"], ["dhl"])
    assert (sent.max_size_mm, sent.step_free, sent.position.lon) == ([300, 200, 100], None, 13.4)  # type: ignore[union-attr]


def test_two_weeks_tell_of_holidays_closures_and_clocks() -> None:
    entered = [closure(date(2026, 10, 24), "off", "Inventory"), closure(date(2026, 10, 26), "10:00-11:00", "")]
    usual = Hours("Mo-Su 09:00-18:00; PH off", "Europe/Berlin", "DE")
    preview = told(usual, entered, date(2026, 10, 24), 3)
    lines = hours_table(preview, entered, datetime(2026, 10, 24, 9, 0, tzinfo=UTC)).lines
    assert [(line.hours, line.note, line.today) for line in lines] == [
        ("closed", "Inventory", True),
        ("09:00–18:00", "clocks go back", False),
        ("10:00–11:00", "closure", False),
    ]
    holiday = told(usual, [], date(2026, 12, 25), 1).days[0]
    assert (holiday.holiday, holiday.spans) == (True, [])
    unknown = told(Hours("after lunch", "Europe/Berlin", "DE"), entered, date(2026, 10, 24), 2)
    assert [day.spans for day in unknown.days] == [[], None]
    assert not unknown.known


def test_hours_are_kept_as_an_import_keeps_them() -> None:
    assert normalised(" 24h ") == "24/7"
    assert normalised("Mo-Fr 09:00-18:00") == "Mo-Fr 09:00-18:00"
    assert len(normalised("x" * 3_000)) == 1_000
