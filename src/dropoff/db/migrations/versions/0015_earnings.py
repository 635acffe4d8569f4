"""What places earn

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

from dropoff.db import schema

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "parcel_rate",
        sa.Column("id", sa.String(length=30), nullable=False),
        sa.Column("location_id", sa.String(length=30), nullable=True),
        sa.Column("operator", sa.String(length=200), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("set_at", schema.Timestamp(), nullable=False),
        sa.Column("set_by", sa.String(length=60), nullable=False),
        sa.CheckConstraint("(location_id IS NULL) <> (operator IS NULL)", name=op.f("ck_parcel_rate_scope")),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_parcel_rate_amount")),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_parcel_rate_location_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parcel_rate")),
    )
    op.create_index(op.f("ix_parcel_rate_location_id"), "parcel_rate", ["location_id"])
    op.create_index(op.f("ix_parcel_rate_operator"), "parcel_rate", ["operator"])
    op.create_table(
        "earning_statement",
        sa.Column("location_id", sa.String(length=30), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("content", schema.Json, nullable=False),
        sa.Column("made_at", schema.Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_earning_statement_location_id")),
        sa.PrimaryKeyConstraint("location_id", "month", name=op.f("pk_earning_statement")),
    )
