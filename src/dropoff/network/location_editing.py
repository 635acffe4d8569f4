"""Places added and edited by hand. It is cleaned as the rows of files are, but none of it is dropped: what a file would
lose is refused, with the field that is wrong.

A field set by hand stays so when the place's source is synced, until it is given back. A place without a source beside
the operator (`manual`) has nobody to give it back to: its fields are simply changed.
"""

import re
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from dropoff.db import Tx
from dropoff.events.log import Event, append
from dropoff.kernel.errors import FieldError, Problem, invalid, not_found
from dropoff.network import applying_store, loads, location_store, override_store, store
from dropoff.network.cleaning import Cleaned, RawRow, Rejected, clean
from dropoff.network.importing import SOURCE_PATTERN
from dropoff.network.location_fields import FACTS, FIELDS, Override, pointer, properties, stored
from dropoff.network.nearby_place import Position
from dropoff.network.staging import stage_row

MANUAL: Final = "manual"
"""The source of places that nobody but the operator tells of."""
_NAMED: Final = re.compile(r"`(\w+)`")
_FLAT: Final = (*FACTS, "photo_url", "access_note")

Text = Annotated[str, Meta(max_length=1_000)]
Words = Annotated[list[Annotated[str, Meta(max_length=80)]], Meta(max_length=32)]
Box = Annotated[list[int], Meta(min_length=3, max_length=3)]


class NewAddress(msgspec.Struct, frozen=True, kw_only=True):
    country: Text
    street: Text | None = None
    postcode: Text | None = None
    city: Text | None = None


class NewLocation(msgspec.Struct, frozen=True, kw_only=True):
    """`external_id`: the source's own; without it the place's id stands there."""

    source: Annotated[str, Meta(pattern=SOURCE_PATTERN)] = MANUAL
    external_id: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    name: Text
    kind: Text
    address: NewAddress
    position: Position
    operator: Text | None = None
    opening_hours: Text | None = None
    accepts: Words | None = None
    phone: Text | None = None
    url: Text | None = None
    photo_url: Text | None = None
    access_note: Text | None = None
    carriers: Words | None = None
    step_free: bool | None = None
    has_printer: bool | None = None
    max_weight_g: int | None = None
    max_size_mm: Box | None = None
    refuses: Words | None = None
    live: bool = True


class AddressPatch(msgspec.Struct, frozen=True, kw_only=True):
    country: Text | UnsetType = UNSET
    street: Text | UnsetType | None = UNSET
    postcode: Text | UnsetType | None = UNSET
    city: Text | UnsetType | None = UNSET


class LocationPatch(msgspec.Struct, frozen=True, kw_only=True):
    """A merge patch (RFC 7396): what is left out stays, null empties."""

    name: Text | UnsetType = UNSET
    kind: Text | UnsetType = UNSET
    address: AddressPatch | UnsetType = UNSET
    position: Position | UnsetType = UNSET
    operator: Text | UnsetType | None = UNSET
    opening_hours: Text | UnsetType | None = UNSET
    accepts: Words | UnsetType | None = UNSET
    phone: Text | UnsetType | None = UNSET
    url: Text | UnsetType | None = UNSET
    photo_url: Text | UnsetType | None = UNSET
    access_note: Text | UnsetType | None = UNSET
    carriers: Words | UnsetType | None = UNSET
    step_free: bool | UnsetType | None = UNSET
    has_printer: bool | UnsetType | None = UNSET
    max_weight_g: int | UnsetType | None = UNSET
    max_size_mm: Box | UnsetType | None = UNSET
    refuses: Words | UnsetType | None = UNSET
    live: bool | UnsetType = UNSET
    capacity: loads.Count | UnsetType | None = UNSET
    """How many parcels it can hold; the place itself may tell it, too."""


def add_location(tx: Tx, new: NewLocation, at: datetime, actor: str) -> str | Problem:
    """The new place's id."""
    wanted = {"id": new.external_id or "-"} | {name: value for name, value in _told(new).items() if value is not None}
    cleaned = _cleaned(wanted, new.position)
    if isinstance(cleaned, Problem):
        return cleaned
    row = stage_row("", cleaned)
    del row["import_id"]
    row |= {"source": new.source, "state": "active", "created_at": at, "updated_at": at}
    row["external_id"] = cleaned.external_id if new.external_id is not None else row["id"]
    row["revision"] = location_store.next_revision(tx)
    if not override_store.add_location(tx, row):
        known = store.find_external(tx, new.source, row["external_id"])
        return Problem("location-exists", data={"location": known.id if known else None})
    _tell(tx, "location.added", row["id"], cleaned.live, at, actor, {"source": new.source})
    return str(row["id"])


