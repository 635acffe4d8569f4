"""The same things handed in at two places. What was recorded first stands, with its receipt and its money: nothing
moves. Who had them first in hand may be the other one, which had no network: the case says so, and both places are
told, for the parcel that one of them keeps is not what its tag says. See docs/decisions/0025-first-custody.md."""

from datetime import datetime
from typing import Literal

from dropoff.cases import service as cases
from dropoff.counter import rules, store_hand_ins
from dropoff.counter.store_hand_ins import Custody
from dropoff.counter.till import Till
from dropoff.db import Tx
from dropoff.kernel.clock import rfc3339
from dropoff.returns.service import ReturnRow

First = Literal["here", "elsewhere"]


def tell_double_hand_in(
    tx: Tx, hand_in_id: str, till: Till, row: ReturnRow, parcel_ids: list[str], at: datetime, custody_at: datetime
) -> First | None:
    """Opens a case when the parcels were handed in elsewhere, and one for each place that has them. A till that repeats
    itself opens none. Answers where the things were first in hand; None when they were never elsewhere."""
    held = store_hand_ins.custodies_of(tx, parcel_ids)
    elsewhere = {parcel_id: one for parcel_id, one in held.items() if one.location_id != till.location_id}
    if not elsewhere:
        return None
    was_first = all(rules.is_before(custody_at, _custody(one)) for one in elsewhere.values())
    times = {till.location_id: rfc3339(custody_at)} | {
        one.location_id: rfc3339(_custody(one)) for one in elsewhere.values()
    }
    places = sorted({one.location_id for one in elsewhere.values()})
    objects = {
        "return": row.id,
        "parcels": sorted(elsewhere),
        "hand_in": hand_in_id,
        "location": till.location_id,
        "first_custody": [till.location_id] if was_first else places,
        "custody": times,
    }
    presented = "Things that were handed in at another place were presented at this one, too."
    kept = "Things that were handed in here were presented at another place, too."
    kept_first = "By the clocks this place had them first."
    here_first = "By the clocks this place had them first; the other one was recorded first."
    not_here = "By the clocks the other place had them first."
    cases.open_case(
        tx,
        kind="double_hand_in",
        subject=f"{row.id} {till.location_id}",
        objects={**objects, "first": places},
        detail=f"{presented} {here_first if was_first else not_here} Keep the parcel apart.",
        retailer_id=row.retailer_id,
        location_id=till.location_id,
        live=row.live,
        at=at,
        actor=till.actor,
        once=True,
    )
    for location_id in places:
        # Without the retailer: it was told once.
        cases.open_case(
            tx,
            kind="double_hand_in",
            subject=f"{row.id} {till.location_id} {location_id}",
            objects=objects,
            detail=f"{kept} {not_here if was_first else kept_first} Look into the parcel.",
            retailer_id=None,
            location_id=location_id,
            live=row.live,
            at=at,
            actor=till.actor,
            once=True,
        )
    return "here" if was_first else "elsewhere"


def _custody(one: Custody) -> datetime:
    return one.custody_at or rules.custody_at(one.scanned_at, one.received_at, None)
