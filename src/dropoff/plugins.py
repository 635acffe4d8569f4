"""Finds the installed carriers, sources of drop-off points and adapters for lockers by entry point. A broken plug-in
stops the start, with its distribution's name: a service that silently misses a carrier would leave parcels behind.

A carrier is there once it is installed, and so is an adapter for lockers: its settings come with each bank that an
operator connects. A source is there once it has a setting: `DROPOFF_LOCATIONS_<NAME>_…`, where the name is a plug-in's
own, or any other with a `…_PLUGIN`.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import msgspec

from dropoff.ports import locations, locker
from dropoff.ports.carrier import ENTRY_POINT_GROUP, Carrier
from dropoff.ports.locations import LocationSource
from dropoff.ports.locker import LockerBank

LOCATIONS_PREFIX = "DROPOFF_LOCATIONS_"
EVERY_MIN_S = 60.0
EVERY_MAX_S = 30 * 86_400.0
_EVERY = re.compile(r"(\d{1,5})\s*([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
ConnectBank = Callable[[str, Mapping[str, str]], LockerBank]
"""What an adapter for lockers is: called with the bank's name and its settings."""
_NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,59}")


class PluginFailed(Exception):
    """A plug-in that cannot be used; the text names distribution and entry point."""


class InstalledSource(msgspec.Struct, frozen=True):
    """A source of places that is set up."""

    name: str
    plugin: str
    source: LocationSource
    every_s: float | None = None
    """How often it is synced by itself; None: only when somebody says so."""


class PluginRegistry(msgspec.Struct, frozen=True):
    """What is installed, by name. Tests build their own; `load_plugins` builds the real one."""

    carriers: dict[str, Carrier] = {}
    distributions: dict[str, str] = {}
    """Carrier name → `distribution version`, for `dropoff plugins`."""
    sources: dict[str, InstalledSource] = {}
    source_plugins: dict[str, str] = {}
    """Name of an installed plug-in for sources, set up or not → `distribution version`."""
    lockers: dict[str, ConnectBank] = {}
    """Adapters for banks of lockers, by name."""
    locker_plugins: dict[str, str] = {}
    """Name of one → `distribution version`."""

    def carrier(self, name: str) -> Carrier | None:
        return self.carriers.get(name)


def load_plugins(
    environment: Mapping[str, str],
    found: Iterable[EntryPoint] | None = None,
    found_sources: Iterable[EntryPoint] | None = None,
) -> PluginRegistry:
    """Load every plug-in of the entry point groups. Raises `PluginFailed` at the first that is broken."""
    carriers: dict[str, Carrier] = {}
    distributions: dict[str, str] = {}
    for name, entry in _by_name("carrier", entry_points(group=ENTRY_POINT_GROUP) if found is None else found).items():
        carriers[name] = _connect(entry, environment)
        distributions[name] = _origin(entry)
    installed = entry_points(group=locations.ENTRY_POINT_GROUP) if found_sources is None else found_sources
    plugins = _by_name("source", installed)
    sources = {name: _source(name, plugins, own) for name, own in _environments(environment, plugins).items()}
    banks = _by_name("adapter for lockers", entry_points(group=locker.ENTRY_POINT_GROUP))
    return PluginRegistry(
        carriers,
        distributions,
        sources,
        {name: _origin(entry) for name, entry in plugins.items()},
        {name: _lockers(entry) for name, entry in banks.items()},
        {name: _origin(entry) for name, entry in banks.items()},
    )


def _by_name(kind: str, found: Iterable[EntryPoint]) -> dict[str, EntryPoint]:
    entries: dict[str, EntryPoint] = {}
    for entry in found:
        if entry.name in entries:
            raise PluginFailed(
                f"{kind} {entry.name!r} comes from {_origin(entries[entry.name])} and from {_origin(entry)}"
            )
        entries[entry.name] = entry
    return entries


def _connect(entry: EntryPoint, environment: Mapping[str, str]) -> Carrier:
    origin = _origin(entry)
    try:
        carrier = entry.load()(environment)
    except Exception as error:
        raise PluginFailed(f"carrier {entry.name!r} of {origin} ({entry.value}): {error}") from error
    if not callable(getattr(carrier, "book", None)) or not getattr(carrier, "services", None):
        raise PluginFailed(f"carrier {entry.name!r} of {origin} ({entry.value}) has no book() or no services")
    return carrier  # type: ignore[no-any-return]


def _lockers(entry: EntryPoint) -> ConnectBank:
    what = f"adapter for lockers {entry.name!r} of {_origin(entry)} ({entry.value})"
    try:
        connect = entry.load()
    except Exception as error:
        raise PluginFailed(f"{what}: {error}") from error
    if not callable(connect):
        raise PluginFailed(f"{what} cannot be called")
    return connect  # type: ignore[no-any-return]


def _environments(environment: Mapping[str, str], plugins: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """The settings of each source that is set up, by its name. `A_B_PATH` belongs to the source `a_b` if there is one,
    else to `a`."""
    given = {key: value for key, value in environment.items() if key.startswith(LOCATIONS_PREFIX)}
    named = [key[len(LOCATIONS_PREFIX) :] for key in given if key.endswith("_PLUGIN")]
    names = {*plugins, *(key.removesuffix("_PLUGIN").lower() for key in named)}
    owned: dict[str, dict[str, str]] = {}
    for key, value in given.items():
        owners = [name for name in names if key.startswith(locations.setting_prefix(name))]
        if not owners:
            known = ", ".join(sorted(plugins)) or "none"
            raise PluginFailed(
                f"{key} is no setting of an installed source ({known}), and no …_PLUGIN names its source"
            )
        owned.setdefault(max(owners, key=len), {})[key] = value
    return owned


def _source(name: str, plugins: Mapping[str, EntryPoint], environment: Mapping[str, str]) -> InstalledSource:
    prefix = locations.setting_prefix(name)
    plugin = environment.get(f"{prefix}PLUGIN") or name
    entry = plugins.get(plugin)
    if entry is None:
        raise PluginFailed(f"{prefix}PLUGIN: no source {plugin!r} is installed, only {', '.join(sorted(plugins))}")
    if not _NAME.fullmatch(name):
        raise PluginFailed(f"{prefix}…: a source's name has 1 to 60 letters, digits and underscores")
    what = f"source {name!r} of {_origin(entry)} ({entry.value})"
    try:
        source = entry.load()(name, environment)
    except Exception as error:
        raise PluginFailed(f"{what}: {error}") from error
    if not callable(getattr(source, "pages", None)) or not isinstance(getattr(source, "host", None), str):
        raise PluginFailed(f"{what} has no pages() or no host")
    return InstalledSource(name, plugin, source, _every_s(f"{prefix}EVERY", environment.get(f"{prefix}EVERY", "")))


def _every_s(setting: str, text: str) -> float | None:
    if not text:
        return None
    found = _EVERY.fullmatch(text.strip().lower())
    seconds = float(int(found[1]) * _SECONDS[found[2]]) if found else 0.0
    if not EVERY_MIN_S <= seconds <= EVERY_MAX_S:
        raise PluginFailed(f"{setting} must be like 30m, 6h or 1d, from a minute to 30 days")
    return seconds


def _origin(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else "an unknown distribution"
