"""Staged rows come into force: one import of a source at a time, in pieces that hold the write lane for a moment only.

First every staged row is compared with the network, then what the import would do is weighed, and only then it is done.
What is done in pieces is searched as one by all who follow the network, for its revision moves with the last of them;
only a server that starts meanwhile reads what there is. A process that dies in between leaves the import `applying`,
and whoever comes next brings it to its end.
"""

import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from dropoff.db import Database, Tx
from dropoff.events.log import Event, append
from dropoff.network import applying_store, import_store
from dropoff.network.applying_store import Weight
from dropoff.network.import_store import Import, Told

COMPARE_AT_ONCE: Final = 5_000
APPLY_AT_ONCE: Final = 2_000
DROP_AT_ONCE: Final = 5_000
LEASE_S: Final = 60.0
CLAIM_PATIENCE_S: Final = 600.0
LOSS_MAX: Final = 0.2
"""A sync that would take a larger share of a source's places out of the search waits for an operator."""
WOULD_TOLD: Final = 1_000
"""So many places of each kind are named by a trial."""
WAKE: Final = "network"

log = logging.getLogger("dropoff.network")


class ClaimLost(Exception):
    """Another process took the claim over, or the import came to its end elsewhere: what is left is theirs."""


class SourceBusy(Exception):
    """Another import of the same source has been coming into force for longer than anybody waits."""


def settle(db: Database, import_id: str, at: datetime, patience_s: float = CLAIM_PATIENCE_S) -> Import:
    """Brings an import whose rows are all staged to its end: in force, held by the brake, or only tried."""
    found = _found(db, import_id)
    _claim(db, found, patience_s)
    try:
        for other in db.read_sync(import_store.in_state, found.source, "applying", import_id):
            # Its process died. Its rows go first, or they would come over ours one day.
            _apply(db, other, _weigh(db, other, import_id), at, import_id)
            _drop_stage(db, other.id)
        found = _found(db, import_id)  # while we waited, another may have done the same for this one
        if found.state in ("staging", "applying"):
            _decide(db, found, at)
    finally:
        db.write_sync(applying_store.end_claim, found.source, import_id)
    ended = _found(db, import_id)
    if ended.state != "held":
        _drop_stage(db, import_id)
    return ended


def _decide(db: Database, found: Import, at: datetime) -> None:
    weight = _weigh(db, found, found.id)
    if found.kind == "trial":
        _tell_trial(db, found, weight, at)
    elif found.kind == "sync" and not found.released and weight.lost > LOSS_MAX * weight.held:
        _hold(db, found, weight, at)
    else:
        _apply(db, found, weight, at, found.id)


def fail(db: Database, import_id: str, detail: str, at: datetime) -> None:
    db.write_sync(import_store.finish, import_id, "failed", detail, at)
    _drop_stage(db, import_id)


def forget_rows(db: Database, import_id: str) -> None:
    """All that was staged and told of an import which is read from its start again."""
    _drop_stage(db, import_id)
    while db.write_sync(import_store.drop_told, import_id, DROP_AT_ONCE):
        pass


def clear_away(db: Database) -> None:
    """Stages of imports that ended, where a process died before it could."""
    for import_id in db.read_sync(import_store.left_stages):
        _drop_stage(db, import_id)


def _found(db: Database, import_id: str) -> Import:
    found = db.read_sync(import_store.find, import_id)
    if found is None:
        raise ClaimLost
    return found


def _claim(db: Database, found: Import, patience_s: float) -> None:
    deadline, pause = time.monotonic() + patience_s, 0.02
    while not db.write_sync(applying_store.claim, found.source, found.id, LEASE_S):
        if time.monotonic() > deadline:
            raise SourceBusy
        time.sleep(pause)
        pause = min(pause * 1.5, 1.0)


def _weigh(db: Database, found: Import, claimed_by: str) -> Weight:
    def compare(tx: Tx, after: str) -> str | None:
        _keep(tx, found.source, claimed_by)
        return applying_store.compare(tx, found.id, found.source, after, COMPARE_AT_ONCE)

    if not db.is_sqlite:
        db.write_sync(applying_store.learn_sizes)
    after: str | None = ""
    while after is not None:
        after = db.write_sync(compare, after)
    return db.read_sync(applying_store.weigh, found.id, found.source, found.replaces)


