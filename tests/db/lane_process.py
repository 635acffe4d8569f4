"""A process of its own for test_durability: `lane_process.py write|count|hot URL …`. Not a test."""

import random
import sys
from collections.abc import Callable
from concurrent.futures import wait
from contextlib import closing
from typing import Any

import sqlalchemy as sa

from dropoff.db import Database, NotWritten, Tx

tallies = sa.Table(
    "tallies",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("n", sa.Integer, nullable=False),
)


def add_one(tx: Tx, number: int) -> int:
    """Reads, thinks, writes."""
    row = tx.first(sa.select(tallies.c.n).where(tallies.c.id == number).with_for_update())
    assert row is not None
    tx.change(sa.update(tallies).where(tallies.c.id == number).values(n=row.n + 1))
    return int(row.n) + 1


def add_to_several(tx: Tx, numbers: list[int]) -> None:
    for number in numbers:
        tx.change(sa.update(tallies).where(tallies.c.id == number).values(n=tallies.c.n + 1))


def write(db: Database) -> None:
    """Writes as fast as it is answered, and says each number after its answer, until it is killed."""
    number = 1000
    while True:
        number += 1
        futures = {n: db.submit(lambda tx, n: tx.append(tallies, {"id": n, "n": 0}), n) for n in _next(number)}
        number = max(futures)
        for n, future in futures.items():
            future.result(30)
            print(n, flush=True)


def _next(number: int) -> range:
    return range(number, number + 5)


def count(db: Database, times: int) -> None:
    _until_written(db, [(add_one, 1)] * times)


def hot(db: Database, times: int, seed: int) -> None:
    """Two rows each, of fifty, in no order: rivals hold what the other wants all the time."""
    dice = random.Random(seed)
    _until_written(db, [(add_to_several, dice.sample(range(2, 52), 2)) for _ in range(times)])


def _until_written(db: Database, calls: list[tuple[Callable[..., Any], Any]]) -> None:
    """All at once; whoever is told that nothing was written comes again, as a client does. Says how many were."""
    left = calls
    for _ in range(20):
        futures = [db.submit(*call) for call in left]
        wait(futures)
        told = [future.exception() for future in futures]
        left = [call for call, error in zip(left, told, strict=True) if isinstance(error, NotWritten)]
        if not left:
            break
    print(len(calls) - len(left))


if __name__ == "__main__":
    command, url, *numbers = sys.argv[1:]
    with closing(Database(url, listen=False)) as database:
        {"write": write, "count": count, "hot": hot}[command](database, *map(int, numbers))
