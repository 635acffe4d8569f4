"""How containers and parcels leave and arrive: what freight and receiving call. None of these functions appends the
event of its movement; the caller knows what it was (a handover, a receipt, an intake) and tells it."""

from collections.abc import Collection, Iterable
from datetime import datetime

import msgspec

from dropoff.counter import rules, store, waiting, ways
from dropoff.counter.reading import read
from dropoff.counter.store import ContainerRow, ParcelRow
from dropoff.db import Tx
from dropoff.kernel.ids import new_id
from dropoff.network import service as network
from dropoff.retailers import service as retailers
from dropoff.returns import service as returns
from dropoff.returns.service import Move, Next


class Waiting(msgspec.Struct, frozen=True):
    """What a departure finds at a location."""

    sealed: list[ContainerRow]
    """Sealed before the cut-off and claimed by no shipment: these go."""
    open: list[ContainerRow]
    """Open ones with something in them: these stay."""
    loose: list[ParcelRow]
    """Here since before the cut-off and in no container: each goes as a logistic unit of its own."""


class Arrival(msgspec.Struct, frozen=True):
    parcel: ParcelRow
    """As it is now."""
    before: str
    """Its state until now: `tagged` or `in_container` means that nobody scanned the handover."""
    units: list[str]
    """The units that moved; at a hub those whose departure nobody had told."""


def find_container(tx: Tx, text: str) -> ContainerRow | None:
    """By its id, its SSCC in any form a scanner sends, its GRAI, or the tag of a parcel that travels by itself."""
    reading = read(text)
    if reading.container_id is not None:
        return store.container_by_id(tx, reading.container_id)
    if reading.sscc is not None:
        return store.container_by_sscc(tx, reading.sscc)
    found = store.container_by_grai(tx, reading.grai) if reading.grai is not None else None
    if found is None and reading.tag is not None:
        found = store.logistic_unit_of_tag(tx, reading.tag)
    return found


def find_parcel_by_tag(tx: Tx, tag: str) -> ParcelRow | None:
    """In any state, also by a tag that is void."""
    reading = read(tag)
    return store.parcel_by_tag(tx, reading.tag) if reading.tag is not None else None


def parcels_in(tx: Tx, container_id: str) -> list[ParcelRow]:
    """What was packed into this filling, also after it was unpacked; those still inside have its id as their
    `container_id`."""
    return store.parcels_in(tx, container_id)


def units_in(tx: Tx, parcel_ids: Collection[str]) -> dict[str, list[str]]:
    """Ids of the units, by parcel."""
    return {parcel_id: [one.id for one in held] for parcel_id, held in store.contents(tx, parcel_ids).items()}


def next_sscc(tx: Tx, prefix: str) -> str:
    return store.next_sscc(tx, prefix)


def claim_containers(tx: Tx, container_ids: Collection[str], shipment_id: str) -> list[str]:
    """Ids of those that were sealed and free, and are the shipment's now."""
    return store.claim_containers(tx, container_ids, shipment_id)


def release_containers(tx: Tx, shipment_id: str) -> list[str]:
    """Ids of those that were the shipment's and had not left."""
    return store.release_containers(tx, shipment_id)


def sealed_and_loose(tx: Tx, location_id: str, live: bool, before: datetime) -> Waiting:
    sealed = store.containers_at(tx, location_id, live, "sealed")
    opened = store.containers_at(tx, location_id, live, "open")
    return Waiting(
        sealed=[c for c in sealed if c.shipment_id is None and c.sealed_at is not None and c.sealed_at < before],
        open=[c for c in opened if c.parcel_count > 0],
        loose=[p for p in store.loose_parcels(tx, location_id, live) if p.arrived_at < before],
    )


def make_logistic_unit(tx: Tx, parcel_id: str, prefix: str, at: datetime) -> ContainerRow | None:
    """A loose parcel becomes a sealed container of its own; None when it is not loose any more."""
    parcel = _locked(tx, parcel_id)
    if parcel is None or parcel.container_id is not None or parcel.location_id is None:
        return None
    if (parcel.status, "pack") not in rules.PARCEL_TRANSITIONS:
        return None
    stop = network.next_stop(tx, parcel.location_id, parcel.retailer_id)
    row = {
        "id": new_id("ctr"),
        "kind": "parcel",
        "status": "sealed",
        "location_id": parcel.location_id,
        "origin_location_id": parcel.location_id,
        "live": parcel.live,
        "next_kind": stop.kind,
        "next_id": stop.id,
        "retailer_id": stop.id if stop.kind == "retailer" else None,
        "weight_g": parcel.weight_g or 0,
        "parcel_count": 1,
        "customs": ways.customs_between(tx, parcel.location_id, parcel.retailer_id),
        "opened_at": at,
        "sealed_at": at,
    }
    made = None
    while made is None:
        made = store.insert_container(tx, {**row, "sscc": store.next_sscc(tx, prefix)})
    store.move_parcel(tx, parcel.id, "pack", container_id=made.id)
    store.note_packed(tx, made.id, [parcel.id], at)
    return made


