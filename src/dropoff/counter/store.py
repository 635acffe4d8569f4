"""SQL of parcels and containers; tags have a file of their own.

Lock order, the same everywhere so that two tills never wait for each other: the return's row
(`returns.service.lock_return`, several in order of their ids), then container rows (in order of their ids), then
parcels, then tags (in order). A parcel changes only under the lock of its return.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
import sqlalchemy as sa

from dropoff.counter import rules
from dropoff.counter.tables import container, container_parcel, parcel, sscc_serial, tag
from dropoff.db import Prepared, Tx
from dropoff.db.schema import insert
from dropoff.kernel import gs1
from dropoff.returns.tables import unit


class ContainerRow(msgspec.Struct, frozen=True):
    id: str
    sscc: str
    kind: str
    status: str
    location_id: str | None
    """Where it is; None while it travels and at the retailer's."""
    origin_location_id: str
    live: bool
    next_kind: str | None
    """`retailer` or `hub`, fixed by the first parcel."""
    next_id: str | None
    retailer_id: str | None
    """Set when it goes to a retailer."""
    weight_g: int
    parcel_count: int
    grai: str | None
    seal: str | None
    opened_at: datetime
    sealed_at: datetime | None
    shipment_id: str | None
    """The shipment that claims it."""
    customs: str = ""

    @property
    def next(self) -> tuple[str, str] | None:
        return (self.next_kind, self.next_id) if self.next_kind and self.next_id else None


class ParcelRow(msgspec.Struct, frozen=True):
    id: str
    return_id: str
    retailer_id: str
    hand_in_id: str
    live: bool
    tag: str
    weight_g: int | None
    status: str
    location_id: str | None
    container_id: str | None
    """The container it is in now; None when loose, unpacked or received."""
    tagged_at: datetime
    arrived_at: datetime
    """Since when it is where it is."""


_CONTAINER_BY_ID = Prepared(sa.select(container).where(container.c.id == sa.bindparam("id")))
_CONTAINER_BY_SSCC = Prepared(sa.select(container).where(container.c.sscc == sa.bindparam("sscc")))


@lru_cache
def _load(*, to_retailer: bool, limits: frozenset[str]) -> Prepared:
    """`limits`: names of those that the load has."""
    next_id, weight = sa.bindparam("next", type_=container.c.next_id.type), sa.bindparam("weight", type_=sa.BigInteger)
    customs, parcels = sa.bindparam("border", type_=container.c.customs.type), sa.bindparam("parcels", type_=sa.Integer)
    kind = "retailer" if to_retailer else "hub"
    conditions = [
        container.c.id == sa.bindparam("id"),
        container.c.status == "open",
        container.c.location_id == sa.bindparam("here"),
        container.c.live == sa.bindparam("is_live"),
        sa.or_(
            container.c.next_kind.is_(None),
            sa.and_(container.c.next_kind == kind, container.c.next_id == next_id, container.c.customs == customs),
        ),
    ]
    heavier, more = container.c.weight_g + weight, container.c.parcel_count + parcels
    for name in sorted(limits):
        within = (more if name == "max_bag_parcels" else heavier) <= sa.bindparam(name, type_=sa.BigInteger)
        not_lifted = container.c.kind.not_in(rules.LIFTED)
        conditions.append(within if name == "max_weight_g" else sa.or_(not_lifted, within))
    return Prepared(
        sa.update(container)
        .where(*conditions)
        .values(
            weight_g=heavier,
            parcel_count=more,
            next_kind=kind,
            next_id=next_id,
            retailer_id=next_id if to_retailer else None,
            customs=customs,
        )
        .returning(container)
    )


def _container(row: sa.Row[Any]) -> ContainerRow:
    return ContainerRow(**row._mapping)


def _parcel(row: sa.Row[Any]) -> ParcelRow:
    return ParcelRow(**row._mapping)


# --- containers


def container_by_id(tx: Tx, container_id: str) -> ContainerRow | None:
    row = tx.first(_CONTAINER_BY_ID, id=container_id)
    return _container(row) if row else None


def container_by_sscc(tx: Tx, sscc: str) -> ContainerRow | None:
    row = tx.first(_CONTAINER_BY_SSCC, sscc=sscc)
    return _container(row) if row else None


def container_by_grai(tx: Tx, grai: str) -> ContainerRow | None:
    """The latest filling of a reusable tote."""
    query = sa.select(container).where(container.c.grai == grai).order_by(container.c.id.desc()).limit(1)
    row = tx.first(query)
    return _container(row) if row else None


def logistic_unit_of_tag(tx: Tx, tag_text: str) -> ContainerRow | None:
    """The container of kind `parcel` that the parcel with this tag is, or was until it was unpacked."""
    query = (
        sa.select(container)
        .join(container_parcel, container_parcel.c.container_id == container.c.id)
        .join(tag, tag.c.parcel_id == container_parcel.c.parcel_id)
        .where(tag.c.tag == tag_text, tag.c.void_at.is_(None), container.c.kind == "parcel")
        .order_by(container.c.id.desc())
        .limit(1)
    )
    row = tx.first(query)
    return _container(row) if row else None


