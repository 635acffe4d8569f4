"""Rolls of tags and pre-printed bag labels

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

from dropoff.db import schema

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tag_roll",
        sa.Column("id", sa.String(length=30), nullable=False),
        sa.Column("location_id", sa.String(length=30), nullable=False),
        sa.Column("stem", sa.String(length=20), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("registered_at", schema.Timestamp(), nullable=False),
        sa.Column("registered_by", sa.String(length=60), nullable=False),
        sa.Column("retired_at", schema.Timestamp(), nullable=True),
        sa.Column("low_at", schema.Timestamp(), nullable=True),
        sa.CheckConstraint("first >= 0 AND first <= last", name=op.f("ck_tag_roll_range")),
        sa.CheckConstraint("used >= 0 AND used <= last - first + 1", name=op.f("ck_tag_roll_used")),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_tag_roll_location_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag_roll")),
    )
    op.create_index(op.f("ix_tag_roll_location_id"), "tag_roll", ["location_id"])
    op.create_index("ix_tag_roll_number", "tag_roll", ["stem", "width", "first"])
    op.create_table(
        "label_range",
        sa.Column("id", sa.String(length=30), nullable=False),
        sa.Column("prefix", sa.String(length=12), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("location_id", sa.String(length=30), nullable=True),
        sa.Column("printed_at", schema.Timestamp(), nullable=False),
        sa.Column("printed_by", sa.String(length=60), nullable=False),
        sa.CheckConstraint("first >= 0 AND first <= last", name=op.f("ck_label_range_range")),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_label_range_location_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_label_range")),
    )
    op.create_index(op.f("ix_label_range_location_id"), "label_range", ["location_id"])
    op.create_index("ix_label_range_number", "label_range", ["prefix", "first"])
    with op.batch_alter_table("tag", schema=None) as batch_op:
        batch_op.add_column(sa.Column("roll_id", sa.String(length=30), nullable=True))
        batch_op.create_foreign_key(op.f("fk_tag_roll_id"), "tag_roll", ["roll_id"], ["id"])
        batch_op.create_index(batch_op.f("ix_tag_roll_id"), ["roll_id"], unique=False)
