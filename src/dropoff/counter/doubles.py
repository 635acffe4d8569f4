"""The same things handed in at two places: the first custody with a tag stands, the second is a case."""

from datetime import datetime

from dropoff.cases import service as cases
from dropoff.counter import store_hand_ins
from dropoff.counter.till import Till
from dropoff.db import Tx
from dropoff.returns.service import ReturnRow


def tell_double_hand_in(
    tx: Tx, hand_in_id: str, till: Till, row: ReturnRow, parcel_ids: list[str], at: datetime
) -> None:
    """Opens a case when the parcels were handed in elsewhere. A till that repeats itself opens none."""
    places = store_hand_ins.places_of(tx, parcel_ids)
    elsewhere = sorted(parcel_id for parcel_id, place in places.items() if place != till.location_id)
    if not elsewhere:
        return
    cases.open_case(
        tx,
        kind="double_hand_in",
        subject=f"{row.id} {till.location_id}",
        objects={"return": row.id, "parcels": elsewhere, "hand_in": hand_in_id, "location": till.location_id},
        detail="Things that were handed in at another place were presented again at this one.",
        retailer_id=row.retailer_id,
        location_id=till.location_id,
        live=row.live,
        at=at,
        actor=till.actor,
        once=True,
    )
