"""A source's pages stay within bounds, and circles that are cut up still cover all."""

import math
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from dropoff.ports.locations import (
    EMPTY_PAGES_MAX,
    PAGE_ROWS_MAX,
    Malformed,
    Misconfigured,
    Page,
    Point,
    read_pages,
    read_settings,
)
from dropoff.ports.searching import Answers, Area, search_pages

GEOD = Geod(ellps="WGS84")


class Given:
    host = "test"

    def __init__(self, pages: Iterable[Page]) -> None:
        self._pages = pages

    def pages(self, cursor: str | None) -> Iterator[Page]:
        return iter(self._pages)


def rows(count: int) -> tuple[Point, ...]:
    return tuple(Point(id=str(number)) for number in range(count))


def endless(page: Page) -> Iterator[Page]:
    while True:
        yield page


@pytest.mark.parametrize(
    ("pages", "told"),
    [
        (endless(Page(rows=rows(100))), "more than 5000 rows"),
        (endless(Page(rows=())), f"{EMPTY_PAGES_MAX + 1} empty pages"),
        (endless(Page(rows=rows(1), cursor="2")), "circles"),
        ([Page(rows=rows(PAGE_ROWS_MAX + 1))], "a page of"),
    ],
)
def test_what_never_ends_is_malformed(pages: Iterable[Page], told: str) -> None:
    with pytest.raises(Malformed, match=told):
        for _ in read_pages(Given(pages), rows_max=5000):
            pass


def test_a_cursor_that_leads_to_where_it_came_from_is_a_circle() -> None:
    with pytest.raises(Malformed, match="circles"):
        list(read_pages(Given([Page(rows=rows(1), cursor="5")]), "5"))


areas = st.builds(Area, st.floats(-80, 80), st.floats(-180, 180), st.floats(300, 200_000))


@given(areas, st.floats(0, 360), st.floats(0, 1))
def test_quarters_cover_the_circle_and_are_smaller(area: Area, azimuth: float, share: float) -> None:
    quarters = area.quarters()
    assert max(quarter.radius_m for quarter in quarters) < area.radius_m * 0.85
    lon, lat, _ = GEOD.fwd(area.lon, area.lat, azimuth, math.sqrt(share) * area.radius_m)
    assert min(GEOD.inv(lon, lat, quarter.lon, quarter.lat)[2] - quarter.radius_m for quarter in quarters) <= 0


def test_a_place_that_cannot_be_told_apart_makes_the_pull_incomplete() -> None:
    pages = list(search_pages((Area(50, 8, 1000),), 250, lambda _: Answers(rows(3), full=True), None))
    assert not any(page.complete for page in pages)
    assert sum(len(page.rows) for page in pages) == 3
    with pytest.raises(Malformed, match="cursor"):
        list(search_pages((), 250, lambda _: Answers((), full=False), "nonsense"))


class _Shape(Point, frozen=True):
    """Any struct does."""


def test_settings_of_the_service_are_not_the_plugins() -> None:
    environment = {
        "DROPOFF_LOCATIONS_A_B_PLUGIN": "files",
        "DROPOFF_LOCATIONS_A_B_EVERY": "6h",
        "DROPOFF_LOCATIONS_A_B_ID": "7",
    }
    assert read_settings("a-b", environment, _Shape).id == "7"
    with pytest.raises(Misconfigured, match="DROPOFF_LOCATIONS_A_B_SIZE"):
        read_settings("a-b", environment | {"DROPOFF_LOCATIONS_A_B_SIZE": "7"}, _Shape)
