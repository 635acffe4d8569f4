"""One history of migrations for both databases, and the tables of the code are what it makes."""

import importlib
import pkgutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory

import dropoff
from dropoff.access.tables import session
from dropoff.cases.tables import case
from dropoff.db import Database, migrate, schema
from dropoff.db.engines import migration_engine
from dropoff.kernel.clock import now
from dropoff.network import store as location_store
from dropoff.network.facts import UNTOLD
from dropoff.network.tables import location


def _import_all_tables() -> None:
    for room in pkgutil.iter_modules(dropoff.__path__):
        if room.ispkg and (Path(dropoff.__path__[0]) / room.name / "tables.py").exists():
            importlib.import_module(f"dropoff.{room.name}.tables")


def test_the_tables_of_the_code_are_what_the_migrations_make(database_url: str) -> None:
    _import_all_tables()
    engine = migration_engine(database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, schema.metadata)
    engine.dispose()
    assert differences == []


def test_the_checks_of_the_code_stand_in_the_database(database_url: str) -> None:
    """Autogenerate does not compare CHECK constraints, and closed lists are kept by them."""
    _import_all_tables()
    engine = migration_engine(database_url)
    with engine.connect() as connection:
        inspector = sa.inspect(connection)
        for table in schema.metadata.tables.values():
            wanted = {str(c.name) for c in table.constraints if isinstance(c, sa.CheckConstraint)}
            found = {str(c["name"]) for c in inspector.get_check_constraints(table.name)}
            assert wanted == found, table.name
    engine.dispose()


def test_the_history_is_one_line() -> None:
    script = ScriptDirectory.from_config(migrate.config())
    assert len(script.get_heads()) == 1
    assert len(script.get_bases()) == 1
    assert script.get_current_head() == migrate.newest(), "the last file by name is the last of the line"


def test_a_database_that_is_up_to_date_needs_no_migration_tool(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "alembic", None)  # its import takes longer than the rest of a small command
    migrate.upgrade(database_url)


def test_upgrading_twice_changes_nothing(database_url: str) -> None:
    with closing(Database(database_url)) as db:
        before = db.read_sync(lambda tx: tx.read(sa.text("SELECT version_num FROM alembic_version")))
        migrate.upgrade(database_url)
        assert db.read_sync(lambda tx: tx.read(sa.text("SELECT version_num FROM alembic_version"))) == before
    engine = migration_engine(database_url)
    with engine.connect() as connection:
        assert not migrate.pending(connection)
    engine.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without any table."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/empty.sqlite3"
    url: str = request.getfixturevalue("postgres_database_url")
    engine = migration_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
    engine.dispose()
    return url


def test_an_empty_database_is_seen_as_pending(empty_url: str) -> None:
    engine = migration_engine(empty_url)
    with engine.connect() as connection:
        assert migrate.pending(connection)
    engine.dispose()


