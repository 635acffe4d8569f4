"""`dropoff locations …`: places kept by hand from a shell. Lines of fields between tabs, or JSON."""

import argparse
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from dropoff.app import Context
from dropoff.counter import pausing
from dropoff.db import Tx
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem
from dropoff.network import location_editing, location_hours, location_states, location_views, service
from dropoff.network.closures import NewClosure
from dropoff.network.location_editing import LocationPatch
from dropoff.network.location_states import NewPause
from dropoff.network.location_views import KeptLocation
from dropoff.network.store import LocationFilter
from dropoff.settings import Misconfigured

ACTOR: Final = "operator:cli"


def run(context: Context, arguments: argparse.Namespace) -> int:
    outcome, lines = VERBS[arguments.verb](context, arguments)
    if isinstance(outcome, Problem):
        print(f"dropoff: {outcome.detail or outcome.code}", file=sys.stderr)
        return 1
    if arguments.json:
        print(msgspec.json.encode(outcome).decode())
        return 0
    for line in lines(outcome):
        print("\t".join(str(field).replace("\t", " ") for field in line))
    return 0


Told = tuple[Any, Callable[[Any], list[tuple[Any, ...]]]]


def _list(context: Context, asked: argparse.Namespace) -> Told:
    wanted = LocationFilter(
        asked.after,
        asked.limit,
        source=asked.source,
        kind=asked.kind,
        state=asked.state,
        text=asked.text,
        full=asked.full,
        silent_since=None if asked.silent_days is None else now() - timedelta(days=asked.silent_days),
    )
    found = context.db.read_sync(service.list_locations, wanted)

    def lines(page: Any) -> list[tuple[Any, ...]]:
        return [(p.id, p.state, p.kind, p.name, p.postcode, p.city, p.country, p.source) for p in page.items]

    return found, lines


def _show(context: Context, asked: argparse.Namespace) -> Told:
    return context.db.read_sync(location_views.kept, asked.id, now()), _facts


def _facts(kept: KeptLocation) -> list[tuple[Any, ...]]:
    told = msgspec.to_builtins(kept)
    nested = ("address", "position", "pause", "overrides", "closures", "closure_entries")
    lines: list[tuple[Any, ...]] = [(name, _flat(value)) for name, value in told.items() if name not in nested]
    lines += [(f"address.{name}", value or "") for name, value in told["address"].items()]
    lines += [("position", f"{kept.position.lat},{kept.position.lon}")]
    if kept.pause is not None:
        lines += [("pause", kept.pause.by, kept.pause.until or "", kept.pause.reason)]
    lines += [("by_hand", one.field, one.source_value or "") for one in kept.overrides]
    return lines + [
        ("closure", one.id, one.first_day, one.last_day, one.hours, one.reason) for one in kept.closure_entries
    ]


def _flat(value: Any) -> Any:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else "" if value is None else value


def _pause(context: Context, asked: argparse.Namespace) -> Told:
    if asked.until is not None and asked.until.tzinfo is None:
        raise Misconfigured("--until needs an offset, for example 2026-11-22T18:00+01:00.")
    wanted = NewPause(until=asked.until, reason=asked.reason[:200])
    return _changed(context, location_states.pause, asked.id, wanted), _state


def _resume(context: Context, asked: argparse.Namespace) -> Told:
    return _changed(context, location_states.resume, asked.id), _state


def _reopen(context: Context, asked: argparse.Namespace) -> Told:
    return _changed(context, location_states.reopen, asked.id), _state


def _close(context: Context, asked: argparse.Namespace) -> Told:
    closed = context.db.write_sync(pausing.close_location, asked.id, asked.reason[:200], now(), ACTOR)

    def lines(told: Any) -> list[tuple[Any, ...]]:
        left = [("left here", one.sscc, one.parcels) for one in told.left_here.containers]
        return _state(told) + left + [("left here", tag, 1) for tag in told.left_here.waiting]

    return closed, lines


def _state(kept: Any) -> list[tuple[Any, ...]]:
    return [(kept.id, kept.state)]


def _changed(context: Context, change: Callable[..., Any], location_id: str, *values: Any) -> Any:
    def both(tx: Tx, at: datetime) -> Any:
        outcome = change(tx, location_id, *values, at, ACTOR)
        return outcome if isinstance(outcome, Problem) else location_views.kept(tx, location_id, at)

    return context.db.write_sync(both, now())


def _closure(context: Context, asked: argparse.Namespace) -> Told:
    def lines(told: Any) -> list[tuple[Any, ...]]:
        items = told.items if isinstance(told, location_states.ClosureList) else [told]
        return [(one.id, one.first_day, one.last_day, one.hours, one.reason) for one in items]

    db = context.db
    if asked.remove:
        return db.write_sync(location_states.remove_closure, asked.remove, now(), ACTOR), lines
    if asked.first_day is None:
        return db.read_sync(location_states.list_closures, asked.id, now()), lines
    last, reason = asked.last_day or asked.first_day, asked.reason[:200]
    new = NewClosure(first_day=asked.first_day, last_day=last, hours=asked.hours[:60], reason=reason)
    return db.write_sync(location_states.add_closure, asked.id, new, now(), ACTOR), lines


def _hours(context: Context, asked: argparse.Namespace) -> Told:
    if asked.set is not None:
        patch = LocationPatch(opening_hours=asked.set or None)
        edited = _changed(context, location_editing.edit_location, asked.id, patch)
        if isinstance(edited, Problem):
            return edited, _state

    def lines(told: location_hours.HoursPreview) -> list[tuple[Any, ...]]:
        return [(day.date, day.weekday, _spans(day), _why(day)) for day in told.days]

    look = location_hours.preview
    return context.db.read_sync(look, asked.id, asked.first, asked.days, now(), asked.look_at), lines


def _spans(day: location_hours.HoursDay) -> str:
    if day.spans is None:
        return "unknown"
    return ",".join(f"{span.opens}-{span.closes}" for span in day.spans) or "off"


def _why(day: location_hours.HoursDay) -> str:
    words = ["holiday"] if day.holiday else []
    words += ["closure"] if day.closure else []
    return ",".join([*words, *([f"clocks {day.clocks}"] if day.clocks else [])])


VERBS: Final[dict[str, Callable[[Context, argparse.Namespace], Told]]] = {
    "list": _list,
    "show": _show,
    "pause": _pause,
    "resume": _resume,
    "close": _close,
    "reopen": _reopen,
    "closure": _closure,
    "hours": _hours,
}
