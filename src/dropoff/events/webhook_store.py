"""SQL of webhook endpoints and deliveries. Every query of an endpoint names its tenant, but for the sender's own."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from dropoff.db import Tx
from dropoff.db.schema import insert
from dropoff.events.tables import event, webhook_delivery, webhook_endpoint

DELETED = "deleted"
"""As `disabled_reason`. The row stays for its deliveries' sake; nobody sees it any more."""

_present = sa.or_(webhook_endpoint.c.disabled_reason.is_(None), webhook_endpoint.c.disabled_reason != DELETED)


def add_endpoint(tx: Tx, row: dict[str, Any]) -> None:
    tx.append(webhook_endpoint, row)


def endpoint(tx: Tx, retailer_id: str, endpoint_id: str) -> sa.Row[Any] | None:
    return tx.first(
        sa.select(webhook_endpoint).where(
            webhook_endpoint.c.id == endpoint_id, webhook_endpoint.c.retailer_id == retailer_id, _present
        )
    )


def endpoints(tx: Tx, retailer_id: str, after: str, limit: int) -> list[sa.Row[Any]]:
    return tx.read(
        sa.select(webhook_endpoint)
        .where(webhook_endpoint.c.retailer_id == retailer_id, webhook_endpoint.c.id > after, _present)
        .order_by(webhook_endpoint.c.id)
        .limit(limit)
    )


def count_endpoints(tx: Tx, retailer_id: str) -> int:
    mine = sa.select(sa.func.count()).select_from(webhook_endpoint)
    return int(tx.read(mine.where(webhook_endpoint.c.retailer_id == retailer_id, _present))[0][0])


def disable(tx: Tx, retailer_id: str, endpoint_id: str, at: datetime, reason: str) -> bool:
    """A deleted one stays deleted; a disabled one may be deleted."""
    condition = _present if reason == DELETED else webhook_endpoint.c.disabled_at.is_(None)
    mine = (webhook_endpoint.c.id == endpoint_id) & (webhook_endpoint.c.retailer_id == retailer_id)
    return (
        tx.count(sa.update(webhook_endpoint).where(mine, condition).values(disabled_at=at, disabled_reason=reason)) == 1
    )


def set_secret(tx: Tx, retailer_id: str, endpoint_id: str, old: bytes, new: bytes) -> bool:
    """False when another rotation came first."""
    mine = (webhook_endpoint.c.id == endpoint_id) & (webhook_endpoint.c.retailer_id == retailer_id)
    return (
        tx.count(
            sa.update(webhook_endpoint).where(mine, webhook_endpoint.c.sealed_secret == old).values(sealed_secret=new)
        )
        == 1
    )


def listening(tx: Tx, retailer_ids: list[str]) -> list[sa.Row[Any]]:
    return tx.read(
        sa.select(webhook_endpoint).where(
            webhook_endpoint.c.retailer_id.in_(retailer_ids), webhook_endpoint.c.disabled_at.is_(None)
        )
    )


def add_delivery(tx: Tx, row: dict[str, Any]) -> bool:
    values = row | {"state": "pending", "attempts": 0}
    added = insert(webhook_delivery).values(**values).on_conflict_do_nothing().returning(webhook_delivery.c.id)
    return bool(tx.change(added))


def delivery(tx: Tx, delivery_id: str) -> sa.Row[Any] | None:
    """With its endpoint and its event."""
    return tx.first(
        sa.select(
            webhook_delivery.c.id,
            webhook_delivery.c.state,
            webhook_delivery.c.endpoint_id,
            webhook_delivery.c.retailer_id,
            webhook_endpoint.c.url,
            webhook_endpoint.c.sealed_secret,
            webhook_endpoint.c.disabled_at,
            webhook_endpoint.c.live,
            event.c.id.label("event_id"),
            event.c.type,
            event.c.at,
            event.c.data,
        )
        .join(webhook_endpoint, webhook_endpoint.c.id == webhook_delivery.c.endpoint_id)
        .join(event, event.c.id == webhook_delivery.c.event_id)
        .where(webhook_delivery.c.id == delivery_id)
    )


def note_attempt(tx: Tx, delivery_id: str, state: str, status: int | None, error: str | None, at: datetime) -> None:
    values: dict[str, Any] = {"state": state, "last_status": status, "last_error": error}
    if state == "delivered":
        values["delivered_at"] = at
    if state != "dropped":
        values["attempts"] = webhook_delivery.c.attempts + 1
    tx.change(sa.update(webhook_delivery).where(webhook_delivery.c.id == delivery_id).values(**values))


def delete_deliveries_before(tx: Tx, first_kept: str, limit: int) -> int:
    """Ids sort by time. Those that still wait to be sent stay."""
    old = sa.select(webhook_delivery.c.id).where(
        webhook_delivery.c.id < first_kept, webhook_delivery.c.state != "pending"
    )
    old = old.order_by(webhook_delivery.c.id).limit(limit)
    return tx.count(sa.delete(webhook_delivery).where(webhook_delivery.c.id.in_(old)))


def deliveries(tx: Tx, retailer_id: str, endpoint_id: str, after: str, limit: int) -> list[sa.Row[Any]]:
    """The newest first."""
    query = (
        sa.select(webhook_delivery, event.c.type)
        .join(event, event.c.id == webhook_delivery.c.event_id)
        .where(webhook_delivery.c.retailer_id == retailer_id, webhook_delivery.c.endpoint_id == endpoint_id)
        .order_by(webhook_delivery.c.id.desc())
        .limit(limit)
    )
    return tx.read(query.where(webhook_delivery.c.id < after) if after else query)