def edit_location(tx: Tx, location_id: str, patch: LocationPatch, at: datetime, actor: str) -> Problem | None:
    """None when all that was asked holds; asking for what holds already changes nothing."""
    revision = applying_store.lock_network(tx) + 1  # no sync comes between reading what the source says and noting it
    before = override_store.content(tx, location_id)
    if before is None:
        return not_found("location")
    if before["state"] == "removed":
        return Problem("location-not-open", "Its source took the place out.")
    if patch.capacity is not UNSET and before["state"] not in store.HELD_STATES:
        return Problem("location-not-open", "A closed place holds nothing.")
    asked = _told(patch)
    position = Position(before["lat"], before["lon"]) if patch.position is UNSET else patch.position
    cleaned = _cleaned({"id": before["external_id"]} | properties(before) | asked, position, frozenset(asked))
    if isinstance(cleaned, Problem):
        return cleaned
    if cleaned.kind != "hub" and before["kind"] == "hub" and _is_led_to(tx, location_id):
        return invalid("/kind", "Lanes lead to this hub. Remove them first.")
    if patch.capacity is not UNSET:
        _set_capacity(tx, location_id, patch.capacity, at, actor)
    after = stage_row("", cleaned)
    named = [*asked, *(["position"] if patch.position is not UNSET else [])]
    fields = [field for field in named if stored(field, after) != stored(field, before)]
    if not fields:
        return None
    if before["source"] != MANUAL:
        _note_sources(tx, location_id, fields, before, after, at, actor)
    values = {column: value for field in fields for column, value in stored(field, after).items()}
    override_store.set_fields(tx, location_id, values, revision, at)
    _in_force(tx, revision)
    _tell(tx, "location.edited", location_id, cleaned.live, at, actor, {"fields": sorted(fields)})
    return None


def _set_capacity(tx: Tx, location_id: str, capacity: int | None, at: datetime, actor: str) -> None:
    place = store.find_location(tx, location_id)
    assert place is not None, "its content was read just before"
    loads.set_capacity(tx, place, capacity, at, actor)


def give_back(tx: Tx, location_id: str, field: str, at: datetime, actor: str) -> Problem | None:
    """The field is the source's again, and holds what it says. Giving back twice changes nothing."""
    revision = applying_store.lock_network(tx) + 1
    before = override_store.content(tx, location_id)
    if before is None:
        return not_found("location")
    if field not in FIELDS:
        return not_found("field")
    override = override_store.overrides(tx, location_id).get(field)
    if override is None:
        return None
    override_store.drop(tx, location_id, field)
    override_store.set_fields(tx, location_id, override.source_value, revision, at)
    _in_force(tx, revision)
    _tell(tx, "location.given_back", location_id, bool(before["live"]), at, actor, {"fields": [field]})
    return None


def _note_sources(
    tx: Tx, location_id: str, fields: list[str], before: dict[str, Any], after: dict[str, Any], at: datetime, actor: str
) -> None:
    """What the source says of these fields stands beside from now on. A field that says the same needs no note."""
    known = override_store.overrides(tx, location_id)
    for field in fields:
        said = known[field].source_value if field in known else stored(field, before)
        if said == stored(field, after):
            override_store.drop(tx, location_id, field)
        else:
            override_store.put(tx, Override(location_id, field, said, at, actor))


def _told(data: NewLocation | LocationPatch) -> dict[str, Any]:
    """The fields that the body names, but for the position; None for null."""
    flat = ("name", "kind", "operator", "opening_hours", "accepts", "phone", "url", "live", *_FLAT)
    found = {name: getattr(data, name) for name in flat}
    if data.address is not UNSET:
        found |= msgspec.structs.asdict(data.address)
    return {name: value for name, value in found.items() if value is not UNSET}


def _cleaned(told: dict[str, Any], position: Position, named: frozenset[str] | None = None) -> Cleaned | Problem:
    """`named`: the fields of which a fault is the caller's; None is all."""
    geometry = {"type": "Point", "coordinates": [position.lon, position.lat]}
    outcome = clean(RawRow(0, told, geometry))
    if isinstance(outcome, Rejected):
        return _refusal(outcome)
    for field in _FLAT:
        if (named is None or field in named) and field in outcome.repaired and told.get(field) is not None:
            return invalid(pointer(field), "This cannot be read, or is more than a place may tell.")
    return outcome


def _refusal(row: Rejected) -> Problem:
    field = "position" if row.reason.startswith(("position", "geometry")) else ""
    found = _NAMED.search(row.detail)
    if not field and found:
        field = "external_id" if found[1] == "id" else found[1]
    return Problem("invalid-request", row.detail, (FieldError(pointer(field) if field else "", row.detail),))


def _is_led_to(tx: Tx, location_id: str) -> bool:
    return any(lane.destination_hub_id == location_id for lane in store.lanes(tx))


def _in_force(tx: Tx, revision: int) -> None:
    applying_store.set_revision(tx, revision)
    tx.wake(location_store.WAKE)


def _tell(tx: Tx, kind: str, location_id: str, live: bool, at: datetime, actor: str, data: dict[str, Any]) -> None:
    objects = {"location": location_id}
    append(tx, Event(type=kind, actor=actor, at=at, live=live, location_id=location_id, objects=objects, data=data))