def test_servers_that_start_together_migrate_once(empty_url: str) -> None:
    code = "import sys; from dropoff.db import migrate; migrate.upgrade(sys.argv[1])"
    processes = [
        subprocess.Popen([sys.executable, "-W", "error", "-c", code, empty_url], stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    complaints = [process.communicate(timeout=90)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * 3, complaints
    with closing(Database(empty_url)) as db:
        db.read_sync(lambda tx: tx.read(sa.text("SELECT count(*) FROM event")))
        versions = db.read_sync(lambda tx: tx.read(sa.text("SELECT version_num FROM alembic_version")))
    assert len(versions) == 1


def test_a_migration_that_fails_leaves_nothing_behind(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that dies half-way, too: the next start begins anew."""
    calls: list[str] = []
    create = Operations.create_table

    def create_some(self: Operations, name: str, *args: object, **kwargs: object) -> object:
        calls.append(name)
        if len(calls) == 10:
            raise RuntimeError("the power went")
        return create(self, name, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(Operations, "create_table", create_some)
    with pytest.raises(RuntimeError, match="power"):
        migrate.upgrade(empty_url)
    monkeypatch.undo()
    engine = migration_engine(empty_url)
    with engine.connect() as connection:
        left = set(sa.inspect(connection).get_table_names()) - {"alembic_version"}
    engine.dispose()
    assert left == set()
    migrate.upgrade(empty_url)
    with closing(Database(empty_url)) as db:
        db.read_sync(lambda tx: tx.read(sa.text("SELECT count(*) FROM event")))


FILLED = {
    "0001": [
        "INSERT INTO location (id, source, external_id, name, kind, operator, street, postcode, city, country, phone,"
        " url, lat, lon, zone, opening_hours, hours_known, accepts, live, state, content_hash, place_key, postcode_key,"
        " revision, created_at, updated_at) VALUES ('loc_1', 's', 'x', 'Kiosk', 'store', '', '', '', '', 'DK', '', '',"
        " 55.6, 12.5, 'Europe/Copenhagen', '24/7', true, '[]', true, 'paused', 'h', '', '', 1,"
        " '2026-11-01T00:00:00.000Z', '2026-11-01T00:00:00.000Z')",
        "INSERT INTO event (xid, id, type, location_id, live, actor, at, objects, data)"
        " VALUES (0, 'evt_1', 'device.added', 'loc_1', true, 'system', '2026-11-01T00:00:00.000Z', '{}', '{}')",
        "INSERT INTO \"case\" (id, kind, owner, subject, objects, detail, live, opened_at, due_at) VALUES ('cas_1',"
        " 'lost', 'operator', 'pcl_1', '{}', '', true, '2026-11-01T00:00:00.000Z', '2026-11-08T00:00:00.000Z')",
    ],
    "0009": [
        "INSERT INTO lane (id, destination_hub_id, carrier, service, days, cutoff, created_at)"
        " VALUES ('lan_1', 'loc_1', 'courier', 'standard', 'Mo-Su', '17:00', '2026-11-01T00:00:00.000Z')",
        "INSERT INTO container (id, sscc, kind, status, location_id, origin_location_id, live, next_kind, next_id,"
        " weight_g, parcel_count, opened_at) VALUES ('ctr_1', '095213210000000014', 'bag', 'open', 'loc_1', 'loc_1',"
        " true, 'hub', 'loc_1', 620, 1, '2026-11-01T00:00:00.000Z')",
    ],
    "0013": [
        "INSERT INTO device (id, location_id, name, live, pairing_hash, created_at, pairing_expires_at) VALUES"
        " ('dev_1', 'loc_1', 'Lockers', true, 'h', '2026-11-01T00:00:00.000Z', '2026-11-01T01:00:00.000Z')",
        "INSERT INTO locker_bank (id, location_id, device_id, adapter, bank, settings, connected_at, connected_by,"
        " compartments) VALUES ('lkb_1', 'loc_1', 'dev_1', 'http', 'b', '', '2026-11-01T00:00:00.000Z', 'x', '[]')",
    ],
    "0018": [
        "INSERT INTO clerk (id, location_id, name, initials, created_at) VALUES ('clk_1', 'loc_1', 'Anna', 'AN',"
        " '2026-11-01T00:00:00.000Z')",
        "INSERT INTO shift (id, location_id, device_id, clerk_id, began_at, seen_at) VALUES ('shf_1', 'loc_1', 'dev_1',"
        " 'clk_1', '2026-11-01T00:00:00.000Z', '2026-11-01T00:00:00.000Z')",
        "INSERT INTO counter_rule (location_id, lock_after_min) VALUES ('loc_1', 5)",
    ],
    "0015": [
        "INSERT INTO parcel_rate (id, location_id, amount, currency, valid_from, set_at, set_by) VALUES ('rat_1',"
        " 'loc_1', 25, 'EUR', '2026-11-01', '2026-11-01T00:00:00.000Z', 'operator:x')",
        "INSERT INTO earning_statement (location_id, month, content, made_at) VALUES ('loc_1', '2026-10-01', '{}',"
        " '2026-11-01T00:00:00.000Z')",
    ],
}
"""By revision: rows that its users have by then."""
EARNINGS = ("parcel_rate", "earning_statement")


def test_an_upgrade_keeps_every_row(empty_url: str) -> None:
    migrate.upgrade(empty_url, "0001")
    revisions = [one.revision for one in ScriptDirectory.from_config(migrate.config()).walk_revisions()][::-1]
    engine = migration_engine(empty_url)
    for revision in revisions:
        migrate.upgrade(empty_url, revision)
        with engine.begin() as connection:
            for statement in FILLED.get(revision, ()):
                connection.execute(sa.text(statement))
    _import_all_tables()
    with engine.connect() as connection:
        counted = {
            name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for name, table in schema.metadata.tables.items()
        }
        kept = connection.execute(sa.text("SELECT id, state, paused_by, words FROM location")).one()
    engine.dispose()
    assert {name: count for name, count in counted.items() if count} == (
        dict.fromkeys(
            (
                "location",
                "event",
                "case",
                "lane",
                "container",
                "device",
                "locker_bank",
                "clerk",
                "shift",
                "counter_rule",
                *EARNINGS,
            ),
            1,
        )
        | {"location_word": 2}
    )
    assert tuple(kept) == ("loc_1", "paused", None, " kiosk x"), "found by its words"
    with closing(Database(empty_url)) as db:
        place = db.read_sync(location_store.find_location, "loc_1")
        with pytest.raises(sa.exc.IntegrityError, match="max_weight"):
            db.write_sync(lambda tx: tx.change(sa.update(location).values(max_weight_g=0)))
        for wrong in ({"kind": "nonsense"}, {"owner": "nobody"}, {"outcome": "unheard of"}):
            with pytest.raises(sa.exc.IntegrityError, match=f"ck_case_{next(iter(wrong))}"):
                db.write_sync(lambda tx, wrong=wrong: tx.change(sa.update(case).values(wrong)))
        db.write_sync(lambda tx: tx.change(sa.update(case).values(kind="locker_problem")))
    assert place is not None
    assert (place.facts, place.photo_url, place.access_note) == (UNTOLD, "", ""), "what was never said is unknown"


def test_foreign_keys_are_kept_after_migrating(database_url: str) -> None:
    """They are off on SQLite's migration connection, and only there."""
    broken = {"hash": "x", "credential_id": "nobody", "created_at": now(), "expires_at": now()}
    with closing(Database(database_url)) as db, pytest.raises(sa.exc.IntegrityError):
        db.write_sync(lambda tx: tx.append(session, broken))
