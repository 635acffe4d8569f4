"""Webhook endpoints of retailers, and the fan-out of the log to them: one delivery and one job per endpoint and event.

Standard Webhooks: a secret per endpoint, sealed; after a rotation both sign for a day, so that a receiver may change
over when it likes.
"""

import base64
import secrets
from datetime import datetime, timedelta
from typing import Any

import msgspec

from dropoff.db import Tx
from dropoff.db.vault import Vault
from dropoff.events import jobs, log
from dropoff.events import webhook_store as store
from dropoff.events.cursors import Consumer, LoggedEvent
from dropoff.events.targets import check_url
from dropoff.kernel.errors import Problem, invalid, not_found
from dropoff.kernel.ids import first_id, new_id

TYPES = (
    "return.issued",
    "return.cancelled",
    "return.expired",
    "parcel.handed_in",
    "parcel.hand_in_undone",
    "parcel.retagged",
    "parcel.received",
    "parcel.lost",
    "shipment.booked",
    "shipment.handed_over",
    "unit.inspected",
    "refund.due",
    "refund.due_withdrawn",
    "refund.issued",
    "exchange.requested",
    "exchange.shipped",
    "credit.issued",
    "case.opened",
    "case.resolved",
)
"""What is sent; the log holds more."""
ALL = "*"
SCHEDULE_S = (0, 5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
"""Standard Webhooks' own: the pause before each attempt. The last comes more than three days after the first."""
JOB = "webhook"
MAX_ENDPOINTS = 10
OLD_SECRET_SIGNS_FOR = timedelta(hours=24)
DELIVERIES_KEPT_FOR = timedelta(days=90)
"""As long as dead letters, which need them to be sent again. What they told stays in the log."""
CLOCK_SLACK = timedelta(seconds=5)
"""Clocks of servers differ: an event told by a slower one right after the endpoint was made still counts as later."""


class Secret(msgspec.Struct, frozen=True):
    text: str
    """`whsec_` and base64."""
    until: datetime | None = None
    """Set on a former secret: it signs until then."""


class EndpointView(msgspec.Struct, frozen=True):
    id: str
    url: str
    events: list[str]
    live: bool
    created_at: datetime
    disabled_at: datetime | None
    disabled_reason: str | None


class NewEndpointView(msgspec.Struct, frozen=True):
    id: str
    url: str
    events: list[str]
    secret: str
    """Shown in this answer only."""


class RotatedSecret(msgspec.Struct, frozen=True):
    id: str
    secret: str
    old_secret_until: datetime


class EndpointPage(msgspec.Struct, frozen=True):
    items: list[EndpointView]
    next: str | None


class DeliveryView(msgspec.Struct, frozen=True):
    id: str
    event: str
    type: str
    state: str
    attempts: int
    last_status: int | None
    last_error: str | None
    created_at: datetime
    delivered_at: datetime | None


class DeliveryPage(msgspec.Struct, frozen=True):
    items: list[DeliveryView]
    next: str | None


class NewEndpoint(msgspec.Struct, frozen=True):
    retailer_id: str
    live: bool
    url: str
    events: list[str]
    allow_private: bool
    at: datetime


def add_endpoint(tx: Tx, vault: Vault, new: NewEndpoint) -> NewEndpointView | Problem:
    wrong = check_url(new.url, allow_private=new.allow_private)
    if wrong is not None:
        return invalid("/url", wrong)
    for index, kind in enumerate(new.events):
        if kind != ALL and kind not in TYPES:
            return invalid(f"/events/{index}", f"There is no such event type. Known: {ALL}, {', '.join(TYPES)}.")
    if store.count_endpoints(tx, new.retailer_id) >= MAX_ENDPOINTS:
        return invalid("", f"A retailer has at most {MAX_ENDPOINTS} endpoints; delete one first.")
    endpoint_id = new_id("whe")
    secret = _new_secret()
    store.add_endpoint(
        tx,
        {
            "id": endpoint_id,
            "retailer_id": new.retailer_id,
            "url": new.url,
            "events": new.events,
            "sealed_secret": _seal(vault, endpoint_id, [Secret(secret)]),
            "live": new.live,
            "created_at": new.at,
        },
    )
    return NewEndpointView(endpoint_id, new.url, new.events, secret)


def list_endpoints(tx: Tx, retailer_id: str, after: str, limit: int) -> EndpointPage:
    rows = store.endpoints(tx, retailer_id, after, limit + 1)
    items = [_view(row) for row in rows[:limit]]
    return EndpointPage(items, items[-1].id if len(rows) > limit else None)


def find_endpoint(tx: Tx, retailer_id: str, endpoint_id: str) -> EndpointView | Problem:
    row = store.endpoint(tx, retailer_id, endpoint_id)
    return not_found("webhook endpoint") if row is None else _view(row)


def delete_endpoint(tx: Tx, retailer_id: str, endpoint_id: str, at: datetime) -> Problem | None:
    """What still waits to be sent to it is dropped."""
    return None if store.disable(tx, retailer_id, endpoint_id, at, store.DELETED) else not_found("webhook endpoint")


def rotate_secret(tx: Tx, vault: Vault, retailer_id: str, endpoint_id: str, at: datetime) -> RotatedSecret | Problem:
    row = store.endpoint(tx, retailer_id, endpoint_id)
    if row is None:
        return not_found("webhook endpoint")
    until = at + OLD_SECRET_SIGNS_FOR
    former = signing_secrets(vault, endpoint_id, row.sealed_secret, at)
    # Of several former secrets the youngest stays: two signatures at most, and a bounded header.
    kept = [Secret(former[0], until)]
    fresh = _new_secret()
    if not store.set_secret(
        tx, retailer_id, endpoint_id, row.sealed_secret, _seal(vault, endpoint_id, [Secret(fresh), *kept])
    ):
        return not_found("webhook endpoint")
    return RotatedSecret(endpoint_id, fresh, until)


def list_deliveries(tx: Tx, retailer_id: str, endpoint_id: str, after: str, limit: int) -> DeliveryPage | Problem:
    if store.endpoint(tx, retailer_id, endpoint_id) is None:
        return not_found("webhook endpoint")
    rows = store.deliveries(tx, retailer_id, endpoint_id, after, limit + 1)
    items = [
        DeliveryView(
            row.id,
            row.event_id,
            row.type,
            row.state,
            row.attempts,
            row.last_status,
            row.last_error,
            row.created_at,
            row.delivered_at,
        )
        for row in rows[:limit]
    ]
    return DeliveryPage(items, items[-1].id if len(rows) > limit else None)


def forget_deliveries(tx: Tx, at: datetime) -> int:
    """A part of the old ones; again until it answers 0."""
    return store.delete_deliveries_before(tx, first_id("whd", at - DELIVERIES_KEPT_FOR), 500)


def fan_out(tx: Tx, events: list[LoggedEvent]) -> None:
    """The consumer. Each event goes to the endpoints of its own retailer that asked for its type, test events to
    test endpoints."""
    told = [item for item in events if item.retailer_id is not None and item.type in TYPES]
    if not told:
        return
    by_retailer: dict[str, list[Any]] = {}
    for endpoint in store.listening(tx, sorted({item.retailer_id or "" for item in told})):
        by_retailer.setdefault(endpoint.retailer_id, []).append(endpoint)
    for item in told:
        for endpoint in by_retailer.get(item.retailer_id or "", []):
            if _wants(endpoint, item):
                _plan_delivery(tx, endpoint, item)


CONSUMER = Consumer("webhooks", fan_out)


def _wants(endpoint: Any, item: LoggedEvent) -> bool:
    asked = ALL in endpoint.events or item.type in endpoint.events
    since = endpoint.created_at - CLOCK_SLACK
    return asked and bool(endpoint.live == item.live) and bool(item.at >= since)


def _plan_delivery(tx: Tx, endpoint: Any, item: LoggedEvent) -> None:
    row = {
        "id": new_id("whd"),
        "endpoint_id": endpoint.id,
        "event_id": item.id,
        "retailer_id": endpoint.retailer_id,
        "created_at": item.at,
    }
    if store.add_delivery(tx, row):
        payload = {"delivery": row["id"]}
        jobs.enqueue(tx, JOB, payload, key=row["id"], max_attempts=len(SCHEDULE_S), party=endpoint.retailer_id)


def disable_gone(tx: Tx, row: Any, at: datetime) -> None:
    """The receiver answered 410: it wants no more. The retailer finds out from its log and its list of endpoints."""
    if store.disable(tx, row.retailer_id, row.endpoint_id, at, "the receiver answered 410 Gone"):
        log.append(
            tx,
            log.Event(
                type="webhook_endpoint.disabled",
                actor="system",
                at=at,
                live=row.live,
                retailer_id=row.retailer_id,
                objects={"webhook_endpoint": row.endpoint_id},
                data={"webhook_endpoint": row.endpoint_id, "reason": "gone"},
            ),
        )


def signing_secrets(vault: Vault, endpoint_id: str, sealed: bytes, at: datetime) -> list[str]:
    """The current one first, then former ones that still sign."""
    kept = msgspec.json.decode(vault.open(f"webhook secret {endpoint_id}", sealed), type=list[Secret])
    return [item.text for item in kept if item.until is None or item.until > at]


def _seal(vault: Vault, endpoint_id: str, kept: list[Secret]) -> bytes:
    return vault.seal(f"webhook secret {endpoint_id}", msgspec.json.encode(kept))


def _new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def _view(row: Any) -> EndpointView:
    return EndpointView(row.id, row.url, row.events, row.live, row.created_at, row.disabled_at, row.disabled_reason)
