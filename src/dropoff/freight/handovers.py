"""The driver takes containers along: both sides count, each container goes or stays for a reason, every attempt is
kept."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

from dropoff.cases import service as cases
from dropoff.counter import service as counter
from dropoff.counter import shifts
from dropoff.counter.movement import lock_returns
from dropoff.counter.service import ContainerRow
from dropoff.counter.till import Till
from dropoff.db import Tx
from dropoff.events.log import Event, append
from dropoff.freight import store
from dropoff.freight.news import tell_retailers
from dropoff.freight.rules import Present, left_behind_reason
from dropoff.freight.store import ShipmentRow
from dropoff.network import loads
from dropoff.network import service as network
from dropoff.returns.service import Next


class Named(msgspec.Struct, frozen=True):
    """What was scanned: an SSCC in any form, or the tag of a parcel that travels by itself."""

    text: str
    seal_intact: bool


class HandOver(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    location_id: str
    device_id: str
    live: bool
    actor: str
    at: datetime
    containers: tuple[Named, ...]
    shipment_id: str | None
    driver: str | None
    driver_count: int | None
    left: tuple["Stays", ...] = ()
    clerk_id: str | None = None
    """Who stands at the till; looked up."""


Why = Literal["no_room", "not_found", "too_heavy", "other_driver", "other"]
"""What a clerk may say of a bag that stays."""


class Stays(msgspec.Struct, frozen=True):
    """A bag that the clerk says stays, with what is said of it."""

    text: str
    why: Why | None = None


class LeftBehind(msgspec.Struct, frozen=True):
    sscc: str
    reason: str
    why: Why | None = None


class HandoverAnswer(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    verdict: str
    reason: str | None
    count: int
    """How many containers the till counts as going; the driver's count must be the same."""
    handed_over: list[str]
    left_behind: list[LeftBehind]
    cases: list[str]


class _Sorted(msgspec.Struct):
    """The named containers, sorted by what becomes of them."""

    going: dict[str, ContainerRow] = {}
    gone: list[str] = []
    left: list[LeftBehind] = []
    broken: list[ContainerRow] = []
    named: set[str] = set()
    other_mode: bool = False
    """A test container was named at a live till, or the reverse."""


def hand_over(tx: Tx, command: HandOver) -> HandoverAnswer:
    till = shifts.attributed(tx, Till(command.location_id, command.device_id, command.live), command.at)
    command = msgspec.structs.replace(command, clerk_id=till.clerk_id)
    shipment = store.find_shipment(tx, command.shipment_id) if command.shipment_id else None
    if command.shipment_id is not None:
        refusal = _wrong_shipment(shipment, command)
        if refusal is not None:
            left = [LeftBehind(_shown(tx, one.text), _as_left(refusal)) for one in command.containers]
            return _keep(tx, command, _answer(command, "refused", refusal, left=left))
    found = _sort(tx, command)
    if found.going:
        _hold(tx, found.going)
        found = _sort(tx, command)
    opened = [_seal_case(tx, command, container) for container in found.broken]
    count = len(found.going)
    # A till that repeats itself asks nothing new: what went was counted when it went.
    repeated = bool(found.gone) and not found.going
    if not repeated and command.driver_count not in (None, count):
        answer = _answer(command, "refused", "count_differs", count=count, left=found.left, cases_=opened)
        return _keep(tx, command, answer)
    handed_over = _depart(tx, command, found.going)
    # Another till's scan of the same moment may have been first.
    found.gone += [one.sscc for one in found.going.values() if one.sscc not in handed_over]
    left = _with_what_was_said(tx, command, found, [*found.left, *_not_presented(tx, command, found)])
    verdict, reason = _verdict(handed_over, found)
    if verdict == "accepted":
        # Also when every seal was broken: the driver was there.
        loads.count(tx, command.location_id, command.live, 0, command.at, driver_at=command.at)
    answer = _answer(command, verdict, reason, count=count, left=left, cases_=opened)
    return _keep(tx, command, msgspec.structs.replace(answer, handed_over=handed_over or found.gone))