def _apply(db: Database, found: Import, weight: Weight, at: datetime, claimed_by: str) -> None:
    """`claimed_by`: the import that holds the claim, which may do this for another one."""
    if not db.write_sync(applying_store.start_applying, found.id, weight):
        raise ClaimLost

    def remove(tx: Tx, ids: list[str]) -> None:
        _keep(tx, found.source, claimed_by)
        revision = applying_store.lock_network(tx) + 1
        applying_store.remove(tx, found.id, found.source, ids, revision, at)

    def some(tx: Tx) -> bool:
        _keep(tx, found.source, claimed_by)
        revision = applying_store.lock_network(tx) + 1
        done = applying_store.apply_some(tx, found.id, found.source, revision, at, APPLY_AT_ONCE)
        if done < APPLY_AT_ONCE:
            _finish(tx, found, weight, revision, at)
        return done < APPLY_AT_ONCE

    if found.replaces and weight.removed:
        after = ""
        while ids := db.read_sync(applying_store.missing_ids, found.id, found.source, after, APPLY_AT_ONCE):
            db.write_sync(remove, ids)
            after = ids[-1]
    while not db.write_sync(some):
        pass
    for held in db.read_sync(import_store.in_state, found.source, "held", found.id):
        if held.id < found.id:
            fail(db, held.id, "A later import of this source came into force.", at)


def _finish(tx: Tx, found: Import, weight: Weight, revision: int, at: datetime) -> None:
    """The last piece: now searches see it all."""
    if weight.created or weight.updated or weight.removed:
        applying_store.set_revision(tx, revision)
        tx.wake(WAKE)
    if not import_store.finish(tx, found.id, "done", found.detail, at):
        raise ClaimLost
    if found.kind == "sync":
        import_store.mark_synced(tx, found.source, at)
    told = import_store.told_counts(tx, [found.id])
    data: dict[str, Any] = {"source": found.source} | _counts(weight)
    data |= {outcome: told.get((found.id, outcome), 0) for outcome in ("rejected", "repaired")}
    _say(tx, found, "network.imported", data, at)


def _hold(db: Database, found: Import, weight: Weight, at: datetime) -> None:
    detail = (
        f"It would take {weight.lost} of {weight.held} places out of the search ({weight.lost / weight.held:.0%}). "
        "Nothing was changed; an operator may release it."
    )

    def hold(tx: Tx) -> None:
        _keep(tx, found.source, found.id)
        if not import_store.finish(tx, found.id, "held", detail, at, _counts(weight)):
            raise ClaimLost
        data = {"source": found.source, "lost": weight.lost, "held": weight.held}
        _say(tx, found, "network.import_held", data, at)

    db.write_sync(hold)
    for older in db.read_sync(import_store.in_state, found.source, "held", found.id):
        fail(db, older.id, "A later sync of this source is held instead.", at)


def _tell_trial(db: Database, found: Import, weight: Weight, at: datetime) -> None:
    would = db.read_sync(applying_store.would_change, found.id, found.source, found.replaces, WOULD_TOLD)
    held = weight.held and weight.lost > LOSS_MAX * weight.held
    detail = f"It would be held: {weight.lost} of {weight.held} places would go." if held else ""

    def tell(tx: Tx) -> None:
        rows = [
            Told(number, outcome, external_id, detail=name)  # type: ignore[arg-type]
            for number, (outcome, external_id, name) in enumerate(would)
        ]
        import_store.tell(tx, found.id, rows)
        if not import_store.finish(tx, found.id, "done", detail, at, _counts(weight)):
            raise ClaimLost

    db.write_sync(tell)


def _counts(weight: Weight) -> dict[str, int]:
    return {name: getattr(weight, name) for name in ("created", "updated", "unchanged", "removed")}


def _keep(tx: Tx, source: str, import_id: str) -> None:
    if not applying_store.keep_claim(tx, source, import_id, LEASE_S):
        raise ClaimLost


def _drop_stage(db: Database, import_id: str) -> None:
    drop: Callable[[Tx, str, int], int] = import_store.drop_stage
    while db.write_sync(drop, import_id, DROP_AT_ONCE) == DROP_AT_ONCE:
        pass


def _say(tx: Tx, found: Import, kind: str, data: dict[str, Any], at: datetime) -> None:
    event = Event(type=kind, actor=found.actor, at=at, live=True, objects={"import": found.id}, data=data)
    append(tx, event)
