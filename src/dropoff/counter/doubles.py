"""The same things handed in at two places: the first custody with a tag stands, the second is a case. Both places are
told: a till may have noted its hand-in without a network, and the parcel that it keeps is not what its tag says."""

from datetime import datetime

from dropoff.cases import service as cases
from dropoff.counter import store_hand_ins
from dropoff.counter.till import Till
from dropoff.db import Tx
from dropoff.returns.service import ReturnRow


def tell_double_hand_in(
    tx: Tx, hand_in_id: str, till: Till, row: ReturnRow, parcel_ids: list[str], at: datetime
) -> None:
    """Opens a case when the parcels were handed in elsewhere, and one for each place that has them. A till that repeats
    itself opens none."""
    places = store_hand_ins.places_of(tx, parcel_ids)
    elsewhere = sorted(parcel_id for parcel_id, place in places.items() if place != till.location_id)
    if not elsewhere:
        return
    first = sorted({places[parcel_id] for parcel_id in elsewhere})
    objects = {"return": row.id, "parcels": elsewhere, "hand_in": hand_in_id, "location": till.location_id}
    cases.open_case(
        tx,
        kind="double_hand_in",
        subject=f"{row.id} {till.location_id}",
        objects={**objects, "first": first},
        detail="Things that were handed in at another place were presented again at this one.",
        retailer_id=row.retailer_id,
        location_id=till.location_id,
        live=row.live,
        at=at,
        actor=till.actor,
        once=True,
    )
    for location_id in first:
        # Without the retailer: it was told once.
        cases.open_case(
            tx,
            kind="double_hand_in",
            subject=f"{row.id} {till.location_id} {location_id}",
            objects=objects,
            detail="Things that were handed in here were presented at another place, too. Look into the parcel.",
            retailer_id=None,
            location_id=location_id,
            live=row.live,
            at=at,
            actor=till.actor,
            once=True,
        )
