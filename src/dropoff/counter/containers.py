"""Bags, totes, cages and pallets at a location: opened, filled, sealed, opened again."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from dropoff.counter import rules, shifts, store, tellings
from dropoff.counter.movement import find_container, lock_returns
from dropoff.counter.reading import read
from dropoff.counter.store import ContainerRow, ParcelRow
from dropoff.counter.till import Note, Till, keep, say
from dropoff.counter.views import ContainerAnswer, ContainerView, container_view
from dropoff.counter.ways import find_way
from dropoff.db import Tx
from dropoff.kernel import gs1
from dropoff.kernel.errors import Problem, invalid
from dropoff.kernel.ids import new_id
from dropoff.web.schema import Code, Name


class NewContainer(msgspec.Struct, frozen=True):
    kind: Literal["bag", "tote", "cage", "pallet"]
    sscc: Code | None = None
    """From a pre-printed label; unset, the server makes one."""
    grai: Code | None = None
    """Of a reusable tote; its SSCC is of this filling only."""


class PackIn(msgspec.Struct, frozen=True):
    tag: Code


class SealIn(msgspec.Struct, frozen=True):
    seal: Annotated[str, Meta(max_length=60)] | None = None


class UnsealIn(msgspec.Struct, frozen=True):
    reason: Name


def open_container(tx: Tx, prefix: str, till: Till, data: NewContainer, at: datetime) -> ContainerView | Problem:
    """A pre-printed SSCC must be of our prefix and unused. Scanned again while its container is open here, it answers
    that container: two tills may stand at one bag."""
    till = shifts.attributed(tx, till, at)
    sscc = gs1.parse_sscc(data.sscc) if data.sscc is not None else None
    grai = gs1.parse_grai(data.grai) if data.grai is not None else None
    if data.sscc is not None and (sscc is None or not sscc[1:].startswith(prefix)):
        detail = "This is no SSCC with a right check digit." if sscc is None else "This SSCC is another company's."
        return invalid("/sscc", detail)
    if data.grai is not None and grai is None:
        return invalid("/grai", "This is no GRAI with a right check digit.")
    row = {
        "id": new_id("ctr"),
        "kind": data.kind,
        "status": "open",
        "location_id": till.location_id,
        "origin_location_id": till.location_id,
        "live": till.live,
        "weight_g": 0,
        "parcel_count": 0,
        "grai": grai,
        "opened_at": at,
    }
    made = store.insert_container(tx, {**row, "sscc": sscc or store.next_sscc(tx, prefix)})
    while made is None and sscc is None:
        made = store.insert_container(tx, {**row, "sscc": store.next_sscc(tx, prefix)})
    if made is not None:
        keep(tx, till, at, Note("container", "accepted", None, made.id))
        tellings.tell_container(tx, "container.opened", till, made, at)
        return container_view(tx, made)
    return _opened_before(tx, till, str(sscc), at)


def _opened_before(tx: Tx, till: Till, sscc: str, at: datetime) -> ContainerView | Problem:
    known = store.container_by_sscc(tx, sscc)
    if known is not None and (known.status, known.location_id, known.live) == ("open", till.location_id, till.live):
        keep(tx, till, at, Note("container", "already", None, known.id))
        return container_view(tx, known)
    keep(tx, till, at, Note("container", "refused", None, known.id if known else None))
    return Problem("sscc-used", data={"sscc": sscc})


def find_here(tx: Tx, text: str, location_id: str, live: bool) -> ContainerView | None:
    """A container that is at this location or came from it."""
    row = find_container(tx, text)
    if row is None or location_id not in (row.location_id, row.origin_location_id) or row.live != live:
        return None
    return container_view(tx, row)


def pack_parcel(tx: Tx, till: Till, text: str, data: PackIn, at: datetime) -> ContainerAnswer:
    """A loose parcel, or one that arrived at this hub, goes into an open container."""
    till = shifts.attributed(tx, till, at)
    row = find_container(tx, text)
    tag = read(data.tag).tag
    parcel = store.parcel_by_tag(tx, tag) if tag is not None else None
    if parcel is not None:
        lock_returns(tx, [parcel.return_id])
        parcel = store.parcel_by_id(tx, parcel.id)
    reason = "container_unknown" if row is None else _why_not_movable(till, tag, parcel, row)
    if reason is None and row is not None and parcel is not None:
        reason = _pack(tx, till, row, parcel, at)
    request = {"parcel": parcel.id if parcel else None, "tag": tag}
    answer = _answer(tx, till, "add_parcel", row, reason, at, request)
    if reason == "tag_used" and parcel is not None and parcel.status != "void" and parcel.live == till.live:
        return msgspec.structs.replace(answer, say=f"This tag is void. The parcel carries {parcel.tag} now.")
    return answer


def _why_not_movable(till: Till, tag: str | None, parcel: ParcelRow | None, row: ContainerRow) -> str | None:
    if tag is None:
        return "tag_malformed"
    if parcel is None:
        return "unit_unknown"
    if parcel.live != till.live:
        return "test_mode"
    if parcel.status == "void" or parcel.tag != tag:
        return "tag_used"
    if parcel.container_id == row.id:
        return "already"
    if parcel.location_id != till.location_id:
        return "wrong_location"
    if (parcel.status, "pack") not in rules.PARCEL_TRANSITIONS:
        return "wrong_container"
    return None


def _pack(tx: Tx, till: Till, row: ContainerRow, parcel: ParcelRow, at: datetime) -> str | None:
    way = find_way(tx, till.location_id, parcel.retailer_id)
    load = way.load(till, [parcel])
    reason = rules.why_not_packed(way.packing(row), load)
    if reason is not None:
        return reason
    loaded = store.load_container(tx, row.id, load)
    if loaded is None:
        return rules.why_not_packed(way.packing(store.container_by_id(tx, row.id)), load) or "container_not_open"
    # The return is locked and the parcel was looked at since, so this edge is there.
    store.move_parcel(tx, parcel.id, "pack", container_id=row.id)
    store.note_packed(tx, row.id, [parcel.id], at)
    tellings.tell_packed(tx, till, loaded, parcel, at)
    return None


def seal(tx: Tx, till: Till, text: str, data: SealIn, at: datetime) -> ContainerAnswer:
    till = shifts.attributed(tx, till, at)
    row = find_container(tx, text)
    reason = _why_not_here(till, row)
    if reason is None and row is not None:
        sealed = store.seal_container(tx, row.id, till.location_id, data.seal, at)
        if sealed is not None:
            tellings.tell_container(tx, "container.sealed", till, sealed, at, seal=data.seal)
        else:
            reason = _why_not_sealed(store.container_by_id(tx, row.id), data.seal)
    return _answer(tx, till, "seal", row, reason, at, {"seal": data.seal})


def _why_not_sealed(row: ContainerRow | None, wanted: str | None) -> str:
    if row is not None and row.status == "open":
        return "wrong_container"  # it is empty: nothing to seal in this one
    same = row is not None and row.status == "sealed" and wanted in (None, row.seal)
    return "already" if same else "container_not_open"


def unseal(tx: Tx, till: Till, text: str, data: UnsealIn, at: datetime) -> ContainerAnswer:
    """Opening a sealed bag is a recorded act; one that a shipment claims stays sealed."""
    till = shifts.attributed(tx, till, at)
    row = find_container(tx, text)
    reason = _why_not_here(till, row)
    if reason is None and row is not None:
        opened = store.unseal_container(tx, row.id, till.location_id)
        if opened is not None:
            tellings.tell_container(tx, "container.unsealed", till, opened, at, reason=data.reason, seal=row.seal)
        else:
            reason = _why_not_unsealed(store.container_by_id(tx, row.id))
    return _answer(tx, till, "unseal", row, reason, at, {"reason": data.reason})


def _why_not_unsealed(row: ContainerRow | None) -> str:
    if row is not None and row.status == "open":
        return "already"
    if row is not None and row.status == "sealed":
        return "wrong_container" if row.kind == "parcel" else "already_planned"
    return "container_not_open"


def _why_not_here(till: Till, row: ContainerRow | None) -> str | None:
    if row is None:
        return "container_unknown"
    if row.live != till.live:
        return "test_mode"
    return "wrong_location" if row.location_id not in (till.location_id, None) else None


def _answer(
    tx: Tx,
    till: Till,
    kind: str,
    row: ContainerRow | None,
    reason: str | None,
    at: datetime,
    request: dict[str, Any],
) -> ContainerAnswer:
    """Keeps the attempt. The container is shown as it is now, to a till of its place."""
    verdict: rules.Verdict = "accepted" if reason is None else "already" if reason == "already" else "refused"
    reason = None if verdict == "already" else reason
    keep(tx, till, at, Note(kind, verdict, reason, row.id if row else None, request))
    shown = find_here(tx, row.id, till.location_id, till.live) if row is not None else None
    empty = kind == "seal" and reason == "wrong_container"
    sentence = "This bag is empty: there is nothing to seal." if empty else say(verdict, reason)
    return ContainerAnswer(verdict=verdict, reason=reason, say=sentence, container=shown)
