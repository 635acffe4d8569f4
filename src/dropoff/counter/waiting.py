"""How many parcels lie at a place: counted with every move, and set right where the count is off.

The count follows from the parcels' rows alone: where each is, and whether it is still there to be fetched.
"""

import logging
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from dropoff.counter import store_waiting
from dropoff.counter.rules import WAITING_STATES
from dropoff.counter.store import ParcelRow
from dropoff.counter.store_waiting import Whereabouts
from dropoff.db import Database, Tx
from dropoff.network import loads

LOOKED_BACK = timedelta(days=60)
"""When the last hand-in is taken back, an older one proves little."""

log = logging.getLogger("dropoff.counter")


def follow(tx: Tx, before: Iterable[ParcelRow], after: Iterable[ParcelRow], at: datetime) -> None:
    """The same parcels before and after a move."""
    moved: Counter[tuple[str, bool]] = Counter()
    for sign, parcels in ((-1, before), (1, after)):
        for parcel in parcels:
            if parcel.location_id is not None and parcel.status in WAITING_STATES:
                moved[parcel.location_id, parcel.live] += sign
    for (location_id, live), more in sorted(moved.items()):
        if more:
            loads.count(tx, location_id, live, more, at)


def whereabouts(tx: Tx, parcel_ids: list[str]) -> dict[str, Whereabouts]:
    """By parcel."""
    return store_waiting.whereabouts(tx, parcel_ids)


def take_back_evidence(tx: Tx, location_id: str, live: bool, at: datetime) -> None:
    """After a hand-in was undone: it proves nothing any more."""
    if loads.modes(tx, [location_id]).get(location_id) != live:
        return
    loads.set_last_hand_in(tx, location_id, store_waiting.last_hand_in(tx, location_id, live, at - LOOKED_BACK))


def recount(db: Database, at: datetime) -> list[str]:
    """Sets right every place whose count is off; their ids. What is suspicious is counted again, each place by itself,
    while nobody else counts there."""
    return [place for place in sorted(db.read_sync(_suspects)) if db.write_sync(_recount_one, place, at)]


def _suspects(tx: Tx) -> set[str]:
    found = store_waiting.waiting(tx)
    known = loads.waiting(tx)
    places = {place for place, _ in found} | set(known)
    modes = loads.modes(tx, places)
    return {place for place in places if known.get(place, 0) != found.get((place, modes.get(place, True)), 0)}


def _recount_one(tx: Tx, location_id: str, at: datetime) -> bool:
    held, mode = loads.hold(tx, location_id, at), loads.modes(tx, [location_id])
    counted = store_waiting.waiting(tx, [location_id]).get((location_id, mode.get(location_id, True)), 0)
    if held == counted:
        return False
    loads.set_waiting(tx, location_id, counted, at)
    log.warning("place %s: %d parcels were counted, %d lie there", location_id, held, counted)
    return True
