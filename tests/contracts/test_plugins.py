"""A broken plug-in stops the start, and the message names the distribution to mend or remove."""

from collections.abc import Mapping
from importlib.metadata import EntryPoint

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
