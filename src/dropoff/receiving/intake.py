"""Counting a container's parcels, the same for both who do it: the retailer's warehouse and a hub.

They differ in what it means. At the retailer units are received and money may fall due. At a hub parcels wait for their
next departure and their units stay on the way.
"""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from dropoff.cases import service as cases
from dropoff.counter import service as counter
from dropoff.counter.service import ContainerRow, ParcelRow
from dropoff.db import Tx
from dropoff.events.log import Event, append
from dropoff.freight import service as freight
from dropoff.kernel.ids import new_id
from dropoff.kernel.tags import fold_tag
from dropoff.receiving import rules, store
from dropoff.receiving.rules import Contents, Seen
from dropoff.returns import service as returns


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One report from the table. `sscc` is any scan of the container, or a loose parcel's tag."""

    sscc: str
    tags: tuple[str, ...]
    """Folded, each once, in the order of the scans."""
    complete: bool
    at: datetime
    actor: str
    live: bool
    prefix: str
    """The GS1 prefix, for a loose parcel that came without having become a logistic unit."""


class VoidTag(msgspec.Struct, frozen=True):
    tag: str
    now: str


class Counted(msgspec.Struct, frozen=True):
    received: tuple[str, ...]
    missing: tuple[str, ...]
    """Packed into it and not seen yet; only a complete report makes cases of them."""
    unexpected: tuple[str, ...]
    cases: tuple[str, ...]
    void: tuple[VoidTag, ...] = ()
    """Tags that no parcel carries any more, with the one that does: scan that one. They count for nothing."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Whose table it is: a retailer's or a hub's."""

    name: str
    retailer_id: str | None = None
    location_id: str | None = None


def find(tx: Tx, text: str) -> ContainerRow | ParcelRow | None:
    """What the report is about: a container, or a parcel that travelled alone and unannounced."""
    container = counter.find_container(tx, text)
    if container is not None:
        return container
    parcel = counter.find_parcel_by_tag(tx, fold_tag(text))
    is_loose = parcel is not None and parcel.container_id is None and parcel.status in ("tagged", "at_hub")
    return parcel if is_loose else None


def take_in(tx: Tx, report: Report, found: ContainerRow | ParcelRow, place: Place) -> Counted | None:
    """None when it is no closed container any more: it was opened again, packed or taken away a moment ago."""
    unit = _unit_of(tx, found, report)
    if unit is None:
        return None
    known = _known_parcels(tx, report, unit, place)
    void = tuple(VoidTag(tag, known[tag].tag) for tag in report.tags if tag in known and known[tag].tag != tag)
    for old in void:
        del known[old.tag]
    container, packed = _lock(tx, unit, known.values())
    if container.status == "open":
        return None
    by_id = {parcel.id: parcel for parcel in [*known.values(), *packed]}
    contents = {parcel.id: _contents(parcel, container) for parcel in packed}
    gone = {old.tag for old in void}
    seen = [Seen(tag, known[tag].id if tag in known else None) for tag in report.tags if tag not in gone]
    findings = rules.sort_out(contents, seen)
    opened = _open_cases(tx, report, container, findings, by_id, place)
    for parcel_id in dict.fromkeys(parcel.id for parcel in known.values()):
        if place.retailer_id is not None or _may_come(contents.get(parcel_id)):
            _arrive(tx, report, container, parcel_id, place)
    if counter.receive_container(tx, container.id, report.at, place.location_id):
        freight.container_received(tx, container.id, report.at)
    if report.complete:
        counter.close_container_unpacked(tx, container.id)
    counted = Counted(
        received=tuple(one.tag for one in findings.received),
        missing=tuple(owed.tag for owed in findings.missing),
        unexpected=tuple(one.tag for one in findings.unexpected),
        cases=tuple(opened),
        void=void,
    )
    _keep(tx, report, container, counted, place)
    return counted


def _lock(tx: Tx, unit: ContainerRow, seen: Iterable[ParcelRow]) -> tuple[ContainerRow, list[ParcelRow]]:
    """The container and what was packed into it, as they stand once all of it is ours.

    Also the returns of what was not seen: who finds such a parcel elsewhere at this moment must see its case, or we
    its arrival.
    """
    touched = {parcel.return_id for parcel in [*seen, *counter.parcels_in(tx, unit.id)]}
    # The order in which everyone locks: returns, then the container, then its parcels.
    for return_id in sorted(touched):
        returns.lock_return(tx, return_id)
    store.lock_container(tx, unit.id)
    return counter.find_container(tx, unit.id) or unit, counter.parcels_in(tx, unit.id)


def _contents(parcel: ParcelRow, container: ContainerRow) -> Contents:
    owed = rules.is_outstanding(parcel.status, parcel.container_id, container.id)
    return Contents(parcel.id, parcel.tag, owed)


def _may_come(contents: Contents | None) -> bool:
    """Whether a parcel seen at a hub arrives there now. One that came out of this container before may have left again
    by another: a late repeat of the report must not fetch it back."""
    return contents is None or contents.outstanding


def _keep(tx: Tx, report: Report, container: ContainerRow, counted: Counted, place: Place) -> None:
    row = {
        "id": new_id("int"),
        "at_kind": "hub" if place.location_id else "retailer",
        "retailer_id": place.retailer_id,
        "location_id": place.location_id,
        "sscc": container.sscc,
        "container_id": container.id,
        "live": report.live,
        "actor": report.actor,
        "complete": report.complete,
        "at": report.at,
        "received": counted.received,
        "missing": counted.missing,
        "unexpected": counted.unexpected,
        "cases": counted.cases,
    }
    store.add_intake(tx, row)


