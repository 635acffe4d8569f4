"""Finding a place by its name or postcode, in process: `python -m bench.gazetteer [--file FILE] [--repeat N]`.

With GeoNames' codes from the shared data, or a file of yours; without either, with made-up ones of the same number.
`--repeat` puts the file in several times under other countries, to see how it grows.
"""

import argparse
import contextlib
import gc
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from dropoff.db import Database
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem
from dropoff.network.gazetteer import Gazetteer
from dropoff.network.gazetteer_building import Builder, Row
from dropoff.network.gazetteer_importing import GEONAMES, GazetteerCommand, import_gazetteer
from dropoff.network.gazetteer_reading import read_gazetteer

SHARED = Path(os.environ.get("DROPOFF_SHARED") or Path(__file__).resolve().parents[2] / "shared")
FILE = SHARED / "data" / "gazetteer_postal_small.csv.gz"
MADE_UP = 73_082
ASKED = 2_000
LETTERS = "abcdefghijklmnopqrstuvwxyzåäöøæü"
SYLLABLES = ("ber", "lin", "mal", "mö", "stock", "holm", "år", "hus", "ło", "dz", "neu", "stadt", "bad", " am ", "see")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.gazetteer", description=__doc__)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--repeat", type=int, default=1)
    arguments = parser.parse_args()
    for line in lines(arguments.file, arguments.repeat):
        sys.stdout.write(line + "\n")
    return 0


def lines(file: Path | None = None, repeat: int = 1, *, quick: bool = False) -> list[str]:
    """What was measured, as Markdown. Quickly: a few made-up codes, which say nothing."""
    file = None if quick else file or (FILE if FILE.exists() else None)
    made_up, asked = (2_000, 50) if quick else (MADE_UP, ASKED)
    before = _anonymous_mb()
    began = time.process_time()
    builder = Builder()
    for row in _rows(file, repeat, made_up):
        builder.add(row)
    read = time.process_time()
    gazetteer = Gazetteer(builder.contents(), 0, "")
    built = time.process_time()
    del builder
    gc.collect()
    told = [
        f"{len(gazetteer):,} postal codes ({file.name if file else 'made up'}): read in {read - began:.2f} s, "
        f"put in order in {built - read:.2f} s of CPU; {_anonymous_mb() - before:.0f} MB of memory",
        "",
        "| typed | p50 ms | p95 ms |",
        "|---|---|---|",
    ]
    every: list[float] = []
    for name, texts in _questions(file, repeat, made_up, asked).items():
        took = [_timed(lambda t=text: gazetteer.search(t)) for text in texts]  # type: ignore[misc]
        every += took
        told.append(f"| {name} | {_ms(took, 0.5)} | {_ms(took, 0.95)} |")
    told.append(f"| all of these | {_ms(every, 0.5)} | {_ms(every, 0.95)} |")
    return told


def bring_in(url: str, file: Path) -> None:
    """Into the database of a server that is about to start."""
    command = GazetteerCommand(replace=False, accept_loss=False, attribution=GEONAMES, at=now())
    with contextlib.closing(Database(url, listen=False)) as db:
        report = import_gazetteer(db, file, command, lambda _: None)
    assert not isinstance(report, Problem), report


def typed(file: Path) -> list[str]:
    """All that the questions here are asked with."""
    return [text for texts in _questions(file, 1).values() for text in texts]


def _rows(file: Path | None, repeat: int, made_up: int = MADE_UP) -> Iterator[Row]:
    for number in range(repeat):
        for row in read_gazetteer(file, lambda _: None) if file else _made_up(made_up):
            country = row.country if number == 0 else f"{chr(65 + number % 26)}{chr(65 + number // 26)}"
            yield Row(country, row.postcode, row.name, row.region, row.lat, row.lon)


def _made_up(count: int) -> Iterator[Row]:
    chance = random.Random(1)
    for number in range(count):
        name = "".join(chance.choices(SYLLABLES, k=chance.randint(2, 4))).strip().capitalize()
        yield Row("DE", f"{number:05}", name, "", chance.uniform(47, 55), chance.uniform(6, 15))


def _questions(file: Path | None, repeat: int, made_up: int = MADE_UP, asked: int = ASKED) -> dict[str, list[str]]:
    chance = random.Random(2)
    rows = [row for row in _rows(file, repeat, made_up) if row.name]
    towns, codes = chance.choices(rows, k=asked), chance.choices(rows, k=asked)
    return {
        "a town": [row.name for row in towns],
        "its first letter": [row.name[:1] for row in towns],
        "its first 2 to 6 letters": [row.name[: chance.randint(2, 6)] for row in towns],
        "a town with one slip": [_slip(row.name, chance) for row in towns],
        "a postcode": [row.postcode for row in codes],
        "its first 1 to 4 signs": [row.postcode[: chance.randint(1, 4)] for row in codes],
        "a postcode and a town": [f"{row.postcode} {row.name}" for row in codes],
        "nothing anybody knows": ["".join(chance.choices(LETTERS, k=chance.randint(5, 14))) for _ in range(asked)],
    }


def _slip(name: str, chance: random.Random) -> str:
    place = chance.randrange(len(name))
    before, letter, after = name[:place], name[place], name[place + 1 :]
    other = chance.choice(LETTERS)
    return chance.choice(
        [
            before + after,
            before + other + letter + after,
            before + other + after,
            before + after[:1] + letter + after[1:],
        ]
    )


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _ms(took: list[float], share: float) -> str:
    return f"{statistics.quantiles(took, n=100)[round(share * 100) - 1] * 1000:.3f}"


def _anonymous_mb() -> float:
    """Of this process's own memory, as Linux counts it; 0 where nobody does."""
    status = Path("/proc/self/status")
    text = status.read_text(encoding="utf-8") if status.exists() else ""
    kilobytes = [int(line.split()[1]) for line in text.splitlines() if line.startswith("RssAnon:")]
    return kilobytes[0] / 1024 if kilobytes else 0.0


if __name__ == "__main__":
    raise SystemExit(main())
