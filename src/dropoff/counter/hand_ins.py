"""Taking things in. Every attempt is a row, accepted or not; all units of a hand-in are taken, or none.

What is certain is decided under the lock of the return, so of many tills that hand in the same unit one is accepted
and the others read `already`. What another return may take meanwhile (tags, room in a container) is claimed by guarded
statements behind a savepoint: when one of them finds nothing left, all of them are rolled back and the refusal is kept.
"""

import re
from collections.abc import Mapping
from datetime import datetime

import msgspec

from dropoff.counter import doubles, rolls, rules, shifts, store, store_hand_ins, tellings
from dropoff.counter.asking import HandIn
from dropoff.counter.bags import BagTold
from dropoff.counter.movement import find_container
from dropoff.counter.reading import read
from dropoff.counter.rules import Verdict
from dropoff.counter.scans import note_miss
from dropoff.counter.store import ContainerRow
from dropoff.counter.till import Till, say
from dropoff.counter.views import Receipt
from dropoff.counter.ways import Way, find_way, next_pickup
from dropoff.db import Tx
from dropoff.db.vault import token_hash
from dropoff.kernel import ids, tags
from dropoff.network import loads
from dropoff.network import service as network
from dropoff.returns import service as returns
from dropoff.returns.passes import PassKeys
from dropoff.returns.rules import unit_status
from dropoff.returns.service import Move, Next, ReturnRow, UnitRow

_ID = re.compile(ids.ID_PATTERN)


class ParcelTaken(msgspec.Struct, frozen=True):
    id: str
    tag: str
    units: list[str]
    weight_g: int | None = None


class UnitAnswer(msgspec.Struct, frozen=True):
    id: str
    sku: str
    title: str
    variant: str | None
    status: str
    custody: str
    resolution: str
    refused: str | None
    """Why it was not taken, when this hand-in said so."""


class ContainerTaken(msgspec.Struct, frozen=True):
    id: str
    sscc: str
    new: bool = False
    """Its number stands nowhere yet: it has to be written on."""
    opened: bool = False
    """Opened by this hand-in."""


class HandInAnswer(msgspec.Struct, frozen=True, kw_only=True):
    verdict: Verdict
    reason: str | None
    say: str
    hand_in: str
    return_id: str | None = msgspec.field(name="return")
    parcels: list[ParcelTaken]
    units: list[UnitAnswer]
    """All units of the return as they stand now, once the pass is known."""
    container: ContainerTaken | None
    receipt: Receipt | None
    first_custody: doubles.First | None = None
    """Of things that another place has recorded: where they were first in hand, by the clocks set right."""
    bag: BagTold | None = None
    """Which bag the parcels go into, told whole; also when they are in none yet."""


class Asked(msgspec.Struct, frozen=True):
    """One attempt, from its first row to its last."""

    id: str
    till: Till
    data: HandIn
    at: datetime

    @property
    def custody_at(self) -> datetime:
        return rules.custody_at(self.data.scanned_at, self.at, self.data.device_now)

    @property
    def judged_at(self) -> datetime:
        """The scan's time that counts for deadlines: with the device's clock told, the one that was set right."""
        return self.data.scanned_at if self.data.device_now is None else self.custody_at


class Known(msgspec.Struct, frozen=True):
    """The return that the pass opened, locked."""

    row: ReturnRow
    units: Mapping[str, UnitRow]

    @property
    def facts(self) -> rules.PassFacts:
        custody = {unit.id: unit.custody for unit in self.units.values()}
        return rules.PassFacts(self.row.live, self.row.last_day_at, self.row.expires_at, custody)


def confirm_hand_in(tx: Tx, passes: PassKeys, base_url: str, till: Till, data: HandIn, at: datetime) -> HandInAnswer:
    """`data` has no `shape_problem`."""
    till = shifts.attributed(tx, till, at, data.clerk)
    asked = Asked(ids.new_id("hin"), till, data, at)
    found = returns.find_pass(tx, passes, data.pass_text)
    if found is None and returns.find_visit(tx, passes, data.pass_text) is not None:
        found = returns.pass_within_visit(tx, passes, data.pass_text, data.named)
        if found is None:
            return _refuse(tx, asked, None, "refused", "unit_unknown")
    row = returns.lock_return(tx, found.return_id) if found is not None else None
    if row is None:
        note_miss(tx, till, data.pass_text, at)
        return _refuse(tx, asked, None, "refused", "pass_unknown")
    known = Known(row, {unit.id: unit for unit in returns.units_of(tx, row.id)})
    if data.everything:
        data = _spelt_out(data, known)
        asked = msgspec.structs.replace(asked, data=data)
    verdict, reason = rules.judge_units(known.facts, data.named, till.live, asked.judged_at, at)
    if verdict == "already":
        answer = _refuse(tx, asked, known, "already", None)
        held = _parcels_of(known, data.taken)
        first = doubles.tell_double_hand_in(tx, asked.id, till, row, held, at, asked.custody_at)
        return msgspec.structs.replace(answer, first_custody=first)
    if verdict == "refused":
        return _refuse(tx, asked, known, "refused", reason)
    token = passes.receipt_token(asked.id)
    taken = _take(tx, Receipt(f"{base_url}/r/{token}", token, f"{base_url}/r/{token}/qr.svg"), asked, known)
    if isinstance(taken, HandInAnswer):
        return taken
    return _refuse(tx, asked, known, "already" if taken == "already" else "refused", taken)