def insert_container(tx: Tx, row: dict[str, Any]) -> ContainerRow | None:
    """None when the SSCC was used before, by whomever."""
    statement = (
        insert(container).values(row).on_conflict_do_nothing(index_elements=[container.c.sscc]).returning(container)
    )
    rows = tx.change(statement)
    return _container(rows[0]) if rows else None


def draw_serial(tx: Tx, prefix: str) -> int:
    """The next running number of a prefix, from 0; never the same one twice, whoever draws at the same time."""
    statement = (
        insert(sscc_serial)
        .values(prefix=prefix, next=1)
        .on_conflict_do_update(index_elements=[sscc_serial.c.prefix], set_={"next": sscc_serial.c.next + 1})
        .returning(sscc_serial.c.next)
    )
    return int(tx.change(statement)[0].next) - 1


def next_sscc(tx: Tx, prefix: str) -> str:
    """A fresh SSCC; numbers that came in on pre-printed labels are passed over."""
    while True:
        sscc = gs1.nth_sscc(prefix, draw_serial(tx, prefix))
        if tx.first(sa.select(container.c.id).where(container.c.sscc == sscc)) is None:
            return sscc


def load_container(tx: Tx, container_id: str, load: rules.Load) -> ContainerRow | None:
    """Puts weight and count on an open container and fixes its next stop if it is the first; None when it may not."""
    kind, next_id = load.next
    values: dict[str, Any] = {
        "id": container_id,
        "here": load.location_id,
        "is_live": load.live,
        "next": next_id,
        "border": load.customs,
        "weight": load.weight_g,
        "parcels": load.parcels,
    }
    limits = {name: limit for name in rules.LIMITS if (limit := getattr(load, name)) is not None}
    rows = tx.change(_load(to_retailer=kind == "retailer", limits=frozenset(limits)), **values, **limits)
    return _container(rows[0]) if rows else None


def unload_container(tx: Tx, container_id: str, weight_g: int, parcels: int) -> bool:
    """Takes parcels out of an open container; the last one out frees its next stop."""
    empties = container.c.parcel_count == parcels
    kept = {name: sa.case((empties, None), else_=container.c[name]) for name in ("next_kind", "next_id", "retailer_id")}
    statement = (
        sa.update(container)
        .where(container.c.id == container_id, container.c.status == "open", container.c.parcel_count >= parcels)
        .values(
            weight_g=sa.case((empties, 0), else_=container.c.weight_g - weight_g),
            parcel_count=container.c.parcel_count - parcels,
            customs=sa.case((empties, ""), else_=container.c.customs),
            **kept,
        )
        .returning(container.c.id)
    )
    return bool(tx.change(statement))


def move_container(tx: Tx, container_id: str, event: str, **values: Any) -> ContainerRow | None:
    """Applies an edge of `CONTAINER_TRANSITIONS`; None when the container is in no state that has it."""
    statement = (
        sa.update(container)
        .where(
            container.c.id == container_id,
            container.c.status.in_(rules.sources(rules.CONTAINER_TRANSITIONS, event)),
        )
        .values(status=rules.target(rules.CONTAINER_TRANSITIONS, event), **values)
        .returning(container)
    )
    rows = tx.change(statement)
    return _container(rows[0]) if rows else None


def seal_container(tx: Tx, container_id: str, location_id: str, seal: str | None, at: datetime) -> ContainerRow | None:
    statement = (
        sa.update(container)
        .where(
            container.c.id == container_id,
            container.c.location_id == location_id,
            container.c.status == "open",
            container.c.parcel_count > 0,
        )
        .values(status="sealed", seal=seal, sealed_at=at)
        .returning(container)
    )
    rows = tx.change(statement)
    return _container(rows[0]) if rows else None


def unseal_container(tx: Tx, container_id: str, location_id: str) -> ContainerRow | None:
    """A claimed container stays sealed."""
    statement = (
        sa.update(container)
        .where(
            container.c.id == container_id,
            container.c.location_id == location_id,
            container.c.status == "sealed",
            container.c.kind != "parcel",
            container.c.shipment_id.is_(None),
        )
        .values(status="open", seal=None, sealed_at=None)
        .returning(container)
    )
    rows = tx.change(statement)
    return _container(rows[0]) if rows else None


def claim_containers(tx: Tx, container_ids: Collection[str], shipment_id: str) -> list[str]:
    statement = (
        sa.update(container)
        .where(
            container.c.id.in_(sorted(container_ids)),
            container.c.status == "sealed",
            container.c.shipment_id.is_(None),
        )
        .values(shipment_id=shipment_id)
        .returning(container.c.id)
    )
    return sorted(row.id for row in tx.change(statement))


