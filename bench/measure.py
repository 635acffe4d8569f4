"""Rounds in turn: ours, the floor, ours, the floor …, so that a noisy minute hits both; medians of what they gave."""

import statistics
from collections.abc import Callable, Sequence

import msgspec

from bench import load
from bench.servers import Server


class Side(msgspec.Struct):
    rates: list[float] = msgspec.field(default_factory=list)
    cpus_ms: list[float] = msgspec.field(default_factory=list)
    p50s_ms: list[float] = msgspec.field(default_factory=list)

    def take(self, server: Server, requests: Sequence[bytes], connections: int) -> load.Measured:
        before = server.cpu_s()
        measured = load.run(server.port, requests, connections)
        self.cpus_ms.append((server.cpu_s() - before) * 1000 / len(requests))
        self.rates.append(measured.rate)
        self.p50s_ms.append(measured.p50_ms)
        return measured


class Case(msgspec.Struct):
    """One row of the table."""

    name: str
    database: str
    connections: int
    against: str
    ours: Side = msgspec.field(default_factory=Side)
    floor: Side = msgspec.field(default_factory=Side)

    @property
    def ratio(self) -> float:
        """Of the rates, per round; the median of the rounds."""
        return statistics.median(a / b for a, b in zip(self.ours.rates, self.floor.rates, strict=True))

    def row(self) -> list[str]:
        median = statistics.median
        return [
            self.name,
            self.database,
            str(self.connections),
            f"{median(self.ours.rates):,.0f}",
            f"{median(self.floor.rates):,.0f}",
            f"{self.ratio:.2f}",
            f"{median(self.ours.cpus_ms):.2f}",
            f"{median(self.floor.cpus_ms):.2f}",
            f"{median(self.ours.p50s_ms):.1f}",
            f"{median(self.floor.p50s_ms):.1f}",
            self.against,
        ]


HEAD = ["path", "database", "conns", "ours/s", "floor/s", "ratio", "CPU ms", "floor", "p50 ms", "floor", "floor is"]


def table(rows: list[list[str]]) -> str:
    """Markdown that also lines up in a terminal."""
    widths = [max(len(row[column]) for row in [HEAD, *rows]) for column in range(len(HEAD))]

    def line(row: list[str]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"

    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([line(HEAD), rule, *(line(row) for row in rows)])


def in_turn(rounds: int, ours: Callable[[int], None], floor: Callable[[int], None]) -> None:
    """Who goes first changes from round to round."""
    for number in range(rounds):
        for side in (ours, floor) if number % 2 == 0 else (floor, ours):
            side(number)
