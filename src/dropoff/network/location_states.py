"""Places paused, resumed, closed and reopened by hand, and their closures: each change one event, in every search soon.

Who pauses a place, a till or the operator, matters: a till ends no pause but its own place's.
"""

from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from dropoff.db import Tx
from dropoff.events.log import Event, append
from dropoff.kernel.errors import Problem, invalid, not_found
from dropoff.kernel.ids import new_id
from dropoff.network import closures, location_store
from dropoff.network.closures import NewClosure
from dropoff.network.location_store import Closure, Standing
from dropoff.network.rules import LOCATION_MOVES
from dropoff.web.schema import Time

PAUSE_MAX: Final = timedelta(days=366)
NO_PAUSE: Final[dict[str, Any]] = {"pause_reason": None, "paused_until": None, "paused_by": None}
SCHEDULE: Final = "system:schedule"
Told = Literal["accepted", "already", "refused"]


class NewPause(msgspec.Struct, frozen=True, kw_only=True):
    """Without `until` it lasts until somebody resumes."""

    until: Time | None = None
    reason: Annotated[str, Meta(max_length=200)] = ""


class NewClose(msgspec.Struct, frozen=True):
    reason: Annotated[str, Meta(max_length=200)] = ""


class ClosureList(msgspec.Struct, frozen=True):
    items: list[Closure]
    next: None = None


def pause(tx: Tx, location_id: str, wanted: NewPause, at: datetime, actor: str) -> Standing | Problem:
    """Takes the place out of the search, and nothing is handed in there. Of a paused place it changes the pause."""
    refused = _until_problem(wanted, at)
    if refused is not None:
        return refused
    before = location_store.standing(tx, location_id)
    if before is not None and before.state == "paused" and _pause_of(before) == (wanted.reason, wanted.until, actor):
        return before
    values = {"pause_reason": wanted.reason, "paused_until": wanted.until, "paused_by": actor}
    told = {"reason": wanted.reason, "until": wanted.until.isoformat() if wanted.until else None}
    return _move(tx, location_id, "pause", values, at, actor, told)


def resume(tx: Tx, location_id: str, at: datetime, actor: str) -> Standing | Problem:
    """Resuming a place that is not paused answers how it stands."""
    return _move(tx, location_id, "resume", NO_PAUSE, at, actor, {})


def close(tx: Tx, location_id: str, reason: str, at: datetime, actor: str) -> Standing | Problem:
    """It leaves the network: what lies there must be fetched, codes of shoppers hold everywhere else. No import and no
    sync brings it back."""
    return _move(tx, location_id, "close", NO_PAUSE, at, actor, {"reason": reason})


def reopen(tx: Tx, location_id: str, at: datetime, actor: str) -> Standing | Problem:
    return _move(tx, location_id, "reopen", {}, at, actor, {})


def pause_by_till(tx: Tx, location_id: str, wanted: NewPause, at: datetime, actor: str) -> Told | Problem:
    """`already`: it is paused, by whomever; the pause stays as it is."""
    found = location_store.standing(tx, location_id)
    if found is None or found.state not in ("active", "paused"):
        return "refused"
    if found.state == "paused":
        return "already"
    outcome = pause(tx, location_id, wanted, at, actor)
    return outcome if isinstance(outcome, Problem) else "accepted"


def resume_by_till(tx: Tx, location_id: str, at: datetime, actor: str) -> Told:
    """Refused when the operator paused or closed the place: that is not the shop's to end."""
    found = location_store.standing(tx, location_id)
    if found is None or found.state not in ("active", "paused"):
        return "refused"
    if found.state == "active":
        return "already"
    if not paused_by_till(found):
        return "refused"
    return "refused" if isinstance(resume(tx, location_id, at, actor), Problem) else "accepted"


def paused_by_till(found: Standing) -> bool:
    return found.state == "paused" and (found.paused_by or "").startswith("device:")


def end_pauses(tx: Tx, at: datetime, limit: int) -> int:
    """Pauses whose time has come, so many; how many it were."""
    over = location_store.pauses_over(tx, at, limit)
    for location_id in over:
        resume(tx, location_id, at, SCHEDULE)
    return len(over)


