"""A row of a location file becomes exactly what the contract says: kept, repaired or refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from dropoff.network import countries
from dropoff.network.cleaning import REJECTION_REASONS, Cleaned, RawRow, Rejected, clean
from dropoff.network.geojson import read_geojson

BERLIN = [13.405, 52.52]
GOOD: dict[str, Any] = {"id": "a:1", "name": "Kiosk", "kind": "store", "country": "DE"}


def row(geometry: Any = "berlin", **changes: Any) -> RawRow:
    point = {"type": "Point", "coordinates": BERLIN} if geometry == "berlin" else geometry
    return RawRow(0, {key: value for key, value in (GOOD | changes).items() if value is not ...}, point)


def kept(geometry: Any = "berlin", **changes: Any) -> Cleaned:
    outcome = clean(row(geometry, **changes))
    assert isinstance(outcome, Cleaned), outcome
    return outcome


def refused(geometry: Any = "berlin", **changes: Any) -> str:
    outcome = clean(row(geometry, **changes))
    assert isinstance(outcome, Rejected), outcome
    assert outcome.reason in REJECTION_REASONS
    assert outcome.detail
    return outcome.reason


def test_the_dirty_file_becomes_exactly_what_is_expected(shared_data: Path) -> None:
    expected = json.loads((shared_data / "data" / "dirty_points.expected.json").read_bytes())
    seen: set[str] = set()
    count = 0
    for raw in read_geojson(shared_data / "data" / "dirty_points.geojson"):
        count += 1
        wanted = expected["by_index"].get(str(raw.index), {"verdict": "clean"})["verdict"]
        outcome = clean(raw) if isinstance(raw, RawRow) else raw
        if isinstance(outcome, Rejected) or outcome.external_id in seen:
            assert wanted == "rejected", (raw.index, outcome)
            continue
        seen.add(outcome.external_id)
        assert wanted == ("repaired" if outcome.repaired else wanted), (raw.index, outcome)
        assert bool(outcome.repaired) == (wanted == "repaired"), (raw.index, outcome)
    assert count == expected["rows"]


def test_a_clean_row_is_kept_as_it_is() -> None:
    place = kept(street="Torstr. 1", postcode="10119", city="Berlin", opening_hours="Mo-Fr 08:00-18:00")
    assert (place.lat, place.lon, place.zone) == (52.52, 13.405, "Europe/Berlin")
    assert (place.street, place.postcode, place.city) == ("Torstr. 1", "10119", "Berlin")
    assert place.repaired == ()
    assert place.live is True


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": ...}, "id_missing"),
        ({"id": " \u00a0"}, "id_missing"),
        ({"id": ["x"]}, "id_malformed"),
        ({"id": "x" * 201}, "id_malformed"),
        ({"name": ...}, "name_missing"),
        ({"name": "\u00a0 \x00"}, "name_missing"),
        ({"name": "x" * 201}, "text_too_long"),
        ({"street": "x" * 201}, "text_too_long"),
        ({"street": {"no": "text"}}, "text_malformed"),
        ({"kind": "zeppelin"}, "kind_unknown"),
        ({"kind": ...}, "kind_unknown"),
        ({"country": "Germany"}, "country_unknown"),
        ({"country": "UK"}, "country_unknown"),
        ({"country": "de"}, "country_unknown"),
        ({"accepts": "two words, and <html>"}, "accepts_malformed"),
        ({"accepts": [1]}, "accepts_malformed"),
        ({"live": "perhaps"}, "live_malformed"),
    ],
)
def test_rows_that_are_hopeless_are_refused_with_the_reason(changes: dict[str, Any], reason: str) -> None:
    assert refused(**changes) == reason


def point(lon: Any, lat: Any) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [lon, lat]}


@pytest.mark.parametrize(
    ("geometry", "reason"),
    [
        (None, "position_missing"),
        ("POINT (1 2)", "position_malformed"),
        (point(0, 0), "position_null_island"),
        (point("0.0", -0.0), "position_null_island"),
        (point(19.9, 152.1), "position_out_of_range"),
        (point(float("nan"), 52), "position_malformed"),
        (point(13, float("inf")), "position_malformed"),
        (point(10**400, 52), "position_malformed"),
        (point(True, 52), "position_malformed"),
        (point("13,4", "52,5"), "position_malformed"),
        (point("n/a", None), "position_malformed"),
        ({"type": "Point", "coordinates": [13.4]}, "position_malformed"),
        ({"type": "LineString", "coordinates": [BERLIN, BERLIN]}, "geometry_unsupported"),
        ({"type": "Polygon", "coordinates": [[BERLIN]]}, "position_malformed"),
    ],
)
def test_positions_that_cannot_be_right_are_refused(geometry: Any, reason: str) -> None:
    assert refused(geometry) == reason


def test_numbers_written_as_text_are_read_and_told() -> None:
    place = kept(point("13.405", " 52.52 "))
    assert (place.lat, place.lon, place.repaired) == (52.52, 13.405, ("position",))


def test_a_polygon_becomes_its_centre() -> None:
    # An L: the mean of its corners would lie elsewhere than its centroid.
    shape = [[13, 52], [13.4, 52], [13.4, 52.1], [13.1, 52.1], [13.1, 52.4], [13, 52.4], [13, 52]]
    place = kept({"type": "Polygon", "coordinates": [shape]})
    assert place.lon == pytest.approx((0.04 * 13.2 + 0.03 * 13.05) / 0.07)
    assert place.lat == pytest.approx((0.04 * 52.05 + 0.03 * 52.25) / 0.07)
    assert place.repaired == ("position",)


def test_a_polygon_across_the_antimeridian_stays_there() -> None:
    ring = [[179.9, -17], [-179.9, -17], [-179.9, -16.8], [179.9, -16.8], [179.9, -17]]
    place = kept({"type": "Polygon", "coordinates": [ring]}, country="FJ")
    assert abs(place.lon) == pytest.approx(180)


def test_axes_are_swapped_only_when_that_puts_the_point_into_its_country() -> None:
    swapped = kept(point(52.52, 13.405))
    assert (swapped.lat, swapped.lon, swapped.repaired) == (52.52, 13.405, ("position",))
    # Out of range as written, for a latitude of 139 cannot be.
    tokyo = kept(point(35.68, 139.69), country="JP")
    assert (tokyo.lat, tokyo.lon, tokyo.zone) == (35.68, 139.69, "Asia/Tokyo")


def test_a_mismatch_of_country_and_position_alone_changes_and_rejects_nothing() -> None:
    warsaw = kept(point(21.01, 52.23))
    assert (warsaw.lat, warsaw.lon, warsaw.zone, warsaw.repaired) == (52.23, 21.01, "Europe/Warsaw", ())
    # Batman in Turkey with its country written wrongly stays where it is, its mirror image lies in Georgia.
    assert kept(point(42.0, 41.13), country="GE").lat == 41.13


def test_texts_are_decoded_once_and_freed_of_controls_and_outer_blanks() -> None:
    place = kept(name="  v&Atilde;&curren;ljas &amp; S\u00f6hne\u00a0 ", street="Main\x00street\n1", city="A&amp;lt;B")
    assert place.name == "vÃ¤ljas & Söhne"
    assert place.street == "Mainstreet 1"
    assert place.city == "A&lt;B"
    assert set(place.repaired) == {"name", "street", "city"}


def test_half_a_surrogate_pair_is_removed_for_no_database_takes_it() -> None:
    place = kept(name="Ki\ud800osk")
    assert (place.name, place.repaired) == ("Kiosk", ("name",))


def test_an_ampersand_that_is_no_entity_stays() -> None:
    place = kept(name="M&M &nosuch; Shop", url="https://example.org/?a=1&copy=2")
    assert (place.name, place.url, place.repaired) == (
        "M&M &nosuch; Shop",
        "https://example.org/?a=1&copy=2",
        (),
    )


@pytest.mark.parametrize(
    "text", ["24//7", "00:24 h", "I-VII: 00-24 h", "24h", "00-24H", "24 h", "24 hours", "Mo-Su 00-24", "00:00-24:00h"]
)
def test_spellings_of_round_the_clock_are_understood(text: str) -> None:
    place = kept(opening_hours=text)
    assert (place.opening_hours, place.repaired) == ("24/7", ("opening_hours",))


@pytest.mark.parametrize("text", ["24/7", "Mo-Su 00:00-24:00", "PN-SB 06-21 ND 10-18", "MON|-|-;", "th 10:00-16:00"])
def test_other_hours_stay_the_text_they_are(text: str) -> None:
    place = kept(opening_hours=text)
    assert (place.opening_hours, place.repaired) == (text, ())


def test_hours_that_are_too_long_are_cut_so_that_they_are_no_hours_any_more() -> None:
    place = kept(opening_hours="; ".join(["Mo 10:00-11:00"] * 500))
    assert place.opening_hours is not None
    assert len(place.opening_hours) == 1000
    assert place.opening_hours.endswith("…")


def test_live_and_accepts_are_read_from_text_as_csv_has_it() -> None:
    place = kept(live="FALSE", accepts="parcel; box_free parcel")
    assert (place.live, place.accepts) == (False, ("box_free", "parcel"))
    assert kept(live=True, accepts=["parcel"]).live is True


def test_the_features_own_id_stands_in_for_a_missing_one() -> None:
    properties = {key: value for key, value in GOOD.items() if key != "id"}
    outcome = clean(RawRow(0, properties, {"type": "Point", "coordinates": BERLIN}, "node/7"))
    assert isinstance(outcome, Cleaned)
    assert outcome.external_id == "node/7"


def test_equal_content_has_an_equal_hash_wherever_it_stands_in_a_file() -> None:
    first, second = kept(), clean(RawRow(9, dict(GOOD), {"type": "Point", "coordinates": BERLIN}, None, ("encoding",)))
    assert isinstance(second, Cleaned)
    assert first.content_hash() == second.content_hash()
    assert first.content_hash() != kept(name="Another").content_hash()


def test_every_iso_country_is_known_and_lies_somewhere() -> None:
    codes = countries.country_codes()
    assert len(codes) == 249
    assert {"DE", "NO", "GB", "MC", "AX"} <= codes
    assert countries.lies_in("NO", 59.91, 10.75)
    assert not countries.lies_in("NO", 59.33, 18.06)
