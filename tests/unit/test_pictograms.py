"""The drawing beside a thing's name says what kind it is; what nobody knows is a box."""

import pytest

from dropoff.counter.pictograms import kind_of_thing


@pytest.mark.parametrize(
    ("category", "title", "kind"),
    [
        (None, "Rain jacket", "clothes"),
        (None, "Regenjacke", "clothes"),
        (None, "Wollsocken", "clothes"),
        (None, "Regnjakke i uld", "clothes"),
        ("Shoes", "Jacket", "shoes"),
        ("Herrenschuhe", "Oxford 42", "shoes"),
        (None, "Vandrestøvler", "shoes"),
        (None, "Støvler", "shoes"),
        ("electronics/audio", "X-200", "electronics"),
        ("batteries", "AA", "thing"),
        (None, "Caption", "thing"),
        (None, "Cap", "clothes"),
        (None, "Desk lamp", "home"),
        ("books", "The hat", "book"),
        (None, "", "thing"),
        (None, "🧥", "thing"),
    ],
)
def test_the_kind_of_a_thing(category: str | None, title: str, kind: str) -> None:
    assert kind_of_thing(category, title) == kind
