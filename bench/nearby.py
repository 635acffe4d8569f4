"""The finder at a million places: over HTTP beside floor A, Redis and PostGIS, in process, while the network changes,
and its memory.

`python -m bench` prints it with the rest; `python -m bench.nearby [--points N] [--rounds N] [--folder PATH]` alone.
"""

import argparse
import contextlib
import random
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote

import msgspec

from bench import chain, gazetteer, load, nearby_core, nearby_world, peers
from bench.measure import Case, Side, in_turn, table
from bench.nearby_world import FOUR, Network
from bench.servers import Server, serving
from dropoff.network.refreshing import CHANGES_MAX

FLOOR_A: Final = "a handler answering the same bytes"
FLOORS: Final = {FLOOR_A: [], "the same behind the service's own edge": ["--edge"]}
START_S: Final = 300
QUESTIONS: Final = {"no filter": "", "four filters": FOUR}


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
    # A tiny run only shows that it runs: bringing in 73,082 codes would be most of it.
    named = gazetteer.FILE if gazetteer.FILE.exists() and size.points >= 10_000 else None
    if named is not None:
        gazetteer.bring_in(url, named)
    env = chain.environment(url, folder)
    log = folder / "nearby.log"
    with serving(["dropoff.cli", "serve", "--no-worker"], env, "/health/ready", log, START_S) as ours:
        steady = ours.anonymous_mb()
        cases, told = _beside_the_others(size, made, ours, folder, named)
        notes += [*told, f"memory: {steady:.0f} MB anonymous when loaded, {ours.anonymous_mb():.0f} MB after the load"]
        notes += _while_it_changes(ours, made, path, log)
    return [case.row() for case in cases], notes


def _beside_the_others(
    size: Size, made: Network, ours: Server, folder: Path, named: Path | None
) -> tuple[list[Case], list[str]]:
    """The floors, and the peers that are installed here, all in turn."""
    bodies = folder / "bodies"
    bodies.mkdir()
    for number, filters in enumerate(QUESTIONS.values()):
        sent = _asked(made, 20, filters, seed=1)
        answers = load.run(ours.port, sent, 1).bodies
        (bodies / str(number)).write_bytes(sorted(answers, key=len)[len(answers) // 2])
    with contextlib.ExitStack() as running:
        found = running.enter_context(peers.peers(made))
        sides = {}
        for name, options in FLOORS.items():
            command = ["bench.nearby_floor", "--folder", str(bodies), *options]
            sides[name] = running.enter_context(serving(command, {}, "/ready", folder / "floor.log", START_S))
        for peer in found:
            command = ["bench.nearby_peers", "--peer", peer.name, "--url", peer.url]
            sides[peer.name] = running.enter_context(serving(command, {}, "/ready", folder / "peer.log", START_S))
        cases = [case for number in range(len(QUESTIONS)) for case in _in_turn(size, made, ours, sides, number)]
        told = [_agreement(made, ours, sides[peer.name], peer.name, min(200, size.reads)) for peer in found]
        if named is not None:
            cases.append(_by_name(size, ours, sides[FLOOR_A], named))
    missing = [name for name in (peers.REDIS, peers.POSTGIS) if name not in sides]
    return cases, [*told, *(f"{name} is not installed here" for name in missing)]


def _in_turn(size: Size, made: Network, ours: Server, sides: dict[str, Server], number: int) -> list[Case]:
    """One kind of question, put to everybody; who goes first changes from round to round."""
    (name, filters) = list(QUESTIONS.items())[number]
    every = {"": ours, **sides}
    took = {side: Side() for side in every}

    def sent(side: str, seed: int) -> list[bytes]:
        # A peer is asked less, or its rounds would take longer than all others together.
        count = size.reads // (4 if side in (peers.REDIS, peers.POSTGIS) else 1)
        path = f"/a/{number}" if side in FLOORS else "/v1/locations"
        return _asked(made, count, filters, seed=seed, path=path)

    for side, server in every.items():
        load.run(server.port, sent(side, 3), size.connections)
    order = list(every)
    for turn in range(size.rounds):
        for place, side in enumerate(order):
            took[side].take(every[side], sent(side, 100 + 10 * turn + place), size.connections)
        order = order[1:] + order[:1]
    title = f"nearby, {len(made):,} places, {name}"
    cases = [Case(title, "in memory", size.connections, side, took[""], took[side]) for side in FLOORS]
    others = [side for side in sides if side not in FLOORS]
    peers_cases = [
        Case(f"{title}: {side}", "its own", size.connections, FLOOR_A, took[side], took[FLOOR_A]) for side in others
    ]
    return cases + peers_cases


def _agreement(made: Network, ours: Server, peer: Server, name: str, count: int) -> str:
    """Whether the others find the same. Redis knows positions to about half a metre, and the earth as a sphere."""
    told = []
    for title, filters in QUESTIONS.items():
        sent = _asked(made, count, filters, seed=77)
        both = [[_ids(body) for body in load.run(side.port, sent, 4).bodies] for side in (ours, peer)]
        same = sum(mine == theirs for mine, theirs in zip(*both, strict=True))
        alike = sum(set(mine) == set(theirs) for mine, theirs in zip(*both, strict=True))
        told.append(f"{title}: the same places in {alike} of {count} answers, in the same order in {same}")
    return f"{name} beside ours; " + "; ".join(told)


def _ids(body: bytes) -> list[str]:
    return [item["id"] for item in msgspec.json.decode(body)["items"]]


def _by_name(size: Size, ours: Server, floor: Server, named: Path) -> Case:
    """Suggestions while somebody types: towns, beginnings, slips, postcodes, nonsense."""
    case = Case("a place by its name or postcode", "in memory", size.connections, FLOOR_A)
    texts = gazetteer.typed(named)

    def sent(turn: int, path: str) -> list[bytes]:
        some = random.Random(turn).sample(texts, min(size.reads, len(texts)))
        return [load.request("GET", f"{path}?limit=10&q={quote(text)}") for text in some]

    load.run(ours.port, sent(99, "/v1/places"), size.connections)
    in_turn(
        size.rounds,
        lambda turn: case.ours.take(ours, sent(turn, "/v1/places"), size.connections) and None,
        lambda turn: case.floor.take(floor, sent(50 + turn, "/a/0"), size.connections) and None,
    )
    return case


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
    total = len(made)
    for name, most in (("merged", 6_000), ("merged", 60_000), ("read anew", CHANGES_MAX + 50_000)):
        count = min(most, total // 5 if name == "merged" else total)
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


@contextlib.contextmanager
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
