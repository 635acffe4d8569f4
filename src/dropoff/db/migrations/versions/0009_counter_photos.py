"""Photos of what lay on the counter

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

from dropoff.db import schema

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "counter_photo",
        sa.Column("id", sa.String(length=30), nullable=False),
        sa.Column("retailer_id", sa.String(length=30), nullable=False),
        sa.Column("return_id", sa.String(length=30), nullable=False),
        sa.Column("unit_id", sa.String(length=30), nullable=False),
        sa.Column("hand_in_id", sa.String(length=30), nullable=False),
        sa.Column("location_id", sa.String(length=30), nullable=False),
        sa.Column("actor", sa.String(length=60), nullable=False),
        sa.Column("refused", sa.String(length=30), nullable=True),
        sa.Column("note", sa.String(length=200), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("taken_at", schema.Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(["retailer_id"], ["retailer.id"], name=op.f("fk_counter_photo_retailer_id")),
        sa.ForeignKeyConstraint(["return_id"], ["return.id"], name=op.f("fk_counter_photo_return_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_counter_photo_unit_id")),
        sa.ForeignKeyConstraint(["hand_in_id"], ["hand_in.id"], name=op.f("fk_counter_photo_hand_in_id")),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_counter_photo_location_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_counter_photo")),
    )
    op.create_index(op.f("ix_counter_photo_return_id"), "counter_photo", ["return_id"])
    op.create_index(op.f("ix_counter_photo_hand_in_id"), "counter_photo", ["hand_in_id"])


def downgrade() -> None:
    op.drop_table("counter_photo")
