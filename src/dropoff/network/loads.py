"""What is known of a place from what happens there: parcels that lie there, and how many it can hold; the last hand-in
and the last driver; tags and printer.

Counted by the rooms above, in their transactions. Nothing here moves the network's revision: a hand-in must not make a
million places be arranged anew.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from dropoff.db import Tx
from dropoff.events.log import Event, append
from dropoff.kernel.errors import Problem, invalid, not_found
from dropoff.network import load_store, store
from dropoff.network.evidence import DAY_MIN, NOTHING, Evidence, evidence_of, marks_of
from dropoff.network.load_store import Load
from dropoff.network.nearby_hours import minute_of

Count = Annotated[int, Meta(ge=0, le=100_000)]
HELD_STATES: Final = store.HELD_STATES


class Stock(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody at the place tells; what is left out stays as it was. A `capacity` in parcels, `tags` left."""

    capacity: Count | None = None
    tags: Count | None = None
    printer: Literal["ready", "empty", "broken", "none"] | None = None


def count(
    tx: Tx,
    location_id: str,
    live: bool,
    parcels: int,
    at: datetime,
    *,
    hand_in_at: datetime | None = None,
    driver_at: datetime | None = None,
) -> None:
    """`parcels` more lie there, or less. Those of the other mode are no parcels that take room, and prove nothing."""
    place = store.find_location(tx, location_id)
    if place is not None and place.live == live:
        load_store.count(tx, location_id, parcels, at, hand_in_at=hand_in_at, driver_at=driver_at)


def use_tags(tx: Tx, location_id: str, used: int, at: datetime) -> None:
    """So many tags of the place's rolls are on parcels now. Where nobody counts tags, nothing happens."""
    load_store.use_tags(tx, location_id, used, at)


def set_tags(tx: Tx, location_id: str, left: int | None, at: datetime) -> None:
    """After `hold`. As many as the place's rolls have left; None when it has no roll any more, and nobody counts."""
    load_store.tell(tx, location_id, at, {"tags": left, "tags_at": None if left is None else at})


def find(tx: Tx, location_id: str) -> Load | None:
    return load_store.find(tx, location_id)


def left(load: Load | None) -> int | None:
    """How many more parcels the place can hold; None when nobody told."""
    return None if load is None or load.capacity is None else max(0, load.capacity - load.waiting)


def evidence(tx: Tx, location_ids: Sequence[str], at: datetime) -> list[Evidence]:
    """What is told to everybody, of each."""
    known, day = load_store.of(tx, location_ids), minute_of(at) // DAY_MIN
    return [evidence_of(marks_of(known[one]), day) if one in known else NOTHING for one in location_ids]


def set_last_hand_in(tx: Tx, location_id: str, hand_in_at: datetime | None) -> None:
    """Also an earlier one than it was, or none."""
    load_store.set_counted(tx, location_id, {"hand_in_at": hand_in_at})


def hold(tx: Tx, location_id: str, at: datetime) -> int:
    """How many parcels were counted there. Nobody else counts there until the end of the transaction."""
    return load_store.hold(tx, location_id, at).waiting


def set_waiting(tx: Tx, location_id: str, parcels: int, at: datetime) -> None:
    """After `hold`."""
    load_store.set_counted(tx, location_id, {"waiting": parcels, "waiting_at": at})


def waiting(tx: Tx) -> dict[str, int]:
    """Of every place where something lies."""
    return load_store.waiting(tx)


def modes(tx: Tx, location_ids: Collection[str]) -> dict[str, bool]:
    """Whether each place is live."""
    return load_store.modes(tx, list(location_ids))


def tell(tx: Tx, location_id: str, stock: Stock, at: datetime, actor: str) -> Load | Problem:
    told = {name: value for name, value in msgspec.structs.asdict(stock).items() if value is not None}
    if not told:
        return invalid("", "Tell at least one of `capacity`, `tags` and `printer`.")
    place = store.find_location(tx, location_id)
    if place is None or place.state not in HELD_STATES:
        return not_found("location")
    return _tell(tx, place, told, at, actor)


def set_capacity(tx: Tx, place: store.Location, capacity: int | None, at: datetime, actor: str) -> None:
    """None: nobody knows any more. Saying what holds already changes nothing."""
    load = load_store.find(tx, place.id)
    if capacity != (load.capacity if load else None):
        _tell(tx, place, {"capacity": capacity}, at, actor)


def _tell(tx: Tx, place: store.Location, told: dict[str, Any], at: datetime, actor: str) -> Load:
    location_id = place.id
    facts: dict[str, Any] = {**told, **{f"{name}_at": at for name in told}}
    load = load_store.tell(tx, location_id, at, facts)
    objects = {"location": location_id}
    append(
        tx,
        Event(
            type="location.stock_told",
            actor=actor,
            at=at,
            live=place.live,
            location_id=location_id,
            objects=objects,
            data=told,
        ),
    )
    return load
