"""Places kept by hand: pauses, closures, fields set by an operator

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

from dropoff.db import schema

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ENDS = sa.text("paused_until IS NOT NULL")
OF_A_PLACE = sa.text("location_id IS NOT NULL AND retailer_id IS NULL")


def upgrade() -> None:
    op.add_column("location", sa.Column("pause_reason", sa.String(length=200), nullable=True))
    op.add_column("location", sa.Column("paused_until", schema.Timestamp(), nullable=True))
    op.add_column("location", sa.Column("paused_by", sa.String(length=60), nullable=True))
    op.create_index("ix_location_paused_until", "location", ["paused_until"], sqlite_where=ENDS, postgresql_where=ENDS)
    op.create_index(
        "ix_event_place", "event", ["location_id", "seq"], sqlite_where=OF_A_PLACE, postgresql_where=OF_A_PLACE
    )
    op.create_table(
        "location_closure",
        sa.Column("id", sa.String(length=30), nullable=False),
        sa.Column("location_id", sa.String(length=30), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("hours", sa.String(length=60), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("created_at", schema.Timestamp(), nullable=False),
        sa.Column("created_by", sa.String(length=60), nullable=False),
        sa.Column("removed_at", schema.Timestamp(), nullable=True),
        sa.CheckConstraint("first_day <= last_day", name=op.f("ck_location_closure_days")),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_location_closure_location_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_location_closure")),
    )
    op.create_index(op.f("ix_location_closure_location_id"), "location_closure", ["location_id"])
    op.create_table(
        "location_override",
        sa.Column("location_id", sa.String(length=30), nullable=False),
        sa.Column("field", sa.String(length=30), nullable=False),
        sa.Column("source_value", schema.Json, nullable=True),
        sa.Column("made_at", schema.Timestamp(), nullable=False),
        sa.Column("made_by", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_location_override_location_id")),
        sa.PrimaryKeyConstraint("location_id", "field", name=op.f("pk_location_override")),
    )


def downgrade() -> None:
    op.drop_table("location_override")
    op.drop_table("location_closure")
    op.drop_index("ix_event_place", "event")
    op.drop_index("ix_location_paused_until", "location")
    for name in ("paused_by", "paused_until", "pause_reason"):
        op.drop_column("location", name)
