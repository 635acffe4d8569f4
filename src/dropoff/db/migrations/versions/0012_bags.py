"""Limits of a bag, and bags whose goods need customs papers

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("lane", sa.Column("max_bag_weight_g", sa.Integer(), nullable=True))
    op.add_column("lane", sa.Column("max_bag_parcels", sa.Integer(), nullable=True))
    op.add_column("container", sa.Column("customs", sa.String(length=2), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("container", "customs")
    op.drop_column("lane", "max_bag_parcels")
    op.drop_column("lane", "max_bag_weight_g")