def release_containers(tx: Tx, shipment_id: str) -> list[str]:
    statement = (
        sa.update(container)
        .where(container.c.shipment_id == shipment_id, container.c.status == "sealed")
        .values(shipment_id=None)
        .returning(container.c.id)
    )
    return sorted(row.id for row in tx.change(statement))


def containers_at(tx: Tx, location_id: str, live: bool, status: str) -> list[ContainerRow]:
    """Oldest first."""
    query = (
        sa.select(container)
        .where(container.c.location_id == location_id, container.c.live == live, container.c.status == status)
        .order_by(container.c.id)
    )
    return [_container(row) for row in tx.read(query)]


# --- parcels


def parcel_by_id(tx: Tx, parcel_id: str) -> ParcelRow | None:
    row = tx.first(sa.select(parcel).where(parcel.c.id == parcel_id))
    return _parcel(row) if row else None


def parcel_by_tag(tx: Tx, tag_text: str) -> ParcelRow | None:
    """By any tag it ever had."""
    row = tx.first(sa.select(parcel).join(tag, tag.c.parcel_id == parcel.c.id).where(tag.c.tag == tag_text))
    return _parcel(row) if row else None


def parcels_tagged(tx: Tx, tags: Collection[str]) -> list[ParcelRow]:
    """By the tags that they carry now."""
    return [_parcel(row) for row in tx.read(sa.select(parcel).where(parcel.c.tag.in_(tags)).order_by(parcel.c.id))]


def parcels_of_hand_in(tx: Tx, hand_in_id: str) -> list[ParcelRow]:
    query = sa.select(parcel).where(parcel.c.hand_in_id == hand_in_id).order_by(parcel.c.id)
    return [_parcel(row) for row in tx.read(query)]


def parcels_in(tx: Tx, container_id: str) -> list[ParcelRow]:
    query = (
        sa.select(parcel)
        .join(container_parcel, container_parcel.c.parcel_id == parcel.c.id)
        .where(container_parcel.c.container_id == container_id)
        .order_by(parcel.c.id)
    )
    return [_parcel(row) for row in tx.read(query)]


def loose_parcels(tx: Tx, location_id: str, live: bool) -> list[ParcelRow]:
    query = (
        sa.select(parcel)
        .where(
            parcel.c.location_id == location_id,
            parcel.c.live == live,
            parcel.c.status.in_(("tagged", "at_hub")),
            parcel.c.container_id.is_(None),
        )
        .order_by(parcel.c.id)
    )
    return [_parcel(row) for row in tx.read(query)]


def insert_parcels(tx: Tx, rows: list[dict[str, Any]]) -> None:
    tx.append_many(parcel, rows)


def move_parcel(tx: Tx, parcel_id: str, event: str, **values: Any) -> ParcelRow | None:
    """Applies an edge of `PARCEL_TRANSITIONS`; None when the parcel is in no state that has it."""
    statement = (
        sa.update(parcel)
        .where(parcel.c.id == parcel_id, parcel.c.status.in_(rules.sources(rules.PARCEL_TRANSITIONS, event)))
        .values(status=rules.target(rules.PARCEL_TRANSITIONS, event), **values)
        .returning(parcel)
    )
    rows = tx.change(statement)
    return _parcel(rows[0]) if rows else None


def note_packed(tx: Tx, container_id: str, parcel_ids: Iterable[str], at: datetime) -> None:
    rows = [{"container_id": container_id, "parcel_id": one, "packed_at": at} for one in parcel_ids]
    tx.append_many(container_parcel, rows)


def forget_packed(tx: Tx, container_id: str, parcel_ids: Collection[str]) -> None:
    """For parcels that were taken out before the container left: it never carried them."""
    tx.change(
        sa.delete(container_parcel).where(
            container_parcel.c.container_id == container_id, container_parcel.c.parcel_id.in_(parcel_ids)
        )
    )


# --- what parcels hold (units belong to the returns)


class Content(msgspec.Struct, frozen=True):
    """A unit as a clerk sees it: no reason, no comment, no price."""

    id: str
    sku: str
    title: str
    variant: str | None
    image_url: str | None


def contents(tx: Tx, parcel_ids: Collection[str]) -> dict[str, list[Content]]:
    """By parcel; every parcel asked for has its list."""
    found: dict[str, list[Content]] = {parcel_id: [] for parcel_id in parcel_ids}
    query = (
        sa.select(unit.c.parcel_id, unit.c.id, unit.c.sku, unit.c.title, unit.c.variant, unit.c.image_url)
        .where(unit.c.parcel_id.in_(parcel_ids))
        .order_by(unit.c.id)
    )
    for row in tx.read(query) if found else ():
        found[row.parcel_id].append(Content(row.id, row.sku, row.title, row.variant, row.image_url))
    return found
