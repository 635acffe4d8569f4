"""Clerks and their shifts

Revision ID: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op

from dropoff.db import schema

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

HERE = sa.text("removed_at IS NULL")
RUNS = sa.text("ended_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "clerk",
        sa.Column("id", sa.String(length=30), nullable=False),
        sa.Column("location_id", sa.String(length=30), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("initials", sa.String(length=4), nullable=False),
        sa.Column("pin_hash", sa.String(length=120), nullable=True),
        sa.Column("badge_hash", sa.String(length=64), nullable=True),
        sa.Column("created_at", schema.Timestamp(), nullable=False),
        sa.Column("removed_at", schema.Timestamp(), nullable=True),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_clerk_location_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clerk")),
        sa.UniqueConstraint("badge_hash", name=op.f("uq_clerk_badge_hash")),
    )
    op.create_index(
        "uq_clerk_initials",
        "clerk",
        ["location_id", "initials"],
        unique=True,
        sqlite_where=HERE,
        postgresql_where=HERE,
    )
    op.create_table(
        "shift",
        sa.Column("id", sa.String(length=30), nullable=False),
        sa.Column("location_id", sa.String(length=30), nullable=False),
        sa.Column("device_id", sa.String(length=30), nullable=False),
        sa.Column("clerk_id", sa.String(length=30), nullable=False),
        sa.Column("began_at", schema.Timestamp(), nullable=False),
        sa.Column("seen_at", schema.Timestamp(), nullable=False),
        sa.Column("ended_at", schema.Timestamp(), nullable=True),
        sa.Column("note", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_shift_location_id")),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_shift_device_id")),
        sa.ForeignKeyConstraint(["clerk_id"], ["clerk.id"], name=op.f("fk_shift_clerk_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shift")),
    )
    op.create_index("uq_shift_open", "shift", ["device_id"], unique=True, sqlite_where=RUNS, postgresql_where=RUNS)
    op.create_index(op.f("ix_shift_clerk_id"), "shift", ["clerk_id"])
    op.create_index("ix_shift_ended", "shift", ["location_id", "ended_at"])
    op.create_table(
        "counter_rule",
        sa.Column("location_id", sa.String(length=30), nullable=False),
        sa.Column("lock_after_min", sa.Integer(), nullable=True),
        sa.CheckConstraint("lock_after_min > 0", name=op.f("ck_counter_rule_lock_after")),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_counter_rule_location_id")),
        sa.PrimaryKeyConstraint("location_id", name=op.f("pk_counter_rule")),
    )
    for table in ("event", "hand_in", "counter_attempt", "handover"):
        op.add_column(table, sa.Column("clerk_id", sa.String(length=30), nullable=True))
    op.drop_index(op.f("ix_counter_attempt_location_id"), table_name="counter_attempt")
    op.create_index("ix_counter_attempt_place", "counter_attempt", ["location_id", "at"])
