"""What several unit tests look things up in: the real gazetteer, made once."""

import csv
import gzip
from pathlib import Path

import pytest

from dropoff.network.gazetteer import Gazetteer
from dropoff.network.gazetteer_building import Row


@pytest.fixture(scope="session")
def real(shared_data: Path) -> Gazetteer:
    """GeoNames' codes of eleven countries."""
    path = shared_data / "data" / "gazetteer_postal_small.csv.gz"
    if not path.exists():
        pytest.skip(f"needs {path}")
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = [Row(*cells[:4], *map(float, cells[4:])) for cells in list(csv.reader(file))[1:]]
    return Gazetteer.of(rows)