def _wrong_shipment(shipment: ShipmentRow | None, command: HandOver) -> str | None:
    if shipment is None:
        return "not_booked"
    if shipment.origin_location_id != command.location_id:
        return "wrong_location"
    if shipment.live != command.live:
        return "test_mode"
    return None


def _as_left(reason: str) -> str:
    return "wrong_location" if reason == "wrong_location" else "not_booked"


def _sort(tx: Tx, command: HandOver) -> _Sorted:
    """A container named twice counts once; one of the two saying that its seal is broken is enough."""
    found = _Sorted(going={}, gone=[], left=[], broken=[], named=set())
    intact: dict[str, bool] = {}
    containers: dict[str, ContainerRow] = {}
    for one in command.containers:
        container = counter.find_container(tx, one.text)
        if container is None:
            found.left.append(LeftBehind(one.text[:60], "not_booked"))
            continue
        containers[container.id] = container
        intact[container.id] = intact.get(container.id, True) and one.seal_intact
    for container_id, container in containers.items():
        found.named.add(container_id)
        if container.live != command.live:
            found.left.append(LeftBehind(container.sscc, "not_booked"))
            found.other_mode = True
            continue
        present = _present(tx, command, container)
        if present.gone:
            found.gone.append(container.sscc)
            continue
        reason = left_behind_reason(present, command.shipment_id, seal_intact=intact[container_id])
        if reason is None:
            found.going[container_id] = container
        else:
            found.left.append(LeftBehind(container.sscc, reason))
        if reason == "seal_broken":
            found.broken.append(container)
    return found


def _present(tx: Tx, command: HandOver, container: ContainerRow) -> Present:
    shipment = store.find_shipment(tx, container.shipment_id) if container.shipment_id else None
    here = container.location_id == command.location_id
    left_from_here = shipment is not None and shipment.origin_location_id == command.location_id
    return Present(
        sscc=container.sscc,
        here=here,
        shipment_id=container.shipment_id,
        shipment_status=shipment.status if shipment and container.status == "sealed" else None,
        gone=not here and left_from_here and container.status == "handed_over",
    )


def _not_presented(tx: Tx, command: HandOver, found: _Sorted) -> list[LeftBehind]:
    """What else the shipments hold that stands here and was not named."""
    wanted = {one.shipment_id for one in found.going.values() if one.shipment_id is not None}
    if command.shipment_id is not None:
        wanted.add(command.shipment_id)
    return [
        LeftBehind(held.sscc, "not_presented")
        for group in store.containers_of(tx, sorted(wanted)).values()
        for held in group
        if held.status == "sealed" and held.container_id not in found.named
    ]


def _with_what_was_said(tx: Tx, command: HandOver, found: _Sorted, left: list[LeftBehind]) -> list[LeftBehind]:
    """What the clerk says of bags that stay; those that nobody else named are added, if they stand here."""
    known = {one.sscc: one for one in left}
    for said in command.left:
        container = counter.find_container(tx, said.text)
        if container is None or container.id in found.named or container.live != command.live:
            continue
        present = _present(tx, command, container)
        reason = left_behind_reason(present, None, seal_intact=True) or "not_presented"
        if present.here and container.status == "sealed":
            known[container.sscc] = LeftBehind(container.sscc, reason, said.why)
    return list(known.values())


def _hold(tx: Tx, going: dict[str, ContainerRow]) -> None:
    """From here on no plan cancels these shipments and books their containers anew; whoever was first with that is seen
    by a second look. All returns are locked first, in order, so that tills and drivers never wait for each other in a
    ring."""
    parcels = store.parcels_held(tx, list(going))
    lock_returns(tx, (parcel.return_id for group in parcels.values() for parcel in group))
    for shipment_id in sorted({str(one.shipment_id) for one in going.values()}):
        store.lock_shipment(tx, shipment_id)


