"""Visits: several returns under one code

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

from dropoff.db import schema

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "visit",
        sa.Column("id", sa.String(length=30), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("short_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", schema.Timestamp(), nullable=False),
        sa.Column("expires_at", schema.Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_visit_code_hash")),
        sa.UniqueConstraint("short_hash", name=op.f("uq_visit_short_hash")),
    )
    op.create_index(op.f("ix_visit_expires_at"), "visit", ["expires_at"])
    op.create_table(
        "visit_return",
        sa.Column("visit_id", sa.String(length=30), nullable=False),
        sa.Column("return_id", sa.String(length=30), nullable=False),
        sa.Column("added_at", schema.Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_visit_return_visit_id")),
        sa.ForeignKeyConstraint(["return_id"], ["return.id"], name=op.f("fk_visit_return_return_id")),
        sa.PrimaryKeyConstraint("visit_id", "return_id", name=op.f("pk_visit_return")),
    )
    op.create_index(op.f("ix_visit_return_return_id"), "visit_return", ["return_id"])


def downgrade() -> None:
    op.drop_table("visit_return")
    op.drop_table("visit")
