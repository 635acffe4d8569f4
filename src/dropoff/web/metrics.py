"""Counters for Prometheus. Counted at the edges (handlers, workers), never inside a transaction that may run twice."""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

REGISTRY = CollectorRegistry()
HAND_INS = Counter("dropoff_hand_ins", "Hand-ins by verdict and reason", ["verdict", "reason"], registry=REGISTRY)
COUNTER_TIME = Histogram(
    "dropoff_counter_seconds",
    "From a till's first scan to the hand-in it became, of those that were accepted",
    registry=REGISTRY,
    buckets=(2, 4, 6, 10, 15, 20, 30, 45, 60, 120, 300),
)
JOBS = Counter("dropoff_jobs", "Jobs run, by kind and how they ended", ["kind", "outcome"], registry=REGISTRY)
PROBLEMS = Counter("dropoff_problems", "Problem documents answered, by code", ["code"], registry=REGISTRY)
PLACES = Gauge("dropoff_places", "Places that are full, or silent for two weeks", ["state"], registry=REGISTRY)
ERRORS = Counter("dropoff_errors", "Requests that ended in a fault of ours", registry=REGISTRY)
BOUNDS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Times:
    """How long answers of one kind took. Told by the event loop's thread alone, so that it needs no lock: every request
    passes here, and the library's own histogram took longer than many answers."""

    __slots__ = ("counts", "seconds")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_S) + 1)
        self.seconds = 0.0

    def observe(self, seconds: float) -> None:
        self.counts[bisect_left(BOUNDS_S, seconds)] += 1
        self.seconds += seconds


class _Requests(Collector):
    def __init__(self) -> None:
        self._times: dict[tuple[str, str], Times] = {}

    def of(self, route: str, status: str) -> Times:
        return self._times.setdefault((route, status), Times())

    def collect(self) -> Iterator[HistogramMetricFamily]:
        told = HistogramMetricFamily(
            "dropoff_request_seconds", "Time to answer, by route and status class", labels=["route", "status"]
        )
        names = [*map(str, BOUNDS_S), "+Inf"]
        for labels, times in list(self._times.items()):
            buckets = list(zip(names, map(float, accumulate(times.counts)), strict=True))
            told.add_metric(labels, buckets, times.seconds)
        yield told


REQUESTS = _Requests()
REGISTRY.register(REQUESTS)


def exposition() -> tuple[bytes, str]:
    return generate_latest(REGISTRY), CONTENT_TYPE_LATEST
