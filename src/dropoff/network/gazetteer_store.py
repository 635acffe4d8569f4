"""SQL of the gazetteer, and of the rate that is shared for asking a geocoding service.

An import writes rows of its own; it comes into force by naming it in `gazetteer_country`. Rows that are named by no
country are cleared away in small steps.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from dropoff.db import Tx
from dropoff.db.schema import insert
from dropoff.network.gazetteer_building import Row
from dropoff.network.store import SHOWN_STATE
from dropoff.network.tables import (
    gazetteer_code,
    gazetteer_country,
    gazetteer_import,
    gazetteer_revision,
    geocoder_turn,
    location,
)

PAGE = 5_000
_ROW = [gazetteer_code.c[name] for name in ("country", "postcode", "place", "region", "lat", "lon")]


class Shelf(msgspec.Struct, frozen=True):
    """Rows of an import that may stand there for nobody."""

    import_id: str
    stored: int
    countries: tuple[str, ...]
    """In force."""


def begin(tx: Tx, import_id: str, file: str, attribution: str, at: datetime) -> None:
    row = {"id": import_id, "file": file, "attribution": attribution, "state": "staging", "stored": 0, "created_at": at}
    tx.append(gazetteer_import, row)


def add(tx: Tx, import_id: str, first: int, rows: list[Row]) -> None:
    values = [
        {
            "import_id": import_id,
            "seq": first + number,
            "country": row.country,
            "postcode": row.postcode,
            "place": row.name,
            "region": row.region,
            "lat": row.lat,
            "lon": row.lon,
        }
        for number, row in enumerate(rows)
    ]
    tx.append_many(gazetteer_code, values)
    stored = sa.update(gazetteer_import).values(stored=first + len(rows))
    tx.change(stored.where(gazetteer_import.c.id == import_id, gazetteer_import.c.state == "staging"))


def lock(tx: Tx) -> int:
    """The revision in force, held until the end of the transaction."""
    tx.change(insert(gazetteer_revision).values(id=1, revision=0).on_conflict_do_nothing())
    row = tx.first(sa.select(gazetteer_revision.c.revision).with_for_update())
    assert row is not None, "the row was just made sure of"
    return int(row.revision)


def set_revision(tx: Tx, revision: int) -> None:
    tx.change(sa.update(gazetteer_revision).values(revision=revision))


def revision(tx: Tx) -> int:
    """0 before anything was brought in."""
    row = tx.first(sa.select(gazetteer_revision.c.revision))
    return int(row.revision) if row else 0


def is_staging(tx: Tx, import_id: str) -> bool:
    query = sa.select(gazetteer_import.c.id)
    return tx.first(query.where(gazetteer_import.c.id == import_id, gazetteer_import.c.state == "staging")) is not None


def codes_in_force(tx: Tx) -> dict[str, int]:
    """By country."""
    query = sa.select(gazetteer_country.c.country, gazetteer_country.c.codes)
    return {row.country: row.codes for row in tx.read(query)}


def put_in_force(tx: Tx, import_id: str, codes: dict[str, int], *, only: bool) -> None:
    """`only`: no other country stays."""
    if only:
        tx.change(sa.delete(gazetteer_country).where(gazetteer_country.c.country.not_in(codes)))
    rows = [{"country": country, "import_id": import_id, "codes": count} for country, count in sorted(codes.items())]
    upsert = insert(gazetteer_country).values(rows)
    fresh = {"import_id": upsert.excluded.import_id, "codes": upsert.excluded.codes}
    tx.change(upsert.on_conflict_do_update(index_elements=["country"], set_=fresh))


def finish(tx: Tx, import_id: str, state: str, report: Any, at: datetime) -> None:
    tx.change(
        sa.update(gazetteer_import)
        .where(gazetteer_import.c.id == import_id, gazetteer_import.c.state == "staging")
        .values(state=state, report=report, ended_at=at)
    )


def abandoned(tx: Tx, before: datetime) -> list[str]:
    """Imports whose process died."""
    query = sa.select(gazetteer_import.c.id).where(gazetteer_import.c.state == "staging")
    return [row.id for row in tx.read(query.where(gazetteer_import.c.created_at < before))]


def shelves(tx: Tx) -> list[Shelf]:
    """Ended imports that hold more rows than are in force."""
    shelf, country = gazetteer_import.c, gazetteer_country.c
    query = (
        sa.select(shelf.id, shelf.stored, country.country, country.codes)
        .outerjoin(gazetteer_country, gazetteer_country.c.import_id == gazetteer_import.c.id)
        .where(gazetteer_import.c.state != "staging", gazetteer_import.c.stored > 0)
    )
    found: dict[str, tuple[int, dict[str, int]]] = {}
    for row in tx.read(query):
        _, countries = found.setdefault(row.id, (row.stored, {}))
        if row.country is not None:
            countries[row.country] = row.codes
    return [
        Shelf(import_id, stored, tuple(sorted(countries)))
        for import_id, (stored, countries) in found.items()
        if stored > sum(countries.values())
    ]


def clear(tx: Tx, shelf: Shelf, first: int) -> None:
    """A page of what is out of force. Asks once more what is: it may have changed since the shelf was looked at."""
    in_force = sa.exists().where(
        gazetteer_country.c.import_id == gazetteer_code.c.import_id,
        gazetteer_country.c.country == gazetteer_code.c.country,
    )
    page = (gazetteer_code.c.seq >= first, gazetteer_code.c.seq < first + PAGE)
    tx.change(sa.delete(gazetteer_code).where(gazetteer_code.c.import_id == shelf.import_id, *page, ~in_force))


def cleared(tx: Tx, shelf: Shelf) -> None:
    """Only what is in force is left."""
    codes = sa.select(sa.func.coalesce(sa.func.sum(gazetteer_country.c.codes), 0))
    left = codes.where(gazetteer_country.c.import_id == shelf.import_id).scalar_subquery()
    tx.change(sa.update(gazetteer_import).where(gazetteer_import.c.id == shelf.import_id).values(stored=left))


def attributions(tx: Tx) -> list[str]:
    """Of all imports in force, each once."""
    query = sa.select(gazetteer_import.c.attribution).where(
        gazetteer_import.c.id.in_(sa.select(gazetteer_country.c.import_id))
    )
    return sorted({row.attribution for row in tx.read(query) if row.attribution})


def rows_in_force(tx: Tx) -> Iterator[Row]:
    """In the order of their files, page by page."""
    by_import: dict[str, set[str]] = {}
    for row in tx.read(sa.select(gazetteer_country.c.import_id, gazetteer_country.c.country)):
        by_import.setdefault(row.import_id, set()).add(row.country)
    for import_id, countries in sorted(by_import.items()):
        after = -1
        query = sa.select(gazetteer_code.c.seq, *_ROW).where(gazetteer_code.c.import_id == import_id)
        while page := tx.read(query.where(gazetteer_code.c.seq > after).order_by(gazetteer_code.c.seq).limit(PAGE)):
            yield from (_row(row) for row in page if row.country in countries)
            after = page[-1].seq


def _row(row: Any) -> Row:
    _, *values = row
    return Row(*values)


def _network_row(row: Any) -> Row:
    country, postcode, city, lat, lon, count = row
    return Row(country, postcode, city, "", lat, lon, count)


def rows_of_the_network(tx: Tx) -> list[Row]:
    """The postcodes and cities of the public places. Each counts for a tenth of a degree, so that places of one name
    that lie apart stay apart."""
    # The ten stands in the text: PostgreSQL takes two parameters of one value for two different groupings.
    cell = [sa.func.round(column * sa.literal_column("10")) for column in (location.c.lat, location.c.lon)]
    parts = [location.c.country, location.c.postcode, location.c.city]
    middle = [sa.func.avg(location.c.lat), sa.func.avg(location.c.lon)]
    query = (
        sa.select(*parts, *middle, sa.func.count())
        .where(location.c.live.is_(True), location.c.state == SHOWN_STATE, location.c.kind != "hub")
        .where(sa.or_(location.c.postcode != "", location.c.city != ""))
        .group_by(*parts, *cell)
        .order_by(*parts, *cell)
    )
    return [_network_row(row) for row in tx.read(query)]


def take_turn(tx: Tx, service: str, at: datetime, interval: timedelta, patience: timedelta) -> datetime | None:
    """When the service may be asked, the place in the queue being taken; None when that would be too late."""
    first = {"service": service, "next_at": at}
    tx.change(insert(geocoder_turn).values(first).on_conflict_do_nothing())
    row = tx.first(sa.select(geocoder_turn.c.next_at).where(geocoder_turn.c.service == service).with_for_update())
    assert row is not None, "the row was just made sure of"
    # A clock that ran ahead must not close the queue for long: nobody waits for more than his patience anyway.
    turn: datetime = max(row.next_at, at) if row.next_at - at < patience + 10 * interval else at
    if turn - at > patience:
        return None
    tx.change(sa.update(geocoder_turn).where(geocoder_turn.c.service == service).values(next_at=turn + interval))
    return turn
