"""A source with rows of one's own, on a database: what the tests of syncs build on."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from dropoff.db import Database
from dropoff.kernel.errors import Problem
from dropoff.network import import_reports, syncing
from dropoff.network.import_store import Import
from dropoff.network.tables import location, location_stage
from dropoff.plugins import InstalledSource
from dropoff.ports.locations import LeftOut, Point
from dropoff.testing import ListedPoints

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def point(number: int, **changes: Any) -> Point:
    fields = {"id": f"x:{number}", "name": f"Kiosk {number}", "kind": "store", "country": "DE", "city": "Berlin"}
    return Point(**(fields | {"lat": 52.5, "lon": 13.4 + number / 1000} | changes))


def points(*numbers: int, **changes: Any) -> list[Point | LeftOut]:
    return [point(number, **changes) for number in numbers]


class Killed(BaseException):
    """What no handler catches, as a kill does."""


class Syncs:
    """A source with the name `acme` on a database."""

    def __init__(self, db: Database, rows: list[Point | LeftOut]) -> None:
        self.db = db
        self.source = ListedPoints(rows)
        self.installed = InstalledSource("acme", "listed", self.source, every_s=3600)
        self._number = 0

    def outcome(self, *, trial: bool = False, runner: str | None = None, **more: Any) -> Import | Problem:
        self._number += 1
        runner = runner or f"run_{self._number}/1"
        command = syncing.SyncCommand(at=NOW, runner=runner, trial=trial)
        return syncing.sync(self.db, self.installed, command, **more)

    def done(self, **more: Any) -> Import:
        outcome = self.outcome(**more)
        assert isinstance(outcome, Import), outcome
        return outcome

    def refused(self, **more: Any) -> Problem:
        outcome = self.outcome(**more)
        assert isinstance(outcome, Problem), outcome
        return outcome

    def view(self, found: Import) -> import_reports.ImportView:
        view = self.db.read_sync(import_reports.view, found.id)
        assert isinstance(view, import_reports.ImportView)
        return view

    def states(self) -> dict[str, str]:
        columns = (location.c.external_id, location.c.state)
        rows = self.db.read_sync(lambda tx: tx.read(sa.select(*columns).where(location.c.source == "acme")))
        return {row.external_id: row.state for row in rows}

    def active(self) -> set[str]:
        return {ident for ident, state in self.states().items() if state == "active"}

    def staged(self) -> int:
        row = self.db.read_sync(lambda tx: tx.first(sa.select(sa.func.count()).select_from(location_stage)))
        assert row is not None
        return int(row[0])


def counts(found: Import) -> tuple[int, int, int, int]:
    return found.created, found.updated, found.unchanged, found.removed


def ids(*numbers: int) -> set[str]:
    return {f"x:{number}" for number in numbers}
