"""The finder at a million places: over HTTP beside floor A, in process, while the network changes, and its memory.

`python -m bench` prints it with the rest; `python -m bench.nearby [--points N] [--rounds N] [--folder PATH]` alone.
"""

import argparse
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from bench import chain, load, nearby_core, nearby_world
from bench.measure import Case, in_turn, table
from bench.nearby_world import FOUR, Network
from bench.servers import Server, serving

FLOORS: Final = {"a handler answering the same bytes": [], "the same behind the service's own edge": ["--edge"]}
START_S: Final = 300
QUESTIONS: Final = {"no filter": "", "four filters": FOUR}
NOTHING: Final = "0=1"


class Size(msgspec.Struct, frozen=True):
    rounds: int
    points: int
    reads: int
    connections: int


def rows(size: Size, folder: Path) -> tuple[list[list[str]], list[str]]:
    """Rows for the table of ratios, and lines to print beneath it."""
    folder.mkdir()
    made = nearby_world.network(size.points)
    path = folder / "nearby.sqlite3"
    url = nearby_world.fill(path, made)
    notes = nearby_core.measure(url, made, folder, quick=size.points < 100_000)
    env = chain.environment(url, folder)
    log = folder / "nearby.log"
    with serving(["dropoff.cli", "serve", "--no-worker"], env, "/health/ready", log, START_S) as ours:
        steady = ours.anonymous_mb()
        cases = _beside_the_floor(size, made, ours, folder)
        notes.append(f"memory: {steady:.0f} MB anonymous when loaded, {ours.anonymous_mb():.0f} MB after the load")
        notes += _while_it_changes(ours, made, path, log)
    return [case.row() for case in cases], notes


def _beside_the_floor(size: Size, made: Network, ours: Server, folder: Path) -> list[Case]:
    bodies = folder / "bodies"
    bodies.mkdir()
    for number, filters in enumerate(QUESTIONS.values()):
        sent = _asked(made, 20, filters, seed=1)
        answers = load.run(ours.port, sent, 1).bodies
        (bodies / str(number)).write_bytes(sorted(answers, key=len)[len(answers) // 2])
    cases = []
    for against, options in FLOORS.items():
        command = ["bench.nearby_floor", "--folder", str(bodies), *options]
        with serving(command, {}, "/ready", folder / "floor.log") as floor:
            cases += _beside(size, made, ours, floor, against)
    return cases


def _beside(size: Size, made: Network, ours: Server, floor: Server, against: str) -> list[Case]:
    cases = []
    for number, (name, filters) in enumerate(QUESTIONS.items()):
        case = Case(f"nearby, {len(made):,} places, {name}", "in memory", size.connections, against)
        _warm(ours, floor, made, filters, size)

        def ask(turn: int, case: Case = case, filters: str = filters) -> None:
            case.ours.take(ours, _asked(made, size.reads, filters, seed=100 + turn), size.connections)

        def same(turn: int, case: Case = case, filters: str = filters, number: int = number) -> None:
            sent = _asked(made, size.reads, filters, seed=200 + turn, path=f"/a/{number}")
            case.floor.take(floor, sent, size.connections)

        in_turn(size.rounds, ask, same)
        cases.append(case)
    return cases


def _warm(ours: Server, floor: Server, made: Network, filters: str, size: Size) -> None:
    load.run(ours.port, _asked(made, size.reads // 2, filters, seed=3), size.connections)
    load.run(floor.port, _asked(made, size.reads // 2, filters, seed=3, path="/a/0"), size.connections)


def _asked(made: Network, count: int, filters: str, *, seed: int, path: str = "/v1/locations") -> list[bytes]:
    """Another position each time: the framework remembers query strings it has seen."""
    return [load.request("GET", f"{path}?near={lat},{lon}&limit=10{filters}") for lat, lon in made.near(count, seed)]


def _while_it_changes(ours: Server, made: Network, path: Path, log: Path) -> list[str]:
    """What a rebuild costs those who ask meanwhile, and how much memory."""
    notes = [f"quiet: {_asking(ours, made, 4.0, 900)}"]
    seen = [_seconds_until_seen(ours, path, number) for number in range(5)]
    notes.append(
        f"a change made in another process is in the search after {statistics.median(seen):.2f} s (median of "
        f"{len(seen)}, longest {max(seen):.2f} s)"
    )
    few, many = min(6_000, len(made) // 5), min(60_000, len(made) // 2 + 1)
    for name, count in (("merged", few), ("read anew", many)):
        with _peak(ours) as peak:
            said = log.read_text().count("nearby index")
            began = time.monotonic()
            nearby_world.change(path, f"rowid <= {count}", "name = name || '.'")
            told = _asking(ours, made, 1.0, 901)
            while log.read_text().count("nearby index") < said + 1 + (name == "merged"):
                if time.monotonic() - began > START_S:
                    raise RuntimeError(f"the index was not {name}")
                told = told.and_then(_asking(ours, made, 1.0, 902))
            took = time.monotonic() - began
        notes.append(f"{name} after {count:,} changes in {took:.1f} s: {told}; {max(peak):.0f} MB anonymous at most")
    return notes


class Waits(msgspec.Struct):
    """What one client, asking again and again, waited for its answers."""

    latencies_s: list[float]

    def and_then(self, more: "Waits") -> "Waits":
        return Waits(self.latencies_s + more.latencies_s)

    def __str__(self) -> str:
        ordered = sorted(self.latencies_s)
        count = len(ordered)
        p50, p99, longest = ordered[count // 2] * 1e3, ordered[count * 99 // 100] * 1e3, ordered[-1] * 1e3
        return f"{count:,} answers, p50 {p50:.1f} ms, p99 {p99:.1f} ms, longest {longest:.0f} ms"


def _asking(ours: Server, made: Network, seconds: float, seed: int) -> Waits:
    waits = Waits([])
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        sent = _asked(made, 200, "", seed=seed)
        waits = waits.and_then(Waits(load.run(ours.port, sent, 1).latencies_s))
    return waits


def _seconds_until_seen(ours: Server, path: Path, number: int) -> float:
    """Moves one place far out to sea and looks for it there."""
    lat, lon = 45.0 + number / 10, -35.0
    nearby_world.change(path, f"external_id = 'p{number}'", f"lat = {lat}, lon = {lon}")
    began = time.monotonic()
    ask = load.request("GET", f"/v1/locations?near={lat},{lon}&radius_m=1000")
    while b'"items":[]' in load.run(ours.port, [ask], 1).bodies[0]:
        if time.monotonic() - began > 60:
            raise RuntimeError("the change is not seen")
        time.sleep(0.01)
    return time.monotonic() - began


@contextmanager
def _peak(server: Server) -> Iterator[list[float]]:
    samples = [server.anonymous_mb()]
    done = threading.Event()

    def sample() -> None:
        while not done.wait(0.02):
            samples.append(server.anonymous_mb())

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield samples
    finally:
        done.set()
        thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.nearby")
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--reads", type=int, default=6_000)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--folder", type=Path, default=Path("data"))
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=asked.folder)).absolute()
    try:
        size = Size(rounds=asked.rounds, points=asked.points, reads=asked.reads, connections=asked.connections)
        cases, notes = rows(size, folder / "nearby")
        print(table(cases), *notes, sep="\n")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
