"""Photos of what lay on the counter: damaged on arrival, or why it was refused. The retailer of the return sees them,
nobody else, and they are erased by age."""

from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

from dropoff.counter import store_hand_ins, store_photos
from dropoff.counter.pictures import Picture
from dropoff.counter.till import Till
from dropoff.db import Tx
from dropoff.events.log import Event, append
from dropoff.kernel.errors import Problem, not_found
from dropoff.kernel.ids import first_id, new_id
from dropoff.returns import service as returns

PHOTOS_MAX = 20
"""Of one hand-in."""
WITHIN = timedelta(hours=72)
"""After the hand-in: a till may have been without a network for a long weekend."""
KEPT_FOR = timedelta(days=180)
"""Longer than claims for damage run."""


class PhotoQuery(msgspec.Struct, frozen=True):
    hand_in: Annotated[str, Meta(max_length=60)]
    unit: Annotated[str, Meta(max_length=60)]
    note: Annotated[str, Meta(max_length=200)] | None = None
    """What is wrong with it. No names."""


class PhotoView(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    hand_in: str
    unit: str
    refused: str | None
    """Why the unit was not taken; null when it was, damaged."""
    note: str | None
    width: int
    height: int
    taken_at: datetime


class PhotoList(msgspec.Struct, frozen=True):
    items: list[PhotoView]
    next: str | None = None


class Thing(msgspec.Struct, frozen=True):
    id: str
    title: str
    refused: str | None


def things_of(tx: Tx, till: Till, hand_in_id: str) -> list[Thing]:
    """What a photo can be of: the things that this place took or refused in a hand-in."""
    row = store_hand_ins.find(tx, hand_in_id)
    if row is None or row.location_id != till.location_id or row.live != till.live or row.return_id is None:
        return []
    taken = {unit for parcel in row.request["parcels"] for unit in parcel["units"]}
    refused = {one["unit"]: one["reason"] for one in row.request["refused"] if one["reason"] != "not_presented"}
    held = returns.units_of(tx, row.return_id) if row.verdict == "accepted" else []
    return [
        Thing(unit.id, f"{unit.title} {unit.variant or ''}".strip(), refused.get(unit.id))
        for unit in held
        if unit.id in taken or unit.id in refused
    ]


def add_photo(tx: Tx, till: Till, ask: PhotoQuery, picture: Picture, at: datetime) -> PhotoView | Problem:
    """Only of what this place took or refused a short while ago."""
    row = store_hand_ins.find(tx, ask.hand_in)
    if row is None or row.location_id != till.location_id or row.live != till.live or row.verdict != "accepted":
        return not_found("hand-in of this place")
    head = returns.lock_return(tx, row.return_id) if row.return_id else None
    taken = {unit for parcel in row.request["parcels"] for unit in parcel["units"]}
    refused = {one["unit"]: one["reason"] for one in row.request["refused"]}
    if head is None or ask.unit not in taken | set(refused):
        return not_found("unit of this hand-in")
    if at - row.received_at > WITHIN:
        return Problem("photo-too-late", f"Photos are taken within {WITHIN.days} days of the hand-in.")
    if store_photos.count_of(tx, row.id) >= PHOTOS_MAX:
        return Problem("photo-limit", f"A hand-in holds {PHOTOS_MAX} photos.")
    view = PhotoView(
        id=new_id("pho"),
        hand_in=row.id,
        unit=ask.unit,
        refused=refused.get(ask.unit),
        note=ask.note or None,
        width=picture.width,
        height=picture.height,
        taken_at=at,
    )
    store_photos.insert_photo(
        tx,
        {
            "id": view.id,
            "retailer_id": head.retailer_id,
            "return_id": head.id,
            "unit_id": view.unit,
            "hand_in_id": row.id,
            "location_id": till.location_id,
            "actor": till.actor,
            "refused": view.refused,
            "note": view.note,
            "body": picture.body,
            "width": view.width,
            "height": view.height,
            "taken_at": at,
        },
    )
    _tell(tx, till, head, view, at)
    return view


def _tell(tx: Tx, till: Till, head: returns.ReturnRow, view: PhotoView, at: datetime) -> None:
    """Without the note: it is free text, and the log is kept for good."""
    event = Event(
        type="unit.photographed",
        actor=till.actor,
        at=at,
        live=head.live,
        retailer_id=head.retailer_id,
        location_id=till.location_id,
        return_id=head.id,
        objects={"return": head.id, "units": [view.unit], "hand_in": view.hand_in},
        data={"return": head.id, "unit": view.unit, "photo": view.id, "hand_in": view.hand_in, "refused": view.refused},
    )
    append(tx, event)


def photos_of_return(tx: Tx, retailer_id: str, return_id: str) -> PhotoList | Problem:
    if returns.find_return(tx, return_id, retailer_id) is None:
        return not_found("return")
    rows = store_photos.photos_of(tx, return_id, retailer_id)
    return PhotoList([_view(row) for row in rows])


def _view(row: store_photos.PhotoRow) -> PhotoView:
    return PhotoView(
        id=row.id,
        hand_in=row.hand_in_id,
        unit=row.unit_id,
        refused=row.refused,
        note=row.note,
        width=row.width,
        height=row.height,
        taken_at=row.taken_at,
    )


def photo_body(tx: Tx, retailer_id: str, photo_id: str) -> bytes | None:
    return store_photos.body_of(tx, photo_id, retailer_id)


def forget_photos(tx: Tx, at: datetime) -> int:
    """A part of the old ones; again until it answers 0."""
    return store_photos.delete_before(tx, first_id("pho", at - KEPT_FOR), 100)
