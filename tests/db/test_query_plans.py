"""The questions of the main job never read a growing table from end to end: every statement that ran on SQLite is
explained. PostgreSQL has the same indices, but chooses by the rows that are there."""

import re
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.api.chain import Chain, hand_in, issue
from tests.service import Service, running

from dropoff.app import create_worker
from dropoff.db import Database
from dropoff.events import job_store
from dropoff.events.turns import Turns
from dropoff.network import store as network_store
from dropoff.returns.jobs import sweep

GROWING = (
    "balance|container|container_parcel|counter_attempt|event|guess|hand_in|idempotency|intake|inspection|job|job_attempt"
    "|ledger_entry|order|order_line|parcel|refund|return|session|shipment|shipment_container|tag|unit|webhook_delivery"
)
SCAN = re.compile(rf'SCAN "?({GROWING})"?(?! USING (?:COVERING )?INDEX (?:ix|uq)_)(?:$| )')
IN_ORDER = re.compile(r"ORDER BY .*LIMIT", re.DOTALL)
"""A page of a list goes along the primary key and stops."""


@pytest.fixture
def ran() -> Iterator[set[str]]:
    """Every statement that a connection made meanwhile has run."""
    statements: set[str] = set()

    def trace(connection: Any, _record: Any) -> None:
        connection.set_trace_callback(statements.add)

    sa.event.listen(sa.pool.Pool, "connect", trace)
    yield statements
    sa.event.remove(sa.pool.Pool, "connect", trace)


def main_job(service: Service) -> None:
    chain = Chain(service)
    shop, till = chain.shop, chain.till
    made = issue(shop)
    handed = hand_in(till, made)
    till.post(f"/v1/counter/hand-ins/{handed['hand_in']}/undo", status=200)
    for text in (chain.bag["sscc"], made["pass"]["url"], made["pass"]["short_code"], handed["tag"], "nothing"):
        till.post("/v1/counter/scans", {"text": text}, 200)
    till.get("/v1/counter/state")
    named = {"containers": [{"sscc": chain.bag["sscc"]}], "shipment": chain.shipment["id"]}
    till.post("/v1/counter/handovers", named, 200)
    receipt = {"sscc": chain.bag["sscc"], "parcels": [chain.verdict["tag"]], "complete": True}
    shop.post("/v1/receipts", receipt, 200)
    unit = chain.travelling["units"][0]["id"]
    shop.post("/v1/inspections", {"unit": unit, "condition": "as_new", "disposition": "restock"}, 200)
    paid = {"units": [unit], "amount": 89900, "currency": "DKK", "reference": "R-1"}
    shop.post(f"/v1/returns/{chain.travelling['id']}/refunds", paid)
    for path in ("returns", "returns?status=issued", "returns?order=SO-1", "shipments", "cases", "events"):
        shop.get(f"/v1/{path}")
    service.public.get(f"/v1/passes/{made['pass']['code']}")
    service.public.http.get(f"/p/{made['pass']['code']}", headers={"Accept": "text/html"})
    service.public.post(f"/v1/passes/{made['pass']['code']}/renew", status=200, key=None)
    service.public.http.post("/login", data={"key": "wrong"})
    shop.post(f"/v1/returns/{made['id']}/cancel", status=200)
    worker = create_worker(service.context)
    for kind in sorted(worker._every_s):
        service.context.db.write_sync(lambda tx, kind=kind: job_store.add(tx, _job(kind), 0, None))
    worker.run_due()
    sweep(service.context.db)
    service.context.db.read_sync(job_store.anything_due, ["webhook"], Turns(8, {"rtl_1": 2}))
    service.context.db.read_sync(job_store.seconds_to_next, ["webhook"], Turns(8))


def _job(kind: str) -> dict[str, Any]:
    return {"id": f"job_{kind}"[:30], "kind": kind, "payload": {}, "key": None, "party": None, "max_attempts": 3}


def test_no_question_reads_a_growing_table_from_end_to_end(
    sqlite_template: Path, tmp_path: Path, ran: set[str]
) -> None:
    path = tmp_path / "dropoff.sqlite3"
    shutil.copy(sqlite_template, path)
    url = f"sqlite:///{path}"
    with running(url, tmp_path, worker=False) as service:
        main_job(service)
    asked = {text for text in ran if re.match(r"SELECT|UPDATE|DELETE", text)}
    assert len(asked) > 150
    with closing(Database(url)) as db:
        slow = {text: plan for text in sorted(asked) if (plan := db.read_sync(_scans, text))}
    assert slow == {}


def test_the_few_places_that_changed_are_found_without_reading_all(
    sqlite_template: Path, tmp_path: Path, ran: set[str]
) -> None:
    path = tmp_path / "dropoff.sqlite3"
    shutil.copy(sqlite_template, path)
    with closing(Database(f"sqlite:///{path}")) as db:
        assert db.read_sync(network_store.changed_since, 3, 100) == []
        assert db.read_sync(network_store.places_of, ["loc_1", "loc_2"]) == []
        asked = {text: db.read_sync(_plan, text) for text in ran if "FROM location " in text}
    assert len(asked) == 2
    assert all(step.startswith("SEARCH location USING") for steps in asked.values() for step in steps), asked


def _plan(tx: Any, text: str) -> list[str]:
    driver = tx._connection.connection.dbapi_connection
    return [row[3] for row in driver.execute(f"EXPLAIN QUERY PLAN {text}")]


def _scans(tx: Any, text: str) -> list[str]:
    plan = _plan(tx, text)
    whole = [step for step in plan if SCAN.search(step)]
    return [] if IN_ORDER.search(text) and all("USING INDEX sqlite_autoindex" in step for step in whole) else whole
