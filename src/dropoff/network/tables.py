from typing import Any

import sqlalchemy as sa

from dropoff.db.schema import Json, at, id_column, live_column, metadata, one_of, ref, text

LOCATION_KINDS = ("store", "locker", "post_office", "hub")
NOT_OF_SOURCE = (
    "id",
    "source",
    "external_id",
    "state",
    "revision",
    "pause_reason",
    "paused_until",
    "paused_by",
    "created_at",
    "updated_at",
)
"""Columns of a place that no import fills in."""
_ENDS = sa.text("paused_until IS NOT NULL")

location = sa.Table(
    "location",
    metadata,
    id_column(),
    text("source", 60),
    text("external_id", 200),
    text("name", 200),
    text("kind", 15),
    text("operator", 200),
    text("street", 200),
    text("postcode", 200),
    text("city", 200),
    text("country", 2),
    text("phone", 200),
    text("url", 200),
    sa.Column("lat", sa.Float(53), nullable=False),
    sa.Column("lon", sa.Float(53), nullable=False),
    text("zone", 60),
    sa.Column("opening_hours", sa.Text, nullable=False),  # as given; `hours_known` says whether it can be evaluated
    sa.Column("hours_known", sa.Boolean, nullable=False),
    sa.Column("accepts", Json, nullable=False),
    text("photo_url", 500, server_default=""),
    text("access_note", 200, server_default=""),
    # Facts of `facts.Facts`: null is "nobody said", which is not "no".
    sa.Column("carriers", Json),
    sa.Column("step_free", sa.Boolean),
    sa.Column("has_printer", sa.Boolean),
    sa.Column("max_weight_g", sa.BigInteger),
    sa.Column("max_size_mm", Json),
    sa.Column("refuses", Json),
    live_column(),
    text("state", 10),
    text("content_hash", 64),  # of what the source said, to tell `unchanged` from `updated`
    text("place_key", 200),  # folded city
    text("postcode_key", 40),  # folded postcode
    text("words", 1_000, server_default=""),  # all that stand in `location_word`, a blank before each
    sa.Column("revision", sa.BigInteger, nullable=False, index=True),
    # Of a pause in force, or one that the place comes back with after its source had lost it for a while.
    sa.Column("pause_reason", sa.String(200)),
    at("paused_until", nullable=True),  # null: until somebody resumes
    sa.Column("paused_by", sa.String(60)),
    at("created_at"),
    at("updated_at"),
    one_of("kind", LOCATION_KINDS),
    one_of("state", ("active", "paused", "closed", "removed")),
    sa.UniqueConstraint("source", "external_id"),  # the same place of a source is one row, however often it is imported
    sa.CheckConstraint("lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180", name="position"),
    sa.CheckConstraint("max_weight_g > 0", name="max_weight"),  # a limit of nothing would hide the place from everyone
    # Pauses that end by themselves are looked for every minute, among a million places.
    sa.Index("ix_location_paused_until", "paused_until", sqlite_where=_ENDS, postgresql_where=_ENDS),
)

# By which operators find a place. Compared byte by byte, so that what begins alike stands together.
location_word = sa.Table(
    "location_word",
    metadata,
    sa.Column("word", sa.String(40).with_variant(sa.String(40, collation="C"), "postgresql"), primary_key=True),
    sa.Column("location_id", sa.String(30), primary_key=True),  # rows of `location` stay for ever: no foreign key
    sqlite_with_rowid=False,
)

# Days on which a place keeps other hours than it usually does. Of several for one day the latest entered holds.
location_closure = sa.Table(
    "location_closure",
    metadata,
    id_column(),
    ref("location_id", "location.id", index=True),
    sa.Column("first_day", sa.Date, nullable=False),  # by the clock of the place, like all of its hours
    sa.Column("last_day", sa.Date, nullable=False),
    text("hours", 60),  # `off`, or OSM time spans such as `10:00-14:00,16:00-18:00`
    text("reason", 200),
    at("created_at"),
    text("created_by", 60),
    at("removed_at", nullable=True),
    sa.CheckConstraint("first_day <= last_day", name="days"),  # no closure that is over before it begins
)

