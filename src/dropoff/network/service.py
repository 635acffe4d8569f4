"""What can be done with the network: its places read, lanes kept, tills paired; and what other rooms ask of it."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from dropoff.access import service as access
from dropoff.db import Tx
from dropoff.db.vault import token_hash
from dropoff.events.log import Event, append
from dropoff.kernel.errors import FieldError, Problem, invalid, not_found
from dropoff.kernel.ids import CROCKFORD, new_id
from dropoff.network import hours_told, nearby_hours, rules, store
from dropoff.network.closures import Closed, expression_with
from dropoff.network.hours_told import Hours
from dropoff.network.nearby_hours import Opening
from dropoff.network.rules import Lane, NextStop
from dropoff.network.store import Device, Location, LocationFilter
from dropoff.web.schema import Currency, Id, Minor

PAIRING_TTL: Final = timedelta(hours=1)
_PAIRING_LENGTH: Final = 16
_LOOKALIKES: Final = str.maketrans("OIL", "011")


class LocationPage(msgspec.Struct, frozen=True):
    items: list[Location]
    next: str | None


class LanePage(msgspec.Struct, frozen=True):
    items: list[Lane]
    next: str | None


class DevicePage(msgspec.Struct, frozen=True):
    items: list[Device]
    next: str | None


class Origin(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Either `location` or `any: true`."""

    location: Id | None = None
    any: bool = False