def _spelt_out(data: HandIn, known: Known) -> HandIn:
    """What is still expected; when nothing is, what came before, so that the answer is `already` and doubles are told;
    else all that there ever was, so that it says why not."""
    by_custody = {unit.id: unit.custody for unit in known.units.values()}
    expected = [unit for unit, custody in by_custody.items() if custody == "expected"]
    came = [unit for unit, custody in by_custody.items() if custody not in ("expected", "cancelled", "expired")]
    parcel = msgspec.structs.replace(data.parcels[0], units=tuple(expected or came or by_custody))
    return msgspec.structs.replace(data, parcels=(parcel,), everything=False)


def _take(tx: Tx, receipt: Receipt, asked: Asked, known: Known) -> HandInAnswer | str:
    """The answer, or the reason why not (`already` when another was faster), with nothing left behind."""
    place = network.location(tx, asked.till.location_id)
    if place is None or place.state != "active":
        return "location_paused"
    parcels = _plan(asked.data, known)
    texts = [parcel.tag for parcel in parcels]
    stock = rolls.look(tx, asked.till.location_id, texts)
    reason = rolls.why_not_tags(tx, texts, stock, asked.data.overridden)
    if reason is not None:
        return reason
    way = find_way(tx, asked.till.location_id, known.row.retailer_id)
    bag = None
    if asked.data.container is not None and parcels:
        bag = find_container(tx, asked.data.container)
        reason = rules.why_not_packed(way.packing(bag), way.load(asked.till, parcels))
        if reason is not None:
            return reason
    pickup = next_pickup(tx, asked.till.location_id, known.row.retailer_id, asked.at)
    with tx.savepoint() as savepoint:
        lost = _claim(tx, asked, parcels, bag, way) if parcels else None
        if lost is None:
            lost = _move(tx, asked, known.row, parcels, place.name, pickup)
        if lost is not None:
            savepoint.rollback()
            return lost
        answer = _answer(tx, asked, known.row, "accepted", None)
        answer = msgspec.structs.replace(
            answer,
            parcels=parcels,
            container=ContainerTaken(bag.id, bag.sscc) if bag else None,
            receipt=receipt,
        )
        _keep(tx, asked, known, answer)
        _write_parcels(tx, asked, known, parcels, bag)
        wanted = {parcel.tag: parcel.id for parcel in parcels}
        lost = rolls.attach(tx, asked.till, wanted, stock, asked.at, asked.data.overridden)
        if lost is not None:
            savepoint.rollback()
            return lost
        if any(one.reason != "not_presented" for one in asked.data.refused):
            returns.keep_safe(tx, known.row.id, asked.at, asked.till.actor)
        told = tellings.HandedIn(asked.id, known.row, place, asked.till, asked.data.scanned_at, asked.at)
        refused = [{"unit": one.unit, "reason": one.reason} for one in asked.data.refused]
        tellings.tell_handed_in(tx, told, [(p.id, p.tag, p.units, p.weight_g) for p in parcels], bag, refused)
    if parcels:
        taken_at = min(asked.at, asked.data.scanned_at)
        loads.count(tx, place.id, asked.till.live, len(parcels), asked.at, hand_in_at=taken_at)
    return answer


def _plan(data: HandIn, known: Known) -> list[ParcelTaken]:
    planned = []
    for parcel in data.parcels:
        weights = [known.units[unit].weight_g for unit in parcel.units]
        estimate = sum(weight or 0 for weight in weights) or None
        weight_g = parcel.weight_g if parcel.weight_g is not None else estimate
        planned.append(ParcelTaken(ids.new_id("pcl"), tags.fold_tag(parcel.tag), list(parcel.units), weight_g))
    return planned


def _claim(tx: Tx, asked: Asked, parcels: list[ParcelTaken], bag: ContainerRow | None, way: Way) -> str | None:
    """Room in the container; the reason when it has changed since it was looked at."""
    if bag is None:
        return None
    load = way.load(asked.till, parcels)
    if store.load_container(tx, bag.id, load) is not None:
        return None
    return rules.why_not_packed(way.packing(store.container_by_id(tx, bag.id)), load) or "container_not_open"


def _move(tx: Tx, asked: Asked, row: ReturnRow, parcels: list[ParcelTaken], holder: str, pickup: Next) -> str | None:
    for parcel in parcels:
        moved = returns.move_units(
            tx,
            Move(
                event="hand_in",
                unit_ids=parcel.units,
                at=asked.at,
                actor=asked.till.actor,
                holder=holder,
                next=pickup,
                location_id=asked.till.location_id,
                parcel_id=parcel.id,
                device_at=asked.data.scanned_at,
            ),
            locked=row,
        )
        if len(moved) < len(parcel.units):
            return "already"
    return None


