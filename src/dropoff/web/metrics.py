"""Counters for Prometheus. Counted at the edges (handlers, workers), never inside a transaction that may run twice."""

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

REGISTRY = CollectorRegistry()
HAND_INS = Counter("dropoff_hand_ins", "Hand-ins by verdict and reason", ["verdict", "reason"], registry=REGISTRY)
JOBS = Counter("dropoff_jobs", "Jobs run, by kind and how they ended", ["kind", "outcome"], registry=REGISTRY)
PROBLEMS = Counter("dropoff_problems", "Problem documents answered, by code", ["code"], registry=REGISTRY)
ERRORS = Counter("dropoff_errors", "Requests that ended in a fault of ours", registry=REGISTRY)
REQUESTS = Histogram(
    "dropoff_request_seconds",
    "Time to answer, by route and status class",
    ["route", "status"],
    registry=REGISTRY,
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)


def exposition() -> tuple[bytes, str]:
    return generate_latest(REGISTRY), CONTENT_TYPE_LATEST