def _unit_of(tx: Tx, found: ContainerRow | ParcelRow, report: Report) -> ContainerRow | None:
    if isinstance(found, ContainerRow):
        return found
    # None: another report made it one a moment ago.
    return counter.make_logistic_unit(tx, found.id, report.prefix, report.at) or counter.find_container(tx, found.tag)


def _known_parcels(tx: Tx, report: Report, container: ContainerRow, place: Place) -> dict[str, ParcelRow]:
    """The parcels behind the tags, as far as this place may know of them: another tenant's tag is like one that
    nobody knows."""
    known = {parcel.tag: parcel for parcel in counter.parcels_in(tx, container.id) if parcel.tag in report.tags}
    for tag in report.tags:
        if tag not in known:
            parcel = counter.find_parcel_by_tag(tx, tag)
            if parcel is not None:
                known[tag] = parcel
    return {
        tag: parcel
        for tag, parcel in known.items()
        if parcel.live == report.live and place.retailer_id in (None, parcel.retailer_id)
    }


def _open_cases(
    tx: Tx,
    report: Report,
    container: ContainerRow,
    findings: rules.Findings,
    by_id: dict[str, ParcelRow],
    place: Place,
) -> list[str]:
    """Each difference is a case, once: the same report next week opens nothing that was settled meanwhile."""
    opened = []
    if container.status == "sealed":
        opened.append(_unscanned_handover(tx, report, container, place))
    else:
        earlier = cases.known_case(tx, "handover_unscanned", container.id)
        opened += [earlier] if earlier else []
    if report.complete:
        opened += [_missing(tx, report, container, by_id[owed.parcel_id]) for owed in findings.missing]
    for one in findings.unexpected:
        parcel = by_id[one.parcel_id] if one.parcel_id else None
        opened.append(_unexpected(tx, report, container, one.tag, parcel, place))
    return opened


def _unscanned_handover(tx: Tx, report: Report, container: ContainerRow, place: Place) -> str:
    return cases.open_case(
        tx,
        kind="handover_unscanned",
        subject=container.id,
        objects={"container": container.sscc},
        detail=f"Container {container.sscc} came to {place.name}, and nobody scanned its handover.",
        retailer_id=place.retailer_id,
        location_id=container.origin_location_id,
        live=container.live,
        at=report.at,
        actor=report.actor,
        once=True,
    )


def _missing(tx: Tx, report: Report, container: ContainerRow, parcel: ParcelRow) -> str:
    return cases.open_case(
        tx,
        kind="missing",
        subject=f"{parcel.id} {container.id}",
        objects={
            "parcel": parcel.id,
            "tag": parcel.tag,
            "return": parcel.return_id,
            "units": counter.units_in(tx, [parcel.id]).get(parcel.id, []),
            "container": container.sscc,
        },
        detail=f"Parcel {parcel.tag} was packed into container {container.sscc} and not found in it.",
        retailer_id=parcel.retailer_id,
        location_id=container.origin_location_id,
        live=parcel.live,
        at=report.at,
        actor=report.actor,
        once=True,
    )


def _unexpected(
    tx: Tx, report: Report, container: ContainerRow, tag: str, parcel: ParcelRow | None, place: Place
) -> str:
    objects: dict[str, object] = {"tag": tag, "container": container.sscc}
    detail = f"Nothing is known of tag {tag}, found in container {container.sscc}."
    if parcel is not None:
        objects |= {"parcel": parcel.id, "return": parcel.return_id}
        detail = f"Parcel {tag} was found in container {container.sscc}, where it was not packed."
    return cases.open_case(
        tx,
        kind="unexpected",
        subject=f"{container.id} {tag}",
        objects=objects,
        detail=detail,
        retailer_id=place.retailer_id or (parcel.retailer_id if parcel else None),
        location_id=place.location_id,
        live=report.live,
        at=report.at,
        actor=report.actor,
        once=True,
    )


def _arrive(tx: Tx, report: Report, container: ContainerRow, parcel_id: str, place: Place) -> None:
    """Moves a parcel that has not come before, and ends the search for it."""
    arrival = counter.receive_parcel(
        tx, parcel_id, report.at, report.actor, place.location_id is None, location_id=place.location_id
    )
    if arrival is None:
        return
    parcel = arrival.parcel
    about = {
        "return": parcel.return_id,
        "parcel": parcel.id,
        "tag": parcel.tag,
        "units": counter.units_in(tx, [parcel.id])[parcel.id],
        "container": container.sscc,
    }
    event = Event(
        type="parcel.received" if place.location_id is None else "parcel.at_hub",
        actor=report.actor,
        at=report.at,
        live=parcel.live,
        retailer_id=parcel.retailer_id,
        location_id=place.location_id,
        return_id=parcel.return_id,
        objects=about,
        data=about,
    )
    append(tx, event)
    _end_of_its_own(tx, report, container, parcel, place)
    note = f"It came to {place.name} in container {container.sscc}."
    cases.settle_about(tx, "missing", parcel.id, "found", note, report.at, report.actor)


def _end_of_its_own(tx: Tx, report: Report, container: ContainerRow, parcel: ParcelRow, place: Place) -> None:
    """A parcel that was to travel by itself came inside another container: as a container of its own it is no more, or
    every departure would be planned with it."""
    own = counter.find_container(tx, parcel.tag)
    if own is None or own.id == container.id:
        return
    if counter.receive_container(tx, own.id, report.at, place.location_id):
        freight.container_received(tx, own.id, report.at)
        counter.close_container_unpacked(tx, own.id)