def _write_parcels(tx: Tx, asked: Asked, known: Known, parcels: list[ParcelTaken], bag: ContainerRow | None) -> None:
    rows = [
        {
            "id": parcel.id,
            "return_id": known.row.id,
            "retailer_id": known.row.retailer_id,
            "hand_in_id": asked.id,
            "live": known.row.live,
            "tag": parcel.tag,
            "weight_g": parcel.weight_g,
            "status": "in_container" if bag else "tagged",
            "location_id": asked.till.location_id,
            "container_id": bag.id if bag else None,
            "tagged_at": asked.at,
            "arrived_at": asked.at,
        }
        for parcel in parcels
    ]
    store.insert_parcels(tx, rows)
    if bag is not None:
        store.note_packed(tx, bag.id, [parcel.id for parcel in parcels], asked.at)


def _refuse(tx: Tx, asked: Asked, known: Known | None, verdict: Verdict, reason: str | None) -> HandInAnswer:
    reason = None if verdict == "already" else reason
    answer = _answer(tx, asked, known.row if known and reason != "test_mode" else None, verdict, reason)
    if verdict == "already" and known is not None:
        here = _parcels_of(known, asked.data.taken)
        answer = msgspec.structs.replace(answer, parcels=_parcels_here(tx, asked.till, here))
    _keep(tx, asked, known, answer)
    return answer


def _answer(tx: Tx, asked: Asked, row: ReturnRow | None, verdict: Verdict, reason: str | None) -> HandInAnswer:
    refused = {one.unit: one.reason for one in asked.data.refused}
    units = returns.units_of(tx, row.id) if row is not None else []
    return HandInAnswer(
        verdict=verdict,
        reason=reason,
        say=say(verdict, reason),
        hand_in=asked.id,
        return_id=row.id if row is not None else None,
        parcels=[],
        units=[
            UnitAnswer(
                unit.id,
                unit.sku,
                unit.title,
                unit.variant,
                unit_status(unit.custody, unit.resolution),
                unit.custody,
                unit.resolution,
                refused.get(unit.id),
            )
            for unit in units
        ],
        container=None,
        receipt=None,
    )


def _keep(tx: Tx, asked: Asked, known: Known | None, answer: HandInAnswer) -> None:
    receipt = answer.receipt
    store_hand_ins.insert_hand_in(
        tx,
        {
            "id": asked.id,
            "location_id": asked.till.location_id,
            "device_id": asked.till.device_id,
            "actor": asked.till.actor,
            "live": asked.till.live,
            "return_id": known.row.id if known else None,
            "retailer_id": known.row.retailer_id if known else None,
            "verdict": answer.verdict,
            "reason": answer.reason,
            "request": _request(asked.data),
            "answer": msgspec.to_builtins(msgspec.structs.replace(answer, receipt=None)),
            "receipt_hash": token_hash(receipt.token) if receipt else None,
            "scanned_at": asked.data.scanned_at,
            "received_at": asked.at,
            "took_ms": asked.data.took_ms,
            "custody_at": asked.custody_at,
            "clerk_id": asked.till.clerk_id,
        },
    )


def _request(data: HandIn) -> dict[str, object]:
    """What was asked, by what it turned out to be: a clerk may scan a pass into any field, and no pass is kept."""
    container = read(data.container) if data.container is not None else None
    return {
        "pass": "short_code" if read(data.pass_text).short_code else "scan",
        "parcels": [
            {
                "tag": tags.fold_tag(parcel.tag) if tags.is_wellformed_tag(parcel.tag) else None,
                "units": [unit if _ID.match(unit) else None for unit in parcel.units],
                "weight_g": parcel.weight_g,
                "packing": parcel.packing,
                **({"override": True} if parcel.override is not None else {}),
            }
            for parcel in data.parcels
        ],
        "refused": [{"unit": one.unit if _ID.match(one.unit) else None, "reason": one.reason} for one in data.refused],
        "container": (container.container_id or container.sscc or "unreadable") if container else None,
    }


def _parcels_of(known: Known, unit_ids: list[str]) -> list[str]:
    """The parcels that these units are in already."""
    found = {known.units[unit].parcel_id for unit in unit_ids if known.units[unit].custody != "expected"}
    return sorted(parcel_id for parcel_id in found if parcel_id is not None)


def _parcels_here(tx: Tx, till: Till, parcel_ids: list[str]) -> list[ParcelTaken]:
    """So that a till whose answer was lost can write the tags down; another place's stay untold."""
    places = store_hand_ins.places_of(tx, parcel_ids)
    here = sorted(parcel_id for parcel_id, place in places.items() if place == till.location_id)
    held = store.contents(tx, here)
    rows = [row for parcel_id in here if (row := store.parcel_by_id(tx, parcel_id)) is not None]
    return [ParcelTaken(row.id, row.tag, [one.id for one in held[row.id]], row.weight_g) for row in rows]
