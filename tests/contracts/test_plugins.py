"""A broken plug-in stops the start, and the message names the distribution to mend or remove."""

from collections.abc import Mapping
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from dropoff.plugins import PluginFailed, load_plugins
from dropoff.ports.carrier import Misconfigured
from dropoff.testing import FakeCarrier

FAKE = "dropoff.testing.fake_carrier:connect_fake"
SETTINGS = {"DROPOFF_CARRIER_FAKE_URL": "http://127.0.0.1:9"}


class _Distribution:
    name, version = "dropoff-carrier-acme", "1.2"


def entry(name: str, value: str) -> EntryPoint:
    found = EntryPoint(name, value, "dropoff.carriers")
    vars(found)["dist"] = _Distribution()
    return found


def no_services(environment: Mapping[str, str]) -> object:
    return object()


def test_a_carrier_is_known_by_its_entry_points_name() -> None:
    registry = load_plugins(SETTINGS, [entry("acme", FAKE)])
    assert isinstance(registry.carrier("acme"), FakeCarrier)
    assert registry.distributions == {"acme": "dropoff-carrier-acme 1.2"}
    assert registry.carrier("other") is None


@pytest.mark.parametrize(
    "value",
    ["no_such_module:connect", "dropoff.testing:no_such_name", "dropoff.ports.carrier:Rejected", "math:pi"],
)
def test_a_plugin_that_cannot_be_loaded_is_named(value: str) -> None:
    with pytest.raises(PluginFailed, match=r"'acme' of dropoff-carrier-acme 1\.2"):
        load_plugins(SETTINGS, [entry("acme", value)])


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({}, "DROPOFF_CARRIER_FAKE_"),
        (SETTINGS | {"DROPOFF_CARRIER_FAKE_TIMEOUT_S": "soon"}, "timeout_s"),
        (SETTINGS | {"DROPOFF_CARRIER_FAKE_SPEED": "9"}, "DROPOFF_CARRIER_FAKE_SPEED"),
    ],
)
def test_wrong_settings_are_told(environment: dict[str, str], told: str) -> None:
    with pytest.raises(PluginFailed, match=told) as caught:
        load_plugins(environment, [entry("acme", FAKE)])
    assert isinstance(caught.value.__cause__, Misconfigured)


def test_two_distributions_may_not_bring_the_same_carrier() -> None:
    with pytest.raises(PluginFailed, match="'acme' comes from"):
        load_plugins(SETTINGS, [entry("acme", FAKE), entry("acme", FAKE)])


LISTED = "dropoff.testing.fake_source:connect_listed"


@pytest.fixture
def places(tmp_path: Path) -> str:
    path = tmp_path / "places.json"
    path.write_text('[{"id": "1", "name": "Kiosk", "kind": "store", "country": "DK", "lat": 55.6, "lon": 12.5}]')
    return str(path)


def test_a_source_is_set_up_by_its_settings(places: str) -> None:
    environment = {"DROPOFF_LOCATIONS_LISTED_PATH": places, "DROPOFF_LOCATIONS_LISTED_EVERY": "6h"}
    registry = load_plugins(environment, [], [entry("listed", LISTED), entry("other", LISTED)])
    assert list(registry.sources) == ["listed"]
    assert registry.sources["listed"].every_s == 6 * 3600
    assert registry.source_plugins == {"listed": "dropoff-carrier-acme 1.2", "other": "dropoff-carrier-acme 1.2"}
    assert load_plugins({}, [], [entry("listed", LISTED)]).sources == {}


def test_one_plugin_serves_several_sources(places: str) -> None:
    environment = {
        "DROPOFF_LOCATIONS_LISTED_PATH": places,
        "DROPOFF_LOCATIONS_LISTED_EAST_PLUGIN": "listed",
        "DROPOFF_LOCATIONS_LISTED_EAST_PATH": places,
        "DROPOFF_LOCATIONS_KIOSKS_PLUGIN": "listed",
        "DROPOFF_LOCATIONS_KIOSKS_PATH": places,
    }
    registry = load_plugins(environment, [], [entry("listed", LISTED)])
    assert {name: source.plugin for name, source in registry.sources.items()} == {
        "listed": "listed",
        "listed_east": "listed",
        "kiosks": "listed",
    }


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"DROPOFF_LOCATIONS_LISTED_COLOUR": "red"}, "COLOUR"),
        ({"DROPOFF_LOCATIONS_OTHER_PATH": "x"}, "DROPOFF_LOCATIONS_OTHER_PATH is no setting"),
        ({"DROPOFF_LOCATIONS_OTHER_PLUGIN": "nobody"}, "no source 'nobody' is installed, only listed"),
        ({"DROPOFF_LOCATIONS_LISTED_EVERY": "often"}, "DROPOFF_LOCATIONS_LISTED_EVERY must be like"),
        ({"DROPOFF_LOCATIONS_LISTED_EVERY": "5s"}, "from a minute"),
        ({"DROPOFF_LOCATIONS_LISTED_PATH": "/no/such/file"}, "source 'listed' of dropoff-carrier-acme"),
    ],
)
def test_a_source_that_cannot_be_used_is_named(places: str, more: dict[str, str], told: str) -> None:
    with pytest.raises(PluginFailed, match=told):
        load_plugins({"DROPOFF_LOCATIONS_LISTED_PATH": places} | more, [], [entry("listed", LISTED)])


def test_what_is_no_source_is_told(places: str) -> None:
    with pytest.raises(PluginFailed, match=r"pages\(\)"):
        load_plugins({"DROPOFF_LOCATIONS_X_PATH": "y"}, [], [entry("x", "builtins:zip")])


def test_the_installed_sources_are_found() -> None:
    assert set(load_plugins({}).source_plugins) >= {"files", "osm", "inpost", "dhl", "ups"}
    environment = {"DROPOFF_LOCATIONS_OSM_COUNTRIES": "DK", "DROPOFF_LOCATIONS_INPOST_COUNTRIES": "PL"}
    assert set(load_plugins(environment).sources) == {"osm", "inpost"}
