"""Banks of lockers: connected to a place, looked at, disconnected. The calls stand in `driving`."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from dropoff.db import Tx
from dropoff.events.log import Event, append
from dropoff.kernel.errors import Problem, invalid, not_found
from dropoff.kernel.ids import new_id
from dropoff.lockers import rules, store
from dropoff.lockers.store import BankRow, DepositRow
from dropoff.network import service as network
from dropoff.ports.locker import Compartment


class NewBank(msgspec.Struct, frozen=True, kw_only=True):
    """`settings` are the adapter's own; of the adapter `http`: `url`, `key`."""

    adapter: Annotated[str, Meta(min_length=1, max_length=60)] = "http"
    bank: Annotated[str, Meta(min_length=1, max_length=200)]
    settings: Annotated[
        dict[
            Annotated[str, Meta(min_length=1, max_length=60)],
            Annotated[str, Meta(max_length=500)],
        ],
        Meta(max_length=20),
    ]


class CompartmentView(msgspec.Struct, frozen=True, kw_only=True):
    number: str
    size: str
    state: str
    door: str
    inside: bool | None
    deposit: str | None
    """What of ours holds it."""
    deposit_state: str | None


class BankView(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    location: str
    adapter: str
    bank: str
    connected_at: datetime
    seen_at: datetime | None
    """When it last answered."""
    problem: str | None
    free: dict[str, int]
    """Compartments that are free, by size, as the bank last told."""
    compartments: list[CompartmentView]


class BankPage(msgspec.Struct, frozen=True):
    items: list[BankView]
    next: str | None


class Checked(msgspec.Struct, frozen=True):
    """A bank that was asked before it is connected."""

    adapter: str
    bank: str
    sealed: bytes
    compartments: tuple[Compartment, ...]


def connect(tx: Tx, location_id: str, new: Checked, base_url: str, at: datetime, actor: str) -> BankView | Problem:
    """Connecting again changes how the bank is reached; while parcels lie in it, it stays the same bank."""
    place = network.location(tx, location_id)
    if place is None or place.state in ("closed", "removed"):
        return Problem("location-unknown")
    if place.kind != "locker":
        return invalid("/location", "The place is no locker: its kind says what stands there.")
    told = {"compartments": _builtins(new.compartments), "seen_at": at, "problem": None}
    known = store.bank_at(tx, location_id)
    if known is not None:
        if (known.adapter, known.bank) != (new.adapter, new.bank) and store.has_ours(tx, location_id):
            return Problem("locker-in-use")
        store.change_bank(tx, known.id, adapter=new.adapter, bank=new.bank, settings=new.sealed, **told)
        return _connected(tx, location_id, at, actor)
    device = network.add_device(tx, location_id, f"Lockers {new.bank}"[:60], base_url, at, actor)
    if isinstance(device, Problem):
        return device
    row = {
        "id": new_id("lkb"),
        "location_id": location_id,
        "device_id": device.id,
        "adapter": new.adapter,
        "bank": new.bank,
        "settings": new.sealed,
        "connected_at": at,
        "connected_by": actor,
        **told,
    }
    if not store.insert_bank(tx, row):
        return Problem("locker-in-use")
    return _connected(tx, location_id, at, actor)


def _connected(tx: Tx, location_id: str, at: datetime, actor: str) -> BankView | Problem:
    _tell(tx, "locker_bank.connected", location_id, at, actor)
    return bank_view(tx, location_id)


def disconnect(tx: Tx, location_id: str, at: datetime, actor: str) -> BankView | Problem:
    """Not while something of ours is in it: nobody could get it out. A bank that is dead holds nothing else back."""
    row = store.bank_at(tx, location_id)
    if row is None:
        return not_found("bank of lockers at this place")
    if store.has_ours(tx, location_id):
        return Problem("locker-in-use")
    store.forget(tx, location_id, at)
    view = bank_view(tx, location_id)
    store.change_bank(tx, row.id, disconnected_at=at)
    network.revoke_device(tx, row.device_id, at, actor)
    _tell(tx, "locker_bank.disconnected", location_id, at, actor)
    return view


def bank_view(tx: Tx, location_id: str) -> BankView | Problem:
    row = store.bank_at(tx, location_id)
    return not_found("bank of lockers at this place") if row is None else _view(tx, row)


def list_banks(tx: Tx, after: str, limit: int) -> BankPage:
    rows = store.banks(tx, after, limit + 1)
    shown = [_view(tx, row) for row in rows[:limit]]
    return BankPage(shown, shown[-1].id if len(rows) > limit else None)


def note_seen(tx: Tx, bank_id: str, compartments: tuple[Compartment, ...], at: datetime) -> None:
    store.change_bank(tx, bank_id, compartments=_builtins(compartments), seen_at=at, problem=None)


def note_problem(tx: Tx, bank_id: str, problem: str) -> None:
    store.change_bank(tx, bank_id, problem=problem[:300])


def compartments_of(row: BankRow | store.BankPlace) -> list[Compartment]:
    return [msgspec.convert(one, Compartment) for one in row.compartments]


def free_of(compartments: list[Compartment]) -> dict[str, int]:
    """By size, those of no compartment left out."""
    sizes: dict[str, int] = {}
    for one in compartments:
        sizes[one.size] = sizes.get(one.size, 0) + (one.state == "free")
    return sizes


def _view(tx: Tx, row: BankRow) -> BankView:
    held: dict[str | None, DepositRow] = {one.compartment: one for one in store.kept_at(tx, row.location_id)}
    doors = compartments_of(row)
    return BankView(
        id=row.id,
        location=row.location_id,
        adapter=row.adapter,
        bank=row.bank,
        connected_at=row.connected_at,
        seen_at=row.seen_at,
        problem=row.problem,
        free=free_of(doors),
        compartments=[_compartment(door, held.get(door.number)) for door in doors],
    )


def _compartment(door: Compartment, deposit: DepositRow | None) -> CompartmentView:
    return CompartmentView(
        number=door.number,
        size=door.size,
        state=door.state,
        door=door.door,
        inside=door.inside,
        deposit=deposit.id if deposit else None,
        deposit_state=deposit.state if deposit else None,
    )


def _builtins(compartments: tuple[Compartment, ...]) -> list[dict[str, Any]]:
    """At most 500, with numbers that fit their column, and no references: nobody asks for them."""
    return [
        msgspec.to_builtins(msgspec.structs.replace(one, number=rules.door_number(one.number), reference=None))
        for one in compartments[:500]
    ]


def _tell(tx: Tx, kind: str, location_id: str, at: datetime, actor: str) -> None:
    place = network.location(tx, location_id)
    live = place.live if place is not None else True
    about = {"location": location_id}
    append(tx, Event(type=kind, actor=actor, at=at, live=live, location_id=location_id, objects=about))
