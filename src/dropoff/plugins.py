"""Finds the installed carriers by entry point. A broken plug-in stops the start, with its distribution's
name: a service that silently misses a carrier would leave parcels behind."""

from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points

import msgspec

from dropoff.ports.carrier import ENTRY_POINT_GROUP, Carrier
from dropoff.settings import Misconfigured


class PluginFailed(Misconfigured):
    """A plug-in that cannot be used; the text names distribution and entry point."""


class PluginRegistry(msgspec.Struct, frozen=True):
    """What is installed, by name. Tests build their own; `load_plugins` builds the real one."""

    carriers: dict[str, Carrier] = {}
    distributions: dict[str, str] = {}
    """Carrier name → `distribution version`, for `dropoff plugins`."""

    def carrier(self, name: str) -> Carrier | None:
        return self.carriers.get(name)


def load_plugins(environment: Mapping[str, str], found: Iterable[EntryPoint] | None = None) -> PluginRegistry:
    """Load every carrier of the entry point group. Raises `PluginFailed` at the first that is broken."""
    carriers: dict[str, Carrier] = {}
    distributions: dict[str, str] = {}
    for entry in entry_points(group=ENTRY_POINT_GROUP) if found is None else found:
        origin = _origin(entry)
        if entry.name in carriers:
            raise PluginFailed(f"carrier {entry.name!r} comes from {distributions[entry.name]} and from {origin}")
        carriers[entry.name] = _connect(entry, origin, environment)
        distributions[entry.name] = origin
    return PluginRegistry(carriers, distributions)


def _connect(entry: EntryPoint, origin: str, environment: Mapping[str, str]) -> Carrier:
    try:
        carrier = entry.load()(environment)
    except Exception as error:
        raise PluginFailed(f"carrier {entry.name!r} of {origin} ({entry.value}): {error}") from error
    if not callable(getattr(carrier, "book", None)) or not getattr(carrier, "services", None):
        raise PluginFailed(f"carrier {entry.name!r} of {origin} ({entry.value}) has no book() or no services")
    return carrier  # type: ignore[no-any-return]


def _origin(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else "an unknown distribution"