class Destination(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Either `retailer` or `hub`, the id of a location of kind hub."""

    retailer: Id | None = None
    hub: Id | None = None


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    currency: Currency
    per_shipment: Minor | None = None
    per_container: Minor | None = None
    per_kg: Minor | None = None
    per_parcel: Minor | None = None
    minimum: Minor | None = None


class NewLane(msgspec.Struct, frozen=True, kw_only=True):
    origin: Origin
    destination: Destination
    carrier: Annotated[str, Meta(min_length=1, max_length=60)]
    service: Annotated[str, Meta(min_length=1, max_length=60)]
    days: Annotated[str, Meta(max_length=60, description="OSM weekdays, for example `Mo-Fr,Su`")]
    cutoff: Annotated[str, Meta(max_length=5, description="HH:MM by the clock of the origin")]
    max_weight_g: Annotated[int, Meta(ge=1, le=10**9)] | None = None
    price: Price | None = None
    transit_days: Annotated[int, Meta(ge=0, le=60)] | None = None
    max_bag_weight_g: Annotated[int, Meta(ge=1, le=10**6)] | None = None
    """What one bag or tote may weigh: somebody lifts it. `max_weight_g` is for a whole departure."""
    max_bag_parcels: Annotated[int, Meta(ge=1, le=10_000)] | None = None


class NewDevice(msgspec.Struct, frozen=True):
    """What the operator hands on; the code is shown once, only its hash is kept."""

    id: str
    name: str
    location: str
    live: bool
    pairing_code: str
    pairing_url: str
    expires_at: datetime


class Paired(msgspec.Struct, frozen=True):
    device: Device
    location: Location
    token: str
    credential_id: str


def location(tx: Tx, location_id: str) -> Location | None:
    """In any state, public or not."""
    return store.find_location(tx, location_id)


def location_by_external_id(tx: Tx, source: str, external_id: str) -> Location | None:
    return store.find_external(tx, source, external_id)


def public_location(tx: Tx, location_id: str) -> Location | Problem:
    """What anyone may read: no hubs, no test places, nothing that was removed."""
    found = store.find_location(tx, location_id)
    if found is None or found.kind == "hub" or not found.live or found.state == "removed":
        return not_found("location")
    return found


def closures_of(tx: Tx, location_ids: Sequence[str], at: datetime) -> list[tuple[Closed, ...]]:
    """Of each, those that are not over."""
    found = store.closures_of(tx, location_ids, at.date() - timedelta(days=1))
    return [tuple(found.get(one, ())) for one in location_ids]


def hours_of(place: Location, closures: Sequence[Closed]) -> Hours | None:
    """None when nobody knows any."""
    if not place.hours_known and not closures:
        return None
    usual = Hours(place.opening_hours, place.zone, place.country, (place.lat, place.lon))
    expression = expression_with(usual, closures, is_known=place.hours_known)
    return msgspec.structs.replace(usual, expression=expression)


def opening(place: Location, closures: Sequence[Closed], at: datetime) -> Opening:
    of = hours_of(place, closures)
    return Opening() if of is None else nearby_hours.opening(hours_told.standing(of, at))


def list_locations(tx: Tx, wanted: LocationFilter) -> LocationPage:
    found = store.list_locations(tx, wanted)
    page = found[: wanted.limit]
    return LocationPage(page, page[-1].id if len(found) > wanted.limit else None)


def next_stop(tx: Tx, location_id: str, retailer_id: str) -> NextStop:
    """Where a parcel of this retailer goes from here; the retailer itself when no lane says otherwise."""
    return rules.next_stop(store.lanes_towards(tx, location_id, retailer_id), location_id, retailer_id)


def lane_to(tx: Tx, location_id: str, stop: NextStop) -> Lane | None:
    """The lane in force by which goods for this stop leave here."""
    retailer_id, hub_id = (stop.id, None) if stop.kind == "retailer" else (None, stop.id)
    return rules.lane_to(store.lanes_from(tx, location_id, retailer_id, hub_id), location_id, stop)


def next_departure(tx: Tx, location_id: str, retailer_id: str, after: datetime) -> datetime | None:
    """The next cut-off, by the clock of this place, at which goods of this retailer leave it; None without a lane."""
    lane = lane_to(tx, location_id, next_stop(tx, location_id, retailer_id))
    here = None if lane is None else store.find_location(tx, location_id)
    return None if lane is None or here is None else rules.next_departure(lane, here.zone, after)


def lanes(tx: Tx) -> list[Lane]:
    """All in force, the oldest first."""
    return store.lanes(tx)


def find_lane(tx: Tx, lane_id: str) -> Lane | None:
    """Also one that was removed."""
    return store.find_lane(tx, lane_id)


def lanes_to(tx: Tx, retailer_id: str) -> list[Lane]:
    """Lanes in force that end at this retailer, wherever they begin."""
    return [lane for lane in store.lanes(tx) if lane.destination_retailer_id == retailer_id]


def list_lanes(tx: Tx, after: str, limit: int) -> LanePage:
    found = store.lane_page(tx, after, limit)
    page = found[:limit]
    return LanePage(page, page[-1].id if len(found) > limit else None)


def add_lane(tx: Tx, new: NewLane, at: datetime, actor: str = "system") -> Lane | Problem:
    """`new` is well-formed; here is asked whether what it names exists."""
    here, retailer_id, hub_id = new.origin.location, new.destination.retailer, new.destination.hub
    if here is not None and not _is_held(store.find_location(tx, here)):
        return _unknown_place("/origin/location")
    if retailer_id is not None and not store.retailer_exists(tx, retailer_id):
        return invalid("/destination/retailer", "There is no such retailer.")
    if hub_id is not None:
        hub = store.find_location(tx, hub_id)
        if hub is None or not _is_held(hub):
            return _unknown_place("/destination/hub")
        if hub.kind != "hub":
            return invalid("/destination/hub", "The place is no hub.")
        if hub_id == here:
            return invalid("/destination/hub", "A lane leads to another place.")
    lane = Lane(
        id=new_id("lan"),
        origin_location_id=here,
        destination_retailer_id=retailer_id,
        destination_hub_id=hub_id,
        carrier=new.carrier,
        service=new.service,
        days=new.days,
        cutoff=new.cutoff,
        max_weight_g=new.max_weight_g,
        price=None if new.price is None else msgspec.to_builtins(new.price),
        transit_days=new.transit_days,
        created_at=at,
        max_bag_weight_g=new.max_bag_weight_g,
        max_bag_parcels=new.max_bag_parcels,
    )
    store.add_lane(tx, msgspec.structs.asdict(lane))
    _tell_of_lane(tx, "lane.added", lane, at, actor)
    return lane


def remove_lane(tx: Tx, lane_id: str, at: datetime, actor: str) -> Lane | Problem:
    """From now on it plans nothing; shipments that were planned by it go on. Removing twice answers the same."""
    removed = store.remove_lane(tx, lane_id, at)
    if removed is not None:
        _tell_of_lane(tx, "lane.removed", removed, at, actor)
    return removed or store.find_lane(tx, lane_id) or not_found("lane")


def add_device(
    tx: Tx,
    location_id: str,
    name: str,
    base_url: str,
    at: datetime,
    actor: str = "system",
    live: bool | None = None,
) -> NewDevice | Problem:
    """A till that waits to be paired. It is live when its place is, unless `live` says otherwise."""
    place = store.find_location(tx, location_id)
    if place is None or not _is_held(place):
        return Problem("location-unknown")
    code = _new_pairing_code()
    device = Device(
        id=new_id("dev"),
        location_id=place.id,
        name=name,
        live=place.live if live is None else live,
        created_at=at,
        pairing_expires_at=at + PAIRING_TTL,
        paired_at=None,
        revoked_at=None,
    )
    store.add_device(tx, msgspec.structs.asdict(device) | {"pairing_hash": pairing_hash(code)})
    _tell_of_device(tx, "device.added", device, at, actor)
    return NewDevice(
        id=device.id,
        name=name,
        location=place.id,
        live=device.live,
        pairing_code=code,
        pairing_url=f"{base_url}/pair/{code}",
        expires_at=device.pairing_expires_at,
    )


def find_pairing(tx: Tx, code: str, at: datetime) -> tuple[Device, Location] | Problem:
    """What a code would pair, without using it up: link previews open links too."""
    device = store.device_by_pairing(tx, pairing_hash(code))
    if device is None:
        return not_found("pairing code")
    place = store.find_location(tx, device.location_id)
    used = device.paired_at is not None or device.revoked_at is not None
    if place is None or used or device.pairing_expires_at <= at:
        return Problem("pairing-code-used")
    return device, place


def pair_device(tx: Tx, code: str, at: datetime) -> Paired | Problem:
    """Exactly one of all who send this code gets the token."""
    device = store.take_pairing(tx, pairing_hash(code), at)
    if device is None:
        known = store.device_by_pairing(tx, pairing_hash(code))
        return not_found("pairing code") if known is None else Problem("pairing-code-used")
    place = store.find_location(tx, device.location_id)
    assert place is not None, "the foreign key keeps it"
    new = access.NewCredential(
        role="device", name=device.name, live=device.live, at=at, device_id=device.id, location_id=place.id
    )
    issued = access.issue_key(tx, new)
    _tell_of_device(tx, "device.paired", device, at, f"device:{device.id}")
    return Paired(device, place, issued.token, issued.id)


def list_devices(tx: Tx, location_id: str | None, after: str, limit: int) -> DevicePage | Problem:
    if location_id is not None and store.find_location(tx, location_id) is None:
        return not_found("location")
    found = store.devices(tx, location_id, after, limit)
    page = found[:limit]
    return DevicePage(page, page[-1].id if len(found) > limit else None)


def revoke_device(tx: Tx, device_id: str, at: datetime, actor: str) -> Device | Problem:
    """Its token and its sessions end. Revoking twice answers the same."""
    revoked = store.revoke_device(tx, device_id, at)
    device = store.find_device(tx, device_id)
    if device is None:
        return not_found("device")
    if revoked:
        access.revoke_device_tokens(tx, device_id, at)
        _tell_of_device(tx, "device.revoked", device, at, actor)
    return device


def pairing_hash(code: str) -> str:
    """Case, separators and look-alike letters do not count: people type it from a screen."""
    plain = "".join(character for character in code.upper() if character.isalnum()).translate(_LOOKALIKES)
    return token_hash(f"pairing:{plain}")


def _new_pairing_code() -> str:
    """80 random bits in four groups, so that guessing is hopeless however often it is tried."""
    plain = "".join(secrets.choice(CROCKFORD) for _ in range(_PAIRING_LENGTH))
    return "-".join(plain[start : start + 4] for start in range(0, _PAIRING_LENGTH, 4))


def _is_held(place: Location | None) -> bool:
    return place is not None and place.state in store.HELD_STATES


def _unknown_place(pointer: str) -> Problem:
    told = "There is no such location."
    return Problem("location-unknown", told, (FieldError(pointer, told),))


def _tell_of_lane(tx: Tx, kind: str, lane: Lane, at: datetime, actor: str) -> None:
    objects = {"lane": lane.id, "location": lane.origin_location_id, "hub": lane.destination_hub_id}
    told = {name: value for name, value in objects.items() if value is not None}
    # Lanes are the operator's: a retailer's own log does not tell of them.
    append(tx, Event(type=kind, actor=actor, at=at, live=True, objects=told))


def _tell_of_device(tx: Tx, kind: str, device: Device, at: datetime, actor: str) -> None:
    objects = {"device": device.id, "location": device.location_id}
    append(
        tx,
        Event(type=kind, actor=actor, at=at, live=device.live, location_id=device.location_id, objects=objects),
    )
