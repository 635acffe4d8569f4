"""SQL of locations, lanes and devices. The SQL of imports stands in `import_store`."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from dropoff.db import Prepared, Tx
from dropoff.network import load_store, word_store
from dropoff.network.closures import Closed
from dropoff.network.facts import UNTOLD, Facts
from dropoff.network.nearby_place import Place
from dropoff.network.rules import Lane
from dropoff.network.tables import device, lane, location, location_closure, network_revision

# The room beside this one owns it; here it is only asked whether an id exists.
_retailer = sa.table("retailer", sa.column("id"))
SHOWN_STATE = "active"
HELD_STATES = ("active", "paused")
"""Where parcels may be and devices may work; a closed or removed place keeps its row for the past's sake."""


class Location(msgspec.Struct, frozen=True):
    """A place as the other rooms know it; empty texts are "none"."""

    id: str
    source: str
    external_id: str
    name: str
    kind: str
    operator: str
    street: str
    postcode: str
    city: str
    country: str
    phone: str
    url: str
    lat: float
    lon: float
    zone: str
    opening_hours: str
    hours_known: bool
    accepts: tuple[str, ...]
    live: bool
    state: str
    photo_url: str = ""
    access_note: str = ""
    facts: Facts = UNTOLD


class LocationFilter(msgspec.Struct, frozen=True):
    after: str = ""
    limit: int = 50
    source: str | None = None
    kind: str | None = None
    state: str | None = None
    country: str | None = None
    text: str = ""
    """An id, or the beginnings of words of the name, the town, the postcode and the source's id, in any order."""
    full: bool = False
    silent_since: datetime | None = None
    """Places that were there before, and where nothing was handed in or fetched since, if ever."""


class Device(msgspec.Struct, frozen=True):
    id: str
    location_id: str
    name: str
    live: bool
    created_at: datetime
    pairing_expires_at: datetime
    paired_at: datetime | None
    revoked_at: datetime | None


_fact_columns = [location.c[name] for name in Facts.__struct_fields__]
_FACTS, _ACCEPTS = len(_fact_columns), Place.__struct_fields__.index("accepts")
_location_columns = [location.c[name] for name in Location.__struct_fields__ if name != "facts"] + _fact_columns
_PLACE_NAMES = [name for name in Place.__struct_fields__ if name not in ("facts", "closures")]
_place_columns = [location.c[name] for name in _PLACE_NAMES] + _fact_columns
_closed_columns = [
    location_closure.c.location_id,
    *(location_closure.c[name] for name in Closed.__struct_fields__),
]
_is_public = sa.and_(location.c.live.is_(True), location.c.state == SHOWN_STATE, location.c.kind != "hub")
_lane_columns = [lane.c[name] for name in Lane.__struct_fields__]
_device_columns = [device.c[name] for name in Device.__struct_fields__]
_FIND_LOCATION = Prepared(sa.select(*_location_columns).where(location.c.id == sa.bindparam("id")))
_from_here = sa.or_(lane.c.origin_location_id == sa.bindparam("origin"), lane.c.origin_location_id.is_(None))
_LANES_TOWARDS = Prepared(
    sa.select(*_lane_columns).where(
        lane.c.removed_at.is_(None),
        sa.or_(
            lane.c.destination_retailer_id == sa.bindparam("retailer"),
            sa.and_(lane.c.destination_hub_id.is_not(None), _from_here),
        ),
    )
)


def _lanes_by(destination: sa.ColumnElement[str]) -> Prepared:
    here = lane.c.removed_at.is_(None), _from_here
    return Prepared(sa.select(*_lane_columns).where(*here, destination == sa.bindparam("stop")))


_LANES_TO_RETAILER = _lanes_by(lane.c.destination_retailer_id)
_LANES_TO_HUB = _lanes_by(lane.c.destination_hub_id)


def find_location(tx: Tx, location_id: str) -> Location | None:
    rows = tx.once(_FIND_LOCATION, id=location_id)
    return _location(rows[0]) if rows else None


def find_external(tx: Tx, source: str, external_id: str) -> Location | None:
    row = tx.first(
        sa.select(*_location_columns).where(location.c.source == source, location.c.external_id == external_id)
    )
    return _location(row) if row else None