# A field that an operator set by hand. The place itself holds the value; here stands what its source says instead,
# which comes back when the field is given back, and which syncs keep up to date.
location_override = sa.Table(
    "location_override",
    metadata,
    sa.Column("location_id", sa.String(30), sa.ForeignKey("location.id"), primary_key=True),
    sa.Column("field", sa.String(30), primary_key=True),  # one owner of a field: the source, or the operator
    sa.Column("source_value", Json),
    at("made_at"),
    text("made_by", 60),
)

network_revision = sa.Table(
    "network_revision",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.CheckConstraint("id = 1", name="single"),
)

PRINTER_STATES = ("ready", "empty", "broken", "none")

# What is known of a place from what happens there. Apart from `location`, so that a hand-in never moves the network's
# revision. Every fact has its own moment; a null fact is unknown.
location_load = sa.Table(
    "location_load",
    metadata,
    ref("location_id", "location.id", primary_key=True),
    sa.Column("waiting", sa.Integer, nullable=False),  # parcels that lie there, of the place's own mode
    at("waiting_at"),
    sa.Column("capacity", sa.Integer),  # how many parcels it can hold
    at("capacity_at", nullable=True),
    at("hand_in_at", nullable=True),  # the last that stands
    at("driver_at", nullable=True),
    sa.Column("tags", sa.Integer),
    at("tags_at", nullable=True),
    sa.Column("printer", sa.String(10)),
    at("printer_at", nullable=True),
    at("touched_at", index=True),  # by the database's clock: every process reads what was touched lately
    sa.CheckConstraint("waiting >= 0 AND capacity >= 0 AND tags >= 0", name="counts"),  # no parcel leaves twice
    one_of("printer", PRINTER_STATES),
)

IMPORT_KINDS = ("file", "sync", "trial")
IMPORT_STATES = ("staging", "held", "applying", "done", "failed")
_SYNC_RUNS = sa.text("kind <> 'file' AND state IN ('staging', 'applying')")

# A source of places, from its first import on.
location_source = sa.Table(
    "location_source",
    metadata,
    sa.Column("name", sa.String(60), primary_key=True),
    sa.Column("host", sa.String(200)),  # where the places came from last; null for files brought by an operator
    at("tried_at", nullable=True),  # the start of its last sync, for the schedule
    at("synced_at", nullable=True),  # the last that came into force whole
    # The import that compares itself with the network or comes into force. One at a time, or what was compared would
    # not hold any more; by the database's clock, so that the claim of a dead process ends.
    sa.Column("claimed_by", sa.String(30)),
    at("claimed_until", nullable=True),
)

