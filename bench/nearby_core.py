"""The index without HTTP: how long a search takes in process, and whether its order is the geodesic's."""

import contextlib
import gc
import time
from pathlib import Path
from typing import Final

import numpy as np
from pyproj import Geod

from bench.nearby_world import ENDS, Network, ident
from dropoff.db import Database
from dropoff.kernel.clock import now
from dropoff.network import refreshing
from dropoff.network.nearby import Nearby, Search, Snapshot
from dropoff.network.nearby_geometry import ecef
from dropoff.network.nearby_hours import minute_of
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
    return [*notes, _exact(snapshot, made, 100 if quick else 1_000)]


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


def _exact(snapshot: Snapshot, made: Network, count: int) -> str:
    """A scan of all chords shortlists, the geodesic ranks the shortlist. Also at the pole and the antimeridian."""
    geod, points = Geod(ellps="WGS84"), ecef(made.lat, made.lon)
    asked = [*made.near(count - 20, 11), *(end for end in ENDS for _ in range(5))]
    asked += [(89.9 + number / 100, 179.0 - number) for number in range(5)]
    asked += [(-16.8 + number / 100, (-1) ** number * 179.999) for number in range(5)]
    for lat, lon in asked:
        apart = points - ecef(np.array([lat]), np.array([lon]))
        chords = np.einsum("ij,ij->i", apart, apart)
        near = np.argpartition(chords, SHORTLIST)[:SHORTLIST] if len(made) > SHORTLIST else np.arange(len(made))
        _, _, metres = geod.inv(np.full(len(near), lon), np.full(len(near), lat), made.lon[near], made.lat[near])
        ranked = sorted(zip(np.round(metres, 6).tolist(), map(ident, near.tolist()), strict=True))[:LIMIT]
        hits = snapshot.nearest(Search(lat, lon, LIMIT))
        if [hit.place.id for hit in hits] != [place for _, place in ranked]:
            raise RuntimeError(f"the order around {lat}, {lon} is not the geodesic's")
        off = max(abs(hit.distance_m - far) for hit, (far, _) in zip(hits, ranked, strict=True))
        if off > 0.001:
            raise RuntimeError(f"a distance from {lat}, {lon} is {off} m off")
    return f"  {len(asked):,} searches answer in the order of the geodesic, every distance within a millimetre of it"
