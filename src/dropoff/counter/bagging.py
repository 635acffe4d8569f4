"""A hand-in that leaves the choice of the bag to the service: the open one that goes where its parcels go, else a new
one. A new bag is opened only once the things are taken, so that a refusal leaves no empty bag behind."""

from datetime import datetime
from typing import Final

import msgspec

from dropoff.counter import rules, store, store_rolls
from dropoff.counter.asking import HandIn
from dropoff.counter.bags import tell_bag
from dropoff.counter.containers import NewContainer, PackIn, open_container, pack_parcel
from dropoff.counter.hand_ins import ContainerTaken, HandInAnswer, confirm_hand_in
from dropoff.counter.movement import open_containers
from dropoff.counter.reading import read
from dropoff.counter.till import Till
from dropoff.counter.views import ContainerView
from dropoff.counter.ways import find_way
from dropoff.db import Tx
from dropoff.returns import service as returns
from dropoff.returns.passes import PassKeys

AUTO: Final = "auto"
NEW: Final = "new"
CHANGED: Final = frozenset({"container_not_open", "wrong_container", "over_weight", "wrong_location"})
"""Reasons that another till's scan may bring between the choice and the claim."""


def take_in(
    tx: Tx, passes: PassKeys, base_url: str, prefix: str, till: Till, data: HandIn, at: datetime
) -> HandInAnswer:
    """`confirm_hand_in`, with `auto`, `new` and a fresh bag label as containers. `data` has no `shape_problem`."""
    answer = _take_in(tx, passes, base_url, prefix, till, data, at)
    if answer.verdict != "accepted" or not answer.parcels or answer.return_id is None:
        return answer
    row, taken = returns.find_return(tx, answer.return_id), answer.container
    assert row is not None, "it was taken in just now"
    bag = tell_bag(tx, till, row.retailer_id, taken.id if taken else None, is_new=taken is not None and taken.opened)
    return msgspec.structs.replace(answer, bag=bag)


def _take_in(
    tx: Tx, passes: PassKeys, base_url: str, prefix: str, till: Till, data: HandIn, at: datetime
) -> HandInAnswer:
    label = _fresh_label(tx, data.container)
    if data.container not in (AUTO, NEW) and label is None:
        return confirm_hand_in(tx, passes, base_url, till, data, at)
    chosen = _fitting(tx, passes, till, data) if data.container == AUTO else None
    answer = _into(tx, passes, base_url, till, data, chosen, at)
    if chosen is not None and answer.reason in CHANGED:
        chosen = None
        answer = _into(tx, passes, base_url, till, data, chosen, at)
    if answer.verdict != "accepted" or not answer.parcels or chosen is not None:
        return answer
    bag = open_container(tx, prefix, till, NewContainer("bag", label), at)
    if not isinstance(bag, ContainerView):
        return answer
    for parcel in answer.parcels:
        pack_parcel(tx, till, bag.id, PackIn(parcel.tag), at)
    return msgspec.structs.replace(answer, container=ContainerTaken(bag.id, bag.sscc, new=label is None, opened=True))


def _fresh_label(tx: Tx, text: str | None) -> str | None:
    """The number of a bag label that was printed beforehand and that no bag carries yet."""
    sscc = read(text).sscc if text is not None else None
    fresh = sscc is not None and store.container_by_sscc(tx, sscc) is None and store_rolls.is_printed(tx, sscc)
    return sscc if fresh else None


def _into(
    tx: Tx, passes: PassKeys, base_url: str, till: Till, data: HandIn, container: str | None, at: datetime
) -> HandInAnswer:
    return confirm_hand_in(tx, passes, base_url, till, msgspec.structs.replace(data, container=container), at)


def _fitting(tx: Tx, passes: PassKeys, till: Till, data: HandIn) -> str | None:
    """The likely one: a bag that goes there already and has room, else an empty one."""
    found = returns.find_pass(tx, passes, data.pass_text)
    if found is None:
        return None
    way = find_way(tx, till.location_id, found.retailer_id)
    load = way.load(till, data.parcels)
    opened = open_containers(tx, till.location_id, till.live)
    fits = [bag for bag in opened if rules.why_not_packed(way.packing(bag), load) is None]
    there, empty = [bag for bag in fits if bag.next], [bag for bag in fits if not bag.next]
    return (there or empty)[-1].id if fits else None
