"""A case is opened once per fact and resolved once, whoever races."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from dropoff.cases import service
from dropoff.cases.service import Case, Resolve
from dropoff.cases.store import Filter
from dropoff.db import Database, Tx
from dropoff.events.tables import event
from dropoff.kernel.errors import Problem

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
OPERATOR = "operator:crd_1"


def opened(tx: Tx, subject: str = "pcl_1 ctr_1", **more: Any) -> str:
    facts = {
        "kind": "missing",
        "objects": {"parcel": "pcl_1", "tag": "T1234567", "return": "ret_1"},
        "detail": "It was not in the bag.",
        "retailer_id": "rtl_1",
        "location_id": None,
        "live": True,
        "at": NOW,
        "actor": "retailer:rtl_1",
    }
    return service.open_case(tx, subject=subject, **(facts | more))


def resolved(tx: Tx, case_id: str, outcome: str = "found", **more: Any) -> Case | Problem:
    command = {"note": None, "at": NOW + timedelta(hours=1), "actor": OPERATOR} | more
    return service.resolve(tx, Resolve(case_id=case_id, outcome=outcome, **command))


def told(tx: Tx) -> list[tuple[str, Any]]:
    rows = tx.read(sa.select(event.c.type, event.c.data).order_by(event.c.seq))
    return [(row.type, row.data.get("outcome")) for row in rows]


def test_the_same_fact_opens_one_case_and_tells_it_once(db: Database) -> None:
    first, again = db.write_sync(opened), db.write_sync(opened)
    assert first == again
    assert db.read_sync(told) == [("case.opened", None)]
    assert db.write_sync(lambda tx: opened(tx, "pcl_2 ctr_1")) != first


def test_after_a_case_is_resolved_the_fact_may_come_again_unless_it_counts_once(db: Database) -> None:
    first = db.write_sync(opened)
    db.write_sync(resolved, first)
    assert db.write_sync(lambda tx: opened(tx, once=True)) == first
    assert db.write_sync(opened) != first


def test_the_event_carries_what_the_case_is_about(db: Database) -> None:
    case_id = db.write_sync(opened)
    row = db.read_sync(lambda tx: tx.first(sa.select(event)))
    assert row is not None
    assert (row.retailer_id, row.return_id, row.live) == ("rtl_1", "ret_1", True)
    assert row.objects == {"case": case_id, "parcel": "pcl_1", "tag": "T1234567", "return": "ret_1"}
    assert row.data["case"] == case_id
    assert row.data["kind"] == "missing"


def test_a_case_is_resolved_once_the_same_outcome_replays(db: Database) -> None:
    case_id = db.write_sync(opened)
    first = db.write_sync(resolved, case_id, "lost")
    assert isinstance(first, Case)
    assert (first.state, first.outcome) == ("resolved", "lost")
    assert db.write_sync(resolved, case_id, "lost") == first
    other = db.write_sync(resolved, case_id, "found")
    assert isinstance(other, Problem)
    assert (other.code, other.data) == ("case-already-resolved", {"outcome": "lost"})
    assert db.read_sync(told) == [("case.opened", None), ("case.resolved", "lost")]


def test_a_retailer_resolves_what_is_its_own_to_act_on(db: Database) -> None:
    missing = db.write_sync(opened)
    surplus = db.write_sync(lambda tx: opened(tx, "ctr_1 TSTRANGER", kind="unexpected"))

    def by(tx: Tx, case_id: str, retailer_id: str) -> Case | Problem:
        return resolved(tx, case_id, "explained", retailer_id=retailer_id)

    assert db.write_sync(by, surplus, "rtl_2") == Problem("not-found", "There is no such case.")
    refused = db.write_sync(by, missing, "rtl_1")
    assert isinstance(refused, Problem)
    assert refused.code == "forbidden"
    assert isinstance(db.write_sync(by, surplus, "rtl_1"), Case)


def test_lists_keep_tenants_apart_and_page_newest_first(db: Database) -> None:
    ids = [db.write_sync(lambda tx, n=n: opened(tx, f"pcl_{n} ctr_1")) for n in range(5)]
    other = db.write_sync(lambda tx: opened(tx, "pcl_9 ctr_9", retailer_id="rtl_2"))
    db.write_sync(resolved, ids[0])

    def listed(**wanted: Any) -> tuple[list[str], str | None]:
        page = db.read_sync(service.list_cases, Filter(**wanted))
        return [item.id for item in page.items], page.next

    assert listed() == ([other, *reversed(ids)], None)
    assert listed(retailer_id="rtl_2") == ([other], None)
    assert listed(retailer_id="rtl_1", state="open", limit=2) == ([ids[4], ids[3]], ids[3])
    assert listed(retailer_id="rtl_1", state="open", limit=2, after=ids[3]) == ([ids[2], ids[1]], None)
    assert listed(retailer_id="rtl_1", state="resolved") == ([ids[0]], None)
    assert listed(kind="unexpected") == ([], None)
    assert isinstance(db.read_sync(service.find_case, other, "rtl_1"), Problem)


def test_cases_end_by_themselves_by_the_first_word_of_their_subject(db: Database) -> None:
    mine = db.write_sync(lambda tx: opened(tx, "pcl_1 ctr_1"))
    longer = db.write_sync(lambda tx: opened(tx, "pcl_12 ctr_1"))

    def settle(tx: Tx) -> list[str]:
        return service.settle_about(tx, "missing", "pcl_1", "found", "It came.", NOW, "retailer:rtl_1")

    assert db.write_sync(settle) == [mine]
    assert db.write_sync(settle) == []
    still = db.read_sync(service.find_case, longer, None)
    assert isinstance(still, Case)
    assert still.state == "open"


@pytest.mark.parametrize("servers", [1, 2])
def test_a_race_opens_one_case_and_resolves_it_with_one_outcome(database_url: str, servers: int) -> None:
    lanes = [Database(database_url, listen=False) for _ in range(servers)]
    with ThreadPoolExecutor(16) as pool:
        try:
            ids = list(pool.map(lambda n: lanes[n % servers].write_sync(opened), range(16)))
            assert len(set(ids)) == 1
            ends = list(
                pool.map(
                    lambda n: lanes[n % servers].write_sync(resolved, ids[0], ("found", "lost")[n // 8]),
                    range(16),
                )
            )
        finally:
            for lane in lanes:
                lane.close()
    assert sum(isinstance(end, Case) for end in ends) == 8
    with closing(Database(database_url, listen=False)) as db:
        assert [type_ for type_, _ in db.read_sync(told)] == ["case.opened", "case.resolved"]