def list_closures(tx: Tx, location_id: str, at: datetime) -> ClosureList | Problem:
    """Those that are not over yet, in the order in which they were entered."""
    found = location_store.standing(tx, location_id)
    if found is None:
        return not_found("location")
    return ClosureList(location_store.closures(tx, [location_id], closures.today_at(at, found.zone)))


def add_closure(tx: Tx, location_id: str, new: NewClosure, at: datetime, actor: str) -> Closure | Problem:
    found = location_store.standing(tx, location_id)
    if found is None:
        return not_found("location")
    today = closures.today_at(at, found.zone)
    refused = closures.problem_of(new, today)
    if refused is not None:
        return refused
    if len(location_store.closures(tx, [location_id], today)) >= closures.CLOSURES_MAX:
        return invalid("/first_day", f"The place has {closures.CLOSURES_MAX} closures already; take one back first.")
    closure = Closure(
        id=new_id("cls"),
        location_id=location_id,
        first_day=new.first_day,
        last_day=new.last_day,
        hours=new.hours,
        reason=new.reason,
        created_at=at,
        created_by=actor,
        removed_at=None,
    )
    location_store.add_closure(tx, closure)
    location_store.touch(tx, location_id, at)
    _tell_of_closure(tx, "location.closure_added", closure, found, at, actor)
    return closure


def remove_closure(tx: Tx, closure_id: str, at: datetime, actor: str) -> Closure | Problem:
    """The usual hours hold again. Taking back twice answers the same."""
    removed = location_store.remove_closure(tx, closure_id, at)
    if removed is not None:
        location_store.touch(tx, removed.location_id, at)
        found = location_store.standing(tx, removed.location_id)
        assert found is not None, "the foreign key keeps it"
        _tell_of_closure(tx, "location.closure_removed", removed, found, at, actor)
    return removed or location_store.find_closure(tx, closure_id) or not_found("closure")


def _pause_of(found: Standing) -> tuple[str | None, datetime | None, str | None]:
    return found.pause_reason, found.paused_until, found.paused_by


def _until_problem(wanted: NewPause, at: datetime) -> Problem | None:
    if wanted.until is not None and wanted.until <= at:
        return invalid("/until", "That time is over.")
    if wanted.until is not None and wanted.until > at + PAUSE_MAX:
        return invalid("/until", "A pause lasts a year at most; leave `until` out to resume by hand.")
    return None


def _move(
    tx: Tx, location_id: str, verb: str, values: dict[str, Any], at: datetime, actor: str, told: dict[str, Any]
) -> Standing | Problem:
    """Changes nothing, and tells nothing, when the place stands so already."""
    found = location_store.standing(tx, location_id)
    if found is None:
        return not_found("location")
    target = LOCATION_MOVES.get((found.state, verb))
    if target is None:
        return Problem("location-not-open", f"The place is {found.state}.")
    if target == found.state and verb != "pause":
        return found
    moved = location_store.move(tx, location_id, [found.state], values | {"state": target}, at)
    if moved is None:
        # Another changed it between our look and our guard: now it stands otherwise.
        return _move(tx, location_id, verb, values, at, actor, told)
    _tell(tx, f"location.{_PAST[verb]}", moved, at, actor, told)
    return moved


_PAST: Final = {"pause": "paused", "resume": "resumed", "close": "closed", "reopen": "reopened"}


def _tell(tx: Tx, kind: str, place: Standing, at: datetime, actor: str, told: dict[str, Any]) -> None:
    data = {name: value for name, value in told.items() if value not in ("", None)}
    objects = {"location": place.id}
    event = Event(type=kind, actor=actor, at=at, live=place.live, location_id=place.id, objects=objects, data=data)
    append(tx, event)


def _tell_of_closure(tx: Tx, kind: str, closure: Closure, place: Standing, at: datetime, actor: str) -> None:
    told = {"first_day": closure.first_day.isoformat(), "last_day": closure.last_day.isoformat()}
    told |= {"hours": closure.hours, "closure": closure.id}
    _tell(tx, kind, place, at, actor, told)
