"""Facts of places: who collects there, steps, a printer, limits, refusals, a picture and how to reach it

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

from dropoff.db import schema

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Columns are added one by one: a rebuild of SQLite's table would copy every place, and lose its checks.
    for table in ("location", "location_stage"):
        op.add_column(table, sa.Column("photo_url", sa.String(length=500), nullable=False, server_default=""))
        op.add_column(table, sa.Column("access_note", sa.String(length=200), nullable=False, server_default=""))
        op.add_column(table, sa.Column("carriers", schema.Json, nullable=True))
        op.add_column(table, sa.Column("step_free", sa.Boolean(), nullable=True))
        op.add_column(table, sa.Column("has_printer", sa.Boolean(), nullable=True))
        op.add_column(table, sa.Column("max_size_mm", schema.Json, nullable=True))
        op.add_column(table, sa.Column("refuses", schema.Json, nullable=True))
    op.execute(
        "ALTER TABLE location ADD COLUMN max_weight_g BIGINT CONSTRAINT ck_location_max_weight CHECK (max_weight_g > 0)"
    )
    op.add_column("location_stage", sa.Column("max_weight_g", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    names = (
        "photo_url",
        "access_note",
        "carriers",
        "step_free",
        "has_printer",
        "max_size_mm",
        "refuses",
        "max_weight_g",
    )
    for table in ("location", "location_stage"):
        for name in names:
            op.drop_column(table, name)
