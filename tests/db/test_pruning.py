"""What only helps for a while goes: deliveries and questions of tills. The log and the goods' history stay."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from tests.counter_world import World

from dropoff.counter import jobs as counter_jobs
from dropoff.counter.tables import counter_attempt
from dropoff.db import Database, Tx
from dropoff.db.vault import Vault
from dropoff.events import cursors, log, webhooks
from dropoff.events.tables import event, webhook_delivery
from dropoff.kernel.ids import first_id, new_id

NOW = datetime.now(UTC)


def ids(db: Database, table: sa.Table) -> set[str]:
    return {row.id for row in db.read_sync(lambda tx: tx.read(sa.select(table.c.id)))}


def test_ids_of_a_moment_sort_between_those_before_and_after() -> None:
    made = new_id("whd")
    assert (
        first_id("whd", NOW - timedelta(seconds=1)) < made < first_id("whd", datetime.now(UTC) + timedelta(seconds=1))
    )


def test_old_deliveries_go_unless_they_wait_and_their_events_stay(db: Database) -> None:
    new = webhooks.NewEndpoint("rtl_shop", True, "https://shop.example.org/", ["*"], False, NOW)
    db.write_sync(webhooks.add_endpoint, Vault("a-secret-for-tests-only"), new)
    item = log.Event(type="return.issued", actor="system", at=NOW, live=True, retailer_id="rtl_shop")
    for _ in range(3):
        db.write_sync(lambda tx: log.append(tx, item))
    db.write_sync(cursors.install, [webhooks.CONSUMER])
    while db.write_sync(cursors.consume, webhooks.CONSUMER):
        pass
    delivered, waiting, young = sorted(ids(db, webhook_delivery))
    old = first_id("whd", NOW - timedelta(days=91))

    def age(tx: Tx) -> None:
        for number, (each, state) in enumerate([(delivered, "delivered"), (waiting, "pending")]):
            rows = sa.update(webhook_delivery).where(webhook_delivery.c.id == each)
            tx.change(rows.values(id=f"{old[:-1]}{number}", state=state))
        tx.change(sa.update(webhook_delivery).where(webhook_delivery.c.id == young).values(state="delivered"))

    db.write_sync(age)
    assert db.write_sync(webhooks.forget_deliveries, NOW) == 1
    assert db.write_sync(webhooks.forget_deliveries, NOW) == 0
    assert ids(db, webhook_delivery) == {f"{old[:-1]}1", young}
    assert len(ids(db, event)) == 3


def test_old_questions_of_tills_go(db: Database, tmp_path: Path) -> None:
    world = World(db, tmp_path)
    world.scan(world.till(), "nothing we know", NOW)
    (fresh,) = ids(db, counter_attempt)
    old = first_id("att", NOW - counter_jobs.KEPT_FOR - timedelta(days=1))

    def copy(tx: Tx) -> None:
        row = dict(tx.read(sa.select(counter_attempt))[0]._mapping)
        tx.append(counter_attempt, row | {"id": old})

    db.write_sync(copy)
    assert db.write_sync(counter_jobs.forget_questions, NOW) == 1
    assert ids(db, counter_attempt) == {fresh}
