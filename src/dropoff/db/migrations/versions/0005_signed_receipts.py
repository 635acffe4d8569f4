"""Signed receipts and the keys that sign them

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

from dropoff.db import schema

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "signing_key",
        sa.Column("id", sa.String(length=30), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("public", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", schema.Timestamp(length=24), nullable=False),
        sa.Column("retired_at", schema.Timestamp(length=24), nullable=True),
        sa.Column("revoked_at", schema.Timestamp(length=24), nullable=True),
        sa.CheckConstraint("purpose IN ('receipt')", name=op.f("ck_signing_key_purpose")),
        sa.CheckConstraint("(retired_at IS NULL) = (sealed IS NOT NULL)", name=op.f("ck_signing_key_private_half")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_key")),
    )
    current = sa.text("retired_at IS NULL")
    op.create_index(
        "uq_signing_key_current",
        "signing_key",
        ["purpose"],
        unique=True,
        sqlite_where=current,
        postgresql_where=current,
    )
    op.create_table(
        "signed_receipt",
        sa.Column("hand_in_id", sa.String(length=30), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("key_id", sa.String(length=30), nullable=False),
        sa.Column("compact", sa.Text(), nullable=False),
        sa.Column("signed_at", schema.Timestamp(length=24), nullable=False),
        sa.CheckConstraint("kind IN ('receipt', 'undo')", name=op.f("ck_signed_receipt_kind")),
        sa.ForeignKeyConstraint(["hand_in_id"], ["hand_in.id"], name=op.f("fk_signed_receipt_hand_in_id")),
        sa.ForeignKeyConstraint(["key_id"], ["signing_key.id"], name=op.f("fk_signed_receipt_key_id")),
        sa.PrimaryKeyConstraint("hand_in_id", "kind", name=op.f("pk_signed_receipt")),
    )


def downgrade() -> None:
    op.drop_table("signed_receipt")
    op.drop_table("signing_key")
