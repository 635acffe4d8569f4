"""What must be true of a database at any moment between two transactions, whatever was killed before."""

from collections import Counter, defaultdict
from typing import Any

import sqlalchemy as sa

from dropoff.counter.tables import container, container_parcel, hand_in, parcel, tag
from dropoff.db import Database, Tx
from dropoff.events.tables import event, job, webhook_delivery
from dropoff.freight.tables import shipment, shipment_container
from dropoff.money.tables import balance, entry, refund
from dropoff.returns.rules import GONE, return_status
from dropoff.returns.tables import returns, unit


def rows(tx: Tx, table: sa.Table) -> list[dict[str, Any]]:
    return [dict(row._mapping) for row in tx.read(sa.select(table))]


def broken(db: Database) -> list[str]:
    """A sentence for each thing that is not as it must be."""
    checks = (_units, _money, _parcels, _containers, _shipments, _events)
    return db.read_sync(lambda tx: [said for check in checks for said in check(tx)])


def _units(tx: Tx) -> list[str]:
    units = rows(tx, unit)
    taken = Counter((one["order_line_id"], one["ordinal"]) for one in units if one["custody"] not in GONE)
    said = [f"{key} is in {count} open returns" for key, count in taken.items() if count > 1]
    states: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for one in units:
        states[one["return_id"]].append((one["custody"], one["resolution"]))
    for one in rows(tx, returns):
        derived = return_status(states[one["id"]]) if states[one["id"]] else "without units"
        if derived != one["status"]:
            said.append(f"{one['id']} is {one['status']}, its units say {derived}")
    return said


def _money(tx: Tx) -> list[str]:
    sums: Counter[tuple[str, str]] = Counter()
    for one in rows(tx, entry):
        sums[one["unit_id"], one["account"]] += one["amount"]
    said = [
        f"{one['unit_id']}: {account} is {one[account]}, its entries say otherwise"
        for one in rows(tx, balance)
        for account in ("expected", "due", "paid")
        if sums[one["unit_id"], account] != one[account]
    ]
    paid = Counter(one["refund_id"] for one in rows(tx, entry) if one["account"] == "paid")
    return said + [f"{one['id']} paid nobody" for one in rows(tx, refund) if one["id"] not in paid]


def _parcels(tx: Tx) -> list[str]:
    tags = {one["tag"]: one["parcel_id"] for one in rows(tx, tag)}
    parcels = {one["id"]: one for one in rows(tx, parcel)}
    accepted = {one["id"] for one in rows(tx, hand_in) if one["verdict"] == "accepted"}
    said = [f"{one['id']} has not its tag" for one in parcels.values() if tags.get(one["tag"]) != one["id"]]
    said += [f"{one['id']} was never accepted" for one in parcels.values() if one["hand_in_id"] not in accepted]
    for one in rows(tx, unit):
        inside = parcels.get(one["parcel_id"] or "")
        if (one["parcel_id"] is None) != (one["custody"] in ("expected", *GONE)):
            said.append(f"{one['id']} is {one['custody']} in {one['parcel_id']}")
        elif inside is not None and (inside["status"] == "received") != (one["custody"] in ("received", "inspected")):
            said.append(f"{one['id']} is {one['custody']}, its parcel {inside['status']}")
    return said


def _containers(tx: Tx) -> list[str]:
    parcels = {one["id"]: one for one in rows(tx, parcel)}
    held: dict[str, list[str]] = defaultdict(list)
    for one in rows(tx, container_parcel):
        held[one["container_id"]].append(one["parcel_id"])
    said = []
    for one in rows(tx, container):
        inside = held[one["id"]]
        weight = sum(parcels[each]["weight_g"] or 0 for each in inside)
        if (one["parcel_count"], one["weight_g"]) != (len(inside), weight):
            said.append(
                f"{one['id']} says {one['parcel_count']} and {one['weight_g']} g, it holds {inside}, {weight} g"
            )
    return said


def _shipments(tx: Tx) -> list[str]:
    alive = {one["id"] for one in rows(tx, shipment) if one["status"] != "cancelled"}
    travels = Counter(one["container_id"] for one in rows(tx, shipment_container) if one["shipment_id"] in alive)
    claims = {one["id"]: one["shipment_id"] for one in rows(tx, container)}
    said = [f"{each} travels in {count} shipments" for each, count in travels.items() if count > 1]
    said += [
        f"{one['container_id']} is in {one['shipment_id']}, which does not claim it"
        for one in rows(tx, shipment_container)
        if one["shipment_id"] in alive and claims[one["container_id"]] != one["shipment_id"]
    ]
    return said


def _events(tx: Tx) -> list[str]:
    once = ("return.issued", "shipment.booked", "shipment.handed_over", "parcel.received", "unit.inspected")
    told = Counter(
        (one["type"], one["retailer_id"], str(one["objects"])) for one in rows(tx, event) if one["type"] in once
    )
    return [f"{key} was told {count} times" for key, count in told.items() if count > 1]


def unfinished(db: Database) -> list[str]:
    """What a worker has still to do now; empty once all jobs ran and every webhook arrived."""

    def look(tx: Tx) -> list[str]:
        later = ("returns.expire",)
        jobs = [f"{one['kind']} is {one['state']}" for one in rows(tx, job) if one["kind"] not in later]
        waiting = [one for one in jobs if not one.endswith("done")]
        return waiting + [one["id"] for one in rows(tx, webhook_delivery) if one["state"] != "delivered"]

    return db.read_sync(look)