def list_locations(tx: Tx, wanted: LocationFilter) -> list[Location]:
    """One more than the limit, when there are more."""
    query = sa.select(*_location_columns)
    if not wanted.text:  # else the text's own words are looked up behind it
        query = query.where(location.c.id > wanted.after)
    for name in ("source", "kind", "state", "country"):
        value = getattr(wanted, name)
        if value is not None:
            query = query.where(location.c[name] == value)
    if wanted.full:
        query = query.where(load_store.is_full())
    if wanted.silent_since is not None:
        query = query.where(load_store.is_silent(wanted.silent_since))
    if wanted.text:
        query = query.where(word_store.says(tx, wanted.text, wanted.after))
    return [_location(row) for row in tx.read(query.order_by(location.c.id).limit(wanted.limit + 1))]


def _location(row: Any) -> Location:
    values: list[Any] = [*row[:-_FACTS], _facts(row[-_FACTS:])]
    found = Location(*values)
    return msgspec.structs.replace(found, accepts=tuple(found.accepts))


def _place(row: Any) -> Place:
    values: list[Any] = [*row[:-_FACTS], _facts(row[-_FACTS:])]
    values[_ACCEPTS] = tuple(values[_ACCEPTS])
    return Place(*values)


def _facts(values: Sequence[Any]) -> Facts:
    """Most places tell none: those share one."""
    if all(value is None for value in values):
        return UNTOLD
    told: list[Any] = [tuple(value) if isinstance(value, list) else value for value in values]
    return Facts(*told)


def _lane(row: Any) -> Lane:
    return Lane(*row)


def _device(row: Any) -> Device:
    return Device(*row)


def revision(tx: Tx) -> int:
    """The network's; 0 before anything was brought in."""
    row = tx.first(sa.select(network_revision.c.revision))
    return int(row.revision) if row else 0


def public_places(tx: Tx, after: str = "", limit: int | None = None, since_day: date | None = None) -> list[Place]:
    """In order of id, page by page: a million of them would not fit into memory as rows."""
    query = sa.select(*_place_columns).where(location.c.id > after, _is_public)
    places = [_place(row) for row in tx.read(query.order_by(location.c.id).limit(limit))]
    if not places:
        return places
    return _with_closures(tx, places, location_closure.c.location_id.between(places[0].id, places[-1].id), since_day)


def changed_since(tx: Tx, revision: int, limit: int) -> list[str]:
    """The ids of the places that changed after that revision, sorted; at most so many. The order is made here: asked
    for it, SQLite would read the whole table by id instead of the few by revision."""
    return sorted(
        row.id for row in tx.read(sa.select(location.c.id).where(location.c.revision > revision).limit(limit))
    )


def places_of(tx: Tx, ids: Sequence[str], since_day: date | None = None) -> list[tuple[Place, bool]]:
    """These places in order of id, and whether they are public."""
    query = sa.select(_is_public, *_place_columns).where(location.c.id.in_(ids)).order_by(location.c.id)
    rows = tx.read(query)
    places = _with_closures(tx, [_place(row[1:]) for row in rows], location_closure.c.location_id.in_(ids), since_day)
    return [(place, bool(row[0])) for place, row in zip(places, rows, strict=True)]


def _with_closures(tx: Tx, places: list[Place], theirs: sa.ColumnElement[bool], since_day: date | None) -> list[Place]:
    """Closures that were over by that day are left out."""
    query = sa.select(*_closed_columns).where(theirs, *_closures_in_force(since_day))
    closed: dict[str, list[Closed]] = {}
    for row in tx.read(query.order_by(location_closure.c.id)):
        closed.setdefault(row.location_id, []).append(_closed(row[1:]))
    return [msgspec.structs.replace(p, closures=tuple(closed[p.id])) if p.id in closed else p for p in places]


def closures_of(tx: Tx, location_ids: Sequence[str], today: date) -> dict[str, list[Closed]]:
    """Those that are not over, in the order in which they were entered."""
    query = sa.select(*_closed_columns).where(
        location_closure.c.location_id.in_(location_ids), *_closures_in_force(today)
    )
    found: dict[str, list[Closed]] = {}
    for row in tx.read(query.order_by(location_closure.c.id)):
        found.setdefault(row.location_id, []).append(_closed(row[1:]))
    return found


