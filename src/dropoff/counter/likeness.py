"""Tags that were misread: which parcels within a place's reach carry one that differs by one sign."""

from collections.abc import Iterable

import msgspec

from dropoff.counter import store, store_tags
from dropoff.counter.till import Till
from dropoff.counter.views import ParcelView, parcel_views
from dropoff.db import Tx
from dropoff.kernel import codes

SHORTEST = 4
SHOWN = 10
NEAR = 3_000
"""How many parcels of a place are looked at; more have hardly ever lain at one."""


class Alike(msgspec.Struct, frozen=True):
    items: list[ParcelView]
    """The same tag first, then those with one sign wrong, missing, too many, or two neighbours swapped."""


def find_alike(tx: Tx, till: Till, text: str) -> Alike:
    """Among parcels that are here or on their way to here, and no others: a number cannot be fished for elsewhere."""
    signs = codes.code_signs(text)
    if len(signs) < SHORTEST:
        return Alike([])
    near = store_tags.tags_near(tx, till.location_id, till.live, NEAR)
    found = closest(signs, near)[:SHOWN]
    views = {view.tag: view for view in parcel_views(tx, store.parcels_tagged(tx, found))}
    return Alike([views[tag] for tag in found if tag in views])


def closest(signs: str, tags: Iterable[str]) -> list[str]:
    """Those at most one slip away, the same one first; pure."""
    same = [tag for tag in tags if tag == signs]
    return [*same, *sorted(tag for tag in tags if tag != signs and is_one_slip(signs, tag))]


def is_one_slip(one: str, other: str) -> bool:
    """One sign wrong, missing or too many, or two neighbours swapped."""
    if abs(len(one) - len(other)) > 1:
        return False
    start = next((place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    if start is None:
        return True
    if len(one) == len(other):
        swapped = one[start : start + 2] == other[start : start + 2][::-1] and one[start + 2 :] == other[start + 2 :]
        return one[start + 1 :] == other[start + 1 :] or swapped
    short, long = sorted((one, other), key=len)
    return short[start:] == long[start + 1 :]
