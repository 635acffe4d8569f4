"""What is known of a place from what happens there

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

from dropoff.db import schema

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# What was counted before the table was there.
COUNT = """
INSERT INTO location_load (location_id, waiting, waiting_at, hand_in_at, driver_at, touched_at)
SELECT counted.id, counted.waiting, {now}, counted.hand_in_at, counted.driver_at, {now} FROM (
  SELECT place.id AS id,
    (SELECT count(*) FROM parcel
      WHERE parcel.location_id = place.id AND parcel.live = place.live
        AND parcel.status IN ('tagged', 'in_container', 'at_hub')) AS waiting,
    (SELECT max(hand_in.received_at) FROM hand_in
      WHERE hand_in.location_id = place.id AND hand_in.live = place.live
        AND hand_in.verdict = 'accepted' AND hand_in.undone_at IS NULL) AS hand_in_at,
    (SELECT max(handover.at) FROM handover
      JOIN device ON device.id = handover.device_id AND device.live = place.live
      WHERE handover.location_id = place.id AND handover.verdict = 'accepted') AS driver_at
  FROM location AS place
  WHERE place.id IN (SELECT location_id FROM hand_in) OR place.id IN (SELECT location_id FROM parcel)
) AS counted
"""
NOW = {"sqlite": f"strftime('{schema.SQLITE_TIME}', 'now')", "postgresql": "statement_timestamp()"}


def upgrade() -> None:
    op.create_table(
        "location_load",
        sa.Column("location_id", sa.String(length=30), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("waiting_at", schema.Timestamp(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column("capacity_at", schema.Timestamp(), nullable=True),
        sa.Column("hand_in_at", schema.Timestamp(), nullable=True),
        sa.Column("driver_at", schema.Timestamp(), nullable=True),
        sa.Column("tags", sa.Integer(), nullable=True),
        sa.Column("tags_at", schema.Timestamp(), nullable=True),
        sa.Column("printer", sa.String(length=10), nullable=True),
        sa.Column("printer_at", schema.Timestamp(), nullable=True),
        sa.Column("touched_at", schema.Timestamp(), nullable=False),
        sa.CheckConstraint("waiting >= 0 AND capacity >= 0 AND tags >= 0", name=op.f("ck_location_load_counts")),
        sa.CheckConstraint("printer IN ('ready', 'empty', 'broken', 'none')", name=op.f("ck_location_load_printer")),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_location_load_location_id")),
        sa.PrimaryKeyConstraint("location_id", name=op.f("pk_location_load")),
    )
    op.create_index(op.f("ix_location_load_touched_at"), "location_load", ["touched_at"])
    op.execute(COUNT.format(now=NOW[op.get_bind().dialect.name]))


def downgrade() -> None:
    op.drop_table("location_load")