def depart_container(
    tx: Tx,
    container_id: str,
    at: datetime,
    actor: str,
    holder: str,
    next: Next | None,  # noqa: A002
) -> list[ParcelRow]:
    """The container is handed over and its parcels travel; answers these. Nothing happens unless it is sealed."""
    inside = [p for p in store.parcels_in(tx, container_id) if p.container_id == container_id]
    lock_returns(tx, (parcel.return_id for parcel in inside))
    if store.move_container(tx, container_id, "hand_over", location_id=None) is None:
        return []
    gone = [store.move_parcel(tx, parcel.id, "depart", location_id=None, arrived_at=at) for parcel in inside]
    travelling = [parcel for parcel in gone if parcel is not None]
    moved = {parcel.id for parcel in travelling}
    waiting.follow(tx, [parcel for parcel in inside if parcel.id in moved], travelling, at)
    _depart_units(tx, travelling, at, actor, holder, next)
    return travelling


def receive_parcel(
    tx: Tx, parcel_id: str, at: datetime, actor: str, at_retailer: bool, location_id: str | None = None
) -> Arrival | None:
    """At its retailer, or at the hub `location_id`. None when the parcel cannot arrive: it is void, there already, or
    received. Money follows from the retailer's receipt alone."""
    parcel = _locked(tx, parcel_id)
    if parcel is None or (not at_retailer and parcel.location_id == location_id and parcel.status == "at_hub"):
        return None
    event = "receive" if at_retailer else "reach_hub"
    if (parcel.status, event) not in rules.PARCEL_TRANSITIONS:
        return None
    _leave_open_container(tx, parcel)
    here = None if at_retailer else location_id
    moved = store.move_parcel(tx, parcel_id, event, location_id=here, container_id=None, arrived_at=at)
    if moved is None:
        return None
    waiting.follow(tx, [parcel], [moved], at)
    if at_retailer:
        units = _receive_units(tx, moved, at, actor)
    else:
        place = network.location(tx, location_id) if location_id else None
        pickup = ways.next_pickup(tx, location_id, parcel.retailer_id, at) if location_id else None
        units = _depart_units(tx, [moved], at, actor, place.name if place else None, pickup)
    return Arrival(parcel=moved, before=parcel.status, units=units)


def lose_parcel(tx: Tx, parcel_id: str, at: datetime) -> ParcelRow | None:
    """Given up. None when it cannot be lost: it was received, void or lost already. Its container is kept, where it may
    still turn up; moving its units is the caller's."""
    parcel = _locked(tx, parcel_id)
    lost = store.move_parcel(tx, parcel_id, "lose", arrived_at=at) if parcel is not None else None
    if parcel is not None and lost is not None:
        waiting.follow(tx, [parcel], [lost], at)
    return lost


def receive_container(tx: Tx, container_id: str, at: datetime, location_id: str | None = None) -> ContainerRow | None:
    """Sealed or on its way until now; None when it was neither. `location_id` is the hub's, None at a retailer's."""
    return store.move_container(tx, container_id, "receive", location_id=location_id)


def close_container_unpacked(tx: Tx, container_id: str) -> ContainerRow | None:
    return store.move_container(tx, container_id, "unpack")


def open_containers(tx: Tx, location_id: str, live: bool) -> list[ContainerRow]:
    return store.containers_at(tx, location_id, live, "open")


def sealed_containers(tx: Tx, location_id: str, live: bool) -> list[ContainerRow]:
    """With loose parcels that were made a logistic unit; `shipment_id` tells which are claimed."""
    return store.containers_at(tx, location_id, live, "sealed")


def waiting_parcels(tx: Tx, location_id: str, live: bool) -> list[ParcelRow]:
    """In no container."""
    return store.loose_parcels(tx, location_id, live)


def lock_returns(tx: Tx, return_ids: Iterable[str]) -> None:
    """In order of their ids, before any container: see store.py."""
    for return_id in sorted(set(return_ids)):
        returns.lock_return(tx, return_id)


def _locked(tx: Tx, parcel_id: str) -> ParcelRow | None:
    """The parcel as it stands once its return is ours."""
    parcel = store.parcel_by_id(tx, parcel_id)
    if parcel is None:
        return None
    returns.lock_return(tx, parcel.return_id)
    return store.parcel_by_id(tx, parcel_id)


def _leave_open_container(tx: Tx, parcel: ParcelRow) -> None:
    """A parcel that turns up elsewhere while its bag still stands open was never in it when it counts. A sealed bag
    keeps what was sealed, so that the difference shows."""
    if parcel.container_id and store.unload_container(tx, parcel.container_id, parcel.weight_g or 0, 1):
        store.forget_packed(tx, parcel.container_id, [parcel.id])


def _receive_units(tx: Tx, parcel: ParcelRow, at: datetime, actor: str) -> list[str]:
    owner = retailers.find(tx, parcel.retailer_id)
    inspects = owner is not None and owner.policy.refund_at == "inspection"
    move = Move(
        event="receive",
        unit_ids=units_in(tx, [parcel.id])[parcel.id],
        at=at,
        actor=actor,
        holder=owner.name if owner else None,
        next=Next("inspection" if inspects else "refund", None),
    )
    return returns.move_units(tx, move)


def _depart_units(
    tx: Tx, parcels: list[ParcelRow], at: datetime, actor: str, holder: str | None, then: Next | None
) -> list[str]:
    """Units that are on their way already, on a later leg, only get their new holder."""
    held = units_in(tx, [parcel.id for parcel in parcels])
    units: dict[str, list[str]] = {}
    for parcel in parcels:
        units.setdefault(parcel.return_id, []).extend(held[parcel.id])
    moved: list[str] = []
    for return_id in sorted(units):
        move = Move(event="depart", unit_ids=units[return_id], at=at, actor=actor, holder=holder, next=then)
        left = returns.move_units(tx, move)
        if not left:
            returns.set_next(tx, [return_id], holder, then)
        moved.extend(left)
    return moved