def _closed(row: Any) -> Closed:
    return Closed(*row)


def _closures_in_force(since_day: date | None) -> list[sa.ColumnElement[bool]]:
    stands: sa.ColumnElement[bool] = location_closure.c.removed_at.is_(None)
    return [stands] if since_day is None else [stands, location_closure.c.last_day >= since_day]


def retailer_exists(tx: Tx, retailer_id: str) -> bool:
    return tx.first(sa.select(_retailer.c.id).where(_retailer.c.id == retailer_id)) is not None


def add_lane(tx: Tx, row: dict[str, Any]) -> None:
    tx.append(lane, row)


def lanes(tx: Tx) -> list[Lane]:
    """All lanes in force, the oldest first."""
    query = sa.select(*_lane_columns).where(lane.c.removed_at.is_(None))
    return [_lane(row) for row in tx.read(query.order_by(lane.c.created_at, lane.c.id))]


def lane_page(tx: Tx, after: str, limit: int) -> list[Lane]:
    query = sa.select(*_lane_columns).where(lane.c.removed_at.is_(None), lane.c.id > after)
    return [_lane(row) for row in tx.read(query.order_by(lane.c.id).limit(limit + 1))]


def find_lane(tx: Tx, lane_id: str) -> Lane | None:
    """Also a removed one: shipments go on naming it."""
    row = tx.first(sa.select(*_lane_columns).where(lane.c.id == lane_id))
    return _lane(row) if row else None


def lanes_towards(tx: Tx, location_id: str, retailer_id: str) -> list[Lane]:
    """What decides a next stop: every lane to the retailer, and the hub lanes that may be taken from here."""
    return [_lane(row) for row in tx.once(_LANES_TOWARDS, origin=location_id, retailer=retailer_id)]


def lanes_from(tx: Tx, location_id: str, retailer_id: str | None, hub_id: str | None) -> list[Lane]:
    if retailer_id is not None:
        return [_lane(row) for row in tx.once(_LANES_TO_RETAILER, origin=location_id, stop=retailer_id)]
    return [_lane(row) for row in tx.once(_LANES_TO_HUB, origin=location_id, stop=hub_id)]


def remove_lane(tx: Tx, lane_id: str, at: datetime) -> Lane | None:
    """None when it is not there or was removed before."""
    rows = tx.change(
        sa.update(lane)
        .where(lane.c.id == lane_id, lane.c.removed_at.is_(None))
        .values(removed_at=at)
        .returning(*_lane_columns)
    )
    return _lane(rows[0]) if rows else None


def add_device(tx: Tx, row: dict[str, Any]) -> None:
    tx.append(device, row)


def find_device(tx: Tx, device_id: str) -> Device | None:
    row = tx.first(sa.select(*_device_columns).where(device.c.id == device_id))
    return _device(row) if row else None


def device_by_pairing(tx: Tx, pairing_hash: str) -> Device | None:
    row = tx.first(sa.select(*_device_columns).where(device.c.pairing_hash == pairing_hash))
    return _device(row) if row else None


def take_pairing(tx: Tx, pairing_hash: str, at: datetime) -> Device | None:
    """The device, for exactly one of however many ask with this code; None when it was used, ended or never was."""
    rows = tx.change(
        sa.update(device)
        .where(
            device.c.pairing_hash == pairing_hash,
            device.c.paired_at.is_(None),
            device.c.revoked_at.is_(None),
            device.c.pairing_expires_at > at,
        )
        .values(paired_at=at)
        .returning(*_device_columns)
    )
    return _device(rows[0]) if rows else None


def devices(tx: Tx, location_id: str | None, after: str, limit: int) -> list[Device]:
    query = sa.select(*_device_columns).where(device.c.id > after)
    if location_id is not None:
        query = query.where(device.c.location_id == location_id)
    return [_device(row) for row in tx.read(query.order_by(device.c.id).limit(limit + 1))]


def revoke_device(tx: Tx, device_id: str, at: datetime) -> bool:
    """False when it was revoked before."""
    return bool(
        tx.change(
            sa.update(device)
            .where(device.c.id == device_id, device.c.revoked_at.is_(None))
            .values(revoked_at=at)
            .returning(device.c.id)
        )
    )
