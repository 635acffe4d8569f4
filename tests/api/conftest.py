"""One server for each kind of database and test process: tests keep apart by their own retailers and places."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import databases
from tests.service import Service, running


@pytest.fixture(scope="session", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder: Path = tmp_path_factory.mktemp("service")
    if request.param == "sqlite":
        path = folder / "dropoff.sqlite3"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        with running(f"sqlite:///{path}", folder) as started:
            yield started
        return
    urls = databases.fresh(request.getfixturevalue("postgres_url"), request.getfixturevalue("postgres_template"))
    for url in urls:
        with running(url, folder) as started:
            yield started