def _depart(tx: Tx, command: HandOver, going: dict[str, ContainerRow]) -> list[str]:
    """What is held, see `_hold`, leaves."""
    by_shipment: dict[str, list[str]] = {}
    for container_id in sorted(going):
        by_shipment.setdefault(str(going[container_id].shipment_id), []).append(container_id)
    gone: set[str] = set()
    for shipment_id, container_ids in sorted(by_shipment.items()):
        shipment = store.find_shipment(tx, shipment_id)
        assert shipment is not None
        then = Next("receipt" if shipment.destination_hub_id is None else "arrival", _arrives_at(tx, shipment))
        left = [
            container_id
            for container_id in container_ids
            if counter.depart_container(tx, container_id, command.at, command.actor, shipment.carrier, then)
        ]
        if left:
            moved = store.move_shipment(tx, shipment_id, "hand_over", handed_over_at=command.at) or shipment
            tell_retailers(tx, moved, "shipment.handed_over", command.at, command.actor, left)
            _tell_returns(tx, moved, command, left)
            gone.update(left)
    return [container.sscc for container_id, container in going.items() if container_id in gone]


def _arrives_at(tx: Tx, shipment: ShipmentRow) -> datetime | None:
    lane = network.find_lane(tx, shipment.lane_id)
    if lane is None or lane.transit_days is None:
        return None
    return shipment.departs_at + timedelta(days=lane.transit_days)


def _tell_returns(tx: Tx, shipment: ShipmentRow, command: HandOver, container_ids: Sequence[str]) -> None:
    """One event for each return, for its own timeline."""
    by_return: dict[str, list[Any]] = {}
    for group in store.parcels_held(tx, container_ids).values():
        for parcel in group:
            by_return.setdefault(parcel.return_id, []).append(parcel)
    for return_id, parcels in sorted(by_return.items()):
        objects = {
            "return": return_id,
            "shipment": shipment.id,
            "parcels": [parcel.id for parcel in parcels],
            "units": [unit for parcel in parcels for unit in parcel.units],
        }
        append(
            tx,
            Event(
                type="parcel.departed",
                actor=command.actor,
                clerk_id=command.clerk_id,
                at=command.at,
                live=shipment.live,
                retailer_id=parcels[0].retailer_id,
                location_id=command.location_id,
                return_id=return_id,
                objects=objects,
                data={**objects, "carrier": shipment.carrier, "tags": [parcel.tag for parcel in parcels]},
            ),
        )


def _seal_case(tx: Tx, command: HandOver, container: ContainerRow) -> str:
    return cases.open_case(
        tx,
        "seal_broken",
        subject=container.id,
        objects={"container": container.sscc, "shipment": container.shipment_id, "handover": command.id},
        detail=f"The seal of container {container.sscc} was broken when the driver came.",
        retailer_id=container.retailer_id,
        location_id=command.location_id,
        live=container.live,
        at=command.at,
        actor=command.actor,
    )


def _verdict(handed_over: list[str], found: _Sorted) -> tuple[str, str | None]:
    """Refused when nothing that was named could go; what only had a broken seal is an answer, not a refusal."""
    if handed_over:
        return "accepted", None
    if found.gone:
        return "already", None
    refused = [one.reason for one in found.left if one.reason in ("not_booked", "wrong_location")]
    if found.other_mode:
        refused.insert(0, "test_mode")
    return ("refused", refused[0]) if refused and not found.broken else ("accepted", None)


def _shown(tx: Tx, text: str) -> str:
    container = counter.find_container(tx, text)
    return container.sscc if container else text[:60]


def _answer(
    command: HandOver,
    verdict: str,
    reason: str | None,
    *,
    count: int = 0,
    left: list[LeftBehind],
    cases_: list[str] | None = None,
) -> HandoverAnswer:
    return HandoverAnswer(
        id=command.id,
        verdict=verdict,
        reason=reason,
        count=count,
        handed_over=[],
        left_behind=left,
        cases=cases_ or [],
    )


def _keep(tx: Tx, command: HandOver, answer: HandoverAnswer) -> HandoverAnswer:
    """The attempt's row, refused ones too."""
    row = {
        "id": command.id,
        "location_id": command.location_id,
        "device_id": command.device_id,
        "shipment_id": command.shipment_id,
        "verdict": answer.verdict,
        "reason": answer.reason,
        "driver": command.driver,
        "driver_count": command.driver_count,
        "clerk_id": command.clerk_id,
        "handed_over": answer.handed_over,
        "left_behind": msgspec.to_builtins(answer.left_behind),
        "at": command.at,
    }
    store.insert_handover(tx, row)
    return answer
