"""The index without HTTP: how long a search takes in process, and whether its order is the geodesic's."""

import contextlib
import gc
import time
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from pyproj import Geod

from bench.nearby_world import ENDS, KINDS, OPERATORS, Network, ident, pattern, row
from dropoff.db import Database
from dropoff.kernel.clock import now
from dropoff.network import refreshing
from dropoff.network.nearby import Nearby, Search, Snapshot
from dropoff.network.nearby_geometry import ecef
from dropoff.network.nearby_hours import minute_of
from dropoff.network.nearby_place import Place
from dropoff.network.search_query import SearchQuery, filters_of

WANTED: Final = {
    "no filter": {},
    "within 2 km": {"radius_m": 2000.0},
    "kind": {"kind": "locker"},
    "open at": {"open_at": "2026-11-23T17:30:00Z"},
    "four filters": {
        "kind": "locker",
        "accepts": "box_free",
        "operator": "swift",
        "open_at": "2026-11-23T17:30:00Z",
    },
    "an operator": {"operator": "Operator 7"},
    "rare": {"operator": "Operator 7", "kind": "post_office"},
    "rarer": {
        "operator": "Operator 7",
        "kind": "post_office",
        "accepts": "box_free",
        "open_at": "2026-11-22T23:00:00Z",
    },
}
LIMIT: Final = 10
SHORTLIST: Final = 200


def measure(url: str, made: Network, folder: Path, *, quick: bool) -> list[str]:
    nearby = Nearby(folder)
    with contextlib.closing(Database(url, listen=False)) as db:
        began, cpu = time.monotonic(), time.process_time()
        refreshing.refresh(db, nearby)
        took = f"{time.monotonic() - began:.1f} s, {time.process_time() - cpu:.1f} s CPU"
    snapshot = nearby.snapshot
    assert len(snapshot) == len(made)
    gc.collect()
    notes = [f"in process, {len(made):,} places, read and arranged in {took}:"]
    notes += [_search(snapshot, made, name, query, 200 if quick else 3_000) for name, query in WANTED.items()]
    return [*notes, *_exact(snapshot, made, 100 if quick else 1_000)]


def _search(snapshot: Snapshot, made: Network, name: str, query: dict[str, object], count: int) -> str:
    filters = filters_of(SearchQuery(limit=LIMIT, **query))  # type: ignore[arg-type]
    questions = [filters.question(here, minute_of(now()), patient=True) for here in made.near(count, 7)]
    began = time.perf_counter()
    snapshot.ask(questions[0])
    first = (time.perf_counter() - began) * 1e3
    for question in questions[:200]:
        snapshot.ask(question)
    times = []
    for question in questions:
        began = time.perf_counter()
        snapshot.ask(question)
        times.append(time.perf_counter() - began)
    times.sort()
    p50, p99 = times[count // 2] * 1e6, times[count * 99 // 100] * 1e6
    share = snapshot.base.select(filters.wanted, filters.open_at).size / len(made)
    return f"  {name}: {share:.3%} pass, p50 {p50:.0f} µs, p99 {p99:.0f} µs, the first {first:.1f} ms"


def _exact(snapshot: Snapshot, made: Network, count: int) -> list[str]:
    """Also at the pole and the antimeridian, with changes over the base, and where few places pass. Raises at the
    first answer that is not the geodesic's."""
    asked = [*made.near(count - 20, 11), *(end for end in ENDS for _ in range(5))]
    asked += [(89.9 + number / 100, 179.0 - number) for number in range(5)]
    asked += [(-16.8 + number / 100, (-1) ** number * 179.999) for number in range(5)]
    alone = _Oracle(made.lat, made.lon, np.ones(len(made), np.bool_))
    told = [alone.compare(snapshot, asked, {})]
    changed, oracle = _changed(snapshot, made)
    for name, wanted, passing in (
        ("with changes over the base", {}, None),
        ("of one kind", {"kinds": frozenset(("post_office",))}, made.kind == KINDS.index("post_office")),
        (
            "of a rare kind",
            {
                "kinds": frozenset(("locker",)),
                "operators": frozenset(("operator 7",)),
                "accepts": frozenset(("box_free",)),
            },
            (made.kind == 0) & (made.operator == OPERATORS.index("Operator 7")) & made.box_free,
        ),
    ):
        told.append(f"{oracle.compare(changed, asked[:: 1 if passing is None else 4], wanted, passing)}, {name}")
    return told


def _changed(snapshot: Snapshot, made: Network) -> tuple[Snapshot, "_Oracle"]:
    """One in two hundred moved by some kilometres, as many not shown any more."""
    chance = np.random.default_rng(23)
    rows = chance.permutation(len(made))[: len(made) // 100 or 2]
    moved, gone = rows[::2], rows[1::2]
    lat, lon, alive = made.lat.copy(), made.lon.copy(), np.ones(len(made), np.bool_)
    lat[moved] = np.clip(np.round(lat[moved] + chance.normal(0, 0.03, len(moved)), 6), -90, 90)
    alive[gone] = False
    columns = [getattr(made, name) for name in made.__struct_fields__]
    changes = []
    for number in rows.tolist():
        values = tuple(column[number].item() for column in columns)
        fields = row(number, values, pattern(values[5])) | {"lat": float(lat[number]), "hours_known": True}
        fields["accepts"] = tuple(msgspec.json.decode(fields["accepts"]))
        place = Place(**{name: fields[name] for name in Place.__struct_fields__ if name in fields})
        changes.append((place, bool(alive[number])))
    return snapshot.changed(snapshot.revision + 1, changes), _Oracle(lat, lon, alive)


class _Oracle:
    """A scan of all chords shortlists, the geodesic ranks the shortlist."""

    def __init__(self, lat: Any, lon: Any, alive: Any) -> None:
        self.lat, self.lon, self.alive = lat, lon, alive

    def compare(
        self, snapshot: Snapshot, asked: list[tuple[float, float]], wanted: dict[str, Any], passing: Any = None
    ) -> str:
        geod = Geod(ellps="WGS84")
        numbers = np.flatnonzero(self.alive if passing is None else self.alive & passing)
        lats, lons = self.lat[numbers], self.lon[numbers]
        points = ecef(lats, lons)
        for lat, lon in asked:
            apart = points - ecef(np.array([lat]), np.array([lon]))
            chords = np.einsum("ij,ij->i", apart, apart)
            many = len(numbers) > SHORTLIST
            near = np.argpartition(chords, SHORTLIST)[:SHORTLIST] if many else np.arange(len(numbers))
            _, _, metres = geod.inv(np.full(len(near), lon), np.full(len(near), lat), lons[near], lats[near])
            named = map(ident, numbers[near].tolist())
            ranked = sorted(zip(np.round(metres, 6).tolist(), named, strict=True))[:LIMIT]
            hits = snapshot.nearest(Search(lat, lon, LIMIT, **wanted))
            if [hit.place.id for hit in hits] != [place for _, place in ranked]:
                raise RuntimeError(f"the order around {lat}, {lon} is not the geodesic's")
            off = max((abs(hit.distance_m - far) for hit, (far, _) in zip(hits, ranked, strict=True)), default=0.0)
            if off > 0.001:
                raise RuntimeError(f"a distance from {lat}, {lon} is {off} m off")
        return (
            f"  {len(asked):,} searches answer in the order of the geodesic, every distance within a millimetre of it"
        )
