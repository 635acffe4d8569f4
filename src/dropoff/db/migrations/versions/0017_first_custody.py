"""When a hand-in really was, the device's clock set right

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op

from dropoff.db import schema

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("hand_in", sa.Column("custody_at", schema.Timestamp(), nullable=True))


def downgrade() -> None:
    op.drop_column("hand_in", "custody_at")
