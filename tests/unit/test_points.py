"""One place's own page: what is told of it to people and to programs, whatever stands in a stranger's file."""

import json
from datetime import UTC, datetime
from typing import Any

from dropoff.network.facts import Facts
from dropoff.network.store import Location
from dropoff.shopper.points import Known, PointView, point_view
from dropoff.web.data_blocks import data_block
from dropoff.web.shell import render

AT = datetime(2026, 12, 21, 9, 0, tzinfo=UTC)  # a Monday


def place(**changes: Any) -> Location:
    fields = {
        "id": "loc_1",
        "source": "test",
        "external_id": "1",
        "name": "Kiosk",
        "kind": "store",
        "operator": "",
        "street": "Nygade 1",
        "postcode": "8000",
        "city": "Aarhus",
        "country": "DK",
        "phone": "",
        "url": "",
        "lat": 56.15,
        "lon": 10.2,
        "zone": "Europe/Copenhagen",
        "opening_hours": "Mo-Fr 08:00-18:00; PH off",
        "hours_known": True,
        "accepts": (),
        "live": True,
        "state": "active",
    }
    return Location(**(fields | changes))


def told(view: PointView) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(view.linked_data)
    return found


def test_a_usual_week_and_what_differs_are_told_apart() -> None:
    data = told(point_view(place(), Known(), AT, "https://x.example"))
    assert [one["dayOfWeek"] for one in data["openingHoursSpecification"]] == [
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
    ]
    assert {(one["opens"], one["closes"]) for one in data["openingHoursSpecification"]} == {("08:00", "18:00")}
    closed = data["specialOpeningHoursSpecification"]
    assert [one["validFrom"] for one in closed] == ["2026-12-25", "2027-01-01"]
    assert {(one["opens"], one["closes"]) for one in closed} == {("00:00", "00:00")}


def test_unknown_hours_are_told_to_nobody() -> None:
    view = point_view(place(opening_hours="after lunch", hours_known=False), Known(), AT, "https://x.example")
    assert "openingHoursSpecification" not in told(view)
    assert (view.week, view.exceptions, view.hours_text) == ((), (), "after lunch")


def test_nothing_in_a_strangers_text_ends_the_data_block() -> None:
    name = "</script><script>alert(1)</script><!--"
    view = point_view(place(name=name), Known(), AT, "https://x.example")
    assert told(view)["name"] == name
    assert not set("<>&") & set(str(data_block({"a": "<b>&"})))
    html = render("find/point.html", view).decode()
    assert html.count("<script") == html.count("</script>") == 1


def test_only_web_addresses_and_real_numbers_become_links() -> None:
    odd = point_view(place(url="javascript:alert(1)", phone="ask inside"), Known(), AT, "https://x.example")
    assert (odd.url, odd.phone_url) == ("", "")
    assert 'href="javascript' not in render("find/point.html", odd).decode()
    good = point_view(place(url="https://kiosk.example/", phone="+45 86 12 34 56"), Known(), AT, "https://x.example")
    assert (good.url_text, good.phone_url) == ("kiosk.example", "tel:+4586123456")


def test_a_paused_place_says_so_instead_of_when_it_opens() -> None:
    html = render("find/point.html", point_view(place(state="paused"), Known(), AT, "https://x.example")).decode()
    assert "Takes nothing in at the moment" in html
    assert "Open until" not in html


def test_what_it_takes_is_said_in_words_we_know() -> None:
    view = point_view(place(accepts=("box_free", "x_unknown")), Known(), AT, "https://x.example")
    assert view.takes == ("Things without a box",)
    assert view.unsaid == (
        "Nobody has told us how heavy and large a thing may be, whether it prints labels or whether there are steps."
    )
    assert (view.steps, view.collected, view.photo, view.access_note) == ("", "", "", "")
    assert [one["name"] for one in told(view)["amenityFeature"]] == ["Returns without a box"], "no more is known"


def test_facts_are_told_to_people_and_to_search_engines() -> None:
    facts = Facts(("gls", "post_nord"), False, True, 20_000, (600, 400, 305), ("batteries", "tyres"))
    where = {"photo_url": "https://pictures.example/1.jpg", "access_note": "by <track> 1"}
    view = point_view(place(accepts=("box_free",), facts=facts, **where), Known(), AT, "https://x.example")
    assert view.takes == (
        "Things without a box",
        "Up to 20 kg",
        "Up to 60 × 40 × 30.5 cm large",
        "Not: batteries and tyres",
        "Prints labels",
    )
    assert (view.steps, view.collected, view.unsaid) == ("There are steps at the door", "GLS and Post Nord", "")
    assert told(view)["image"] == "https://pictures.example/1.jpg"
    features = {one["name"]: one["value"] for one in told(view)["amenityFeature"]}
    assert features == {
        "Step-free access": False,
        "Label printing": True,
        "Returns without a box": True,
        "Maximum weight": 20_000,
    }
    html = render("find/point.html", view).decode()
    assert "by &lt;track&gt; 1" in html
    assert 'href="https://pictures.example/1.jpg"' in html
    assert "<img" not in html, "nothing is loaded from elsewhere"
