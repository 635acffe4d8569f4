"""A retailer with orders and returns, built through the services, with a clock that the test holds."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from dropoff.db import Database, Tx
from dropoff.db.vault import Vault
from dropoff.events.tables import event
from dropoff.kernel.errors import Problem
from dropoff.kernel.ids import new_id
from dropoff.retailers import service as retailers
from dropoff.returns import service
from dropoff.returns.passes import PassKeys
from dropoff.returns.service import (
    Links,
    Move,
    NewCredit,
    NewExchange,
    NewOrder,
    NewRefund,
    NewReturn,
    Next,
    OrderView,
    PaymentView,
    ReturnView,
)

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
LINKS = Links(PassKeys(Vault("a-secret-for-tests-only")), "https://returns.example.org")
POLICY = {"window_days": 30, "refund_at": "inspection", "resolutions": ["refund", "exchange", "store_credit"]}
LINES = [
    {"sku": "JACKET", "title": "Regenjacke", "quantity": 2, "unit_price": 8900, "weight_g": 620},
    {"sku": "SOCKS", "title": "Wollsocken", "quantity": 1, "unit_price": 1290},
]


class Shop:
    def __init__(self, db: Database, retailer_id: str) -> None:
        self.db = db
        self.id = retailer_id
        self.actor = f"retailer:{retailer_id}"

    def order(self, reference: str = "SO-1", **changes: Any) -> OrderView | Problem:
        return self.db.write_sync(service.add_order, self.id, new_order(reference, **changes), NOW)

    def issue(self, *units: dict[str, Any], order: str = "SO-1", at: datetime = NOW) -> ReturnView | Problem:
        new = new_return(*units, order=order)
        return self.db.write_sync(service.issue_return, LINKS, self.id, new, at, self.actor)

    def issued(self, *units: dict[str, Any], order: str = "SO-1", at: datetime = NOW) -> ReturnView:
        made = self.issue(*units, order=order, at=at)
        assert isinstance(made, ReturnView), made
        return made

    def view(self, return_id: str) -> ReturnView:
        found = self.db.read_sync(service.return_view, LINKS, return_id, self.id)
        assert found is not None
        return found

    def move(self, name: str, unit_ids: list[str], at: datetime = NOW, **more: Any) -> list[str]:
        known = {"holder": "Kiosk", "next": Next("handover", at + timedelta(hours=5)), **more}
        move = Move(event=name, unit_ids=unit_ids, at=at, actor="device:dev_1", **known)
        return self.db.write_sync(service.move_units, move)

    def refund(
        self, made: ReturnView, units: list[str], amount: int, reference: str = "RF-1", at: datetime = NOW, **more: Any
    ) -> PaymentView | Problem:
        new = convert({"units": units, "amount": amount, "currency": "EUR", "reference": reference, **more}, NewRefund)
        return self.db.write_sync(service.record_refund, made.id, self.id, new, at, self.actor)

    def exchange(self, made: ReturnView, units: list[str], reference: str = "SO-2") -> PaymentView | Problem:
        new = convert({"units": units, "order_reference": reference}, NewExchange)
        return self.db.write_sync(service.record_exchange, made.id, self.id, new, NOW, self.actor)

    def credit(self, made: ReturnView, units: list[str], amount: int, code: str = "GC-1") -> PaymentView | Problem:
        new = convert({"units": units, "amount": amount, "code": code}, NewCredit)
        return self.db.write_sync(service.record_credit, made.id, self.id, new, NOW, self.actor)

    def events(self, return_id: str) -> list[dict[str, Any]]:
        """Type, data and the rest of what the log says of a return, in order."""
        return self.db.read_sync(_events, return_id)


def open_shop(db: Database, slug: str = "nordlys", **changes: Any) -> Shop:
    policy = {**POLICY, **changes.pop("policy", {})}
    new = convert(
        {
            "name": "Nordlys",
            "slug": slug,
            "country": "DE",
            "currency": "EUR",
            "locale": "de",
            "return_address": {
                "name": "Nordlys Retouren",
                "street": "Lagerstr. 1",
                "postcode": "10115",
                "city": "Berlin",
                "country": "DE",
            },
            "policy": policy,
            **changes,
        },
        retailers.NewRetailer,
    )
    made = db.write_sync(retailers.add_retailer, new, NOW)
    assert not isinstance(made, Problem), made
    return Shop(db, made.id)


def new_order(reference: str = "SO-1", **changes: Any) -> NewOrder:
    return convert(
        {
            "reference": reference,
            "placed_at": (NOW - timedelta(days=6)).isoformat(),
            "delivered_at": (NOW - timedelta(days=4)).isoformat(),
            "currency": "EUR",
            "shopper": {"name": "Æsa Ødegård", "email": "Aesa@example.org", "postcode": "0150", "country": "NO"},
            "lines": LINES,
            **changes,
        },
        NewOrder,
    )


def new_return(*units: dict[str, Any], order: str = "SO-1") -> NewReturn:
    return convert({"order": order, "units": [{"resolution": "refund", **unit} for unit in units]}, NewReturn)


def convert(data: dict[str, Any], kind: Any) -> Any:
    return msgspec.convert(data, kind, strict=False)


def ids_of(made: ReturnView, sku: str | None = None) -> list[str]:
    return [unit.id for unit in made.units if sku in (None, unit.sku)]


def no_such_id(prefix: str) -> str:
    return new_id(prefix)


def count(db: Database, table: sa.Table) -> int:
    return db.read_sync(lambda tx: tx.read(sa.select(sa.func.count()).select_from(table))[0][0])


def _events(tx: Tx, return_id: str) -> list[dict[str, Any]]:
    rows = tx.read(sa.select(event).where(event.c.return_id == return_id).order_by(event.c.seq))
    return [dict(row._mapping) for row in rows]