location_import = sa.Table(
    "location_import",
    metadata,
    id_column(),
    text("source", 60, index=True),
    text("kind", 10),
    text("state", 10),
    sa.Column("replaces", sa.Boolean, nullable=False),  # what it does not hold goes
    sa.Column("released", sa.Boolean, nullable=False),  # an operator let it past the brake
    sa.Column("host", sa.String(200)),
    sa.Column("cursor", sa.Text),  # where the source is read on after a break
    sa.Column("runner", sa.String(80)),  # who reads it; another takes over when it is silent
    sa.Column("rows_read", sa.BigInteger, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("updated", sa.BigInteger, nullable=False),
    sa.Column("unchanged", sa.BigInteger, nullable=False),
    sa.Column("removed", sa.BigInteger, nullable=False),
    sa.Column("detail", sa.String(500), nullable=False),
    text("actor", 60),
    at("created_at"),
    at("touched_at"),  # the last sign of life, by the database's clock
    at("ended_at", nullable=True),
    one_of("kind", IMPORT_KINDS),
    one_of("state", IMPORT_STATES),
    # One sync of a source at a time: two would read the same pages and hold each other up.
    sa.Index("uq_location_import_sync", "source", unique=True, sqlite_where=_SYNC_RUNS, postgresql_where=_SYNC_RUNS),
)

# What an import tells of single rows: refused, repaired, and on a trial what would change.
location_import_row = sa.Table(
    "location_import_row",
    metadata,
    sa.Column("import_id", sa.String(30), sa.ForeignKey("location_import.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("row_index", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("outcome", sa.String(15), primary_key=True),
    sa.Column("external_id", sa.String(200)),
    text("reason", 60),
    text("detail", 500),
    sa.Column("fields", Json, nullable=False),
    sa.Column("spared", sa.Boolean, nullable=False),  # the place it names stays as it is, and is not removed
    one_of("outcome", ("rejected", "repaired", "create", "update", "remove")),
    sa.Index("ix_location_import_row_external", "import_id", "external_id"),
)


def _default_of(column: sa.Column[Any]) -> Any:
    return column.server_default.arg if isinstance(column.server_default, sa.DefaultClause) else None


location_stage = sa.Table(
    "location_stage",
    metadata,
    sa.Column("import_id", sa.String(30), sa.ForeignKey("location_import.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("external_id", sa.String(200), primary_key=True),
    sa.Column("id", sa.String(30), nullable=False),  # used when the row is new
    sa.Column("verdict", sa.String(10)),  # new, changed, same, then done; null until compared with the network
    *[
        sa.Column(c.name, c.type, nullable=c.nullable, server_default=_default_of(c))
        for c in location.columns
        if c.name not in NOT_OF_SOURCE
    ],
    sa.Index("ix_location_stage_verdict", "import_id", "verdict"),
)

lane = sa.Table(
    "lane",
    metadata,
    id_column(),
    ref("origin_location_id", "location.id", nullable=True, index=True),  # null: from any location
    ref("destination_retailer_id", "retailer.id", nullable=True, index=True),
    ref("destination_hub_id", "location.id", nullable=True),
    text("carrier", 60),
    text("service", 60),
    text("days", 60),
    text("cutoff", 5),
    sa.Column("max_weight_g", sa.BigInteger),
    sa.Column("price", Json),
    sa.Column("transit_days", sa.Integer),
    at("created_at"),
    at("removed_at", nullable=True),
    # What one bag or tote may hold: somebody lifts it.
    sa.Column("max_bag_weight_g", sa.Integer),
    sa.Column("max_bag_parcels", sa.Integer),
    sa.CheckConstraint("(destination_retailer_id IS NULL) <> (destination_hub_id IS NULL)", name="destination"),
)

device = sa.Table(
    "device",
    metadata,
    id_column(),
    ref("location_id", "location.id", index=True),
    text("name", 200),
    live_column(),
    at("created_at"),
    text("pairing_hash", 64, unique=True),  # one pairing code, one device
    at("pairing_expires_at"),
    at("paired_at", nullable=True),
    at("revoked_at", nullable=True),
)

gazetteer_import = sa.Table(
    "gazetteer_import",
    metadata,
    id_column(),
    text("file", 200),
    text("attribution", 300),
    text("state", 10),
    sa.Column("stored", sa.BigInteger, nullable=False),  # rows; those out of force are cleared away bit by bit
    sa.Column("report", Json),
    at("created_at"),
    at("ended_at", nullable=True),
    one_of("state", ("staging", "done", "failed")),
)

gazetteer_code = sa.Table(
    "gazetteer_code",
    metadata,
    sa.Column("import_id", sa.String(30), sa.ForeignKey("gazetteer_import.id"), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    text("country", 2),
    text("postcode", 20),
    text("place", 200),
    text("region", 100),
    sa.Column("lat", sa.Float(53), nullable=False),
    sa.Column("lon", sa.Float(53), nullable=False),
    sa.CheckConstraint("lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180", name="position"),
)

# Which import is in force for a country: a whole gazetteer changes hands by a few rows, however long it is.
gazetteer_country = sa.Table(
    "gazetteer_country",
    metadata,
    sa.Column("country", sa.String(2), primary_key=True),  # one country, one import
    ref("import_id", "gazetteer_import.id", index=True),
    sa.Column("codes", sa.Integer, nullable=False),
)

gazetteer_revision = sa.Table(
    "gazetteer_revision",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.CheckConstraint("id = 1", name="single"),
)

# When the next question may be put to a geocoding service: all processes share the rate that its owner allows.
geocoder_turn = sa.Table(
    "geocoder_turn",
    metadata,
    sa.Column("service", sa.String(60), primary_key=True),
    at("next_at"),
)
