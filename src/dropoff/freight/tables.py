import sqlalchemy as sa

from dropoff.db.schema import Json, at, id_column, live_column, metadata, one_of, ref, text
from dropoff.freight.rules import LABEL_FORMATS, SHIPMENT_STATES

MISSED = sa.text("missed_at IS NOT NULL AND status = 'booked'")

consolidation_run = sa.Table(
    "consolidation_run",
    metadata,
    id_column(),
    at("as_of"),
    text("state", 10),
    text("actor", 60),
    sa.Column("left", Json),
    at("created_at"),
    at("ended_at", nullable=True),
    one_of("state", ("running", "done")),
)

shipment = sa.Table(
    "shipment",
    metadata,
    id_column(),
    ref("run_id", "consolidation_run.id", index=True),
    ref("lane_id", "lane.id"),
    ref("origin_location_id", "location.id", index=True),
    ref("destination_retailer_id", "retailer.id", nullable=True, index=True),
    ref("destination_hub_id", "location.id", nullable=True),
    live_column(),
    at("departs_at", index=True),
    sa.Column("number", sa.Integer, nullable=False),
    text("carrier", 60),
    text("service", 60),
    text("status", 12),
    text("reference", 40, unique=True),  # ours, sent to the carrier: what a lost answer is looked up by
    sa.Column("tracking_number", sa.String(100)),
    sa.Column("weight_g", sa.BigInteger, nullable=False),
    sa.Column("warnings", Json, nullable=False),
    sa.Column("error", sa.String(1000)),
    at("created_at"),
    at(
        "intended_at", nullable=True
    ),  # when the carrier was last asked: before the call, so that a crash leaves a trace
    at("booked_at", nullable=True),
    at("handed_over_at", nullable=True),
    at("missed_at", nullable=True),  # when somebody first said that no driver came
    one_of("status", SHIPMENT_STATES),
    sa.UniqueConstraint(
        "lane_id", "origin_location_id", "live", "departs_at", "number"
    ),  # a departure is planned once per number
    # Those that still wait after a driver did not come are looked for at every cut-off.
    sa.Index("ix_shipment_missed", "missed_at", sqlite_where=MISSED, postgresql_where=MISSED),
)

shipment_container = sa.Table(
    "shipment_container",
    metadata,
    ref("shipment_id", "shipment.id", primary_key=True),
    ref("container_id", "container.id", primary_key=True, index=True),
    sa.Column("position", sa.Integer, nullable=False),
    text("sscc", 18),
    sa.Column("label", Json),  # what its label says, as it was when booked: a reprint equals the first print
)

shipment_label = sa.Table(
    "shipment_label",
    metadata,
    # The labels a carrier made itself; empty `sscc`: one for the whole shipment.
    ref("shipment_id", "shipment.id", primary_key=True),
    text("sscc", 18, primary_key=True),
    text("format", 5, primary_key=True),
    sa.Column("content", sa.LargeBinary, nullable=False),
    one_of("format", LABEL_FORMATS),
)

handover = sa.Table(
    "handover",
    metadata,
    id_column(),
    ref("location_id", "location.id", index=True),
    ref("device_id", "device.id"),
    sa.Column("shipment_id", sa.String(30)),
    text("verdict", 10),
    sa.Column("reason", sa.String(30)),
    sa.Column("driver", sa.String(100)),
    sa.Column("driver_count", sa.Integer),
    sa.Column("clerk_id", sa.String(30)),  # who stood at the till
    sa.Column("handed_over", Json, nullable=False),
    sa.Column("left_behind", Json, nullable=False),
    at("at"),
)
