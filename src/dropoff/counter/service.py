"""What the rooms above may do with parcels and containers. Plain values in and out; times come from the caller.

The functions live in `movement` (leaving and arriving), `containers`, `hand_ins` and `scans`.
"""

from dropoff.counter.movement import (
    Arrival,
    Waiting,
    claim_containers,
    close_container_unpacked,
    depart_container,
    find_container,
    find_parcel_by_tag,
    make_logistic_unit,
    next_sscc,
    open_containers,
    parcels_in,
    receive_container,
    receive_parcel,
    release_containers,
    sealed_and_loose,
    sealed_containers,
    units_in,
    waiting_parcels,
)
from dropoff.counter.store import (
    ContainerRow,
    ParcelRow,
)

__all__ = [
    "Arrival",
    "ContainerRow",
    "ParcelRow",
    "Waiting",
    "claim_containers",
    "close_container_unpacked",
    "depart_container",
    "find_container",
    "find_parcel_by_tag",
    "make_logistic_unit",
    "next_sscc",
    "open_containers",
    "parcels_in",
    "receive_container",
    "receive_parcel",
    "release_containers",
    "sealed_and_loose",
    "sealed_containers",
    "units_in",
    "waiting_parcels",
]
